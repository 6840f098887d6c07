"""What backward brings to one small parameter, beside what its gradient is when the optimizer steps.

The difference is what somebody's loop has done meanwhile: left the gradients of earlier steps in, or clipped them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from torch import Tensor, nn

from ..fronts.torch_links import as_array
from ..fronts.torch_twin import values_of

Array = np.ndarray[Any, Any]

# To this share of their size gradients are the same, and the gradients of two steps point the same way.
SAME, ALONG = 1e-3, 1e-3
# What clipping and scaling leave of the rest.
SMALL = 0.02


class GradientTap:
    """Listens at one parameter.

    Attributes
    ----------
    listens
        Whether what comes next is kept.
    rows
        In so many steps one after the other the gradients of earlier ones were still there.
    times
        How many times as large as what backward has brought the gradient is.
    scale, limited
        By what the gradients were multiplied after backward, 1 if by nothing; and whether instead each of their numbers
        was limited.
    """

    def __init__(self) -> None:
        self.parameter: nn.Parameter | None = None
        self.handle: Any = None
        self.fresh: Tensor | None = None
        self.before: Array | None = None
        self.rows, self.times, self.scale, self.limited = 0, 0.0, 1.0, False
        self.listens = True

    def attach(self, parameters: list[nn.Parameter]) -> None:
        """Listen at the smallest of the last few parameters."""
        several = [p for p in parameters[-4:] if p.numel() > 1 and not p.is_sparse]
        if several and self.handle is None:
            self.parameter = min(several, key=lambda p: p.numel())
            self.handle = self.parameter.register_hook(self.arrive)  # type: ignore[no-untyped-call]

    def detach(self) -> None:
        """Leave nothing behind."""
        if self.handle is not None:
            self.handle.remove()
            self.handle = None

    def arrive(self, gradient: Tensor) -> None:
        """Backward brings a gradient; several, before a step, are added up."""
        if not self.listens:
            return
        came = values_of(gradient).clone()
        self.fresh = came if self.fresh is None else self.fresh + came

    def skip(self) -> None:
        """The optimizer is about to step, and nobody wants to know."""
        self.fresh = self.before = None

    def compare(self) -> None:
        """The optimizer is about to step: what has happened to the gradient since backward?"""
        if self.parameter is not None and self.parameter.grad is not None:
            now = flat(self.parameter.grad)
            if self.fresh is not None:
                self.explain(now, flat(self.fresh), np.zeros_like(now) if self.before is None else self.before)
            self.before = now
        self.fresh = None

    def explain(self, now: Array, fresh: Array, before: Array) -> None:
        """Is the gradient a multiple of what has come, or of the sum of that and what was there before?"""
        self.limited = False
        size, came, was = (float(np.linalg.norm(values)) for values in (now, fresh, before))
        if not (0 < came < np.inf and 0 < size < np.inf and was < np.inf):
            return
        if np.linalg.norm(now - fresh) <= SAME * came:
            self.rows, self.times, self.scale = 0, 0.0, 1.0
            return
        if was > SAME * came and np.linalg.norm(now - fresh - before) <= SAME * size:
            self.rows, self.times, self.scale = self.rows + 1, size / came, 1.0
            return
        limit = float(np.max(np.abs(now)))
        if size < came and np.linalg.norm(np.clip(fresh, -limit, limit) - now) <= SAME * size:  # clipped by value
            self.rows, self.times, self.scale, self.limited = 0, 0.0, size / came, True
            return
        along = float(fresh @ before) / (came * was) if was > 0 else 0.0
        if 1 - along * along < ALONG:  # which of the two it is a multiple of cannot be told
            return
        (scale, kept), *_ = np.linalg.lstsq(np.stack([fresh, before], 1), now, rcond=None)
        if np.linalg.norm(scale * fresh + kept * before - now) > SAME * size or scale == 0:
            return
        if abs(kept) * was <= SMALL * abs(scale) * came:
            self.rows, self.times, self.scale = 0, 0.0, abs(scale)
        elif abs(kept / scale - 1) < SMALL:
            self.rows, self.times, self.scale = self.rows + 1, size / (abs(scale) * came), abs(scale)


def flat(tensor: Tensor) -> Array:
    """The numbers of a gradient in float64, in a row."""
    return as_array(tensor).astype(np.float64).ravel()
