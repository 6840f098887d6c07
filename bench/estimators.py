"""What does an epoch of a fit cost? Perceptrons under scikit-learn's conventions, beside its own and PyTorch by hand.

All start with Glorot's uniform weights and take the same number of epochs of Adam over shuffled batches of 200, in the
dtype of the data. They draw from different generators: what must agree is how much they have learned.
"""

from __future__ import annotations

import importlib.util
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np

from .harness import OURS, Array, Arrays, LeftOut, Question, Row, Side

BATCH, RATE, ALPHA = 200, 1e-3, 1e-4


@dataclass(frozen=True)
class Task:
    """A table to be learned.

    Attributes
    ----------
    name, title
        What rows are called.
    data
        From a dtype to samples and targets, which are class numbers if they are whole.
    hidden, epochs
        The network's layers, and how long it is trained.
    tolerance
        How far scores may differ that come from other starts and orders.
    """

    name: str
    title: str
    data: Callable[[Any], tuple[Array, Array]]
    hidden: tuple[int, ...]
    epochs: int
    tolerance: float
    small: bool = False


def digits(dtype: Any) -> tuple[Array, Array]:
    """1797 handwritten digits, 8 x 8."""
    from tinygrad_init import data

    found = data.digits()
    return (found.x / 16).astype(dtype), found.y.astype(np.int64)


def cover(dtype: Any, samples: int = 100_000) -> tuple[Array, Array]:
    """Of the form of the forest covers of the UCI repository: ten features of numbers, 44 of 0 and 1, seven classes."""
    rng = np.random.default_rng(0)
    numbers = rng.normal(size=(samples, 10))
    kinds = np.hstack([np.eye(k)[rng.integers(0, k, samples)] for k in (4, 40)])
    x = np.hstack([numbers, kinds])
    hidden = np.tanh(x @ (rng.normal(size=(54, 24)) / 2))
    return x.astype(dtype), (hidden @ rng.normal(size=(24, 7)) + rng.gumbel(size=(samples, 7)) / 2).argmax(1)


def numbers(dtype: Any) -> tuple[Array, Array]:
    """A regression: products and a wave of twenty features."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(5000, 20))
    return x.astype(dtype), (np.sin(x[:, 0]) + x[:, 1] * x[:, 2]).astype(dtype)


TASKS = (
    Task("estimator-digits-32", "digits, 64-32-10", digits, (32,), 25, 0.03, small=True),
    Task("estimator-digits-100", "digits, 64-100-10", digits, (100,), 60, 0.02),
    Task("estimator-digits-128-128", "digits, 64-128-128-10", digits, (128, 128), 40, 0.02),
    Task("estimator-digits-512-512", "digits, 64-512-512-10", digits, (512, 512), 15, 0.02),
    Task("estimator-cover-100", "10⁵ × 54 in 7 classes, 54-100-7", cover, (100,), 3, 0.03),
    Task("estimator-cover-256-256", "10⁵ × 54 in 7 classes, 54-256-256-7", cover, (256, 256), 2, 0.03),
    Task("estimator-regression-64-64", "regression, 20-64-64-1", numbers, (64, 64), 40, 0.03),
    Task("estimator-regression-256-256", "regression, 20-256-256-1", numbers, (256, 256), 15, 0.03),
)


def fitted(kind: Any, task: Task, x: Array, y: Array, **more: Any) -> Any:
    """A perceptron that has gone through all epochs."""
    options = {"batch_size": BATCH, "learning_rate_init": RATE, "alpha": ALPHA, "random_state": 0}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that it was not over yet
        return kind(
            hidden_layer_sizes=task.hidden, max_iter=task.epochs, n_iter_no_change=task.epochs, **options, **more
        ).fit(x, y)


def by_pytorch(task: Task, x: Array, y: Array) -> Any:
    """The same by hand: modules, an optimizer, and a loop over batches; the model."""
    import torch

    torch.manual_seed(0)
    of_classes = y.dtype.kind == "i"
    sizes = [x.shape[1], *task.hidden, int(y.max()) + 1 if of_classes else 1]
    layers: list[Any] = []
    for before, after in pairwise(sizes):
        linear = torch.nn.Linear(before, after, dtype=torch.from_numpy(x).dtype)
        torch.nn.init.xavier_uniform_(linear.weight)
        torch.nn.init.zeros_(linear.bias)
        layers += [linear, torch.nn.ReLU()]
    model = torch.nn.Sequential(*layers[:-1])
    weights = [p for p in model.parameters() if p.ndim > 1]
    biases = [p for p in model.parameters() if p.ndim == 1]
    groups = [{"params": weights, "weight_decay": ALPHA / BATCH}, {"params": biases}]
    optimizer = torch.optim.Adam(groups, lr=RATE)
    loss = torch.nn.CrossEntropyLoss() if of_classes else torch.nn.MSELoss()
    xs, ys = torch.from_numpy(x), torch.from_numpy(y if of_classes else y[:, None])
    for _ in range(task.epochs):
        order = torch.randperm(len(xs))
        xs_now, ys_now = xs[order], ys[order]
        for start in range(0, len(xs), BATCH):
            cost = loss(model(xs_now[start : start + BATCH]), ys_now[start : start + BATCH])
            if not of_classes:
                cost = cost / 2
            optimizer.zero_grad()
            cost.backward()
            optimizer.step()
    return model


def score(task: Task, y: Array, output: Array) -> Arrays:
    """The share of right classes, or of the variance that is explained."""
    if y.dtype.kind == "i":
        return {"accuracy": np.array(np.mean(output == y))}
    return {"R²": np.array(1 - np.mean((output - y) ** 2) / np.var(y))}


def build(task: Task, dtype: str, peers: Sequence[Any]) -> Iterator[Side | LeftOut]:
    """Ours, scikit-learn's, and PyTorch by hand where that is a peer."""
    from sklearn import neural_network

    from tinygrad_init import estimators

    x, y = task.data(np.dtype(dtype))
    name = "MLPClassifier" if y.dtype.kind == "i" else "MLPRegressor"

    def read(model: Any) -> Arrays:
        return score(task, y, model.predict(x))

    ours = partial(fitted, getattr(estimators, name), task, x, y, init="xavier_uniform")
    yield Side(OURS, ours, read)
    yield Side("scikit-learn", partial(fitted, getattr(neural_network, name), task, x, y), read)
    if not any(peer.module == "torch" for peer in peers):
        yield LeftOut("PyTorch by hand", "not among the peers")
        return
    import torch

    def read_torch(model: Any) -> Arrays:
        with torch.no_grad():
            output = model(torch.from_numpy(x)).numpy()
        return score(task, y, output.argmax(1) if y.dtype.kind == "i" else output[:, 0])

    yield Side("PyTorch by hand", partial(by_pytorch, task, x, y), read_torch)


def rows(quick: bool) -> list[Row]:
    """Every task in both dtypes; for a quick run the small one."""
    return [
        Row(
            f"{task.name}-{dtype}", task.title, dtype, partial(build, task, dtype), task.tolerance,
            unit="epoch", per=task.epochs, checked_steps=1,
        )
        for task in TASKS
        if task.small == quick
        for dtype in ("float64", "float32")
    ]  # fmt: skip


def unavailable() -> str:
    """Why there is nothing to compare."""
    return "" if importlib.util.find_spec("sklearn") else "scikit-learn is not installed"


QUESTION = Question(
    "estimators", "What does an epoch of a fit cost?", rows, single_thread=True, unavailable=unavailable
)
