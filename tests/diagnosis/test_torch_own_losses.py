"""Models that compute their loss themselves, as those of transformers do, told by a function such as `output.loss`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed")

import torch.nn.functional as F  # noqa: E402
from torch import Tensor, nn  # noqa: E402

import tinygrad_init as tgi  # noqa: E402
import tinygrad_init.torch  # noqa: E402
from tinygrad_init.diagnosis.fronts.torch_losses import loss_of  # noqa: E402
from tinygrad_init.diagnosis.fronts.torch_modules import run  # noqa: E402

SAMPLES, LENGTH, WORDS = 24, 6, 11


class Output(dict[str, Any]):
    """Entries that are attributes, too, as of transformers."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None


def own(output: Any, targets: Any) -> Tensor:
    loss: Tensor = output.loss
    return loss


class Causal(nn.Module):
    """Predicts the next word; also returns what its decoder has seen, on which the loss depends through it alone."""

    def __init__(self, aside: bool = False) -> None:
        super().__init__()
        self.table, self.hidden = nn.Embedding(WORDS, 16), nn.Linear(16, 16)
        self.head = nn.Linear(16, WORDS, bias=False)
        self.head.weight = self.table.weight
        self.aside = aside

    def forward(self, input_ids: Tensor, attention_mask: Tensor, labels: Tensor) -> Output:
        seen = torch.relu(self.hidden(self.table(input_ids) * attention_mask[..., None]))
        logits = self.head(seen)
        shifted = F.pad(labels, (0, 1), value=-100)[:, 1:]
        loss = F.cross_entropy(logits.view(-1, WORDS), shifted.reshape(-1), ignore_index=-100)
        if self.aside:
            loss = loss + self.hidden(seen).square().mean()
        return Output(loss=loss, logits=logits, seen=seen)


class Plain(nn.Module):
    """A classifier that may be given its labels."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(8, 16), nn.Tanh(), nn.Linear(16, 3))

    def forward(self, x: Tensor, labels: Tensor | None = None) -> Any:
        logits = self.body(x)
        return logits if labels is None else Output(loss=F.cross_entropy(logits, labels), logits=logits)


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def causal() -> tuple[Callable[..., nn.Module], dict[str, Tensor]]:
    torch.manual_seed(0)
    words = torch.randint(0, WORDS, (SAMPLES, LENGTH))
    mask = torch.ones(SAMPLES, LENGTH)
    mask[::3, 4:] = 0
    return Causal, {"input_ids": words, "attention_mask": mask, "labels": words.masked_fill(mask == 0, -100)}


def test_the_same_is_found_as_with_the_loss_outside() -> None:
    torch.manual_seed(0)
    model, x, y = Plain(), torch.randn(60, 8), torch.arange(60) % 3
    inside = tgi.torch.diagnose(model, {"x": x, "labels": y}, y, own)
    outside = tgi.torch.diagnose(model, {"x": x}, y, "cross_entropy")
    assert inside.loss == outside.loss and inside.fit.loss == outside.fit.loss == "cross_entropy"
    assert str(inside.verdict.reason) == str(outside.verdict.reason)
    for one, other in zip(inside.layers, outside.layers, strict=True):
        assert (one.name, one.z, one.dz, one.dw) == (other.name, other.z, other.dz, other.dw)


def test_predictions_are_the_last_on_the_way_to_the_loss(causal: Any) -> None:
    """Of a padded batch of a causal model: the gradient comes back through them as PyTorch has it."""
    make, batch = causal
    model = make()
    network = run(model, batch, batch["labels"], own, np.float64)
    assert network.output.shape == (SAMPLES, LENGTH, WORDS)
    logits = torch.from_numpy(network.output).requires_grad_()
    shifted = F.pad(batch["labels"], (0, 1), value=-100)[:, 1:]
    cost = F.cross_entropy(logits.reshape(-1, WORDS), shifted.reshape(-1))
    (expected,) = torch.autograd.grad(cost, logits)
    assert network.loss == pytest.approx(cost.item(), rel=1e-12)
    found, cotangent = network.loss_of(network.output)  # type: ignore[misc]
    assert found == network.loss and np.allclose(cotangent, expected.numpy(), rtol=1e-12, atol=0)


def test_the_targets_take_the_place_of_the_labels(causal: Any) -> None:
    """For other targets, also more of them, the loss is that of those."""
    make, batch = causal
    network = run(make(), batch, batch["labels"], own, np.float64)
    other = torch.randint(0, WORDS, (2 * SAMPLES, LENGTH))
    zeros = np.zeros((2 * SAMPLES, LENGTH, WORDS))
    found, cotangent = network.loss_of(zeros, targets=other)  # type: ignore[misc, call-arg]
    assert found == pytest.approx(np.log(WORDS))
    picked = np.take_along_axis(cotangent[:, :-1], other.numpy()[:, 1:, None], 2)
    assert np.all(picked < 0) and np.all(cotangent[:, -1] == 0)  # nothing comes after the last word


@pytest.mark.parametrize("shape", ["tuple", "namespace in a tuple"])
def test_several_predictions_are_met_where_the_loss_needs_them(shape: str) -> None:
    class Spans(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.both = nn.Linear(8, 2)

        def forward(self, x: Tensor, labels: Tensor) -> Any:
            start, end = self.both(x).unbind(-1)
            loss = F.cross_entropy(start, labels[:, 0]) + F.cross_entropy(end, labels[:, 1])
            return (loss, start, end) if shape == "tuple" else (loss, start, end, SimpleNamespace(other=1))

    x, y = torch.randn(12, 5, 8), torch.randint(0, 5, (12, 2))
    network = run(Spans(), {"x": x, "labels": y}, y, lambda output, _: output[0])
    assert network.output.shape == (12, 10) and network.loss_of is not None
    assert network.loss_of(network.output)[0] == pytest.approx(network.loss)


def test_a_loss_that_goes_past_the_predictions_is_refused(causal: Any) -> None:
    make, batch = causal
    with pytest.raises(TypeError, match=r"depends on hidden.weight in another way than through its predictions"):
        tgi.torch.diagnose(make(aside=True), batch, batch["labels"], own)


def test_a_model_with_a_loss_alone_is_refused(causal: Any) -> None:
    make, batch = causal

    class Alone(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = make()

        def forward(self, **batch: Tensor) -> Output:
            return Output(loss=self.inner(**batch).loss)

    with pytest.raises(TypeError, match="expected the model to return predictions, a row for each sample"):
        tgi.torch.diagnose(Alone(), batch, batch["labels"], own)


def test_everything_takes_it(causal: Any) -> None:
    """Steps ahead, a monitor, the assertions, and a recommendation with AdamW, whose table is tied to the head."""
    make, batch = causal
    model, labels = make(), batch["labels"]
    optimizer = torch.optim.AdamW(model.parameters(), 1e-2)
    report = tgi.torch.diagnose(model, batch, labels, own, optimizer=optimizer)
    assert "steps of AdamW" in str(report.verdict.reason)
    with tgi.torch.watch(model, optimizer, batch, labels, own, every=2) as monitor:
        for _ in range(20):
            optimizer.zero_grad()
            loss = model(**batch).loss
            loss.backward()
            optimizer.step()
            monitor.step(loss)
    assert not [event for event in monitor.events if event.fault] and len(monitor.timeline[-1].layers) == 2
    tgi.torch.assert_trains(make(), (batch, labels), own, optimizer=0.5)
    tgi.torch.assert_all_parameters_get_gradients(make(), (batch, labels), own)
    tgi.torch.assert_no_dead_units(make(), (batch, labels))
    fresh = make()
    found = tgi.torch.recommend(
        fresh, batch, labels, own, optimizer=torch.optim.AdamW(fresh.parameters(), 1e-2), steps=20, budget=1
    )
    assert found.setup.optimizer(fresh.parameters()).defaults["weight_decay"] == 0.01


@pytest.mark.parametrize("pack", [tuple, lambda pair: dict(zip(("loss", "logits"), pair, strict=True))])
def test_a_loss_that_comes_first_is_no_prediction(pack: Any) -> None:
    class Packed(Plain):
        def forward(self, x: Tensor, labels: Tensor | None = None) -> Any:
            found = super().forward(x, labels)
            return pack((found.loss, found.logits))

    torch.manual_seed(0)
    x, y = torch.randn(12, 8), torch.arange(12) % 3
    for loss in ("cross_entropy", lambda output, _: output[0] if isinstance(output, tuple) else output["loss"]):
        network = run(Packed(), {"x": x, "labels": y}, y, loss_of(loss))
        assert network.output.shape == (12, 3)
