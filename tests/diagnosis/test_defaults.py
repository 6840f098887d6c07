"""What callers leave out is part of the interface: here it stands once more, and who changes it has to say so."""

from __future__ import annotations

import math

from tinygrad_init import diagnosis

from ..interface import left_out

DIAGNOSIS = {
    "Answer": {"findings": ()},
    "Cotangent": {"log10": 0.0},
    "Event": {"over": False, "fault": True},
    "Layer": {"bias": 0.0},
    "Link": {
        "sources": (),
        "parameters": (),
        "unit_axis": -1,
        "elementwise": False,
        "over_time": False,
        "draws": False,
        "mixes_samples": False,
        "branch": (),
        "shortcut": (),
    },
    "Monitor": {"budget": 0.03, "capacity": 512},
    "Report": {"predictions": (), "matrices": (), "jacobian": (), "trained": False},
    "Sequences": {"attention": (), "recurrences": (), "stream": ()},
    "Settings": {"scaled_targets": False},
    "Setup": {"batch_size": 64, "changes": (), "seed": 0},
    "Trial": {"steps": 0},
    "Verdict": {"fault": True},
    "diagnose": {"lr": 0.1, "trained": False},
    "jacobian_singular_values": {"samples": 8},
    "judge": {"losses": ()},
    "recommend": {"lr": 0.1, "steps": 1000, "batch_size": 64, "budget": 60.0, "rng": 0},
    "run": {"evaluating": False},
    "same_draws": {"least": 16},
    "spectrum": {"powers": 50},
}


def test_diagnosis() -> None:
    found = left_out(diagnosis)
    assert math.isnan(found.pop("Network")["loss"])
    assert math.isnan(found["Trial"].pop("accuracy_before")) and math.isnan(found["Trial"].pop("accuracy_after"))
    assert found == DIAGNOSIS
