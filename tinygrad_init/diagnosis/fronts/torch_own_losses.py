"""A loss that a PyTorch model computes itself, as a function of its predictions.

Models that are given their targets return a loss beside the predictions. What leads from the one to the other are the
last of the calls that were recorded (`torch_calls`): on other predictions and targets they are run again.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from .torch_calls import Origin, Recorder, mapped, tensors_of
from .torch_losses import NO_FUNCTION, ROWS, Loss


def own_losses(returned: Any, cost: Tensor) -> list[Tensor]:
    """The single numbers among what a model returns that a loss depends on."""
    if isinstance(returned, Tensor):
        return []
    found = [part for part in tensors_of(returned) if part.ndim == 0 and part.requires_grad]
    slopes = torch.autograd.grad(cost, found, retain_graph=True, allow_unused=True) if found else ()
    return [part for part, slope in zip(found, slopes, strict=True) if slope is not None]


class OwnLoss:
    """The loss of predictions in one tensor, a row for each sample, by the calls that the model made for it.

    Parameters
    ----------
    recorder
        Has seen the model run.
    loss
        From all that is returned to one number.
    returned, ends, targets
        What came out, which of it are losses that the model computed, and the targets that it was given.
    samples
        How many there were.

    Attributes
    ----------
    parts
        The tensors of predictions: of those that are returned the last on the way to the loss.

    Raises
    ------
    TypeError
        No predictions are on that way, or it takes parameters beside them.
    """

    def __init__(
        self,
        recorder: Recorder,
        loss: Loss,
        returned: Any,
        ends: list[Tensor],
        targets: Tensor,
        samples: int,
    ) -> None:
        self.loss, self.returned = loss, returned
        self.ends = {id(end): recorder.origin(end) for end in ends}
        rows = [part for part in tensors_of(returned) if part.requires_grad and part.ndim and len(part) == samples]
        places = {recorder.origin(part): part for part in rows}
        # From the loss backwards as far as what is returned.
        met, needed, waiting = set[Origin](), set[int](), [origin for origin in self.ends.values() if origin]
        self.labels = set[Origin]()  # inputs that are the targets
        while waiting:
            origin = waiting.pop()
            if origin in places:
                met.add(origin)
            elif origin[0] == "call" and origin[1] not in needed:
                needed.add(origin[1])
                for other, tensor in recorder.calls[origin[1]].inputs.items():
                    waiting.append(other)
                    if other[0] == "input" and tensor.shape == targets.shape and torch.equal(tensor, targets):
                        self.labels.add(other)
        self.parts = [part for origin, part in places.items() if origin in met]
        self.origins = [origin for origin in places if origin in met]
        if not self.parts:
            raise TypeError(f"expected the model to return {ROWS}; {NO_FUNCTION}")
        moving = met | self.labels
        self.calls: list[tuple[int, Any]] = []
        for i in sorted(needed):
            call = recorder.calls[i]
            if call.parameters:
                raise TypeError(
                    f"the loss that the model computes depends on {call.parameters[0]} in another way than through its "
                    f"predictions; {NO_FUNCTION}"
                )
            if moving & call.inputs.keys():
                moving |= {("call", i, which) for which in range(len(call.outputs))}
                self.calls.append((i, call))

    def __call__(self, predictions: Tensor, targets: Any) -> Tensor:
        rows = predictions.reshape(len(predictions), -1)
        each = torch.split(rows, [math.prod(part.shape[1:]) for part in self.parts], 1)
        known: dict[Any, Tensor] = {
            origin: values.reshape(len(predictions), *part.shape[1:]).contiguous()  # a loss may view them
            for origin, values, part in zip(self.origins, each, self.parts, strict=True)
        }
        known |= dict.fromkeys(self.labels, targets)
        for i, call in self.calls:
            inputs = {origin: known.get(origin, tensor) for origin, tensor in call.inputs.items()}
            for which in range(len(call.outputs)):
                known["call", i, which] = call.evaluate(inputs, {}, which)

        def placed(part: Any) -> Any:
            if id(part) in self.ends:
                return known[self.ends[id(part)]]
            return part.detach() if isinstance(part, Tensor) else part

        return self.loss(mapped(self.returned, placed), targets)
