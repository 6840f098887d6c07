"""What callers leave out is part of the interface: here it stands once more, and who changes it has to say so.

It is PyTorch's, and so is the order of parameters.
"""

from __future__ import annotations

import inspect
from typing import Any

import pytest

from tinygrad_init import optim
from tinygrad_init.optim import lr_scheduler

from ..interface import left_out

MOMENTS = {"betas": (0.9, 0.999), "eps": 1e-08, "weight_decay": 0.0}
EXECUTION = {"capturable": False, "differentiable": False}
RULES: dict[str, dict[str, Any]] = {
    "ASGD": {"lr": 0.01, "lambd": 1e-4, "alpha": 0.75, "t0": 1e6, "weight_decay": 0.0, "maximize": False} | EXECUTION,
    "Adadelta": {"lr": 1.0, "rho": 0.9, "eps": 1e-06, "weight_decay": 0.0, "maximize": False} | EXECUTION,
    "Adafactor": {
        "lr": 0.01, "beta2_decay": -0.8, "eps": (None, 0.001), "d": 1.0, "weight_decay": 0.0, "maximize": False,
    },
    "Adagrad": {
        "lr": 0.01, "lr_decay": 0.0, "weight_decay": 0.0, "initial_accumulator_value": 0.0, "eps": 1e-10,
        "maximize": False, "differentiable": False,
    },
    "Adam": {"lr": 0.001, "amsgrad": False, "maximize": False, "decoupled_weight_decay": False} | MOMENTS | EXECUTION,
    "AdamW": {"lr": 0.001, "amsgrad": False, "maximize": False} | MOMENTS | EXECUTION | {"weight_decay": 0.01},
    "Adamax": {"lr": 0.002, "maximize": False} | MOMENTS | EXECUTION,
    "LBFGS": {"lr": 1, "max_iter": 20, "tolerance_grad": 1e-07, "tolerance_change": 1e-09, "history_size": 100},
    "Muon": {
        "lr": 0.001, "weight_decay": 0.1, "momentum": 0.95, "nesterov": True,
        "ns_coefficients": (3.4445, -4.775, 2.0315), "eps": 1e-07, "ns_steps": 5,
    },
    "NAdam": {"lr": 0.002, "momentum_decay": 0.004, "decoupled_weight_decay": False, "maximize": False}
    | MOMENTS | EXECUTION,
    "RAdam": {"lr": 0.001, "decoupled_weight_decay": False, "maximize": False} | MOMENTS | EXECUTION,
    "RMSprop": {
        "lr": 0.01, "alpha": 0.99, "eps": 1e-08, "weight_decay": 0.0, "momentum": 0.0, "centered": False,
        "maximize": False,
    } | EXECUTION,
    "Rprop": {"lr": 0.01, "etas": (0.5, 1.2), "step_sizes": (1e-06, 50), "maximize": False} | EXECUTION,
    "SGD": {
        "lr": 0.001, "momentum": 0.0, "dampening": 0.0, "weight_decay": 0.0, "nesterov": False, "maximize": False,
        "differentiable": False,
    },
}  # fmt: skip
OTHERS = {
    "clip_grad_norm_": {"norm_type": 2.0, "error_if_nonfinite": False},
    "get_total_norm": {"norm_type": 2.0, "error_if_nonfinite": False},
}
# What comes by position in PyTorch and here, where that was another order before, only by name.
BY_NAME = {"SGD": {"dampening", "weight_decay", "nesterov"}}


def test_defaults() -> None:
    found = {name: given for name, given in left_out(optim).items() if name not in lr_scheduler.__all__}
    assert found == RULES | OTHERS


@pytest.mark.parametrize("name", [*RULES, *(name for name in lr_scheduler.__all__ if name != "LRScheduler")])
def test_parameters_are_those_of_pytorch(name: str) -> None:
    """Their names, order, defaults, and whether they may come by position."""
    torch = pytest.importorskip("torch")
    theirs = getattr(torch.optim if name in RULES else torch.optim.lr_scheduler, name)

    def described(kind: Any) -> dict[str, Any]:
        found = dict(inspect.signature(kind).parameters)
        if name in RULES:
            found["params"] = found.pop("parameters", found.get("params"))  # type: ignore[arg-type]
        by_name = BY_NAME.get(name, set())
        return {key: (p.default, p.kind.name if key not in by_name else "") for key, p in found.items()}

    mine, known = described(getattr(optim, name)), described(theirs)
    assert mine == known
    if name in lr_scheduler.__all__:
        assert list(mine) == list(known)
