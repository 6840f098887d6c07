"""What property tests draw: shapes, arrays, layouts, networks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import tinygrad_init as tgi

Array = np.ndarray[Any, Any]

shapes = hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3)
seeds = st.integers(0, 2**32 - 1)


@st.composite
def arrays(draw: st.DrawFn, low: float, high: float, kinks: tuple[float, ...] = (), shape: Any = shapes) -> Array:
    """float64 numbers inside (low, high), away from points where a derivative does not exist."""
    elements = st.floats(low, high, allow_nan=False).filter(lambda v: all(abs(v - kink) > 1e-3 for kink in kinks))
    return draw(
        hnp.arrays(np.float64, shape if not isinstance(shape, st.SearchStrategy) else draw(shape), elements=elements)
    )


Layout = Callable[[tgi.Tensor], tgi.Tensor]

# Ways in which a tensor can lie in memory other than in a row; each keeps its numbers.
LAYOUTS: dict[str, Layout] = {
    "in a row": lambda x: x,
    "transposed": lambda x: x.T,
    "backwards": lambda x: x[..., ::-1] if x.ndim else x,
    "every second": lambda x: x[..., ::2] if x.ndim else x,
    "stretched": lambda x: x.broadcast_to((2, *x.shape)),
}
layouts = st.sampled_from(sorted(LAYOUTS))
dtypes = st.sampled_from([np.float32, np.float64])
