"""What callers leave out is part of the interface: here it stands once more, and who changes it has to say so."""

from __future__ import annotations

from tinygrad_init import data

from ..interface import left_out

SETS = {
    "Dataset": {"dropped": 0},
    "Encoder": {"categories": ()},
    "Encoding": {"values": (), "indicator": False, "missing": 0},
    "blobs": {"samples": 400, "noise": 0.5, "centers": 3},
    "checkerboard": {"samples": 400, "noise": 0.0, "squares": 4},
    "circles": {"samples": 400, "noise": 0.1, "factor": 0.5},
    "hills": {"samples": 400, "noise": 0.0},
    "load": {"drop": (), "categories": ()},
    "load_csv": {"drop": ()},
    "load_npz": {"drop": ()},
    "moons": {"samples": 400, "noise": 0.1},
    "plane": {"samples": 400, "noise": 0.0},
    "spirals": {"samples": 400, "noise": 0.05, "turns": 1.5},
    "xor": {"samples": 400, "noise": 0.0},
}


def test_sets() -> None:
    assert left_out(data) == SETS
