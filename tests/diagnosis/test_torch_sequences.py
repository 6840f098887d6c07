"""What goes wrong on sequences is called by its name: attention, states over time, masks and starts of transformers."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed")

import torch.nn.functional as F  # noqa: E402
from torch import nn  # noqa: E402

import tinygrad_init as tgi  # noqa: E402
from tests.diagnosis.test_torch_modules import Of  # noqa: E402
from tests.diagnosis.torch_zoo import NEXT, TEXT, WORDS, of_tokens  # noqa: E402

X, Y = TEXT[:24], NEXT[:24]


class Block(nn.Module):
    def __init__(self, width: int, heads: int, scale: str, masked: bool, fused: bool) -> None:
        super().__init__()
        self.heads, self.scale, self.masked, self.fused = heads, scale, masked, fused
        self.one, self.two = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.proj = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.wide, self.back = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def attend(self, q: Any, k: Any, v: Any) -> Any:
        root = math.sqrt(q.shape[-1])
        if self.fused:
            return F.scaled_dot_product_attention(
                q, k, v, is_causal=self.masked, scale=1.0 if self.scale == "none" else None
            )
        scores = (q / root) @ k.transpose(-1, -2) if self.scale == "queries" else q @ k.transpose(-1, -2)
        scores = scores / root if self.scale == "products" else scores
        if self.masked:
            mask = torch.ones(scores.shape[-2:], dtype=torch.bool).triu(1)
            scores = scores.masked_fill(mask, float("-inf"))
        return scores.softmax(-1) @ v

    def forward(self, x: Any) -> Any:
        q, k, v = (part.unflatten(-1, (self.heads, -1)).transpose(1, 2) for part in self.qkv(self.one(x)).chunk(3, -1))
        x = x + self.proj(self.attend(q, k, v).transpose(1, 2).flatten(2))
        return x + self.back(F.gelu(self.wide(self.two(x))))


class GPT(nn.Module):
    """As GPT-2: normalization first, weights of 0.02 (or PyTorch's own), a readout of its own or the embedding."""

    def __init__(
        self, width: int = 64, heads: int = 4, depth: int = 2, scale: str = "products", masked: bool = True,
        fused: bool = False, tied: bool = False, own_start: bool = True,
    ) -> None:  # fmt: skip
        super().__init__()
        torch.manual_seed(0)
        self.words, self.places = nn.Embedding(WORDS, width), nn.Embedding(16, width)
        self.blocks = nn.Sequential(*(Block(width, heads, scale, masked, fused) for _ in range(depth)))
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, WORDS, bias=False)
        for module in self.modules():
            if own_start and isinstance(module, nn.Linear | nn.Embedding):
                nn.init.normal_(module.weight, 0, 0.02)
            if own_start and isinstance(module, nn.Linear) and module.bias is not None:
                nn.init.zeros_(module.bias)
        if tied:
            self.head.weight = self.words.weight

    def forward(self, x: Any) -> Any:
        return self.head(self.norm(self.blocks(self.words(x) + self.places.weight[: x.shape[1]])))


def diagnosed(model: Any, x: Any = X, y: Any = Y, loss: Any = of_tokens) -> Any:
    return tgi.torch.diagnose(model, x, y, loss)


@pytest.mark.parametrize("width", [64, 256])
@pytest.mark.parametrize("fused", [False, True])
@pytest.mark.parametrize("scale", ["none", "products", "queries"])
def test_products_that_are_not_divided_by_the_root_of_the_width_are_named(width: int, fused: bool, scale: str) -> None:
    if fused and scale == "queries":
        pytest.skip("PyTorch's function divides products")
    report = diagnosed(GPT(width, 1, 1, scale=scale, fused=fused, own_start=False))
    (found,) = report.sequences.attention
    assert found.width == width and found.scale == pytest.approx(1.0 if scale == "none" else width**-0.5, rel=0.3)
    if scale == "none":
        assert (report.verdict.word, report.verdict.key) == ("saturated", "attention.unscaled"), str(report.verdict)
        assert "blocks.0" in str(report.verdict) and f"√{width}" in report.answers[-1].sentence
    else:
        assert report.verdict.word == "healthy" and found.entropy > 0.8 and found.logits < 1


def test_products_that_stay_small_without_it_are_no_fault() -> None:
    report = diagnosed(GPT(scale="none"))  # weights of 0.02 make products of a tenth
    assert report.sequences.attention[0].unscaled == pytest.approx(1, abs=0.1) and report.verdict.word == "healthy"


def test_entropy_is_that_of_the_weights_over_its_largest() -> None:
    def forward(m: Any, x: Any) -> Any:
        h = m.table(x)
        return m.out((m.sharp * h @ h.transpose(-1, -2)).softmax(-1) @ h)

    for sharp, expected in ((0.0, 1.0), (1e3, 0.0)):
        model = Of(forward, table=nn.Embedding(WORDS, 8), out=nn.Linear(8, WORDS))
        model.sharp = sharp
        with torch.no_grad():  # all words differ, and none is as near to another as to itself
            model.table.weight.copy_(
                F.normalize(torch.randn(WORDS, 8, generator=torch.Generator().manual_seed(0)), dim=1)
            )
        x = torch.stack([torch.randperm(WORDS, generator=torch.Generator().manual_seed(i))[:16] for i in range(8)])
        (found,) = diagnosed(model, x, x.flip(0)).sequences.attention
        assert found.entropy == pytest.approx(expected, abs=1e-3)


def test_the_stream_is_what_passes_by_the_branches() -> None:
    model = GPT(depth=3)
    passed: list[Any] = []
    for block in model.blocks:
        block.two.register_forward_hook(lambda _, x, __: passed.append(x[0]))
        block.register_forward_hook(lambda _, __, out: passed.append(out))
    model(X)
    stream = diagnosed(GPT(depth=3)).sequences.stream
    np.testing.assert_allclose(stream[-6:], [float(x.detach().square().mean().sqrt()) for x in passed], rtol=1e-4)


@pytest.mark.parametrize("fused", [False, True])
def test_a_target_that_can_be_read_off_is_told(fused: bool) -> None:
    verdict = diagnosed(GPT(masked=False, fused=fused)).verdict
    assert (verdict.word, verdict.key, verdict.numbers) == ("misfit", "fit.read_ahead", {"ahead": 1})
    assert diagnosed(GPT(fused=fused)).verdict.word == "healthy"
    same = diagnosed(GPT(fused=fused), X, X).verdict  # targets that nobody shifted, and a mask
    assert (same.key, same.numbers) == ("fit.read_again", {"behind": 0})
    before = diagnosed(GPT(fused=fused), X[:, 1:], X[:, :-1]).verdict  # shifted the wrong way
    assert (before.key, before.numbers) == ("fit.read_again", {"behind": 1})
    assert diagnosed(GPT(masked=False, fused=fused), X, X).verdict.word == "healthy"  # an autoencoder


def test_a_loss_that_shifts_the_targets_itself_is_understood() -> None:
    def shifting(logits: Any, y: Any) -> Any:
        return of_tokens(logits[:, :-1], y[:, 1:])

    assert diagnosed(GPT(), X, X, shifting).sequences.read_off is None
    assert diagnosed(GPT(masked=False), X, X, shifting).sequences.read_off == 1


def both_ways(both: bool) -> Any:
    torch.manual_seed(0)
    cells = nn.GRU(16, 16, batch_first=True, bidirectional=both)
    parts = {"table": nn.Embedding(WORDS, 16), "out": nn.Linear(16 * (1 + both), WORDS)}
    return Of(lambda m, x: m.out(m.cells(m.table(x))[0]), cells=cells, **parts)


def test_what_can_be_read_off_is_judged_by_derivatives() -> None:
    assert diagnosed(both_ways(True)).sequences.read_off == 1
    assert diagnosed(both_ways(False)).sequences.read_off is None


def of_the_first(kind: Any, steps: int, start: Any = None, size: float = 1.0) -> Any:
    torch.manual_seed(0)
    cells = kind(16, 32, batch_first=True)
    parts = {"table": nn.Embedding(8, 16), "out": nn.Linear(32, 8)}
    model = Of(lambda m, x: m.out(m.cells(size * m.table(x))[0][:, -1]), cells=cells, **parts)
    with torch.no_grad():
        if start is not None:
            start(cells)
    x = torch.randint(0, 8, (16, steps))
    return diagnosed(model, x, x[:, 0], F.cross_entropy)


def orthogonal(cells: Any) -> None:
    nn.init.orthogonal_(cells.weight_hh_l0)
    cells.bias_ih_l0.zero_()
    cells.bias_hh_l0.zero_()


def chrono(cells: Any) -> None:
    """Gates that are open for times up to the length (Tallec and Ollivier 2018)."""
    times = torch.log(1 + 199 * torch.rand(32))
    cells.bias_ih_l0[32:64] = times
    if len(cells.bias_ih_l0) == 128:
        cells.bias_ih_l0[:32] = -times


@pytest.mark.parametrize("kind", [nn.RNN, nn.LSTM, nn.GRU])
def test_what_forgets_the_first_of_many_steps_is_named(kind: Any) -> None:
    report = of_the_first(kind, 200)
    keys = [finding.key for answer in report.answers for finding in answer.findings]
    assert report.verdict.word == "vanishing" and "gradient.over_time" in keys, str(report.verdict)
    (found,) = report.sequences.recurrences
    assert found.name == "cells.weight_hh_l0" and found.steps == 199 and found.reach < -30
    assert math.isnan(found.forget) == (kind is not nn.LSTM)
    told = next(
        finding for answer in report.answers for finding in answer.findings if finding.key == "gradient.over_time"
    )
    assert "cells.weight_hh_l0" in told.reason


@pytest.mark.parametrize("kind", [nn.RNN, nn.LSTM, nn.GRU])
def test_a_short_sequence_is_not_accused(kind: Any) -> None:
    assert of_the_first(kind, 12).verdict.word == "healthy"


@pytest.mark.parametrize(
    ("kind", "start", "size"), [(nn.RNN, orthogonal, 0.01), (nn.LSTM, chrono, 1), (nn.GRU, chrono, 1)]
)
def test_a_start_that_remembers_is_not_accused(kind: Any, start: Any, size: float) -> None:
    report = of_the_first(kind, 200, start, size)
    (found,) = report.sequences.recurrences
    assert found.reach > -3 and report.verdict.key != "gradient.over_time"
    if start is orthogonal:
        assert found.radius == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("tied", [False, True])
@pytest.mark.parametrize("own_start", [False, True])
@pytest.mark.parametrize(("by", "word"), [(1.0, "healthy"), (1e-3, "vanishing"), (30.0, "exploding")])
@pytest.mark.parametrize("which", ["all", "matrices"])
def test_a_start_that_normalization_hides_is_named(
    tied: bool, own_start: bool, by: float, word: str, which: str
) -> None:
    model = GPT(depth=3, tied=tied, own_start=own_start)
    with torch.no_grad():
        if tied and not own_start:
            model.words.weight.mul_(0.02)
        for parameter in model.parameters():
            if which == "all" or parameter.ndim > 1:
                parameter.mul_(by)
    verdict = diagnosed(model).verdict
    assert verdict.word == word, str(verdict)
