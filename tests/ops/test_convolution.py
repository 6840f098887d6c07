"""Convolutions and their transposed: values and gradients beside PyTorch's, fans counted, captured, wrong input."""

from __future__ import annotations

import copy
import itertools
import pickle
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinygrad_init as tgi
from tinygrad_init import nn, optim

from ..programs.capturing import Step, check, leaf
from ..strategies import dtypes, seeds

PLAIN = {1: tgi.conv1d, 2: tgi.conv2d}
TRANSPOSED = {1: tgi.conv_transpose1d, 2: tgi.conv_transpose2d}


def close(found: Any, expected: Any) -> None:
    """Equal up to sums of at most some hundred terms of size 1, added up in another order."""
    tolerance = 500 * float(np.finfo(expected.dtype).eps)
    assert (found.shape, found.dtype) == (expected.shape, expected.dtype)
    np.testing.assert_allclose(found, expected, tolerance, tolerance)


def assert_like_torch(ours: Any, theirs: Any, arrays: Sequence[Any], rng: Any) -> None:
    """The same values, and the same gradients of all arrays for a random cotangent."""
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    mine = [tgi.tensor(a, requires_grad=True) for a in arrays]
    others = [torch.tensor(a, requires_grad=True) for a in arrays]
    out, expected = ours(*mine), theirs(*others)
    close(out.numpy(), expected.detach().numpy())
    g = rng.normal(size=out.shape).astype(out.dtype)
    gradients = torch.autograd.grad(expected, others, torch.tensor(g))
    for found, wanted in zip(tgi.grad(out, mine, gradients=g), gradients, strict=True):
        close(found.numpy(), wanted.numpy())


@st.composite
def cases(draw: st.DrawFn, transposed: bool = False) -> Any:
    """Number of axes, shapes of input, weight and bias, and options, such that at least one window fits."""
    axes = draw(st.integers(1, 2))
    groups = draw(st.integers(1, 3))
    inside, outside = draw(st.integers(1, 2)), draw(st.integers(1, 2))

    def each(low: int, high: int) -> tuple[int, ...]:
        return tuple(draw(st.integers(low, high)) for _ in range(axes))

    size, stride, dilation, padding = each(1, 3), each(1, 3), each(1, 2), each(0, 2)
    reach = [(n - 1) * d for n, d in zip(size, dilation, strict=True)]
    options: dict[str, Any] = {"stride": stride, "dilation": dilation, "groups": groups, "padding": padding}
    samples = draw(st.integers(0, 3))
    if transposed:
        options["output_padding"] = tuple(
            draw(st.integers(0, max(s, d) - 1)) for s, d in zip(stride, dilation, strict=True)
        )
        # So long that cutting the padding off leaves something.
        counts = tuple(max(1, 2 * p - r + 1) + more for p, r, more in zip(padding, reach, each(0, 4), strict=True))
        shapes = (samples, groups * inside, *counts), (groups * inside, outside, *size), (groups * outside,)
    else:
        lengths = tuple(max(1, r + 1 - 2 * p) + more for p, r, more in zip(padding, reach, each(0, 5), strict=True))
        word = draw(st.sampled_from(["", "", "same", "valid"]))
        if word:
            options["padding"] = word
            lengths = tuple(n + 2 * p for n, p in zip(lengths, padding, strict=True))
        if word == "same":
            options["stride"] = 1
        shapes = (samples, groups * inside, *lengths), (groups * outside, inside, *size), (groups * outside,)
    return axes, shapes, options


@pytest.mark.filterwarnings("ignore:Using padding='same':UserWarning")  # PyTorch's, about a copy
@settings(max_examples=40)
@given(case=cases(), dtype=dtypes, seed=seeds)
def test_convolutions_are_pytorchs(case: Any, dtype: Any, seed: int) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    axes, shapes, options = case
    theirs = {1: torch.nn.functional.conv1d, 2: torch.nn.functional.conv2d}[axes]
    rng = np.random.default_rng(seed)
    arrays = [rng.normal(size=shape).astype(dtype) for shape in shapes]
    assert_like_torch(lambda *a: PLAIN[axes](*a, **options), lambda *a: theirs(*a, **options), arrays, rng)


@settings(max_examples=40)
@given(case=cases(transposed=True), dtype=dtypes, seed=seeds)
def test_transposed_convolutions_are_pytorchs(case: Any, dtype: Any, seed: int) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    axes, shapes, options = case
    theirs = {1: torch.nn.functional.conv_transpose1d, 2: torch.nn.functional.conv_transpose2d}[axes]
    rng = np.random.default_rng(seed)
    arrays = [rng.normal(size=shape).astype(dtype) for shape in shapes]
    assert_like_torch(lambda *a: TRANSPOSED[axes](*a, **options), lambda *a: theirs(*a, **options), arrays, rng)


def test_a_window_of_one_is_a_linear_map_of_the_channels() -> None:
    rng = np.random.default_rng(0)
    x, w, b = rng.normal(size=(2, 3, 4, 5)), rng.normal(size=(6, 3, 1, 1)), rng.normal(size=6)
    expected = tgi.linear(x.transpose(0, 2, 3, 1), tgi.tensor(w[:, :, 0, 0]), tgi.tensor(b)).numpy()
    np.testing.assert_allclose(tgi.conv2d(x, w, b).numpy(), expected.transpose(0, 3, 1, 2), rtol=1e-12)


@pytest.mark.parametrize("function", [tgi.conv2d, tgi.conv_transpose2d])
def test_second_derivatives_with_all_operands(function: Any) -> None:
    rng = np.random.default_rng(0)
    leaves = [leaf(rng.normal(size=shape)) for shape in [(2, 4, 3, 4), (4, 2, 2, 2), (4,)]]
    assert tgi.gradgradcheck(lambda *a: tgi.tanh(function(*a, stride=2, padding=1, groups=2)), leaves[:2], atol=1e-5)
    assert tgi.gradcheck(lambda *a: tgi.tanh(function(*a, stride=2, padding=1, groups=2)), leaves, atol=1e-5)


def test_captured_programs_consist_of_kernels_alone() -> None:
    rng = np.random.default_rng(0)
    w, v, dw = (
        leaf(rng.normal(size=(4, 2, 3, 3))),
        leaf(rng.normal(size=(4, 2, 2, 2))),
        leaf(rng.normal(size=(4, 1, 3, 3))),
    )

    @tgi.capture
    def step(x: Any) -> Any:
        h = tgi.conv2d(tgi.conv2d(tgi.tensor(x), w, padding=1), dw, groups=4, padding="same")
        tgi.conv_transpose2d(tgi.max_pool2d(tgi.avg_pool2d(h, 2), 3, 2, 1), v, stride=2).sum().backward()

    step(rng.normal(size=(3, 2, 8, 8)))
    assert "call" not in {instruction.code for instruction in step.programs[0][1].steps}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_training_is_captured(dtype: Any) -> None:
    def build(rng: np.random.Generator) -> tuple[Step, Sequence[tgi.Tensor]]:
        model = nn.Sequential(
            nn.Conv2d(2, 4, 3, padding=1, rng=rng, dtype=dtype),
            nn.Tanh(),
            nn.Conv2d(4, 4, (3, 2), stride=2, groups=2, rng=rng, dtype=dtype),
            nn.Tanh(),
            nn.ConvTranspose2d(4, 2, 2, stride=2, rng=rng, dtype=dtype),
            nn.AvgPool2d(2),
            nn.MaxPool2d(2),
            nn.Flatten(),
            nn.Linear(4, 3, rng=rng, dtype=dtype),
        )
        parameters = list(model.parameters())
        optimizer = optim.SGD(parameters, 0.1, 0.9)

        def step(x: Any, y: Any) -> Any:
            loss = tgi.cross_entropy(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            return loss

        return step, parameters

    rng = np.random.default_rng(0)
    calls = [(rng.normal(size=(5, 2, 8, 8)).astype(dtype), rng.integers(0, 3, 5)) for _ in range(3)]
    check(build, calls, ulps=2e3)


class TestLayers:
    @pytest.mark.parametrize("groups", [1, 2])
    @pytest.mark.parametrize("name", ["Conv1d", "Conv2d", "ConvTranspose1d", "ConvTranspose2d"])
    def test_state_moves_to_and_from_pytorch(self, name: str, groups: int) -> None:
        torch = pytest.importorskip("torch", reason="PyTorch is not installed")
        ours = getattr(nn, name)(4, 6, 3, stride=2, padding=1, dilation=2, groups=groups, rng=0)
        theirs = getattr(torch.nn, name)(4, 6, 3, stride=2, padding=1, dilation=2, groups=groups)
        x = np.random.default_rng(0).normal(size=(2, 4, *(9,) * ours.axes)).astype(np.float32)
        theirs.load_state_dict({key: torch.tensor(value) for key, value in ours.state_dict().items()})
        close(ours(x).numpy(), theirs(torch.tensor(x)).detach().numpy())
        torch.nn.init.normal_(theirs.weight)
        ours.load_state_dict(theirs.state_dict())
        close(ours(x).numpy(), theirs(torch.tensor(x)).detach().numpy())

    @pytest.mark.parametrize("groups", [1, 4])
    @pytest.mark.parametrize("name", ["Conv1d", "Conv2d", "ConvTranspose1d", "ConvTranspose2d"])
    def test_start_values_are_spread_as_pytorchs(self, name: str, groups: int) -> None:
        torch = pytest.importorskip("torch", reason="PyTorch is not installed")
        ours, theirs = (
            getattr(nn, name)(64, 48, 3, groups=groups, rng=0),
            getattr(torch.nn, name)(64, 48, 3, groups=groups),
        )
        fan_in, _ = torch.nn.init._calculate_fan_in_and_fan_out(theirs.weight)
        for mine, other in ((ours.weight, theirs.weight), (ours.bias, theirs.bias)):
            bound, n = fan_in**-0.5, mine.size
            assert mine.shape == tuple(other.shape)
            # The largest of n uniform numbers lies within 20/n of the bound but for e^-20; so it does in PyTorch.
            for values in (mine.numpy(), other.detach().numpy()):
                assert bound * (1 - 20 / n) <= np.max(np.abs(values)) <= bound * (1 + 1e-6)
            assert abs(np.mean(mine.numpy())) < 5 * bound / np.sqrt(3 * n)

    def test_a_seed_gives_the_same_start(self) -> None:
        np.testing.assert_array_equal(
            nn.Conv2d(2, 3, 3, rng=5).weight.numpy(), nn.Conv2d(2, 3, 3, rng=5).weight.numpy()
        )
        assert nn.Conv2d(2, 3, 3, bias=False, dtype="float64").state_dict()["weight"].dtype == np.float64

    @pytest.mark.parametrize(("inputs", "outputs", "groups"), [(4, 6, 1), (4, 6, 2), (4, 4, 4), (4, 8, 4)])
    @pytest.mark.parametrize("name", ["Conv1d", "Conv2d", "ConvTranspose1d", "ConvTranspose2d"])
    def test_fans_count_what_a_unit_is_connected_with(self, name: str, inputs: int, outputs: int, groups: int) -> None:
        """Away from the edges, the derivatives that are not zero are the connections."""
        layer = getattr(nn, name)(inputs, outputs, 3, groups=groups, rng=0)
        x = tgi.tensor(np.zeros((1, inputs, *(9,) * layer.axes)), "float32", requires_grad=True)
        out = layer(x)
        middle = (0, 0, *(n // 2 for n in out.shape[2:]))
        fan_in = np.count_nonzero(tgi.grad(out[middle], x, retain_graph=True)[0].numpy())
        forward = np.zeros(x.shape, np.float32)
        forward[(0, 0, *(4,) * layer.axes)] = 1.0
        fan_out = np.count_nonzero(layer(forward).numpy() - layer(0.0 * forward).numpy())
        shape = layer.weight.shape
        told = (shape[1] * 3**layer.axes, shape[0] * 3**layer.axes)
        assert (layer.weight.fans or told) == (fan_in, fan_out)
        assert (layer.weight.fans is None) == (groups == 1 and "Transpose" not in name)

    def test_fans_stay_with_copies(self) -> None:
        layer = nn.Conv2d(4, 4, 3, groups=4)
        assert layer.weight.fans == (9, 9)
        assert nn.ConvTranspose2d(8, 16, 3).weight.fans == (72, 144)
        for again in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
            assert again.weight.fans == (9, 9) and again.weight.requires_grad and again.weight.name == "weight"
            np.testing.assert_array_equal(again.weight.numpy(), layer.weight.numpy())
        assert pickle.loads(pickle.dumps(nn.Linear(2, 3))).weight.fans is None

    def test_repr_says_what_differs(self) -> None:
        assert repr(nn.Conv2d(3, 8, 3)) == "Conv2d(3, 8, kernel_size=(3, 3), stride=(1, 1))"
        text = repr(nn.ConvTranspose1d(2, 4, 3, 2, 1, 1, groups=2, bias=False))
        assert text == (
            "ConvTranspose1d(2, 4, kernel_size=(3,), stride=(2,), padding=(1,), output_padding=(1,), groups=2, "
            "bias=False)"
        )


@pytest.mark.parametrize("weight", [1e30, 1.0], ids=["products", "sums"])
@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("function", [tgi.conv2d, tgi.conv_transpose2d])
def test_what_overflows_is_infinite_without_a_warning(function: Any, groups: int, weight: float) -> None:
    x = leaf(np.full((20, 2, 3, 3), 3e38), np.float32)
    w = leaf(np.full((2, 2 // groups, 2, 2), weight), np.float32)
    out = function(x, w, groups=groups)
    slopes = tgi.grad(out, [x, w], gradients=np.full(out.shape, 3e38, np.float32))
    assert np.all(out.numpy()[:, :, 1, 1] == np.inf)
    assert all(np.any(slope.numpy() == np.inf) and not np.any(np.isnan(slope.numpy())) for slope in slopes)
    assert np.all(tgi.avg_pool2d(x, 2).numpy() == np.inf)


IMAGE, WEIGHT = np.zeros((2, 4, 5, 5), np.float32), np.zeros((6, 4, 3, 3), np.float32)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: tgi.conv2d(IMAGE[0, 0], WEIGHT), ValueError, r"\(samples, channels, height, width\), got \(5, 5\)"),
        (lambda: tgi.conv1d(IMAGE, WEIGHT), ValueError, r"\(samples, channels, length\), got \(2, 4, 5, 5\)"),
        (lambda: tgi.conv2d(IMAGE, WEIGHT[0]), ValueError, r"out_channels, in_channels / groups, height, width"),
        (lambda: tgi.conv2d(IMAGE, WEIGHT, groups=2), ValueError, r"input has 4 channels, .* in 2 groups takes 8"),
        (lambda: tgi.conv2d(IMAGE, WEIGHT, groups=4), ValueError, "4 groups do not divide the 6 channels"),
        (lambda: tgi.conv2d(IMAGE, WEIGHT, groups=0), ValueError, "groups as one or 1 whole numbers of at least 1"),
        (
            lambda: tgi.conv2d(IMAGE, WEIGHT, np.zeros(3, np.float32)),
            ValueError,
            r"bias has shape \(3,\); expected \(6,\)",
        ),
        (
            lambda: tgi.conv2d(IMAGE, WEIGHT, stride=0),
            ValueError,
            "stride as one or 2 whole numbers of at least 1, got 0",
        ),
        (
            lambda: tgi.conv2d(IMAGE, WEIGHT, stride=1.5),
            TypeError,
            "stride as a whole number or a tuple of them, got 1.5",
        ),
        (lambda: tgi.conv2d(IMAGE, WEIGHT, padding=(1, 1, 1)), ValueError, "padding as one or 2 whole numbers"),
        (lambda: tgi.conv2d(IMAGE, WEIGHT, padding="full"), ValueError, "'same' or 'valid', got 'full'"),
        (lambda: tgi.conv2d(IMAGE, WEIGHT, padding="same", stride=2), ValueError, "'same' needs a stride of 1, got 2"),
        (
            lambda: tgi.conv2d(IMAGE, WEIGHT, dilation=3),
            ValueError,
            r"windows of \(3, 3\) .* into an input of \(5, 5\)",
        ),
        (lambda: tgi.conv2d(IMAGE, WEIGHT.astype(np.float64)), TypeError, "float32.*float64|float64.*float32"),
        (lambda: tgi.conv_transpose2d(IMAGE, WEIGHT), ValueError, r"input has 4 channels, .* takes 6"),
        (
            lambda: tgi.conv_transpose2d(IMAGE, WEIGHT[:4], output_padding=1),
            ValueError,
            "output_padding must be smaller than stride or dilation",
        ),
        (lambda: tgi.conv_transpose2d(IMAGE, WEIGHT[:4], padding=4), ValueError, "leaves nothing"),
        (lambda: nn.Conv2d(0, 1, 3), ValueError, "Conv2d: expected at least 1 channel"),
        (lambda: nn.Conv2d(4, 6, 3, groups=4), ValueError, "4 groups do not divide 4 channels of the input and 6"),
        (lambda: nn.Conv1d(4, 6, (3, 3)), ValueError, "Conv1d: expected kernel_size as one or 1 whole numbers"),
        (lambda: nn.ConvTranspose1d(4, 6, 3, padding="same"), TypeError, "padding as a whole number .* got 'same'"),
    ],
)
def test_errors_that_teach(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()


def test_the_geometry_is_complete() -> None:
    """Every option together with every other, small: nothing is read or written outside the arrays."""
    x = np.arange(1.0, 8.0).reshape(1, 1, 7)
    for size, stride, padding, dilation in itertools.product((1, 2, 3), (1, 2, 3), (0, 1), (1, 2)):
        w = np.ones((1, 1, size))
        padded = np.concatenate([np.zeros(padding), x[0, 0], np.zeros(padding)])
        starts = range(0, len(padded) - (size - 1) * dilation, stride)
        expected = [sum(padded[s + k * dilation] for k in range(size)) for s in starts]
        np.testing.assert_array_equal(tgi.conv1d(x, w, None, stride, padding, dilation).numpy()[0, 0], expected)


LEAST = {"stride": 1, "padding": 0, "dilation": 1, "groups": 1, "output_padding": 0}


@pytest.mark.parametrize("option", LEAST)
@pytest.mark.parametrize("function", [tgi.conv1d, tgi.conv2d, tgi.conv_transpose1d, tgi.conv_transpose2d])
def test_options_begin_where_they_mean_something(function: Any, option: str) -> None:
    """The least that is allowed is what is left out; one less is refused, for one axis as well."""
    if option == "output_padding" and "transpose" not in function.__name__:
        return
    axes = 1 if function.__name__.endswith("1d") else 2
    x, w = np.ones((2, 3, *(4,) * axes)), tgi.tensor(np.ones((3, 3, *(2,) * axes)))
    least = LEAST[option]
    np.testing.assert_array_equal(function(x, w, **{option: least}).numpy(), function(x, w).numpy())
    wrong = [least - 1] if option == "groups" else [least - 1, (least,) * (axes - 1) + (least - 1,)]
    for value in wrong:
        with pytest.raises(ValueError, match=f"{option} as one or {1 if option == 'groups' else axes} whole numbers"):
            function(x, w, **{option: value})


@pytest.mark.parametrize("pool", [tgi.max_pool1d, tgi.max_pool2d, tgi.avg_pool1d, tgi.avg_pool2d])
def test_windows_of_pools_begin_at_one_and_hang_over_by_half(pool: Any) -> None:
    x = np.random.default_rng(0).normal(size=(2, 3, *(6,) * (1 if pool.__name__.endswith("1d") else 2)))
    np.testing.assert_array_equal(pool(x, 1).numpy(), x)
    np.testing.assert_array_equal(pool(x, 2, 2, 0).numpy(), pool(x, 2).numpy())
    assert pool(x, 2, 1, 1).shape[-1] == 7 and pool(x, 3, 1, 1).shape[-1] == 6
    for wrong in ((0,), (2, 0), (2, 1, -1), (3, 1, 2), (1, 1, 1)):
        with pytest.raises(ValueError, match=pool.__name__):
            pool(x, *wrong)
