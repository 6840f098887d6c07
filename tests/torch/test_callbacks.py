"""A monitor as a callback: what it sees is what a loop of one's own shows, and nothing of it stays behind."""

from __future__ import annotations

import logging
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed")

from torch import Tensor, nn  # noqa: E402
from torch.nn import functional as F  # noqa: E402

import tinygrad_init as tgi  # noqa: E402
import tinygrad_init.torch  # noqa: E402

DIGITS = tgi.data.digits()
X, Y = torch.from_numpy(DIGITS.x[:256] / 16).float(), torch.from_numpy(DIGITS.y[:256]).long()
BATCH, EPOCHS = 32, 3
STEPS = EPOCHS * len(X) // BATCH


def network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))


def dead_network() -> nn.Sequential:
    model = network()
    with torch.no_grad():
        model[0].bias.fill_(-1e3)
    return model


def seen_by_hand(parts: int = 1, clip: float = 0.0) -> list[Any]:
    """The gradients' sizes and losses of a loop of one's own on the same batches, looked at in every step."""
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    with tgi.torch.watch(model, optimizer, every=1) as monitor:
        for epoch in range(EPOCHS):
            for i, (x, y) in enumerate(zip(X.split(BATCH), Y.split(BATCH), strict=True)):
                loss = F.cross_entropy(model(x), y)
                (loss / parts).backward()
                if (i + 1) % parts == 0:
                    if clip:
                        nn.utils.clip_grad_norm_(model.parameters(), clip)
                    optimizer.step()
                    optimizer.zero_grad()
                monitor.step(loss, epoch)
    return [numbers(moment) for moment in monitor.timeline]


def numbers(moment: Any) -> Any:
    sizes = [(layer.gradient_rms, layer.weight_rms) for layer in moment.layers]
    return (
        moment.step,
        *(pytest.approx(v, rel=1e-5, nan_ok=True) for pair in sizes for v in pair),
        pytest.approx(moment.loss, rel=1e-5, nan_ok=True),
    )


def plain(moment: Any) -> Any:
    return moment.step, *(v for layer in moment.layers for v in (layer.gradient_rms, layer.weight_rms)), moment.loss


def hooks(model: nn.Module, *optimizers: Any) -> int:
    found = [len(m._forward_hooks) + len(m._forward_pre_hooks) for m in model.modules()]
    found += [len(p._backward_hooks or ()) for p in model.parameters()]
    return sum(found) + sum(len(one._optimizer_step_pre_hooks) for one in optimizers)


def test_nothing_is_imported_unless_it_is_used_and_a_missing_one_is_named() -> None:
    code = """
import sys
import tinygrad_init as tgi
tgi.torch
frameworks = ("lightning", "pytorch_lightning", "transformers", "wandb", "tensorboard")
assert not any(name in sys.modules for name in frameworks)
sys.modules.update(dict.fromkeys(frameworks))
for make in (lambda: tgi.torch.LightningCallback, lambda: tgi.torch.TrainerCallback, tgi.torch.to_wandb):
    try:
        make()
    except ImportError as error:
        print(error)
from tinygrad_init.torch import *
assert not hasattr(tgi.torch, "KerasCallback")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.splitlines() == [
        "LightningCallback needs Lightning: pip install 'tinygrad_init[lightning]'",
        "TrainerCallback needs transformers: pip install 'tinygrad_init[transformers]'",
        "to_wandb needs Weights & Biases: pip install wandb",
    ], done.stderr


class Wrapping(torch.optim.Optimizer):
    """An optimizer around another, as accelerate has them: it does not step with every step."""

    def __init__(self, optimizer: Any, parts: int) -> None:
        self.optimizer, self.parts, self.steps = optimizer, parts, 0

    @property
    def param_groups(self) -> Any:
        return self.optimizer.param_groups

    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        self.steps += 1
        if self.steps % self.parts == 0:
            self.optimizer.step()
            self.optimizer.zero_grad()


@pytest.mark.parametrize("way", ["named", "in its place", "wrapped", "wrapped in parts"])
def test_gradients_are_those_of_the_step(way: str) -> None:
    """Also where a closure computes them inside of it, or the step is another optimizer's."""
    model, parts = network(), 4 if way == "wrapped in parts" else 1
    inner: Any = torch.optim.SGD(model.parameters(), 0.1)
    optimizer = Wrapping(inner, parts) if "wrapped" in way else inner
    with tgi.torch.watch(model, optimizer, every=1) as monitor:
        for epoch in range(EPOCHS):
            for x, y in zip(X.split(BATCH), Y.split(BATCH), strict=True):

                def closure(x: Tensor = x, y: Tensor = y) -> Tensor:
                    if "wrapped" not in way:
                        inner.zero_grad()
                    loss = F.cross_entropy(model(x), y)
                    (loss / parts).backward()
                    return loss

                if "wrapped" in way:
                    loss = closure()
                    optimizer.step()
                else:
                    loss = optimizer.step(closure=closure) if way == "named" else optimizer.step(closure)
                monitor.step(loss, epoch)
    expected = seen_by_hand(parts)
    assert [plain(moment) for moment in monitor.timeline] == expected and len(expected) == 1 + STEPS // parts
    assert not [event for event in monitor.events if event.fault] and hooks(model, inner) == 0


def test_an_optimizer_that_tries_several_steps_gives_no_alarm() -> None:
    """L-BFGS calls its closure again and again."""
    model, calls = network(), list[int]()
    optimizer = torch.optim.LBFGS(model.parameters(), lr=0.1, max_iter=4)

    def closure() -> Tensor:
        calls.append(1)
        optimizer.zero_grad()
        loss = F.cross_entropy(model(X), Y)
        loss.backward()
        return loss

    with tgi.torch.watch(model, optimizer, X[:64], Y[:64], "cross_entropy", every=1) as monitor:
        for _ in range(20):
            monitor.step(optimizer.step(closure))
    assert monitor.steps == 20 and len(calls) > 40
    assert [str(event) for event in monitor.events if event.word != "converged"] == []


# Lightning


@pytest.fixture(params=["pytorch_lightning", "lightning.pytorch"])
def lightning(request: pytest.FixtureRequest) -> Iterator[Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what it says to itself
        yield pytest.importorskip(request.param, reason="Lightning is not installed")


def fitted(lightning: Any, callback: Any, model: Any = None, automatic: bool = True, **options: Any) -> Any:
    class Module(lightning.LightningModule):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.body = network() if model is None else model
            self.automatic_optimization = automatic

        def forward(self, x: Tensor) -> Any:
            return self.body(x)

        def training_step(self, batch: Any, index: int) -> Any:
            loss = F.cross_entropy(self.body(batch[0]), batch[1])
            if options.get("fails_at") == self.global_step:
                raise RuntimeError("planted")
            if not automatic:
                optimizer = self.optimizers()
                optimizer.zero_grad()
                self.manual_backward(loss)
                optimizer.step()
            return loss

        def validation_step(self, batch: Any, index: int) -> Any:
            return F.cross_entropy(self.body(batch[0]), batch[1])

        def configure_optimizers(self) -> Any:
            return torch.optim.SGD(self.parameters(), 0.1)

    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(X, Y), BATCH)
    module = Module()
    trainer = lightning.Trainer(
        max_epochs=EPOCHS, callbacks=[callback], enable_progress_bar=False, enable_model_summary=False,
        enable_checkpointing=False, accelerator="cpu",
        **{"logger": False, **{key: value for key, value in options.items() if key != "fails_at"}},
    )  # fmt: skip
    try:
        trainer.fit(module, loader, loader)
    finally:
        module.hooks = hooks(module, *trainer.optimizers)
        callback.left = module.hooks
    return trainer


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ({}, {}),
        ({"parts": 4}, {"accumulate_grad_batches": 4}),
        ({"clip": 0.1}, {"gradient_clip_val": 0.1}),
        ({}, {"automatic": False}),
    ],
    ids=["plain", "accumulated", "clipped", "manual"],
)
def test_in_lightning_the_same_is_seen_as_in_a_loop(lightning: Any, ours: Any, theirs: Any) -> None:
    """Gradients of the step itself, though Lightning computes them inside of the optimizer's step."""
    callback = tgi.torch.LightningCallback(every=1)
    assert isinstance(callback, lightning.Callback)
    fitted(lightning, callback, **theirs)
    expected = seen_by_hand(**ours)
    assert len(expected) == 1 + STEPS // ours.get("parts", 1)
    assert [plain(moment) for moment in callback.timeline] == expected
    assert callback.left == 0


def test_in_lightning_an_exception_leaves_no_hook(lightning: Any) -> None:
    callback = tgi.torch.LightningCallback(X[:32], Y[:32], "cross_entropy", every=1)
    with pytest.raises(RuntimeError, match="planted"):
        fitted(lightning, callback, fails_at=5)
    assert callback.monitor.steps == 5 and callback.left == 0


def test_lightning_s_loggers_hear_of_it(lightning: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    home = lightning.Trainer.__module__
    logging.getLogger(home.removesuffix(".trainer.trainer")).propagate = True
    told: list[Any] = []
    callback = tgi.torch.LightningCallback(X[:32], Y[:32], "cross_entropy", every=4, on_event=told.append)
    logger = lightning.loggers.CSVLogger(tmp_path)
    with caplog.at_level(logging.INFO, logger=home):
        fitted(lightning, callback, dead_network(), logger=logger)
    assert told == callback.events and {"dead"} <= {event.word for event in told}
    assert [record.getMessage() for record in caplog.records if record.name == home] == [str(event) for event in told]
    (table,) = tmp_path.rglob("metrics.csv")
    columns = table.read_text().splitlines()[0].split(",")
    assert {"tgi/event/dead", "tgi.gradient_rms/body.0", "tgi.dead/body.0"} <= set(columns)


def test_in_lightning_a_step_without_a_loss_is_said(lightning: Any) -> None:
    class Silent(lightning.LightningModule):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.body, self.automatic_optimization = network(), False

        def training_step(self, batch: Any, index: int) -> None:
            optimizer = self.optimizers()
            self.manual_backward(F.cross_entropy(self.body(batch[0]), batch[1]))
            optimizer.step()

        def configure_optimizers(self) -> Any:
            return torch.optim.SGD(self.parameters(), 0.1)

    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(X, Y), BATCH)
    trainer = lightning.Trainer(
        max_epochs=1, callbacks=[tgi.torch.LightningCallback()], logger=False, enable_progress_bar=False,
        enable_model_summary=False, enable_checkpointing=False, accelerator="cpu",
    )  # fmt: skip
    with pytest.warns(UserWarning, match="expected training_step to return the loss"):
        trainer.fit(Silent(), loader)


# transformers


@pytest.fixture
def transformers() -> Iterator[Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pytest.importorskip("accelerate", reason="accelerate is not installed")
        yield pytest.importorskip("transformers", reason="transformers is not installed")


class Classifier(nn.Module):
    """As transformers have them: the loss comes out beside the logits."""

    def __init__(self, body: nn.Module, fails_at: int = -1, silent: bool = False) -> None:
        super().__init__()
        self.body, self.fails_at, self.silent, self.calls = body, fails_at, silent, 0

    def forward(self, x: Tensor, labels: Tensor) -> Any:
        self.calls += self.training
        if self.calls == self.fails_at:
            raise RuntimeError("planted")
        logits = self.body(x)
        loss = F.cross_entropy(logits, labels)
        return {"out": loss, "logits": logits} if self.silent else {"loss": loss, "logits": logits}


def trained(transformers: Any, folder: Path, callback: Any, model: nn.Module, **options: Any) -> Any:
    rows = [{"x": x, "labels": y} for x, y in zip(X, Y, strict=True)]
    arguments = transformers.TrainingArguments(
        output_dir=str(folder), per_device_train_batch_size=BATCH, num_train_epochs=EPOCHS, report_to=[],
        save_strategy="no", logging_steps=1, max_grad_norm=0.0, use_cpu=True, disable_tqdm=True, **options,
    )  # fmt: skip

    class InOrder(transformers.Trainer):  # type: ignore[misc]
        def _get_train_sampler(self, *args: Any) -> Any:
            return torch.utils.data.SequentialSampler(self.train_dataset)

        def compute_loss(self, model: Any, inputs: Any, return_outputs: bool = False, **kwargs: Any) -> Any:
            out = model(**inputs)
            loss = out["out"] if "out" in out else out["loss"]
            return (loss, out) if return_outputs else loss

    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    constant = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1.0)
    trainer = InOrder(
        model, arguments, train_dataset=rows, eval_dataset=rows, callbacks=[callback], optimizers=(optimizer, constant)
    )
    trainer.train()
    return trainer


@pytest.mark.parametrize("parts", [1, 4])
def test_in_transformers_the_same_is_seen_as_in_a_loop(transformers: Any, tmp_path: Path, parts: int) -> None:
    callback = tgi.torch.TrainerCallback(every=1)
    model = Classifier(network())
    trainer = trained(transformers, tmp_path, callback, model, gradient_accumulation_steps=parts, eval_strategy="epoch")
    expected = seen_by_hand(parts)
    assert len(expected) == 1 + STEPS // parts
    assert [plain(moment) for moment in callback.timeline] == expected
    # And its losses are those that the trainer has logged.
    logged = [row["loss"] for row in trainer.state.log_history if "loss" in row]
    assert [moment.loss for moment in callback.timeline[1:]] == pytest.approx(logged, rel=1e-3)
    assert hooks(model, trainer.optimizer.optimizer) == 0


def test_losses_that_are_shares_of_a_step_are_added_up(transformers: Any, tmp_path: Path) -> None:
    """Models of transformers are told how many targets all batches of a step have."""
    ids = torch.randint(0, 32, (32, 8), generator=torch.Generator().manual_seed(0))
    rows = [{"input_ids": row, "labels": row} for row in ids]
    arguments = transformers.TrainingArguments(
        output_dir=str(tmp_path), per_device_train_batch_size=4, gradient_accumulation_steps=4, num_train_epochs=2,
        report_to=[], save_strategy="no", logging_steps=1, use_cpu=True, disable_tqdm=True,
    )  # fmt: skip
    config = transformers.LlamaConfig(
        vocab_size=32, hidden_size=16, intermediate_size=32, num_hidden_layers=1, num_attention_heads=2
    )
    callback = tgi.torch.TrainerCallback(every=1)
    model = transformers.LlamaForCausalLM(config)
    trainer = transformers.Trainer(model, arguments, train_dataset=rows, callbacks=[callback])
    trainer.train()
    logged = [row["loss"] for row in trainer.state.log_history if "loss" in row]
    assert len(logged) == 4
    assert [moment.loss for moment in callback.timeline[1:]] == pytest.approx(logged, rel=1e-3)


def test_in_transformers_events_are_logged(transformers: Any, tmp_path: Path) -> None:
    told: list[Any] = []
    probe = {"x": X[:32], "labels": Y[:32]}
    callback = tgi.torch.TrainerCallback(probe, Y[:32], lambda output, _: output["loss"], every=4, on_event=told.append)
    trainer = trained(transformers, tmp_path, callback, Classifier(dead_network()))
    rows = [row for row in trainer.state.log_history if "tgi/event" in row]
    assert [row["tgi/event"] for row in rows] == [str(event) for event in told]
    assert "dead" in {event.word for event in told} and [row["step"] for row in rows] == [e.step for e in told]


def test_in_transformers_an_exception_leaves_no_hook(transformers: Any, tmp_path: Path) -> None:
    """Used as a context; without, what is left goes when the next training begins."""
    model = Classifier(network(), fails_at=6)
    callback = tgi.torch.TrainerCallback(every=1)
    with pytest.raises(RuntimeError, match="planted"), callback:
        trained(transformers, tmp_path, callback, model)
    (optimizer,) = callback.monitor.watch.optimizers
    assert callback.monitor.steps == 5 and hooks(model, optimizer) == 0
    again = Classifier(network(), fails_at=6)
    with pytest.raises(RuntimeError, match="planted"):
        trained(transformers, tmp_path, callback, again)
    assert hooks(again) > 0
    trained(transformers, tmp_path, callback, again)
    assert hooks(again) == 0


def test_in_transformers_a_model_without_a_loss_is_said(transformers: Any, tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="expected a model that returns its loss"):
        trained(transformers, tmp_path, tgi.torch.TrainerCallback(), Classifier(network(), silent=True))
