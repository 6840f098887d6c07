"""Modules: parameters with names, and a way to call them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Self, TypeVar

import numpy as np

from ..engine.modes import mode, no_grad
from ..engine.tensor import Tensor
from ..layering import OTHER
from .construction import admit, remembered

T = TypeVar("T", bound=Tensor)


class Parameter(Tensor):
    """A leaf that a module learns; assigned to an attribute, it becomes one of the module's parameters.

    Parameters
    ----------
    data, dtype, requires_grad, name
        As in `Tensor`.
    fans
        How many inputs a unit sums up and how many units an input feeds, where the shape does not tell it.
    """

    def __init__(
        self,
        data: Any,
        dtype: Any = None,
        requires_grad: bool = True,
        name: str | None = None,
        fans: tuple[int, int] | None = None,
    ) -> None:
        admit(data)
        super().__init__(data, dtype, requires_grad, name)
        self.fans = fans

    def __reduce__(self) -> tuple[Any, ...]:
        make, arguments = super().__reduce__()
        return make, (*arguments, self.fans)


class Buffer(Tensor):
    """Numbers that a module keeps but does not learn; assigned to an attribute, they become part of its state.

    A module changes them in place (`copy_` within `no_grad`), never by assignment: captured programs take the
    attributes of a module for granted, but read and write the numbers at each run.
    """

    def __init__(self, data: Any, dtype: Any = None, requires_grad: bool = False, name: str | None = None) -> None:
        admit(data)
        super().__init__(data, dtype, requires_grad, name)


class Call(NamedTuple):
    """A call of a module: what went in, by position and by name, and what came out."""

    module: Module
    inputs: tuple[Any, ...]
    output: Any
    options: dict[str, Any]


class observe:
    """Within this context every call of a module is written down, in this thread, innermost first.

    Examples
    --------
    >>> with observe() as calls:
    ...     model(x)
    >>> [call.output.shape for call in calls]
    """

    def __enter__(self) -> list[Call]:
        calls: list[Call] = []
        mode.enter("observer", calls.append)
        return calls

    def __exit__(self, *exception: object) -> None:
        mode.leave()


def dtype_of(module: Module, otherwise: Any = None) -> Any:
    """The dtype of a module's parameters (of the first), or something else if it has none.

    Raises
    ------
    TypeError
        It is no module.
    """
    if not isinstance(module, Module):
        came = f"the class {module.__name__}" if isinstance(module, type) else type(module).__name__
        raise TypeError(f"expected a module, got {came}")
    return next((parameter.dtype for parameter in module.parameters()), otherwise)


class undisturbed:
    """Within this context a model may be run at will: afterwards its modes, buffers and generators are as before.

    Parameters
    ----------
    model
        Whose `training` flags, `Buffer`s and `rng`s, in all modules, are put back.
    modules
        All of its modules, if whoever asks has them: finding them takes longer than a small model.
    """

    def __init__(self, model: Module, modules: Sequence[Module] | None = None) -> None:
        self.model, self.modules = model, modules

    def __enter__(self) -> None:
        modules = self.modules or [module for _, module in self.model.named_modules()]
        self.modes = [(module, vars(module).get("training")) for module in modules]
        buffers = {id(value): value for one in modules for value in vars(one).values() if isinstance(value, Buffer)}
        self.buffers = [(buffer, buffer.numpy().copy()) for buffer in buffers.values()]
        rngs = [rng for module in modules if isinstance(rng := vars(module).get("rng"), np.random.Generator)]
        self.states = [(rng, rng.bit_generator.state) for rng in rngs]

    def __exit__(self, *exception: object) -> None:
        for module, training in self.modes:
            if training is None:
                vars(module).pop("training", None)
            elif module.training != training:
                module.training = training
        with no_grad():
            for buffer, array in self.buffers:
                buffer.copy_(array)
        for rng, state in self.states:
            rng.bit_generator.state = state


class Module:
    """A function with parameters; subclasses write `forward`.

    Parameters, buffers and modules that are assigned to attributes are found under the attribute's name, nested ones
    under names joined by dots, as in PyTorch ("layers.0.weight"). A module assigned in two places is counted once.
    """

    training: bool = True
    role: str = OTHER  # what it is in a network, if it is no linear map: see `role_of`
    made_with: tuple[tuple[Any, ...], dict[str, Any]]  # the call of its class, as far as it is `remembered`

    def __new__(cls, *inputs: Any, **options: Any) -> Self:
        if cls.__init__ is object.__init__ and (inputs or options):
            raise TypeError(f"{cls.__name__}() takes no arguments")
        module = object.__new__(cls)
        object.__setattr__(module, "made_with", (remembered(inputs), remembered(options)))
        return module

    def __call__(self, *inputs: Any, **options: Any) -> Any:
        if mode.unusual == 0:
            return self.forward(*inputs, **options)
        trace, observer = mode.trace, mode.observer
        if trace is not None:
            trace.visits(self)
        output = self.forward(*inputs, **options)
        if observer is not None:
            observer(Call(self, inputs, output, options))
        return output

    def forward(self, *inputs: Any, **options: Any) -> Any:
        raise NotImplementedError(f"{type(self).__name__} does not define forward")

    def children(self) -> Iterator[tuple[str, Module]]:
        """The modules directly below, with their names."""
        for name, value in vars(self).items():
            if isinstance(value, Module):
                yield name, value

    def named_modules(self, prefix: str = "") -> Iterator[tuple[str, Module]]:
        """This module and all below, with their full names, each once and before those inside it."""
        seen: set[int] = set()
        stack: list[tuple[str, Module]] = [(prefix, self)]
        while stack:
            name, module = stack.pop()
            if id(module) not in seen:
                seen.add(id(module))
                yield name, module
                below = [(f"{name}.{part}" if name else part, child) for part, child in module.children()]
                stack.extend(reversed(below))

    def _named(self, kind: type[T] | tuple[type[T], ...]) -> Iterator[tuple[str, T]]:
        """All attributes of some kind with their full names, each once."""
        seen: set[int] = set()
        for prefix, module in self.named_modules():
            for name, value in vars(module).items():
                if isinstance(value, kind) and id(value) not in seen:
                    seen.add(id(value))
                    yield f"{prefix}.{name}" if prefix else name, value

    def named_parameters(self) -> Iterator[tuple[str, Parameter]]:
        """All parameters with their full names, each once."""
        return self._named(Parameter)

    def named_buffers(self) -> Iterator[tuple[str, Buffer]]:
        """All buffers, what is kept but not learned, with their full names, each once."""
        return self._named(Buffer)

    def parameters(self) -> Iterator[Parameter]:
        """All parameters, each once."""
        return (parameter for _, parameter in self.named_parameters())

    def name_parameters(self) -> None:
        """Let errors call every parameter by its full name in this module."""
        for name, parameter in self.named_parameters():
            parameter.name = name

    def __setattr__(self, name: str, value: Any) -> None:
        if isinstance(value, Parameter | Buffer) and value.name is None:
            value.name = name
        if isinstance(value, list | tuple | dict) and any(
            isinstance(item, Module | Parameter | Buffer) for item in value
        ):
            raise TypeError(
                f"{type(self).__name__}.{name}: parameters inside a {type(value).__name__} would not be found; "
                "use Sequential, or an attribute for each"
            )
        object.__setattr__(self, name, value)
        mode.restructured()

    def zero_grad(self) -> None:
        """Forget the gradients of all parameters."""
        for parameter in self.parameters():
            parameter.grad = None

    def train(self, training: bool = True) -> Self:
        """Tell all modules whether they are being trained."""
        for _, module in self.named_modules():
            module.training = training
        return self

    def eval(self) -> Self:
        """Tell all modules that they are being used, not trained."""
        return self.train(False)

    def state_dict(self) -> dict[str, np.ndarray[Any, Any]]:
        """Copies of all parameters and buffers by name."""
        return {name: np.array(tensor.numpy()) for name, tensor in self._state()}

    def _state(self) -> Iterator[tuple[str, Parameter | Buffer]]:
        return self._named((Parameter, Buffer))

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Overwrite all parameters and buffers by name.

        The values are arrays, or anything that NumPy reads, such as PyTorch's tensors. Nothing is changed unless
        everything fits.

        Raises
        ------
        KeyError
            A name is missing or unknown.
        ValueError
            A shape differs; the message lists all that do.
        TypeError
            An array does not hold real numbers.
        """
        own = dict(self._state())
        missing, unknown = sorted(own.keys() - state.keys()), sorted(state.keys() - own.keys())
        if missing or unknown:
            raise KeyError(f"load_state_dict: missing {missing or 'nothing'}, unknown {unknown or 'nothing'}")
        found = {n: state[n].numpy() if isinstance(state[n], Tensor) else np.asarray(state[n]) for n in own}
        strange = [f"{name}: {array.dtype}" for name, array in found.items() if array.dtype.kind not in "fiub"]
        strange += [f"{name}: a masked array" for name in own if isinstance(state[name], np.ma.MaskedArray)]
        if strange:
            raise TypeError(f"load_state_dict: expected real numbers, got {'; '.join(strange)}")
        with np.errstate(over="ignore"):
            arrays = {name: array.astype(own[name].dtype) for name, array in found.items()}
        wrong = [
            f"{name}: expected {p.shape}, got {arrays[name].shape}"
            for name, p in own.items()
            if arrays[name].shape != p.shape
        ]
        if wrong:
            raise ValueError(f"load_state_dict: shapes differ: {'; '.join(wrong)}")
        with no_grad():
            for name, tensor in own.items():
                tensor.copy_(arrays[name])

    def extra_repr(self) -> str:
        """What stands between the parentheses of `repr`."""
        return ""

    def __repr__(self) -> str:
        lines = [f"({name}): {child!r}".replace("\n", "\n  ") for name, child in self.children()]
        if not lines:
            return f"{type(self).__name__}({self.extra_repr()})"
        return f"{type(self).__name__}(\n  " + "\n  ".join(lines) + "\n)"
