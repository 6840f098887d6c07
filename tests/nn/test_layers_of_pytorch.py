"""Layers that PyTorch has, too: derivatives of two orders, captured and eager alike, and what they refuse."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest

import tinygrad_init as tgi
from tinygrad_init import nn

from .layer_cases import LAYERS, first, numbers


@pytest.mark.parametrize("name", LAYERS)
def test_derivatives_of_two_orders(name: str) -> None:
    make, shape = LAYERS[name]
    layer = make()
    x = tgi.tensor(numbers(shape), "float64", requires_grad=True)
    assert tgi.gradcheck(lambda x: first(layer(x)), x)
    assert tgi.gradgradcheck(lambda x: first(layer(x)), x)
    for path, parameter in layer.named_parameters():

        def by_parameter(p: Any, path: str = path) -> Any:
            twin = copy.deepcopy(layer)
            home, _, own = path.rpartition(".")
            vars(twin.get_submodule(home))[own] = p
            return first(twin(x.detach()))

        assert tgi.gradcheck(by_parameter, tgi.tensor(parameter.numpy(), "float64", requires_grad=True))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", LAYERS)
def test_captured_is_eager(name: str, dtype: str) -> None:
    make, shape = LAYERS[name]
    eager = make().to(dtype)
    captured = copy.deepcopy(eager)

    scales = [nn.Parameter(np.ones(shape), dtype) for _ in range(2)]  # so that a gradient goes into the input

    def step(model: Any, scale: Any, x: Any, w: Any) -> Any:
        out = first(model(x * scale))
        (out * w).sum().backward()
        return out

    run = tgi.capture(lambda x, w: step(captured, scales[1], x, w))
    w = np.random.default_rng(1).normal(size=first(make().to(dtype)(tgi.tensor(numbers(shape), dtype))).shape)
    tolerance = {"float32": 1e-5, "float64": 1e-12}[dtype]
    for seed in range(3):
        given = tgi.tensor(numbers(shape, seed), dtype), tgi.tensor(w, dtype)
        expected, found = step(eager, scales[0], *given), run(*given)
        np.testing.assert_allclose(found.numpy(), expected.numpy(), tolerance, tolerance)
        pairs = zip([scales[1], *captured.parameters()], [scales[0], *eager.parameters()], strict=True)
        for ours, theirs in pairs:
            assert ours.grad is not None and theirs.grad is not None
            np.testing.assert_allclose(ours.grad.numpy(), theirs.grad.numpy(), tolerance, tolerance)
            ours.grad = theirs.grad = None
        for ours, theirs in zip(captured.buffers(), eager.buffers(), strict=True):
            np.testing.assert_allclose(ours.numpy(), theirs.numpy(), tolerance, tolerance)


@pytest.mark.parametrize("name", LAYERS)
def test_copies_and_pickles_compute_the_same(name: str) -> None:
    make, shape = LAYERS[name]
    layer, x = make(), tgi.tensor(numbers(shape))
    state, expected = copy.deepcopy(layer.state_dict()), first(layer(x)).numpy()
    for twin in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        twin.load_state_dict(state)
        np.testing.assert_array_equal(first(twin(x)).numpy(), expected)
        assert repr(twin) == repr(layer)


def zeros(*shape: int) -> Any:
    return tgi.tensor(np.zeros(shape, np.float32))


WRONG: dict[str, tuple[Any, type[Exception], str]] = {
    "seed by position": (lambda: nn.Linear(2, 3, True, 0), TypeError, "rng= and dtype= are said by name"),
    "dtype as device": (lambda: nn.LayerNorm(3, 1e-5, True, True, "float64"), TypeError, "said by name"),
    "device": (lambda: nn.Conv2d(1, 1, 3, device="cuda:0"), ValueError, "device None or 'cpu', got 'cuda:0'"),
    "dtype": (lambda: nn.Linear(2, 3, dtype="float16"), TypeError, "float32 or float64"),
    "seed as inplace": (lambda: nn.Dropout(0.5, 3), TypeError, "inplace as True or False, got 3"),
    "inplace": (lambda: nn.ReLU(1), TypeError, "ReLU: expected inplace as True or False"),
    "threshold": (lambda: nn.Threshold(1.0), TypeError, "Threshold: takes threshold, value"),
    "hardtanh": (lambda: nn.Hardtanh(1.0, 1.0), ValueError, "min_val < max_val"),
    "softplus": (lambda: nn.Softplus(0.0), ValueError, "beta above 0"),
    "gelu": (lambda: nn.GELU("fast"), ValueError, "approximate 'none' or 'tanh', got 'fast'"),
    "softmax": (lambda: nn.Softmax()(zeros(2, 3)), TypeError, "dim is missing; PyTorch would guess 1"),
    "glu": (lambda: nn.GLU()(zeros(2, 3)), ValueError, "even length, got 3"),
    "prelu": (lambda: nn.PReLU(3)(zeros(2, 4)), ValueError, "expected 3 units along axis 1"),
    "padding mode": (lambda: nn.Conv1d(1, 1, 3, padding_mode="same"), ValueError, "padding_mode out of zeros"),
    "transposed": (lambda: nn.ConvTranspose1d(1, 1, 3, padding_mode="reflect"), ValueError, "out of zeros, got"),
    "output size": (lambda: nn.ConvTranspose1d(1, 1, 3, 2)(zeros(1, 1, 4), (12,)), ValueError, r"from \(9,\) on"),
    "reflection": (lambda: nn.ReflectionPad1d(4)(zeros(1, 1, 4)), ValueError, "up to 3 with 'reflect'"),
    "widths": (lambda: nn.ZeroPad2d((1, 2)), ValueError, "expected 4 widths"),
    "cut off": (lambda: nn.ZeroPad1d(-3)(zeros(1, 1, 4)), ValueError, "cut off more than"),
    "ceil": (lambda: nn.MaxPool2d(2, ceil_mode=1), TypeError, "ceil_mode as True or False"),
    "divisor": (lambda: nn.AvgPool2d(2, divisor_override=0)(zeros(1, 1, 4, 4)), ValueError, "other than 0"),
    "adaptive": (lambda: nn.AdaptiveAvgPool2d((1, 2, 3))(zeros(1, 1, 4, 4)), ValueError, "output_size for 2 axes"),
    "groups": (lambda: nn.GroupNorm(3, 4), ValueError, "3 groups do not divide 4 channels"),
    "channels": (lambda: nn.InstanceNorm2d(3)(zeros(1, 4, 2, 2)), ValueError, r"\(samples, 3, ...\) with 4 axes"),
    "position": (lambda: nn.InstanceNorm1d(3)(zeros(2, 3, 1)), ValueError, "more than one position"),
    "rms": (lambda: nn.RMSNorm(3)(zeros(2, 4)), ValueError, r"ends in \(3,\), got \(2, 4\)"),
    "shuffle": (lambda: nn.PixelShuffle(2)(zeros(1, 3, 2, 2)), ValueError, "a multiple of 4 channels, got 3"),
    "mode": (lambda: nn.Upsample(4, mode="cubic")(zeros(1, 1, 2, 2)), ValueError, "mode out of nearest"),
    "size": (lambda: nn.Upsample()(zeros(1, 1, 2, 2)), ValueError, "either size or scale_factor"),
    "corners": (lambda: nn.Upsample(4, align_corners=True)(zeros(1, 1, 2)), ValueError, "is for straight lines"),
    "row": (lambda: nn.Embedding(3, 2)(np.array([0, 3])), ValueError, "from 0 to 2, got 0 to 3"),
    "float row": (lambda: nn.Embedding(3, 2)(np.array([0.5])), TypeError, "expected whole numbers"),
    "max_norm": (lambda: nn.Embedding(3, 2, max_norm=1.0), NotImplementedError, "max_norm, which changes the table"),
    "sparse": (lambda: nn.Embedding(3, 2, sparse=True), NotImplementedError, "sparse are not to be had"),
    "padding_idx": (lambda: nn.Embedding(3, 2, 3), ValueError, "padding_idx from -3 to 2"),
    "nonlinearity": (lambda: nn.RNN(2, 3, nonlinearity="sin"), ValueError, "'tanh' or 'relu', got 'sin'"),
    "features": (lambda: nn.GRU(2, 3)(zeros(4, 1, 3)), ValueError, r"\(steps, samples, 2\), got \(4, 1, 3\)"),
    "state": (lambda: nn.GRU(2, 3)(zeros(4, 1, 2), zeros(1, 2, 3)), ValueError, r"state of shape \(1, 1, 3\)"),
    "no pair": (lambda: nn.LSTM(2, 3)(zeros(4, 1, 2), zeros(1, 1, 3)), TypeError, r"a pair \(h, c\)"),
    "projection": (lambda: nn.LSTM(2, 3, proj_size=3), ValueError, "proj_size below hidden_size"),
    "cell": (lambda: nn.LSTMCell(2, 3)(zeros(4, 3)), ValueError, r"\(samples, 2\), got \(4, 3\)"),
    "heads": (lambda: nn.MultiheadAttention(5, 2), ValueError, "2 heads do not share 5 features"),
    "mask": (
        lambda: nn.MultiheadAttention(4, 2)(*[zeros(3, 1, 4)] * 3, attn_mask=np.zeros((2, 2), bool)),
        ValueError, r"attn_mask of shape \(2, 3, 3\), got \(2, 2\)",
    ),
    "whole mask": (
        lambda: nn.MultiheadAttention(4, 2)(*[zeros(3, 1, 4)] * 3, attn_mask=np.zeros((3, 3), int)),
        TypeError, "a mask of booleans or floats, got int64",
    ),
    "causal": (
        lambda: nn.MultiheadAttention(4, 2)(*[zeros(3, 1, 4)] * 3, is_causal=True), ValueError, "the mask itself",
    ),
    "activation": (lambda: nn.TransformerEncoderLayer(4, 2, activation="tanh"), ValueError, "'relu' or 'gelu'"),
    "bilinear": (lambda: nn.Bilinear(2, 3, 4)(zeros(5, 2), zeros(5, 2)), ValueError, "do not fit a weight"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_errors_that_teach(name: str) -> None:
    call, error, message = WRONG[name]
    with pytest.raises(error, match=message):
        call()


def test_a_device_and_dtypes_of_pytorch_are_taken() -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    layer = nn.Linear(2, 3, True, torch.device("cpu"), torch.float64)
    assert layer.weight.dtype == np.float64 and layer.to(torch.float32).weight.dtype == np.float32
    with pytest.raises(ValueError, match="got 'meta'"):
        nn.Linear(2, 3, device=torch.device("meta"))
    with pytest.raises(TypeError, match="said by name"):
        nn.Linear(2, 3, True, torch.float64)


@pytest.mark.parametrize(
    ("layer", "shape"),
    [(nn.Dropout1d, (50, 40, 6)), (nn.Dropout2d, (50, 40, 3, 2)), (nn.Dropout3d, (50, 40, 1, 3, 2))],
)
def test_whole_channels_are_dropped(layer: Any, shape: tuple[int, ...]) -> None:
    x = np.ones(shape)
    out = layer(0.3, rng=0)(tgi.tensor(x)).numpy().reshape(2000, 6)
    assert np.all(out == out[:, :1]) and set(np.unique(out)) == {0.0, 1 / 0.7}
    assert abs(np.mean(out[:, 0] == 0) - 0.3) < 4 * np.sqrt(0.3 * 0.7 / 2000)
    np.testing.assert_array_equal(layer(0.3).eval()(tgi.tensor(x)).numpy(), x)


@pytest.mark.parametrize("layer", [nn.AlphaDropout, nn.FeatureAlphaDropout])
def test_alpha_dropout_keeps_mean_and_variance(layer: Any) -> None:
    x = np.random.default_rng(0).normal(size=(400, 500))
    out = layer(0.2, rng=1)(tgi.tensor(x)).numpy()
    # 200000 numbers whose fourth moment is about 3: standard errors of 0.0022 and 0.0032.
    assert abs(out.mean()) < 0.012 and abs(out.var() - 1) < 0.02
    assert np.unique(out, return_counts=True)[1].max() / out.size == pytest.approx(0.2, abs=0.01)
    np.testing.assert_array_equal(layer(0.2).eval()(tgi.tensor(x)).numpy(), x)


def test_starts_are_pytorchs() -> None:
    """By distribution: bounds and deviations."""
    table = nn.Embedding(200, 300, padding_idx=-1, rng=0).weight.numpy()
    assert not table[-1].any() and table[:-1].std() == pytest.approx(1, abs=0.01)
    for layer, bound in ((nn.LSTM(5, 64, rng=0), 1 / 8), (nn.Bilinear(16, 5, 60, rng=0), 1 / 4)):
        for parameter in layer.parameters():
            numbers = parameter.numpy()
            assert np.abs(numbers).max() <= bound
            if numbers.size > 5000:
                assert numbers.std() == pytest.approx(bound / np.sqrt(3), rel=0.02)
    attention = nn.MultiheadAttention(64, 4, rng=0)
    assert attention.in_proj_weight is not None and attention.in_proj_bias is not None
    assert (
        np.abs(attention.in_proj_weight.numpy()).max() <= np.sqrt(6 / (4 * 64))
        and not attention.in_proj_bias.numpy().any()
    )
    assert nn.LSTM(3, 4, rng=0).state_dict().keys() == {f"{k}_{w}_l0" for k in ("weight", "bias") for w in ("ih", "hh")}


def test_a_row_of_padding_is_not_learned() -> None:
    table = nn.Embedding(4, 2, padding_idx=1, rng=0)
    table(np.array([[1, 2], [2, 3]])).sum().backward()
    assert table.weight.grad is not None
    assert table.weight.grad.numpy().tolist() == [[0, 0], [0, 0], [2, 2], [1, 1]]
    known = nn.Embedding.from_pretrained(np.arange(6.0).reshape(3, 2))
    assert not known.weight.requires_grad and known(np.array(2)).numpy().tolist() == [4, 5]
    assert nn.Embedding.from_pretrained(np.ones((3, 2)), freeze=False).weight.requires_grad


def test_numbers_of_rows_are_arguments_of_a_captured_function() -> None:
    table = nn.Embedding(5, 3, padding_idx=0, rng=0)
    run = tgi.capture(lambda i: table(i))
    for i in (np.array([0, 1]), np.array([4, 4]), np.array([2, 0])):
        np.testing.assert_array_equal(run(i).numpy(), table(i).numpy())
    with pytest.raises(ValueError, match="from 0 to 4, got 1 to 5"):
        run(np.array([1, 5]))


def test_where_the_largest_were() -> None:
    x = numbers((2, 3, 5, 6))
    for layer in (nn.MaxPool2d(3, 2, 1, return_indices=True), nn.AdaptiveMaxPool2d((3, 4), return_indices=True)):
        values, places = layer(tgi.tensor(x))
        flat = x.reshape(2, 3, 30)
        at = np.asarray(places).reshape(2, 3, -1)
        np.testing.assert_array_equal(np.take_along_axis(flat, at, 2).reshape(values.shape), values.numpy())
        run = tgi.capture(layer)
        for _ in range(2):
            np.testing.assert_array_equal(np.asarray(run(tgi.tensor(x))[1]), np.asarray(places))


def test_layers_of_a_transformer_do_not_share_their_noise() -> None:
    layer = nn.TransformerEncoderLayer(4, 2, 8, 0.5, rng=0)
    encoder = nn.TransformerEncoder(layer, 2)
    first_, second = encoder.layers
    x = tgi.tensor(np.ones((50, 1, 4), np.float32))
    assert not np.array_equal(first_.dropout1(x).numpy(), second.dropout1(x).numpy())
    np.testing.assert_array_equal(first_.linear1.weight.numpy(), second.linear1.weight.numpy())
    mask = nn.Transformer.generate_square_subsequent_mask(3).numpy()
    assert mask.tolist() == [[0, -np.inf, -np.inf], [0, 0, -np.inf], [0, 0, 0]]


def test_a_transformer_is_captured() -> None:
    model = nn.Transformer(4, 2, 1, 1, 8, 0.0, batch_first=True, dtype="float64", rng=0)
    mask = nn.Transformer.generate_square_subsequent_mask(3, dtype="float64")
    rng = np.random.default_rng(0)
    run = tgi.capture(lambda x, y: model(x, y, tgt_mask=mask))
    for _ in range(3):
        x, y = (tgi.tensor(rng.normal(size=(2, n, 4))) for n in (5, 3))
        np.testing.assert_allclose(run(x, y).numpy(), model(x, y, tgt_mask=mask).numpy(), 1e-12)
