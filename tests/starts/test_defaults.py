"""What callers leave out is part of the interface: here it stands once more, and who changes it has to say so."""

from __future__ import annotations

from tinygrad_init import starts

from ..interface import left_out
from ..records import changeable

STARTS = {
    "balance_": {"tolerance": 0.01, "max_steps": 100},
    "data_dependent_": {"tolerance": 0.001},
    "lsuv_": {"rng": 0, "tolerance": 0.02, "max_steps": 10},
}


def test_starts() -> None:
    assert left_out(starts) == STARTS


def test_records_are_values() -> None:
    assert changeable("tinygrad_init.starts") == set()
