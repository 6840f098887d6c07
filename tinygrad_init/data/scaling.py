"""Feature scaling: the first of the article's six steps."""

from __future__ import annotations

from typing import Any, Self

import numpy as np

from .samples import as_numbers

Array = np.ndarray[Any, Any]


class Scaler:
    """x ↦ (x - shift) / scale a feature; `fit` finds both. Subclasses say how.

    A feature that never changes is only shifted.
    """

    shift: Array | None = None
    scale: Array | None = None

    def measure(self, x: Array) -> tuple[Array, Array]:
        """Shift and scale of every feature."""
        raise NotImplementedError

    def fit(self, x: Array) -> Self:
        """Find shift and scale of every column of x, of shape (samples, features)."""
        x = as_numbers(type(self).__name__, "x", x)
        if x.ndim != 2 or len(x) == 0:
            raise ValueError(f"{type(self).__name__}: expected samples of shape (samples, features), got {x.shape}")
        self.shift, scale = self.measure(x.astype(np.float64))
        self.scale = np.where(scale > 0, scale, 1.0)
        return self

    def transform(self, x: Array) -> Array:
        """Scale x; floats keep their dtype, other numbers become float64."""
        if self.shift is None or self.scale is None:
            raise RuntimeError(f"{type(self).__name__}: fit() comes first")
        x = as_numbers(type(self).__name__, "x", x)
        if x.shape[-1:] != self.shift.shape:
            raise ValueError(f"{type(self).__name__}: fitted to {len(self.shift)} features, got {x.shape}")
        return ((x - self.shift) / self.scale).astype(x.dtype if x.dtype.kind == "f" else np.float64)

    def inverse(self, x: Array) -> Array:
        """Undo `transform`."""
        if self.shift is None or self.scale is None:
            raise RuntimeError(f"{type(self).__name__}: fit() comes first")
        x = as_numbers(type(self).__name__, "x", x)
        return (x * self.scale + self.shift).astype(x.dtype)


class StandardScaler(Scaler):
    """Mean 0 and standard deviation 1 for every feature."""

    def measure(self, x: Array) -> tuple[Array, Array]:
        low, span = x.min(0), np.ptp(x, axis=0)
        # In units of the span, so that squares of tiny or huge features neither underflow nor overflow.
        relative = (x - low) / np.where(span > 0, span, 1.0)
        return low + span * relative.mean(0), span * relative.std(0)


class MinMaxScaler(Scaler):
    """From 0 to 1 for every feature."""

    def measure(self, x: Array) -> tuple[Array, Array]:
        return x.min(0), x.max(0) - x.min(0)
