"""Batches: a function of one sample, applied to many at once.

Within `vmap` each tensor stands for the sample's, and does not show the axis of the batch. Every operation on it is
carried out on all samples (`batching_rules`). Those are ordinary operations on ordinary tensors, so what comes out has
a history, may be captured, and batches may be nested.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from .. import ops
from ..engine.discrete import Conversions, discrete, is_discrete
from ..engine.methods import METHODS, method_of
from ..engine.modes import is_grad_enabled, mode
from ..engine.storage import operand
from ..engine.tensor import Tensor, wrap
from ..trees import filled, leaves_of, rebuilt
from .batching_rules import Held, aligned, by_sample, called, on_all, sample, varies


class Sample(Conversions, NDArrayOperatorsMixin):
    """What the engine has in place of an array within `vmap`: that of one sample, standing for those of all.

    Attributes
    ----------
    held
        All of them outside: a tensor or an array of whole numbers, and whether it has the axis of the batch.
    """

    __slots__ = ("batch", "held")
    __array_priority__ = 2000
    base = None

    def __init__(self, batch: Batch, value: Any, varies: bool) -> None:
        self.batch, self.held = batch, Held(value, varies)

    @property
    def shape(self) -> tuple[int, ...]:
        return self.held.shape

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> int:
        return int(np.prod(self.shape, dtype=int))

    @property
    def dtype(self) -> Any:
        return self.held.value.dtype

    @property
    def itemsize(self) -> int:
        return int(self.dtype.itemsize)

    def astype(self, dtype: Any, order: str = "K", copy: bool = True) -> Sample:
        with self.batch.outside():
            return Sample(self.batch, ops.astype(self.held.value, dtype), self.held.varies)

    def copy(self, order: str = "C") -> Sample:
        return self

    def view(self) -> Sample:
        return self

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, index: Any) -> Any:
        return self.batch.by_sample(lambda x, i: x[i], [self, index])

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if any(isinstance(x, Tensor) for x in inputs):
            return NotImplemented
        if method != "__call__":
            return self.batch.by_sample(lambda *xs: getattr(ufunc, method)(*xs, **kwargs), list(inputs))
        held = self.batch.all_held(inputs)
        with self.batch.outside():
            numbers = [x if isinstance(x.value, int | float) else Held(operand(x.value), x.varies) for x in held]
            arrays = [x for x in numbers if hasattr(x.value, "shape")]
            wide = iter([operand(x) for x in aligned(arrays)])
            found = ufunc(*[next(wide) if hasattr(x.value, "shape") else x.value for x in numbers], **kwargs)
            return self.batch.sample(found, any(x.varies for x in held))

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        names = list(kwargs)
        return self.batch.by_sample(
            lambda *xs: function(*xs[: len(args)], **dict(zip(names, xs[len(args) :], strict=True))),
            [*args, *kwargs.values()],
        )

    def __getattr__(self, name: str) -> Any:
        if name in METHODS:
            return method_of(self, name)
        raise AttributeError(f"a sample within vmap has no attribute {name!r}")

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        self.batch.refuse("what wants a plain array")

    def __bool__(self) -> bool:
        return bool(self.batch.refuse("a way of the code that depends on numbers (where() chooses between values)"))

    def item(self) -> Any:
        return self.batch.refuse("item()")

    def __hash__(self) -> int:
        return object.__hash__(self)


class Batch:
    """One call of `vmap`: what the engine asks while the function runs, as it asks the trace of a captured program."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.beyond, self.recording = mode.trace, is_grad_enabled()
        self.recorder = self

    def outside(self) -> _Outside:
        """The modes around `vmap`, for a while."""
        return _Outside(self.beyond, self.recording)

    def sample(self, value: Any, varies: bool) -> Sample:
        """The stand-in for a value outside: tensors and whole numbers as they are, floats as tensors."""
        if not isinstance(value, Tensor) and not is_discrete(value):
            array = np.asarray(value) if isinstance(value, np.generic | int | float) else value
            value = discrete(array) if array.dtype.kind in "biu" else wrap(array)
        return Sample(self, value, varies)

    def all_held(self, values: Any) -> list[Held]:
        """What stands behind operands, inside or not."""
        found = []
        for x in values:
            own = operand(x) if isinstance(x, Tensor) else x
            found.append(own.held if isinstance(own, Sample) and own.batch is self else Held(x, False))
        return found

    def by_sample(self, function: Callable[..., Any], args: list[Any]) -> Any:
        """A function of NumPy, sample by sample; once, if all are the same."""
        held = rebuilt(args, self._behind)
        with self.outside():
            if varies(held):
                return self.sample(by_sample(_numbers(function), held), True)
            return self.sample(_numbers(function)(*rebuilt(held, sample)), False)

    def _behind(self, x: Any) -> Any:
        return x.held if isinstance(x, Sample) and x.batch is self else x

    # What the engine asks of a trace

    def operand(self, value: Any) -> Any:
        """The stand-in for a tensor: its own if it was made inside."""
        if isinstance(value, Tensor):
            array = value._as_array()
            return array if isinstance(array, Sample) and array.batch is self else Sample(self, value, False)
        return value if hasattr(value, "__array_ufunc__") else np.asarray(value)

    def detached(self, tensor: Any) -> Sample:
        """The same without a history outside."""
        held = self.operand(tensor).held
        with self.outside():
            return Sample(self, held.value.detach(), held.varies)

    def constant(self, array: Any) -> Any:
        """The stand-in for an array that was made inside."""
        if isinstance(array, Sample) and array.batch is self:
            return array
        with self.outside():
            return self.sample(array, False)

    def apply(self, op: Any, arrays: list[Any], params: tuple[Any, ...]) -> Sample:
        """Carry an operation out on all samples."""
        operands = [x.held for x in arrays]
        held = rebuilt(params, self._behind)
        with self.outside():
            if varies(operands) or varies(held):
                return Sample(self, on_all(op, operands, held), True)
            return Sample(self, called(op, len(operands), *[x.value for x in operands], *rebuilt(held, sample)), False)

    def check(self, array: Any, low: float, high: float, error: Any, show: Any = None) -> None:
        """Raise what `error` makes of numbers that do not lie within limits, of any sample."""
        from ..ops.targets import require_between

        value, seen = self.all_held([array, array if show is None else show])
        with self.outside():
            require_between(operand(value.value), low, high, error, operand(seen.value))

    def pull_back(self, op: Any, node: Any, g: Any, asked: list[Any]) -> None:
        """Backward goes by the rules, whose operations are carried out on all samples."""

    def made(self, tensor: Any) -> None:
        pass

    def visits(self, owner: Any) -> None:
        if self.beyond is not None:
            self.beyond.visits(owner)

    def refuse(self, what: str) -> Any:
        raise RuntimeError(f"vmap: all samples are computed at once; refused is what would see one of them: {what}")

    def own(self, value: Any) -> Any:
        return self.refuse("a change in place")

    def gradient(self, tensor: Any) -> Any:
        return self.refuse(".grad (grad(y, x) gives gradients)")

    def changes_gradient(self, tensor: Any) -> None:
        self.refuse("backward() (grad(y, x) gives gradients)")

    def enters_no_grad(self) -> None:
        self.refuse("no_grad() (detach() leaves the graph)")


class _Outside:
    """A context of the modes around `vmap`."""

    def __init__(self, trace: Any, recording: bool) -> None:
        self.modes = (("trace", trace), ("grad", recording))

    def __enter__(self) -> None:
        for name, value in self.modes:
            mode.enter(name, value)

    def __exit__(self, *exception: object) -> None:
        for _ in self.modes:
            mode.leave()


def _numbers(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function of the numbers of tensors."""
    return lambda *xs: function(*[operand(x) if isinstance(x, Tensor) else x for x in xs])


def vmap(function: Callable[..., Any], in_dims: Any = 0, out_dims: int = 0) -> Callable[..., Any]:
    """A function of batches made of a function of samples, as `torch.func.vmap` and `jax.vmap`.

    Parameters
    ----------
    function
        From tensors to tensors, also nested in tuples, lists and dictionaries.
    in_dims
        Which axis of the arguments is the batch's: one for all, or a tuple with one for each; None for an argument that
        is the same for all samples.
    out_dims
        Where the batch's axis goes in the results.

    Returns
    -------
    callable
        Of arguments with an axis more. Gradients may be taken of it and inside it (`vmap(lambda x: grad(f(x), x)[0])`).

    Raises
    ------
    ValueError
        Batches differ in length, or there is none among the arguments.
    RuntimeError
        The function reads a sample's numbers, changes something in place, draws at random, or calls `backward`.
    """

    def batched(*args: Any) -> Any:
        dims = in_dims if isinstance(in_dims, tuple | list) else (in_dims,) * len(args)
        if len(dims) != len(args):
            raise ValueError(f"vmap: in_dims has {len(dims)} entries for {len(args)} arguments")
        columns = [(_whole(x), dim) for arg, dim in zip(args, dims, strict=True) for x in leaves_of(arg)]
        shapes = [x.shape for x, dim in columns if dim is not None]
        sizes = {x.shape[dim] for x, dim in columns if dim is not None and x.shape}
        if len(sizes) != 1 or () in shapes:
            raise ValueError(f"vmap: expected batches of one length, got arguments of shapes {shapes}")
        batch = Batch(sizes.pop())
        fronts = [x if dim in (0, None) else ops.moveaxis(x, dim, 0) for x, dim in columns]
        mode.enter("trace", batch)
        try:
            inside = iter(
                [x if dim is None else _inside(batch, x) for x, (_, dim) in zip(fronts, columns, strict=True)]
            )
            given = [filled(arg, [next(inside) for _ in leaves_of(arg)]) for arg in args]
            output = function(*given)
            held = rebuilt(output, lambda x: batch.all_held([x])[0])
        finally:
            mode.leave()
        return rebuilt(held, lambda x: _all_samples(x, batch.size, out_dims))

    return batched


def _whole(x: Any) -> Any:
    """All samples: a tensor, or an array of whole numbers."""
    if isinstance(x, Tensor) or is_discrete(x):
        return x
    return discrete(x) if is_discrete(np.asarray(x)) else Tensor(x)


def _inside(batch: Batch, value: Any) -> Any:
    made = Sample(batch, value, True)
    return wrap(made) if isinstance(value, Tensor) else made


def _all_samples(held: Held, size: int, out_dim: int) -> Any:
    value = held.value if held.varies else ops.broadcast_to(held.value, (size, *held.shape))
    return ops.moveaxis(value, 0, out_dim) if out_dim else value
