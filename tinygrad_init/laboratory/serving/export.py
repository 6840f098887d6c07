"""A run as files: losses as CSV, everything as JSON, the script of `script`, and the page of `single_file`."""

from __future__ import annotations

import csv
import io
import json

from ...version import __version__
from ..experiment.experiment import Experiment
from ..experiment.given_model import NOT_OWN
from ..looking.measure import Watched
from ..messages.frames import Export
from ..messages.message_schema import Invalid
from ..messages.wire import plain
from .grid import grid_of
from .points import NotThere
from .script import FIRST, script
from .single_file import single_file

MOST_PARAMETERS = 50_000


def export(experiment: Experiment, watched: list[Watched], what: str) -> Export:
    """A file: "csv", "json", "python" or "page"."""
    makers = {"csv": as_csv, "json": as_json, "python": as_python, "page": as_page}
    ending = {"csv": "csv", "json": "json", "python": "py", "page": "html"}[what]
    return Export("export", what, f"lab.{ending}", makers[what](experiment, watched))


def as_csv(experiment: Experiment, watched: list[Watched]) -> str:
    """The loss of every run's batch, step by step (every stride-th step, where they are many)."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    # A spreadsheet takes what begins with = + - @ for a formula.
    labels = [each.run.label or FIRST for each in watched]
    writer.writerow(["step", *(f"'{label}" if label[0] in "=+-@\t\r" else label for label in labels)])
    columns = [each.run.losses for each in watched]
    for i, row in enumerate(zip(*columns, strict=True)):
        if i * experiment.stride < experiment.step:
            writer.writerow([i * experiment.stride, *(repr(loss) for loss in row)])
    return text.getvalue()


def as_json(experiment: Experiment, watched: list[Watched]) -> str:
    """Config, losses, every layer's statistics, and the parameters if they are not too many; with all digits."""
    runs = []
    for each in watched:
        now = each.now(experiment.step, experiment.stride, each.look())
        count = sum(parameter.size for parameter in each.run.parameters)
        known = range(len(each.run.losses[: -(-experiment.step // experiment.stride)]))
        runs.append(
            {
                "label": each.run.label,
                "loss": now.loss,
                "accuracy": now.accuracy,
                "test_loss": now.test_loss,
                "test_accuracy": now.test_accuracy,
                "layers": now.layers,
                "losses": [(i * experiment.stride, each.run.losses[i]) for i in known],
                "parameters": {name: array.tolist() for name, array in each.run.model.state_dict().items()}
                if count <= MOST_PARAMETERS
                else None,
            }
        )
    config = plain(experiment.config, None)
    if experiment.own:  # how model, data and loss are made, only their owner knows
        config = {name: value for name, value in config.items() if name not in NOT_OWN}
    found = {"version": __version__, "config": config, "step": experiment.step, "runs": runs}
    return json.dumps(plain(found, None), ensure_ascii=False, allow_nan=False, indent=1) + "\n"


def as_python(experiment: Experiment, watched: list[Watched]) -> str:
    """A script that builds the same data and networks and takes the same steps.

    Raises
    ------
    Invalid
        The model is somebody's own.
    """
    if experiment.own:
        raise Invalid("what", "own_script")
    return script(experiment)


def as_page(experiment: Experiment, watched: list[Watched]) -> str:
    """A page that needs no server, around the experiment as it is set.

    Raises
    ------
    Invalid
        There is no such page of it.
    """
    if experiment.own:
        raise Invalid("what", "own_script")
    try:
        return single_file(grid_of(experiment.config))
    except NotThere as error:
        raise Invalid("what", "unexpected", error=str(error)) from None
