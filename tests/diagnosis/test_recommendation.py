"""Recommendations: tried out on copies, kept only if they help."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest

import tinygrad_init as tgi
from tinygrad_init import nn
from tinygrad_init.data import digits
from tinygrad_init.diagnosis import recommend
from tinygrad_init.diagnosis.trials.redesign import activated, normalized, parts, residual

DATA = digits()
X = ((DATA.x - DATA.x.mean(0)) / np.maximum(DATA.x.std(0), 1e-9)).astype(np.float32)[:800]
Y = DATA.y[:800]


def network(activation: str, start: str, sizes: tuple[int, ...] = (64, 24, 24, 10)) -> nn.MLP:
    model = nn.MLP(sizes, activation, rng=0)
    tgi.initialize(model, start, 0)
    return model


BAD = [("relu", "zeros"), ("relu", "constant"), ("tanh", "large"), ("tanh", "small"), ("sigmoid", "zeros")]


@pytest.mark.parametrize(("activation", "start"), BAD)
def test_every_bad_start_of_the_article_is_repaired(activation: str, start: str) -> None:
    model = network(activation, start)
    was = copy.deepcopy(model.state_dict())
    found = recommend(model, X, Y, lr=0.1)
    assert found.before.verdict.word != "healthy" and found.after.verdict.word == "healthy"
    assert found.loss_after < 0.5 * found.loss_before
    assert any(change.startswith(("start: ", "activation: ")) for change in found.changes)
    for name, array in model.state_dict().items():
        np.testing.assert_array_equal(array, was[name])
    assert all(parameter.grad is None for parameter in model.parameters())


def test_only_what_helps_is_kept_and_each_trial_starts_from_the_best_so_far() -> None:
    found = recommend(network("tanh", "large"), X, Y)
    best = found.loss_before
    for trial in found.trials:
        assert trial.before == best or (np.isnan(best) and np.isnan(trial.before))
        assert trial.kept == (trial.after < 0.95 * best or (np.isnan(best) and np.isfinite(trial.after)))
        best = trial.after if trial.kept else best
    assert found.loss_after == best


def test_what_is_recommended_trains_as_promised() -> None:
    """The recommended setup, trained by hand with other batches, is far better than the network as it was."""
    found = recommend(network("sigmoid", "xavier", (64, *(24,) * 6, 10)), X, Y)

    def trained(model: Any, lr: float, clip: float | None) -> float:
        model = copy.deepcopy(model)
        losses = tgi.train(
            model, X, Y, tgi.cross_entropy, lambda ps: tgi.optim.SGD(ps, lr), epochs=8, batch_size=64, clip=clip, rng=5
        )
        return losses[-1]

    setup = found.setup
    assert trained(setup.model, setup.lr, setup.clip) < 0.5 * trained(
        network("sigmoid", "xavier", (64, *(24,) * 6, 10)), 0.1, None
    )


def test_the_same_seed_recommends_the_same() -> None:
    one, two = (recommend(network("relu", "constant"), X, Y, rng=3, steps=40) for _ in range(2))
    assert one.trials == two.trials


def test_a_training_that_breaks_down_is_mended() -> None:
    found = recommend(network("relu", "he"), X, Y, lr=1e6)
    assert np.isfinite(found.loss_after)
    text = " ".join(str(found).split())
    assert "learning rate" in text and "Do: " in text


def test_designs_keep_what_the_network_computes_where_they_must() -> None:
    model = network("tanh", "xavier", (64, 24, 24, 24, 10))
    chain = parts(model)
    assert chain is not None
    x = tgi.Tensor(X[:5])
    np.testing.assert_array_equal(nn.Sequential(*chain)(x).numpy(), model(x).numpy())
    around = residual(model, X[:2])
    assert around is not None
    blocks = [module for module in around if isinstance(module, nn.Residual)]
    assert len(blocks) == 2 and [type(module) for module in blocks[0].branch] == [nn.Linear, nn.Activation]
    with_norm = normalized(model)
    assert with_norm is not None and normalized(with_norm) is None
    assert sum(isinstance(module, nn.BatchNorm) for module in with_norm) == 3
    other = activated(model, "relu")
    assert other is not None and activated(other, "relu") is None
    assert residual(nn.Linear(2, 2, rng=0), X[:2, :2]) is None and normalized(nn.Linear(2, 2, rng=0)) is None


def test_convolutions_are_repaired_too() -> None:
    model = nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1, rng=0),
        nn.ReLU(),
        nn.Conv2d(8, 8, 3, padding=1, rng=1),
        nn.ReLU(),
        nn.MaxPool2d(4),
        nn.Flatten(),
        nn.Linear(32, 10, rng=2),
    )
    tgi.initialize(model, "constant", 0)
    found = recommend(model, X.reshape(-1, 1, 8, 8)[:300], Y[:300], steps=40)
    assert found.before.verdict.word == "symmetric"
    assert found.loss_after < 0.9 * found.loss_before


def test_wrong_input() -> None:
    with pytest.raises(ValueError, match="at least 10 samples, got 5"):
        recommend(network("relu", "he"), X[:5], Y[:5])
    with pytest.raises(ValueError, match="expected a loss out of"):
        recommend(network("relu", "he"), X, Y, "nonsense")
