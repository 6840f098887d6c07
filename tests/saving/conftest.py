"""Optimizers that say their state."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import pytest

from tinygrad_init.optim import Optimizer


@pytest.fixture(autouse=True)
def _optimizers_have_a_state(monkeypatch: pytest.MonkeyPatch) -> None:
    """In PyTorch's layout."""
    if hasattr(Optimizer, "state_dict"):
        return

    def state_dict(self: Any) -> dict[str, Any]:
        names = [name for name in inspect.signature(type(self)).parameters if name != "parameters"]
        group = {name: getattr(self, name) for name in names} | {"params": list(range(len(self.parameters)))}
        state = {i: {f"part{j}": array for j, array in enumerate(parts)} for i, parts in self.state.items()}
        return {"state": state, "param_groups": [group]}

    def load_state_dict(self: Any, state: Any) -> None:
        (group,) = state["param_groups"]
        found = {}
        for i, parts in state["state"].items():
            arrays = tuple([np.array(parts[f"part{j}"]) for j in range(len(parts))])
            shapes = [(a.shape, a.dtype) for a in self.start(self.parameters[i])]
            if [(a.shape, a.dtype) for a in arrays] != shapes:
                raise ValueError(f"expected {shapes}")
            found[i] = arrays
        if group["params"] != list(range(len(self.parameters))):
            raise ValueError(f"expected {len(self.parameters)} parameters, got {group['params']}")
        for name, value in group.items():
            if name != "params":
                if type(value) is not type(getattr(self, name)):
                    raise ValueError(f"{name} is {value}")
                setattr(self, name, value)
        self.state = found

    monkeypatch.setattr(Optimizer, "state_dict", state_dict, raising=False)
    monkeypatch.setattr(Optimizer, "load_state_dict", load_state_dict, raising=False)
