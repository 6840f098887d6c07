"""The recorder: writes down, step by step, what a function does to arrays whose numbers are not known yet."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..kernels.backend import kernels
from . import images, indexing, losses_and_updates, numpy_calls, sequences
from .buffers import DTYPES, FLOAT32, FLOAT64, INT64, ITEM, Buffer, contiguous
from .instructions import OUT, Place, Step, View, merged, order_of
from .tapes import note_copy, number_of
from .traced import NotRecordable, Traced

KIND_OF = {dtype: kind for kind, dtype in enumerate(DTYPES)}
EXACT = 2.0**53  # whole numbers are computed in float64, which has all of them up to here
FOLDED = 1 << 16  # constants of up to so many numbers are computed when the function is captured


class Recorder:
    """Steps in the order in which they came.

    Parameters
    ----------
    refuse
        Raises an error with this message and the line of the user's code.
    line
        Where the user's code stands now.
    """

    def __init__(self, refuse: Callable[[str], None], line: Callable[[], Place | None]) -> None:
        self.steps: list[Step] = []
        self.refuse, self.line = refuse, line
        # Elementwise functions that have a kernel; others may be somebody's own.
        self.elementwise = kernels.FUNCTIONS if kernels.ISA != "numpy" else {**kernels.UNARY, **kernels.BINARY}
        self.probabilities: dict[tuple[int, int], Traced] = {}

    # What NumPy does to stand-ins

    ufunc, function = numpy_calls.ufunc, numpy_calls.function
    pick, put = staticmethod(indexing.pick), staticmethod(indexing.put)
    cross_entropy, cross_entropy_vjp = losses_and_updates.cross_entropy, losses_and_updates.cross_entropy_vjp
    sgd, adam = losses_and_updates.sgd, losses_and_updates.adam
    over_windows, normalized, rows = images.over_windows, images.normalized, sequences.rows
    lstm = sequences.lstm

    # Arrays

    def new(self, shape: tuple[int, ...], kind: int, boolean: bool = False) -> Traced:
        """An array that a step will write."""
        buffer = Buffer(max(math.prod(shape), 1) * ITEM[kind], kind, lone=shape == ())
        return Traced(self, buffer, kind, shape, boolean=boolean)

    def constant(self, array: Any) -> Traced:
        """An array whose numbers are known."""
        found = np.asarray(array)
        boolean = found.dtype == np.bool_
        if boolean:
            found = found.astype(np.float64)
        elif found.dtype not in KIND_OF:
            if found.dtype.kind not in "iu":
                self.refuse(f"expected real numbers, got {found.dtype}")
            found = found.astype(np.int64)
        kind = KIND_OF[found.dtype]
        value = np.array(found, order="C")
        buffer = Buffer(max(value.nbytes, ITEM[kind]), kind, value, lone=value.shape == ())
        return Traced(self, buffer, kind, value.shape, boolean=boolean)

    def number(self, value: float, kind: int) -> Traced:
        """A single number that is known."""
        return self.constant(np.asarray(value, DTYPES[kind]))

    def zeros(self, shape: Any, dtype: np.dtype[Any]) -> Traced:
        """An array of zeros, to be written to."""
        out = self.new(tuple(np.atleast_1d(shape).tolist()), KIND_OF[dtype])
        self.copy(self.number(0.0, out.kind).broadcast_to(out.shape), out)
        return out

    def operand(self, value: Any) -> Traced:
        """An operand of a NumPy function; the trace replaces this to know arrays from outside."""
        return value if isinstance(value, Traced) else self.constant(value)

    def owned(self, value: Any) -> Traced:
        """An array from outside that is written to; the trace replaces this, too."""
        return self.operand(value)

    def alike(self, values: Sequence[Any]) -> list[Traced]:
        """Operands of one kind: numbers take that of the arrays beside them."""
        arrays = [v for v in values if isinstance(v, Traced) or (isinstance(v, np.ndarray) and v.ndim > 0)]
        kinds = {v.kind for v in map(self.operand, arrays) if not v.boolean}
        if FLOAT32 in kinds and FLOAT64 in kinds:
            raise NotRecordable("float32 and float64 mixed")
        if not kinds:
            kind = self.operand(arrays[0]).kind if arrays else FLOAT64
        else:
            kind = FLOAT64 if INT64 in kinds else kinds.pop()
        found = []
        for v in values:
            x = self.number(float(v), kind) if isinstance(v, float | int | np.number) else self.operand(v)
            found.append(self.converted(x, DTYPES[kind]) if x.kind != kind else x)
        return found

    # Steps

    def add(
        self,
        code: str,
        kind: int,
        shape: tuple[int, ...],
        operands: Sequence[Traced | View | None],
        function: str | None = None,
        **more: Any,
    ) -> Step:
        """Write a step down; the last operand is the result, those before it a, b, c ..."""
        views: list[View | None] = [x.place() if isinstance(x, Traced) else x for x in operands[:-1]]
        views += [None] * (OUT - len(views))
        last = operands[-1]
        views.append(last.place() if isinstance(last, Traced) else last)
        step = Step(code, kind, tuple(shape) or (1,), views, function, place=self.line(), **more)
        self.steps.append(step)
        return step

    def solid(self, x: Traced) -> Traced:
        """Without gaps in C order: itself or a copy."""
        return x if x.whole else self.copied(x)

    def copied(self, x: Traced) -> Traced:
        """A copy without gaps in C order."""
        return self.converted(x, None, True)

    def converted(self, x: Traced, dtype: np.dtype[Any] | None, copy: bool = True) -> Traced:
        """A copy in another dtype."""
        kind = x.kind if dtype is None else FLOAT64 if dtype == np.bool_ else KIND_OF.get(dtype, INT64)
        boolean = x.boolean if dtype is None else bool(dtype == np.bool_)
        smaller = x.narrow if dtype is None else dtype if kind == INT64 and dtype != DTYPES[INT64] else None
        if smaller is not None and dtype is not None and smaller != x.narrow:
            raise NotRecordable(f"numbers turned into {dtype}, which may overflow")
        if not copy and kind == x.kind and boolean == x.boolean:
            found = x if smaller == x.narrow else x.view()
            found.narrow = smaller
            return found
        value = x.value
        if value is not None and value.size <= FOLDED:
            with np.errstate(all="ignore"):
                found = self.constant(value.astype(DTYPES[kind]))
            found.boolean = boolean
            return found
        out = self.new(x.shape, kind, boolean)
        out.narrow = smaller
        self.copy(x, out)
        return out

    def copy(self, x: Traced, out: Traced) -> None:
        """Copy numbers from one array to another of the same shape, which may be of another kind."""
        if x.alone and out.alone and x.kind == out.kind:
            note_copy(self.steps, x, out, self.line())
            return
        if x.buffer is out.buffer and x.place() != out.place() and x.touches(out):
            x = self.copied(x)  # what is read must not have been written by the same step
        shape, sources, targets = x.shape or (1,), x.strides or (0,), out.strides or (0,)
        if 0 not in shape:
            shape, (sources, targets) = merged(shape, [sources, targets])
            self.add("copy", out.kind, shape, [x.place(sources), out.place(targets)], flag=x.kind)

    def write(self, target: Traced, value: Any) -> None:
        """Overwrite an array's numbers."""
        source = self.operand(value).broadcast_to(target.shape)
        if target.buffer.outside:
            self.owned(target)
        self.copy(source, target)

    def unary(self, name: str, x: Traced, p: float = 0.0) -> Traced:
        """An elementwise function of one array."""
        value = x.value
        if value is not None and value.size <= FOLDED:
            with np.errstate(all="ignore"):
                params = () if p == 0.0 and name not in ("leaky_relu", "elu") else (p,)
                return self.constant(kernels.unary(fold(name), value.copy(), *params))
        x = self.floats(x)
        if x.alone:
            return number_of(self, name, x.kind, -1, p, x.buffer, x.buffer, x.buffer, x.buffer)
        x = x if order_of(x.shape, x.strides, ITEM[x.kind]) is not None else self.copied(x)
        out = self.new(x.shape, x.kind).view_as(x.shape, x.strides)
        self.flat("unary", x.kind, x.size, [x, out], name, p=(p,))
        return out

    def whole(self, x: Traced) -> Traced:
        """Whole numbers that were computed in float64 as int64; the program stops where they are not exact any more."""
        self.check(x, -EXACT, EXACT, lambda _: OverflowError("whole numbers in a captured program end at 2^53"))
        return self.converted(x, DTYPES[INT64], copy=False)

    def floats(self, x: Traced) -> Traced:
        """Whole numbers as float64."""
        return self.converted(x, DTYPES[FLOAT64]) if x.kind == INT64 else x

    def flat(self, code: str, kind: int, n: int, operands: list[Traced | None], name: str, **more: Any) -> None:
        """A step over n numbers without gaps."""
        if n:
            item = ITEM[kind]
            self.add(code, kind, (n,), [None if x is None else x.place((item,)) for x in operands], name, **more)

    def unary_vjp(self, name: str, g: Traced, kept: Traced, p: float = 0.0) -> Traced:
        """The cotangent of an elementwise function of one array."""
        if g.alone and kept.alone and g.kind == kept.kind:
            # What is kept stands for both the input and the result.
            return number_of(self, name, g.kind, 0, p, g.buffer, kept.buffer, kept.buffer, kept.buffer)
        g, kept = self.same_layout([g, kept])
        out = self.new(g.shape, g.kind).view_as(g.shape, g.strides)
        self.flat("unary_vjp", g.kind, g.size, [g, kept, out], name, p=(p,))
        return out

    def binary_vjp(
        self, name: str, i: int, g: Traced, x: Traced | None, y: Traced | None, value: Traced | None
    ) -> Traced:
        """The cotangent of input `i` of an elementwise function of two arrays of one shape."""
        there = [v for v in (g, x, y, value) if v is not None]
        if all(v.alone and v.kind == g.kind for v in there):
            a, b, c = (g.buffer if v is None else v.buffer for v in (x, y, value))
            return number_of(self, name, g.kind, i, 0.0, g.buffer, a, b, c)
        laid = iter(self.same_layout(there))
        g, x, y, value = (None if v is None else next(laid) for v in (g, x, y, value))  # type: ignore[assignment]
        out = self.new(g.shape, g.kind).view_as(g.shape, g.strides)
        self.flat("binary_vjp", g.kind, g.size, [g, x, y, value, out], name, flag=i)
        return out

    def same_layout(self, arrays: list[Traced]) -> list[Traced]:
        """Arrays of one shape that lie in memory alike and without gaps."""
        for model in arrays:
            if model.value is None and order_of(model.shape, model.strides, ITEM[model.kind]) is not None:
                break
        else:
            model = self.new(arrays[0].shape, arrays[0].kind)
        return [x if x.lies_like(model) else self.laid_like(x, model) for x in arrays]

    def laid_like(self, x: Traced, model: Traced) -> Traced:
        """A copy that lies in memory as another array does."""
        order = order_of(model.shape, model.strides, ITEM[model.kind])
        assert order is not None
        turned = self.copied(x.transpose(order))
        return turned.transpose(tuple(int(i) for i in np.argsort(order)))

    def binary(self, name: str, x: Traced, y: Traced, boolean: bool = False) -> Traced:
        """An elementwise function of two arrays, stretched to a common shape."""
        if x.kind == INT64 and y.kind == INT64:
            found = self.binary(name, self.floats(x), self.floats(y), boolean)
            return found if boolean else self.whole(found)
        if x.kind != y.kind:
            x, y = self.alike([x, y])
        if x.alone and y.alone and (x.buffer.value is None or y.buffer.value is None):
            found = number_of(self, name, x.kind, -1, 0.0, x.buffer, x.buffer, y.buffer, x.buffer)
            found.boolean = boolean
            return found
        shape = self.common_shape(name, x, y)
        a, b = x.value, y.value
        if a is not None and b is not None and math.prod(shape) <= FOLDED:
            with np.errstate(all="ignore"):
                found = self.constant(kernels.binary(fold(name), a.copy(), b.copy()))
            found.boolean = boolean
            return found
        return self.broadcast("binary", [x, y], shape, name, boolean)

    def common_shape(self, name: str, x: Traced, y: Traced) -> tuple[int, ...]:
        """The shape that two operands are stretched to; where there is none, the kernel says so."""
        try:
            return np.broadcast_shapes(x.shape, y.shape)
        except ValueError:
            nothing = [np.broadcast_to(np.zeros((), DTYPES[FLOAT64]), v.shape) for v in (x, y)]
            kernels.binary(fold(name), *nothing, name)
            raise

    def broadcast(
        self, code: str, operands: list[Traced], shape: tuple[int, ...], name: str | None, boolean: bool = False
    ) -> Traced:
        """An elementwise step over operands stretched to a common shape; the result lies as the first full one does."""
        kind = operands[-1].kind
        stretched = [x.broadcast_to(shape) for x in operands]
        order: tuple[int, ...] | None = None
        for x in operands:
            if x.shape == shape and order is None:
                order = order_of(shape, x.strides, ITEM[kind])
        order = tuple(range(len(shape))) if order is None else order
        turned = [x.transpose(order) for x in stretched]
        out = self.new(turned[0].shape, kind, boolean)
        if out.size:
            dims, strides = merged(out.shape, [t.strides for t in turned])
            views: list[Any] = [t.place(s) for t, s in zip(turned, strides, strict=True)]
            self.add(code, kind, dims, [*views, out.place(contiguous(dims, ITEM[kind]))], name)
        return out.transpose(tuple(int(i) for i in np.argsort(order)))

    def select(self, condition: Traced, x: Traced, y: Traced) -> Traced:
        """Where the condition holds x, else y."""
        shape = np.broadcast_shapes(condition.shape, x.shape, y.shape)
        values = condition.value, x.value, y.value
        if all(v is not None for v in values) and math.prod(shape) <= FOLDED:
            return self.constant(np.where(values[0] != 0, values[1], values[2]))  # type: ignore[arg-type]
        if condition.kind != x.kind:
            condition = self.converted(condition, DTYPES[x.kind])
        out = self.broadcast("select", [condition, x, y], shape, None)
        out.boolean = x.boolean and y.boolean
        return out

    def reduced(self, x: Traced, name: str, axes: tuple[int, ...], keepdims: bool) -> Traced:
        """A sum, maximum, minimum or norm over axes."""
        kept = [i for i in range(x.ndim) if i not in axes]
        shape = tuple(1 if i in axes else n for i, n in enumerate(x.shape)) if keepdims else None
        out = self.new(tuple(x.shape[i] for i in kept), x.kind, x.boolean and name in ("max", "min"))
        turned = x.transpose((*kept, *axes)) if x.ndim else x.view_as((1,), (0,))
        if out.size:
            self.add(
                "reduce",
                x.kind,
                turned.shape,
                [turned, out.place(contiguous(out.shape, ITEM[x.kind]) + (0,) * len(axes))],
                name,
                reduced=len(axes) if x.ndim else 1,
            )
        return out if shape is None else out.view_as(shape)

    def product(self, x: Traced, y: Traced, bias: Traced | None) -> Traced:
        """A matrix product, plus a bias of the columns; or those of two stacks."""
        if x.ndim == y.ndim > 2:
            return sequences.stack_product(self, x, y)
        if x.ndim != 2 or y.ndim != 2 or x.kind != y.kind or x.kind == INT64:
            raise NotRecordable("a product of vectors, or of numbers that are not of one floating-point kind")
        (m, k), n = x.shape, y.shape[1]
        out = self.new((m, n), x.kind)
        if out.size:
            operands = [x, y, None if bias is None else self.solid(bias), None, None, out]
            self.add("product", x.kind, (m, n, k), operands, p=(0.0,))
        return out

    def joined(self, arrays: list[Traced], axis: int) -> Traced:
        """Arrays joined along an axis."""
        shapes = [x.shape for x in arrays]
        if axis < 0:
            axis += len(shapes[0])
        if len({(*s[:axis], *s[axis + 1 :]) for s in shapes}) != 1 or not 0 <= axis < len(shapes[0]):
            np.concatenate([np.broadcast_to(0.0, s) for s in shapes], axis)  # NumPy says what is wrong
        total = sum(s[axis] for s in shapes)
        out = self.new((*shapes[0][:axis], total, *shapes[0][axis + 1 :]), arrays[0].kind)
        at = 0
        for x in arrays:
            self.copy(x, out.view_as(x.shape, out.strides, out.offset + at * out.strides[axis]))
            at += x.shape[axis]
        return out

    def check(
        self, x: Traced, low: float, high: float, error: Callable[..., Exception], show: Traced | None = None
    ) -> None:
        """Stop the program unless all numbers lie between two limits.

        `error` makes what is raised then of the numbers, or of those of `show`, which must be an argument or come from
        outside.
        """
        x = self.solid(x)
        if x.size:
            views = [x.place((ITEM[x.kind],)), None if show is None else show.place(), None]
            step = self.add("check", x.kind, (x.size,), views, p=(low, high), run=(error, x, show), writes=())
            step.views[OUT] = None

    def call(self, forward: Callable[..., Any], arrays: Sequence[Traced], params: tuple[Any, ...]) -> Traced:
        """An operation that no kernels are known for: called as it is, under Python, when the program runs."""
        with np.errstate(all="ignore"):
            probe = np.asarray(forward(*[defined(x.shape, DTYPES[x.kind]) for x in arrays], *params))
        if probe.dtype not in KIND_OF:
            raise NotRecordable(f"a result of {probe.dtype}")
        out = self.new(probe.shape, KIND_OF[probe.dtype])
        step = self.add("call", out.kind, out.shape, [None, out], run=(forward, tuple(arrays), params, out))
        step.views[:OUT] = [*[x.place() for x in arrays], *[None] * OUT][:OUT]
        if len(arrays) > OUT:
            self.refuse(f"an operation on {len(arrays)} arrays has no kernels")
        return out


def fold(name: str) -> Any:
    """How the backend's kernel of an elementwise function is called."""
    if kernels.ISA == "numpy":
        return name
    return kernels.RELATIONS[name] if name in kernels.RELATIONS else kernels.code(name)


def defined(shape: tuple[int, ...], dtype: Any) -> np.ndarray[Any, Any]:
    """Numbers at which about any function is defined: positive ones, square matrices positive definite."""
    found = np.ones(shape, dtype)
    if len(shape) >= 2 and shape[-1] == shape[-2]:
        found += np.eye(shape[-1], dtype=dtype)
    return found
