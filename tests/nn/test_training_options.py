"""Training as a user has it: held-out samples, patience, a progress bar, steps that cannot be captured."""

from __future__ import annotations

import math
import re
import sys
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import tinygrad_init as tgi
from tinygrad_init import nn, optim, training
from tinygrad_init.progress import shown
from tinygrad_init.training import History

DIGITS = tgi.data.digits()
X = (DIGITS.x / 16).astype(np.float32)[:600]
Y = DIGITS.y[:600]


def rule(parameters: Any) -> optim.Optimizer:
    return optim.SGD(parameters, 0.3)


def network(seed: int = 0) -> nn.MLP:
    return nn.MLP((64, 32, 10), rng=seed)


def test_the_loss_of_held_out_samples_is_told_after_every_epoch() -> None:
    model = network()
    history = tgi.train(
        model, X[:400], Y[:400], "cross_entropy", rule, epochs=7, batch_size=32, validation=(X[400:], Y[400:]), rng=0
    )
    assert len(history) == len(history.validation) == 7 and not history.stopped_early
    last = tgi.cross_entropy(model(X[400:]), Y[400:]).item()
    assert history.validation[-1] == pytest.approx(last, rel=1e-6)
    assert history.best == int(np.argmin(history.validation))


def test_without_held_out_samples_nothing_is_different() -> None:
    """A history is the list of losses that it was, and looking at other samples changes no step."""
    one = tgi.train(network(), X, Y, "cross_entropy", rule, epochs=3, batch_size=32, rng=0)
    two = tgi.train(network(), X, Y, "cross_entropy", rule, epochs=3, batch_size=32, rng=0, validation=(X, Y))
    assert list(one) == list(two) and one.validation == [] and one.best is None


def test_a_share_is_held_out_and_not_trained_on() -> None:
    seen: list[Any] = []

    class Spy(nn.Module):
        def __init__(self) -> None:
            self.layer = nn.Linear(1, 2, rng=0)

        def forward(self, x: Any) -> Any:
            return self.layer(x)

    x = np.arange(40, dtype=np.float32).reshape(-1, 1)
    model = Spy()

    def loss(prediction: Any, y: Any) -> Any:
        seen.append(len(y))
        return tgi.cross_entropy(prediction, y)

    tgi.train(model, x / 40, np.arange(40) % 2, loss, rule, epochs=1, validation=0.25, rng=0)
    assert set(seen) == {30, 10}


def test_patience_ends_the_training_and_goes_back_to_the_best() -> None:
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 10, 600)  # labels that belong to nothing: held-out samples only become worse
    model = network()
    history = tgi.train(
        model, X, noise, "cross_entropy", rule, epochs=200, batch_size=16, validation=0.3, patience=4, rng=0
    )
    assert history.stopped_early and history.best is not None and len(history) == history.best + 5
    again = network()
    same = tgi.train(
        again, X, noise, "cross_entropy", rule, epochs=history.best + 1, batch_size=16, validation=0.3, rng=0
    )
    assert same.validation[-1] == history.validation[history.best]
    for name, values in model.state_dict().items():
        np.testing.assert_array_equal(values, again.state_dict()[name])


def test_what_cannot_be_captured_is_trained_step_by_step_after_one_warning() -> None:
    def loss(prediction: Any, y: Any) -> Any:
        float(prediction.sum().item())  # a number that a program does not know
        return tgi.cross_entropy(prediction, y)

    with pytest.warns(RuntimeWarning, match="train: the steps run without a program") as warned:
        slow = tgi.train(network(), X, Y, loss, rule, epochs=2, batch_size=64, rng=0)
    assert len(warned) == 1 and warned[0].filename == __file__
    fast = tgi.train(network(), X, Y, "cross_entropy", rule, epochs=2, batch_size=64, rng=0)
    assert slow == pytest.approx(fast, rel=1e-5)


def by_its_numbers(model: Any, x: Any) -> Any:
    hidden = tgi.tanh(model.one(x))
    return model.other(hidden * 2.0 if hidden.sum().item() > 0 else hidden)


def with_numpy(model: Any, x: Any) -> Any:
    hidden = tgi.tanh(model.one(x))
    return model.other(hidden * float(np.median(hidden.numpy())))


def remembering(model: Any, x: Any) -> Any:
    model.last = tgi.tanh(model.one(x))
    return model.other(model.last)


def choosing(model: Any, x: Any) -> Any:
    hidden = tgi.tanh(model.one(x))
    return model.other(hidden * 2.0 if (hidden > 0).all() else hidden)


REFUSED = {
    by_its_numbers: r"item\(\) reads the numbers of a tensor",
    with_numpy: r"numpy\(\) reads the numbers of a tensor",
    remembering: "assigns to the attribute last",
    choosing: "the way the code takes depends on numbers",
}


class Own(nn.Module):
    """A model of a user's, whose forward pass is a function."""

    def __init__(self, function: Any) -> None:
        self.one, self.drop, self.other = (
            nn.Linear(X.shape[1], 8, rng=0),
            nn.Dropout(0.3, rng=1),
            nn.Linear(8, 10, rng=2),
        )
        self.function = function

    def forward(self, x: Any) -> Any:
        return self.function(self, self.drop(x))


@pytest.mark.parametrize("function", REFUSED, ids=lambda function: function.__name__)
def test_a_model_that_cannot_be_captured_has_the_numbers_of_one_without_programs(
    function: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After one warning that says what was refused and where."""
    where = rf"{re.escape(__file__)}:\d+ in {function.__name__}: {REFUSED[function]}"
    refused, eager = Own(function), Own(function)
    with pytest.warns(RuntimeWarning, match=f"train: the steps run without a program, slower: {where}") as warned:
        found = tgi.train(refused, X, Y, "cross_entropy", rule, epochs=3, batch_size=32, rng=0, validation=0.2)
    assert len(warned) == 1 and warned[0].filename == __file__
    monkeypatch.setattr(training, "Captured", lambda function, own: function)
    expected = tgi.train(eager, X, Y, "cross_entropy", rule, epochs=3, batch_size=32, rng=0, validation=0.2)
    assert found == expected and found.validation == expected.validation
    for name, values in refused.state_dict().items():
        np.testing.assert_array_equal(values, eager.state_dict()[name])


def test_recommend_says_once_that_a_model_cannot_be_captured() -> None:
    where = rf"{re.escape(__file__)}:\d+ in by_its_numbers: item\(\) reads the numbers of a tensor"
    with pytest.warns(RuntimeWarning, match=f"recommend: the steps run without a program, slower: {where}") as warned:
        found = tgi.recommend(Own(by_its_numbers), X, Y, "cross_entropy", steps=20, budget=2.0)
    assert len(warned) == 1 and warned[0].filename == __file__
    assert found.before is not None


def test_a_bar_disturbs_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    one = tgi.train(network(), X, Y, "cross_entropy", rule, epochs=2, rng=0, progress=True)
    assert one == tgi.train(network(), X, Y, "cross_entropy", rule, epochs=2, rng=0)
    assert capsys.readouterr() == ("", "")  # neither of them is a terminal


@pytest.mark.parametrize("items", [[3, 1, 2], iter([3, 1, 2])], ids=["so many", "who knows how many"])
def test_a_bar_is_shown_where_it_is_wanted_and_goes_again(
    items: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")  # as if there was a terminal
    with shown(items, "counting") as found:
        assert list(found) == [3, 1, 2]
    out, err = capsys.readouterr()
    assert out == "" and "counting" in err and err.endswith("\x1b[2K")  # what clears a line
    with shown([3], "counting", wanted=False) as found:
        assert list(found) == [3]
    assert capsys.readouterr() == ("", "")


def test_who_does_not_ask_for_a_bar_gets_none(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    tgi.train(network(), X, Y, "cross_entropy", rule, epochs=2, rng=0)
    assert capsys.readouterr() == ("", "")
    tgi.train(network(), X, Y, "cross_entropy", rule, epochs=2, rng=0, progress=True)
    assert "training" in capsys.readouterr().err


def test_a_notebook_gets_a_bar_unasked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where its widgets are there; elsewhere, and where it is refused, nothing is drawn."""

    class ZMQInteractiveShell:
        """What IPython's kernel runs in notebooks."""

    told: list[bool] = []
    monkeypatch.setattr("tinygrad_init.progress.bar", lambda: told.append(True))
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: None))
    tgi.train(network(), X, Y, "cross_entropy", rule, epochs=1, rng=0)
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=ZMQInteractiveShell))
    tgi.train(network(), X, Y, "cross_entropy", rule, epochs=1, rng=0, progress=False)
    assert told == []
    tgi.train(network(), X, Y, "cross_entropy", rule, epochs=1, rng=0)
    assert told == [True]


@pytest.mark.parametrize(
    ("losses", "best"),
    [([], None), ([2.0, 1.0, 3.0], 1), ([1.0, 1.0], 0), ([math.nan, 2.0, math.inf], 1), ([math.nan], None)],
)
def test_the_best_epoch_is_the_first_with_the_lowest_finite_loss(losses: list[float], best: int | None) -> None:
    history = History()
    history.validation = losses
    assert history.best == best


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"patience": 3}, "a patience of at least 1 epoch, with validation=; got 3"),
        ({"patience": 0, "validation": 0.2}, "at least 1 epoch"),
        ({"validation": 1.0}, "leaves a part empty"),
        ({"validation": 1e-6}, "leaves a part empty"),
        ({"validation": 1.5}, "share from 0 to 1"),
        ({"validation": (X[:5], Y[:4])}, "5"),
    ],
)
def test_wrong_input(options: dict[str, Any], match: str) -> None:
    with pytest.raises(ValueError, match=match):
        tgi.train(network(), X, Y, "cross_entropy", rule, **options)
