"""Loss functions: how far predictions are from targets, as one number.

Every loss takes `reduction`: "mean" over the samples (the default), "sum", or "none" for one number a sample (an
element for `mse` and `binary_cross_entropy_with_logits`). No gradient flows into targets, but for those of `mse` and
for probabilities of the cross entropies.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..engine.modes import Unforeseen, mode
from ..engine.operands import coerce
from ..engine.tensor import Tensor
from ..kernels.backend import kernels
from ..naming import known_name, spelled
from .activations import log_softmax, softmax
from .binary_losses import binary_cross_entropy_with_logits
from .classification_losses import weighted_cross_entropy
from .elementwise import maximum, where
from .registry import Array, operation
from .shape import _reshape
from .targets import _constant, _fitting, _numbers, class_numbers, reduce, require_between


def half_squared_error(prediction: Tensor, target: Any, reduction: str = "mean") -> Tensor:
    """C = ½ Σ (a - y)² over the outputs of each sample: its derivative by the output is a - y.

    Parameters
    ----------
    prediction, target
        Of shape (samples, ...) or, for a single sample, 0-d.
    """
    (prediction,) = coerce("half_squared_error", (prediction,))
    error = prediction - _constant(target, prediction, "half_squared_error")
    squares = 0.5 * error * error
    return reduce(
        squares.sum(tuple(range(1, squares.ndim))) if squares.ndim > 1 else squares, reduction, "half_squared_error"
    )


def mse(prediction: Tensor, target: Any, reduction: str = "mean") -> Tensor:
    """(a - y)², averaged over all elements; where the target requires grad, too, it gets the opposite gradient."""
    (prediction,) = coerce("mse", (prediction,))
    error = prediction - _fitting(target, prediction, "mse")
    return reduce(error * error, reduction, "mse")


def _cross_entropy_examples(rng: np.random.Generator) -> list[Any]:
    return [((rng.normal(size=(5, 3)),), {"labels": np.array([0, 2, 1, 1, 0])})]


def _slope_by_logits(cotangent: Tensor, g: Tensor, logits: Tensor) -> Tensor:
    """The derivative of Σ cotangent · g (p - y) by the logits: that of a softmax."""
    weighted = cotangent * _reshape(g, (g.shape[0], 1))
    p = softmax(logits)
    return p * (weighted - (weighted * p).sum(1, True))


@operation(
    lambda g, losses_g, logits, labels: (g * _cross_entropy_slope(_ones_like(losses_g), logits, labels)).sum(1),
    lambda g, losses_g, logits: _slope_by_logits(g, losses_g, logits),
    formula="g·(softmax(logits) - one_hot(label)): the derivative of the cross entropy",
    examples=lambda rng: [((rng.normal(size=5), rng.normal(size=(5, 3))), {"labels": np.array([0, 2, 1, 1, 0])})],
)
def _cross_entropy_slope(losses_g: Array, logits: Array, /, labels: Array) -> Array:
    return kernels.cross_entropy_vjp(losses_g, logits, labels)


def _ones_like(x: Tensor) -> Tensor:
    return Tensor(np.ones(x.shape), x.dtype)


@operation(
    lambda g, logits, labels: _cross_entropy_slope(g, logits, labels),
    formula="-ln softmax(logits)[label]",
    examples=_cross_entropy_examples,
)
def _cross_entropy(logits: Array, /, labels: Array) -> Array:
    return kernels.cross_entropy(logits, labels)


def cross_entropy(
    logits: Tensor,
    target: Any,
    reduction: str = "mean",
    *,
    weight: Any = None,
    ignore_index: int | None = -100,
    label_smoothing: float = 0.0,
) -> Tensor:
    """-ln of the probability that the softmax of the logits gives to the target class, without overflow.

    Parameters
    ----------
    logits
        Of shape (samples, classes), (classes,) for one sample, or (samples, classes, ...) with positions.
    target
        Class numbers, of the shape of the logits without the axis of classes; or probabilities, of their shape.
    weight
        A number for each class that its losses are multiplied by; the mean is then the weighted one.
    ignore_index
        A target that counts as no sample; any other number out of range is an error. None leaves out no sample.
    label_smoothing
        The share of the target that is spread evenly over all classes (Szegedy et al. 2016, §7).

    Raises
    ------
    ValueError
        The shapes do not fit, or a class number is out of range.
    """
    (logits,) = coerce("cross_entropy", (logits,))
    if not isinstance(reduction, str):
        raise TypeError("cross_entropy: expected reduction as text; weights of classes are said by name, weight=...")
    learned = isinstance(target, Tensor) and target.requires_grad  # probabilities that another network gives
    if logits.ndim != 2 or learned or weight is not None or label_smoothing:
        return weighted_cross_entropy(logits, target, reduction, weight, ignore_index, label_smoothing)
    labels = _numbers(target, "cross_entropy")
    if labels.ndim == 2:
        probabilities = _constant(target, logits, "cross_entropy")
        terms = where(probabilities == 0, 0.0, probabilities * log_softmax(logits))  # 0·ln 0 is 0
        return reduce(-terms.sum(1), reduction, "cross_entropy")
    # A sample that is left out is mostly no class at all: it is looked for when there is something else than classes.
    told = ignore_index is None or not 0 <= ignore_index < logits.shape[1]
    if told and (ignore_index is None or mode.trace is None or mode.trace.may_expect()):
        try:
            numbers = class_numbers(labels, logits.shape, "cross_entropy", ignore_index)
        except Unforeseen:
            pass
        else:
            return reduce(_cross_entropy(logits, numbers), reduction, "cross_entropy")
    return _without(logits, labels, ignore_index, reduction)


def _without(logits: Tensor, labels: Array, ignore_index: int | None, reduction: str) -> Tensor:
    """The cross entropy of the samples that are not left out; the mean of none is NaN, as in PyTorch."""
    keep = labels != ignore_index
    numbers = class_numbers(np.where(keep, labels, 0), logits.shape, "cross_entropy")
    losses = where(keep, _cross_entropy(logits, numbers), 0.0)
    if reduction != "mean" or not losses.size:
        return reduce(losses, reduction, "cross_entropy")
    return losses.sum() / where(keep, _ones_like(losses), 0.0).sum()


def hinge(scores: Tensor, target: Any, reduction: str = "mean") -> Tensor:
    """max(0, 1 - y s) for signs y = ±1; for class numbers Σ_j max(0, 1 + s_j - s_y) over the wrong classes.

    The first is the loss of the linear support vector machine, the second that of Weston and Watkins (1999).

    Parameters
    ----------
    scores
        Of the target's shape (signs), or (samples, classes).
    target
        Signs -1 and 1 of the same shape as the scores, or class numbers of shape (samples,).
    """
    (scores,) = coerce("hinge", (scores,))
    y = _numbers(target, "hinge")
    if y.shape == scores.shape:
        require_between(
            np.abs(y.astype(scores.dtype)),
            1,
            1,
            lambda _: ValueError(
                "hinge: expected targets -1 and 1, or class numbers with scores of shape (samples, classes)"
            ),
        )
        return reduce(maximum(1.0 - _constant(y, scores, "hinge") * scores, 0.0), reduction, "hinge")
    if scores.ndim != 2:
        raise ValueError(f"hinge: scores have shape {scores.shape}, target {y.shape}; expected (samples, classes)")
    labels = class_numbers(y, scores.shape, "hinge")
    right = scores[np.arange(len(labels)), labels]
    wrong = np.arange(scores.shape[1]) != labels[:, np.newaxis]
    margins = where(wrong, maximum(1.0 + scores - right.expand_dims(1), 0.0), 0.0)
    return reduce(margins.sum(1), reduction, "hinge")


LOSSES: dict[str, Callable[..., Tensor]] = {
    "half_squared_error": half_squared_error,
    "mse": mse,
    "cross_entropy": cross_entropy,
    "binary_cross_entropy_with_logits": binary_cross_entropy_with_logits,
    "hinge": hinge,
}

# What PyTorch, Keras and optax call the same losses; ours take logits, so Keras's are those with from_logits=True.
ALIASES: dict[str, str] = {
    "mse_loss": "mse",
    "mean_squared_error": "mse",
    "cross_entropy_loss": "cross_entropy",
    "categorical_crossentropy": "cross_entropy",
    "sparse_categorical_crossentropy": "cross_entropy",
    "softmax_cross_entropy": "cross_entropy",
    "softmax_cross_entropy_with_integer_labels": "cross_entropy",
    "bce_with_logits": "binary_cross_entropy_with_logits",
    "bce_with_logits_loss": "binary_cross_entropy_with_logits",
    "sigmoid_binary_cross_entropy": "binary_cross_entropy_with_logits",
    "hinge_loss": "hinge",
}
# Names of losses that are others than ours, and what to do.
OTHERS: dict[str, str] = {
    **dict.fromkeys(
        ("bce", "bceloss", "binarycrossentropy"),
        "takes probabilities; binary_cross_entropy_with_logits takes the logits before the sigmoid",
    ),
    "nllloss": "takes logarithms of probabilities; cross_entropy takes the logits before the softmax",
    "nll": "takes logarithms of probabilities; cross_entropy takes the logits before the softmax",
}


def loss_name(name: str) -> str:
    """What a loss is called here, by our name or that of other libraries (`ALIASES`).

    Raises
    ------
    TypeError
        It is no text.
    ValueError
        There is none of that name, or what has that name elsewhere is another loss.
    """
    other = OTHERS.get(spelled(name)) if isinstance(name, str) else None
    if other is not None:
        raise ValueError(f"expected a loss out of {', '.join(LOSSES)}; {name!r} {other}")
    return known_name("a loss", name, LOSSES, ALIASES)


def loss_of(loss: str | Callable[[Tensor, Any], Tensor]) -> Callable[[Tensor, Any], Tensor]:
    """A loss by its name, ours or that of other libraries, or the function itself.

    Raises
    ------
    ValueError
        There is no loss of that name.
    TypeError
        It is neither.
    """
    if isinstance(loss, str):
        return LOSSES[loss_name(loss)]
    if isinstance(loss, type):
        raise TypeError(f"expected a loss, got the class {loss.__name__}; make one of it: {loss.__name__}()")
    if not callable(loss):
        raise TypeError(f"expected the name of a loss or a function, got {type(loss).__name__}")
    return loss
