"""Weight and spectral normalization by the older names: `weight_g`, `weight_v` and `weight_orig` beside the bias."""

from __future__ import annotations

from typing import Any

from ...engine.modes import no_grad
from ...engine.tensor import Tensor
from ...init.drawing import Generator
from ..parameters import Parameter
from .computed import compute, rule_of, stop_computing
from .norms import as_matrix, begin, largest, length, require_iterations, rescaled, unit
from .parametrizations import axis_of_units, parameter_of


class _Weight:
    """The rule of a weight made of length and direction."""

    def __init__(self, name: str, dim: int | None) -> None:
        self.name, self.dim = name, dim

    def read(self, module: Any) -> Tensor:
        return rescaled(getattr(module, f"{self.name}_g"), getattr(module, f"{self.name}_v"), self.dim)

    def write(self, module: Any, value: Any) -> None:
        raise AttributeError(f"{self.name} is computed of {self.name}_g and {self.name}_v; change these")


class _Divided:
    """The rule of a weight divided by its largest singular value, which an iteration before each forward follows."""

    def __init__(self, name: str, times: int, dim: int, eps: float) -> None:
        self.name, self.times, self.dim, self.eps = name, times, dim, eps

    def parts(self, module: Any) -> list[Any]:
        """Parameter and singular vectors."""
        return [getattr(module, f"{self.name}_{part}") for part in ("orig", "u", "v")]

    def read(self, module: Any) -> Tensor:
        weight, u, v = self.parts(module)
        return weight / largest(as_matrix(weight, self.dim), u, v)

    def write(self, module: Any, value: Any) -> None:
        raise AttributeError(f"{self.name} is computed of {self.name}_orig; change that")

    def iterate(self, module: Any, inputs: Any) -> None:
        """The hook before forward."""
        if module.training:
            weight, u, v = self.parts(module)
            with no_grad():
                matrix = as_matrix(weight.detach(), self.dim)
                for _ in range(self.times):
                    v.copy_(unit(u @ matrix, self.eps))
                    u.copy_(unit(matrix @ v, self.eps))


def weight_norm(module: Any, name: str = "weight", dim: int | None = 0) -> Any:
    """Learn lengths (`weight_g`) and directions (`weight_v`) of a weight apart; see `parametrizations.weight_norm`.

    Raises
    ------
    ValueError
        There is no parameter of that name.
    RuntimeError
        It is so already.
    """
    if rule_of(module, name, _Weight) is not None:
        raise RuntimeError(f"weight_norm: {name!r} of {type(module).__name__} has been normalized already")
    weight = parameter_of("weight_norm", module, name)
    with no_grad():
        lengths = length(weight, dim)
    compute(module, name, _Weight(name, dim), type(module).__name__)
    setattr(module, f"{name}_g", Parameter(lengths, weight.dtype))
    setattr(module, f"{name}_v", Parameter(weight.detach(), weight.dtype))
    return module


def remove_weight_norm(module: Any, name: str = "weight") -> Any:
    """Make a weight that `weight_norm` took apart a parameter again.

    Raises
    ------
    ValueError
        It is none.
    """
    if rule_of(module, name, _Weight) is None:
        raise ValueError(f"remove_weight_norm: {name!r} of {type(module).__name__} is not normalized")
    return _left(module, name, ("g", "v"))


def spectral_norm(
    module: Any,
    name: str = "weight",
    n_power_iterations: int = 1,
    eps: float = 1e-12,
    dim: int | None = None,
    *,
    rng: Generator | None = None,
) -> Any:
    """Divide a weight by its largest singular value, followed by power iterations at each call in training.

    The parameter is `weight_orig`, the singular vectors are the buffers `weight_u` and `weight_v`. For arguments see
    `parametrizations.spectral_norm`.

    Raises
    ------
    ValueError
        There is no parameter of that name, or no iteration.
    RuntimeError
        It is so already.
    """
    if rule_of(module, name, _Divided) is not None:
        raise RuntimeError(f"spectral_norm: {name!r} of {type(module).__name__} has been normalized already")
    weight = parameter_of("spectral_norm", module, name)
    rule = _Divided(name, require_iterations("spectral_norm", n_power_iterations), axis_of_units(module, dim), eps)
    sizes = as_matrix(weight.detach(), rule.dim).shape
    compute(module, name, rule, type(module).__name__)
    setattr(module, f"{name}_orig", weight)
    for part, size in zip("uv", sizes, strict=True):
        setattr(module, f"{name}_{part}", begin(size, weight.dtype, rng, eps))
    module.register_forward_pre_hook(rule.iterate)
    return module


def remove_spectral_norm(module: Any, name: str = "weight") -> Any:
    """Make a weight that `spectral_norm` divides a parameter again, divided as it is.

    Raises
    ------
    ValueError
        It is none.
    """
    rule = rule_of(module, name, _Divided)
    if rule is None:
        raise ValueError(f"remove_spectral_norm: {name!r} of {type(module).__name__} is not normalized")
    module._hooks = tuple(hook for hook in module._hooks if hook.function != rule.iterate)
    return _left(module, name, ("orig", "u", "v"))


def _left(module: Any, name: str, parts: tuple[str, ...]) -> Any:
    """A module whose weight is a parameter again, of the value of now."""
    value = getattr(module, name).detach()
    stop_computing(module, name)
    for part in parts:
        delattr(module, f"{name}_{part}")
    setattr(module, name, Parameter(value, value.dtype))
    return module
