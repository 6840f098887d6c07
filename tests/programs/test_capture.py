"""Every operation and every loss inside captured functions, with derivatives of both orders."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import tinygrad_init as tgi
from tinygrad_init.ops.losses import LOSSES
from tinygrad_init.ops.registry import REGISTRY

from ..strategies import LAYOUTS, arrays, dtypes, layouts, seeds
from .capturing import ULPS, Step, check, derivatives, few, leaf

ELEMENTWISE = sorted(name for name, op in REGISTRY.items() if op.spec.kind != "other")
OTHER = [
    pytest.param(name, i, id=f"{name}-{i}")
    for name, op in sorted(REGISTRY.items())
    if op.spec.examples is not None
    for i in range(len(op.spec.examples(np.random.default_rng(0))))
]


class TestEveryOperation:
    @pytest.mark.parametrize("order", [1, 2])
    @pytest.mark.parametrize("name", ELEMENTWISE)
    @few
    @given(data=st.data(), dtype=dtypes, seed=seeds)
    def test_elementwise(self, name: str, order: int, data: st.DataObject, dtype: Any, seed: int) -> None:
        op = REGISTRY[name]
        sizes = hnp.mutually_broadcastable_shapes(num_shapes=op.arity, min_side=0, max_side=3, max_dims=3)
        shapes = data.draw(sizes | st.just(None))
        layout = LAYOUTS[
            data.draw(layouts if op.arity == 1 or shapes is None else st.sampled_from(["in a row", "backwards"]))
        ]

        def build(rng: np.random.Generator) -> tuple[Step, Sequence[tgi.Tensor]]:
            # Without shapes: two matrices of so many numbers that elementwise steps are chained.
            drawn = [(3, 700)] * op.arity if shapes is None else shapes.input_shapes
            low, high = op.spec.domain
            leaves = [leaf(rng.uniform(low, high, shape), dtype) for shape in drawn]
            return derivatives(lambda *xs: op(*[layout(x) for x in xs]), leaves, rng, order), leaves

        check(build, seed=seed, ulps=4 * ULPS)

    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    @pytest.mark.parametrize("turned", [False, True])
    @pytest.mark.parametrize("order", [0, 1, 2])
    @pytest.mark.parametrize(("name", "i"), OTHER)
    def test_others(self, name: str, i: int, order: int, turned: bool, dtype: Any) -> None:
        op = REGISTRY[name]
        if order and op.spec.exempt:
            return

        def build(rng: np.random.Generator) -> tuple[Step, Sequence[tgi.Tensor]]:
            assert op.spec.examples is not None
            inputs, params = op.spec.examples(np.random.default_rng(3))[i]
            leaves = [leaf(np.ascontiguousarray(np.asarray(x).T) if turned else x, dtype) for x in inputs]

            def apply(*xs: tgi.Tensor) -> Any:
                return op(*[x.T if turned else x for x in xs], **params)

            return (derivatives(apply, leaves, rng, order) if order else lambda: apply(*leaves)), leaves

        check(build, ulps=4 * ULPS)

    @pytest.mark.parametrize("name", ["sum", "mean", "max", "min", "var", "std", "logsumexp", "norm"])
    @few
    @given(data=st.data(), dtype=dtypes, seed=seeds)
    def test_reductions_over_any_axes(self, name: str, data: st.DataObject, dtype: Any, seed: int) -> None:
        shape = data.draw(hnp.array_shapes(min_dims=0, max_dims=4, max_side=3))
        axes = data.draw(st.none() | (hnp.valid_tuple_axes(len(shape)) if shape else st.nothing()))
        keepdims = data.draw(st.booleans())
        layout = LAYOUTS[data.draw(st.sampled_from(["in a row", "backwards", "every second"]))]
        function = getattr(tgi, name)
        options = {"axis": axes, "keepdims": keepdims, **({"ddof": 0} if name in ("var", "std") else {})}

        def build(rng: np.random.Generator) -> tuple[Step, Sequence[tgi.Tensor]]:
            leaves = [leaf(rng.normal(size=shape), dtype)]
            return derivatives(lambda x: function(layout(x), **options), leaves, rng, 1), leaves

        check(build, seed=seed)

    @given(shape=hnp.array_shapes(min_dims=1, max_dims=3, max_side=4), data=st.data(), seed=seeds)
    def test_indexing(self, shape: Any, data: st.DataObject, seed: int) -> None:
        integers = hnp.arrays(
            np.intp, hnp.array_shapes(max_dims=2, max_side=4), elements=st.integers(-shape[0], shape[0] - 1)
        )
        fancy = hnp.integer_array_indices(shape) | integers
        index = data.draw(hnp.basic_indices(shape, allow_newaxis=True, allow_ellipsis=True) | fancy)
        order = data.draw(st.sampled_from([1, 2]))

        def build(rng: np.random.Generator) -> tuple[Step, Sequence[tgi.Tensor]]:
            leaves = [leaf(rng.normal(size=shape))]
            return derivatives(lambda x: x[index], leaves, rng, order), leaves

        check(build, seed=seed)

    @pytest.mark.parametrize("relation", ["__lt__", "__le__", "__gt__", "__ge__", "__eq__", "__ne__"])
    @few
    @given(x=arrays(-2, 2, shape=(3, 4)), y=arrays(-2, 2, shape=(4,)))
    def test_comparisons_and_where(self, relation: str, x: Any, y: Any) -> None:
        def build(_: Any) -> tuple[Step, Sequence[tgi.Tensor]]:
            leaves = [leaf(x), leaf(y)]

            def step() -> Any:
                a, b = leaves
                a.grad = b.grad = None
                holds = getattr(a, relation)(b) & ~(a == 0.0) | (b > 1.0)
                out = tgi.where(holds, a * b, tgi.exp(b))
                (out * out).sum().backward()
                return holds, out

            return step, leaves

        check(build)


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("labels", ["numbers", "small numbers", "whole floats", "like the prediction"])
@pytest.mark.parametrize("name", sorted(LOSSES))
@few
@given(dtype=dtypes, seed=seeds)
def test_losses(name: str, labels: str, reduction: str, dtype: Any, seed: int) -> None:
    rng = np.random.default_rng(seed)
    if labels == "like the prediction":
        targets: list[Any] = [rng.uniform(size=(5, 3)).astype(dtype) for _ in range(3)]
        targets = [np.sign(t - 0.5) for t in targets] if name == "hinge" else targets
        targets = [t / t.sum(1, keepdims=True) for t in targets] if name == "cross_entropy" else targets
    elif name in ("cross_entropy", "hinge"):
        kinds = {"numbers": np.int64, "small numbers": np.uint8, "whole floats": np.float32}
        targets = [rng.integers(0, 3, 5).astype(kinds[labels]) for _ in range(3)]
    else:
        return

    def build(rng: np.random.Generator) -> tuple[Step, Sequence[tgi.Tensor]]:
        logits = leaf(rng.normal(size=(5, 3)), dtype)

        def step(target: Any) -> Any:
            logits.grad = None
            loss = LOSSES[name](logits, target, reduction)
            (slope,) = tgi.grad(loss.sum(), [logits], create_graph=True)
            (loss.sum() + (slope * slope).sum()).backward()
            return loss, slope.detach()

        return step, [logits]

    check(build, [(target,) for target in targets], seed)


@few
@given(
    whole=hnp.arrays(np.int64, hnp.array_shapes(max_dims=3, max_side=4), elements=st.integers(-50, 50)),
    name=st.sampled_from(["sum", "max", "min", "mean"]),
    axis=st.sampled_from([None, 0, -1]),
)
def test_statistics_of_whole_numbers_and_truth_values(whole: Any, name: str, axis: int | None) -> None:
    """Their dtypes are NumPy's: the sum of whole numbers and of truth values is a whole number."""

    def statistics(x: Any) -> Any:
        return [getattr(values, name)(axis) for values in (x, x > 3)] + [x * 0.5]

    captured = tgi.capture(statistics)
    for _ in range(2):
        for found, expected in zip(captured(whole), statistics(whole), strict=True):
            assert found.dtype == expected.dtype
            np.testing.assert_allclose(found, expected, rtol=1e-15)
