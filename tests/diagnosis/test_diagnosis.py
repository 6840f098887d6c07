"""Probes, verdicts and reports."""

from __future__ import annotations

import copy
import dataclasses
import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies

import tinygrad_init as tgi
from tinygrad_init import diagnosis, nn
from tinygrad_init.data import digits, load
from tinygrad_init.diagnosis import Classes, Layer, Report, Settings, describe, diagnose, judge
from tinygrad_init.diagnosis.measures.attribution import Attribution, Factor
from tinygrad_init.diagnosis.measures.signal import rms
from tinygrad_init.training import initialize

RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 5))
Y = RNG.integers(0, 3, 40)


def network(
    activation: str = "tanh", start: str = "xavier", sizes: tuple[int, ...] = (5, 8, 8, 3), dtype: str = "float64"
) -> nn.MLP:
    model = nn.MLP(sizes, activation, rng=0, dtype=dtype)
    initialize(model, start, np.random.default_rng(0))
    return model


def test_measured_numbers_are_those_of_a_forward_and_backward_by_hand() -> None:
    model = network()
    w = [linear.weight.numpy() for linear in model.linears()]
    z1 = X @ w[0].T
    z2 = np.tanh(z1) @ w[1].T
    z3 = np.tanh(z2) @ w[2].T
    p = np.exp(z3) / np.exp(z3).sum(1, keepdims=True)
    d3 = p - np.eye(3)[Y]
    d2 = d3 @ w[2] * (1 - np.tanh(z2) ** 2)
    d1 = d2 @ w[1] * (1 - np.tanh(z1) ** 2)
    found = diagnose(model, X, Y, lr=0.5)
    for layer, z, a, d, inputs, weight in zip(
        found.layers,
        (z1, z2, z3),
        (np.tanh(z1), np.tanh(z2), z3),
        (d1, d2, d3),
        (X, np.tanh(z1), np.tanh(z2)),
        w,
        strict=True,
    ):
        dw = d.T @ inputs / len(X)
        assert layer.z.rms == pytest.approx(np.sqrt(np.mean(z**2)))
        assert layer.a.rms == pytest.approx(np.sqrt(np.mean(a**2)))
        assert layer.dz.rms == pytest.approx(np.sqrt(np.mean(d**2)))
        assert layer.dw.rms == pytest.approx(np.sqrt(np.mean(dw**2)))
        assert layer.update_ratio == pytest.approx(0.5 * np.sqrt(np.mean(dw**2) / np.mean(weight**2)))
        assert len(layer.distinct) == layer.units
    assert found.loss == pytest.approx(-np.mean(np.log(p[np.arange(40), Y])))
    assert all(parameter.grad is None for parameter in model.parameters())


def test_saturated_and_dead_units_are_counted() -> None:
    model = network("tanh", sizes=(5, 4, 3))
    with tgi.no_grad():
        model.linears()[0].weight[0] = 0.0
        model.linears()[0].bias[0] = 5.0  # tanh'(5) = 1.8e-4: flat on every sample, but not dead
    assert diagnose(model, X, Y).layers[0].saturated == 0.25
    assert diagnose(model, X, Y).layers[0].dead == ()
    model = network("relu", "he", sizes=(5, 4, 3))
    with tgi.no_grad():
        model.linears()[0].bias[1] = -100.0
        model.linears()[0].bias[2] = -100.0
    assert diagnose(model, X, Y).layers[0].dead_share == 0.5


def test_identical_weights_with_different_updates_are_no_symmetry() -> None:
    model = network()
    with tgi.no_grad():
        model.linears()[0].weight.fill_(0.0)
    first = diagnose(model, X, Y).layers[0]
    assert (len(first.distinct), len(first.distinct_updates)) == (1, 8)
    assert diagnose(model, X, Y).verdict.word != "symmetric"


def test_a_trained_relu_network_is_sparse_not_saturated() -> None:
    data = load("moons", rng=0)
    model = nn.MLP((2, 32, 32, 2), "relu", rng=0)
    x = data.x.astype(np.float32)
    loss = tgi.train(
        model, x, data.y, tgi.cross_entropy, lambda ps: tgi.optim.SGD(ps, 0.5), initializer="he", epochs=300, rng=0
    )
    after = diagnose(model, x, data.y, lr=0.5)
    assert loss[-1] < 0.1
    assert judge(after, after, loss).word == "healthy"


def test_no_progress_is_said() -> None:
    good = report_on({}, {})
    assert "learning rate" in judge(good, good, [1.0]).reason
    assert "learning rate" not in judge(good, good, [0.5]).reason


def test_chains_of_any_nesting_are_measured_and_nothing_else() -> None:
    inner = nn.Sequential(nn.Linear(5, 4, dtype="float64"), nn.Tanh())
    model = nn.Sequential(inner, nn.Sequential(nn.Linear(4, 3, dtype="float64")))
    tgi.initialize(model, "xavier", 0)
    assert [layer.name for layer in diagnose(model, X, Y).layers] == ["0.0", "1.0"]
    with pytest.raises(ValueError, match="with weight matrices"):
        diagnose(nn.Sequential(nn.Tanh()), X, Y)


def test_slopes_are_those_of_the_networks_dtype() -> None:
    """In float32 tanh'(z) is exactly 0 from about |z| = 9 on: such units are dead, though float64 would not say so."""
    model = network("tanh", sizes=(5, 4, 3), dtype="float32")
    with tgi.no_grad():
        model.linears()[0].weight.fill_(0.0)
        model.linears()[0].bias.fill_(14.0)
    first = diagnose(model, X.astype(np.float32), Y).layers[0]
    assert first.dead_share == 1
    assert first.dw.rms == 0


def test_rms_beyond_the_dtype() -> None:
    assert rms(np.array([1e30, -1e30], np.float32)) == pytest.approx(1e30)
    assert rms(np.array([1e-40, 1e-40], np.float32)) == pytest.approx(1e-40, rel=1e-3)
    assert rms(np.array([1e200, 1e-300])) == pytest.approx(1e200 / np.sqrt(2))
    assert rms(np.zeros(0)) == 0


GOOD = {"z": 1.0, "a": 0.7, "dz": 0.1, "dw": 0.01, "saturated": 0.0, "dead": 0, "distinct": 8}


def numbers(size: float) -> Any:
    """Statistics of a signal of that root mean square, half of it depending on the sample."""
    return describe(np.array([[size, -size], [-size, size]]))


def layer_with(**changes: Any) -> Layer:
    """A layer of eight units that is healthy but for what is said."""
    known = {**GOOD, "updates": changes.get("distinct", 8), **changes}
    return Layer(
        name="layers.0",
        units=8,
        activation="tanh",
        w=numbers(0.3),
        z=numbers(known["z"]),
        a=numbers(known["a"]),
        dz=numbers(known["dz"]),
        dw=numbers(known["dw"]),
        saturated=known["saturated"],
        dead=tuple(range(known["dead"])),
        update_ratio=1e-3,
        distinct=Classes((*((i,) for i in range(known["distinct"] - 1)), tuple(range(8))), True),
        distinct_updates=Classes(tuple((i,) for i in range(known["updates"])), True),
    )


def report_on(*layers: dict[str, Any], loss: float = 1.0) -> Report:
    found = tuple(layer_with(**layer) for layer in layers)
    # What the gradient loses on its way shows in the updates of the first layer.
    way = found[0].dz.rms / found[-1].dz.rms
    found = (dataclasses.replace(found[0], update_ratio=1e-3 * way), *found[1:])
    lost = (Factor("weights", "layers.0", "W", float(np.log10(way)) if way else -np.inf),)
    why = Attribution("layers.0.weight", 0.0, lost, 0.0)
    infinite = next((i for i, layer in enumerate(found, 1) if layer.z.not_finite), None)
    first = None if infinite is None else ("layers.0", infinite)
    return Report("8-8-8 tanh", 40, numbers(1.0), "float64", loss, 1.0, 0.1, found, (why,) * len(found), (), (), first)


@pytest.mark.parametrize(
    ("layers", "word", "layer", "reason"),
    [
        (({}, {}, {}), "healthy", None, "0.1 at the last layer"),
        (({"dz": 1e-5}, {"dz": 1e-3}, {}), "vanishing", 1, "a factor of 1e+04 from the output"),
        (({"dz": 100.0}, {}, {}), "exploding", 1, "by a factor of 1e+03"),
        (({}, {}, {"z": 500.0}), "exploding", 3, "z grows from 1"),
        (({}, {"z": np.inf}, {}), "exploding", 2, "no longer finite"),
        (({}, {"distinct": 1}, {}), "symmetric", 2, "8 units are identical"),
        (({}, {"distinct": 1, "updates": 8}, {}), "healthy", None, ""),
        (({}, {"saturated": 0.75}, {}), "saturated", 2, "75% of its units"),
        (({}, {"dead": 6}, {}), "dead", 2, "slope 0 on every sample"),
        (({"dz": 1e-9}, {"dead": 6}, {}), "vanishing", 1, "a factor of"),
        (({"dz": 0.0}, {"dead": 8, "saturated": 1.0}, {}), "dead", 2, "100%"),
        (({}, {}, {"distinct": 1}), "healthy", None, ""),
    ],
)
def test_verdicts(layers: Any, word: str, layer: int | None, reason: str) -> None:
    found = judge(report_on(*layers), None, [0.5])
    assert (found.word, found.layer) == (word, layer)
    assert reason in found.reason


def test_a_good_start_that_training_breaks() -> None:
    good = report_on({}, {}, {})
    assert judge(good, good, [0.5, float("nan")]).word == "exploding"
    assert "epoch 2" in judge(good, good, [0.5, float("nan")]).reason
    broken = judge(good, dataclasses.replace(report_on({}, {"dead": 8}, {}), trained=True), [0.5])
    assert (broken.word, broken.layer) == ("dead", 2) and "after training" in broken.reason


EXPECTED = {
    ("relu", "zeros"): "symmetric",
    ("relu", "constant"): "symmetric",
    ("relu", "small"): "vanishing",
    ("relu", "large"): "exploding",
    ("relu", "he"): "healthy",
    ("tanh", "large"): "saturated",
    ("tanh", "xavier"): "healthy",
    ("sigmoid", "zeros"): "symmetric",
    ("sigmoid", "large"): "saturated",
    ("tanh", "small"): "vanishing",
}


@pytest.mark.parametrize(("activation", "start"), sorted(EXPECTED))
def test_the_articles_bad_starts_are_recognized_on_digits(activation: str, start: str) -> None:
    data = digits()
    model = nn.MLP((64, 64, 64, 64, 10), activation, rng=0)
    initialize(model, start, np.random.default_rng(0))
    x = ((data.x - data.x.mean(0)) / np.maximum(data.x.std(0), 1e-9)).astype(np.float32)[:300]
    assert judge(diagnose(model, x, data.y[:300])).word == EXPECTED[activation, start]


@pytest.mark.parametrize("name", ["moons", "circles", "xor", "blobs", "spirals"])
@pytest.mark.parametrize(
    "loss", ["cross_entropy", "half_squared_error", "mse", "binary_cross_entropy_with_logits", "hinge"]
)
def test_every_loss_on_every_data_set(name: str, loss: str) -> None:
    data = load(name, rng=0)
    sizes = diagnosis.default_sizes(data, loss)
    settings = Settings(name, len(data.x), len(data.classes), sizes, "tanh", loss, 0.05, 8, 32, 0, "float64")
    comparison, results = diagnosis.compare_starts(data, settings, ["xavier"])
    (result,) = results
    assert comparison.starts == [result]
    assert result.after.loss < result.before.loss
    assert 0 <= result.accuracy <= 1


def test_runs_repeat_and_starts_do_not_disturb_each_other() -> None:
    data = load("moons", rng=0)
    settings = Settings("moons", 400, 2, (2, 8, 2), "relu", "cross_entropy", 0.1, 2, 64, 3, "float32")

    def starts(names: list[str]) -> list[Any]:
        return list(diagnosis.compare_starts(data, settings, names)[1])

    alone, together = starts(["he"]), starts(["xavier", "he"])
    assert alone[0] == together[1]


def test_a_report_is_json_even_with_what_json_does_not_know() -> None:
    data = load("blobs", rng=0)
    settings = Settings("blobs", 400, 3, (2, 4, 4, 3), "relu", "cross_entropy", 1e6, 1, 400, 0, "float32")
    comparison, results = diagnosis.compare_starts(data, settings, ["zeros", "he"])
    assert len(list(results)) == 2
    loaded = json.loads(comparison.to_json())
    assert loaded["version"] == 3
    assert loaded["settings"]["sizes"] == [2, 4, 4, 3]
    zeros = loaded["starts"][0]
    assert zeros["verdict"]["word"] == "symmetric"
    assert zeros["before"]["layers"][0]["update_ratio"] == "nan"
    assert {f.name for f in dataclasses.fields(Layer)} == set(zeros["before"]["layers"][0])


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ((3, 4, 2), "has 2 features, but the first size is 3"),
        ((2, 4, 5), "needs 2 outputs, but the last size is 5"),
        ((2,), "at least an input and an output"),
        ((2, 0, 2), "all positive"),
    ],
)
def test_sizes_that_do_not_fit(sizes: tuple[int, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        diagnosis.check_sizes(sizes, load("moons", rng=0), "cross_entropy")


def cnn() -> nn.Sequential:
    """A small convolutional network from He's start, with everything that changes a gradient's norm on its way."""
    rng = np.random.default_rng(0)
    model = nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1, rng=rng), nn.BatchNorm2d(16), nn.ReLU(),
        nn.Residual(nn.Sequential(nn.Conv2d(16, 16, 3, padding=1, rng=rng), nn.ReLU())),
        nn.GlobalAvgPool(), nn.Linear(16, 10, rng=rng),
    )  # fmt: skip
    tgi.initialize(model, "he", rng)
    return model


class TestNoFalseAlarm:
    """What changes the norm of the gradient without changing any update is no reason to complain."""

    def test_pooling_over_many_positions(self) -> None:
        rng = np.random.default_rng(0)
        found = diagnose(cnn(), rng.normal(size=(32, 1, 32, 32)), rng.integers(0, 10, 32))
        assert found.verdict.word == "healthy"

    @pytest.mark.parametrize("scale", [1e-2, 1.0, 5.0])
    def test_inputs_of_another_size_before_normalization(self, scale: float) -> None:
        rng = np.random.default_rng(0)
        model = nn.Sequential(
            nn.Linear(5, 16, rng=rng), nn.BatchNorm(16), nn.ReLU(), nn.Linear(16, 16, rng=rng), nn.BatchNorm(16),
            nn.ReLU(), nn.Linear(16, 3, rng=rng),
        )  # fmt: skip
        tgi.initialize(model, "he", 0)
        assert diagnose(model, scale * X, Y).verdict.word == "healthy"

    def test_wide_layers(self) -> None:
        model = nn.MLP((5, 2048, 1), "relu", rng=0)
        assert diagnose(model, X, X[:, :1], "mse").verdict.word == "healthy"


def test_the_input_is_to_blame_for_what_it_does() -> None:
    model = network("relu", "he")
    unscaled = diagnose(model, 100 * X + 500, Y)
    assert unscaled.verdict.word == "unscaled" and "StandardScaler" in unscaled.answers[-1].sentence
    constant = diagnose(model, np.ones_like(X), Y)
    assert constant.verdict.word == "lost" and "same" in constant.answers[-1].sentence
    broken = np.where(X > 1.5, np.nan, X)
    assert diagnose(model, broken, Y).verdict.word == "exploding"
    assert "inputs' infinities" in diagnose(model, broken, Y).answers[-1].sentence


def test_a_loss_that_does_not_depend_on_the_output_is_to_blame() -> None:
    found = diagnose(network(), X, Y, lambda prediction, target: (prediction * 0.0).sum())
    assert found.verdict.word == "stuck" and "Look at the loss" in found.answers[-1].sentence


@pytest.mark.parametrize("shared", ["weights", "module"])
def test_weights_that_are_used_twice(shared: str) -> None:
    first, second = nn.Linear(5, 5, rng=0, dtype="float64"), nn.Linear(5, 5, rng=1, dtype="float64")
    if shared == "weights":
        second.weight = first.weight
        model = nn.Sequential(first, nn.Tanh(), second, nn.Tanh(), nn.Linear(5, 3, rng=2, dtype="float64"))
    else:
        model = nn.Sequential(first, nn.Tanh(), first, nn.Tanh(), nn.Linear(5, 3, rng=2, dtype="float64"))
    found = diagnose(model, X, Y)
    assert found.same_draws == ()  # one tensor, not one seed
    assert len(found.layers) == len(found.attributions) == len(found.zeros) == 3
    # What is further from the output has longer ways.
    assert [len(attribution.factors) for attribution in found.attributions] == [7, 5, 3]
    assert np.isnan(found.attributions[0].residual) and found.attributions[2].residual < 1e-12


def test_frozen_parameters_are_looked_at_and_stay_frozen() -> None:
    model = network()
    model.linears()[0].weight.requires_grad = False
    assert diagnose(model, X, Y).layers[0].dw.rms > 0
    assert not model.linears()[0].weight.requires_grad
    losses = tgi.train(model, X, Y, tgi.cross_entropy, lambda ps: tgi.optim.SGD(ps, 0.1), epochs=3, rng=0)
    np.testing.assert_array_equal(model.linears()[0].weight.numpy(), network().linears()[0].weight.numpy())
    assert losses[-1] < losses[0]


def test_a_diagnosis_leaves_a_model_as_it_was() -> None:
    class Own(nn.Module):
        def __init__(self) -> None:
            self.a, self.drop, self.b = nn.Linear(5, 8, rng=0), nn.Dropout(0.5, rng=3), nn.Linear(8, 3, rng=1)
            self.norm = nn.BatchNorm(8)

        def forward(self, x: tgi.Tensor) -> tgi.Tensor:
            return self.b(self.drop(self.norm(self.a(x))))

    model = Own()
    model.norm.eval()
    state, draws = copy.deepcopy(model.state_dict()), model.drop.rng.bit_generator.state
    found = diagnose(model, X, Y)
    assert all(attribution.residual < 1e-12 for attribution in found.attributions)  # the same mask on both ways
    assert not model.norm.training and model.drop.training
    assert model.drop.rng.bit_generator.state == draws
    for name, array in model.state_dict().items():
        np.testing.assert_array_equal(array, state[name])
    assert all(parameter.grad is None for parameter in model.parameters())


def test_one_layer_alone_and_very_deep_networks() -> None:
    assert diagnose(nn.Linear(5, 3, rng=0), X, Y).layers[0].name == "Linear"
    deep = nn.MLP((5, *(6,) * 505, 3), "sigmoid", rng=0)
    tgi.initialize(deep, "xavier", 0)
    assert diagnose(deep, X, Y).verdict.word == "vanishing"


def test_the_page_of_one_layer_has_the_plots_that_there_are() -> None:
    pytest.importorskip("plotly")
    page = diagnose(nn.Linear(5, 3, rng=0), X, Y).to_html()
    assert "Signal forward" in page and "Where the gradient goes" not in page


@settings(deadline=None, max_examples=40)
@given(
    strategies.sampled_from(["relu", "tanh", "sigmoid", "identity", "gelu", "softplus", "sin"]),
    strategies.sampled_from(["cross_entropy", "binary_cross_entropy_with_logits", "half_squared_error"]),
    strategies.sampled_from(["float32", "float64"]),
    strategies.lists(strategies.floats(-300, 300), min_size=2, max_size=12),
    strategies.sampled_from([0.0, np.inf, -np.inf, np.nan]),
    strategies.integers(0, 2**20),
)
def test_whatever_the_weights_have_become_there_is_a_report(
    activation: str, loss: str, dtype: str, sizes: list[float], odd: float, seed: int
) -> None:
    """Training that diverges leaves numbers of any size, infinities and NaN."""
    rng = np.random.default_rng(seed)
    outputs = 3 if loss == "cross_entropy" else 1
    model = nn.MLP((4, *(5,) * (len(sizes) // 2 - 1), outputs), activation, rng=0, dtype=dtype)
    with tgi.no_grad(), np.errstate(over="ignore", under="ignore"):
        for parameter, size in zip(model.parameters(), sizes, strict=False):
            values = (rng.normal(size=parameter.shape) * 10.0**size).astype(dtype)
            if odd and rng.random() < 0.1:
                values.flat[0] = odd
            parameter.copy_(values)
    y = rng.integers(0, outputs if outputs > 1 else 2, 6)
    found = diagnose(model, rng.normal(size=(6, 4)), y if outputs > 1 else y[:, None].astype(dtype), loss)
    assert found.verdict.word and len(found.answers) == 6
    assert len(str(found)) > 500 and json.loads(found.to_json())["layers"]


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"loss": None}, TypeError, "the name of a loss or a function, got NoneType"),
        ({"loss": lambda p, y: 1.0}, TypeError, "a tensor of one number, got float"),
        ({"loss": lambda p, y: p.sum(1)}, TypeError, "a tensor of one number, got shape"),
        ({"loss": "nonsense"}, ValueError, "expected a loss out of"),
        ({"lr": -1.0}, ValueError, "a positive learning rate, got -1"),
        ({"model": 3}, TypeError, "expected a module, got int"),
    ],
)
def test_wrong_arguments(change: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        diagnose(**{"model": network(), "x": X, "y": Y, **change})
