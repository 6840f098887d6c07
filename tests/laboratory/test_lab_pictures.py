"""What the Lab draws, number by number: maps, edges, curves, and how much of them is sent."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import tinygrad_init as tgi
from tinygrad_init.laboratory.experiment.experiment import Experiment
from tinygrad_init.laboratory.looking import measure, pictures
from tinygrad_init.laboratory.looking.describe import curve, hello, points_of, state_of, unique
from tinygrad_init.laboratory.looking.measure import LayerLook, decimal_log, few, share_not_finite, thinned, watch
from tinygrad_init.laboratory.looking.phases import border, phase
from tinygrad_init.laboratory.looking.pictures import (
    STRONG_EDGE,
    as_bytes,
    between,
    decision,
    grid,
    map_of_unit,
    packed,
    rows,
    strongest,
)
from tinygrad_init.laboratory.looking.selection import detail, entering, histogram_of, spectrum_of, with_detail
from tinygrad_init.laboratory.messages.config import Config, Data, Start
from tinygrad_init.laboratory.messages.protocol import Select
from tinygrad_init.words import Phrase

RNG = np.random.default_rng(0)


def bytes_of(*values: float, low: float = 0.0, high: float = 1.0) -> list[int]:
    return list(as_bytes(np.array(values), low, high))


class TestMaps:
    def test_a_grid_goes_row_by_row_from_below(self) -> None:
        np.testing.assert_allclose(
            grid(3),
            [
                (-1.2, -1.2), (0, -1.2), (1.2, -1.2), (-1.2, 0), (0, 0), (1.2, 0), (-1.2, 1.2), (0, 1.2), (1.2, 1.2),
            ],
        )  # fmt: skip

    def test_a_scale_has_256_steps_and_what_is_beyond_lies_at_its_ends(self) -> None:
        assert bytes_of(0.0, 0.5, 1.0, -3.0, 7.0) == [0, 128, 255, 0, 255]
        assert bytes_of(-2.0, 0.0, 2.0, low=-2.0, high=2.0) == [0, 128, 255]
        assert bytes_of(math.nan, math.inf, -math.inf) == [128, 255, 0]
        assert bytes_of(3.0, 3.0, low=3.0, high=3.0) == [0, 0]
        assert bytes_of(1 / 255, 0.49 / 255, 0.51 / 255) == [1, 0, 1]

    def test_a_units_map_goes_from_its_least_to_its_most(self) -> None:
        found = map_of_unit(np.array([1.0, 3.0, math.nan, math.inf, 2.0, -math.inf]), 2)
        assert (found.kind, found.size, found.low, found.high) == ("unit", 2, 1.0, 3.0)
        assert list(found.values) == [0, 255, 128, 255, 128, 0]
        nothing = map_of_unit(np.array([math.nan]), 1)
        assert (nothing.low, nothing.high) == (0.0, 0.0)

    @pytest.mark.parametrize(
        ("config", "output", "kind", "ends", "values"),
        [
            (Config(), [[1.0, 3.0], [3.0, 1.0]], "probability", (0.0, 1.0), 1 / (1 + np.exp([-2.0, 2.0]))),
            (
                Config(loss="binary_cross_entropy_with_logits"), [[2.0], [-2.0]], "probability", (0, 1),
                1 / (1 + np.exp([-2.0, 2])),
            ),
            (Config(loss="hinge"), [[1.0, 3.0], [3.0, 1.0]], "score", (-1.0, 1.0), [2.0, -2.0]),
            (Config(loss="half_squared_error"), [[0.25, 0.5]], "score", (-1.0, 1.0), [0.25]),
            (
                Config(Data("points", points=((0, 0, 0), (1, 1, 1), (1, 0, 2)))),
                [[0.0, 2.0, 1.0], [3.0, 2.0, 1.0]], "class", (0.0, 2.0), [1.0, 0.0],
            ),
        ],
    )  # fmt: skip
    def test_what_outputs_mean(self, config: Config, output: Any, kind: str, ends: Any, values: Any) -> None:
        found = decision(np.array(output), Experiment(config).samples)
        assert found[:3] == (kind, *ends)
        np.testing.assert_allclose(found[3], values)

    def test_a_regression_has_the_scale_of_its_targets(self) -> None:
        samples = Experiment(Config(Data("hills", 80), loss="half_squared_error")).samples
        kind, low, high, values = decision(np.array([[0.5], [-7.0]]), samples)
        assert kind == "number" and values.tolist() == [0.5, -7.0]
        most = np.abs(samples.target).max()
        assert (low, high) == (-most, most)
        for numbers, ends in (([1.0, 3.0], (1.0, 3.0)), ([-3.0, -1.0], (-3.0, -1.0)), ([-1.0, 3.0], (-3.0, 3.0))):
            assert replace(samples, target=np.array(numbers)).scale == ends
        assert replace(samples, target=np.array([0.0, 3.0])).scale == (0.0, 3.0)

    def test_large_networks_have_coarser_maps(self) -> None:
        """From more than 50 000 parameters on; 2·w + w² + 4·w + 2 of two layers of w units."""
        for parameters, size in ((50_000, 40), (50_001, 24)):
            drawn = pictures.Pictures(Experiment(Config()).runs[0], Experiment(Config()).samples)
            drawn.run.parameters = [tgi.tensor(np.zeros(parameters - 1)), tgi.tensor(np.zeros(1))]
            assert drawn.size == size and len(drawn.grid) == size * size

    def test_every_unit_has_a_small_map_where_there_are_at_most_64(self) -> None:
        for widths, many in (((64,), True), ((32, 32), True), ((64, 1), False), ((33, 32), False)):
            maps = watch(Experiment(Config(layers=widths)))[0].pictures.unit_maps()
            assert [len(layer) for layer in maps] == (list(widths) if many else [])
            assert {one.size for layer in maps for one in layer} <= {14}

    def test_of_digits_the_first_layers_weights_are_the_maps(self) -> None:
        (run,) = watch(Experiment(Config(Data("digits", 40), layers=(4, 3))))
        (maps,) = run.pictures.unit_maps()
        weights = run.run.model[0].weight.numpy()
        assert [one.size for one in maps] == [8] * 4 == [len(one.values) // 8 for one in maps]
        assert [one.low for one in maps] == pytest.approx(weights.min(1)) and len(weights[0]) == 64
        assert [one.high for one in maps] == pytest.approx(weights.max(1))

    def test_a_units_map_is_what_the_unit_says(self) -> None:
        watched = watch(Experiment(Config(layers=(5, 4))))[0]
        found = watched.pictures.unit_map(1, 2)
        model = watched.run.model
        points = tgi.tensor(grid(40))
        for module in list(model)[:4]:  # type: ignore[call-overload]
            points = module(points)
        values = points.numpy()[:, 2]
        assert found is not None and (found.low, found.high) == pytest.approx((values.min(), values.max()))
        assert found.values == as_bytes(values, values.min(), values.max())
        assert watch(Experiment(Config(Data("digits", 40), layers=(4,))))[0].pictures.unit_map(0, 0) is None

    def test_without_a_plane_there_is_no_map(self) -> None:
        assert watch(Experiment(Config(Data("digits", 40), layers=(4,))))[0].pictures.map() is None


class TestEdges:
    def test_several_weights_between_two_units_are_their_norm_with_the_sign_of_their_sum(self) -> None:
        weights = np.array([[3.0, 4.0, 0.0, 0.0], [-3.0, -4.0, 5.0, -5.0]])
        np.testing.assert_array_equal(between(weights, 2), [[5.0, 0.0], [-5.0, math.sqrt(50.0)]])
        assert between(weights, 4) is weights
        np.testing.assert_array_equal(between(weights, 3), np.zeros((2, 3)))

    def test_a_network_is_sent_whole_up_to_2500_edges(self) -> None:
        for widths, edges, whole in (
            ((24, 64, 13), 2500, True),
            ((25, 64, 12), 2442, True),
            ((24, 64, 14), 2566, False),
        ):
            watched = watch(Experiment(Config(layers=widths)))[0]
            found = watched.pictures.edges([layer.dw for layer in watched.look().layers])
            assert sum(linear.weight.size for linear in watched.linears) == pytest.approx(edges, abs=200)
            total = sum(linear.weight.size for linear in watched.linears)
            assert (total <= 2500) == all(edge.strong is None for edge in found) or not whole
            assert all((edge.weight is None) == (total > 2500) for edge in found)

    @pytest.mark.parametrize(("layers", "most"), [(2, 16), (25, 15), (60, 6)])
    def test_of_larger_networks_400_edges_and_16_of_a_layer(self, layers: int, most: int) -> None:
        watched = watch(Experiment(Config(Data(samples=20), layers=(64,) * layers)))[0]
        most = min(16, 400 // (layers + 1))
        for edge in watched.pictures.edges([layer.dw for layer in watched.look().layers]):
            assert edge.strong is not None and most <= len(edge.strong) // STRONG_EDGE.itemsize <= 2 * most

    def test_the_strongest_are_those_of_weights_and_those_of_gradients(self) -> None:
        weight = np.array([[1.0, -9.0, 2.0], [3.0, 0.5, 8.0]])
        gradient = np.array([[0.1, 0.0, -7.0], [0.2, math.nan, 0.3]])
        which = strongest(weight, gradient, 2)
        found = np.frombuffer(packed(weight, gradient, which), STRONG_EDGE)
        assert list(zip(found["target"], found["source"], strict=True)) == [(0, 1), (0, 2), (1, 2)]
        assert found["weight"].tolist() == [-9.0, 2.0, 8.0]
        assert found["gradient"].tolist() == [0.0, -7.0, np.float32(0.3)]
        assert len(strongest(weight, weight, 1)) == 1 and len(strongest(weight, weight, 100)) == 6
        infinite = np.array([[math.inf, 1.0, -math.inf]])
        assert strongest(infinite, infinite, 2).tolist() == [0, 2]

    def test_a_picture_in_a_hurry_has_the_numbers_of_now(self) -> None:
        """Which edges are drawn may be as old as some pictures; what they are is not."""
        experiment = Experiment(Config(layers=(64, 64), lr=0.5))
        watched = watch(experiment)[0]
        for hurried in (False, True, True):
            watched.pictures.hurried = hurried
            experiment.advance()
            edges = watched.pictures.edges([layer.dw for layer in watched.look().layers])
            for edge, linear in zip(edges, watched.linears, strict=True):
                found = np.frombuffer(edge.strong or b"", STRONG_EDGE)
                weight = linear.weight.numpy()[found["target"], found["source"]]
                np.testing.assert_array_equal(found["weight"], weight.astype(np.float32))

    def test_rows(self) -> None:
        assert rows(np.array([[1.0, 2.0], [3.0, 4.0]])) == ((1.0, 2.0), (3.0, 4.0))


class TestCurves:
    @pytest.mark.parametrize("stride", [1, 2, 4])
    @pytest.mark.parametrize("step", [0, 1, 5, 399, 400, 401, 1000, 1203])
    def test_a_curve_is_thinned_to_400_points_and_ends_at_the_step(self, step: int, stride: int) -> None:
        losses = [float(10 * i) for i in range(0, 2000, stride)]
        found = thinned(losses, stride, step, 7.5)
        assert len(found) <= 400 and found[-1] == (step, 7.5)
        steps = [at for at, _ in found[:-1]]
        assert all(loss == 10 * at for at, loss in found[:-1]) and all(at < step for at in steps)
        assert len(set(np.diff(steps))) <= 1
        if step // stride < 399:
            assert steps == list(range(0, step, stride))
        assert thinned(losses, stride, step, None) == (found[:-1] if step else ((0, found[-1][1]),)) or step == 0

    def test_a_curve_that_is_not_known(self) -> None:
        ((step, loss),) = thinned([], 1, 3, None)
        assert step == 3 and math.isnan(loss)
        assert thinned([1.0], 1, 3, None) == ((0, 1.0),)

    @pytest.mark.parametrize("count", [0, 1, 399, 400, 401, 799, 800, 801])
    def test_few_points_with_the_last_among_them(self, count: int) -> None:
        whole = [(i, float(i)) for i in range(count)]
        found = few(whole)
        assert len(found) <= 400 and found == tuple(sorted(found)) and found[-1:] == tuple(whole[-1:])
        assert count > 400 or found == tuple(whole)
        assert len(found) >= min(count, 200)

    def test_test_losses_are_kept_of_some_steps(self) -> None:
        watched = watch(Experiment(Config(Data(samples=40, test=0.5))))[0]
        watched.test_losses = dict.fromkeys(range(measure.MOST_TESTS), 1.0)
        assert measure.MOST_TESTS == 4096
        watched.test(5000)
        assert len(watched.test_losses) == 2049 and 0 in watched.test_losses and 5000 in watched.test_losses
        watched.test_losses = dict.fromkeys(range(measure.MOST_TESTS - 1), 1.0)
        watched.test(5000)
        assert len(watched.test_losses) == 4096

    def test_tests_are_of_what_is_held_out(self) -> None:
        experiment = Experiment(Config(Data(samples=40, test=0.25)))
        watched = watch(experiment)[0]
        model, held = experiment.runs[0].model, experiment.samples.test
        found = watched.test(3)
        assert found is not None and len(held.x) == 10
        assert found[0] == pytest.approx(tgi.cross_entropy(model(tgi.tensor(held.x)), held.y).item())
        assert found[1] == pytest.approx(np.mean(model(tgi.tensor(held.x)).numpy().argmax(1) == held.y))
        assert watch(Experiment(Config()))[0].test(0) is None

    def test_a_frame_has_the_curve_up_to_its_step(self) -> None:
        experiment = Experiment(Config(Data(samples=40, test=0.5)))
        (watched,) = watch(experiment)
        watched.test_losses = {0: 3.0, 9: 1.0, 4: 2.0}
        now = watched.now(4, 1, watched.look())
        assert [step for step, _ in now.test_losses] == [0, 4]
        assert now.test_loss == now.test_losses[-1][1] and now.test_accuracy is not None


def test_logarithms_of_what_has_none() -> None:
    assert decimal_log(100.0) == 2.0 and decimal_log(0.0) == -math.inf
    assert math.isnan(decimal_log(math.inf)) and math.isnan(decimal_log(math.nan))


def test_the_largest_share_that_is_not_finite_counts() -> None:
    part = {"x": np.ones((2, 2)), "z": np.ones((2, 2)), "into": np.ones((2, 2)), "a": np.ones((2, 2))}
    part |= {"dz": np.ones((2, 2)), "dw": np.ones((2, 2))}
    assert share_not_finite(LayerLook(**part)) == 0.0
    for name in ("z", "a", "dz", "dw"):
        broken = {**part, "x": np.full((2, 2), math.nan), name: np.array([[1.0, math.inf], [math.nan, 1.0]])}
        assert share_not_finite(LayerLook(**broken)) == 0.5, name


class TestProbes:
    @pytest.mark.parametrize(("samples", "probed"), [(200, 200), (256, 256), (257, 256), (400, 256)])
    def test_layers_are_of_256_samples_and_loss_and_accuracy_of_all(self, samples: int, probed: int) -> None:
        experiment = Experiment(Config(Data(samples=samples)))
        (watched,) = watch(experiment)
        look = watched.look()
        assert {len(layer.z) for layer in look.layers} == {probed}
        output = experiment.runs[0].model(tgi.tensor(experiment.samples.x))
        assert look.loss == pytest.approx(tgi.cross_entropy(output, experiment.samples.y).item(), rel=1e-12)
        assert look.accuracy == np.mean(output.numpy().argmax(1) == experiment.samples.y)

    def test_gradients_of_z_are_those_of_a_single_samples_loss(self) -> None:
        experiment = Experiment(Config(Data(samples=40)))
        (watched,) = watch(experiment)
        look = watched.look()
        last = look.layers[-1].dz
        output = experiment.runs[0].model(tgi.tensor(experiment.samples.x)).numpy()
        p = np.exp(output) / np.exp(output).sum(1, keepdims=True)
        np.testing.assert_allclose(last, p - np.eye(2)[experiment.samples.y], rtol=1e-9, atol=1e-12)

    def test_a_report_is_of_a_start_only_at_step_0(self) -> None:
        experiment = Experiment(Config())
        (watched,) = watch(experiment)
        for step in (0, 1):
            watched.diagnose(step)
            assert watched.report is not None and watched.report.trained == (step > 0)
            assert watched.report_step == step and watched.report_look is not None

    def test_the_names_of_a_layers_parts_lead_to_it(self) -> None:
        (watched,) = watch(Experiment(Config(layers=(4, 4))))
        assert watched.layer_of == {"0": 0, "1": 0, "2": 1, "3": 1, "4": 2}


class TestSelection:
    def watched(self, **options: Any) -> Any:
        (watched,) = watch(Experiment(Config(layers=(5, 4), **options)))
        watched.diagnose(0)
        return watched, watched.look()

    def test_only_a_layer_that_is_there_has_detail(self) -> None:
        watched, look = self.watched()
        now = watched.now(0, 1, look)
        for layer, there in ((None, False), (0, True), (2, True), (3, False)):
            found = with_detail(now, watched, look, Select("select", 0, layer))
            assert (found.detail is not None) == there

    def test_a_unit_or_input_that_is_not_there_counts_as_none(self) -> None:
        watched, look = self.watched()
        for unit, input, found in (
            (0, 0, (0, 0)), (4, 1, (4, 1)), (5, 1, (None, None)), (4, 2, (4, None)), (None, 1, (None, None)),
        ):  # fmt: skip
            seen = detail(watched, look, 0, unit, input)
            assert (seen.unit, seen.input) == found
            assert (seen.unit_map is None) == (seen.weight is None) == (found[0] is None)

    def test_without_an_input_the_weight_is_the_bias(self) -> None:
        watched, look = self.watched(starts=(Start("normal", 1.0, 0.5),))
        found = detail(watched, look, 1, 3, None).weight
        model, samples = watched.run.model, watched.samples
        bias = watched.linears[1].bias
        cost = tgi.cross_entropy(model(tgi.tensor(samples.x)), samples.y)
        assert found is not None and found.value == bias.numpy()[3]
        assert found.gradient == pytest.approx(tgi.grad(cost, bias)[0].numpy()[3], rel=1e-9)

    def test_what_enters_an_activation(self) -> None:
        """How much lies where |φ'| is below a tenth of the steepest, and beyond what is drawn, 6."""
        into = np.array([[0.0, 10.0], [3.0, 5.99], [-2.5, -6.01], [1.0, 1.0]])
        slope = 1 - np.tanh(into) ** 2
        whole, first = (entering(tgi.nn.Tanh(), into, columns) for columns in (slice(None), [0]))
        assert whole.flat == np.mean(slope < 0.1) == 5 / 8 and first.flat == 0.5
        assert whole.outside == 2 / 8 and first.outside == 0.0
        assert sum(first.histogram.counts) == 4

    def test_histograms_are_of_what_is_finite(self) -> None:
        assert sum(histogram_of(np.array([1.0, math.nan, 2.0, math.inf])).counts) == 2
        assert histogram_of(np.array([math.nan])).counts == ()

    def test_spectra_of_what_can_be_decomposed(self) -> None:
        assert spectrum_of(np.array([[1.0, math.nan]])) is None
        found = spectrum_of(np.diag([2.0, 0.5]))
        assert found is not None and found.eigenvalues == ((2.0, 0.0), (0.5, 0.0))
        assert len(found.growth) == 30

    def test_factors_of_a_weight_multiply_to_its_gradient(self) -> None:
        watched, look = self.watched()
        for layer in range(3):
            found = detail(watched, look, layer, 0, 1).factors
            total = sum(factor.log10 for factor in found)
            assert 10**total == pytest.approx(abs(look.layers[layer].dw[0, 1]), rel=1e-9)
        watched.report = None
        assert detail(watched, look, 0, 0, 1).factors == ()


class TestDescriptions:
    def test_the_hello_has_a_start_as_given_for_own_models_alone(self) -> None:
        assert "given" in hello(True).starts and "given" not in hello(False).starts and not hello().own
        assert hello(True).starts[:-1] == hello(False).starts

    def test_a_curve_goes_from_minus_six_to_six(self) -> None:
        found = curve("tanh")
        z = np.array(found.z)
        assert len(z) == 121 and (z[0], z[-1]) == (-6.0, 6.0) and z[60] == 0
        np.testing.assert_allclose(found.value, np.tanh(z))
        np.testing.assert_allclose(found.slope, 1 - np.tanh(z) ** 2, atol=1e-15)
        assert curve("sigmoid").flat == pytest.approx(0.025)

    def test_each_sentence_is_said_once(self) -> None:
        one, other = Phrase("advice.loss"), Phrase("advice.constant")
        assert unique([one, other, one]) == [one, other]

    def test_points_with_those_that_are_held_out_last(self) -> None:
        samples = Experiment(Config(Data(samples=40, test=0.25))).samples
        found = points_of(samples)
        assert found is not None and found.test == 10 and len(found.x) == 40
        np.testing.assert_array_equal(found.x[-10:], samples.test.plane[:, 0])  # type: ignore[index]
        np.testing.assert_array_equal(found.label, [*samples.y, *samples.test.y])
        assert points_of(Experiment(Config(Data("digits", 40))).samples) is None
        numbers = points_of(Experiment(Config(Data("plane", 40), loss="half_squared_error")).samples)
        assert numbers is not None and numbers.label == () and len(numbers.value) == 40

    def test_the_state_counts_parameters_and_steps(self) -> None:
        state = state_of(Experiment(Config(Data(samples=50), layers=(4,), batch=16)))
        assert state.parameters == state.runs[0].parameters == 2 * 4 + 4 + 4 * 2 + 2
        assert state.epochs_of == 4 and [layer.single for layer in state.runs[0].layers] == [True, True]
        assert set(state.phi) == {"relu"} and len(state.inputs) == 2


class TestPhases:
    def test_a_border_is_where_the_sign_changes(self) -> None:
        w = np.array([1.0, 2.0, 3.0, 4.0])
        assert border(np.array([-2.0, -1.0, 1.0, 2.0]), w) == 2.5
        assert border(np.array([-3.0, -1.0, 3.0, 4.0]), w) == 2.25
        assert border(np.array([-1.0, 0.0, 1.0, 2.0]), w) == 2.0
        assert border(np.array([-1.0, 1.0, -1.0, 1.0]), w) == 1.5
        for row in ([1.0, 1.0, 2.0, 3.0], [-1.0] * 4, [1.0, -1.0, -2.0, -3.0]):
            assert math.isnan(border(np.array(row), w))

    def test_layers_of_the_activation_are_dots(self) -> None:
        config = Config(layers=(16, 16), activations=("tanh", "relu"), starts=(Start("normal", 1.5, 0.3),), seed=1)
        experiment = Experiment(config)
        found = phase("tanh", watch(experiment), 7)
        assert found.step == 7 and len(found.sigma_w) == 60 and len(found.sigma_b) == 40
        assert (found.sigma_w[-1], found.sigma_b[0], found.sigma_b[-1]) == (4.0, 0.0, 1.0)
        assert found.sigma_w[0] == pytest.approx(4 / 60)
        (dot,) = found.dots
        linear: Any = experiment.runs[0].layers[0].linear
        assert (dot.run, dot.layer) == (0, 0)
        assert dot.sigma_w == pytest.approx(np.sqrt(2 * np.mean(linear.weight.numpy() ** 2)))
        assert dot.sigma_b == pytest.approx(np.sqrt(np.mean(linear.bias.numpy() ** 2)))
        assert [dot.layer for dot in phase("relu", watch(experiment), 0).dots] == [1]
        relu = np.array(phase("relu", [], 0).edge)
        np.testing.assert_allclose(relu, math.sqrt(2), atol=0.01)
