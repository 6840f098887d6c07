"""What callers leave out is part of the interface: here it stands once more, and who changes it has to say so."""

from __future__ import annotations

from tinygrad_init import Tensor, gradient_checks

from ..interface import left_out

CHECKS = {
    "grad": {"create_graph": False, "retain_graph": False},
    "gradcheck": {"step": 1e-06, "atol": 1e-06, "rtol": 1e-05, "seed": 0, "allow_float32": False},
    "gradgradcheck": {"seed": 0},
}


def test_checks_and_gradients() -> None:
    assert left_out(gradient_checks) == CHECKS
    flags = {"retain_graph": False, "create_graph": False}
    assert left_out(Tensor)["backward"] == flags
