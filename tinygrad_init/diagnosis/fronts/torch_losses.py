"""What a loss is given of what a PyTorch model returns, and what comes back from it.

A loss that takes all that is returned (a tuple, a dict) gets all of it; else the one tensor of predictions among it. In
the first case what is returned counts as one row of predictions a sample, so that every derivative has its way.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from .torch_calls import mapped, tensors_of
from .torch_links import as_array

Array = np.ndarray[Any, Any]
Loss = Callable[[Any, Any], Tensor]

# Two losses that agree to this share, at the predictions and elsewhere, are one.
ROUNDED = 1e-4
ROWS = "predictions, a row for each sample"
NO_FUNCTION = "a loss that the model computes itself has to be handed over as a function of predictions and targets"
# Losses whose targets are understood, by what this package calls them.
LOSSES: dict[str, Loss] = {
    "cross_entropy": F.cross_entropy,
    "mse": F.mse_loss,
    "binary_cross_entropy_with_logits": F.binary_cross_entropy_with_logits,
}
KNOWN: dict[type[nn.Module], str] = {
    nn.CrossEntropyLoss: "cross_entropy",
    nn.MSELoss: "mse",
    nn.BCEWithLogitsLoss: "binary_cross_entropy_with_logits",
}


def loss_of(loss: str | Loss) -> Loss:
    """A loss by its name, or itself.

    Raises
    ------
    ValueError
        There is none of that name.
    TypeError
        It is neither.
    """
    if isinstance(loss, str):
        if loss not in LOSSES:
            raise ValueError(f"expected a loss out of {', '.join(LOSSES)} or a function, got {loss!r}")
        return LOSSES[loss]
    if not callable(loss):
        raise TypeError(f"expected a function from predictions and targets to one number, got {type(loss).__name__}")
    return loss


def name_of(loss: Loss) -> str:
    """What this package calls a loss; "" of others, also of those with options that it does not know."""
    if isinstance(loss, nn.Module) and type(loss) in KNOWN:
        usual = {key: value for key, value in vars(type(loss)()).items() if not key.startswith("_")}
        return KNOWN[type(loss)] if all(vars(loss).get(key) == value for key, value in usual.items()) else ""
    return next((name for name, known in LOSSES.items() if known is loss), "")


class Heard(TorchFunctionMode):
    """A context in which it is heard which known loss is computed last, with its options as usual."""

    name, cost = "", None

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = function(*args, **(kwargs or {}))
        known = next((name for name, loss in LOSSES.items() if loss is function), "")
        if known and len(args) <= 2 and all(usual(value) for value in (kwargs or {}).values()):
            self.name, self.cost = known, out
        return out


def usual(option: Any) -> bool:
    """Whether an option of a loss is what it is unless given: no weights, the mean, no smoothing, -100 left out."""
    return option in (None, "mean", 0.0, -100)


def name_inside(loss: Loss, predictions: Tensor, targets: Any) -> str:
    """The same of a function that computes a known loss and nothing else: of reshaped predictions, say."""
    with Heard() as heard:
        cost = evaluated(loss, predictions, targets)
    return heard.name if heard.cost is cost else ""


def known_inside(loss: Loss, predictions: Tensor, targets: Any) -> str:
    """What this package calls a loss that computes a known one, or the same numbers in its own way."""
    return name_inside(loss, predictions, targets) or name_by_value(loss, predictions, targets)


def name_by_value(loss: Loss, predictions: Tensor, targets: Any) -> str:
    """The name of a loss that gives the same numbers as a known one: somebody's own cross entropy is one, too."""
    generator = torch.Generator().manual_seed(0)
    drawn = torch.randn(predictions.shape, generator=generator).to(predictions.device, predictions.dtype)
    for name, known in LOSSES.items():
        try:
            with torch.no_grad(), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                pairs = [(loss(at, targets), known(at, targets)) for at in (predictions.detach(), drawn)]
        except Exception:  # of whatever kind: the loss is somebody's own, and the known one may not take these targets
            continue
        if all(a.shape == b.shape == () and torch.isclose(a, b, ROUNDED, ROUNDED) for a, b in pairs):
            return name
    return ""


def prediction(returned: Any) -> Tensor:
    """The tensor of predictions among what a model returns: its `logits`, or the first that is no single number.

    Raises
    ------
    TypeError
        There is none.
    """
    logits = returned.get("logits") if isinstance(returned, dict) else getattr(returned, "logits", None)
    several = list(tensors_of(returned))
    found = logits if isinstance(logits, Tensor) else next((t for t in several if t.ndim), next(iter(several), None))
    if found is None or not found.is_floating_point():
        came = type(returned).__name__ if found is None else f"numbers of {found.dtype}"
        raise TypeError(f"expected the model to return predictions as a tensor of real numbers, got {came}")
    if found.ndim == 0:
        raise TypeError(f"expected the model to return {ROWS}, got one number; {NO_FUNCTION}")
    return found


def takes_whole(loss: Loss, returned: Any, targets: Any) -> bool:
    """Whether a loss takes all that a model returns, not just the one tensor of predictions.

    Raises
    ------
    TypeError
        It takes neither.
    """
    if isinstance(returned, Tensor):
        return False
    with torch.enable_grad():
        try:
            return isinstance(loss(returned, targets), Tensor)
        except Exception as whole:  # of whatever kind: the loss is somebody's own
            try:
                loss(prediction(returned), targets)
            except Exception as one:
                raise TypeError(
                    f"the loss takes neither what the model returns, {type(returned).__name__} ({whole}), nor the "
                    f"first tensor of that ({one})"
                ) from one
    return False


def cost_of(loss: Loss, returned: Any, targets: Any) -> Tensor:
    """The loss of what a model returns."""
    found: Tensor = evaluated(loss, returned if takes_whole(loss, returned, targets) else prediction(returned), targets)
    return found


def evaluated(loss: Loss, predictions: Any, targets: Any) -> Any:
    """What a loss makes of predictions.

    Raises
    ------
    TypeError
        It wants their derivatives by something that they do not come from here.
    """
    try:
        return loss(predictions, targets)
    except RuntimeError as error:
        if not any(said in str(error) for said in UNRELATED):
            raise
        raise TypeError(
            "the loss differentiates the predictions by their input; that cannot be followed: diagnose the model with "
            f"a loss of its plain predictions ({error})"
        ) from error


# What PyTorch says of a derivative by something that a result does not come from.
UNRELATED = ("does not require grad", "appears to not have been used in the graph")


def predictions_for(loss: Loss, returned: Any, targets: Any, samples: int) -> tuple[list[Tensor], Loss]:
    """The tensors among what is returned that the loss depends on, a row for each sample, and the loss of those joined.

    Raises
    ------
    TypeError
        There are none.
    """
    if targets is None or not takes_whole(loss, returned, targets):
        return [prediction(returned)], loss
    rows = [part for part in tensors_of(returned) if part.requires_grad and part.ndim and len(part) == samples]
    cost = one_number(evaluated(loss, returned, targets))
    slopes = torch.autograd.grad(cost, rows, retain_graph=True, allow_unused=True) if rows else ()
    found = [part for part, slope in zip(rows, slopes, strict=True) if slope is not None]
    if not found:
        raise TypeError(f"expected the model to return {ROWS}; {NO_FUNCTION}")
    return found, apart(loss, returned, found)


def joined(parts: list[Tensor]) -> Tensor:
    """All predictions in one tensor: as it is if there is but one, else a row for each sample."""
    return parts[0] if len(parts) == 1 else torch.cat([part.reshape(len(part), -1) for part in parts], 1)


def apart(loss: Loss, returned: Any, parts: list[Tensor]) -> Loss:
    """The same loss of predictions in one tensor, which are put where they were returned; all else is constant."""
    places = {id(part): i for i, part in enumerate(parts)}

    def found(predictions: Tensor, targets: Any) -> Tensor:
        rows = predictions.reshape(len(predictions), -1)
        each = torch.split(rows, [math.prod(part.shape[1:]) for part in parts], 1)

        def placed(part: Any) -> Any:
            if id(part) in places:
                return each[places[id(part)]].reshape(len(predictions), *part.shape[1:])
            return part.detach() if isinstance(part, Tensor) else part

        return loss(mapped(returned, placed), targets)

    return found


def cost_at(loss: Loss, targets: Any, like: Tensor) -> Callable[..., tuple[float, Array]]:
    """From predictions to their loss for some targets, unless others are given, and its cotangent; as for a tensor."""

    def found(predictions: Array, targets: Any = targets) -> tuple[float, Array]:
        leaf = torch.from_numpy(np.array(predictions)).to(like.device, like.dtype).requires_grad_()
        with torch.enable_grad():
            cost = one_number(evaluated(loss, leaf, targets))
            (cotangent,) = torch.autograd.grad(cost, leaf, allow_unused=True)
        return cost.item(), np.zeros(leaf.shape) if cotangent is None else as_array(cotangent)

    return found


def one_number(cost: Any) -> Tensor:
    """A loss, if it is one that depends on the predictions."""
    if not isinstance(cost, Tensor) or cost.numel() != 1:
        came = f"shape {tuple(cost.shape)}" if isinstance(cost, Tensor) else type(cost).__name__
        raise TypeError(f"expected the loss to be a tensor of one number, got {came}")
    if not cost.requires_grad:
        raise TypeError(
            f"expected a loss that depends on the predictions: no gradient comes back from this one; {NO_FUNCTION}"
        )
    return cost
