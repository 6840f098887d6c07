"""What a recommendation may change, each change by itself: the setup that comes out, and the code that says so."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tinygrad_init as tgi
from tinygrad_init import nn, optim
from tinygrad_init.data import StandardScaler
from tinygrad_init.diagnosis import Change, Setup, diagnose
from tinygrad_init.diagnosis.trials import changes
from tinygrad_init.diagnosis.trials.redesign import activated, is_activation, last_map, units, without_output_activation

RNG = np.random.default_rng(0)
X = RNG.normal(5, 3, size=(300, 4))
IMAGES = RNG.normal(5, 3, size=(40, 1, 4, 4))
Y = (X[:, 0] > 5).astype(int)


def plain(parameters: Any) -> optim.SGD:
    return optim.SGD(parameters, 1.0)


def network(*sizes: int, activation: str = "tanh") -> nn.MLP:
    model = nn.MLP(sizes or (4, 6, 6, 2), activation, rng=0)
    tgi.initialize(model, "small", 0)
    return model


def applied(change: Change, model: nn.Module, x: Any = X, seed: int = 3) -> Setup:
    """The setup after a change, which leaves the one before as it was."""
    before = Setup(model, plain, 0.1)
    state = {name: np.array(values) for name, values in model.state_dict().items()}
    found = before.changed(change, seed, x)
    assert all(np.array_equal(values, model.state_dict()[name]) for name, values in state.items())
    assert before.changes == () and found.changes == (change,)
    return found


def by_code(change: Change, model: nn.Module, x: Any = X, y: Any = Y, seed: int = 3) -> dict[str, Any]:
    """What the code of a change makes of a model and data."""
    names: dict[str, Any] = {"tgi": tgi, "model": model, "x": x, "y": y}
    exec(change.code.format(seed=seed), names)
    return names


def same(one: Any, other: Any) -> bool:
    a, b = one.state_dict(), other.state_dict()
    return a.keys() == b.keys() and all(np.array_equal(a[name], b[name]) for name in a)


@pytest.mark.parametrize("name", ["he", "xavier", "orthogonal", "lsuv"])
def test_a_start_fills_all_weights_as_its_code_does(name: str) -> None:
    change = changes.start(name)
    found = applied(change, network())
    assert same(found.model, by_code(change, network())["model"]) and not same(found.model, network())
    assert not same(found.model, applied(change, network(), seed=4).model)
    assert str(change.what) == f"start: {name}"


def test_lsuv_measures_inputs_as_they_are_used() -> None:
    """Of up to 256 samples, scaled if they will be."""
    scaler = StandardScaler().fit(X)
    wide = Setup(network(), plain, 0.1, x_scaler=scaler).changed(changes.start("lsuv"), 3, X)
    narrow = Setup(network(), plain, 0.1).changed(changes.start("lsuv"), 3, scaler.transform(X))
    assert same(wide.model, narrow.model)
    first = narrow.model.linears()[0]  # type: ignore[attr-defined]
    seen = first(tgi.tensor(scaler.transform(X[:256]).astype(np.float32))).numpy()
    assert np.var(seen) == pytest.approx(1.0, abs=0.05)


def test_fixup_is_a_start_of_residual_networks() -> None:
    def model() -> nn.Module:
        return nn.Sequential(
            nn.Linear(4, 4, rng=0),
            nn.Residual(nn.Sequential(nn.Linear(4, 4, rng=1), nn.ReLU(), nn.Linear(4, 4, rng=2))),
            nn.Linear(4, 2, rng=3),
        )

    found = applied(changes.start("fixup"), model())
    assert same(found.model, by_code(changes.start("fixup"), model())["model"])
    assert not list(found.model)[1].branch[2].weight.numpy().any()


@pytest.mark.parametrize(
    ("key", "function", "arguments", "said"),
    [
        ("change.activation", changes.activated, ("relu",), "activation: relu"),
        ("change.normalization", changes.normalized, (), "normalization: batch"),
        ("change.connections", changes.residual, (), "connections: residual"),
    ],
)
def test_a_design_is_what_its_code_makes(key: str, function: Any, arguments: tuple[Any, ...], said: str) -> None:
    change = changes.redesigned(key, function, *arguments)
    found = applied(change, network())
    made = by_code(change, network())["model"]
    assert str(made) == str(found.model) != str(network()) and same(found.model, made)
    assert str(change.what) == said
    if function is not changes.residual:
        nothing = applied(change, nn.Linear(4, 2, rng=0))
        assert isinstance(nothing.model, nn.Linear), "what cannot be changed stays"


@pytest.mark.parametrize("x", [X, IMAGES], ids=["features", "images"])
def test_inputs_are_scaled_by_feature_or_as_a_whole(x: Any) -> None:
    change = changes.inputs_scaled(x)
    found = applied(change, network(), x)
    expected = (x - x.mean(axis=0)) / x.std(axis=0) if x.ndim == 2 else (x - x.mean()) / x.std()
    np.testing.assert_allclose(found.inputs(x), expected, atol=1e-5)
    np.testing.assert_allclose(by_code(change, network(), x)["x"], expected, atol=1e-12)


@pytest.mark.parametrize("shape", [(40,), (40, 1), (40, 2)])
def test_targets_are_scaled_by_column(shape: tuple[int, ...]) -> None:
    y = RNG.normal(100, 20, size=shape)
    change = changes.targets_scaled(y)
    expected = (y - y.mean(axis=0)) / y.std(axis=0)
    np.testing.assert_allclose(applied(change, network()).targets(y), expected, atol=1e-12)
    np.testing.assert_allclose(by_code(change, network(), y=y)["y"], expected, atol=1e-12)


def test_what_the_training_itself_shows_has_no_code() -> None:
    clipped, rate = applied(changes.clipped(), network()), applied(changes.rate(0.25), network())
    assert (clipped.clip, rate.lr) == (1.0, 0.25) and not changes.clipped().code and not changes.rate(0.25).code
    assert "clip=1" in clipped.code() and "lr=0.25" in rate.code()
    adam = changes.adam(Setup(network(), plain, 0.1))
    assert adam is not None
    made = applied(adam, network()).optimizer(list(network().parameters()))
    assert type(made) is optim.Adam and made.lr == 0.1
    for kind in (optim.Adam, optim.AdamW):
        assert changes.adam(Setup(network(), kind, 0.1)) is None, "there it is no change"


def test_a_loss_that_has_a_name_is_called_by_it() -> None:
    assert changes.by_name(tgi.mse) == "mse" and changes.by_name("mse") == "mse"
    own = lambda a, b: tgi.mse(a, b)  # noqa: E731
    assert changes.by_name(own) is own


def proposed(model: nn.Module, x: Any, y: Any, loss: Any = "cross_entropy") -> list[list[str]]:
    given = Setup(model, plain, 0.1, loss=loss)
    before = diagnose(model, x, y, loss)
    return [[str(change.what) for change in found] for found in changes.together(given, before, x, y)]


SCALED = (X - X.mean(0)) / X.std(0)


def test_what_stands_between_network_and_task_is_mended_in_all_but_the_first() -> None:
    y = 1000 * X[:, :1]
    found = proposed(network(4, 6, 1), X, y, "mse")
    assert found[0] == [] and found[1] == ["inputs: scaled", "targets: scaled"]
    assert all(one[:2] == found[1] for one in found[1:])
    assert proposed(network(4, 6, 1), SCALED, y, "mse")[1] == ["targets: scaled"]
    own = proposed(network(4, 6, 1), SCALED, y, lambda a, b: tgi.mse(a, b) + 0.0)
    assert not any("targets: scaled" in one for one in own), "whose targets mean what nobody knows"
    with_end = nn.Sequential(*network().layers, nn.Softplus(), nn.ReLU())
    ended = proposed(with_end, SCALED, Y)
    assert ended[1] == ["output: no activation"] and all("output: no activation" in one for one in ended[1:])


def test_starts_designs_and_clipping_are_tried_on_top() -> None:
    found = [" | ".join(one) for one in proposed(network(), SCALED, Y)]
    assert len(set(found)) == len(found) and found[0] == "" and found[-1] == "clipping: norm 1"
    assert "start: xavier | normalization: batch" in found
    assert "activation: relu | start: he | normalization: batch" in found
    assert "connections: residual | start: fixup" in found
    assert "start: xavier | normalization: batch | connections: residual" in found
    relu = [" | ".join(one) for one in proposed(network(activation="relu"), SCALED, Y)]
    assert not any("activation: relu" in one for one in relu) and "start: he" in relu and "start: xavier" not in relu
    flat = [" | ".join(one) for one in proposed(network(4, 2), SCALED, Y)]
    assert flat == ["", "start: xavier", "start: orthogonal", "start: lsuv", "clipping: norm 1"]
    mixed = [nn.Linear(4, 4, rng=0), nn.ReLU(), nn.Linear(4, 4, rng=1), nn.Tanh(), nn.Linear(4, 2, rng=2)]
    assert proposed(nn.Sequential(*mixed), SCALED, Y)[1] == ["start: he"], "the first activation counts"
    blocks = nn.Sequential(nn.Linear(4, 4, rng=0), nn.Residual(nn.Linear(4, 4, rng=1)), nn.Linear(4, 2, rng=2))
    assert ["start: fixup"] in proposed(blocks, SCALED, Y)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (np.ones((9, 2)), False),  # nothing moves
        (np.array([[5.0]]), False),  # of one sample nothing is known
        (np.array([["a"], ["b"]]), False),
        (np.arange(0, 100, 7), True),
        (np.array([True, False] * 5), False),
        (10 * np.array([[1.0, 0.0], [-1.0, 0.0]]), True),
        (np.array([[-1.0, -1.0, -3.0], [1.0, 1.0, 3.0]]), False),  # three times as wide is not more than that
        (RNG.normal(size=(50, 1, 3, 3)), False),
    ],
    ids=range(8),
)
def test_which_numbers_are_far_from_one(values: Any, expected: bool) -> None:
    assert changes.unscaled(values) == expected


class Halved(nn.Module):
    """An activation of one's own."""

    def forward(self, x: Any) -> Any:
        return tgi.tanh(x) * 0.5


class Mixed(nn.Module):
    """None: neighbours are mixed."""

    def forward(self, x: Any) -> Any:
        return x - x.mean(-1, keepdims=True)


class Still(nn.Module):
    """None: it is the same whatever comes in."""

    def forward(self, x: Any) -> Any:
        return x * 0.0


class Odd(nn.Module):
    """None: it wants images."""

    def forward(self, x: Any) -> Any:
        return x.reshape(4, 1, 7, 9)


@pytest.mark.parametrize(
    ("module", "expected"),
    [
        (nn.ReLU(), True), (nn.PReLU(), True), (nn.Activation("gelu"), True), (Halved(), True), (Mixed(), False),
        (Still(), False), (Odd(), False), (nn.Dropout(0.5), False), (nn.Linear(6, 6), False), (nn.Flatten(), False),
        (nn.BatchNorm(6), False),
    ],
    ids=lambda value: type(value).__name__,
)  # fmt: skip
def test_what_works_number_by_number_and_learns_nothing_is_an_activation(module: nn.Module, expected: bool) -> None:
    assert is_activation(module) == expected


def test_what_comes_after_the_last_map_and_has_nothing_to_learn_can_go() -> None:
    chain = [nn.Linear(4, 3, rng=0), nn.Tanh(), nn.Linear(3, 2, rng=1)]
    for end in ([nn.ReLU()], [nn.Softplus(), nn.ReLU()]):
        shorter: Any = without_output_activation(nn.Sequential(*chain, *end))
        assert len(list(shorter)) == 3 and shorter[2].weight is not chain[2].weight
        np.testing.assert_array_equal(shorter[2].weight.numpy(), chain[2].weight.numpy())
    assert len(list(without_output_activation(nn.Sequential(chain[0], nn.ReLU())))) == 1  # type: ignore[call-overload]
    for model in (nn.Sequential(*chain), nn.Sequential(*chain, nn.PReLU()), nn.Sequential(nn.ReLU()), nn.Linear(2, 2)):
        assert without_output_activation(model) is None
    assert (last_map(chain), last_map([nn.ReLU()]), last_map([])) == (2, -1, -1)
    assert last_map([*chain, nn.Residual(nn.Linear(2, 2)), nn.ReLU()]) == 3
    assert (units(nn.Linear(4, 3)), units(nn.Conv2d(1, 5, 3))) == (3, 5)
    assert activated(nn.Sequential(nn.ReLU()), "tanh") is None, "before a last layer there is none"
