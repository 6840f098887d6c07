"""What a monitor tells, read back from the files that TensorBoard and Weights & Biases have written."""

from __future__ import annotations

import json
import math
import warnings
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed")

import tinygrad_init as tgi  # noqa: E402
import tinygrad_init.torch  # noqa: E402
from tinygrad_init.diagnosis.watching.events import Event, Moment  # noqa: E402
from tinygrad_init.diagnosis.watching.layer_states import LayerState  # noqa: E402
from tinygrad_init.torch.writers import numbers_of  # noqa: E402
from tinygrad_init.words import phrase  # noqa: E402

LAYERS = (
    LayerState("body.0", 0.5, 0.25, 2.0, 0.125, (0, 3), 8),
    LayerState("head", 0.75, 0.1, 1.0, 0.0, (), 4),
)
MOMENTS = [Moment(0, math.nan, LAYERS), Moment(10, 1.5, LAYERS)]
EVENT = Event("converged", 10, None, phrase("event.unmoved.zero"), fault=False)


def test_what_is_not_there_is_not_written() -> None:
    assert "tgi/loss" not in numbers_of(MOMENTS[0]) and numbers_of(MOMENTS[1])["tgi/loss"] == 1.5
    assert numbers_of(MOMENTS[0])["tgi.dead/body.0"] == 2 / 8
    alone = Moment(0, 1.0, (LayerState("a", 0.5, math.nan, math.nan, 0.0, (), 8),))
    assert numbers_of(alone) == {"tgi/loss": 1.0, "tgi.weight_rms/a": 0.5}


def test_every_moment_is_handed_over_also_what_a_short_timeline_drops() -> None:
    torch.manual_seed(0)
    model = torch.nn.Linear(4, 2)
    optimizer, seen = torch.optim.SGD(model.parameters(), 0.1), list[Any]()
    with tgi.torch.watch(model, optimizer, every=1, capacity=4, on_moment=seen.append) as monitor:
        for _ in range(12):
            optimizer.zero_grad()
            loss = model(torch.randn(8, 4)).square().mean()
            loss.backward()
            optimizer.step()
            monitor.step(loss)
    assert [moment.step for moment in seen] == list(range(13)) and len(monitor.timeline) <= 4


def test_what_is_no_writer_is_refused() -> None:
    with pytest.raises(TypeError, match="to_tensorboard: expected a SummaryWriter, got str"):
        tgi.torch.to_tensorboard("runs")
    with pytest.raises(TypeError, match="to_wandb: expected a run of wandb, got str"):
        tgi.torch.to_wandb("project")


def test_tensorboard_has_it(tmp_path: Path) -> None:
    tensorboard = pytest.importorskip("torch.utils.tensorboard", reason="TensorBoard is not installed")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    with tensorboard.SummaryWriter(str(tmp_path)) as writer:
        write = tgi.torch.to_tensorboard(writer)
        for told in (*MOMENTS, EVENT):
            write(told)
    read = EventAccumulator(str(tmp_path)).Reload()
    assert set(read.Tags()["scalars"]) == set(numbers_of(MOMENTS[1]))
    assert [(one.step, one.value) for one in read.Scalars("tgi.gradient_rms/body.0")] == [(0, 0.25), (10, 0.25)]
    assert [(one.step, one.value) for one in read.Scalars("tgi/loss")] == [(10, 1.5)]
    (text,) = read.Tensors("tgi/event/text_summary")
    assert text.step == 10 and text.tensor_proto.string_val[0].decode() == str(EVENT)


@pytest.mark.parametrize("given", [True, False])
def test_weights_and_biases_has_it(tmp_path: Path, given: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Offline; the run that is active when it is asked for, unless one is given."""
    monkeypatch.setenv("WANDB_SILENT", "true")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        wandb = pytest.importorskip("wandb", reason="Weights & Biases is not installed")
        write = None if given else tgi.torch.to_wandb()
        if write is not None:
            with pytest.raises(RuntimeError, match="expected an active run"):
                write(EVENT)
        run = wandb.init(mode="offline", dir=str(tmp_path), project="test")
        write = tgi.torch.to_wandb(run) if write is None else write
        logged: list[dict[str, Any]] = []
        log = run.log
        monkeypatch.setattr(run, "log", lambda data: (logged.append(dict(data)), log(data)))
        for told in (*MOMENTS, EVENT):
            run.log({"theirs": 1})
            write(told)
        steps = run.step
        run.finish()
    ours = [row for row in logged if "theirs" not in row]
    assert ours[1] == {**numbers_of(MOMENTS[1]), "tgi/step": 10}
    assert ours[2] == {"tgi/event": str(EVENT), "tgi/step": 10}
    assert steps == 6  # no row of either side was dropped or overwritten
    (kept,) = tmp_path.rglob("run-*.wandb")
    raw = kept.read_bytes()
    assert b"tgi.gradient_rms" in raw and str(EVENT).encode() in raw and json.dumps(1).encode() in raw
