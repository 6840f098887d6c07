"""How an estimator's network learns: steps as a captured program, a batch after the other, until nothing is gained."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ..engine.modes import no_grad
from ..engine.tensor import Tensor
from ..nn import BatchNorm, Module, Residual, Sequential, linear_maps
from ..ops import dot, square
from ..ops.binary_losses import binary_cross_entropy_with_logits
from ..ops.losses import cross_entropy, half_squared_error
from ..ops.normalization import scaled
from ..optim import LBFGS, SGD, Adam, Optimizer
from ..training import captured

Array = np.ndarray[Any, Any]

# By the function of the output, as scikit-learn calls it: the loss of every sample, and its name for the diagnosis.
LOSSES: dict[str, tuple[Callable[[Tensor, Any], Tensor], str]] = {
    "softmax": (lambda out, y: cross_entropy(out, y, "none"), "cross_entropy"),
    "logistic": (
        lambda out, y: binary_cross_entropy_with_logits(out, y, "none").sum(1),
        "binary_cross_entropy_with_logits",
    ),
    "identity": (lambda out, y: half_squared_error(out, y, "none"), "half_squared_error"),
}
# How many changes of the gradient L-BFGS remembers, as in SciPy.
MEMORY = 10
# How many samples are predicted at a time, so that what lies between fits into the memory.
AT_ONCE = 1 << 14


def rule(options: dict[str, Any]) -> Callable[[list[Tensor]], Optimizer]:
    """What makes the optimizer of parameters, by an estimator's options."""
    rate = options["learning_rate_init"]
    if options["solver"] == "sgd":
        mu = options["momentum"]
        return lambda ps: SGD(ps, rate, mu, nesterov=bool(options["nesterovs_momentum"] and mu > 0))
    if options["solver"] == "adam":
        return lambda ps: Adam(ps, rate, (options["beta_1"], options["beta_2"]), options["epsilon"])
    return lambda ps: LBFGS(
        ps, 1.0, options["max_iter"], options["max_fun"], options["tol"], history_size=MEMORY,
        line_search_fn="strong_wolfe",
    )  # fmt: skip


class Learner:
    """A network, its optimizer, and the programs of their steps, one for each shape of a batch.

    The loss of a batch is Σ w l / Σ w + α/2 Σ W² / Σ w, of the losses l of its samples and their weights w, as in
    scikit-learn.

    Parameters
    ----------
    model
        What learns.
    output
        A key of `LOSSES`.
    optimizer
        Of the model's parameters.
    alpha
        α.
    """

    def __init__(self, model: Module, output: str, optimizer: Optimizer, alpha: float) -> None:
        self.model, self.optimizer, self.alpha = model, optimizer, alpha
        loss = LOSSES[output][0]
        matrices: list[Tensor] = [vars(linear)["weight"] for linear, _ in linear_maps(model)]
        self.dtype = matrices[0].dtype

        self.normalizes = any(isinstance(module, BatchNorm) for _, module in model.named_modules())

        def slopes(xs: Any, ys: Any, ws: Any, decay: Any, growth: Any) -> Tensor:
            losses = loss(model(xs) if growth is None else weighed(model, xs, ws.reshape(-1, 1), growth), ys)
            cost = losses.mean() if ws is None else (losses * ws).sum()
            optimizer.zero_grad()
            cost.backward()
            if decay is None:
                return cost
            with no_grad():  # the penalty and its slope written out: fewer ways through the weights than by the rules
                for matrix in matrices:
                    cost = cost + 0.5 * decay * dot(matrix.reshape(-1), matrix.reshape(-1))
                    matrix.grad = matrix.grad + decay * matrix
            return cost

        def learn(xs: Any, ys: Any, ws: Any, decay: Any, growth: Any) -> Tensor:
            cost = slopes(xs, ys, ws, decay, growth)
            optimizer.step()
            return cost

        self.slopes, self.learn = captured(slopes, "fit", own=True), captured(learn, "fit", own=True)

    def arguments(self, x: Any, y: Array, w: Array | None) -> tuple[Any, ...]:
        """A batch as the programs take it; what changes with it are arrays."""
        total = len(y) if w is None else float(w.sum())
        decay = np.asarray(self.alpha / total, self.dtype) if self.alpha else None
        x = x if isinstance(x, np.ndarray) else x.toarray()
        if w is None:
            return x, y, None, decay, None
        # As Σ w / (Σ w - 1) would be n / (n - 1) of samples that are there w times; less than two have no such number.
        growth = np.asarray(total / (total - 1) if total >= 2 else 1, self.dtype) if self.normalizes else None
        return x, y, w / np.asarray(total, self.dtype), decay, growth

    def epoch(self, x: Any, y: Array, w: Array | None, parts: list[slice], rng: np.random.RandomState | None) -> float:
        """Learn from every sample once, and return the mean loss on the way.

        Parameters
        ----------
        x
            Of shape (samples, features), an array or a sparse matrix in rows.
        y, w
            Targets as the loss takes them, and weights of the samples, if there are any.
        parts
            The batches.
        rng
            Puts the samples in another order, which makes no difference where there is a single batch.
        """
        order = rng.permutation(len(y)) if rng is not None and len(parts) > 1 else None
        total = 0.0
        for part in parts:
            rows = part if order is None else order[part]
            cost = self.learn(*self.arguments(x[rows], y[rows], None if w is None else w[rows]))
            total += cost.item() * (part.stop - part.start)
        return total / len(y)

    def whole(self, x: Any, y: Array, w: Array | None) -> tuple[float, int, bool]:
        """All iterations of L-BFGS: the loss at the end, how many they were, and whether they ended by themselves."""
        optimizer, given = self.optimizer, self.arguments(x, y, w)
        optimizer.step(lambda: self.slopes(*given))
        [state] = optimizer.state.values()
        most = optimizer.param_groups[0]
        done = state["n_iter"] < most["max_iter"] and state["func_evals"] < most["max_eval"]
        return self.slopes(*given).item(), int(state["n_iter"]), done

    @property
    def rate(self) -> float:
        """The learning rate."""
        return float(self.optimizer.param_groups[0]["lr"])

    @rate.setter
    def rate(self, value: float) -> None:
        self.optimizer.param_groups[0]["lr"] = value


def weighed(module: Module, x: Any, w: Any, growth: Any) -> Any:
    """What a network of `Design` makes of samples in training, where batches are normalized as if each sample was there
    as often as it counts.

    Parameters
    ----------
    module, x
        The network, or a part of it, and its input, of shape (samples, features).
    w
        Weights of the samples that sum to 1, of shape (samples, 1).
    growth
        What the variance is multiplied by for the running one, which is unbiased.
    """
    if isinstance(module, Sequential):
        for layer in module:
            x = weighed(layer, x, w, growth)
        return x
    if isinstance(module, Residual):
        return x + weighed(module.branch, x, w, growth)
    if not isinstance(module, BatchNorm):
        return module(x)
    mean = (x * w).sum(0, keepdims=True)
    deviation = x - mean
    variance = (square(deviation) * w).sum(0, keepdims=True)
    module._track(mean.detach().reshape(-1), variance.detach().reshape(-1) * growth)
    return scaled(deviation, variance, module.eps, module.weight, module.bias)


def batches(samples: int, size: int, least: int = 1) -> list[slice]:
    """Slices of so many samples; the last has what is left, or its `size` and that where it is less than `least`."""
    starts = list(range(0, samples, size))
    if len(starts) > 1 and samples - starts[-1] < least:
        del starts[-1]
    return [slice(start, stop) for start, stop in zip(starts, [*starts[1:], samples], strict=True)]


class Patience:
    """Whether something still gets smaller: it is over when it has not, by more than `tol`, more than `most` times.

    Attributes
    ----------
    best, count
        The smallest so far, and how often in a row nothing was gained.
    """

    def __init__(self, tol: float, most: float, best: float = math.inf, count: int = 0) -> None:
        self.tol, self.most, self.best, self.count = tol, most, best, count

    def better(self, value: float) -> bool:
        """Take note of a number, and tell whether it is the smallest."""
        self.count = self.count + 1 if value > self.best - self.tol else 0
        found = value < self.best
        self.best = min(self.best, value)
        return found

    @property
    def over(self) -> bool:
        """Whether nothing more is to be expected."""
        return self.count > self.most


def outputs(model: Module, x: Any, dtype: Any) -> Array:
    """What the network makes of samples, an array or a sparse matrix in rows, as it is used."""
    if any(module.training for _, module in model.named_modules()):
        model.eval()

    def some() -> Iterator[Array]:
        for part in batches(x.shape[0], AT_ONCE):
            rows = x[part] if isinstance(x, np.ndarray) else x[part].toarray()
            yield np.asarray(model(Tensor(rows, dtype)).numpy())

    with no_grad(), np.errstate(all="ignore"):
        return np.concatenate(list(some()))
