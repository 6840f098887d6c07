"""This package's starts in PyTorch models: the same numbers, and nothing else changed."""

from __future__ import annotations

import copy
import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch", reason="PyTorch is not installed")

import torch.nn.functional as F  # noqa: E402
from torch import nn  # noqa: E402

import tinygrad_init as tgi  # noqa: E402
from tinygrad_init import starts  # noqa: E402
from tinygrad_init.torch.mirror import Map  # noqa: E402

from .conversion_models import ResNet  # noqa: E402

X = np.random.default_rng(0).normal(size=(96, 6)).astype(np.float32)
Y = np.arange(96) % 3
IMAGES = np.random.default_rng(1).normal(size=(12, 2, 9, 9)).astype(np.float32)
# A number in float32 that is computed in another order.
CLOSE = 1e-5


def dense(phi: str) -> Any:
    return tgi.nn.MLP([6, 12, 12, 12, 3], phi, rng=3)


def convolutional(phi: str) -> Any:
    return tgi.nn.Sequential(
        tgi.nn.Conv2d(2, 6, 3, rng=1), tgi.nn.Activation(phi), tgi.nn.Conv2d(6, 6, 3, groups=3, rng=2),
        tgi.nn.Activation(phi), tgi.nn.ConvTranspose2d(6, 4, 3, groups=2, rng=3), tgi.nn.Activation(phi),
        tgi.nn.Flatten(), tgi.nn.Linear(4 * 49, 3, rng=4),
    )  # fmt: skip


def numbers(model: Any) -> list[Any]:
    return [p.detach().numpy() for p in model.parameters()]


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # gelu and softplus have no critical point without biases
@pytest.mark.parametrize("start", [*tgi.init.INITIALIZERS, "HeNormal", "glorot_uniform", "kaiming"])
@pytest.mark.parametrize("make", [dense, convolutional])
def test_the_numbers_are_those_of_the_same_start_here(make: Any, start: str) -> None:
    for phi in ("tanh", "gelu", "relu"):
        ours = make(phi)
        for x in (None, X if make is dense else IMAGES):
            theirs = tgi.to_torch(ours)
            tgi.torch.initialize(theirs, start, x, rng=7)
            expected = copy.deepcopy(ours)
            tgi.initialize(expected, start, 7)
            for mine, there in zip(numbers(expected), numbers(theirs), strict=True):
                np.testing.assert_array_equal(mine, there)


@pytest.mark.parametrize("phi", ["leaky_relu", "elu", "hard_sigmoid", "prelu", "sin"])
def test_activations_are_found_with_and_without_a_batch(phi: str) -> None:
    ours = tgi.nn.MLP([6, 8, 8, 3], phi, rng=3)
    expected = copy.deepcopy(ours)
    tgi.initialize(expected, "critical", 7)
    for x in (None, X):
        theirs = tgi.to_torch(ours)
        tgi.torch.initialize(theirs, "critical", x, rng=7)
        for mine, there in zip(numbers(expected), numbers(theirs), strict=True):
            np.testing.assert_array_equal(mine, there)


@pytest.mark.parametrize(("make", "x"), [(dense, X), (convolutional, IMAGES)])
def test_starts_from_data_reach_the_same(make: Any, x: Any) -> None:
    ours = make("tanh")
    for start, run in (
        ("lsuv", lambda model: starts.lsuv_(model, x, 5)),
        ("data_dependent", lambda model: starts.data_dependent_(model, x)),
        ("balanced", lambda model: starts.balance_(model, x, Y[: len(x)], "cross_entropy")),
    ):
        theirs, expected = tgi.to_torch(ours), copy.deepcopy(ours)
        told = tgi.torch.initialize(theirs, start, x, Y[: len(x)], rng=5)
        of_ours = run(expected)
        for mine, there in zip(numbers(expected), numbers(theirs), strict=True):
            np.testing.assert_allclose(mine, there, rtol=CLOSE, atol=CLOSE)
        if start == "balanced":
            assert list(told) == list(of_ours)
            np.testing.assert_allclose([*told.values()], [*of_ours.values()], rtol=1e-3)
        else:
            assert [report.name for report in told] == [report.name for report in of_ours]
            assert all(report.reached for report in told)


def test_a_critical_point_has_biases_and_one_activation() -> None:
    ours = dense("gelu")
    theirs, expected = tgi.to_torch(ours), copy.deepcopy(ours)
    point = tgi.torch.initialize(theirs, "critical point", X, rng=2)
    assert point == starts.critical(expected, 2, "gelu") and point.sigma_b > 0.1
    for mine, there in zip(numbers(expected), numbers(theirs), strict=True):
        np.testing.assert_array_equal(mine, there)
    mixed = nn.Sequential(nn.Linear(6, 6), nn.Tanh(), nn.Linear(6, 6), nn.ReLU(), nn.Linear(6, 2))
    with pytest.raises(ValueError, match=r"one activation, got Activation\(tanh\), Activation\(relu\)"):
        tgi.torch.initialize(mixed, "critical_point", X, rng=0)


def test_fixup_finds_blocks_by_what_runs_and_by_their_branches() -> None:
    torch.manual_seed(0)
    model = ResNet()
    factors = tgi.torch.initialize(model, "fixup", torch.randn(4, 3, 8, 8), rng=0)
    assert factors == pytest.approx(
        {"layers.0.conv1": 2**-0.5, "layers.0.conv2": 0.0, "layers.1.conv1": 2**-0.5, "layers.1.conv2": 0.0}
    )
    assert not model.layers[1].conv2.weight.any() and model.layers[1].shortcut[0].weight.any()

    def branch() -> Any:
        return tgi.nn.Sequential(tgi.nn.Linear(6, 6, rng=1), tgi.nn.Tanh(), tgi.nn.Linear(6, 6, rng=2), tgi.nn.ReLU())

    ours = tgi.nn.Sequential(*[tgi.nn.Residual(branch()) for _ in range(3)], tgi.nn.Linear(6, 3, rng=1))
    for x in (None, X):
        theirs, expected = tgi.to_torch(ours), copy.deepcopy(ours)
        assert tgi.torch.initialize(theirs, "fixup", x, rng=4) == pytest.approx(starts.fixup_(expected, 4))
        for mine, there in zip(numbers(expected), numbers(theirs), strict=True):
            np.testing.assert_allclose(mine, there, rtol=1e-6)
    with pytest.raises(TypeError, match="fixup_: expected modules with an attribute `branch`"):
        tgi.torch.initialize(nn.Linear(2, 2), "fixup", rng=0)


class Functions(nn.Module):
    """Functions, a plain matrix, a map that is never called, and an order that is not that of definition."""

    def __init__(self) -> None:
        super().__init__()
        self.last, self.first, self.unused = nn.Linear(40, 3), nn.Linear(6, 30), nn.Linear(2, 2)
        self.matrix = nn.Parameter(torch.randn(30, 40))
        self.scale = nn.Parameter(torch.ones(40))

    def forward(self, x: Any) -> Any:
        x = torch.tanh(self.first(x))
        return self.last(F.relu(x @ self.matrix) * self.scale)


def test_what_runs_is_followed() -> None:
    model = Functions()
    unused = model.unused.weight.detach().clone()
    with pytest.warns(RuntimeWarning, match="initialize: unused: it does not run on this batch"):
        tgi.torch.initialize(model, "critical", X, rng=1)
    # tanh after the first, relu after the matrix (with rows for columns), nothing after the last, in this order
    expected = tgi.nn.Sequential(
        tgi.nn.Linear(6, 30), tgi.nn.Tanh(), tgi.nn.Linear(30, 40, bias=False), tgi.nn.ReLU(), tgi.nn.Linear(40, 3)
    )
    tgi.initialize(expected, "critical", 1)
    np.testing.assert_array_equal(model.first.weight.detach().numpy(), expected[0].weight.numpy())
    np.testing.assert_array_equal(model.matrix.detach().numpy().T, expected[2].weight.numpy())
    np.testing.assert_array_equal(model.last.weight.detach().numpy(), expected[4].weight.numpy())
    assert torch.equal(model.unused.weight, unused) and not model.last.bias.any() and bool((model.scale == 1).all())


def test_signals_keep_their_size() -> None:
    """In a chain of 30 layers, within what one draw of 200 units may be off."""
    torch.manual_seed(0)
    for phi, start in ((nn.ReLU, "he"), (nn.LeakyReLU, "critical"), (nn.SELU, "lecun"), (nn.Tanh, "lsuv")):
        model = nn.Sequential(*[layer for _ in range(30) for layer in (nn.Linear(200, 200), phi())])
        x = torch.randn(100, 200)
        tgi.torch.initialize(model, start, x, rng=0)
        sizes, z = [], x
        with torch.no_grad():
            for layer in model:
                z = layer(z)
                if isinstance(layer, nn.Linear):
                    sizes.append(float(z.square().mean()))
        assert 0.4 < sizes[-1] / sizes[0] < 2.5, (phi, sizes)
        if start == "lsuv":
            assert max(abs(size - 1) for size in sizes) < 0.1


def whole_state(model: Any) -> dict[str, Any]:
    """All that a start might touch but weights and biases of linear maps."""
    return {
        "state": {name: tensor.clone() for name, tensor in model.state_dict().items()},
        "modes": [m.training for m in model.modules()],
        "learned": [p.requires_grad for p in model.parameters()],
        "ids": [id(p) for p in model.parameters()],
        "hooks": [len(m._forward_hooks) for m in model.modules()],
        "grads": [None if p.grad is None else p.grad.clone() for p in model.parameters()],
    }


@pytest.mark.parametrize("start", ["he", "orthogonal", "lsuv", "data_dependent", "balanced", "fixup", "critical_point"])
def test_nothing_but_weights_and_biases_of_linear_maps_changes(start: str) -> None:
    torch.manual_seed(0)
    model = ResNet()
    model.fc.weight.requires_grad_(False)
    model.layers[1].eval()
    x, y = torch.randn(8, 3, 8, 8), torch.arange(8) % 5
    F.cross_entropy(model(x), y).backward()
    before, chance = whole_state(model), torch.get_rng_state()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # what runs in evaluation mode may be out of reach of a start
        tgi.torch.initialize(model, start, x, y, rng=3)
    after = whole_state(model)
    assert torch.equal(torch.get_rng_state(), chance)
    for key in ("modes", "learned", "ids", "hooks"):
        assert after[key] == before[key]
    assert all(
        (a is None and b is None) or torch.equal(a, b) for a, b in zip(after["grads"], before["grads"], strict=True)
    )
    maps = {name for name, m in model.named_modules() if isinstance(m, nn.Linear | nn.Conv2d)}
    changed = {name for name, tensor in after["state"].items() if not torch.equal(tensor, before["state"][name])}
    assert {name.rpartition(".")[0] for name in changed} <= maps
    assert {f"{name}.weight" for name in maps} <= changed or start in ("balanced", "data_dependent")


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_dtypes_stay(dtype: Any) -> None:
    model = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 3)).to(dtype)
    exact = copy.deepcopy(model).to(torch.float64 if dtype == torch.float64 else torch.float32)
    for one in (model, exact):
        tgi.torch.initialize(one, "he", rng=1)
    for p, q in zip(model.parameters(), exact.parameters(), strict=True):
        assert p.dtype == dtype and torch.equal(p, q.to(dtype))


def test_shared_weights_are_filled_once() -> None:
    one, other = nn.Linear(6, 6), nn.Linear(6, 6)
    other.weight = one.weight
    model = nn.Sequential(one, nn.Tanh(), other, nn.Tanh(), one, nn.Linear(6, 3))
    expected = tgi.nn.Sequential(tgi.nn.Linear(6, 6), tgi.nn.Tanh(), tgi.nn.Linear(6, 3))
    tgi.initialize(expected, "xavier", 3)
    for x in (None, X):
        tgi.torch.initialize(model, "xavier", x, rng=3)
        assert other.weight is one.weight
        np.testing.assert_array_equal(one.weight.detach().numpy(), expected[0].weight.numpy())
        np.testing.assert_array_equal(model[5].weight.detach().numpy(), expected[2].weight.numpy())
    (report, *_) = tgi.torch.initialize(model, "lsuv", X, rng=3)
    assert report.name == "0"


def test_several_inputs_by_place_and_by_name() -> None:
    class Two(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.left, self.right = nn.Linear(6, 4), nn.Linear(6, 4)

        def forward(self, a: Any, b: Any) -> Any:
            return {"logits": torch.relu(self.left(a)) + self.right(b)}

    for x in ((X, X), {"b": X, "a": X}):
        model = Two()
        reports = tgi.torch.initialize(model, "lsuv", x, rng=0)
        assert {report.name for report in reports} == {"left", "right"} and all(report.reached for report in reports)
        assert float(model.left(torch.from_numpy(X)).detach().std()) == pytest.approx(1.0, abs=0.02)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.integers(1, 9), min_size=2, max_size=5), st.sampled_from(["he", "xavier_uniform", "orthogonal"]),
    st.integers(0, 2**31), st.booleans(),
)  # fmt: skip
def test_any_chain_has_the_numbers_of_ours(sizes: list[int], start: str, seed: int, run: bool) -> None:
    ours = tgi.nn.MLP(sizes, "tanh", rng=0)
    theirs = tgi.to_torch(ours)
    tgi.torch.initialize(theirs, start, np.zeros((2, sizes[0]), np.float32) if run else None, rng=seed)
    tgi.initialize(ours, start, seed)
    for mine, there in zip(numbers(ours), numbers(theirs), strict=True):
        np.testing.assert_array_equal(mine, there)


def test_a_function_of_ones_own_is_a_start() -> None:
    seen: list[Any] = []

    def mine(weight: Any, rng: Any, activation: Any) -> Any:
        seen.append((weight.shape, str(activation)))
        return tgi.init.constant_(weight, 0.5)

    model = nn.Sequential(nn.Linear(6, 4), nn.Tanh(), nn.Linear(4, 3))
    tgi.torch.initialize(model, mine, X, rng=0)
    assert seen == [((4, 6), "Activation(tanh)"), ((3, 4), "linear")] and bool((model[0].weight == 0.5).all())


def test_rows_are_units_whatever_the_layout() -> None:
    """The order of a transposed kernel leads to rows and back."""
    from tinygrad_init.torch.mirror import of_linear

    module = nn.ConvTranspose2d(4, 6, 2, groups=2)
    named = {id(p): name for name, p in module.named_parameters()}
    part, twin = of_linear(module, "m", named), tgi.nn.ConvTranspose2d(4, 6, 2, groups=2)
    values = np.random.default_rng(0).normal(size=twin.weight.shape)
    assert isinstance(part, Map)
    np.testing.assert_array_equal(part.by_unit(values), twin.by_unit(values))
    np.testing.assert_array_equal(part.from_units(part.by_unit(values)), values)


@pytest.mark.parametrize(
    ("make", "start", "more", "error", "message"),
    [
        (lambda: 3, "he", {}, TypeError, "initialize: expected a PyTorch module, got int"),
        (lambda: nn.Linear(2, 2), "hee", {}, ValueError, "expected a start out of zeros, .* did you mean 'he'"),
        (lambda: nn.Linear(2, 2), "lsuv", {}, ValueError, "'lsuv' looks at a batch x; give it"),
        (lambda: nn.Linear(6, 2), "balanced", {"x": X}, ValueError, "'balanced' looks at x and y; give it"),
        (lambda: nn.Sequential(nn.ReLU()), "he", {}, TypeError, "with linear maps, got Sequential without any"),
        (
            lambda: nn.Sequential(nn.utils.parametrizations.weight_norm(nn.Linear(2, 2))), "he", {}, TypeError,
            "the weight of 0 is computed from others",
        ),
        (lambda: nn.Sequential(nn.LazyLinear(2)), "he", {}, TypeError, "0 has no weight yet; call the model once"),
    ],
)  # fmt: skip
def test_bad_input_is_refused(make: Any, start: str, more: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        tgi.torch.initialize(make(), start, rng=0, **more)
