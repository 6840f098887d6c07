"""Weight initialization: where training starts.

Every initializer fills a tensor in place from a `numpy.random.Generator` (or a seed) and returns it; those of a whole
network are in `starts`. `INITIALIZERS` lists starts by name. The formulas assume a linear map z = W x + b of
`fan_in` inputs: with independent weights of mean 0 and variance σ², the variance of z is fan_in·σ²·E[x²], and that of
the gradient going back fan_out·σ² times what came.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..engine.tensor import Tensor
from ..lazy_names import importing_later
from ..naming import known_name
from .criticality import critical_
from .distributions import (
    TRUNCATED_STD,
    constant_,
    normal_,
    ones_,
    truncated_moments,
    truncated_normal_,
    uniform_,
    zeros_,
)
from .drawing import Generator, manual_seed
from .fans import fans
from .gains import GAINS, calculate_gain, gain_or_one
from .scaling import (
    glorot_normal_,
    glorot_uniform_,
    he_normal_,
    he_uniform_,
    kaiming_normal_,
    kaiming_truncated_normal_,
    kaiming_uniform_,
    lecun_normal_,
    lecun_truncated_normal_,
    lecun_uniform_,
    torch_default_,
    variance_scaling_,
    xavier_normal_,
    xavier_truncated_normal_,
    xavier_uniform_,
)
from .structured import delta_orthogonal_, dirac_, eye_, identity_, orthogonal_, sparse_

# Starts of whole networks have a room of their own.
_MOVED = ("LayerReport", "balance_", "critical", "data_dependent_", "fixup_", "lsuv_")
__getattr__, __dir__ = importing_later(__name__, {}, {name: f"tinygrad_init.starts.{name}" for name in _MOVED})


# A start by its name, as command lines and reports call it: from a weight, a generator and the activation after it,
# which is a name or a module.
# Only "orthogonal" and "critical" look at the activation; "he" is for ReLU and "xavier" for linear units, whatever
# follows.
Initializer = Callable[[Tensor, Generator, Any], Tensor]
INITIALIZERS: dict[str, Initializer] = {
    "zeros": lambda w, rng, activation: zeros_(w),
    "constant": lambda w, rng, activation: constant_(w, 0.1),
    "small": lambda w, rng, activation: variance_scaling_(w, scale=0.01, rng=rng),
    "large": lambda w, rng, activation: variance_scaling_(w, scale=100.0, rng=rng),
    "lecun": lambda w, rng, activation: lecun_normal_(w, rng=rng),
    "lecun_uniform": lambda w, rng, activation: lecun_uniform_(w, rng=rng),
    "lecun_truncated": lambda w, rng, activation: lecun_truncated_normal_(w, rng=rng),
    "xavier": lambda w, rng, activation: xavier_normal_(w, rng=rng),
    "xavier_uniform": lambda w, rng, activation: xavier_uniform_(w, rng=rng),
    "xavier_truncated": lambda w, rng, activation: xavier_truncated_normal_(w, rng=rng),
    "he": lambda w, rng, activation: kaiming_normal_(w, rng=rng),
    "he_uniform": lambda w, rng, activation: kaiming_uniform_(w, rng=rng),
    "he_truncated": lambda w, rng, activation: kaiming_truncated_normal_(w, rng=rng),
    "he_fan_out": lambda w, rng, activation: kaiming_normal_(w, rng=rng, mode="fan_out"),
    "orthogonal": lambda w, rng, activation: orthogonal_(w, gain=gain_or_one(activation), rng=rng),
    "critical": critical_,
    "identity": lambda w, rng, activation: identity_(w),
    "sparse": lambda w, rng, activation: sparse_(w, rng=rng),
    "torch": lambda w, rng, activation: torch_default_(w, rng=rng),
}

# What PyTorch, Keras and JAX call the same starts; how a name is written (HeNormal, kaiming_uniform_) does not matter.
ALIASES: dict[str, str] = {
    "kaiming": "he",
    "kaiming_normal": "he",
    "kaiming_uniform": "he_uniform",
    "he_normal": "he_truncated",
    "glorot": "xavier",
    "glorot_uniform": "xavier_uniform",
    "glorot_normal": "xavier_truncated",
    "xavier_normal": "xavier",
    "lecun_normal": "lecun_truncated",
    "zero": "zeros",
    "default": "torch",
}


def start_name(name: str) -> str:
    """What a start is called here, by our name or that of other libraries (`ALIASES`).

    "he_normal", "glorot_normal" and "lecun_normal" are truncated normals, as Keras and JAX have them; PyTorch's
    "kaiming_normal" and "xavier_normal" are not.

    Raises
    ------
    TypeError
        It is no text.
    ValueError
        There is none of that name.
    """
    return known_name("an initializer", name, INITIALIZERS, ALIASES)


__all__ = [
    "ALIASES",
    "GAINS",
    "INITIALIZERS",
    "TRUNCATED_STD",
    "Generator",
    "Initializer",
    "calculate_gain",
    "constant_",
    "critical_",
    "delta_orthogonal_",
    "dirac_",
    "eye_",
    "fans",
    "gain_or_one",
    "glorot_normal_",
    "glorot_uniform_",
    "he_normal_",
    "he_uniform_",
    "identity_",
    "kaiming_normal_",
    "kaiming_truncated_normal_",
    "kaiming_uniform_",
    "lecun_normal_",
    "lecun_truncated_normal_",
    "lecun_uniform_",
    "manual_seed",
    "normal_",
    "ones_",
    "orthogonal_",
    "sparse_",
    "start_name",
    "torch_default_",
    "truncated_moments",
    "truncated_normal_",
    "uniform_",
    "variance_scaling_",
    "xavier_normal_",
    "xavier_truncated_normal_",
    "xavier_uniform_",
    "zeros_",
]
