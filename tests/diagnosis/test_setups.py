"""Setups that rival: how they are trained, scored and chosen among."""

from __future__ import annotations

import copy
import math
from typing import Any

import numpy as np
import pytest

import tinygrad_init as tgi
from tinygrad_init import nn, optim
from tinygrad_init.data import StandardScaler
from tinygrad_init.diagnosis import Change, Setup, recommend
from tinygrad_init.diagnosis.trials import changes, recommendation, rivals
from tinygrad_init.diagnosis.trials.recommendation import Search, made
from tinygrad_init.diagnosis.trials.rivals import Ground, Rival, Score, mean, right
from tinygrad_init.diagnosis.trials.setup import rounded, scaled
from tinygrad_init.words import phrase

RNG = np.random.default_rng(0)
X = RNG.normal(5, 3, size=(40, 3))
Y = (X[:, 0] > 5).astype(int)
COLUMN = 100 + 10 * X[:, :1]


def plain(parameters: Any) -> optim.SGD:
    return optim.SGD(parameters, 1.0, momentum=0.5)


def network(outputs: int = 2, dtype: Any = "float32") -> nn.MLP:
    model = nn.MLP((3, 6, outputs), "tanh", rng=0, dtype=dtype)
    tgi.initialize(model, "xavier", 0)
    return model


def nothing(name: str = "nothing") -> Change:
    return Change(phrase("change.start", name=name), lambda setup, seed, x: setup)


def ground(loss: Any = tgi.cross_entropy, y: Any = Y) -> Ground:
    return Ground((X, y), (X, y), (X, y), loss)


class TestSetups:
    def test_numbers_go_in_and_out_as_they_were_given(self) -> None:
        of_x, of_y = StandardScaler().fit(X), StandardScaler().fit(COLUMN)
        setup = Setup(network(1), plain, 0.1, x_scaler=of_x, y_scaler=of_y, loss="mse")
        np.testing.assert_allclose(setup.inputs(X), of_x.transform(X), rtol=1e-6)
        assert setup.inputs(X).dtype == np.float32 and setup.inputs(X.astype(np.float32)).dtype == np.float32
        np.testing.assert_allclose(setup.targets(COLUMN), of_y.transform(COLUMN))
        output = tgi.predict(setup.model, setup.inputs(X))
        np.testing.assert_allclose(setup.predict(X), of_y.inverse(output), rtol=1e-6)
        bare = Setup(network(1), plain, 0.1, loss="mse")
        np.testing.assert_array_equal(bare.predict(X), tgi.predict(bare.model, X.astype(np.float32)))
        assert bare.targets(Y).dtype.kind == "i" and bare.inputs(np.arange(6).reshape(2, 3)).dtype.kind == "i"

    def test_images_are_scaled_as_a_whole(self) -> None:
        images = RNG.normal(5, 3, size=(4, 1, 2, 3))
        whole = scaled(StandardScaler().fit(images.reshape(-1, 1)), images)
        np.testing.assert_allclose(whole, (images - images.mean()) / images.std())
        assert scaled(None, images) is images
        np.testing.assert_allclose(scaled(StandardScaler().fit(images.reshape(-1, 1)), whole, back=True), images)

    def test_predictions_are_those_of_a_network_that_is_used(self) -> None:
        model = nn.Sequential(nn.Linear(3, 8, rng=0), nn.Dropout(0.5, rng=0), nn.Linear(8, 2, rng=1))
        setup = Setup(model, plain, 0.1)
        np.testing.assert_array_equal(setup.predict(X), setup.predict(X))
        setup.train(X, Y, epochs=1)
        assert model.training

    @pytest.mark.parametrize("clip", [None, 0.01])
    @pytest.mark.parametrize("validation", [None, 0.25, (X[:7], COLUMN[:9])])
    def test_training_is_that_of_scaled_numbers(self, validation: Any, clip: float | None) -> None:
        of_x, of_y = StandardScaler().fit(X), StandardScaler().fit(COLUMN)
        ours, theirs = network(1), network(1)
        setup = Setup(ours, plain, 0.1, clip, of_x, of_y, "mse", 8)
        held: Any = validation
        if isinstance(validation, tuple):
            validation = X[:7], COLUMN[:7]
            held = of_x.transform(X[:7]), of_y.transform(COLUMN[:7])
        found = setup.train(X, COLUMN, epochs=3, rng=0, validation=validation)
        expected = tgi.train(
            theirs, of_x.transform(X), of_y.transform(COLUMN), "mse", lambda ps: optim.SGD(ps, 0.1, momentum=0.5),
            epochs=3, batch_size=8, clip=clip, rng=0, validation=held,
        )  # fmt: skip
        np.testing.assert_allclose(found, expected, rtol=1e-6)
        np.testing.assert_allclose(found.validation, expected.validation, rtol=1e-6)
        assert len(Setup(network(), plain, 0.1).train(X, Y)) == 10

    def test_changes_are_kept_in_order_with_the_seed(self) -> None:
        setup = Setup(network(), plain, 0.1)
        one, two = nothing("one"), changes.rate(0.5)
        found = setup.changed(one, 3, X).changed(two, 4, X)
        assert found.changes == (one, two) and found.seed == 4 and found.lr == 0.5 and setup.changes == ()
        made_again = made(setup, (one, two), 5, X)
        assert made_again.changes == (one, two) and made_again.seed == 5
        assert made_again.model is not setup.model

    def test_the_code_has_the_options_and_only_what_is_not_usual(self) -> None:
        code = Setup(network(), plain, 0.1 + 0.2, 1.0, loss="mse", batch_size=16).code()
        assert code.splitlines() == [
            "import tinygrad_init as tgi",
            "optimizer = lambda parameters: tgi.optim.SGD(parameters, lr=0.3, momentum=0.5)",
            "tgi.train(model, x, y, 'mse', optimizer, epochs=10, batch_size=16, clip=1)",
        ]
        own = Setup(network(), plain, 0.1, loss=lambda a, b: tgi.mse(a, b)).code()
        assert own.splitlines()[-1] == "tgi.train(model, x, y, loss, optimizer, epochs=10, batch_size=64)"
        assert rounded({"a": 0.1234567891, "b": True, "c": 3}) == {"a": 0.123457, "b": True, "c": 3}
        assert str(Setup(network(), plain, 0.25)) == "SGD, lr 0.25, momentum 0.5"


class TestScores:
    def test_a_loss_is_the_mean_of_parts(self) -> None:
        logits = RNG.normal(size=(40, 2))
        setup = Setup(network(), plain, 0.1)
        found = ground().score(setup, logits, (X, Y))
        expected = [tgi.cross_entropy(tgi.tensor(logits[p]), Y[p]).item() for p in np.array_split(np.arange(40), 16)]
        np.testing.assert_allclose(found.losses, expected)
        assert (found.loss, found.samples) == (pytest.approx(np.mean(expected)), 40)
        assert found.accuracy == np.mean(logits.argmax(1) == Y)
        assert len(ground().score(setup, logits[:5], (X[:5], Y[:5])).losses) == 5, "as many as there are samples"
        logits[7, 0] = np.nan
        broken = ground().score(setup, logits, (X, Y))
        assert np.isnan(broken.losses).all() and len(broken.losses) == 16 and broken.rank[0] is True

    def test_losses_are_in_the_units_of_the_targets(self) -> None:
        of_y = StandardScaler().fit(COLUMN)
        setup = Setup(network(1), plain, 0.1, y_scaler=of_y, loss="mse")
        found = ground(tgi.mse, COLUMN).score(setup, np.zeros((40, 1)), (X, COLUMN))
        assert found.loss == pytest.approx(np.mean([np.mean((p - COLUMN.mean()) ** 2) for p in
                                                    np.array_split(COLUMN, 16)]), rel=1e-5)  # fmt: skip
        assert math.isnan(found.accuracy)
        for kind in ("float32", "float64"):  # targets come in the dtype of what is predicted, as in training
            bare = Setup(network(1, kind), plain, 0.1, loss="mse")
            found = ground(tgi.mse, COLUMN).score(bare, np.zeros((40, 1), kind), (X, COLUMN))
            assert found.loss == pytest.approx(np.mean([np.mean(p**2) for p in np.array_split(COLUMN, 16)]), rel=1e-5)

    def test_over_several_seeds(self) -> None:
        found = mean([Score(np.array([1.0, 3.0]), 0.5, 9), Score(np.array([3.0, 4.0]), 1.0, 9)])
        assert found.losses.tolist() == [2.0, 3.5] and (found.accuracy, found.samples) == (0.75, 9)

    def test_right_classes_go_before_a_lower_loss_and_what_broke_down_comes_last(self) -> None:
        few, many, broken = (Score(np.array([loss]), a, 9) for loss, a in ((0.1, 0.4), (9.0, 0.6), (math.nan, 0.9)))
        assert sorted([broken, few, many], key=lambda score: score.rank) == [many, few, broken]
        low, high = Score(np.array([1.0]), math.nan, 9), Score(np.array([2.0]), math.nan, 9)
        assert low.rank < high.rank

    def test_of_equal_accuracy_a_lower_loss_is_better_and_of_a_single_part_no_chance_is_asked(self) -> None:
        was = Score(np.array([1.0]), 0.5, 100)
        assert Score(np.array([0.9]), 0.5, 100).better_than(was, 0.05)
        assert not Score(np.array([0.9]), 0.49, 100).better_than(was, 0.05)
        assert not Score(np.array([0.96]), 0.5, 100).better_than(was, 0.05)
        # From no right class at all one is more than chance has it, by the error of one in a hundred.
        none = Score(np.array([1.0]), 0.0, 100)
        assert Score(np.array([1.0]), 0.021, 100).better_than(none, 0.05)
        assert not Score(np.array([1.0]), 0.019, 100).better_than(none, 0.05)

    @pytest.mark.parametrize(
        ("output", "y", "share"),
        [
            ([[0.4, 0.6], [0.6, 0.4]], [1, 1], 0.5),
            ([[-0.1], [0.1]], [0, 1], 1.0),  # logits
            ([[0.4], [0.6]], [0, 1], 1.0),  # probabilities
            ([[0.4], [1.6]], [0, 1], 0.5),  # no probabilities
            ([[-0.4], [0.6]], [[0.0], [1.0]], 1.0),
            ([[0.1], [0.4]], [False, True], 0.5),
            ([[0.2], [2.0]], [0.5, 1.0], math.nan),
            ([[0.2, 1.0], [2.0, 1.0]], [[0, 1], [1, 0]], math.nan),
        ],
    )
    def test_the_share_of_classes_that_are_right(self, output: Any, y: Any, share: float) -> None:
        assert right(np.array(output), np.array(y)) == pytest.approx(share, nan_ok=True)


class TestRivals:
    def rival(self, **options: Any) -> Rival:
        return Rival.of(Setup(network(), plain, 0.1, batch_size=8, **options), ground(), 0)

    def test_what_a_step_takes_is_measured_and_leaves_it_where_it_began(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """With a clock that goes on by one with each step, one step takes one; the first does not count."""
        rival, steps = self.rival(), 0
        step = rival.run.step

        def counted() -> float:
            nonlocal steps
            steps += 1
            return step()

        rival.run.step = counted  # type: ignore[method-assign]
        monkeypatch.setattr(rivals.time, "perf_counter", lambda: float(steps))
        assert rival.seconds() == 1.0 and steps == 6 and rival.run.losses == []
        monkeypatch.setattr(rivals.time, "perf_counter", lambda: 0.0)
        assert rival.seconds() > 0

    def test_it_is_trained_until_so_many_steps_and_scored_once(self) -> None:
        rival = self.rival()
        first = rival.go_on(5, ground())
        assert len(rival.run.losses) == 5 and rival.go_on(5, ground()) is first is rival.last
        second = rival.go_on(12, ground())
        assert len(rival.run.losses) == 12 and rival.last is second and set(rival.scores) == {5, 12}
        expected = ground().score(rival.setup, tgi.predict(rival.run.model, X.astype(np.float32)), (X, Y))
        assert second.losses.tolist() == expected.losses.tolist()

    def test_its_rate_is_that_of_a_range_test_with_two_digits(self) -> None:
        rival = self.rival()
        rival.find_rate()
        assert rival.setup.lr == float(f"{rival.setup.lr:.2g}") == rival.run.optimizer.lr != 0.1
        assert rival.run.losses == [] and str(rival.setup.changes[-1].what).startswith("learning rate")

    def test_clipping_is_part_of_the_training(self) -> None:
        one, other = self.rival(), self.rival(clip=1e-6)
        for rival in (one, other):
            rival.go_on(5, ground())
        assert one.run.losses[0] == other.run.losses[0] and one.run.losses[-1] != other.run.losses[-1]


class Chooser(Search):
    """A search that is told all scores."""

    def __init__(self, given: Any, scores: dict[str, tuple[Any, Any]], guess: float = 1.0) -> None:
        self.given, self.told, self.guess = given, scores, guess
        self.ground = ground()

    def chosen_by(self, rival: Any) -> Score:
        return self.told[rival.name][0]

    def compared(self, rival: Any) -> Score:
        return self.told[rival.name][1]


class Named:
    """A rival that is nothing but a name, and so many changes."""

    def __init__(self, name: str, count: int) -> None:
        self.name, self.setup = name, Setup(network(), plain, 0.1, changes=(nothing(),) * count)


def score(loss: float, accuracy: float = math.nan) -> Score:
    return Score(np.full(16, loss), accuracy, 100)


class TestChoosing:
    def decided(self, guess: float = 1.0, **scores: tuple[Any, Any]) -> str:
        """Of "given" and others, which have as many changes as their names have letters."""
        names = {name: Named(name, len(name)) for name in scores}
        search = Chooser(names["given"], scores, guess)
        return search.decide([one for name, one in names.items() if name != "given"]).name  # type: ignore[list-item,attr-defined]

    def test_the_fewest_changes_of_those_that_are_about_as_good(self) -> None:
        was, low, close, far = score(1.0), score(0.5), score(0.54), score(0.56)
        assert self.decided(given=(was, was), abc=(low, low), a=(close, close)) == "a"
        assert self.decided(given=(was, was), abc=(low, low), a=(far, far)) == "abc"
        assert self.decided(given=(was, was), abc=(close, close), xyz=(low, low)) == "xyz", "of as many the best"

    def test_what_is_no_better_or_not_finite_is_not_taken(self) -> None:
        was = score(1.0)
        assert self.decided(given=(was, was), a=(score(0.96), score(0.96))) == "given"
        assert self.decided(given=(was, was), a=(score(0.94), score(0.94))) == "a"
        assert self.decided(given=(was, was), a=(score(math.nan), was)) == "given"
        assert self.decided(given=(was, was), ab=(score(math.nan), was), abc=(score(0.5), score(0.5))) == "abc"

    def test_what_is_worse_on_samples_that_chose_nothing_is_not_handed_back(self) -> None:
        was, low = score(1.0), score(0.5)
        assert self.decided(given=(was, score(0.8)), a=(low, score(0.9))) == "given"
        assert self.decided(given=(was, score(0.9)), a=(low, score(0.8))) == "a"

    def test_what_has_learned_nothing_is_not_handed_back(self) -> None:
        was, low = score(1.0), score(0.5)
        for guess, expected in ((0.509, "given"), (0.512, "a")):  # better than guessing by a fiftieth
            assert self.decided(guess, given=(was, was), a=(low, low)) == expected

    def test_it_has_learned_if_it_is_right_more_often_than_who_always_says_the_same(self) -> None:
        search = Chooser(Named("given", 0), {}, guess=0.5)
        often = recommendation.most_frequent(Y)
        assert search.learns(score(9.0, often + 1e-6)) and not search.learns(score(9.0, often))
        assert search.learns(score(0.1, 0.0)) and not search.learns(score(math.nan))

    def test_what_a_model_does_not_allow_is_passed_over_and_the_rest_is_tried(self) -> None:
        def refuse(setup: Setup, seed: int, x: Any) -> Setup:
            raise ValueError("not for this model")

        search = Search(Setup(network(), plain, 0.1, batch_size=8), ground(), [1, 2], 10, 60.0)
        left = search.best([(Change(phrase("change.start", name="none"), refuse),), (nothing(),), (nothing("b"),)])
        assert len(search.rivals) == len(left) == 2
        assert [max(rival.scores) for rival in left] == [10, 10] and left[0].last.rank <= left[1].last.rank
        assert search.again(left[0]) is search.again(left[0]) and len(search.again(left[0])) == 2
        one, other = search.again(left[0])
        assert one is left[0] and set(other.scores) == {10}

    def test_all_meet_the_same_batches_and_the_loss_of_guessing(self) -> None:
        for loss, y, outputs, guess in (
            (tgi.cross_entropy, Y, 2, -np.mean(np.log(np.bincount(Y)[Y] / 40))),
            (tgi.mse, COLUMN, 1, np.var(COLUMN)),
            (tgi.mse, COLUMN.astype(np.float32), 1, np.var(COLUMN)),
        ):
            search = Search(Setup(network(outputs), plain, 0.1, loss=loss), ground(loss, y), [7, 8], 10, 60.0)
            assert search.guess == pytest.approx(guess, rel=1e-5)
            search.best([(nothing(),)])
            assert search.given.run.seed == search.rivals[0].run.seed == 7
            assert [one.run.seed for one in search.again(search.given)] == [7, 8]
            assert search.rivals[0].setup.seed == 7

    def test_ten_five_and_three_are_left(self) -> None:
        setup = Setup(network(), plain, 0.1, batch_size=8)
        search = Search(setup, ground(), [1, 2], 20, 60.0)
        left = search.best([(nothing(str(i)),) for i in range(12)])
        assert sorted(max(rival.scores) for rival in search.rivals) == [2] * 2 + [6] * 5 + [20] * 5
        assert len(left) == 3 and len(list(search.trials(left[0]))) == 12
        assert [trial.kept for trial in search.trials(left[1])].count(True) == 1


def test_a_report_is_of_at_most_512_samples() -> None:
    rows = np.arange(600) % 40
    x = X[rows] + 0.01 * RNG.normal(size=(600, 3))
    found = recommend(network(), x, Y[rows], steps=1, budget=1e-9)
    assert found.before.samples == found.after.samples == 512
    assert copy.deepcopy(found.setup).model.training
    one, other = (recommend(network(), x, Y[rows], steps=1, budget=1e-9, rng=rng) for rng in (0, 1))
    assert one.loss_before == found.loss_before != other.loss_before, "by the seed samples are held out"
