"""A reverse-mode autograd engine written from scratch, and on it a laboratory of weight initialization.

>>> import tinygrad_init as tgi
>>> x = tgi.tensor([1.0, 2.0], requires_grad=True)
>>> (x * x).sum().backward()
>>> x.grad
tensor([2., 4.], dtype=float32)

`tgi.nn`, `tgi.init`, `tgi.optim` and `tgi.data` build networks; `tgi.theory` says what to expect of them,
`tgi.diagnose` why one does not train; `tgi.lab` is the interactive experiment in a notebook; `tinygrad_init.scalar` is
the same engine on single numbers, to be read.
"""

from __future__ import annotations

from . import _interruption  # noqa: F401 (before everything else, so that Ctrl-C ends the imports of the command)

# isort: split
import builtins
from typing import TYPE_CHECKING, Any

from . import ops
from .engine.bound import bind
from .engine.gradients import grad
from .engine.modes import (
    default_dtype,
    detect_anomaly,
    enable_grad,
    get_default_dtype,
    inspecting,
    is_grad_enabled,
    no_grad,
    set_default_dtype,
)
from .engine.tensor import Tensor
from .kernels.backend import BACKEND
from .lazy_names import importing_later
from .ops import *  # noqa: F403 (what `ops.__all__` lists)
from .ops import special as special
from .ops.drawing import manual_seed
from .version import __version__ as __version__

if TYPE_CHECKING:
    from . import array_api, autograd, data, diagnosis, func, init, nn, optim, starts, sweeps, theory
    from . import torch as torch
    from .diagnosis import diagnose, recommend
    from .gradient_checks import GradcheckError, gradcheck, gradgradcheck
    from .inside import derivation, tape
    from .laboratory.serving.notebook import lab
    from .onnx_export import to_onnx
    from .ops.generators import Generator
    from .programs import CaptureError, LoadedProgram, ProgramError, capture, load_program
    from .rate_search import find_lr
    from .saving import LoadError, load, save
    from .sweeps import sweep
    from .training import initialize, predict, train
    from .transforms import (
        checkpoint,
        custom_op,
        hessian,
        hvp,
        jacfwd,
        jacobian,
        jacrev,
        jvp,
        linearize,
        vhp,
        vjp,
        vmap,
    )

# What a script may do without, and tensors do, is imported when it is first asked for.
_LATER = {
    **dict.fromkeys(
        (
            "checkpoint",
            "custom_op",
            "hessian",
            "hvp",
            "jacfwd",
            "jacobian",
            "jacrev",
            "jvp",
            "linearize",
            "vhp",
            "vjp",
            "vmap",
        ),
        "transforms",
    ),
    **dict.fromkeys(
        (
            "BoolTensor",
            "ByteTensor",
            "CharTensor",
            "DoubleTensor",
            "FloatTensor",
            "IntTensor",
            "LongTensor",
            "ShortTensor",
            "Size",
            "accelerator",
            "backends",
            "bool",
            "cuda",
            "device",
            "double",
            "dtype",
            "e",
            "finfo",
            "float",
            "float32",
            "float64",
            "iinfo",
            "inf",
            "inference_mode",
            "int",
            "int16",
            "int32",
            "int64",
            "int8",
            "long",
            "mps",
            "nan",
            "newaxis",
            "pi",
            "set_grad_enabled",
            "short",
            "uint8",
            "xpu",
        ),
        "pytorch_names",
    ),
    "distributions": "",
    "estimators": "",
    "utils": "",
    "CaptureError": "programs",
    "LoadedProgram": "programs",
    "ProgramError": "programs",
    "Generator": "ops.generators",
    "GradcheckError": "gradient_checks",
    "LoadError": "saving",
    "array_api": "",
    "capture": "programs",
    "load_program": "programs",
    "autograd": "",
    "data": "",
    "derivation": "inside",
    "diagnose": "diagnosis",
    "diagnosis": "",
    "find_lr": "rate_search",
    "func": "",
    "init": "",
    "nn": "",
    "optim": "",
    "gradcheck": "gradient_checks",
    "gradgradcheck": "gradient_checks",
    "initialize": "training",
    "lab": "laboratory.serving.notebook",
    "load": "saving",
    "predict": "training",
    "recommend": "diagnosis",
    "save": "saving",
    "starts": "",
    "sweep": "sweeps",
    "sweeps": "",
    "tape": "inside",
    "theory": "",
    "to_onnx": "onnx_export",
    "torch": "",
    "train": "training",
}
__getattr__, __dir__ = importing_later(__name__, _LATER)


def trace(x: Any) -> Any:  # type: ignore[no-redef] # of numbers, what `ops.trace` is not
    """What led to a number, or the sum of the diagonal of a matrix.

    Parameters
    ----------
    x
        A 0-d tensor that requires grad, of which there is no diagonal: its tape comes, as from `tape(x)`. A matrix:
        its trace, as in NumPy and PyTorch.

    Returns
    -------
    Tape or Tensor

    Raises
    ------
    ValueError
        `x` is neither, or nothing was recorded on the way to the number.
    """
    if isinstance(x, Tensor) and x.ndim == 0:
        from .inside import tape

        return tape(x)
    return ops.trace(x)


def _namespace(api_version: str | None = None) -> Any:
    from . import array_api

    return array_api.namespace(api_version)


bind(array_namespace=_namespace)


# What wants PyTorch imports it when it is called, so that `from tinygrad_init import *` does not.
def from_torch(module: Any, *, rng: Any = None) -> nn.Module:
    """A module of this package that computes what a PyTorch module does; see `tgi.torch.from_torch`."""
    from .torch import conversion

    made: nn.Module = conversion.from_torch(module, rng=rng)
    return made


def to_torch(module: nn.Module) -> Any:
    """A PyTorch module that computes what a module of this package does; see `tgi.torch.to_torch`."""
    from .torch import conversion

    return conversion.to_torch(module)


__all__ = [
    # `from tinygrad_init import *` replaces nothing that Python has by itself: sum is tgi.sum.
    *(name for name in ops.__all__ if not hasattr(builtins, name)),
    "vmap",
    "vjp",
    "vhp",
    "linearize",
    "jvp",
    "jacrev",
    "jacobian",
    "jacfwd",
    "hvp",
    "hessian",
    "custom_op",
    "checkpoint",
    "BACKEND",
    "CaptureError",
    "Generator",
    "GradcheckError",
    "LoadError",
    "LoadedProgram",
    "ProgramError",
    "Tensor",
    "array_api",
    "autograd",
    "capture",
    "data",
    "default_dtype",
    "derivation",
    "detect_anomaly",
    "diagnose",
    "diagnosis",
    "enable_grad",
    "find_lr",
    "from_torch",
    "func",
    "get_default_dtype",
    "grad",
    "gradcheck",
    "gradgradcheck",
    "init",
    "initialize",
    "inspecting",
    "is_grad_enabled",
    "lab",
    "load",
    "load_program",
    "manual_seed",
    "nn",
    "no_grad",
    "ops",
    "optim",
    "predict",
    "recommend",
    "save",
    "set_default_dtype",
    "special",
    "starts",
    "sweep",
    "sweeps",
    "tape",
    "theory",
    "to_onnx",
    "to_torch",
    "train",
]
