"""Links that earlier versions have made: what is missing in them has its default, what is unknown is named."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tinygrad_init.laboratory.experiment.experiment import Experiment
from tinygrad_init.laboratory.messages.config import Config
from tinygrad_init.laboratory.messages.message_schema import Invalid, read

SAVED = Path(__file__).with_name("saved")


@pytest.mark.parametrize("path", sorted(SAVED.glob("link-*.json")), ids=lambda path: path.stem)
def test_the_config_of_an_old_link_runs(path: Path) -> None:
    config = read(Config, json.loads(path.read_text(encoding="utf-8")), "config")
    experiment = Experiment(config)
    for _ in range(3):
        experiment.advance()
    assert experiment.step == 3 and len(experiment.runs) == 1 + len(config.variants)


def test_what_is_missing_has_its_default_and_what_is_unknown_is_refused_by_name() -> None:
    assert read(Config, {}, "config") == Config()
    with pytest.raises(Invalid, match=r"config\.momentum: unknown; expected data, layers"):
        read(Config, {"momentum": 0.9}, "config")
