"""Modules: parameters with names, and a way to call them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, Self, TypeVar

import numpy as np

from ..engine.discrete import DiscreteTensor, discrete
from ..engine.modes import mode
from ..engine.tensor import Tensor
from ..layering import OTHER
from .construction import remembered
from .hooks import Hooked, called_with_hooks
from .options import dtype_named, require_cpu
from .parameters import Buffer, Parameter, in_dtype
from .state import Stateful

T = TypeVar("T", bound=Tensor)


class Call(NamedTuple):
    """A call of a module: what went in, by position and by name, and what came out."""

    module: Module
    inputs: tuple[Any, ...]
    output: Any
    options: dict[str, Any]


class Module(Hooked, Stateful):
    """A function with parameters; subclasses write `forward`.

    Parameters, buffers and modules that are assigned to attributes are found under the attribute's name, nested ones
    under names joined by dots, as in PyTorch ("layers.0.weight"). A module assigned in two places is counted once.
    """

    training: bool = True
    role: str = OTHER  # what it is in a network, if it is no linear map: see `role_of`
    waits: bool = False  # whether it has parameters only after the first call: see `lazy`
    multiplies: bool = True  # whether a weight of two axes or more is that of a linear map
    _buffers: tuple[str, ...] = ()  # what `register_buffer` was given
    _transient: tuple[str, ...] = ()  # those of them that are not part of the state
    made_with: tuple[tuple[Any, ...], dict[str, Any]]  # the call of its class, as far as it is `remembered`

    def __new__(cls, *inputs: Any, **options: Any) -> Self:
        if cls.__init__ is object.__init__ and (inputs or options):
            raise TypeError(f"{cls.__name__}() takes no arguments")
        module = object.__new__(cls)
        object.__setattr__(module, "made_with", (remembered(inputs), remembered(options)))
        return module

    def __call__(self, *inputs: Any, **options: Any) -> Any:
        if mode.unusual == 0 and not self._hooks:
            return self.forward(*inputs, **options)
        trace, observer = mode.trace, mode.observer
        if trace is not None:
            trace.visits(self)
        output = called_with_hooks(self, inputs, options) if self._hooks else self.forward(*inputs, **options)
        if observer is not None:
            observer(Call(self, inputs, output, options))
        return output

    def forward(self, *inputs: Any, **options: Any) -> Any:
        raise NotImplementedError(f"{type(self).__name__} does not define forward")

    # What it is made of

    def _members(self) -> Iterator[tuple[str, Module]]:
        """The modules directly below, with their names, also one that stands there twice."""
        return ((name, value) for name, value in vars(self).items() if isinstance(value, Module))

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """The modules directly below, with their names, each once."""
        seen: set[int] = set()
        for name, module in self._members():
            if id(module) not in seen:
                seen.add(id(module))
                yield name, module

    def children(self) -> Iterator[Module]:
        """The modules directly below, each once."""
        return (module for _, module in self.named_children())

    def named_modules(self, prefix: str = "") -> Iterator[tuple[str, Module]]:
        """This module and all below, with their full names, each once and before those inside it."""
        seen: set[int] = set()
        stack: list[tuple[str, Module]] = [(prefix, self)]
        while stack:
            name, module = stack.pop()
            if id(module) not in seen:
                seen.add(id(module))
                yield name, module
                below = [(f"{name}.{part}" if name else part, child) for part, child in module._members()]
                stack.extend(reversed(below))

    def modules(self) -> Iterator[Module]:
        """This module and all below, each once and before those inside it."""
        return (module for _, module in self.named_modules())

    def _named(
        self, kind: type[T] | tuple[type[T], ...], prefix: str = "", recurse: bool = True
    ) -> Iterator[tuple[str, T]]:
        """All attributes of some kind with their full names, each once."""
        seen: set[int] = set()
        for name, module in self.named_modules(prefix) if recurse else [(prefix, self)]:
            if module.waits:
                raise RuntimeError(
                    f"{type(module).__name__}{f' {name!r}' if name else ''} has no parameters before its first call; "
                    "call the model once, then ask for parameters, state or dtype, or make an optimizer"
                )
            whole = module._buffers if kind is not Parameter else ()  # of whole numbers, which are no `Buffer`s
            for own, value in vars(module).items():
                known = isinstance(value, kind) or (own in whole and value is not None)
                if known and id(value) not in seen:
                    seen.add(id(value))
                    yield f"{name}.{own}" if name else own, value

    def named_parameters(self, prefix: str = "", recurse: bool = True) -> Iterator[tuple[str, Parameter]]:
        """All parameters with their full names, each once; without `recurse` those of this module alone."""
        return self._named(Parameter, prefix, recurse)

    def named_buffers(self, prefix: str = "", recurse: bool = True) -> Iterator[tuple[str, Buffer]]:
        """All buffers, what is kept but not learned, with their full names, each once."""
        return self._named(Buffer, prefix, recurse)

    def parameters(self, recurse: bool = True) -> Iterator[Parameter]:
        """All parameters, each once."""
        return (parameter for _, parameter in self.named_parameters(recurse=recurse))

    def buffers(self, recurse: bool = True) -> Iterator[Buffer]:
        """All buffers, each once."""
        return (buffer for _, buffer in self.named_buffers(recurse=recurse))

    def get_submodule(self, target: str) -> Module:
        """The module of a full name; "" is this one.

        Raises
        ------
        AttributeError
            There is none.
        """
        found = self._get(target)
        if not isinstance(found, Module):
            raise AttributeError(f"{type(self).__name__}: {target!r} is no module, but {type(found).__name__}")
        return found

    def get_parameter(self, target: str) -> Parameter:
        """The parameter of a full name; raises as `get_submodule` does."""
        found = self._get(target)
        if not isinstance(found, Parameter):
            raise AttributeError(f"{type(self).__name__}: {target!r} is no parameter, but {type(found).__name__}")
        return found

    def get_buffer(self, target: str) -> Buffer:
        """The buffer of a full name; raises as `get_submodule` does."""
        found = self._get(target)
        if not isinstance(found, Buffer):
            raise AttributeError(f"{type(self).__name__}: {target!r} is no buffer, but {type(found).__name__}")
        return found

    def _get(self, target: str) -> Any:
        """What has a full name."""
        found: Any = self
        for part in target.split(".") if target else ():
            if not isinstance(found, Module) or part not in vars(found):
                known = ", ".join(name for name, _ in self.named_modules() if name)
                raise AttributeError(f"{type(self).__name__}: there is no {target!r}; modules are {known or 'none'}")
            found = vars(found)[part]
        return found

    def name_parameters(self) -> None:
        """Let errors call every parameter by its full name in this module, if all are there."""
        if any(module.waits for module in self.modules()):
            return
        for name, parameter in self.named_parameters():
            parameter.name = name

    # How it is put together

    def add_module(self, name: str, module: Module | None) -> None:
        """Assign a module to an attribute whose name is text.

        Raises
        ------
        TypeError
            It is no module.
        KeyError
            The name is taken by something else, is empty, or has a dot in it.
        """
        if module is not None and not isinstance(module, Module):
            raise TypeError(f"{type(self).__name__}: expected a module as {name!r}, got {type(module).__name__}")
        self._require_free(name, Module)
        setattr(self, name, module)

    register_module = add_module

    def register_parameter(self, name: str, param: Parameter | None) -> None:
        """Assign a parameter, or None where there is none, to an attribute whose name is text; see `add_module`."""
        if param is not None and not isinstance(param, Parameter):
            raise TypeError(f"{type(self).__name__}: expected a Parameter as {name!r}, got {type(param).__name__}")
        self._require_free(name, Parameter)
        setattr(self, name, param)

    def register_buffer(self, name: str, tensor: Any, persistent: bool = True) -> None:
        """Keep numbers that are not learned, under a name.

        Parameters
        ----------
        tensor
            A tensor or an array, or None. Floats become a `Buffer`; whole numbers and booleans stay what they are.
        persistent
            Whether they are part of the state.

        Raises
        ------
        TypeError
            They are no numbers.
        KeyError
            The name is taken by something else, is empty, or has a dot in it.
        """
        self._require_free(name, Buffer | DiscreteTensor)
        if tensor is not None and not isinstance(tensor, Buffer):
            numbers = tensor.detach() if isinstance(tensor, Tensor) else np.array(tensor)
            if numbers.dtype.kind not in "fbiu":
                raise TypeError(f"{type(self).__name__}: a buffer holds numbers, {name!r} {numbers.dtype}")
            tensor = Buffer(numbers, numbers.dtype) if numbers.dtype.kind == "f" else discrete(numbers)
        setattr(self, name, tensor)
        self._buffers = (*(one for one in self._buffers if one != name), name)
        kept = tuple(one for one in self._transient if one != name)
        self._transient = kept if persistent else (*kept, name)

    def _require_free(self, name: str, kind: Any) -> None:
        """Raise unless an attribute of a name may be made, or replaced by one of its kind."""
        if not isinstance(name, str) or not name or "." in name:
            raise KeyError(f"{type(self).__name__}: expected a name without dots, got {name!r}")
        if hasattr(self, name) and not isinstance(getattr(self, name), kind | None):
            raise KeyError(f"{type(self).__name__}: the name {name!r} is taken by an attribute")

    def __setattr__(self, name: str, value: Any) -> None:
        if isinstance(value, Parameter | Buffer) and value.name is None:
            value.name = name
        if isinstance(value, list | tuple | dict) and any(
            isinstance(item, Module | Parameter | Buffer)
            for item in (value.values() if isinstance(value, dict) else value)
        ):
            held = value.values() if isinstance(value, dict) else value
            kind = "Module" if any(isinstance(item, Module) for item in held) else "Parameter"
            raise TypeError(
                f"{type(self).__name__}.{name}: parameters inside a {type(value).__name__} would not be found; "
                f"use nn.{kind}{'Dict' if isinstance(value, dict) else 'List'}, Sequential, or an attribute for each"
            )
        object.__setattr__(self, name, value)
        mode.restructured()

    def __delattr__(self, name: str) -> None:
        object.__delattr__(self, name)
        mode.restructured()

    # What is done to all of it

    def apply(self, fn: Callable[[Module], Any]) -> Self:
        """Call a function with every module below, those inside first, and with this one last."""
        for module in self.children():
            module.apply(fn)
        fn(self)
        return self

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients of all parameters, or make zeros of those that there are."""
        for parameter in self.parameters():
            if set_to_none or parameter.grad is None:
                parameter.grad = None
            else:
                parameter.grad = Tensor(np.zeros(parameter.shape), parameter.dtype)

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """Let all parameters be learned, or none."""
        for parameter in self.parameters():
            parameter.requires_grad = requires_grad
        return self

    def train(self, mode: bool = True) -> Self:
        """Tell all modules whether they are being trained."""
        for module in self.modules():
            module.training = mode
        return self

    def eval(self) -> Self:
        """Tell all modules that they are being used, not trained."""
        return self.train(False)

    def to(self, *args: Any, device: Any = None, dtype: Any = None, non_blocking: bool = False) -> Self:
        """All parameters and buffers in another dtype; where they are, they stay.

        Parameters
        ----------
        args
            A device, which is "cpu", a dtype, or both, or a tensor whose dtype is taken.

        Notes
        -----
        Parameters whose dtype changes are other tensors afterwards: an optimizer is made after this, not before.

        Raises
        ------
        TypeError, ValueError
            It is another device, or a dtype that is neither float32 nor float64.
        """
        for given in args:
            if isinstance(given, Tensor):
                dtype = given.dtype
            elif given is None or str(given).startswith(("cpu", "cuda", "mps", "meta", "xpu")):
                require_cpu(f"{type(self).__name__}.to", given)
            elif dtype is None and not isinstance(given, bool):
                dtype = given
        require_cpu(f"{type(self).__name__}.to", device)
        return self if dtype is None else self._converted(dtype_named(dtype))

    def float(self) -> Self:
        """All parameters and buffers in float32; see `to`."""
        return self._converted(dtype_named("float32"))

    def double(self) -> Self:
        """All parameters and buffers in float64; see `to`."""
        return self._converted(dtype_named("float64"))

    def cpu(self) -> Self:
        """The module itself: all numbers are in the memory of the processor."""
        return self

    def _converted(self, dtype: np.dtype[Any]) -> Self:
        made: dict[int, Parameter | Buffer] = {}
        for module in list(self.modules()):
            if module.waits:
                module.options = {**vars(module)["options"], "dtype": dtype}
            for name, value in list(vars(module).items()):
                if not isinstance(value, Parameter | Buffer) or value.dtype == dtype or name == "num_batches_tracked":
                    continue
                if id(value) not in made:
                    made[id(value)] = in_dtype(value, dtype)
                setattr(module, name, made[id(value)])
        return self

    # How it is shown

    def extra_repr(self) -> str:
        """What stands between the parentheses of `repr`."""
        return ""

    def __repr__(self) -> str:
        lines = [f"({name}): {child!r}".replace("\n", "\n  ") for name, child in self._members()]
        if not lines:
            return f"{type(self).__name__}({self.extra_repr()})"
        return f"{type(self).__name__}(\n  " + "\n  ".join(lines) + "\n)"
