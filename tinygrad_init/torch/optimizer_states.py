"""What our optimizers remember, for PyTorch's."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from ..optim import Optimizer


def optimizer_state(optimizer: Optimizer) -> dict[str, Any]:
    """The state of an optimizer as PyTorch's optimizer of the same name loads it.

    The other way needs nothing: `load_state_dict` takes PyTorch's as it is.

    Parameters
    ----------
    optimizer
        One of `tinygrad_init.optim`.

    Returns
    -------
    dict
        As `state_dict`, with tensors for arrays.
    """
    found = optimizer.state_dict()
    state = {
        number: {name: as_tensors(value) for name, value in entry.items() if name not in optimizer.unsaved}
        for number, entry in found["state"].items()
    }
    return {"state": state, "param_groups": found["param_groups"]}


def as_tensors(value: Any) -> Any:
    """Arrays, also in lists, as tensors."""
    if isinstance(value, list):
        return [as_tensors(item) for item in value]
    return torch.tensor(value) if isinstance(value, np.ndarray) else value
