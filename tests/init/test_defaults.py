"""What callers leave out is part of the interface: here it stands once more, and who changes it has to say so."""

from __future__ import annotations

from tinygrad_init import init

from ..interface import left_out

FILLS = {
    "critical_": {"sigma_b": 0.0},
    "delta_orthogonal_": {"gain": 1.0},
    "dirac_": {"gain": 1.0, "groups": 1},
    "eye_": {"gain": 1.0},
    "fans": {"groups": 1, "transposed": False},
    "glorot_normal_": {"gain": 1.0},
    "glorot_uniform_": {"gain": 1.0},
    "identity_": {"gain": 1.0, "groups": 1},
    "lecun_normal_": {"gain": 1.0},
    "lecun_truncated_normal_": {"gain": 1.0},
    "lecun_uniform_": {"gain": 1.0},
    "normal_": {"mean": 0.0, "std": 1.0},
    "orthogonal_": {"gain": 1.0},
    "sparse_": {"connections": 15, "std": 1.0},
    "truncated_normal_": {"mean": 0.0, "std": 1.0, "low": -2.0, "high": 2.0, "corrected": True},
    "uniform_": {"low": 0.0, "high": 1.0},
    "variance_scaling_": {"scale": 1.0},
    "xavier_normal_": {"gain": 1.0},
    "xavier_truncated_normal_": {"gain": 1.0},
    "xavier_uniform_": {"gain": 1.0},
}


def test_fills() -> None:
    assert left_out(init) == FILLS
