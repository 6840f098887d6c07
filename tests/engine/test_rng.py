"""Whatever draws random numbers takes a seed, a generator or None; a seed means what a generator made of it does."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tinygrad_init as tgi
from tinygrad_init import data, init, nn, optim, starts

X = np.random.default_rng(0).normal(size=(12, 4)).astype(np.float32)
Y = np.arange(12) % 2


def weight() -> tgi.Tensor:
    return tgi.tensor(np.zeros((6, 4)), requires_grad=True)


def mlp(change: Any = lambda model: None) -> Any:
    """All numbers of a model that was changed."""
    model = nn.MLP([4, 6, 6, 2], rng=0)
    change(model)
    return np.concatenate([array.ravel() for array in model.state_dict().values()])


def parameters(module: nn.Module) -> Any:
    return np.concatenate([array.ravel() for array in module.state_dict().values()])


# By name, from a seed to numbers.
DRAWING: dict[str, Any] = {
    **{
        f"start {name}": lambda rng, start=start: start(weight(), rng, "relu").numpy()
        for name, start in init.INITIALIZERS.items()
        if name not in ("zeros", "constant", "identity")  # which draw nothing
    },
    "normal_": lambda rng: init.normal_(weight(), rng=rng).numpy(),
    "uniform_": lambda rng: init.uniform_(weight(), rng=rng).numpy(),
    "truncated_normal_": lambda rng: init.truncated_normal_(weight(), rng=rng).numpy(),
    "delta_orthogonal_": lambda rng: init.delta_orthogonal_(tgi.tensor(np.zeros((4, 4, 3))), rng=rng).numpy(),
    "Linear": lambda rng: parameters(nn.Linear(4, 3, rng=rng)),
    "MLP": lambda rng: parameters(nn.MLP([4, 3, 2], rng=rng)),
    "Conv1d": lambda rng: parameters(nn.Conv1d(4, 3, 2, rng=rng)),
    "ConvTranspose2d": lambda rng: parameters(nn.ConvTranspose2d(4, 3, 2, rng=rng)),
    "Dropout": lambda rng: nn.Dropout(0.5, rng=rng)(np.ones(64)).numpy(),
    "dropout": lambda rng: tgi.dropout(np.ones(64), 0.5, rng).numpy(),
    **{
        f"data {name}": lambda rng, make=make: make(rng=rng).x
        for name, make in (data.DATASETS | data.REGRESSIONS).items()
        if name != "digits"  # which are what they are
    },
    "batches": lambda rng: np.concatenate([x for x, _ in data.batches(X, Y, 5, rng)]),
    "split": lambda rng: data.split(X, Y, 0.5, rng)[0],
    "initialize": lambda rng: mlp(lambda model: tgi.initialize(model, "he", rng)),
    "lsuv_": lambda rng: mlp(lambda model: starts.lsuv_(model, X, rng)),
    "critical": lambda rng: mlp(lambda model: starts.critical(model, rng, "tanh")),
    "train": lambda rng: mlp(
        lambda model: tgi.train(
            model, X, Y, "cross_entropy", optim.Adam, initializer="he", epochs=1, batch_size=5, rng=rng
        )
    ),
}


@pytest.mark.parametrize("name", DRAWING)
def test_seeds_generators_and_none(name: str) -> None:
    draw = DRAWING[name]
    seeded = draw(7)
    for same in (7, np.int64(7), np.random.default_rng(7)):
        np.testing.assert_array_equal(draw(same), seeded)
    assert not np.array_equal(draw(8), seeded)
    assert not np.array_equal(draw(None), draw(None))


@pytest.mark.parametrize("name", DRAWING)
@pytest.mark.parametrize("wrong", ["7", 7.5, -7, object()], ids=["text", "fraction", "negative", "object"])
def test_what_is_neither(name: str, wrong: Any) -> None:
    with pytest.raises((TypeError, ValueError), match="expect"):
        DRAWING[name](wrong)
