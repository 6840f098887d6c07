"""What people build with PyTorch: whatever trains is called healthy, and a planted fault is called by its name."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed")

import torch.nn.functional as F  # noqa: E402
from torch import nn  # noqa: E402
from torch.utils.checkpoint import checkpoint  # noqa: E402

import tinygrad_init as tgi  # noqa: E402
from tests.diagnosis.test_torch_modules import Of, by_way_of_links  # noqa: E402
from tests.diagnosis.torch_zoo import (  # noqa: E402
    DIGITS,
    HEALTHY,
    NEXT,
    ROWS,
    SMALL,
    TEXT,
    WORDS,
    Case,
    adam,
    autoencoder,
    dense,
    digit_case,
    encoder,
    gpt2,
    of_tokens,
    recurrent,
    unet,
    vision,
)
from tinygrad_init.diagnosis import torch_diagnosing  # noqa: E402
from tinygrad_init.diagnosis.fronts.torch_modules import run  # noqa: E402
from tinygrad_init.diagnosis.measures.guess import best_constant_loss  # noqa: E402

QUICK = ("U-Net", "autoencoder", "packed", "autocast", "slow averages", "bfloat16")


def diagnosed(case: Callable[[], Case], steps: bool = True) -> Any:
    torch.manual_seed(0)
    model, x, y, loss, optimizer = case()
    return tgi.torch.diagnose(model, x, y, loss, optimizer=optimizer if steps else None)


@pytest.mark.parametrize("steps", [False, True])
@pytest.mark.parametrize(
    "name", [name if name in QUICK else pytest.param(name, marks=pytest.mark.nightly) for name in HEALTHY]
)
def test_what_trains_is_healthy(name: str, steps: bool) -> None:
    report = diagnosed(HEALTHY[name], steps)
    assert report.verdict.word == "healthy", str(report.verdict)


def changed(case: Callable[[], Case], change: Callable[[Any], None]) -> Callable[[], Case]:
    def made() -> Case:
        model, *rest = case()
        with torch.no_grad():
            change(model)
        return model, *rest

    return made


def scaled(by: float) -> Callable[[Any], None]:
    return lambda model: [parameter.mul_(by) for parameter in model.parameters()] and None


def zeroed(name: str) -> Callable[[Any], None]:
    return lambda model: [parameter.zero_() for parameter in model.get_submodule(name).parameters()] and None


def with_rate(case: Callable[[], Case], lr: float) -> Callable[[], Case]:
    return lambda: (*case()[:4], adam(lr))


def convolutions() -> Case:
    parts = [nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.Conv2d(16, 16, 3, padding=1), nn.ReLU()]
    return nn.Sequential(*parts, nn.Flatten(), nn.Linear(1024, 10)), SMALL, DIGITS, F.cross_entropy, adam()


def tied_embedding() -> Case:
    def forward(m: Any, x: Any) -> Any:
        stream = m.table(x)  # which carries each word's own embedding up to the logits
        return m.norm(stream + m.inner(stream)) @ m.table.weight.T

    parts = {"table": nn.Embedding(WORDS, 256), "inner": nn.Linear(256, 256), "norm": nn.LayerNorm(256)}
    return Of(forward, **parts), TEXT, NEXT, of_tokens, adam()


def before_the_loss(function: Callable[[Any], Any]) -> Callable[[], Case]:
    return lambda: digit_case(Of(lambda m, x: function(m.inner(x)), inner=dense()))


# A case, what it is called, and the module that is named, if any.
FAULTS: dict[str, tuple[Callable[[], Case], set[str], str]] = {
    "too large a start": (changed(unet, scaled(10)), {"exploding"}, ""),
    "zeros in the middle": (changed(convolutions, zeroed("2")), {"symmetric"}, "2"),
    "zeros in the decoder": (changed(autoencoder, zeroed("decoder")), {"symmetric"}, "decoder"),
    "dead units": (changed(convolutions, lambda m: m[2].bias.fill_(-10)), {"dead"}, "2"),
    "twenty sigmoids": (lambda: digit_case(dense(20, nn.Sigmoid)), {"vanishing", "lost"}, ""),
    "softmax before the loss": (before_the_loss(lambda z: z.softmax(-1)), {"misfit"}, ""),
    "softmax before the loss of each word": (
        lambda: (
            Of(lambda m, x: m.out(m.table(x)).softmax(-1), table=nn.Embedding(WORDS, 64), out=nn.Linear(64, WORDS)),
            TEXT,
            NEXT,
            of_tokens,
            adam(),
        ),
        {"misfit"},
        "",
    ),
    "softmax before the loss of each pixel": (
        lambda: (
            nn.Sequential(nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.Conv2d(16, 3, 1), nn.Softmax(1)),
            SMALL,
            (SMALL[:, 0] > 0.5).long() + (SMALL[:, 0] > 1),
            F.cross_entropy,
            adam(),
        ),
        {"misfit"},
        "",
    ),
    "targets in a row, predictions in a column": (
        lambda: (
            nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 1)),
            ROWS,
            DIGITS.float() / 5,
            F.mse_loss,
            adam(),
        ),
        {"misfit"},
        "",
    ),
    "targets of other samples": (
        lambda: (dense(), ROWS, DIGITS.roll(1), F.cross_entropy, adam(3e-3)),
        {"misfit", "stalled", "slow"},
        "",
    ),
    "steps a thousand times too large": (with_rate(unet, 1.0), {"overshooting"}, ""),
}
NIGHTLY_FAULTS: dict[str, tuple[Callable[[], Case], set[str], str]] = {
    "recurrent, steps too large": (with_rate(lambda: recurrent(nn.LSTM), 10.0), {"overshooting"}, ""),
    "GPT-2, steps too large": (with_rate(gpt2, 1.0), {"overshooting"}, ""),
    "dead ResNet": (changed(lambda: vision("resnet18"), lambda m: m.bn1.bias.fill_(-10)), {"dead"}, "conv1"),
}


@pytest.mark.filterwarnings("ignore:Using a target size")  # which is one of the faults
@pytest.mark.parametrize("name", [*FAULTS, *(pytest.param(name, marks=pytest.mark.nightly) for name in NIGHTLY_FAULTS)])
def test_a_planted_fault_is_called_by_its_name(name: str) -> None:
    case, words, module = (FAULTS | NIGHTLY_FAULTS)[name]
    report = diagnosed(case)
    assert report.verdict.word in words, str(report.verdict)
    if module:
        assert report.layers[report.verdict.layer - 1].name == module


class Doubled(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        return 2 * x

    @staticmethod
    def backward(ctx: Any, gradient: Any) -> Any:
        return 2 * gradient


def differentiated(m: Any, x: Any) -> Any:
    x = x.clone().requires_grad_()
    return torch.autograd.grad(m.inner(x).sum(), x, create_graph=True)[0]


def by_input(predictions: Any, y: Any) -> Any:
    (slope,) = torch.autograd.grad(predictions.sum(), y, create_graph=True)
    return (slope**2).mean()


def wrapped(function: Callable[[Any, Any], Any]) -> Any:
    return Of(function, inner=dense())


@pytest.mark.parametrize(
    ("model", "loss", "error", "says"),
    [
        (lambda: wrapped(lambda m, x: Doubled.apply(m.inner(x)) / 2), F.cross_entropy, TypeError, "DoubledBackward"),
        (lambda: wrapped(lambda m, x: 1 * checkpoint(m.inner, 1 * x.requires_grad_(), use_reentrant=True)),
         F.cross_entropy, TypeError, "use_reentrant=False"),
        (lambda: wrapped(lambda m, x: torch.fft.rfft(m.inner(x)).abs()), F.cross_entropy, TypeError, "complex"),
        (lambda: wrapped(differentiated), F.mse_loss, TypeError, "the model differentiates what it computes itself"),
        (dense, by_input, TypeError, "the loss differentiates the predictions by their input"),
        (lambda: torch.jit.script(dense()), F.cross_entropy, TypeError, "hand over the one that this was scripted"),
        (lambda: nn.Sequential(nn.LazyLinear(4)), F.cross_entropy, ValueError, "all its parameters; call it once"),
        (lambda: wrapped(lambda m, x: m.inner(x).mean()), lambda p, y: p, TypeError, "a row for each sample, got one"),
        (lambda: wrapped(lambda m, x: (m.inner(x).mean(), m.inner(x))), lambda p, y: p[0], TypeError,
         "a loss that the model computes itself has to be handed over as a function"),
        (lambda: wrapped(lambda m, x: {"a": m.inner(x)}), lambda p, y: p.shape["a"], TypeError,
         "the loss takes neither what the model returns, dict"),
    ],
)  # fmt: skip
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore:Lazy modules", "ignore:None of the inputs")
def test_what_cannot_be_followed_is_said_in_a_sentence(model: Any, loss: Any, error: Any, says: str) -> None:
    with pytest.raises(error, match=says) as raised:
        tgi.torch.diagnose(model(), ROWS[:20], DIGITS[:20], loss)
    assert "\n" not in str(raised.value)


def test_logits_of_a_tied_embedding_of_size_1_are_too_large() -> None:
    verdict = diagnosed(tied_embedding, steps=False).verdict
    assert verdict.word == "exploding" and verdict.key in ("signal.loud", "signal.growing")


def test_an_optimizer_of_a_copy_is_refused() -> None:
    model, x, y, loss, optimizer = unet()
    with pytest.raises(ValueError, match="holds none of this model's parameters"):
        tgi.torch.diagnose(model, x, y, loss, optimizer=optimizer(copy.deepcopy(model).parameters()))


def test_a_loss_of_all_that_is_returned_has_all_its_ways_back() -> None:
    torch.manual_seed(0)
    model, x, y, loss, _ = autoencoder()
    network = run(model, x[:20], y[:20], loss, np.float64)
    found = by_way_of_links(network)
    assert set(found) == set(network.gradients)  # also what the loss alone asks of means and variances
    for name, gradient in found.items():
        np.testing.assert_allclose(gradient, network.gradients[name], rtol=1e-8, atol=1e-12)


def test_linear_maps_by_addmm_are_linear_maps() -> None:
    def forward(m: Any, x: Any) -> Any:
        return torch.addmm(m.other, torch.addmm(m.bias, x, m.weight).tanh(), m.last)

    model = Of(forward)
    for name, shape in {"weight": (64, 5), "bias": (5,), "last": (5, 10), "other": (10,)}.items():
        model.register_parameter(name, nn.Parameter(torch.randn(shape) / 8))
    network = run(model, ROWS[:9], DIGITS[:9], F.cross_entropy, np.float64)
    layers = [(link.matrix.name, link.bias.name, len(link.by_unit(link.matrix.values))) for link in network.linears()]
    assert layers == [("weight", "bias", 5), ("last", "other", 10)]
    for name, gradient in by_way_of_links(network).items():
        np.testing.assert_allclose(gradient, network.gradients[name], rtol=1e-8, atol=1e-12)


def test_copied_blocks_of_a_transformer_are_no_fault() -> None:
    report = diagnosed(encoder, steps=False)
    assert report.verdict.word == "healthy" and not report.same_draws


@pytest.mark.parametrize("axis", [1, 2])
def test_guessing_of_sequences_is_the_entropy_of_their_classes(axis: int) -> None:
    targets = NEXT[:40]
    shape = (40, WORDS, 16) if axis == 1 else (40, 16, WORDS)

    def loss(predictions: Any) -> tuple[float, Any]:
        leaf = torch.from_numpy(np.array(predictions)).requires_grad_()
        cost = F.cross_entropy(leaf if axis == 1 else leaf.transpose(1, 2), targets)
        return cost.item(), torch.autograd.grad(cost, leaf)[0].numpy()

    shares = np.bincount(targets.numpy().ravel(), minlength=WORDS) / targets.numel()
    entropy = -float(np.sum(shares[shares > 0] * np.log(shares[shares > 0])))
    assert best_constant_loss(loss, targets.numpy(), shape) == pytest.approx(entropy, rel=1e-6)


def test_guessing_takes_more_samples_than_are_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch_diagnosing, "HELD", 1e3)
    report = diagnosed(lambda: digit_case(dense()), steps=False)
    shares = np.bincount(DIGITS.numpy()) / len(DIGITS)
    assert report.samples < len(DIGITS) // 10
    assert report.guess == pytest.approx(-float(np.sum(shares * np.log(shares))), rel=1e-6)


def test_memory_bounds_the_samples_that_are_looked_at() -> None:
    assert len(torch_diagnosing.enough(1.0, 1e6, 5000, [])) == int(torch_diagnosing.HELD / 1e6)
    assert len(torch_diagnosing.enough(1e12, 1.0, 5000, [])) == torch_diagnosing.FEWEST
    assert len(torch_diagnosing.enough(1.0, 1e12, 5000, [])) == torch_diagnosing.LEAST
    assert len(torch_diagnosing.enough(1.0, 1.0, 5000, [])) == 5000
