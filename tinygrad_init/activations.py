"""All there is to know of an activation function φ, in one record.

What a kernel, a derivative rule, a convention or a named start says of φ stands beside its definition in
`ops.activations`; how steep and how flat it is, is measured from that. `theory.phi_of` makes of a record what
mean-field theory needs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Any

import numpy as np

from .engine.gradients import grad
from .engine.graph import Operation
from .engine.modes import enable_grad, no_grad
from .engine.tensor import Tensor
from .kernels.backend import kernels
from .ops.activations import ACTIVATIONS, activation_name, prelu

Array = np.ndarray[Any, Any]

# What a PReLU is that has learned nothing yet.
PRELU_SLOPE = 0.25
# A slope below this share of the activation's steepest counts as flat.
FLAT = 0.1


@dataclass(frozen=True)
class ActivationRecord:
    """One activation function.

    Attributes
    ----------
    name
        As tables and reports call it.
    operation
        The operation of `ops` that computes it; its `code` is the number of the C kernel.
    params
        What that takes besides its input, by name.
    slopes
        Of a PReLU, the slopes that it has learned, one or one for each unit; None for all others.
    """

    name: str
    operation: Operation
    params: tuple[tuple[str, float], ...] = ()
    slopes: tuple[float, ...] | None = None

    def __call__(self, x: Tensor) -> Tensor:
        if self.slopes is not None:
            return prelu(x, Tensor(np.array(self.slopes), x.dtype))
        return self.operation(x, **dict(self.params))

    def value(self, x: Array) -> Array:
        """φ(x), element by element."""
        with no_grad():
            return np.asarray(self(Tensor(x, x.dtype)).numpy())

    def slope(self, x: Array) -> Array:
        """φ'(x), element by element."""
        if self.slopes is None and self.operation.code >= 0:  # the kernel that backward calls, without a graph
            code, params = self.operation.code, tuple(self.known_params.values())
            kept = kernels.unary(code, x, *params) if kernels.READS[self.operation.name] == "out" else x
            return np.asarray(kernels.unary_vjp(code, np.ones(x.shape, x.dtype), kept, *params))
        with enable_grad():
            point = Tensor(x, x.dtype, requires_grad=True)
            return np.asarray(grad(self(point).sum(), point)[0].numpy())

    @property
    def kinks(self) -> tuple[float, ...]:
        """Where a derivative jumps."""
        return tuple(self.operation.spec.kinks)

    @property
    def homogeneous(self) -> bool:
        """Whether φ(c x) = c φ(x) for c > 0: then gradients are powers of the size of the weights."""
        return bool(self.operation.spec.homogeneous)

    @property
    def start(self) -> str:
        """The start that is named for it, out of `init.INITIALIZERS`; "critical" for those without one of their own."""
        return str(self.operation.spec.start)

    @property
    def gain(self) -> float | None:
        """The conventional factor on the standard deviation of weights before it; None where there is none."""
        found: float | Callable[..., float] | None = self.operation.spec.gain
        return found(**self.known_params) if callable(found) else found

    @property
    def known_params(self) -> dict[str, float]:
        """All parameters, defaults filled in."""
        if self.slopes is not None:
            return {"negative_slope": float(np.mean(self.slopes))}
        return dict(zip(self.operation.param_names, self.operation.defaults, strict=True)) | dict(self.params)

    @property
    def units(self) -> int:
        """How many units it is made for; 1 if for any number of them."""
        return 1 if self.slopes is None else len(self.slopes)

    @cached_property
    def steepest(self) -> float:
        """The largest |φ'| between -10 and 10; 1 for a function without slope."""
        return float(np.max(self._slopes(-10, 10, 2001))) or 1.0

    @cached_property
    def flat_left(self) -> bool:
        """Whether |φ'| has fallen below a tenth of the steepest far on the left."""
        return bool(np.all(self._slopes(-40, -20, 201) < FLAT * self.steepest))

    @cached_property
    def flat_right(self) -> bool:
        """The same on the right."""
        return bool(np.all(self._slopes(20, 40, 201) < FLAT * self.steepest))

    @property
    def saturates(self) -> bool:
        """Whether φ is flat on both sides, as tanh is and ReLU is not."""
        return self.flat_left and self.flat_right

    def _slopes(self, low: float, high: float, points: int) -> Array:
        return np.abs(self.slope(np.repeat(np.linspace(low, high, points)[:, None], self.units, axis=1)))


def activation(given: Any, **params: float) -> ActivationRecord:
    """The record of an activation.

    Parameters
    ----------
    given
        A name out of `ops.activations.ACTIVATIONS`, "prelu", or what other libraries call the same; an operation of one
        tensor; a module that has a record (`nn.Activation`, `nn.PReLU`); or a record.
    params
        What the function takes besides its input.

    Raises
    ------
    ValueError
        There is no activation of that name.
    TypeError
        It is none of those, or has no such parameters.
    """
    if isinstance(given, str):
        return _named(activation_name(given), tuple(sorted(params.items())))
    if isinstance(given, Operation):
        unknown = params.keys() - set(given.param_names)
        if given.arity != 1 or unknown:
            takes = f"takes {', '.join(given.param_names) or 'no parameters'}"
            wrong = f"got {', '.join(sorted(unknown))}" if unknown else f"and {given.arity} tensors, not one"
            raise TypeError(f"{given.name}: {takes}, {wrong}")
        return ActivationRecord(given.name, given, tuple(sorted(params.items())))
    found = given if isinstance(given, ActivationRecord) else getattr(given, "record", None)
    if not isinstance(found, ActivationRecord) or (params and found.slopes is not None):
        raise TypeError(
            f"expected the name of an activation, a module, an operation or a function of one tensor; "
            f"got {type(given).__name__}{f' and {params}' if params else ''}"
        )
    return found if not params else replace(found, params=tuple(sorted((dict(found.params) | params).items())))


@lru_cache(maxsize=256)
def _named(name: str, params: tuple[tuple[str, float], ...]) -> ActivationRecord:
    """That of a name, made once, so that what is measured of it is measured once."""
    if name == "prelu":
        return activation(ACTIVATIONS["leaky_relu"], **{"negative_slope": PRELU_SLOPE} | dict(params))
    return activation(ACTIVATIONS[name], **dict(params))
