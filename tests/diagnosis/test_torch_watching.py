"""The monitor of trainings in PyTorch: no alarm of healthy ones, planted faults are found, and nothing is changed."""

from __future__ import annotations

import copy
import math
import random
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed")

import torch.nn.functional as F  # noqa: E402
from torch import nn  # noqa: E402

import tinygrad_init as tgi  # noqa: E402
import tinygrad_init.torch  # noqa: E402
from tinygrad_init.diagnosis.watching.torch_symptoms import Habits, is_constant, some  # noqa: E402
from tinygrad_init.diagnosis.watching.torch_tap import GradientTap  # noqa: E402

from .torch_models import Convolutional, Recurrent, Transformer, mlp  # noqa: E402
from .torch_trainings import (  # noqa: E402
    FAULTY,
    HEALTHY,
    LABELS,
    PROBED,
    ROWS,
    Training,
    adam,
    images,
    of,
    sequences,
    sgd,
)

SHORT, LONG, EVERY = 48, 480, 4


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize("probe", [True, False], ids=["probe", "alone"])
@pytest.mark.parametrize("name", HEALTHY)
def test_a_healthy_training_gives_no_alarm(name: str, probe: bool) -> None:
    """Neither in the first 48 steps nor in 480."""
    training = HEALTHY[name]()
    monitor = training.watched(LONG, probe, every=EVERY)
    assert np.mean(training.losses[-20:]) < 0.98 * np.mean(training.losses[:5])
    assert [str(event) for event in monitor.events if event.word != "converged"] == []


@pytest.mark.parametrize("probe", [True, False], ids=["probe", "alone"])
@pytest.mark.parametrize("name", FAULTY)
def test_a_planted_fault_is_found(name: str, probe: bool) -> None:
    """Within 48 steps, with its cause; that all samples are one class is so of many networks at first."""
    if name in PROBED and not probe:
        pytest.skip("what goes through the units is seen by a probe batch alone")
    make, word, said = FAULTY[name]
    monitor = make().watched(LONG if name == "collapsed" else SHORT, probe, every=EVERY)
    found = [event for event in monitor.events if event.word == word]
    assert any(said in event.text for event in found), [str(event) for event in monitor.events]
    assert all(event.spoken("zh") for event in monitor.events)


@pytest.mark.parametrize("name", ["no zero_grad", "decay", "dead", "annealed", "new head"])
def test_and_it_is_found_in_a_long_training_whose_looks_are_rationed(name: str) -> None:
    make, word, _ = FAULTY[name]
    assert word in [event.word for event in make().watched(LONG).events]


def test_clipping_is_found_in_a_short_training_whose_looks_are_rationed() -> None:
    make, word, said = FAULTY["always clipped"]
    note, *_ = [event for event in make().watched(SHORT).events if event.word == word]
    assert said in note.text and not note.fault


@pytest.mark.parametrize("by_value", [False, True])
def test_gradients_that_are_cut_to_nothing_are_a_fault(by_value: bool) -> None:
    """Where the loss does not fall; else clipping that always clips is worth to know."""
    clip = nn.utils.clip_grad_value_ if by_value else nn.utils.clip_grad_norm_
    for most, fault in ((1e-6, True), (0.3, False)):
        training = FAULTY["always clipped"][0]()
        parameters = list(training.model.parameters())
        training.after_backward = lambda step, parameters=parameters, most=most: clip(parameters, most)
        events = [event for event in training.watched(SHORT).events if event.word == "clipped"]
        assert any(event.fault for event in events) == fault, [str(event) for event in events]


def state_of(model: nn.Module) -> Any:
    return {
        "values": {name: value.clone() for name, value in model.state_dict().items()},
        "gradients": {name: p.grad is not None and p.grad.clone() for name, p in model.named_parameters()},
        "modes": [(module.training, sorted(vars(module))) for module in model.modules()],
        "hooks": [len(module._forward_hooks) + len(module._forward_pre_hooks) for module in model.modules()],
        "tensor hooks": [len(p._backward_hooks or ()) for p in model.parameters()],
    }


def chance() -> Any:
    return torch.get_rng_state(), random.getstate(), np.random.get_state()[1].tolist()  # noqa: NPY002


def same(a: Any, b: Any) -> bool:
    if isinstance(a, torch.Tensor):
        return isinstance(b, torch.Tensor) and torch.equal(a, b)
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(same, a, b))
    return bool(a == b)


@pytest.mark.parametrize("fails", [False, True])
@pytest.mark.parametrize(
    "make",
    [
        lambda: of(Convolutional(), adam, inputs=images),
        lambda: of(mlp(nn.ReLU, lambda: nn.Dropout(0.4))),
        lambda: of(Transformer(0.2), adam, inputs=sequences),
        lambda: of(Recurrent(), adam, inputs=sequences, after_backward=lambda step: random.random()),
    ],
    ids=["convolutional", "dropout", "transformer", "recurrent"],
)
def test_nothing_is_changed(make: Callable[[], Training], fails: bool) -> None:
    """Bit for bit: parameters, gradients, modes, hooks, the optimizer and random numbers; also after an error."""
    ends = []
    for watched in (False, True):
        torch.manual_seed(0), random.seed(0), np.random.seed(0)  # noqa: NPY002
        training = make()

        def stop(step: int) -> None:
            if fails and step == 30:
                raise KeyboardInterrupt

        training.after_step = stop
        try:
            if watched:
                training.watched(40, every=2)
            else:
                training.run(40)
        except KeyboardInterrupt:
            assert fails
        own = training.optimizers[0]
        hooks = len(own._optimizer_step_pre_hooks), len(own._optimizer_step_post_hooks)
        ends.append((state_of(training.model), own.state_dict(), hooks, chance()))
    assert same(*ends)


def test_hooks_of_the_owner_are_not_called_by_looks() -> None:
    training = of(Convolutional(), inputs=images)
    calls: list[int] = []
    training.model.two.register_forward_hook(lambda *_: calls.append(1))
    training.watched(20, every=1)
    assert len(calls) == 20


def test_what_the_owner_changes_the_twin_changes_too() -> None:
    """A module that is exchanged, a number, a parameter that is frozen."""
    training = of(mlp())
    with tgi.torch.watch(
        training.model, training.optimizer, ROWS[:64], LABELS[:64], "cross_entropy", every=1
    ) as monitor:
        training.run(3, monitor)
        training.model[1] = nn.LeakyReLU(0.3)
        training.model[1].negative_slope = 0.25
        training.model[0].weight.requires_grad_(False)
        training.run(3, monitor)
        twin = monitor.watch.probe.twin
        expected = F.cross_entropy(training.model(ROWS[monitor_rows(64)]), LABELS[monitor_rows(64)])
        assert monitor.watch.probe_loss() == pytest.approx(expected.item(), rel=1e-6)
        assert twin[1].negative_slope == 0.25 and not twin[0].weight.requires_grad


def monitor_rows(count: int) -> Any:
    return torch.arange(count)


def test_events_name_module_step_and_cause_begin_and_end() -> None:
    """A layer whose bias is moved far down by hand dies, and lives again when it is moved back."""
    training = of(mlp(), lambda m: sgd(m, 1e-3))
    model = training.model

    def push(step: int) -> None:
        if step in (10, 30):
            with torch.no_grad():
                model[2].bias.add_(-50.0 if step == 10 else 50.0)

    training.after_step = push
    told = [str(event) for event in training.watched(50, every=1).events]
    assert told[0].startswith("step 11, layer 2, 2: dead: 48 of 48 units, ")
    assert "killed after step 10 (unit" in told[0] and "its bias moved z by -50)" in told[0]
    assert any(line.startswith("step 32, layer 2, 2: dead: over after 21 steps") for line in told)


def test_notes_are_no_faults() -> None:
    for name, fault in (("dropout in evaluation", False), ("always clipped", False), ("later layer", True)):
        make, word, _ = FAULTY[name]
        (event, *_) = [event for event in make().watched(SHORT, every=EVERY).events if event.word == word]
        assert event.fault == fault
    # A normalization that has been trained may be held fixed on purpose.
    training = of(Convolutional(), inputs=images).run(5)
    training.model.norm1.eval()
    (event,) = training.watched(20, every=1).events
    assert (event.word, event.fault) == ("evaluating", False) and "norm1" in event.text and "not updated" in event.text


def test_the_first_module_that_overflows_is_named() -> None:
    class Growing(nn.Module):
        def forward(self, x: Any) -> Any:
            return x * self.by

        by = 1.0

    model = nn.Sequential(nn.Linear(64, 8), Growing(), nn.Linear(8, 10))
    training = of(model, lambda m: sgd(m, 1e-3))

    def grow(step: int) -> None:
        model[1].by = 1e39 if step == 10 else 1.0

    training.after_step = grow
    (event,) = training.watched(20, every=1).events
    assert (event.word, event.module, event.step) == ("not finite", "1", 12)
    assert "z of 1 overflows" in event.text


def test_a_bad_batch_is_not_laid_at_the_update_in_however_short_steps() -> None:
    model = nn.Linear(4, 3)
    optimizer = torch.optim.SGD(model.parameters(), 0.01)
    x, y = torch.randn(8, 4), torch.arange(8) % 3
    with tgi.torch.watch(model, optimizer, x, y, F.cross_entropy) as monitor:
        for step in range(200):
            optimizer.zero_grad()
            cost = F.cross_entropy(model(x * math.inf if step == 150 else x), y)
            cost.backward()
            optimizer.step()
            monitor.step(cost)
    (event,) = (event for event in monitor.events if event.word == "not finite")
    assert (event.step, event.said.key) == (151, "event.not finite.batch")


def test_batches_of_one_are_counted_and_gradients_of_a_closure_are_seen() -> None:
    x, y = ROWS[:64], LABELS[:64]
    model = mlp(nn.Tanh)
    optimizer = torch.optim.LBFGS(model.parameters(), 0.1)

    def closure() -> Any:
        optimizer.zero_grad()
        cost = F.cross_entropy(model(x), y)
        cost.backward()
        return cost

    with tgi.torch.watch(model, optimizer, x, y, F.cross_entropy, every=1) as monitor:
        for _ in range(8):
            monitor.step(optimizer.step(closure))
    assert monitor.events == [] and monitor.timeline[-1].step == 8


def test_several_inputs_and_integers_and_a_loss_by_name() -> None:
    class Two(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.table, self.out = nn.Embedding(5, 8), nn.Linear(8 + 4, 3)

        def forward(self, codes: Any, numbers: Any) -> Any:
            return {"logits": self.out(torch.cat([self.table(codes), numbers], 1)), "loss": None}

    codes, numbers, y = torch.arange(200) % 5, torch.randn(200, 4), torch.arange(200) % 3
    for x in ((codes, numbers), {"codes": codes.numpy(), "numbers": numbers.numpy()}):
        model = Two()
        optimizer = adam(model)
        with tgi.torch.watch(model, optimizer, x, y.numpy(), "cross_entropy", every=1) as monitor:
            for _ in range(5):
                optimizer.zero_grad()
                cost = F.cross_entropy(model(codes, numbers)["logits"], y)
                cost.backward()
                optimizer.step()
                monitor.step(cost)
        assert monitor.watch.samples == 64 and math.isfinite(monitor.probe) and monitor.events == []


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ({"x": ROWS}, ValueError, "x, y and loss, or none of them; got x alone"),
        ({"x": ROWS, "y": LABELS[:5], "loss": "mse"}, ValueError, "as many samples in x as in y"),
        ({"x": ROWS, "y": LABELS, "loss": "no loss"}, ValueError, "expected a loss out of"),
        ({"every": 0}, ValueError, "every 1 or more steps, got 0"),
        ({"model": 3}, TypeError, "expected a PyTorch module, got int"),
        ({"optimizer": 0.1}, TypeError, "expected an optimizer, got float"),
    ],
)
def test_what_is_wrong_is_said(given: dict[str, Any], error: type[Exception], message: str) -> None:
    model = mlp()
    with pytest.raises(error, match=message):
        tgi.torch.watch(**{"model": model, "optimizer": sgd(model), **given})


def test_a_model_that_cannot_be_copied_is_watched_without_a_probe() -> None:
    model = mlp()
    model.kept = model(ROWS[:2])  # part of a graph
    with pytest.raises(TypeError, match="cannot be copied .*; without x, y and loss it is watched"):
        tgi.torch.watch(model, sgd(model), ROWS, LABELS, "cross_entropy")
    with tgi.torch.watch(model, sgd(model)) as monitor:
        assert monitor.watch.samples == 0
    with pytest.raises(RuntimeError, match="inside `with"):
        monitor.step(1.0)


class TestTap:
    """What is in a gradient: what has come, what was left of earlier steps, and by what it was scaled."""

    @pytest.mark.parametrize(
        ("kept", "scale", "rows", "told"),
        [(0, 1, 0, 1), (0, 0.1, 0, 0.1), (1, 1, 3, 1), (1, 0.1, 3, 0.1), (0.5, 1, 0, 1)],
    )
    def test_it_is_found_out(self, kept: float, scale: float, rows: int, told: float) -> None:
        rng = np.random.default_rng(0)
        p = nn.Parameter(torch.zeros(4))
        tap = GradientTap()
        tap.attach([p])
        for _ in range(4):
            p.grad = None if p.grad is None else p.grad * kept
            (p * torch.from_numpy(rng.normal(size=4)).float()).sum().backward()
            p.grad *= scale
            tap.compare()
        tap.detach()
        assert tap.rows == rows and tap.scale == pytest.approx(told, rel=1e-4)
        assert not p._backward_hooks

    def test_gradients_that_always_point_the_same_way_tell_nothing(self) -> None:
        p = nn.Parameter(torch.zeros(4))
        tap = GradientTap()
        tap.attach([p])
        for _ in range(6):
            p.grad = None
            (p * torch.arange(4.0)).sum().backward()
            p.grad *= 2  # which looks like two steps
            tap.compare()
        tap.detach()
        assert tap.rows == 0


def test_a_rate_that_is_low_for_a_moment_is_no_end() -> None:
    habits = Habits()
    for step, rate in enumerate([0.0, 0.1, 1e-8, 1e-8, 0.1], 1):
        habits.rated(rate, step)
        assert habits.since == (3 if step in (3, 4) else None)


def test_constant_predictions() -> None:
    y = torch.tensor([0, 1, 2, 1])
    far = torch.tensor([[5.0, 0.0, 0.0]]).repeat(4, 1)
    assert is_constant(far, y)
    assert not is_constant(far + 5 * torch.randn(4, 3), y), "they depend on the input"
    assert not is_constant(torch.zeros(4, 3), y), "no class is ahead"
    assert not is_constant(far, torch.zeros(4, dtype=torch.long)) and not is_constant(far, y.float())
    assert not is_constant(far[:, :1], y) and not is_constant(None, y)
    assert [str(name) for name in some(["a", "b", "c", "d", "e"])] == ["a", "b", "c", "2 more"]


def test_a_copy_of_a_model_that_is_watched_has_no_hooks() -> None:
    training = of(Convolutional(), inputs=images)
    with tgi.torch.watch(training.model, training.optimizer) as monitor:
        training.run(2, monitor)
        copied = copy.deepcopy(monitor.watch.parameters["out.bias"])
        assert not copied._backward_hooks
