"""What is tried and compared, and by which rules: sizes, targets, scores, proposals."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
import pytest

import tinygrad_init as tgi
from tinygrad_init import diagnosis, nn
from tinygrad_init.data import Dataset, load
from tinygrad_init.diagnosis import Settings, Setup, recommend
from tinygrad_init.diagnosis.records import BETTER
from tinygrad_init.diagnosis.trials.changes import together, unscaled
from tinygrad_init.diagnosis.trials.comparison import accuracy, check_sizes, default_sizes, targets
from tinygrad_init.diagnosis.trials.recommendation import Search, close_to, ground_of, most_frequent
from tinygrad_init.diagnosis.trials.redesign import activated, modules_of, normalized, residual
from tinygrad_init.diagnosis.trials.rivals import Rival, Score, right

MOONS = load("moons", rng=0)
X, Y = MOONS.x, MOONS.y
RNG = np.random.default_rng(0)


def plain(parameters: Any) -> tgi.optim.SGD:
    return tgi.optim.SGD(parameters, 0.1)


def network(*sizes: int, activation: str = "tanh", dtype: Any = "float64") -> nn.MLP:
    model = nn.MLP(sizes or (2, 6, 6, 2), activation, rng=0, dtype=dtype)
    tgi.initialize(model, "xavier", 0)
    return model


class TestComparisons:
    def test_the_usual_network(self) -> None:
        many = Dataset("many", np.zeros((4, 7)), np.arange(4) % 3, ("a", "b", "c"))
        assert (
            default_sizes(many, "cross_entropy")
            == default_sizes(many, "binary_cross_entropy_with_logits")
            == (7, 64, 64, 64, 3)
        )
        assert default_sizes(MOONS, "cross_entropy") == (2, 64, 64, 64, 2)
        assert default_sizes(MOONS, "binary_cross_entropy_with_logits") == (2, 64, 64, 64, 1)

    @pytest.mark.parametrize(
        ("sizes", "fits"),
        [((2, 2), True), ((2, 1, 2), True), ((2,), False), ((), False), ((2, 0, 2), False), ((1, 2), False)],
    )
    def test_sizes(self, sizes: tuple[int, ...], fits: bool) -> None:
        if fits:
            check_sizes(sizes, MOONS, "cross_entropy")
        else:
            with pytest.raises(ValueError, match="sizes: "):
                check_sizes(sizes, MOONS, "cross_entropy")

    def test_how_many_weights_fit(self) -> None:
        check_sizes((2, 250_000_000, 2), MOONS, "cross_entropy")  # 10⁹ of them
        with pytest.raises(ValueError, match=r"1e\+09 weights are more than the 1e\+09 that fit"):
            check_sizes((2, 250_000_001, 2), MOONS, "cross_entropy")

    def test_targets_in_the_form_that_a_loss_wants(self) -> None:
        y = np.array([0, 2, 1])
        for loss in ("cross_entropy", "hinge"):
            assert targets(y, loss, 3, np.float32) is y
            assert targets(y, loss, 1, np.float32) is y
        for loss in ("mse", "half_squared_error", "binary_cross_entropy_with_logits"):
            many, one = targets(y, loss, 3, np.float32), targets(y, loss, 1, np.float32)
            np.testing.assert_array_equal(many, [[1, 0, 0], [0, 0, 1], [0, 1, 0]])
            np.testing.assert_array_equal(one, [[0], [2], [1]])
            assert many.dtype == one.dtype == np.float32

    def test_accuracy_is_of_the_largest_output_or_the_only_ones_sign(self) -> None:
        y = np.array([0, 1, 1, 0])
        assert accuracy(np.array([[2.0, 1.0], [0.0, 1.0], [3.0, 1.0], [1.0, 1.0]]), y) == 0.75
        assert accuracy(np.array([[-1.0], [1e-9], [0.0], [0.0]]), y) == 0.75
        assert math.isnan(accuracy(np.zeros((0, 2)), y[:0]))

    @pytest.mark.parametrize("samples", [9, 10, 11, 30])
    def test_a_fifth_is_held_out_where_there_are_ten_samples(self, samples: int) -> None:
        """With fewer the accuracy is of what was trained on."""
        data = Dataset("few", X[:samples], np.arange(samples) % 2, ("a", "b"))
        settings = Settings("few", samples, 2, (2, 3, 2), "tanh", "cross_entropy", 0.1, 1, 8, 0, "float64")
        (result,) = diagnosis.compare_starts(data, settings, ["he"])[1]
        trained_on = samples if samples < 10 else samples - round(0.2 * samples)
        assert result.before.samples == result.after.samples == trained_on
        of = samples if samples < 10 else samples - trained_on
        assert result.accuracy * of == pytest.approx(round(result.accuracy * of))

    def test_reports_are_of_at_most_512_samples(self) -> None:
        data = load("moons", rng=0)
        rows = np.arange(1000) % 400
        many = dataclasses.replace(data, x=data.x[rows], y=data.y[rows])
        settings = Settings("many", 1000, 2, (2, 3, 2), "tanh", "cross_entropy", 0.1, 1, 800, 0, "float32")
        (result,) = diagnosis.compare_starts(many, settings, ["he"])[1]
        assert result.before.samples == result.after.samples == 512
        assert not result.before.trained and result.after.trained


def scores(*losses: float, accuracy: float = math.nan, samples: int = 100) -> Score:
    return Score(np.array(losses), accuracy, samples)


class TestScores:
    def test_better_is_by_a_share_and_beyond_chance(self) -> None:
        assert BETTER == 0.05
        was = scores(*np.linspace(0.6, 1.4, 16))
        assert scores(*0.949 * was.losses).better_than(was, 0.05)
        assert not scores(*0.951 * was.losses).better_than(was, 0.05)
        doubtful = scores(*was.losses[::-1] * 0.9)
        assert doubtful.loss < 0.95 * was.loss and not doubtful.better_than(was, 0.05), "by chance alone"

    def test_right_classes_decide_before_the_loss(self) -> None:
        was = scores(*[1.0] * 16, accuracy=0.5)
        fewer, more = (scores(*[loss] * 16, accuracy=share) for loss, share in ((0.5, 0.4), (2.0, 0.62)))
        assert more.better_than(was, 0.05) and not fewer.better_than(was, 0.05)
        assert not scores(*[2.0] * 16, accuracy=0.58).better_than(was, 0.05), "one standard error and a half"
        assert min([was, fewer, more], key=lambda score: score.rank) is more

    def test_what_broke_down_is_the_worst(self) -> None:
        broken, was = scores(math.nan, accuracy=0.9), scores(1.0, accuracy=0.1)
        assert was.better_than(broken, 0.05) and not broken.better_than(was, 0.05)
        assert not broken.better_than(broken, 0.05) and was.rank < broken.rank

    def test_close_enough_for_fewer_changes(self) -> None:
        best = scores(1.0)
        assert close_to(scores(1.099), best) and not close_to(scores(1.101), best)
        best = scores(1.0, accuracy=0.5)
        assert close_to(scores(2.99, accuracy=0.451), best) and not close_to(scores(2.99, accuracy=0.449), best)
        assert not close_to(scores(3.01, accuracy=0.5), best)

    def test_who_always_says_the_most_frequent_class(self) -> None:
        y = np.repeat([0, 1], [60, 40])
        assert most_frequent(y) == pytest.approx(0.6 + 2 * math.sqrt(0.6 * 0.4 / 100))
        assert most_frequent(y.astype(float)) == math.inf

    def test_classes_are_the_largest_output_or_the_only_ones_sign(self) -> None:
        y = np.array([0, 1, 1, 0])
        assert right(np.array([[2.0, 1.0], [0.0, 1.0], [3.0, 1.0], [1.0, 1.0]]), y) == 0.75
        assert right(np.array([[-1.0], [1e-9], [0.0], [0.0]]), y) == 0.75
        assert right(np.array([[0.4], [0.6], [0.4], [0.0]]), y) == 0.75, "probabilities"
        assert math.isnan(right(np.zeros((4, 1)), np.array([0.3, 1.0, 2.0, 0.0])))


@pytest.mark.parametrize("samples", [30, 34, 35, 400])
def test_a_fifth_is_to_choose_by_and_a_fifth_to_compare(samples: int) -> None:
    ground = ground_of(X[:samples], Y[:samples], tgi.cross_entropy, 0)
    parts = [ground.train, ground.choose, ground.compare]
    fifth = samples // 5
    assert [len(x) for x, _ in parts] == [len(y) for _, y in parts] == [samples - 2 * fifth, fifth, fifth]
    together = np.concatenate([x for x, _ in parts])
    assert {tuple(row) for row in together.tolist()} == {tuple(row) for row in X[:samples].tolist()}


def test_of_few_samples_all_serve_for_all() -> None:
    ground = ground_of(X[:29], Y[:29], tgi.cross_entropy, 0)
    assert all(x.shape == (29, 2) for x, _ in (ground.train, ground.choose, ground.compare))


@pytest.mark.parametrize(("budget", "expected"), [(60.0, 700), (19.0, 1000), (1e-9, 100), (1e9, 1000)])
def test_a_budget_bounds_the_steps(budget: float, expected: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """What all trials together take in the time that there is: 6000 steps, and thirteen times the longest of them."""
    taken = {60.0: 60 / (6000 + 13 * 700), 19.0: 0.001}.get(budget, 0.01)
    monkeypatch.setattr(Rival, "seconds", lambda self: taken)
    ground = ground_of(X[:40], Y[:40], tgi.cross_entropy, 0)
    setup = Setup(network(), plain, 0.1, loss="cross_entropy", batch_size=8)
    search = Search(setup, ground, [1, 2], 1000, budget)
    assert search.steps == pytest.approx(expected, abs=1)
    assert [steps for steps, _ in search.stages] == [round(share * search.steps) for share in (0.1, 0.3, 1.0)]


class TestChanges:
    @pytest.mark.parametrize(
        ("spread", "mean", "expected"),
        [(1.0, 0.0, False), (0.29, 0.0, True), (0.31, 0.0, False), (2.9, 0.0, False), (3.1, 0.0, True),
         (1.0, 0.99, False), (1.0, 1.01, True), (1.0, -1.01, True)],
    )  # fmt: skip
    def test_numbers_are_scaled_where_they_are_far_from_one(self, spread: float, mean: float, expected: bool) -> None:
        values = np.array([[-1.0, -1.0], [1.0, 1.0]]) * spread + mean
        assert unscaled(values) == expected
        values[:, 0] = 7.0
        assert unscaled(values) == expected, "what never changes does not count"

    def test_one_wide_column_is_enough(self) -> None:
        assert unscaled(np.array([[-1.0, -1.0, -3.1], [1.0, 1.0, 3.1]]))
        assert not unscaled(np.array([[-1.0, -1.0, -2.9], [1.0, 1.0, 2.9]]))

    def test_what_is_tried_together(self) -> None:
        model = network(2, 6, 6, 2)
        given = Setup(model, plain, 0.1, loss="cross_entropy", batch_size=8)
        before = diagnosis.diagnose(model, X, Y)
        found = [[str(change.what) for change in changes] for changes in together(given, before, X, Y)]
        assert found[0] == [] and found[-1] == ["clipping: norm 1"]
        firsts = [changes[0] for changes in found[1:]]
        assert firsts[:3] == ["start: xavier", "start: orthogonal", "start: lsuv"]
        assert [" ".join(changes) for changes in found if changes and changes[0].startswith("activation")] == [
            "activation: relu start: he", "activation: leaky_relu start: he", "activation: gelu start: critical",
            "activation: relu start: he normalization: batch",
        ]  # fmt: skip
        wide = [[str(change.what) for change in changes] for changes in together(given, before, X * 100, Y)]
        assert wide[0] == [] and all(changes[0] == "inputs: scaled" for changes in wide[1:]), wide[1]


class TestRedesign:
    def test_chains_in_chains_are_one(self) -> None:
        inner = nn.Sequential(nn.Tanh(), nn.Linear(3, 3))
        chain = modules_of(nn.Sequential(nn.Linear(2, 3), inner, nn.Sequential()))
        assert [type(module).__name__ for module in chain or []] == ["Linear", "Tanh", "Linear"]
        assert modules_of(nn.Linear(2, 2)) is None and modules_of(nn.Sequential()) == []

    def test_normalization_comes_between_a_map_and_its_activation(self) -> None:
        model = nn.Sequential(nn.Conv1d(1, 4, 2), nn.ReLU(), nn.Flatten(), nn.Linear(8, 3), nn.Tanh(), nn.Linear(3, 2))
        found: Any = normalized(model)
        kinds = [type(module).__name__ for module in found]
        assert kinds == ["Conv1d", "BatchNorm", "ReLU", "Flatten", "Linear", "BatchNorm", "Tanh", "Linear"]
        assert (found[1].num_features, found[5].num_features) == (4, 3)
        assert normalized(nn.Sequential(nn.Linear(2, 2))) is None
        assert normalized(nn.Sequential(nn.Linear(2, 2), nn.BatchNorm(2), nn.Tanh())) is None
        double: Any = normalized(network(dtype="float64"))
        assert {p.dtype for p in double.parameters()} == {np.dtype("float64")}

    def test_connections_go_around_what_keeps_the_shape_but_for_the_end(self) -> None:
        model = nn.Sequential(
            nn.Flatten(), nn.Linear(4, 3), nn.Tanh(), nn.Linear(3, 3), nn.Tanh(), nn.Dropout(0.5), nn.Linear(3, 3)
        )
        found: Any = residual(model, np.zeros((2, 2, 2)))
        assert [type(module).__name__ for module in found] == ["Flatten", "Linear", "Tanh", "Residual", "Linear"]
        assert [type(module).__name__ for module in found[3].branch] == ["Linear", "Tanh", "Dropout"]
        x = RNG.normal(size=(3, 2, 2)).astype(np.float32)
        parts = list(model.eval())
        inside = parts[2](parts[1](parts[0](tgi.tensor(x))))
        expected = parts[6](inside + parts[4](parts[3](inside)))
        np.testing.assert_array_equal(found.eval()(tgi.tensor(x)).numpy(), expected.numpy())
        assert residual(nn.Sequential(nn.Linear(2, 2)), np.zeros((2, 2))) is None
        assert residual(nn.Sequential(nn.Tanh()), np.zeros((2, 2))) is None

    def test_another_activation_is_another(self) -> None:
        model = nn.Sequential(nn.Linear(2, 2), nn.Tanh(), nn.Linear(2, 2), nn.Sigmoid())
        found: Any = activated(model, "relu")
        assert [getattr(module, "name", "") for module in found] == ["", "relu", "", "sigmoid"], "the output's stays"
        assert activated(model, "tanh") is None
        assert activated(nn.Sequential(nn.Linear(2, 2), nn.Tanh()), "tanh") is None
        assert activated(nn.Linear(2, 2), "tanh") is None
        assert [getattr(module, "name", "") for module in model] == ["", "tanh", "", "sigmoid"]


class TestRecommendations:
    @pytest.mark.parametrize("wrong", [{"steps": 0}, {"batch_size": 0}, {"steps": 100_001}, {"budget": 0.0}])
    def test_at_least_one_step_of_one_sample(self, wrong: dict[str, Any]) -> None:
        with pytest.raises(ValueError, match="1 to 100000 steps, at least 1 sample a batch and a positive budget"):
            recommend(network(), X, Y, **wrong)
        assert recommend(network(), X[:10], Y[:10], steps=1, batch_size=1).steps == 1

    def test_trials_are_told_as_they_are_made(self) -> None:
        told: list[str] = []
        found = recommend(network(), X[:60], Y[:60], steps=4, on_trial=lambda change: told.append(str(change)))
        assert len(told) > 10 and [trial.change for trial in found.trials] == told
