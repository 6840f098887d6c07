"""Numbers that a network and its task are held beside each other by, each against its formula."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_init as tgi
from tinygrad_init import nn, optim
from tinygrad_init.diagnosis import diagnose, run
from tinygrad_init.diagnosis.fronts import few_steps as module
from tinygrad_init.diagnosis.fronts.few_steps import few_steps
from tinygrad_init.diagnosis.measures.fit import class_shares, ending, explained, features, first_missing, is_linear
from tinygrad_init.rehearsal import Rehearsal

from ..strategies import seeds

RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 4))
Y = np.arange(40) % 3


def network(*end: nn.Module) -> Any:
    model = nn.Sequential(nn.Linear(4, 6, rng=0), nn.Tanh(), nn.Linear(6, 3, rng=1), *end)
    return run(model, X, Y, tgi.cross_entropy, np.float64)


class TestTheEnd:
    @pytest.mark.parametrize(
        ("end", "label", "low", "high", "cut"),
        [
            ((), "", -math.inf, math.inf, False),
            ((nn.Identity(),), "", -math.inf, math.inf, False),
            ((nn.Sigmoid(),), "sigmoid", 0.0, 1.0, False),
            ((nn.Tanh(),), "tanh", -1.0, 1.0, False),
            ((nn.Activation("hardtanh"),), "hardtanh", -1.0, 1.0, True),
            ((nn.ReLU(),), "relu", 0.0, math.inf, True),
            ((nn.Softplus(),), "softplus", 0.0, math.inf, False),
            ((nn.ELU(),), "elu", -1.0, math.inf, False),
            ((nn.Activation("softsign"),), "softsign", -1.0, 1.0, False),
            ((nn.LeakyReLU(),), "leaky_relu", -math.inf, math.inf, False),
            ((nn.ReLU(), nn.Identity()), "relu", 0.0, math.inf, True),  # which hides nothing
            ((nn.ReLU(), nn.Linear(3, 3, rng=2), nn.Identity()), "", -math.inf, math.inf, False),
            ((nn.Linear(3, 3, rng=2),), "", -math.inf, math.inf, False),
            ((nn.BatchNorm(3),), "", -math.inf, math.inf, False),
        ],
        ids=lambda value: value or "nothing" if isinstance(value, str) else "",
    )
    def test_what_the_output_goes_through_and_where_that_keeps_it(
        self, end: tuple[nn.Module, ...], label: str, low: float, high: float, cut: bool
    ) -> None:
        found = ending(network(*end))
        assert found[0] == label and found[3] == cut
        assert found[1:3] == pytest.approx((low, high), abs=1e-3)

    @pytest.mark.parametrize(
        ("function", "found"),
        [(tgi.softmax, ("softmax", 0.0, 1.0, False)), (tgi.log_softmax, ("log_softmax", -math.inf, 0.0, False))],
        ids=["softmax", "log_softmax"],
    )
    def test_probabilities_add_up_to_one(self, function: Any, found: tuple[Any, ...]) -> None:
        class Own(nn.Module):
            def forward(self, x: Any) -> Any:
                return function(x)

        assert ending(network(Own())) == found

    @pytest.mark.parametrize(
        ("modules", "linear"),
        [
            ([nn.Linear(4, 3)], True),
            ([nn.Linear(4, 5), nn.Linear(5, 3)], True),
            ([nn.Linear(4, 5), nn.Identity(), nn.Linear(5, 3)], True),
            ([nn.Linear(4, 3), nn.Tanh()], True),  # what comes after the last map is asked elsewhere
            ([nn.Linear(4, 5), nn.Tanh(), nn.Linear(5, 3)], False),
            ([nn.Linear(4, 5), nn.Linear(5, 5), nn.ReLU(), nn.Linear(5, 3)], False),
            ([nn.Tanh(), nn.Linear(4, 3)], False),
        ],
        ids=range(7),
    )
    def test_a_network_is_linear_without_an_activation_before_its_last_map(
        self, modules: list[nn.Module], linear: bool
    ) -> None:
        assert is_linear(run(nn.Sequential(*modules), X, Y, tgi.cross_entropy)) == linear


class TestWhatALinearMapExplains:
    @given(seed=seeds, share=st.floats(0.1, 0.9))
    def test_of_one_feature_it_is_the_squared_correlation_adjusted(self, seed: int, share: float) -> None:
        rng = np.random.default_rng(seed)
        x = rng.normal(3, 5, size=(30, 1))
        y = share * x[:, 0] + rng.normal(size=30)
        squared = np.corrcoef(x[:, 0], y)[0, 1] ** 2
        assert explained(x, y, (1,)) == pytest.approx(1 - (1 - squared) * 29 / 28, rel=1e-9, abs=1e-12)
        assert explained(1e6 * x + 1, -y, (1,)) == pytest.approx(explained(x, y, (1,)), rel=1e-6, abs=1e-9)

    def test_all_of_what_is_linear_and_nothing_of_noise(self) -> None:
        x = RNG.normal(size=(400, 5))
        assert explained(x, x @ RNG.normal(size=(5, 2)) + 7, (2,)) == pytest.approx(1.0)
        found = [explained(x, RNG.normal(size=400), (1,)) for _ in range(20)]
        assert abs(np.mean(found)) < 0.01, "without a share for the number of features"

    def test_classes_are_as_many_columns(self) -> None:
        x = RNG.normal(size=(60, 2))
        y = (x[:, 0] > 0).astype(int) + (x[:, 1] > 0)
        assert explained(x, y, (3,)) == pytest.approx(explained(x, np.eye(3)[y], (3,)))
        assert explained(x, y, (1,)) != pytest.approx(explained(x, y, (3,))), "numbers, where there is one output"
        assert explained(x, y * 1.0, (3,)) == pytest.approx(explained(x, y, (1,)))

    @pytest.mark.parametrize(("samples", "known"), [(9, False), (10, True)])
    def test_with_too_few_samples_nobody_knows(self, samples: int, known: bool) -> None:
        """At least half of them are to be left over by the features and the constant."""
        x, y = RNG.normal(size=(samples, 4)), RNG.normal(size=samples)
        assert math.isfinite(explained(x, y, (1,))) == known

    def test_nor_of_what_is_no_table_of_numbers(self) -> None:
        assert math.isnan(explained(X.reshape(40, 2, 2), Y, (3,))) and math.isnan(explained(X, np.ones(40), (1,)))
        broken = X.copy()
        broken[3, 1] = np.nan
        assert math.isnan(explained(broken, Y, (3,))) and math.isnan(explained(X, broken[:, 1], (1,)))
        still = np.column_stack([X, np.ones(40)])
        assert math.isfinite(explained(still, Y, (3,))), "a feature that never changes explains nothing"


class TestFeatures:
    def test_the_smallest_the_median_and_the_largest_spread(self) -> None:
        """Of features that move; of an even number the lower one in the middle."""
        around = np.array([-1.0, 1.0])[:, None]
        scales, widest, (off, farthest) = features(around * [3.0, 1.0, 0.0, 9.0, 2.0] + [3.0, 5.0, 99.0, 9.0, -4.0])
        assert scales == (1.0, 2.0, 9.0) and widest == 3 and (off, farthest) == (5.0, 1)

    def test_a_spread_that_is_rounding_is_none(self) -> None:
        x = np.array([[1e6, 0.0], [1e6, 1.0]])
        x[1, 0] += 1e-7
        assert features(x)[0] == (0.5, 0.5, 0.5) and features(x)[2] == (1.0, 1)
        assert features(np.ones((3, 2))) == ((), None, (0.0, None)) == features(np.ones((1, 2)))

    def test_the_first_number_that_is_missing(self) -> None:
        x = np.zeros((3, 2, 2))
        x[1, 1, 0] = x[2, 0, 0] = np.inf
        assert first_missing(x) == (1, 2) and first_missing(x[:1]) is None and first_missing(Y) is None
        assert first_missing(np.array([0.0, np.nan])) == (1, 0) and first_missing(np.zeros((0, 2))) is None

    @pytest.mark.parametrize("samples", [9, 10])
    def test_of_fewer_than_ten_samples_no_shares_are_told(self, samples: int) -> None:
        assert len(class_shares("cross_entropy", np.arange(samples) % 2)) == (2 if samples == 10 else 0)


class TestFewSteps:
    def told(self, monkeypatch: pytest.MonkeyPatch, loss: Any, **options: Any) -> Any:
        """Ahead of a training whose losses are told by a function of the step, at guessing costs 1."""
        monkeypatch.setattr(Rehearsal, "step", lambda self: self.losses.append(loss(len(self.losses))) or 0.0)
        model = nn.MLP((4, 3), rng=0)
        return few_steps(model, X, Y, tgi.cross_entropy, options.pop("rule", 0.1), 1.0, **options)

    @pytest.mark.parametrize(("last", "searched"), [(0.49, False), (0.51, True), (1.0, True)])
    def test_where_the_loss_has_not_fallen_by_half_other_rates_are_tried(
        self, last: float, searched: bool, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        found = self.told(monkeypatch, lambda step: 1.0 if step < 100 else last)
        steps = 240 if searched else 120  # twice as many where those have not decided
        assert (found.steps, found.first, found.last) == (steps, 1.0, pytest.approx(last))
        assert math.isfinite(found.better) == searched

    def test_the_last_twenty_losses_count(self, monkeypatch: pytest.MonkeyPatch) -> None:
        found = self.told(monkeypatch, lambda step: 100.0 - step)
        assert found.last == np.mean(100.0 - np.arange(100, 120))
        assert self.told(monkeypatch, lambda step: 1.0 if step < 119 else math.nan).last == math.inf
        assert self.told(monkeypatch, lambda step: 1.0 if step < 50 else math.inf).last == math.inf

    @pytest.mark.parametrize(
        ("share", "steps"), [(1.01, 118), (1.99, 60), (3.99, 30), (1000.0, 25), (0.8, 150), (0.4, 240), (0.1, 240)]
    )
    def test_large_networks_take_fewer_steps_and_try_no_rates(
        self, share: float, steps: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """By multiplications: forward, and twice as many back, for each of 40 samples."""
        work = share * 2e10 / (3 * 40 * 120)
        found = self.told(monkeypatch, lambda step: 1.0, work=work)
        assert found.steps == steps and math.isfinite(found.better) == (steps >= 120)

    def test_of_one_sample_nothing_is_learned_that_others_have(self) -> None:
        model = nn.MLP((4, 3), rng=0)
        assert few_steps(model, X[:1], Y[:1], tgi.cross_entropy, 0.1, 1.0) is None
        assert few_steps(model, X[:2], Y[:2], tgi.cross_entropy, 0.1, 1.0) is not None

    @pytest.mark.parametrize("decay", [0.0, 0.9])
    def test_without_weight_decay_it_is_tried_where_there_is_some(self, decay: float) -> None:
        model = nn.MLP((4, 8, 3), "tanh", rng=0)
        noise = RNG.integers(0, 3, 40)
        found = few_steps(
            model, X, noise, tgi.cross_entropy, lambda ps: optim.SGD(ps, 0.5, weight_decay=decay), math.log(3)
        )
        assert found is not None and math.isfinite(found.without_decay) == (decay > 0)
        if decay:
            free = Rehearsal(model, X, noise, tgi.cross_entropy, lambda ps: optim.SGD(ps, 0.5), batch_size=40)
            free.advance(60)
            assert found.without_decay == pytest.approx(np.mean(free.losses[-20:]), rel=1e-4)

    def test_what_is_kept_is_what_the_search_suggests(self, monkeypatch: pytest.MonkeyPatch) -> None:
        found = self.told(monkeypatch, lambda step: 1.0)
        assert found.tried == 60 and found.better_last == 1.0 and found.lr == 0.1
        assert found.rule == "SGD, lr 0.1" and module.STEPS == 120


def test_a_report_holds_what_is_measured() -> None:
    y = 3 + 2 * X[:, :1]
    found = diagnose(nn.MLP((4, 1), rng=0), X, y, "mse").fit
    assert found is not None and found.linear and found.linear_share == pytest.approx(1.0)
    assert (found.target_low, found.target_high) == (y.min(), y.max()) and found.outputs == 1
    assert (found.target_mean, found.target_std) == pytest.approx((y.mean(), y.std()))
    deep = diagnose(nn.MLP((4, 5, 3), "tanh", rng=0), X, Y).fit
    assert deep is not None and not deep.linear and math.isnan(deep.linear_share) and math.isnan(deep.target_low)
    assert deep.outputs == 3 and deep.class_shares == pytest.approx((14 / 40, 13 / 40, 13 / 40))
