"""The report of a diagnosis: computed once, rendered elsewhere."""

from __future__ import annotations

import dataclasses
import json
import math
from dataclasses import dataclass, field
from typing import Any

from .probe import Snapshot
from .verdict import Verdict


@dataclass(frozen=True)
class Settings:
    """What was diagnosed.

    Attributes
    ----------
    data, samples, classes
        The data set, its size, the number of classes.
    sizes
        Of the network: input, hidden layers, output.
    """

    data: str
    samples: int
    classes: int
    sizes: tuple[int, ...]
    activation: str
    loss: str
    lr: float
    epochs: int
    batch_size: int
    seed: int
    dtype: str


@dataclass(frozen=True)
class StartReport:
    """One start: its first batch, its training, its verdict.

    Attributes
    ----------
    init
        The name of the initializer.
    before, after
        The layers before the first update and after the last (None if training was cut short).
    losses
        The mean training loss of each epoch.
    accuracy
        Share of held-out samples that the trained network classifies rightly.
    """

    init: str
    verdict: Verdict
    before: Snapshot
    after: Snapshot | None
    losses: tuple[float, ...]
    accuracy: float


@dataclass
class Report:
    """All starts of a diagnosis, in the order in which they were run."""

    settings: Settings
    starts: list[StartReport] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """Plain dicts, lists, numbers and strings; numbers that JSON does not know become "nan", "inf", "-inf"."""
        return {"version": 1, **_plain(dataclasses.asdict(self))}

    def to_json(self) -> str:
        """The same as text."""
        return json.dumps(self.to_dict(), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value
