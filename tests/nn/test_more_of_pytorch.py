"""Layers and functions that PyTorch's own tables leave out, beside PyTorch; and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tinygrad_init as tgi
from tinygrad_init import nn
from tinygrad_init.nn import functional as F
from tinygrad_init.nn.utils import rnn

CLOSE = {"rtol": 1e-10, "atol": 1e-12}


def numbers(*shape: int, seed: int = 0) -> Any:
    return np.random.default_rng(seed).normal(size=shape)


def beside(run: Any, name: str, *arrays: Any) -> None:
    """Values and gradients of `run(functions, *tensors)`, here and in PyTorch."""
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    mine = [tgi.tensor(x, requires_grad=True) for x in arrays]
    theirs = [torch.tensor(x, requires_grad=True) for x in arrays]
    found, wanted = run(F, *mine), run(torch.nn.functional, *theirs)
    np.testing.assert_allclose(found.numpy(), wanted.detach().numpy(), **CLOSE, err_msg=name)
    weights = numbers(*wanted.shape, seed=9)
    (found * tgi.tensor(weights)).sum().backward()
    (wanted * torch.tensor(weights)).sum().backward()
    for own, other in zip(mine, theirs, strict=True):
        assert own.grad is not None
        np.testing.assert_allclose(own.grad.numpy(), other.grad.numpy(), **CLOSE, err_msg=name)


def whole(functions: Any, *values: Any) -> Any:
    """Whole numbers as each side wants them."""
    arrays = [np.array(value) for value in values]
    if functions is F:
        return arrays
    import torch

    return [torch.from_numpy(array) for array in arrays]


SIZES: list[tuple[str, dict[str, Any]]] = [
    (mode, options | corners)
    for mode, axes in {"linear": 1, "bilinear": 2, "bicubic": 2, "trilinear": 3}.items()
    for options in ({"size": (7, 4, 6)[:axes]}, {"size": (1, 2, 1)[:axes]}, {"scale_factor": 1.7})
    for corners in ({}, {"align_corners": True}, {"align_corners": False})
]
SIZES += [
    (mode, options)
    for mode in ("nearest", "nearest-exact", "area")
    for options in ({"size": (7, 3)}, {"size": (2, 9)}, {"scale_factor": (0.6, 2.3)})
]
SIZES += [("bicubic", {"scale_factor": (1.3, 0.6), "recompute_scale_factor": True})]


@pytest.mark.parametrize(("mode", "options"), SIZES)
@pytest.mark.filterwarnings("ignore")
def test_images_in_other_sizes(mode: str, options: dict[str, Any]) -> None:
    axes = {"linear": 1, "trilinear": 3}.get(mode, 2)
    beside(lambda f, x: f.interpolate(x, mode=mode, **options), mode, numbers(2, 3, *(5, 4, 3)[:axes]))


WINDOWS: list[tuple[Any, dict[str, Any]]] = [
    (2, {}), ((2, 3), {"stride": 2}), (3, {"padding": 1, "stride": (1, 2)}), (2, {"dilation": 2, "padding": (0, 2)}),
]  # fmt: skip


@pytest.mark.parametrize(("size", "options"), WINDOWS)
def test_windows_as_columns_and_back(size: Any, options: dict[str, Any]) -> None:
    for shape in ((2, 3, 6, 7), (3, 6, 7)):
        beside(lambda f, x: f.unfold(x, size, **options), "unfold", numbers(*shape))
        columns = F.unfold(tgi.tensor(numbers(*shape)), size, **options)
        beside(lambda f, x: f.fold(x, (6, 7), size, **options), "fold", numbers(*columns.shape))


@pytest.mark.parametrize(
    ("axes", "size", "options"),
    [(1, 2, {}), (2, 2, {}), (2, (3, 2), {"stride": (3, 2), "padding": 1}), (3, 2, {}), (2, 2, {"stride": 3})],
)
def test_pooling_undone(axes: int, size: Any, options: dict[str, Any]) -> None:
    lengths = (7, 6, 5)[:axes]

    def run(f: Any, x: Any) -> Any:
        pooled, at = getattr(f, f"max_pool{axes}d")(x, size, return_indices=True, **options)
        unpool = getattr(f, f"max_unpool{axes}d")
        return unpool(pooled, at, size, output_size=lengths, **options)

    beside(run, "max_unpool", numbers(2, 3, *lengths))
    beside(run, "max_unpool of one sample", numbers(3, *lengths))


BAGS: list[tuple[Any, Any, dict[str, Any]]] = [
    ([[0, 2, 4], [1, 1, 3]], None, {}),
    ([0, 2, 4, 1, 1], [0, 2, 2, 4], {}),
    ([0, 2, 4, 1, 1], [0, 2, 5], {"include_last_offset": True}),
    ([0, 2, 4, 1, 1], [0, 1, 3], {"padding_idx": 2}),
]


@pytest.mark.parametrize("mode", ["sum", "mean", "max"])
@pytest.mark.parametrize(("rows", "offsets", "options"), BAGS)
def test_bags_of_rows(rows: Any, offsets: Any, options: dict[str, Any], mode: str) -> None:
    def run(f: Any, table: Any, weights: Any = None) -> Any:
        given, starts = whole(f, rows, [0] if offsets is None else offsets)
        more = {"per_sample_weights": weights} if weights is not None else {}
        return f.embedding_bag(given, table, None if offsets is None else starts, mode=mode, **options, **more)

    beside(run, mode, numbers(5, 3))
    if mode == "sum":
        beside(run, "weighted", numbers(5, 3), numbers(*np.shape(rows), seed=1))


CTC: list[tuple[Any, Any, Any, int]] = [
    ([[1, 2, 2], [3, 1, 0]], [7, 5], [3, 2], 0),
    ([1, 2, 2, 3, 1], [7, 7], [3, 2], 0),
    ([[0, 0, 0], [3, 1, 0]], [7, 6], [3, 0], 4),
]


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize(("targets", "times", "counts", "blank"), CTC)
def test_sequences_of_labels_without_times(targets: Any, times: Any, counts: Any, blank: int, reduction: str) -> None:
    """Through the softmax: PyTorch's gradient by logarithms themselves takes for granted that they come from one."""

    def run(f: Any, x: Any) -> Any:
        options = {"blank": blank, "reduction": reduction}
        return f.ctc_loss(f.log_softmax(x, 2), *whole(f, targets, times, counts), **options)

    beside(run, "ctc_loss", numbers(7, 2, 5))


def test_labels_that_do_not_fit_into_the_times() -> None:
    def run(f: Any, x: Any) -> Any:
        labels = whole(f, [[1, 1, 1], [2, 1, 3]], [4, 4], [3, 3])
        return f.ctc_loss(f.log_softmax(x, 2), *labels, reduction="none", zero_infinity=True)

    beside(run, "ctc_loss", numbers(4, 2, 5))
    args = tgi.tensor(numbers(4, 2, 5)), np.array([[1, 1, 1], [2, 1, 3]]), np.array([4, 4]), np.array([3, 3])
    assert np.isinf(nn.CTCLoss(reduction="none")(*args).numpy()).tolist() == [True, False]


LENGTHS = [3, 5, 1, 4]


@pytest.mark.parametrize("batch_first", [False, True])
def test_sequences_padded_packed_and_back(batch_first: bool) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    theirs = torch.nn.utils.rnn
    arrays = [numbers(n, 2, seed=n) for n in LENGTHS]
    mine, other = [tgi.tensor(a) for a in arrays], [torch.tensor(a) for a in arrays]
    for side in ("right", "left"):
        found = rnn.pad_sequence(mine, batch_first, 1.5, side)
        np.testing.assert_array_equal(found.numpy(), theirs.pad_sequence(other, batch_first, 1.5, side).numpy())
    padded, wanted = rnn.pad_sequence(mine, batch_first), theirs.pad_sequence(other, batch_first)
    packed = rnn.pack_padded_sequence(padded, LENGTHS, batch_first, enforce_sorted=False)
    known = theirs.pack_padded_sequence(wanted, LENGTHS, batch_first, enforce_sorted=False)
    for own, value in zip(packed, known, strict=True):
        np.testing.assert_array_equal(np.asarray(own), value.numpy())
    out, lengths = rnn.pad_packed_sequence(packed, batch_first, -1.0, 6)
    expected, _ = theirs.pad_packed_sequence(known, batch_first, -1.0, 6)
    np.testing.assert_array_equal(out.numpy(), expected.numpy())
    assert np.asarray(lengths).tolist() == LENGTHS
    for own, array in zip(rnn.unpack_sequence(rnn.pack_sequence(mine, enforce_sorted=False)), arrays, strict=True):
        np.testing.assert_array_equal(own.numpy(), array)
    words = rnn.pad_sequence([tgi.tensor([1, 2, 3]), tgi.tensor([4])], True, 7)
    assert np.asarray(words).tolist() == [[1, 2, 3], [4, 7, 7]] and np.asarray(words).dtype.kind == "i"


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("kind", ["RNN", "GRU", "LSTM"])
def test_recurrent_networks_take_packed_sequences(kind: str, bidirectional: bool) -> None:
    """Each sequence as if it came alone, eagerly and captured."""
    options = {"num_layers": 2, "bidirectional": bidirectional, "dtype": "float64", "rng": 0}
    net = getattr(nn, kind)(2, 3, **options)
    arrays = [numbers(n, 2, seed=n) for n in LENGTHS]
    start = tgi.tensor(numbers(4 if bidirectional else 2, len(LENGTHS), 3))
    states = (start, start * 0.5) if kind == "LSTM" else start

    def run(*sequences: Any) -> Any:
        packed = rnn.pack_sequence([tgi.as_tensor(x) for x in sequences], enforce_sorted=False)
        out, ends = net(packed, states)
        rows, _ = rnn.pad_packed_sequence(out)
        (rows.sum() + sum((end * end).sum() for end in (ends if kind == "LSTM" else (ends,)))).backward()
        return rows, ends[0] if kind == "LSTM" else ends

    total: dict[str, Any] = {}
    alone = []
    for i, array in enumerate(arrays):
        own = tuple(s[:, i] for s in states) if kind == "LSTM" else states[:, i]
        out, ends = net(tgi.tensor(array), own)
        (out.sum() + sum((end * end).sum() for end in (ends if kind == "LSTM" else (ends,)))).backward()
        alone.append((out.numpy(), (ends[0] if kind == "LSTM" else ends).numpy()))
    total = {name: p.grad.numpy().copy() for name, p in net.named_parameters() if p.grad is not None}
    for call in (run, tgi.capture(run)):
        net.zero_grad()
        rows, last = call(*arrays)
        for i, (out, end) in enumerate(alone):
            np.testing.assert_allclose(rows.numpy()[: LENGTHS[i], i], out, **CLOSE)
            assert not rows.numpy()[LENGTHS[i] :, i].any()
            np.testing.assert_allclose(last.numpy()[:, i], end, **CLOSE)
        for name, p in net.named_parameters():
            assert p.grad is not None
            np.testing.assert_allclose(p.grad.numpy(), total[name], **CLOSE, err_msg=name)


def test_parameters_as_one_vector_and_back() -> None:
    net, twin = nn.MLP([2, 3, 1], rng=0), nn.MLP([2, 3, 1], rng=1)
    vector = nn.utils.parameters_to_vector(net.parameters())
    assert vector.shape == (13,) and vector.requires_grad
    nn.utils.vector_to_parameters(vector, twin.parameters())
    for mine, theirs in zip(twin.parameters(), net.parameters(), strict=True):
        np.testing.assert_array_equal(mine.numpy(), theirs.numpy())
    with pytest.raises(ValueError, match="expected a vector of 13 numbers, got shape"):
        nn.utils.vector_to_parameters(vector[:-1], net.parameters())
    assert nn.utils.clip_grad_norm_ is tgi.optim.clip_grad_norm_


def test_slopes_that_are_drawn() -> None:
    layer, x = nn.RReLU(0.2, 0.6, rng=0), np.concatenate([np.full(20000, -2.0), np.full(5, 3.0)])
    out = layer(tgi.tensor(x)).numpy()
    slopes = out[:20000] / -2.0
    assert 0.2 <= slopes.min() < 0.201 and 0.599 < slopes.max() <= 0.6 and (out[20000:] == 3.0).all()
    assert abs(slopes.mean() - 0.4) < 4 * 0.4 / np.sqrt(12 * 20000)
    np.testing.assert_allclose(layer.eval()(tgi.tensor(x)).numpy(), np.where(x > 0, x, 0.4 * x))
    one, other = nn.RReLU(rng=3), nn.RReLU(rng=3)
    run = tgi.capture(one)
    for _ in range(3):
        np.testing.assert_array_equal(run(tgi.tensor(x)).numpy(), other(tgi.tensor(x)).numpy())
    y = tgi.tensor([-2.0, 3.0], requires_grad=True)
    z = F.rrelu(y, 0.2, 0.6, training=True, rng=0)
    z.sum().backward()
    assert y.grad is not None and y.grad.numpy().tolist() == (z / y).numpy().tolist()


X = tgi.tensor(np.zeros((1, 2, 4, 4)))
REFUSED: dict[str, tuple[Any, str]] = {
    "fold": (lambda: F.fold(X[0], (5, 5), 2), "a multiple of 4 rows, 16 columns"),
    "unfold": (lambda: F.unfold(X[0, 0], 2), r"expected \(samples, channels, height, width\)"),
    "unpool": (lambda: F.max_unpool2d(X, np.zeros((1, 2, 4, 4), int), 2, output_size=(3, 3)), "within a stride of"),
    "places": (lambda: F.max_unpool2d(X, np.full((1, 2, 4, 4), 64), 2), "are not all among 64"),
    "bag mode": (lambda: nn.EmbeddingBag(3, 2, mode="min"), "mode out of sum, mean, max, got 'min'"),
    "bag offsets": (lambda: nn.EmbeddingBag(3, 2)(np.array([0, 1])), "or in a row with offsets"),
    "bag start": (lambda: nn.EmbeddingBag(3, 2)(np.array([0, 1]), np.array([1])), "begin with 0"),
    "bag weights": (lambda: nn.EmbeddingBag(3, 2)(np.array([[0]]), None, np.ones((1, 1))), "'sum'; got 'mean'"),
    "slopes": (lambda: nn.RReLU(0.5, 0.2), "lower <= upper, got 0.5 and 0.2"),
    "order": (lambda: rnn.pack_padded_sequence(X[0], [1, 2, 1, 1]), "longest sequence first"),
    "lengths": (lambda: rnn.pack_padded_sequence(X[0], [3, 2, 1, 1]), "4 lengths from 1 to 2"),
    "side": (lambda: rnn.pad_sequence([X[0]], padding_side="both"), "'left' or 'right', got 'both'"),
    "total": (lambda: rnn.pad_packed_sequence(rnn.pack_sequence([X[0]]), total_length=1), "at least 2"),
    "label": (lambda: F.ctc_loss(X[0], np.zeros((4, 1), int), [2] * 4, [1] * 4), "target 0 is no class"),
    "times": (lambda: F.ctc_loss(X[0], np.ones((4, 1), int), [3] * 4, [1] * 4), "4 lengths from 1 to 2"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_errors_that_teach(name: str) -> None:
    call, said = REFUSED[name]
    with pytest.raises(ValueError, match=said):
        call()
