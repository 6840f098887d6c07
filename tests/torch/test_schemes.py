"""Which start a tensor comes from, told by its numbers alone."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed")

from torch import nn  # noqa: E402

import tinygrad_init as tgi  # noqa: E402
from tinygrad_init.torch.moments import moments, sample  # noqa: E402
from tinygrad_init.torch.schemes import NORMAL, TRUNCATED, UNIFORM, Law, chance_of, errors_of  # noqa: E402

from .starts import GENERATED, SHAPES, STARTS  # noqa: E402

SEEDS = 5


def scheme_of(tensor: Any, name: str = "layer.weight") -> Any:
    (found,) = tgi.torch.audit({name: tensor}).parameters
    return found.scheme


def names_of(scheme: Any) -> set[str]:
    """All that a scheme is called; None is called nothing."""
    if scheme is None:
        return set()
    return {{"dirac": "identity"}.get(scheme.name, scheme.name), *(label.split()[0] for label in scheme.also)}


@pytest.mark.parametrize("start", STARTS)
def test_every_start_of_pytorch_is_recognized_over_seeds_and_shapes(start: str) -> None:
    """19 of 20, as two starts of nearly the same spread cannot always be told apart."""
    fill, wanted = STARTS[start]
    torch.manual_seed(0)
    drawn = [
        fill(torch.empty(shape)) for _ in range(SEEDS) for shape in SHAPES if len(shape) == 2 or start != "sparse_"
    ]
    right = [wanted in names_of(scheme_of(weight)) for weight in drawn]
    assert np.mean(right) >= 0.95, [weight.shape for weight, found in zip(drawn, right, strict=True) if not found]


@pytest.mark.parametrize("dtype", GENERATED[1:], ids=str)
@pytest.mark.parametrize("start", STARTS)
def test_so_it_is_after_rounding_to_16_bits(start: str, dtype: Any) -> None:
    fill, wanted = STARTS[start]
    torch.manual_seed(1)
    drawn = [fill(torch.empty(shape)).to(dtype) for _ in range(2) for shape in SHAPES[:2]]
    assert all(wanted in names_of(scheme_of(weight)) for weight in drawn)


MODULES: dict[str, Any] = {
    "Linear": lambda: nn.Linear(300, 70),
    "Conv1d": lambda: nn.Conv1d(12, 40, 5),
    "Conv2d": lambda: nn.Conv2d(16, 48, 3),
    "Conv2d of groups": lambda: nn.Conv2d(32, 64, 3, groups=4),
    "Conv2d by depth": lambda: nn.Conv2d(256, 256, 5, groups=256),
    "ConvTranspose2d": lambda: nn.ConvTranspose2d(48, 20, 3),
    "Bilinear": lambda: nn.Bilinear(30, 40, 20),
    "LSTM": lambda: nn.LSTM(32, 64, 2, bidirectional=True),
    "LSTM with a projection": lambda: nn.LSTM(32, 64, proj_size=24),
    "GRU": lambda: nn.GRU(32, 64),
    "RNNCell": lambda: nn.RNNCell(64, 64),
    "Embedding": lambda: nn.Embedding(500, 64, padding_idx=0),
}


@pytest.mark.parametrize("name", MODULES)
def test_what_constructors_draw_is_pytorch_s_default(name: str) -> None:
    torch.manual_seed(0)
    found = [
        one.scheme is not None and "torch_default" in names_of(one.scheme)
        for _ in range(20)
        for one in tgi.torch.audit(MODULES[name]()).parameters
        if len(one.shape) > 1
    ]
    assert np.mean(found) >= 0.95


@pytest.mark.parametrize("name", sorted(set(MODULES) - {"Bilinear", "Embedding", "Conv2d by depth"}))
def test_a_bare_state_dict_tells_the_same(name: str) -> None:
    """By names and neighbours; a Bilinear looks like a convolution there, a table without a name like a weight."""
    torch.manual_seed(0)
    audit = tgi.torch.audit(MODULES[name]().state_dict())
    weights = [one for one in audit.parameters if len(one.shape) > 1]
    assert not audit.modules_known
    assert all("torch_default" in names_of(one.scheme) for one in weights)


def test_the_residual_projections_of_gpt2_are_told_by_the_number_of_blocks() -> None:
    torch.manual_seed(0)
    blocks = {f"h.{i}.mlp.c_proj.weight": 0.02 / math.sqrt(24) * torch.randn(64, 256) for i in range(12)}
    audit = tgi.torch.audit({**blocks, "h.0.attn.c_attn.weight": 0.02 * torch.randn(192, 64)})
    assert [one.scheme.name for one in audit.parameters if one.scheme] == ["gpt2_residual"] * 12 + ["gpt2"]


def test_the_layout_is_told_by_the_length_of_the_bias() -> None:
    for shape, bias, fan_in in [((60, 20), 60, 20), ((60, 20), 20, 60), ((60, 20, 3, 3), 20, 540)]:
        audit = tgi.torch.audit({"c.weight": torch.randn(shape), "c.bias": torch.zeros(bias)})
        assert audit.parameters[0].fan_in == fan_in


def test_fans_as_people_mistake_them() -> None:
    (weight, _) = tgi.torch.audit(nn.Conv2d(8, 32, 3)).parameters
    assert weight.fan_in == 72 and weight.fan_out == 288 and weight.gain == pytest.approx(weight.rms * math.sqrt(72))
    assert weight.mistaken is not None
    assert weight.mistaken["fan_out"] == pytest.approx(weight.rms * math.sqrt(288))
    assert weight.mistaken["window_forgotten"] == pytest.approx(weight.rms * math.sqrt(8))
    grouped = tgi.torch.audit(nn.Conv2d(8, 32, 3, groups=4, bias=False)).parameters[0]
    assert (grouped.fan_in, grouped.fan_out) == (18, 72)


@pytest.mark.parametrize(
    "numbers",
    [
        lambda g: torch.randn(200, 300, generator=g) ** 3,
        lambda g: torch.randn(200, 300, generator=g) * torch.linspace(0.5, 2, 300),
        lambda g: torch.distributions.Laplace(0.0, 1.0).icdf(torch.rand(200, 300, generator=g) * 0.999 + 0.0005),
        lambda g: torch.randn(200, 300, generator=g).abs(),
        lambda g: torch.randn(200, 300, generator=g) + 0.5,
    ],
)
def test_other_distributions_come_from_no_start(numbers: Any) -> None:
    generator = torch.Generator().manual_seed(0)
    assert scheme_of(0.05 * numbers(generator)) is None


@pytest.mark.parametrize(
    "law", [Law(UNIFORM, 0.3), Law(UNIFORM, 1.0, low=0.0), Law(NORMAL, 0.7), Law(TRUNCATED, 0.7, 2.0)], ids=str
)
def test_tests_of_the_true_distribution_are_as_often_wrong_as_they_say(law: Law) -> None:
    """Each chance is uniform on [0, 1], and each error of mean and spread has a root mean square of 1."""
    rng = np.random.default_rng(0)
    chances, errors = [], []
    for _ in range(400):
        if law.family == UNIFORM:
            x = rng.uniform(law.lowest, law.scale, 500)
        else:
            x = law.scale * rng.normal(size=2000)
            x = x[np.abs(x) <= law.cut * law.scale][:500]
        of = moments(torch.from_numpy(x), x)
        chances.append(chance_of(law, np.asarray(x), of.eps))
        errors.append(errors_of(law, of))
    assert abs(np.mean(np.array(chances) < 0.1) - 0.1) < 4 * math.sqrt(0.09 / 400)
    assert np.sqrt(np.mean(np.square(errors), axis=0)) == pytest.approx([1, 1], abs=4 / math.sqrt(800))


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16, torch.float8_e4m3fn], ids=str)
def test_moments_are_exact_over_pieces(dtype: Any) -> None:
    numbers = torch.randn(1500, 1501, generator=torch.Generator().manual_seed(0)).to(dtype)
    of, wanted = moments(numbers, sample(numbers)), numbers.to(torch.float32).double()
    assert numbers.numel() > 2 * 2**20 and of.count == numbers.numel() and of.not_finite == 0
    assert of.mean == pytest.approx(float(wanted.mean()), abs=1e-9)
    assert of.std == pytest.approx(float(wanted.std(correction=0)), rel=1e-9)
    assert (of.low, of.high) == (float(wanted.min()), float(wanted.max()))
    assert of.kurtosis == pytest.approx(3.0, abs=0.1)


def test_few_numbers_are_no_evidence() -> None:
    assert scheme_of(torch.randn(2, 3)) is None
    found = scheme_of(0.1 * torch.randn(3, 4, generator=torch.Generator().manual_seed(0)))
    assert found is None or found.probability < 0.95
