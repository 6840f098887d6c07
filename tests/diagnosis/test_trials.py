"""What is tried and compared, and by which rules: sizes, targets, benches, proposals."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
import pytest

import tinygrad_init as tgi
from tinygrad_init import diagnosis, nn
from tinygrad_init.data import Dataset, load
from tinygrad_init.diagnosis import Settings, recommend
from tinygrad_init.diagnosis.records import BETTER
from tinygrad_init.diagnosis.trials import recommendation
from tinygrad_init.diagnosis.trials.comparison import accuracy, check_sizes, default_sizes, targets
from tinygrad_init.diagnosis.trials.recommendation import Bench, Setup, better
from tinygrad_init.diagnosis.trials.redesign import activated, modules_of, normalized, residual

MOONS = load("moons", rng=0)
X, Y = MOONS.x, MOONS.y
RNG = np.random.default_rng(0)


def network(*sizes: int, activation: str = "tanh", dtype: Any = "float64") -> nn.MLP:
    model = nn.MLP(sizes or (2, 6, 6, 2), activation, rng=0, dtype=dtype)
    tgi.initialize(model, "xavier", 0)
    return model


class TestComparisons:
    def test_the_usual_network(self) -> None:
        many = Dataset("many", np.zeros((4, 7)), np.arange(4) % 3, ("a", "b", "c"))
        assert default_sizes(many, "cross_entropy") == default_sizes(many, "binary_cross_entropy") == (7, 64, 64, 64, 3)
        assert default_sizes(MOONS, "cross_entropy") == (2, 64, 64, 64, 2)
        assert default_sizes(MOONS, "binary_cross_entropy") == (2, 64, 64, 64, 1)

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
        for loss in ("mse", "half_squared_error", "binary_cross_entropy"):
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


class TestBenches:
    @pytest.mark.parametrize(("samples", "held"), [(10, 2), (14, 2), (15, 3), (400, 80)])
    def test_a_fifth_is_held_out_but_two_at_least(self, samples: int, held: int) -> None:
        bench = Bench.over(X[:samples], Y[:samples], tgi.cross_entropy, 5, 4, np.random.default_rng(0))
        assert (len(bench.held_x), len(bench.x)) == (held, samples - held)
        together = np.concatenate([bench.held_x, bench.x])
        assert {tuple(row) for row in together.tolist()} == {tuple(row) for row in X[:samples].tolist()}
        assert len(bench.held_y) == held and len(bench.y) == samples - held
        assert bench.seeds[0] != bench.seeds[1]

    def test_the_probe_is_of_512_samples(self) -> None:
        rows = np.arange(1000) % 400
        bench = Bench.over(X[rows], Y[rows], tgi.cross_entropy, 5, 4, np.random.default_rng(0))
        x, y = bench.probe
        assert len(x) == len(y) == 512
        np.testing.assert_array_equal(x, bench.x[:512])

    @pytest.mark.parametrize(("steps", "size"), [(1, 4), (7, 4), (40, 64), (3, 1000)])
    def test_a_trial_is_so_many_steps_of_so_many_samples(
        self, steps: int, size: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        seen: dict[str, Any] = {}
        bench = Bench.over(X, Y, tgi.cross_entropy, steps, size, np.random.default_rng(0))
        train = recommendation.train

        def watched(model: Any, x: Any, y: Any, loss: Any, optimizer: Any, **options: Any) -> Any:
            seen.update(options, samples=len(x), training=model.training, lr=optimizer(list(model.parameters())).lr)
            return train(model, x, y, loss, optimizer, **options)

        monkeypatch.setattr(recommendation, "train", watched)
        model = network()
        assert math.isfinite(bench.loss_after(Setup(model, 0.25, 2.0)))
        own = min(size, 320)
        assert seen == {
            "samples": steps * own, "batch_size": own, "epochs": 1, "clip": 2.0, "rng": 0, "training": True, "lr": 0.25,
        }  # fmt: skip

    def test_a_setup_is_tried_once(self, monkeypatch: pytest.MonkeyPatch) -> None:
        bench = Bench.over(X, Y, tgi.cross_entropy, 3, 8, np.random.default_rng(0))
        calls = []
        monkeypatch.setattr(Bench, "_loss_after", lambda self, setup: float(calls.append(setup) or len(calls)))
        model, other = network(), network()
        same = [bench.loss_after(Setup(model, 0.1)) for _ in range(3)]
        assert same == [1.0, 1.0, 1.0]
        assert bench.loss_after(Setup(model, 0.2)) == 2.0 and bench.loss_after(Setup(model, 0.1, 1.0)) == 3.0
        assert bench.loss_after(Setup(other, 0.1)) == 4.0 and bench.loss_after(Setup(model, 0.1)) == 1.0


def test_better_is_by_a_twentieth() -> None:
    assert BETTER == 0.05
    assert better(0.949, 1.0) and not better(0.951, 1.0)
    assert better(-1.051, -1.0) and not better(-1.049, -1.0)
    assert better(5.0, math.nan) and better(5.0, math.inf)
    assert not better(math.nan, 5.0) and not better(math.nan, math.nan) and not better(math.inf, math.inf)


class TestProposals:
    def proposed(self, kind: Any, best: Setup, losses: dict[float, float] | None = None, word: str = "dead") -> Any:
        bench: Any = Bench.over(X, Y, tgi.cross_entropy, 3, 8, np.random.default_rng(0))
        if losses is not None:
            bench = dataclasses.replace(bench)
            object.__setattr__(bench, "loss_after", lambda setup: losses.get(round(setup.lr, 9), 9.0))
        before = diagnosis.diagnose(best.model, X, Y)
        healthy: Any = type("Before", (), {"verdict": type("V", (), {"word": word}), "lr": before.lr})
        return [(change, setup) for change, setup in kind(best, healthy, bench, 1.0)]

    @pytest.mark.parametrize(
        ("losses", "found"),
        [
            ({0.9: 0.9, 2.7: 0.8, 8.1: 0.7, 24.3: 0.6, 72.9: 0.5}, 24.3),  # four steps at most
            ({0.9: 0.9, 2.7: 0.8, 8.1: 0.79}, 2.7),  # which each must be better by enough
            ({0.9: 1.0, 0.1: 0.9, 0.033333333: 0.95}, 0.1),
            ({0.9: 1.0, 0.1: 0.99}, 0.9),  # neither helps: the larger one is proposed all the same
            ({0.9: 0.9, 0.1: 0.1}, 0.9),  # larger ones come first
        ],
    )
    def test_rates_as_long_as_that_helps(self, losses: dict[float, float], found: float) -> None:
        best = Setup(network(), 0.3)
        ((change, setup),) = self.proposed(recommendation.rates, best, losses)
        assert setup.lr == pytest.approx(found) and change.numbers["lr"] == setup.lr
        assert setup.model is best.model and setup.clip is None

    def test_clipping_where_there_is_none(self) -> None:
        ((change, setup),) = self.proposed(recommendation.clipping, Setup(network(), 0.3))
        assert setup.clip == 1.0 == change.numbers["norm"] and setup.lr == 0.3
        assert self.proposed(recommendation.clipping, Setup(network(), 0.3, 5.0)) == []

    def test_starts_from_the_same_numbers(self) -> None:
        best = Setup(network(2, 6, 6, 2, dtype="float32"), 0.3)
        found = self.proposed(recommendation.starts, best)
        names = [change.numbers["name"] for change, _ in found]
        assert names == ["he", "xavier", "lecun", "orthogonal", "critical", "lsuv"]
        weights = {name: setup.model.linears()[1].weight.numpy() for name, (_, setup) in zip(names, found, strict=True)}
        np.testing.assert_allclose(weights["he"], weights["lecun"] * math.sqrt(2), rtol=1e-6)
        again = self.proposed(recommendation.starts, best)
        for (_, one), (_, two) in zip(found, again, strict=True):
            np.testing.assert_array_equal(one.model.linears()[1].weight.numpy(), two.model.linears()[1].weight.numpy())

    def test_other_activations_where_the_network_was_found_wanting(self) -> None:
        best = Setup(network(2, 6, 6, 2, activation="sigmoid"), 0.3)
        found = self.proposed(recommendation.activations, best)
        assert [change.numbers for change, _ in found] == [
            {"name": "relu", "start": "he"}, {"name": "tanh", "start": "xavier"},
        ]  # fmt: skip
        assert self.proposed(recommendation.activations, best, word="healthy") == []
        tanh = self.proposed(recommendation.activations, Setup(network(), 0.3))
        assert [change.numbers["name"] for change, _ in tanh] == ["relu"]

    def test_designs_where_there_is_room_for_them(self) -> None:
        best = Setup(network(), 0.3)
        ((_, normed),) = self.proposed(recommendation.normalization, best)
        ((_, connected),) = self.proposed(recommendation.connections, best)
        assert any(isinstance(module, nn.BatchNorm) for module in normed.model)
        assert any(isinstance(module, nn.Residual) for module in connected.model)
        assert self.proposed(recommendation.normalization, normed) == []
        assert self.proposed(recommendation.connections, Setup(network(2, 6, 2), 0.3)) == []


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
        found: Any = activated(model, "tanh")
        assert [getattr(module, "name", "") for module in found] == ["", "tanh", "", "tanh"]
        assert activated(nn.Sequential(nn.Linear(2, 2), nn.Tanh()), "tanh") is None
        assert activated(nn.Linear(2, 2), "tanh") is None
        assert [getattr(module, "name", "") for module in model] == ["", "tanh", "", "sigmoid"]


class TestRecommendations:
    @pytest.mark.parametrize("wrong", [{"steps": 0}, {"batch_size": 0}, {"steps": -1}])
    def test_at_least_one_step_of_one_sample(self, wrong: dict[str, int]) -> None:
        with pytest.raises(ValueError, match="at least 1 step and 1 sample a batch"):
            recommend(network(), X, Y, **wrong)  # type: ignore[arg-type]
        assert recommend(network(), X[:10], Y[:10], steps=1, batch_size=1).steps == 1

    def test_how_many_numbers_fit(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(recommendation, "MOST_NUMBERS", 3 * 10 * 2)
        assert recommend(network(), X[:10], Y[:10], steps=3, batch_size=50).steps == 3
        with pytest.raises(ValueError, match="4 steps of 10 samples are 80 numbers, more than the 60 that fit"):
            recommend(network(), X[:10], Y[:10], steps=4, batch_size=50)

    def test_what_is_left_out(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A hundred steps of 64 samples at a rate of 0.1, from seed 0."""
        seen: dict[str, Any] = {}
        monkeypatch.setattr(Bench, "loss_after", lambda self, setup: float("nan"))
        over = Bench.over

        def watched(x: Any, y: Any, loss: Any, steps: int, batch_size: int, rng: Any) -> Bench:
            seen.update(steps=steps, size=batch_size, state=rng.bit_generator.state["state"]["state"])
            return over(x, y, loss, steps, batch_size, rng)

        monkeypatch.setattr(Bench, "over", staticmethod(watched))
        found = recommend(network(), X, Y)
        zero = np.random.default_rng(0).bit_generator.state["state"]["state"]
        assert seen == {"steps": 100, "size": 64, "state": zero}
        assert found.setup.lr == 0.1 and found.setup.clip is None and found.trials and not found.changes

    def test_what_these_batches_do_not_allow_is_no_better(self) -> None:
        """Statistics of one sample: the trial has no loss, and the others go on."""
        found = recommend(network(), X[:40], Y[:40], steps=4, batch_size=1)
        (trial,) = [trial for trial in found.trials if "normalization" in trial.change]
        assert math.isnan(trial.after) and not trial.kept

    def test_trials_are_told_before_they_are_made(self, monkeypatch: pytest.MonkeyPatch) -> None:
        told: list[Any] = []
        after = Bench.loss_after
        monkeypatch.setattr(Bench, "loss_after", lambda self, setup: told.append(None) or after(self, setup))
        monkeypatch.setattr(recommendation, "RATES", ())  # whose search tries out by itself what it will propose
        monkeypatch.setattr(recommendation, "rates", lambda *known: iter(()))
        found = recommend(network(), X[:60], Y[:60], steps=4, on_trial=lambda change: told.append(str(change)))
        assert told == [None, *(part for trial in found.trials for part in (trial.change, None))]
