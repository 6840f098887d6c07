"""Names that NumPy, PyTorch and this package share mean the same, or are refused with both ways to write it."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_init as tgi
from tinygrad_init.ops.aliases import ALIASES, AS_METHODS, INSTEAD

X = np.random.default_rng(0).normal(size=(3, 4, 2))
MATRIX = X[:, :, 0].copy()
# A call that both NumPy and PyTorch understand, with the number of axes: it means the same here, or is refused.
SHARED: dict[str, tuple[Callable[[Any], Any], int]] = {
    "sum": (lambda t: t.sum(1), 3),
    "sum of all": (lambda t: t.sum(), 3),
    "mean": (lambda t: t.mean(1), 3),
    "prod": (lambda t: t.prod(1), 3),
    "cumsum": (lambda t: t.cumsum(1), 3),
    "cumprod": (lambda t: t.cumprod(1), 3),
    "max of all": (lambda t: t.max(), 3),
    "max": (lambda t: t.max(1), 3),
    "min": (lambda t: t.min(1), 3),
    "argmax": (lambda t: t.argmax(1), 3),
    "argmin of all": (lambda t: t.argmin(), 3),
    "std": (lambda t: t.std(), 3),
    "std along": (lambda t: t.std(1), 3),
    "var": (lambda t: t.var(), 3),
    "var along": (lambda t: t.var(1), 3),
    "transpose, as it is": (lambda t: t.transpose(0, 1), 2),
    "transpose": (lambda t: t.transpose(1, 0), 2),
    "swapaxes": (lambda t: t.swapaxes(0, 1), 3),
    "T": (lambda t: t.T, 2),
    "reshape": (lambda t: t.reshape(4, -1), 3),
    "squeeze": (lambda t: t[:, :1].squeeze(1), 3),
    "repeat": (lambda t: t.repeat(2), 1),
    "diagonal": (lambda t: t.diagonal(1), 2),
    "trace": (lambda t: t.trace(), 2),
    "flatten": (lambda t: t.flatten(), 3),
    "clip": (lambda t: t.clip(-0.5, 0.5), 3),
    "sort": (lambda t: t.sort(), 2),
    "argsort": (lambda t: t.argsort(1), 2),
    "index": (lambda t: t[1:, 0], 3),
    "matmul": (lambda t: t.T @ t, 2),
}
REFUSED = {"max", "min", "std", "std along", "var", "var along", "transpose, as it is", "repeat"}
# Sorted in place in NumPy, a pair in PyTorch: here PyTorch's, as np.sort(x) gives the values.
PYTORCHS = {"sort"}


def given(axes: int) -> Any:
    return {1: X[:, 0, 0], 2: MATRIX, 3: X}[axes].copy()


@pytest.mark.parametrize("name", SHARED)
def test_a_shared_call_means_the_same_or_is_refused(name: str) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    call, axes = SHARED[name]
    x = given(axes)
    if name in REFUSED:
        with pytest.raises(TypeError, match=r"means one thing in NumPy and another in PyTorch: write .+, or .+"):
            call(tgi.tensor(x))
        return
    found = call(tgi.tensor(x))
    if name not in PYTORCHS:
        np.testing.assert_allclose(np.asarray(getattr(found, "numpy", lambda: found)()), call(x), rtol=1e-14)
    theirs = call(torch.tensor(x))
    if isinstance(theirs, tuple):
        np.testing.assert_array_equal(found.indices, theirs.indices)
        found, theirs = found.values, theirs.values
    np.testing.assert_allclose(np.asarray(getattr(found, "numpy", lambda: found)()), theirs.numpy(), rtol=1e-14)


# With PyTorch's names of parameters a call means what it means there, also where NumPy's differs.
BY_DIM: dict[str, Callable[[Any], Any]] = {
    "sum": lambda t: t.sum(dim=1, keepdim=True),
    "mean": lambda t: t.mean(dim=(0, 2)),
    "logsumexp": lambda t: t.logsumexp(dim=1),
    "max": lambda t: t.max(dim=1).values,
    "max, kept": lambda t: t.max(1, keepdim=True).indices,
    "min": lambda t: t.min(dim=0)[1],
    "std": lambda t: t.std(dim=1),
    "std, biased": lambda t: t.std(dim=1, correction=0),
    "std of all": lambda t: t.std(correction=1),
    "var": lambda t: t.var(dim=(0, 1), keepdim=True),
    "argmax": lambda t: t.argmax(dim=1, keepdim=True),
    "cumsum": lambda t: t.cumsum(dim=2),
    "cumprod": lambda t: t.cumprod(dim=0),
    "logcumsumexp": lambda t: t.logcumsumexp(dim=1),
    "unsqueeze": lambda t: t.unsqueeze(dim=1),
    "squeeze": lambda t: t[:, :1].squeeze(dim=1),
    "transpose": lambda t: t.transpose(0, 2),
    "transpose by name": lambda t: t.transpose(dim0=0, dim1=1),
    "permute": lambda t: t.permute(2, 0, 1),
    "view": lambda t: t.view(4, 6),
    "clamp": lambda t: t.clamp(min=-0.3, max=0.4),
    "topk": lambda t: t.topk(2, dim=1).values,
    "topk, where": lambda t: t.topk(2, dim=1, largest=False).indices,
    "sort": lambda t: t.sort(dim=1, descending=True)[0],
    "chunk": lambda t: t.chunk(3, dim=1)[1],
    "tensor_split": lambda t: t.tensor_split(3, dim=1)[0],
    "repeat_interleave": lambda t: t.repeat_interleave(2, dim=1),
    "tile": lambda t: t.tile(2, 1, 3),
    "roll": lambda t: t.roll((1, -2), (0, 1)),
    "tril": lambda t: t.tril(-1),
    "swapdims": lambda t: t.swapdims(0, 2),
    "diff": lambda t: t.diff(dim=1),
}


@pytest.mark.parametrize("name", BY_DIM)
def test_pytorchs_spelling_means_what_it_means_there(name: str) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    found, theirs = BY_DIM[name](tgi.tensor(X)), BY_DIM[name](torch.tensor(X)).numpy()
    found = getattr(found, "numpy", lambda: found)()
    assert np.shape(found) == theirs.shape
    np.testing.assert_allclose(found, theirs, rtol=1e-13)


BY_AXIS: dict[str, Callable[[Any], Any]] = {
    "max": lambda t: t.max(axis=1),
    "max, kept": lambda t: t.max(1, keepdims=True),
    "std": lambda t: t.std(axis=1),
    "std, unbiased": lambda t: t.std(axis=1, ddof=1),
    "std of all": lambda t: t.std(ddof=0),
    "np.std": lambda t: np.std(t),
    "np.var": lambda t: np.var(t, axis=(0, 1), ddof=1, keepdims=True),
    "np.sort": lambda t: np.sort(t, 1),
    "np.cumsum": lambda t: np.cumsum(t),
    "np.prod": lambda t: np.prod(t, axis=1, keepdims=True),
    "np.repeat": lambda t: np.repeat(t, [1, 2, 0, 3], axis=1),
    "np.tile": lambda t: np.tile(t, (2, 1)),
    "np.roll": lambda t: np.roll(t, 5),
    "np.flip": lambda t: np.flip(t, (0, 2)),
    "np.moveaxis": lambda t: np.moveaxis(t, (0, 1), (-1, 0)),
    "np.array_split": lambda t: np.array_split(t, 3, axis=1)[1],
    "np.diff": lambda t: np.diff(t, 2, axis=1),
    "np.take_along_axis": lambda t: np.take_along_axis(t, np.array([[[0]], [[1]], [[0]]]), 2),
    "np.einsum": lambda t: np.einsum("ijk,ljk->il", t, t),
    "np.tensordot": lambda t: np.tensordot(t, t, ([0, 2], [0, 2])),
    "np.outer": lambda t: np.outer(t[0, 0], t[:, 0, 0]),
    "np.logaddexp": lambda t: np.logaddexp(t, t[::-1]),
    "np.hstack": lambda t: np.hstack([t, t]),
    "np.vstack": lambda t: np.vstack([t[0], t[1]]),
    "np.trace": lambda t: np.trace(t[..., 0]),
    "np.linalg.inv": lambda t: np.linalg.inv(t[:, :3, 0]),
    "np.linalg.det": lambda t: np.linalg.det(t[:, :3, 0]),
    "np.linalg.solve": lambda t: np.linalg.solve(t[:, :3, 0], t[:, 0]),
    "np.linalg.pinv": lambda t: np.linalg.pinv(t[..., 0]),
}


@pytest.mark.parametrize("name", BY_AXIS)
def test_numpys_spelling_means_what_it_means_there(name: str) -> None:
    found, theirs = BY_AXIS[name](tgi.tensor(X)), BY_AXIS[name](X)
    assert np.shape(found.numpy()) == np.shape(theirs)
    np.testing.assert_allclose(found.numpy(), theirs, rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("name", [*ALIASES])
def test_other_names_are_the_same_function(name: str) -> None:
    assert getattr(tgi, name) is ALIASES[name] and name in tgi.__all__
    if name in AS_METHODS:
        assert getattr(tgi.tensor(X), name).__func__ is ALIASES[name]


@pytest.mark.parametrize("name", INSTEAD)
def test_what_is_not_there_says_what_to_write(name: str) -> None:
    x = tgi.tensor(X)
    with pytest.raises(AttributeError, match=f"has no attribute '{name}'; write ") as error:
        getattr(x, name)
    assert INSTEAD[name] in str(error.value) and not hasattr(x, name)


def test_a_name_that_is_mistyped_is_told_the_nearest() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'summ'; did you mean 'sum'"):
        tgi.tensor(X).summ()
    with pytest.raises(AttributeError, match="has no attribute '__cuda_array_interface__'$"):
        _ = tgi.tensor(X).__cuda_array_interface__


class TestGradients:
    """`grad` gives one gradient for each input, in a tuple."""

    def test_of_one_input(self) -> None:
        x = tgi.tensor(X, requires_grad=True)
        found = tgi.grad((x * x).sum(), x)
        assert len(found) == 1
        np.testing.assert_array_equal(found[0].numpy(), 2 * X)

    @pytest.mark.parametrize(
        "old",
        [
            lambda g: g * 2, lambda g: 2 * g, lambda g: g + 1.0, lambda g: -g, lambda g: g.numpy(), lambda g: g.item(),
            lambda g: float(g), lambda g: np.asarray(g), lambda g: tgi.tensor(1.0) * g, lambda g: abs(g),
            lambda g: np.float64(2) * g,
        ],
    )  # fmt: skip
    def test_what_was_a_tensor_says_how_it_is_written_now(self, old: Callable[[Any], Any]) -> None:
        x = tgi.tensor(1.0, requires_grad=True)
        with pytest.raises((TypeError, AttributeError), match=r"write grad\(y, x\)\[0\]"):
            old(tgi.grad(x * x, x))

    def test_it_is_a_tuple_otherwise(self) -> None:
        x = tgi.tensor(1.0, requires_grad=True)
        first, second = tgi.grad(x * x, [x, x])
        assert first.item() == second.item() == 2.0
        assert copy.copy(tgi.grad(x * x, x))[0].item() == 2.0


class TestData:
    """`p.data` is the memory of a parameter, without its history."""

    @pytest.mark.parametrize("start", [3.0, [1.0, 2.0]])
    def test_it_can_be_changed(self, start: Any) -> None:
        p = tgi.tensor(start, requires_grad=True)
        kept = p
        p.data -= 0.5
        np.testing.assert_array_equal(p.numpy(), np.asarray(start) - 0.5)
        p.data = np.asarray(start) * 2
        np.testing.assert_array_equal(kept.numpy(), np.asarray(start) * 2)
        assert p is kept and p.requires_grad and p.is_leaf and not p.data.requires_grad

    def test_of_another_shape_is_refused(self) -> None:
        p = tgi.tensor([1.0, 2.0], requires_grad=True)
        with pytest.raises(ValueError, match="expected shape"):
            p.data = np.zeros(3)
