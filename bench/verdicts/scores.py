"""What comes out: which networks trained, and how often each word was right."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from tinygrad_init.diagnosis.fronts.few_steps import STEPS

from .trial import Result

# A network trains that has gone so much of the way from guessing to the best of its data set; those within so much of
# that line are also counted apart.
WAY, NEAR = 0.8, 0.05
NOTHING = "nothing"


def marked(results: Sequence[Result]) -> list[Result]:
    """Each result with `way`, how far it has come, `trains`, and `near`, whether that was close."""
    best = best_of(results)
    found = []
    for result in results:
        way = way_of(result, "accuracy", best)
        found.append({**result, "way": way, "trains": way >= WAY, "near": abs(way - WAY) < NEAR})
    return found


def way_of(result: Result, accuracy: str, best: dict[str, float]) -> float:
    """How far a network has come from guessing to the best of its data set, by one of its accuracies."""
    return float((result[accuracy] - result["guess"]) / max(best[result["data"]] - result["guess"], 1e-9))


def best_of(results: Sequence[Result]) -> dict[str, float]:
    """The best accuracy that any network has reached, by data set."""
    best: dict[str, float] = defaultdict(float)
    for result in results:
        best[result["data"]] = max(best[result["data"]], result["accuracy"])
    return best


@dataclass(frozen=True)
class Score:
    """How often verdicts were right about some networks.

    Attributes
    ----------
    healthy_trains, faulty_fails
        Of those said to be healthy the share that trains, of those said to be faulty the share that does not.
    accused, missed
        Of those that train the share that a fault was told of, of those that do not the share called healthy.
    count, near
        How many there are, and how many within 5 % of the line.
    """

    healthy_trains: float
    faulty_fails: float
    accused: float
    missed: float
    count: int
    near: int

    @property
    def balanced(self) -> float:
        """The mean of the shares of training and failing networks that were told rightly."""
        return 1 - (self.accused + self.missed) / 2


def score(results: Sequence[Result]) -> Score:
    """Of some marked results."""
    table = Counter((result["trains"], result["fault"]) for result in results)

    def share(part: tuple[bool, bool], other: tuple[bool, bool]) -> float:
        whole = table[part] + table[other]
        return table[part] / whole if whole else float("nan")

    return Score(
        healthy_trains=share((True, False), (False, False)),
        faulty_fails=share((False, True), (True, True)),
        accused=share((True, True), (True, False)),
        missed=share((False, False), (False, True)),
        count=len(results),
        near=sum(result["near"] for result in results),
    )


def shares(results: Sequence[Result], source: str) -> dict[str, Any]:
    """Of the verdicts of each word how many were right, as `diagnosis/findings/shares.json` keeps them."""
    words: dict[str, dict[str, int]] = {}
    for result in marked(results):
        counted = words.setdefault(result["word"], {"right": 0, "networks": 0})
        counted["networks"] += 1
        counted["right"] += result["trains"] != result["fault"]
    return {"source": source, "steps": STEPS, "words": dict(sorted(words.items()))}


def view(results: Sequence[Result]) -> RenderableType:
    """Tables for people: by optimizer, by depth, by word."""
    found = marked(results)
    parts: list[RenderableType] = []
    for by in ("optimizer", "data", "depth"):
        table = Table(by, "networks", "near", "healthy trains", "faulty fails", "accused", "missed", "balanced")
        groups = sorted({result[by] for result in found})
        for group in (*groups, None):
            one = score([result for result in found if group is None or result[by] == group])
            shares = (one.healthy_trains, one.faulty_fails, one.accused, one.missed, one.balanced)
            cells = (f"{share:.3f}" for share in shares)
            table.add_row("all" if group is None else str(group), str(one.count), str(one.near), *cells)
        parts += [table, Text("")]
    words = Table("verdict", "networks", "train", "do not")
    for word, many in Counter((result["word"], result["key"]) for result in found).most_common():
        own = [result for result in found if (result["word"], result["key"]) == word]
        trains = sum(result["trains"] for result in own)
        words.add_row(" ".join(word), str(many), str(trains), str(many - trains))
    events = Table("told of by the monitor", "networks", "train", "do not")
    for word in sorted({word for result in found for word in result["events"]} | {NOTHING}):
        own = [result for result in found if (word in result["events"] if word != NOTHING else not result["events"])]
        trains = sum(result["trains"] for result in own)
        events.add_row(word, str(len(own)), str(trains), str(len(own) - trains))
    seconds = [sum(result["seconds"][i] for result in found) / max(len(found), 1) for i in (0, 1)]
    parts += [
        words,
        Text(""),
        events,
        Text(f"A diagnosis took {seconds[0]:.3f} s, a training {seconds[1]:.3f} s on average."),
    ]
    return Group(*parts)
