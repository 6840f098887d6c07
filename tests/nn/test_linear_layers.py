"""Linear maps of all kinds: where they start, which weights belong to a unit, what they say of themselves."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

import tinygrad_init as tgi
from tinygrad_init import init, nn
from tinygrad_init.nn.layers import is_linear_map, linear_maps, role_of

CONVOLUTIONS = ["Conv1d", "Conv2d", "ConvTranspose1d", "ConvTranspose2d"]


def layers(**options: Any) -> dict[str, Any]:
    made = {name: getattr(nn, name)(16, 24, 5, rng=0, **options) for name in CONVOLUTIONS}
    return made if "groups" in options else {**made, "Linear": nn.Linear(40, 30, rng=0, **options)}


@pytest.mark.parametrize("groups", [1, 4])
def test_start_values_fill_their_range_on_both_sides(groups: int) -> None:
    """±1/√n, n numbers of one entry of the weight's first axis; of many, one comes within a few percent of each end."""
    for name, layer in layers(**({} if groups == 1 else {"groups": groups})).items():
        bound = layer.weight[0].size ** -0.5
        for parameter, near in ((layer.weight, 0.95), (layer.bias, 0.6)):
            values = parameter.numpy()
            assert -bound <= values.min() < -near * bound and near * bound < values.max() <= bound, name
            assert abs(values.mean()) < bound / 2


@pytest.mark.parametrize("bias", [True, False])
def test_there_is_a_bias_unless_it_is_not_wanted(bias: bool) -> None:
    for name, layer in layers(bias=bias).items():
        assert (layer.bias is not None) == bias == ("bias=False" not in layer.extra_repr()), name
        assert len(list(layer.parameters())) == 1 + bias
        if bias:
            assert layer.bias.shape == ((30,) if name == "Linear" else (24,))
    for layer in (nn.Linear(2, 3), nn.Conv1d(1, 1, 1), nn.ConvTranspose2d(1, 1, 1)):
        assert layer.bias is not None


def test_a_seed_says_all_and_without_one_the_start_is_random() -> None:
    for a, b in zip(layers().values(), layers().values(), strict=True):
        np.testing.assert_array_equal(a.weight.numpy(), b.weight.numpy())
        np.testing.assert_array_equal(a.bias.numpy(), b.bias.numpy())
    assert np.any(nn.Conv1d(4, 4, 3).weight.numpy() != nn.Conv1d(4, 4, 3).weight.numpy())
    assert np.any(nn.Linear(4, 4).weight.numpy() != nn.Linear(4, 4).weight.numpy())


@pytest.mark.parametrize("dtype", [None, "float32", "float64"])
def test_parameters_have_the_dtype_that_is_asked_for(dtype: Any) -> None:
    made = [*layers(dtype=dtype).values(), nn.PReLU(2, dtype=dtype), nn.MLP((2, 3, 4), "prelu", dtype=dtype)]
    made += [nn.BatchNorm(3, dtype=dtype), nn.LayerNorm(3, dtype=dtype)]
    for layer in made:
        assert {parameter.dtype for parameter in layer.parameters()} == {np.dtype(dtype or "float32")}
    with tgi.default_dtype("float64"):
        assert {p.dtype for layer in layers().values() for p in layer.parameters()} == {np.dtype("float64")}


@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("name", CONVOLUTIONS)
def test_a_units_row_holds_what_its_output_depends_on(name: str, groups: int) -> None:
    """And nothing else; from the rows the weight comes back."""
    layer = getattr(nn, name)(4, 6, 3, groups=groups, rng=0, dtype="float64")
    x = np.random.default_rng(0).normal(size=(2, 4, *(5,) * layer.axes))
    inputs = 4 // groups * 3**layer.axes
    for unit in range(6):
        rows = layer.by_unit(tgi.grad(layer(tgi.tensor(x))[:, unit].sum(), layer.weight)[0].numpy())
        assert rows.shape == (6, inputs) and rows[unit].all()
        assert not np.delete(rows, unit, axis=0).any()
    weight = layer.weight.numpy()
    np.testing.assert_array_equal(layer.from_units(layer.by_unit(weight)), weight)
    fans = (inputs, 6 // groups * 3**layer.axes)
    assert init.fans(layer.weight) == fans if layer.weight.fans is None else layer.weight.fans == fans
    assert (layer.weight.fans is None) == ("Transpose" not in name and groups == 1)


@pytest.mark.parametrize("name", CONVOLUTIONS)
def test_convolutions_are_their_operations_with_every_option(name: str) -> None:
    layer, axes = getattr(nn, name), 1 if name.endswith("1d") else 2
    function = {
        "Conv1d": tgi.conv1d, "Conv2d": tgi.conv2d,
        "ConvTranspose1d": tgi.conv_transpose1d, "ConvTranspose2d": tgi.conv_transpose2d,
    }[name]  # fmt: skip
    x = tgi.tensor(np.random.default_rng(0).normal(size=(2, 4, *(9,) * axes)).astype(np.float32))
    options: dict[str, Any] = {"stride": 2, "padding": 1, "dilation": 2, "groups": 2}
    if "Transpose" in name:
        options["output_padding"] = 1
    for count in range(len(options) + 1):
        for some in itertools.combinations(options, count):
            if "output_padding" in some and "stride" not in some and "dilation" not in some:
                continue  # it must be smaller than one of them
            given = {key: options[key] for key in some}
            made = layer(4, 6, 3, rng=0, **given)
            np.testing.assert_array_equal(made(x).numpy(), function(x, made.weight, made.bias, **given).numpy())
            wanted = {key: value if key == "groups" else (value,) * axes for key, value in given.items()}
            said = ["4", "6", f"kernel_size={(3,) * axes}", f"stride={wanted.pop('stride', (1,) * axes)}"]
            order = ("padding", "output_padding", "dilation", "groups")
            said += [f"{key}={wanted[key]}" for key in order if key in wanted]
            assert made.extra_repr() == ", ".join(said)
            plain = layer(4, 6, 3, 1, 0, rng=0) if not given else None
            assert plain is None or plain.extra_repr() == made.extra_repr()


@pytest.mark.parametrize("name", CONVOLUTIONS)
@pytest.mark.parametrize(
    ("channels", "message"),
    [
        ((0, 1, 1), "at least 1 channel and 1 group, got 0 and 1 in 1"),
        ((1, 0, 1), "at least 1 channel and 1 group, got 1 and 0 in 1"),
        ((1, 1, 0), "at least 1 channel and 1 group, got 1 and 1 in 0"),
        ((3, 4, 2), "2 groups do not divide 3 channels of the input and 4 of the output"),
        ((4, 3, 2), "2 groups do not divide 4 channels of the input and 3 of the output"),
    ],
)
def test_channels_that_do_not_fit(name: str, channels: tuple[int, int, int], message: str) -> None:
    inside, outside, groups = channels
    with pytest.raises(ValueError, match=f"{name}: .*{message}"):
        getattr(nn, name)(inside, outside, 1, groups=groups)
    getattr(nn, name)(1, 1, 1, groups=1)
    getattr(nn, name)(2, 4, 1, groups=2)


def test_sizes_of_a_dense_layer() -> None:
    assert nn.Linear(1, 1)(np.ones((2, 1), np.float32)).shape == (2, 1)
    for wrong in ((0, 1), (1, 0), (-1, 2)):
        with pytest.raises(ValueError, match="at least 1"):
            nn.Linear(*wrong)


class Own(nn.Module):
    """Somebody's own linear map."""

    def __init__(self, weight: Any) -> None:
        self.weight = weight


@pytest.mark.parametrize(
    ("module", "expected"),
    [
        (nn.Linear(2, 3), True),
        (nn.Conv1d(2, 3, 1), True),
        (nn.ConvTranspose2d(2, 3, 1), True),
        (Own(nn.Parameter(np.zeros((2, 3)))), True),
        (Own(nn.Parameter(np.zeros((2, 3, 4)))), True),
        (Own(nn.Parameter(np.zeros(2))), False),
        (Own(tgi.tensor(np.zeros((2, 3)))), False),
        (Own(None), False),
        (nn.BatchNorm(2), False),
        (nn.LayerNorm((2, 3)), False),
        (nn.PReLU(), False),
        (nn.Tanh(), False),
    ],
    ids=repr,
)
def test_what_a_linear_map_is(module: nn.Module, expected: bool) -> None:
    assert is_linear_map(module) == expected
    assert (role_of(module) == "weights") == expected


def test_linear_maps_with_the_activation_before_the_next() -> None:
    model = nn.Sequential(
        nn.Linear(2, 2), nn.Tanh(), nn.Residual(nn.Sequential(nn.Linear(2, 2), nn.ReLU())), nn.Linear(2, 2)
    )
    found = [(type(a).__name__, None if b is None else type(b).__name__) for a, b in linear_maps(model)]
    assert found == [("Linear", "Tanh"), ("Linear", "ReLU"), ("Linear", None)]


def test_what_activation_layers_take() -> None:
    """What the function takes besides its input, in order or by name; the rest is the function's own."""
    x = tgi.tensor(np.linspace(-2, 2, 9))
    for made in (nn.LeakyReLU(0.2), nn.LeakyReLU(negative_slope=0.2)):
        np.testing.assert_array_equal(made(x).numpy(), tgi.leaky_relu(x, 0.2).numpy())
        assert made.extra_repr() == "negative_slope=0.2"
    np.testing.assert_array_equal(nn.LeakyReLU()(x).numpy(), tgi.leaky_relu(x).numpy())
    np.testing.assert_array_equal(nn.ELU()(x).numpy(), tgi.elu(x).numpy())
    for call, said in (
        (lambda: nn.LeakyReLU(0.1, 0.2), r"LeakyReLU: expected inplace as True or False, got 0.2"),
        (lambda: nn.LeakyReLU(0.1, True, 2), r"LeakyReLU: takes negative_slope, inplace; got \(0.1, True, 2\) $"),
        (lambda: nn.Tanh(1.0), r"Tanh: takes nothing; got \(1.0,\) $"),
        (lambda: nn.ELU(slope=0.1), r"ELU: takes alpha, inplace; got \(\) \{'slope': 0.1\}$"),
    ):
        with pytest.raises(TypeError, match=said):
            call()


def test_learned_slopes() -> None:
    layer = nn.PReLU()
    np.testing.assert_array_equal(layer.weight.numpy(), [0.25])
    assert nn.PReLU(3, 0.5).weight.numpy().tolist() == [0.5, 0.5, 0.5] and repr(nn.PReLU(3)) == "PReLU(3)"


def test_a_network_has_an_activation_between_any_two_maps() -> None:
    for sizes in ((2, 3), (2, 3, 4), (2, 3, 4, 5)):
        model = nn.MLP(sizes, "tanh", rng=0)
        kinds = [type(module).__name__ for module in model.layers]
        assert kinds == ["Linear", *["Activation", "Linear"] * (len(sizes) - 2)]
        assert [(m.in_features, m.out_features) for m in model.linears()] == list(itertools.pairwise(sizes))
        assert len(model.layers) == len(kinds) and model.layers[-1] is model.linears()[-1]
    assert nn.MLP((2, 3, 4)).activation == "relu"
    assert not np.array_equal(*(linear.weight.numpy() for linear in nn.MLP((3, 3, 3), rng=0).linears()))


def test_prelu_has_its_units_along_the_last_axis_or_that_of_channels() -> None:
    slopes, x = np.array([0.1, 0.2, 0.4]), -np.ones((2, 3, 4, 3), np.float32)
    for axis, along in ((-1, slopes), (1, slopes[:, None, None])):
        layer = nn.PReLU(3, axis=axis)
        layer.load_state_dict({"weight": slopes})
        np.testing.assert_allclose(layer(tgi.tensor(x)).numpy(), x * along, rtol=1e-6)
    assert repr(nn.PReLU(3, axis=-1)) == "PReLU(3, axis=-1)"
    with pytest.raises(ValueError, match="PReLU: expected axis -1 or 1, got 2"):
        nn.PReLU(3, axis=2)
