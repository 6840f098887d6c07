"""Other tools, each used as its own README says: what it prints or returns, without what it advises."""

from __future__ import annotations

import contextlib
import io
import json
import re
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from .case import Said, Training
from .settings import Setting
from .tools import ASKED, Tool, Watching


def first_batch(training: Training) -> tuple[Any, Tensor]:
    """What a tool is shown that is asked about one batch: 64 samples."""
    return training.x[:64], training.y[:64]


def printed(function: Callable[[], Any]) -> list[str]:
    """The lines that a function prints as issues."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        function()
    return [line.strip(" •") for line in out.getvalue().splitlines() if line.strip().startswith("•")]


def torchtest2(training: Training, s: Setting) -> list[Said]:
    import torchtest2 as tool

    x, y = first_batch(training)
    report = tool.check_model(training.model, x, y, loss_fn=training.loss, optimizer=training.optimizer)
    return [
        Said(result.name, result.message, result.status.name == "FAIL")
        for result in report.results
        if result.status.name in ("FAIL", "WARN")
    ]


def torchmortem(training: Training, s: Setting) -> list[Said]:
    from torchmortem import Autopsy

    with Autopsy(training.model, optimizer=training.optimizer) as autopsy:

        class Hooks(Watching):
            def after(self, step: int, loss: Tensor) -> object:
                return autopsy.step(loss=loss.item())

        training.run(s.steps, s.seed, Hooks())
    report = autopsy.get_report()
    return [
        Said(found.category, f"{found.title}: {found.summary} ({', '.join(found.affected_layers)})", found.severity > 0)
        for found in report.findings
    ]


def torchdiag(training: Training, s: Setting) -> list[Said]:
    import torchdiag as tool

    x, y = first_batch(training)
    said = [Said("dead", line) for line in printed(lambda: tool.check_dead_neurons(training.model, x))]

    class Hooks(Watching):
        def gradients(self, step: int, loss: Tensor) -> object:
            if step in (0, s.steps - 1):
                said.extend(
                    Said(line.split()[-1], line) for line in printed(lambda: tool.check_gradients(training.model))
                )
            return None

    verified = printed(lambda: tool.verify_step(training.model, training.optimizer, training.loss, x, y))
    training.run(s.steps, s.seed, Hooks())
    said += [Said("dead", line) for line in printed(lambda: tool.check_dead_neurons(training.model, x))]
    return [*(Said(line.split()[0], line) for line in verified), *said]


def traintools(training: Training, s: Setting) -> list[Said]:
    from traintools import BatchInspector, GradientHealthMonitor

    inspector = BatchInspector()
    health = GradientHealthMonitor(max_grad_norm=1.0)
    said: dict[str, Said] = {}

    def keep(lines: list[str]) -> None:
        for line in lines:
            # What it is about comes first; the rest is the kind of warning, without its numbers.
            word = re.sub(r"\(.*|[-+\d][-+.%\de]*", "", line.split(" ", 1)[1]).strip()
            said.setdefault(f"{line.split()[0]} {word}", Said(word, line))

    class Hooks(Watching):
        def before(self, step: int, x: Any, y: Tensor) -> object:
            return keep(inspector.inspect(x, y, step=step).warnings)

        def gradients(self, step: int, loss: Tensor) -> object:
            lr = training.optimizer.param_groups[0]["lr"]
            return keep(health.inspect(training.model, step=step, lr=lr).warnings)

    training.run(s.steps, s.seed, Hooks())
    return list(said.values())


def neural_observatory(training: Training, s: Setting) -> list[Said]:
    from neural_observatory import Observatory

    observatory = Observatory(training.model)
    observatory.watch()

    class Hooks(Watching):
        def before(self, step: int, x: Any, y: Tensor) -> object:
            return observatory.step(step=step, epoch=0)

    training.run(s.steps, s.seed, Hooks())
    observatory.stop()
    return [
        Said(result.analyzer_name, f"{result.layer_name}: {'; '.join(result.warnings)}")
        for result in observatory.report().warnings()
    ]


def torch_audit(training: Training, s: Setting) -> list[Said]:
    from torch_audit import autopatch

    auditor = autopatch(training.model, optimizer=training.optimizer, every_n_steps=10, reporters=[])
    try:
        training.run(s.steps, s.seed, Watching())
        result = auditor.finish(report=False)
    finally:
        auditor.unpatch()
    hints = "TA2"  # about hardware, not about the training
    return [
        Said(
            found.rule_id,
            f"{found.module_path or ''} {found.entity or ''}: {found.message}",
            found.severity.name != "INFO" and not found.rule_id.startswith(hints),
        )
        for found in result.findings
    ]


def ormas_monitor(training: Training, s: Setting) -> list[Said]:
    from ormas_monitor import Monitor

    with tempfile.TemporaryDirectory() as folder:
        monitor = Monitor(training.model, training.optimizer, out=folder, check_every=2, verbose=False)

        class Hooks(Watching):
            def gradients(self, step: int, loss: Tensor) -> object:
                return monitor.step(loss)

        training.run(s.steps, s.seed, Hooks())
        monitor.close()
        lines = [json.loads(line) for line in (Path(folder) / "diary.jsonl").read_text("utf-8").splitlines()]
    told = [line for line in lines if "severity" in line]
    return [Said(line["event"], in_short(line), line["severity"] != "info") for line in told]


def in_short(line: dict[str, Any]) -> str:
    """What an entry of a diary says, without what it is sealed with."""
    return ", ".join(f"{key} {value}" for key, value in line.items() if key not in ("seq", "time", "prev", "hash"))


def gradsnitch(training: Training, s: Setting) -> list[Said]:
    import gradsnitch as tool

    monitor = tool.watch(training.model, training.optimizer, check_every=50)

    class Hooks(Watching):
        def gradients(self, step: int, loss: Tensor) -> object:
            return monitor.log(step, loss.item())

    training.run(s.steps, s.seed, Hooks())
    return [Said(f.code, f"{f.name}: {f.evidence}; likely {f.likely_cause}") for f in monitor.report()]


def training_doctor(training: Training, s: Setting) -> list[Said]:
    from training_doctor import Doctor

    doctor = Doctor()
    doctor.set_auto_print(False)

    class Hooks(Watching):
        norm = 0.0

        def gradients(self, step: int, loss: Tensor) -> object:
            gradients = [p.grad.norm() for p in training.model.parameters() if p.grad is not None]
            self.norm = torch.stack(gradients).norm().item() if gradients else 0.0
            return None

        def after(self, step: int, loss: Tensor) -> object:
            lr = training.optimizer.param_groups[0]["lr"]
            return doctor.log(step=step, loss=loss.item(), lr=lr, grad_norm=self.norm)

    training.run(s.steps, s.seed, Hooks())
    return [
        Said(d.problem, f"{d.explanation} {'; '.join(str(e) for e in d.evidence)}", d.severity.name != "INFO")
        for d in doctor.diagnoses
    ]


def preflight(training: Training, s: Setting) -> list[Said]:
    from preflight.runner import run_checks
    from torch.utils.data import DataLoader, TensorDataset

    loader = DataLoader(TensorDataset(training.x[:ASKED], training.y[:ASKED]), batch_size=training.batch)
    results = run_checks(loader, training.model, training.loss)
    return [Said(r.name, r.message, r.severity.name != "INFO") for r in results if not r.passed]


def torcheck(training: Training, s: Setting) -> list[Said]:
    from torcheck.registry import Registry

    registry = Registry()
    registry.register(training.optimizer)
    said: list[Said] = []
    try:
        registry.add_module(training.model, module_name="model", changing=True, check_nan=True, check_inf=True)
        training.run(s.steps, s.seed, Watching())
    except RuntimeError as error:  # which is how it tells
        text = " ".join(str(error).split())
        words = ("belong", "should change", "should not", "NaN", "inf")
        said.append(Said(next((word for word in words if word in text), "error"), text))
    return said


PEERS = [
    Tool("torchtest2", torchtest2),
    Tool("torchmortem", torchmortem),
    Tool("torchdiag", torchdiag),
    Tool("traintools", traintools),
    Tool("neural-observatory", neural_observatory),
    Tool("torch-audit", torch_audit),
    Tool("ormas-monitor", ormas_monitor),
    Tool("gradsnitch", gradsnitch),
    Tool("training-doctor", training_doctor),
    Tool("preflight-ml", preflight),
    Tool("torcheck", torcheck),
]
