"""NumPy on tensors: a differentiable tensor or an error, never an array of objects, never a lost gradient."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tinygrad_init as tgi
from tinygrad_init.ops.registry import REGISTRY

A = np.array([0.5, 1.5])


def leaf() -> tgi.Tensor:
    return tgi.tensor([1.0, 2.0], dtype="float64", requires_grad=True)


@pytest.mark.parametrize(
    "mix",
    [
        lambda t: A * t,
        lambda t: t * A,
        lambda t: A + t,
        lambda t: A - t,
        lambda t: A / t,
        lambda t: A**t,
        lambda t: t**A,
        lambda t: np.float32(2) * t,
        lambda t: t * np.float32(2),
        lambda t: np.float64(2) ** t,
        lambda t: np.int64(3) - t,
        lambda t: np.ones((2, 2)) @ t,
        lambda t: t @ np.ones((2, 2)),
        lambda t: np.multiply(A, t),
        lambda t: np.add(t, 1),
        lambda t: np.matmul(np.ones((2, 2)), t),
        lambda t: (A > 1) * t,
        lambda t: np.arange(2) * t,
        lambda t: np.maximum(A, t),
    ],
)
def test_mixing_arrays_and_tensors_keeps_the_gradient(mix: Any) -> None:
    out = mix(leaf())
    assert isinstance(out, tgi.Tensor)
    assert tgi.gradcheck(mix, leaf())
    np.testing.assert_allclose(out.numpy(), mix(leaf().numpy()))


def test_numpy_functions_are_the_operations_that_name_them() -> None:
    tried = 0
    for op in REGISTRY.values():
        for name in op.spec.numpy:
            function = getattr(np, name)
            if op.spec.kind == "other":
                continue
            inputs = [leaf() for _ in range(op.arity)]
            out = function(*inputs)
            assert isinstance(out, tgi.Tensor) and out.requires_grad, name
            with np.errstate(all="ignore"):  # an angle whose sine is above 1
                np.testing.assert_allclose(out.numpy(), function(*[x.numpy() for x in inputs]), err_msg=name)
            tried += 1
    assert tried > 15
    for call in (
        np.sum,
        np.mean,
        np.max,
        np.min,
        np.var,
        lambda t: np.clip(t, 1.2, 1.8),
        lambda t: np.sum(t, axis=0, keepdims=True),
    ):
        np.testing.assert_allclose(call(leaf()).numpy(), call(leaf().numpy()))
        assert call(leaf()).requires_grad
    assert np.concatenate([leaf(), leaf()]).shape == (4,)
    assert np.stack([leaf(), leaf()]).shape == (2, 2)
    assert np.where(leaf() > 1, leaf(), 0.0).requires_grad
    assert (np.transpose(leaf()).shape, np.reshape(leaf(), (2, 1)).shape) == ((2,), (2, 1))


@pytest.mark.parametrize(
    "call",
    [
        lambda t: np.sin(t, out=np.zeros(2)),
        lambda t: np.cumsum(t, out=np.zeros(2)),
        lambda t: np.asarray(t),
        lambda t: np.array(t),
        lambda t: np.array([t, t]),
    ],
)
def test_everything_else_raises(call: Any) -> None:
    with pytest.raises(TypeError):
        call(leaf())


def test_in_place_operators_of_arrays_refuse() -> None:
    array = A.copy()
    with pytest.raises(TypeError):
        array += leaf()
    np.testing.assert_array_equal(array, A)


def test_comparisons_are_plain_booleans() -> None:
    t = leaf()
    for found in (t > 1, t >= A, t > A, t == t, t != 1, t < 3, t <= t, np.isfinite(t), np.greater(A, t)):
        assert isinstance(found, np.ndarray) and found.dtype == np.bool_


def test_arrays_out_of_tensors_without_a_history() -> None:
    t = tgi.tensor([1.0, 2.0])
    assert np.asarray(t).dtype == np.float32
    assert np.asarray(t, dtype=np.float64).dtype == np.float64
    copied = np.array(t)
    copied[0] = 5
    assert t.numpy()[0] == 1
    with pytest.raises(ValueError, match="without a copy"):
        np.asarray(t, dtype=np.float64, copy=False)
