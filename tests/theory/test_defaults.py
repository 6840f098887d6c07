"""What callers leave out is part of the interface: here it stands once more, and who changes it has to say so."""

from __future__ import annotations

from tinygrad_init import theory
from tinygrad_init.theory import mean_field, profile

from ..interface import left_out
from ..records import changeable

THEORY = {
    "MeanField": {"sigma_b": 0.0},
    "edge_of_chaos": {"sigma_b": 0.0},
    "expectation": {"kinks": ()},
    "gains": {"q": 1.0},
    "pair_expectation": {"kinks": ()},
    "profile_of": {"input_square": 1.0},
}


def test_theory() -> None:
    assert left_out(theory) == THEORY


def test_methods() -> None:
    assert left_out(mean_field.MeanField) == {"fixed_point": {"q0": 1.0}, "profile": {"input_square": 1.0}}
    assert left_out(profile.Profile)["band"] == {"deviations": 2.0}


def test_records_are_values() -> None:
    assert changeable("tinygrad_init.theory") == set()
