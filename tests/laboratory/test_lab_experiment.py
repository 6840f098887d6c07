"""Experiments of the Lab: they repeat exactly, go back exactly, and show what the library measures."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tinygrad_init as tgi
from tinygrad_init.init import INITIALIZERS
from tinygrad_init.laboratory.experiment.experiment import Experiment, build
from tinygrad_init.laboratory.looking.measure import watch
from tinygrad_init.laboratory.looking.pictures import STRONG_EDGE
from tinygrad_init.laboratory.looking.selection import detail
from tinygrad_init.laboratory.messages import frames, protocol
from tinygrad_init.laboratory.messages.config import LOSSES, Config, Data, Edit, Start, Variant
from tinygrad_init.laboratory.messages.message_schema import Invalid
from tinygrad_init.laboratory.messages.wire import plain
from tinygrad_init.laboratory.serving.export import export

Array = np.ndarray[Any, Any]
POINTS = tuple((x / 4, y / 4, int(x * y > 0)) for x in range(-4, 5) for y in range(-4, 5))

CONFIGS = {
    "the default": Config(),
    "momentum, batches": Config(Data("moons", 50), optimizer="momentum", batch=16, seed=5),
    "nesterov, clipped": Config(
        Data("xor", 60), optimizer="nesterov", batch=7, clip=0.1, loss="binary_cross_entropy_with_logits"
    ),
    "adam, batchnorm, residual": Config(
        Data("spirals", 80, test=0.25), (8, 8, 8), ("gelu",), (Start("critical"),), optimizer="adam",
        normalization="batch", residual=True, batch=20,
    ),
    "layernorm, digits": Config(Data("digits", 40), (16, 8), normalization="layer", loss="half_squared_error"),
    "own points, hinge": Config(Data("points", points=POINTS), (5,), ("tanh",), (Start("normal", 1.5, 0.2),), "hinge"),
    "a regression, features, l1, held out, edited": Config(
        Data("hills", 80, test=0.25, seed=9), loss="half_squared_error", features=("x", "xy", "y2", "sin_y"),
        regularization="l1", regularization_rate=0.01, edits=(Edit(0, 0, 0, 1, 3, 2.0), Edit(7, 0, 1, 2, None, -1.0)),
    ),
    "adamw, batches, l2, sin": Config(
        Data("circles", 70, test=0.4), optimizer="adamw", batch=10, features=("sin_x", "x2"), regularization="l2",
        regularization_rate=0.1,
    ),
    "variants": Config(
        variants=(Variant("b", ("tanh", "relu")), Variant("c", None, (Start("he"),))),
        edits=(Edit(5, 1, 0, 2, 1, 0.5),),
    ),
    "anything differs": Config(
        Data("moons", 40, test=0.2), (5, 5), ("tanh",), loss="half_squared_error", batch=9, seed=3,
        variants=(
            Variant("B", optimizer="adam", lr=0.01, clip=0.5, normalization="layer", regularization="l2",
                    regularization_rate=0.01),
            Variant("C", data=Data("spirals", 50, 0.05, test=0.3, seed=4), residual=True, batch=0, seed=8),
            Variant("D", loss="binary_cross_entropy_with_logits", normalization="batch", batch=16),
        ),
        edits=(Edit(4, 2, 1, 0, 2, 0.25),),
    ),
    "depths, many samples, torch": Config(
        Data("circles", 400, test=0.2), (4, 4), starts=(Start("torch"),), normalization="batch",
        variants=(
            Variant("B", layers=(4,) * 5), Variant("C", None, (Start("normal", 2.0, 0.1),), ()),
            Variant("D", layers=(7, 3)),
        ),
        edits=(Edit(3, 1, 4, 3, 3, 0.5),),
    ),
}  # fmt: skip


def advanced(config: Config, steps: int) -> Experiment:
    experiment = Experiment(config)
    while experiment.step < steps:
        experiment.advance()
    return experiment


def state(experiment: Experiment) -> list[list[bytes]]:
    return [[array.tobytes() for array in run.save().arrays] for run in experiment.runs]


@pytest.mark.parametrize("name", CONFIGS)
def test_the_same_config_is_the_same_trajectory_bit_for_bit(name: str) -> None:
    one, other = advanced(CONFIGS[name], 12), advanced(CONFIGS[name], 12)
    assert [run.losses for run in one.runs] == [run.losses for run in other.runs]
    assert state(one) == state(other)


@pytest.mark.parametrize("name", CONFIGS)
def test_every_step_can_be_returned_to_exactly(name: str) -> None:
    experiment = Experiment(CONFIGS[name])
    experiment.most_checkpoints = 4  # so that most steps are replayed
    states = [state(experiment)]
    for _ in range(30):
        experiment.advance()
        states.append(state(experiment))
    for step in (17, 29, 0, 30, 3):
        experiment.back(step)
        assert experiment.step <= step
        while experiment.step < step:
            experiment.advance()
        assert state(experiment) == states[step]
        assert len(experiment.timeline) <= 4 and experiment.timeline[0] == 0
    experiment.back(30)
    assert len(experiment.runs[0].losses) == 30


def test_looking_changes_nothing() -> None:
    config = CONFIGS["adam, batchnorm, residual"]
    experiment = Experiment(config)
    watched = watch(experiment)
    for _ in range(6):
        for each in watched:
            each.now(experiment.step, 1, each.look())
            each.diagnose(experiment.step)
        experiment.advance()
    assert state(experiment) == state(advanced(config, 6))


def test_normal_starts_of_variants_are_the_same_draws_scaled() -> None:
    names = ("lecun", "he", "xavier", "small", "large")
    starts = [(Start("normal", 0.7, 0.5),), *((Start(name),) for name in names)]
    config = Config(layers=(8, 4), variants=tuple(Variant(str(i), None, start) for i, start in enumerate(starts[:3])))
    first, *others = Experiment(config).runs
    for i in (0, 2, 4):
        base = list(first.model)[i].weight.numpy()
        for other in others:
            ratio = list(other.model)[i].weight.numpy() / base
            np.testing.assert_allclose(ratio, ratio[0, 0], rtol=1e-13)
    weights = [run.model.state_dict()["0.weight"] for run in (first, *others)]
    assert not np.array_equal(weights[0], weights[1])


def test_variants_see_the_same_data_and_batches() -> None:
    config = replace(CONFIGS["momentum, batches"], variants=(Variant("the same"),))
    experiment = advanced(config, 9)
    assert experiment.runs[0].losses == experiment.runs[1].losses
    alone = advanced(CONFIGS["momentum, batches"], 9)
    assert alone.runs[0].losses == experiment.runs[0].losses


def test_an_epoch_shows_every_sample_once() -> None:
    experiment = Experiment(Config(Data("moons", 50), batch=16))
    assert experiment.epoch_steps == 4
    seen = np.concatenate([experiment.runs[0].batch(step)[0] for step in range(4)])
    assert sorted(map(tuple, seen)) == sorted(map(tuple, experiment.samples.x))
    assert not np.array_equal(experiment.runs[0].batch(0)[0], experiment.runs[0].batch(4)[0])


@pytest.mark.parametrize("name", INITIALIZERS)
def test_every_initializer_fills_what_it_fills_elsewhere(name: str) -> None:
    run = Experiment(Config(layers=(16, 16), activations=("tanh",), starts=(Start(name),), seed=3)).runs[0]
    for i, (linear, activation) in enumerate(
        [(run.model[0], "tanh"), (run.model[2], "tanh"), (run.model[4], "linear")]
    ):
        weight = tgi.nn.Parameter(np.zeros(linear.weight.shape), "float64")  # type: ignore[attr-defined]
        INITIALIZERS[name](weight, np.random.default_rng([3, build.WEIGHTS, i]), activation)
        np.testing.assert_array_equal(linear.weight.numpy(), weight.numpy())  # type: ignore[attr-defined]


def test_edits_happen_at_their_step_and_stay_when_one_goes_back() -> None:
    config = CONFIGS["a regression, features, l1, held out, edited"]
    experiment = Experiment(config)
    weight, bias = (experiment.runs[0].model.state_dict()[name] for name in ("0.weight", "2.bias"))
    assert weight[1, 3] == 2.0 and bias[2] != -1.0
    while experiment.step < 7:
        experiment.advance()
    assert experiment.runs[0].model.state_dict()["2.bias"][2] == -1.0
    with pytest.raises(Invalid, match="expected 0 to 5, got 6"):
        Experiment(replace(config, edits=(Edit(0, 0, 0, 6, 0, 1.0),)))
    with pytest.raises(Invalid, match=r"config.edits\[0\].run: expected 0 to 0, got 1"):
        Experiment(replace(config, edits=(Edit(0, 1, 0, 0, 0, 1.0),)))


@pytest.mark.parametrize(
    "name", ["the default", "nesterov, clipped", "adam, batchnorm, residual", "layernorm, digits", "own points, hinge"]
)
def test_a_frame_has_the_numbers_of_diagnose(name: str) -> None:
    experiment = advanced(CONFIGS[name], 5)
    watched, run = watch(experiment)[0], experiment.runs[0]
    watched.diagnose(5)
    now = watched.now(5, 1, watched.look())
    samples = experiment.samples
    report = tgi.diagnose(
        run.model, samples.x[:256], samples.target[:256], run.config.loss, run.config.lr, trained=True
    )
    assert now.loss == pytest.approx(report.loss, rel=1e-12)
    assert now.verdict is not None
    assert (now.verdict.word, now.verdict.layer) == (report.verdict.word, report.verdict.layer)
    assert (now.verdict.reason, now.verdict.why) == (report.verdict.reason, frames.said(report.verdict.why))
    assert [a.sentence for a in now.answers] == [a.sentence for a in report.answers]
    for shown, layer in zip(now.layers, report.layers, strict=True):
        assert [shown.z, shown.a, shown.dz] == pytest.approx([layer.z.rms, layer.a.rms, layer.dz.rms], rel=1e-10)
        assert 10**shown.dw == pytest.approx(layer.dw.rms * np.sqrt(layer.dw.count), rel=1e-10)
        assert (shown.saturated, shown.dead, shown.distinct) == (
            layer.saturated, layer.dead_share, len(layer.distinct)
        )  # fmt: skip
    for i, prediction in enumerate(report.predictions):
        theory = [(layer.theory_z, layer.theory_dz)[i] for layer in now.layers]
        assert theory == list(zip(prediction.low, prediction.expected, prediction.high, strict=True))


def test_edges_are_weights_and_the_gradients_of_the_engine() -> None:
    experiment = advanced(Config(), 3)
    watched = watch(experiment)[0]
    edges = watched.now(3, 1, watched.look()).edges
    model = experiment.runs[0].model
    loss = tgi.cross_entropy(model(experiment.samples.x), experiment.samples.y)
    weights = [module.weight for module in model if isinstance(module, tgi.nn.Linear)]
    for edge, weight, gradient in zip(edges, weights, tgi.grad(loss, weights), strict=True):
        np.testing.assert_array_equal(edge.weight, weight.numpy())
        np.testing.assert_allclose(edge.gradient, gradient.numpy(), rtol=1e-9, atol=1e-15)


def test_large_networks_send_their_strongest_edges() -> None:
    watched = watch(Experiment(Config(layers=(64, 64))))[0]
    look = watched.look()
    for edge, linear in zip(watched.pictures.edges([layer.dw for layer in look.layers]), watched.linears, strict=True):
        assert edge.weight is None and edge.strong is not None
        weight = linear.weight.numpy()
        largest = np.unravel_index(np.abs(weight).argmax(), weight.shape)
        found = np.frombuffer(edge.strong, STRONG_EDGE)
        assert largest in set(zip(found["target"], found["source"], strict=True))
        np.testing.assert_array_equal(found["weight"], weight[found["target"], found["source"]].astype(np.float32))


@pytest.mark.parametrize("normalization", ["none", "batch"])
def test_the_map_is_the_probability_over_the_plane(normalization: str) -> None:
    experiment = advanced(Config(normalization=normalization), 20)
    watched = watch(experiment)[0]
    watched.look()
    found = watched.pictures.map()
    assert found is not None and found.kind == "probability"
    model = experiment.runs[0].model.eval()
    points = np.array([[-1.2, -1.2], [1.2, -1.2], [-1.2, 1.2]])  # rows go from below, columns from the left
    expected = tgi.softmax(model(points)).numpy()[:, 1]
    corners = np.array([found.values[0], found.values[39], found.values[39 * 40]]) / 255
    np.testing.assert_allclose(corners, expected, atol=0.5 / 255 + 1e-9)


def test_an_all_zero_start_shows_gradients_of_exactly_zero_and_one_that_diverges_shows_nulls() -> None:
    zero = watch(Experiment(Config(starts=(Start("zeros"),))))[0]
    layers = plain(zero.now(0, 1, zero.look()))["layers"]
    assert all(layer["dw"] is None and layer["not_finite"] == 0 for layer in layers[:2])
    experiment = advanced(
        Config(lr=1000.0, activations=("identity",), loss="half_squared_error", starts=(Start("large"),)), 20
    )
    watched = watch(experiment)[0]
    watched.diagnose(20)
    now = plain(watched.now(20, 1, watched.look()))
    assert now["verdict"]["word"] == "exploding" and max(layer["not_finite"] for layer in now["layers"]) > 0
    jsonschema = pytest.importorskip("jsonschema")
    jsonschema.validate(now, {"$ref": "#/$defs/RunNow", **{k: v for k, v in protocol.schema().items() if k == "$defs"}})


def test_the_public_experiment_comes_out_as_published() -> None:
    """2-6-3-1 on circles, ReLU, N(0, 1/fan_in): the median of ‖∂W1‖/‖∂W3‖ is .59; from zero nothing is ever learned."""
    config = Config(Data("circles", 100), loss="binary_cross_entropy_with_logits", starts=(Start("lecun"),))
    ratios = []
    for seed in range(20):
        layers = plain((each := watch(Experiment(replace(config, seed=seed)))[0]).layers(each.look()))
        ratios.append(10 ** (layers[0]["dw"] - layers[2]["dw"]))
    assert np.median(ratios) == pytest.approx(0.59, rel=0.2)  # of 20 seeds each, on different points
    zero = advanced(replace(config, starts=(Start("zeros"),)), 500)
    np.testing.assert_allclose(zero.runs[0].losses, np.log(2), rtol=1e-15)
    assert not any(linear.weight.numpy().any() for linear in watch(zero)[0].linears)


def test_detail_is_about_the_layer_unit_and_weight_that_were_selected() -> None:
    experiment = advanced(Config(layers=(6, 6)), 4)
    watched = watch(experiment)[0]
    watched.diagnose(4)
    look = watched.look()
    found = detail(watched, look, 1, 2, 3)
    weight = watched.linears[1].weight.numpy()
    assert found.weight is not None and found.weight.value == weight[2, 3]
    assert sum(found.histograms.z.counts) == len(watched.x) and sum(found.histograms.dw.counts) == 6
    assert found.spectrum is not None
    assert [complex(*pair) for pair in found.spectrum.eigenvalues] == pytest.approx(
        sorted(np.linalg.eigvals(weight), key=lambda value: -abs(value))
    )
    total = sum(factor.log10 for factor in found.factors)
    assert total == pytest.approx(np.log10(abs(look.layers[1].dw[2, 3])), abs=1e-9)
    of_layer = sum(factor.log10 for factor in detail(watched, look, 1, 2, None).factors)
    assert of_layer == pytest.approx(np.log10(np.linalg.norm(look.layers[1].dw)), abs=1e-9)
    assert detail(watched, look, 1, 99, 0).unit is None


@pytest.mark.parametrize(
    ("config", "field"),
    [
        (Config(activations=("relu",) * 3), "config.activations"),
        (Config(starts=(Start(),) * 2), "config.starts"),
        (Config(variants=(Variant("b", ("relu",) * 3),)), "config.variants[0].activations"),
        (Config(variants=(Variant("b", normalization="batch", batch=1),)), "config.variants[0].batch"),
        (Config(variants=(Variant("b"), Variant("c", data=Data("hills")))), "config.variants[1].loss"),
        (Config(variants=(Variant("b", data=Data("digits")),)), "config.variants[0].data.name"),
        (Config(Data("points", points=POINTS[:1])), "config.data.points"),
        (Config(Data("points", points=((0, 0, 0), (1, 1, 0)))), "config.data.points"),
        (Config(normalization="batch", batch=1), "config.batch"),
        (Config(Data(samples=33), normalization="batch", batch=16), "config.batch"),
        (Config(Data(samples=2000), layers=(64,) * 60), "config.batch"),
    ],
)
def test_parts_that_do_not_fit_are_refused_with_their_field(config: Config, field: str) -> None:
    with pytest.raises(Invalid) as caught:
        Experiment(config)
    assert caught.value.field == field


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("points", [2, 3])
def test_every_loss_learns_two_and_three_classes(loss: str, points: int) -> None:
    corners = ((-1.0, -1.0, 0), (1.0, 1.0, 1), (1.0, -1.0, 2))[:points]
    config = Config(Data("points", points=corners), (8,), ("tanh",), loss=loss, optimizer="adam", lr=0.05)
    experiment = advanced(config, 300)
    watched = watch(experiment)[0]
    assert watched.now(300, 1, watched.look()).accuracy == 1.0


def test_long_curves_are_thinned_and_checkpoints_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    from tinygrad_init.laboratory.experiment import experiment as module

    monkeypatch.setattr(module, "MOST_LOSSES", 100)
    whole = advanced(Config(Data(samples=20), layers=()), 1000)
    assert len(whole.runs[0].losses) <= 101 and len(whole.checkpoints) <= 256
    watched = watch(whole)[0]
    shown = watched.now(1000, whole.stride, watched.look()).losses
    steps = [step for step, _ in shown]
    assert len(steps) <= 400 and steps == sorted(set(steps)) and steps[-1] == 1000
    monkeypatch.undo()
    every = advanced(Config(Data(samples=20), layers=()), 1000).runs[0].losses
    assert all(loss == every[step] for step, loss in shown[:-1])


@pytest.mark.parametrize("name", CONFIGS)
def test_the_exported_script_repeats_the_run_bit_for_bit(name: str, tmp_path: Path) -> None:
    experiment = advanced(CONFIGS[name], 25)
    script = tmp_path / "run.py"
    script.write_text(export(experiment, watch(experiment), "python").text, encoding="utf-8")
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    said = []
    for watched in watch(experiment):
        said.append(repr(watched.look().loss))
        test = watched.test(25)
        said += [] if test is None else [repr(test[0])]
    assert [line.split()[-1] for line in done.stdout.splitlines()] == said


def test_a_run_beside_others_is_the_run_alone() -> None:
    """Whatever differs, each run takes the steps that it would take without the others, bit for bit."""
    whole = CONFIGS["anything differs"]
    together = advanced(whole, 20)
    for i, config in enumerate(build.configs(whole)):
        edits = tuple(replace(edit, run=0) for edit in whole.edits if edit.run == i)
        alone = advanced(replace(config, variants=(), edits=edits), 20)
        assert alone.runs[0].losses == together.runs[i].losses
    together.back(11)
    assert together.step <= 11
    again = [list(run.losses) for run in together.runs]
    while together.step < 20:
        together.advance()
    assert [list(run.losses) for run in together.runs] == again


def test_exports_hold_all_digits_and_no_formulas() -> None:
    import csv
    import io
    import json

    config = replace(Config(), variants=(Variant("=1+1"), Variant('a "b", c')))
    experiment = advanced(config, 7)
    rows = list(csv.reader(io.StringIO(export(experiment, watch(experiment), "csv").text)))
    assert rows[0] == ["step", "A", "'=1+1", 'a "b", c']
    assert [float(row[1]) for row in rows[1:]] == list(experiment.runs[0].losses)
    found = json.loads(export(experiment, watch(experiment), "json").text)
    assert protocol.read(Config, found["config"], "config") == config
    parameters = {name: np.array(values) for name, values in found["runs"][0]["parameters"].items()}
    for name, values in experiment.runs[0].model.state_dict().items():
        np.testing.assert_array_equal(parameters[name], values)
