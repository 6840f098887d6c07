"""Something empty: no samples or no channels give a result without them and gradients of zeros, as in PyTorch; what
has no meaning is refused with a sentence."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest

import tinygrad_init as tgi
from tinygrad_init import nn, optim

OPTIONS: list[dict[str, Any]] = [
    {},
    {"stride": 2, "padding": 1},
    {"dilation": 2, "padding": 2},
    {"groups": 2},
    {"stride": 2, "dilation": 2, "padding": 2, "groups": 2},
]
# (samples, channels of the input, of the output)
NONE_OF = [(0, 2, 4), (2, 0, 4), (2, 2, 0), (0, 0, 0)]


def check(function: Any, *shapes: tuple[int, ...], expected: tuple[int, ...] | None = None) -> Any:
    """The result of ones; with gradients of both orders that have the shapes of the inputs."""
    inputs = [tgi.tensor(np.ones(shape), np.float64, requires_grad=True) for shape in shapes]
    out = function(*inputs)
    if expected is not None:
        assert out.shape == expected
    first = tgi.grad((out * out).sum(), inputs, create_graph=True)
    assert [g.shape for g in first] == list(shapes)
    squares = tgi.concatenate([(g * g).reshape(-1) for g in first]).sum()
    if squares.requires_grad:
        assert [g.shape for g in tgi.grad(squares, inputs)] == list(shapes)
    if out.size == 0:
        assert all(not g.numpy().any() for g in first)
    return out


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize(("samples", "channels", "units"), NONE_OF)
@pytest.mark.parametrize("axes", [1, 2])
def test_convolutions(axes: int, samples: int, channels: int, units: int, options: dict[str, Any]) -> None:
    groups = options.get("groups", 1)
    x, window = (samples, channels, *(7,) * axes), (3,) * axes
    ways = {
        ("conv", (units, channels // groups, *window), (units,)),
        ("conv_transpose", (channels, units // groups, *window), (units,)),
    }
    for name, weight, bias in ways:
        function = getattr(tgi, f"{name}{axes}d")
        # As many windows as there would be if there were something.
        whole = function(
            np.ones((1, 2, *(7,) * axes)),
            np.ones((4, 2 // groups, *window) if name == "conv" else (2, 4 // groups, *window)),
            **options,
        )
        out = check(
            lambda *inputs, f=function: f(*inputs, **options),
            x,
            weight,
            bias,
            expected=(samples, units, *whole.shape[2:]),
        )
        # Without anything to sum up there is the bias.
        assert channels or np.all(out.numpy() == 1)


@pytest.mark.parametrize("name", ["conv1d", "conv2d", "conv_transpose1d", "conv_transpose2d"])
@pytest.mark.parametrize(("length", "window"), [(0, 3), (5, 0), (0, 0)])
@pytest.mark.parametrize("options", [{}, {"padding": 2}, {"stride": 2, "padding": 1}], ids=str)
def test_axes_and_windows_of_length_0(name: str, length: int, window: int, options: dict[str, Any]) -> None:
    axes = int(name[-2])
    with pytest.raises(ValueError, match=rf"{name}: expected lengths of at least 1, got windows of \({window},"):
        getattr(tgi, name)(np.ones((2, 2, *(length,) * axes)), np.ones((2, 2, *(window,) * axes)), **options)


@pytest.mark.parametrize("name", ["max_pool1d", "avg_pool1d", "max_pool2d", "avg_pool2d"])
@pytest.mark.parametrize("options", [{}, {"stride": 1, "padding": 1}], ids=str)
def test_pooling(name: str, options: dict[str, Any]) -> None:
    axes = int(name[-2])
    for samples, channels in ((0, 2), (2, 0)):
        check(lambda x: getattr(tgi, name)(x, 2, **options), (samples, channels, *(6,) * axes))
        check(tgi.global_avg_pool, (samples, channels, *(6,) * axes), expected=(samples, channels))
    with pytest.raises(ValueError, match=f"{name}: expected lengths of at least 1"):
        getattr(tgi, name)(np.ones((2, 2, *(0,) * axes)), 2, **options)


@pytest.mark.parametrize(("samples", "features", "units"), [(0, 3, 2), (4, 0, 2), (4, 3, 0), (0, 0, 0)])
def test_linear_maps(samples: int, features: int, units: int) -> None:
    out = check(tgi.linear, (samples, features), (units, features), (units,), expected=(samples, units))
    assert features or np.all(out.numpy() == 1)
    check(tgi.linear, (samples, features), (units, features), expected=(samples, units))
    check(tgi.linear, (2, samples, features), (units, features), (units,), expected=(2, samples, units))


@pytest.mark.parametrize(
    ("module", "shape"),
    [
        (nn.LayerNorm(3, dtype=np.float64), (0, 3)),
        (nn.LayerNorm((2, 3), dtype=np.float64), (0, 2, 3)),
        (nn.BatchNorm(3, dtype=np.float64).eval(), (0, 3)),
        (nn.BatchNorm(3, dtype=np.float64).eval(), (0, 3, 4)),
        (nn.Flatten(), (0, 2, 3)),
        (nn.Flatten(), (2, 0, 3)),
        (nn.GlobalAvgPool(), (0, 2, 3)),
        (nn.Dropout(0.5), (0, 3)),
        (nn.PReLU(dtype=np.float64), (0, 3)),
        (nn.Tanh(), (0, 3)),
    ],
    ids=repr,
)
def test_modules(module: nn.Module, shape: tuple[int, ...]) -> None:
    check(module, shape)


def test_statistics_of_no_samples_are_refused() -> None:
    with pytest.raises(ValueError, match=r"BatchNorm: expected more than one number a channel, got shape \(0, 3\)"):
        nn.BatchNorm(3)(np.ones((0, 3), np.float32))


@pytest.mark.parametrize("axis", [0, 1, -1, None])
@pytest.mark.parametrize("shape", [(0, 3), (3, 0)])
def test_softmax(shape: tuple[int, ...], axis: int | None) -> None:
    for function in (tgi.softmax, tgi.log_softmax):
        check(lambda x, f=function: f(x, axis), shape, expected=shape)


@pytest.mark.parametrize(
    ("loss", "target", "each"),
    [
        (tgi.mse, np.zeros((0, 3)), (0, 3)),
        (tgi.half_squared_error, np.zeros((0, 3)), (0,)),
        (tgi.binary_cross_entropy_with_logits, np.zeros((0, 3)), (0, 3)),
        (tgi.cross_entropy, np.zeros(0, int), (0,)),
        (tgi.cross_entropy, np.zeros((0, 3)), (0,)),
        (tgi.cross_entropy, [], (0,)),
        (tgi.hinge, np.zeros(0, int), (0,)),
        (tgi.hinge, np.zeros((0, 3)), (0, 3)),
    ],
)
def test_losses_of_no_samples(loss: Any, target: Any, each: tuple[int, ...]) -> None:
    check(lambda x: loss(x, target, "none"), (0, 3), expected=each)
    assert check(lambda x: loss(x, target, "sum"), (0, 3), expected=()).item() == 0.0
    with pytest.raises(ValueError, match="no samples to take the mean of"):
        loss(tgi.tensor(np.zeros((0, 3))), target)


def test_a_step_of_a_whole_network_on_an_empty_batch_changes_nothing() -> None:
    model = nn.Sequential(
        nn.Conv2d(1, 2, 3, padding=1, rng=0), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(8, 3, rng=0)
    )
    before = copy.deepcopy(model.state_dict())
    update = optim.SGD(model.parameters(), lr=1.0)
    tgi.cross_entropy(model(np.zeros((0, 1, 4, 4), np.float32)), np.zeros(0, int), "sum").backward()
    update.step()
    for name, array in model.state_dict().items():
        np.testing.assert_array_equal(array, before[name])
