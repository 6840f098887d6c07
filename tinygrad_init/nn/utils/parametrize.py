"""Parameters that are functions of others, under the names of `torch.nn.utils.parametrize`."""

from __future__ import annotations

from typing import Any

from ...engine.modes import no_grad
from ...engine.tensor import Tensor
from ..containers import ModuleDict, ModuleList
from ..module import Module
from ..parameters import Buffer, Parameter
from .computed import compute, rule_of, stop_computing

__all__ = ["ParametrizationList", "is_parametrized", "register_parametrization", "remove_parametrizations"]


class ParametrizationList(ModuleList):
    """What a parameter goes through, one function after the other, and the parameters that it begins with.

    Those are `original`, or `original0`, `original1` and so on where the `right_inverse` of the first function gives
    several. Called without arguments it gives the value.
    """

    def __init__(self, modules: list[Module], original: Any) -> None:
        super().__init__(modules)
        self.count = 0  # of several originals
        found = _inverse(modules[0], original.detach())
        if isinstance(found, tuple):
            self.count = len(found)
            for i, part in enumerate(found):
                setattr(self, f"original{i}", _like(original, part))
        else:
            _overwrite(original, found)
            self.original = original

    def forward(self) -> Any:
        """The value of now."""
        given = [getattr(self, f"original{i}") for i in range(self.count)] if self.count else [self.original]
        for function in self:
            given = [function(*given)]
        return given[0]

    def right_inverse(self, value: Any) -> None:
        """Let the value be this from now on, as far as the functions can be inverted."""
        with no_grad():
            for function in reversed(list(self)):
                value = _inverse(function, value)
            parts = [self.original] if not self.count else [getattr(self, f"original{i}") for i in range(self.count)]
            for own, part in zip(parts, value if isinstance(value, tuple) else (value,), strict=True):
                own.copy_(part)

    def read(self, module: Any) -> Any:
        """As `forward`."""
        return self()

    def write(self, module: Any, value: Any) -> None:
        """As `right_inverse`."""
        self.right_inverse(value.detach() if isinstance(value, Tensor) else value)


class _Through:
    """The rule of a parameter that has a list among the module's `parametrizations`."""

    def __init__(self, name: str) -> None:
        self.name = name

    def read(self, module: Any) -> Any:
        return module.parametrizations[self.name]()

    def write(self, module: Any, value: Any) -> None:
        module.parametrizations[self.name].write(module, value)


def _inverse(function: Module, value: Any) -> Any:
    """What a function makes a value of; the value itself, where it does not say."""
    inverse = getattr(function, "right_inverse", None)
    with no_grad():
        return value if inverse is None else inverse(value)


def _like(original: Tensor, value: Any) -> Any:
    """A parameter, or a buffer, as another is one."""
    if isinstance(original, Parameter):
        return Parameter(value, original.dtype, original.requires_grad)
    return Buffer(value, original.dtype)


def _overwrite(original: Tensor, value: Any) -> None:
    if value.shape != original.shape:
        raise ValueError(
            f"register_parametrization: expected right_inverse to give shape {original.shape}, got {value.shape}"
        )
    with no_grad():
        original.copy_(value.detach())


def register_parametrization(module: Any, tensor_name: str, parametrization: Module, *, unsafe: bool = False) -> Any:
    """Let a parameter of a module be what a function makes of it: `module.weight` is computed when it is asked for.

    What is learned is then `module.parametrizations.weight.original`. A second function takes the value of the first.

    Parameters
    ----------
    module
        Which becomes an object of a class of its own, `Parametrized...`.
    tensor_name
        Of a parameter or a buffer.
    parametrization
        A module from a tensor to one of the same shape and dtype. If it has a method `right_inverse`, what that makes
        of the parameter is where learning starts; a tuple gives several parameters.
    unsafe
        Whether shape and dtype may be others.

    Raises
    ------
    ValueError
        There is no parameter or buffer of that name, or shape or dtype change.
    TypeError
        The function is no module.
    """
    if not isinstance(parametrization, Module):
        came = type(parametrization).__name__
        raise TypeError(f"register_parametrization: expected a module as parametrization, got {came}")
    if is_parametrized(module, tensor_name):
        functions = module.parametrizations[tensor_name]
        value = functions()
        inverted = _inverse(parametrization, value.detach())
        if isinstance(inverted, tuple):
            raise ValueError(
                "register_parametrization: expected one tensor from the right_inverse of a second parametrization, got "
                f"{len(inverted)}"
            )
        _require_same(value, parametrization(inverted), unsafe)
        if hasattr(parametrization, "right_inverse"):
            functions.right_inverse(inverted)
        functions.append(parametrization)
        return module
    original = vars(module).get(tensor_name)
    if not isinstance(original, Parameter | Buffer):
        raise ValueError(
            f"register_parametrization: {type(module).__name__} has no parameter or buffer {tensor_name!r}"
        )
    before = original.detach().clone()
    functions = ParametrizationList([parametrization], original)
    try:
        _require_same(before, functions(), unsafe)
    except ValueError:
        if not functions.count:
            _overwrite(original, before)
        raise
    name = type(module).__name__
    compute(module, tensor_name, _Through(tensor_name), name if is_parametrized(module) else f"Parametrized{name}")
    if "parametrizations" not in vars(module):
        module.parametrizations = ModuleDict()
    module.parametrizations[tensor_name] = functions
    return module


def _require_same(before: Tensor, after: Any, unsafe: bool) -> None:
    if not unsafe and (not isinstance(after, Tensor) or (after.shape, after.dtype) != (before.shape, before.dtype)):
        came = f"shape {after.shape} and {after.dtype}" if isinstance(after, Tensor) else type(after).__name__
        raise ValueError(
            f"register_parametrization: expected a parametrization to keep shape {before.shape} and {before.dtype}, "
            f"got {came}; unsafe=True allows it"
        )


def is_parametrized(module: Any, tensor_name: str | None = None) -> bool:
    """Whether a parameter of a module, or any of them, is computed by functions that were registered."""
    found = vars(module).get("parametrizations")
    if not isinstance(found, ModuleDict):
        return False
    return len(found) > 0 if tensor_name is None else tensor_name in found


def remove_parametrizations(module: Any, tensor_name: str, leave_parametrized: bool = True) -> Any:
    """Make a parameter that is computed one of its own again.

    Parameters
    ----------
    leave_parametrized
        Whether it keeps the value that was computed; else it is what that was computed from, if that is one tensor.

    Raises
    ------
    ValueError
        It is not computed, or from several tensors, of which none can be left.
    """
    if not is_parametrized(module, tensor_name):
        raise ValueError(f"remove_parametrizations: {tensor_name!r} of {type(module).__name__} has no parametrization")
    functions = module.parametrizations[tensor_name]
    if functions.count and not leave_parametrized:
        raise ValueError("remove_parametrizations: leave_parametrized=False needs one original, there are several")
    first = functions.original0 if functions.count else functions.original
    with no_grad():
        value = functions().detach() if leave_parametrized else first
    left = first if not functions.count and value.shape == first.shape else _like(first, value)
    if left is first:
        with no_grad():
            first.copy_(value)
    if rule_of(module, tensor_name, _Through) is not None:
        stop_computing(module, tensor_name)
    del module.parametrizations[tensor_name]
    if not len(module.parametrizations):
        del module.parametrizations
    setattr(module, tensor_name, left)
    return module
