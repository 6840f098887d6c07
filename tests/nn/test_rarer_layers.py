"""Layers that learn their sizes at the first call, an adaptive softmax, random windows, random choices, checkpoints."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tinygrad_init as tgi
from tinygrad_init import nn, optim
from tinygrad_init.utils.checkpoint import checkpoint, checkpoint_sequential

F = nn.functional
RNG = np.random.default_rng(0)

# How many outputs, if any, and options; how many inputs; the shape of an input.
LAZY: dict[str, tuple[tuple[Any, ...], dict[str, Any], int, tuple[int, ...]]] = {
    "LazyLinear": ((4, False), {}, 3, (5, 2, 3)),
    "LazyConv1d": ((4, 3, 2), {"groups": 2}, 2, (5, 2, 7)),
    "LazyConv2d": ((4, 3), {"padding": "same"}, 2, (2, 5, 7)),
    "LazyConv3d": ((4, 2), {}, 2, (1, 2, 3, 3, 3)),
    "LazyConvTranspose1d": ((4, 3), {}, 2, (5, 2, 7)),
    "LazyConvTranspose2d": ((4, 3), {"bias": False}, 2, (2, 2, 5, 5)),
    "LazyConvTranspose3d": ((4, 2), {}, 2, (1, 2, 3, 3, 3)),
    "LazyBatchNorm1d": ((), {"momentum": 0.3}, 3, (5, 3)),
    "LazyBatchNorm2d": ((), {"affine": False}, 3, (5, 3, 2, 2)),
    "LazyBatchNorm3d": ((), {}, 3, (5, 3, 2, 2, 2)),
}


@pytest.mark.parametrize("name", LAZY)
def test_lazy_layers_become_what_they_stand_for(name: str, tmp_path: Path) -> None:
    values, options, inputs, shape = LAZY[name]
    layer: Any = getattr(nn, name)(*values, **options)
    expected: Any = getattr(nn, name.removeprefix("Lazy"))(inputs, *values, **options)
    x = RNG.normal(size=shape).astype(np.float32)
    twin = copy.deepcopy(layer)
    for ask in (layer.parameters, layer.state_dict, nn.Sequential(nn.Tanh(), layer).parameters):
        with pytest.raises(RuntimeError, match=f"{name}.* has no parameters before its first call"):
            list(ask())
    with pytest.raises(RuntimeError, match=f"{name} has no parameters before its first call"):
        tgi.save(tmp_path / "a", layer)
    layer.eval()
    seen: list[Any] = []
    layer.register_forward_hook(lambda m, i, o: seen.append(type(m)))
    out = layer(tgi.tensor(x))
    assert type(layer) is type(expected) and repr(layer) == repr(expected) and seen == [type(expected)]
    assert not layer.training and isinstance(twin, getattr(nn, name))
    expected.eval().load_state_dict(layer.state_dict())
    np.testing.assert_array_equal(expected(tgi.tensor(x)).detach().numpy(), out.detach().numpy())
    tgi.save(tmp_path / "a", layer)
    found: Any = tgi.load(tmp_path / "a").model
    np.testing.assert_array_equal(found.eval()(tgi.tensor(x)).detach().numpy(), out.detach().numpy())
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    theirs = getattr(torch.nn, name)(*values, **options).eval()
    theirs(torch.tensor(x))
    theirs.load_state_dict({k: torch.tensor(np.asarray(v)) for k, v in layer.state_dict().items()})
    np.testing.assert_allclose(theirs(torch.tensor(x)).detach().numpy(), out.detach().numpy(), rtol=1e-4, atol=1e-5)


def test_a_network_of_lazy_layers_learns() -> None:
    def make() -> Any:
        return nn.Sequential(
            nn.LazyConv2d(4, 3, rng=0), nn.LazyBatchNorm2d(), nn.ReLU(), nn.Flatten(), nn.LazyLinear(2, rng=1)
        )

    x = tgi.tensor(RNG.normal(size=(8, 1, 5, 5)).astype(np.float32))
    model = make()
    with pytest.raises(tgi.CaptureError, match="LazyConv2d is called for the first time"):
        tgi.capture(lambda x: model(x))(x)
    with pytest.raises(RuntimeError, match="LazyConv2d '0' has no parameters"):
        optim.SGD(model.parameters(), 0.1)
    model(x)
    rule, losses = optim.SGD(model.parameters(), 0.1), []
    for _ in range(5):
        rule.zero_grad()
        loss = model(x).square().mean()
        loss.backward()
        rule.step()
        losses.append(loss.item())
    assert losses[-1] < 0.5 * losses[0]
    assert make().double()(tgi.tensor(x.numpy().astype(np.float64))).dtype == np.float64
    with tgi.default_dtype("float64"):
        layer = nn.LazyLinear(2)
    layer(np.ones((2, 3)))
    assert layer.weight.dtype == np.float64
    with pytest.raises(ValueError, match="LazyConv2d: expected an input with an axis -3"):
        nn.LazyConv2d(4, 3)(tgi.ones(5, 5))


@pytest.mark.parametrize("bias", [False, True])
def test_adaptive_softmax_is_pytorchs(bias: bool, tmp_path: Path) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    options: Any = {"div_value": 2.0, "head_bias": bias}
    mine = nn.AdaptiveLogSoftmaxWithLoss(8, 20, [4, 10], **options, dtype="float64")
    theirs = torch.nn.AdaptiveLogSoftmaxWithLoss(8, 20, [4, 10], **options, dtype=torch.float64)
    mine.load_state_dict(theirs.state_dict())
    assert list(mine.state_dict()) == list(theirs.state_dict()) and mine.cutoffs == theirs.cutoffs
    x, y = RNG.normal(size=(30, 8)), RNG.integers(0, 20, 30)
    for rows in (slice(None), slice(0, 1), y < 4, y >= 10):
        found, wanted = (
            mine(tgi.tensor(x[rows]), tgi.tensor(y[rows])),
            theirs(torch.tensor(x[rows]), torch.tensor(y[rows])),
        )
        np.testing.assert_allclose(found.output.detach().numpy(), wanted.output.detach().numpy(), rtol=1e-10)
        mine.zero_grad()
        theirs.zero_grad()
        found.loss.backward()
        wanted.loss.backward()
        for p, q in zip(mine.parameters(), theirs.parameters(), strict=True):
            if q.grad is None or p.grad is None:
                assert p.grad is None and (q.grad is None or not q.grad.any())
            else:
                np.testing.assert_allclose(p.grad.numpy(), q.grad.numpy(), rtol=1e-9, atol=1e-12)
    captured = tgi.capture(lambda x, y: mine(x, y).loss)
    for _ in range(2):
        assert captured(tgi.tensor(x), tgi.tensor(y)).item() == pytest.approx(
            mine(tgi.tensor(x), y).loss.item(), rel=1e-12
        )
    np.testing.assert_allclose(
        mine.log_prob(x).detach().numpy(), theirs.log_prob(torch.tensor(x)).detach().numpy(), rtol=1e-9
    )
    np.testing.assert_array_equal(mine.predict(x), theirs.predict(torch.tensor(x)).numpy())
    assert mine(tgi.tensor(x[0]), tgi.tensor(y[0])).output.item() == pytest.approx(mine(x, y).output[0].item())
    tgi.save(tmp_path / "a", mine)
    assert (
        tgi.load(tmp_path / "a").model.log_prob(x).detach().numpy().tobytes()
        == mine.log_prob(x).detach().numpy().tobytes()
    )
    for cutoffs in ([], [4, 4], [5, 3], [0, 3], [20]):
        with pytest.raises(ValueError, match="expected cutoffs that rise"):
            nn.AdaptiveLogSoftmaxWithLoss(8, 20, cutoffs)
    with pytest.raises(ValueError, match="expected targets from 0 to 19, got 3 to 20"):
        mine(x[:2], np.array([3, 20]))
    with pytest.raises(ValueError, match=r"got shapes \(30, 8\) and \(2,\)"):
        mine(x, y[:2])


@pytest.mark.parametrize(
    ("kernel", "size", "ratio"), [(2, (5, 4), None), ((3, 2), None, (0.5, 0.6)), (2, 1, None), (1, None, 0.9)]
)
@pytest.mark.parametrize("lead", [(2, 3), (3,)])
def test_fractional_pooling_is_pytorchs(kernel: Any, size: Any, ratio: Any, lead: tuple[int, ...]) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    x, drawn = RNG.normal(size=(*lead, 9, 8)), RNG.random((*((1, *lead)[-2:]), 2))
    found = []
    for lib in (tgi, torch):
        layer = lib.nn.FractionalMaxPool2d(kernel, size, ratio, True, lib.tensor(drawn))
        given = lib.tensor(x, requires_grad=True)
        out, places = layer(given)
        (out**2).sum().backward()
        found.append((out.detach().numpy(), places.numpy(), given.grad.numpy()))
    for one, other in zip(*found, strict=True):
        np.testing.assert_array_equal(one, other)


def test_fractional_pooling_draws_windows() -> None:
    x = tgi.tensor(RNG.normal(size=(2, 3, 9, 8)))
    layer, again = (nn.FractionalMaxPool2d(2, output_ratio=0.6, rng=0) for _ in range(2))
    outs = [layer(x).numpy() for _ in range(5)]
    assert outs[0].shape == (2, 3, 5, 4) and any(not np.array_equal(outs[0], out) for out in outs[1:])
    assert all(np.array_equal(out, again(x).numpy()) for out in outs)
    for options, said in (
        ({}, "either output_size or output_ratio"),
        ({"output_size": 2, "output_ratio": 0.5}, "either output_size or output_ratio"),
        ({"output_ratio": 1.5}, "output_ratio between 0 and 1, got 1.5"),
        ({"output_size": 9}, r"windows of \(2, 2\) at \(9, 9\) places do not fit"),
        ({"output_size": 2, "_random_samples": np.ones(3)}, r"_random_samples of shape \(2, 3, 2\), got \(3,\)"),
    ):
        with pytest.raises(ValueError, match=said):
            F.fractional_max_pool2d(x, 2, **options)


def test_gumbel_softmax_draws_with_the_probabilities() -> None:
    p = np.array([0.1, 0.2, 0.7])
    x = tgi.tensor(np.log(np.tile(p, (40000, 1))), requires_grad=True)
    hard = F.gumbel_softmax(x, hard=True, rng=0)
    assert set(np.unique(hard.detach().numpy().round(12))) == {0.0, 1.0}
    deviation = np.sqrt(p * (1 - p) / 40000)
    assert np.all(np.abs(hard.detach().numpy().mean(0) - p) < 5 * deviation)
    soft = F.gumbel_softmax(x, tau=0.5, rng=0)
    np.testing.assert_allclose(soft.detach().numpy().sum(1), 1.0, rtol=1e-12)
    weights = tgi.tensor(RNG.normal(size=x.shape))
    gradients = []
    for found in (F.gumbel_softmax(x, rng=0), hard):
        x.grad = None
        (found * weights).sum().backward()
        gradients.append(x.grad.numpy())  # type: ignore[attr-defined]
    np.testing.assert_allclose(*gradients, rtol=1e-9, atol=1e-12)  # a straight-through estimate
    assert F.gumbel_softmax(tgi.zeros(2, 3, 4), hard=True, dim=1).sum(1).numpy().tolist() == [[1.0] * 4] * 2
    draws = [np.random.default_rng(5) for _ in range(2)]
    captured = tgi.capture(lambda x: F.gumbel_softmax(x, rng=draws[0]))
    for _ in range(3):
        expected = F.gumbel_softmax(tgi.zeros(2, 3), rng=draws[1]).numpy()
        np.testing.assert_allclose(captured(tgi.zeros(2, 3)).numpy(), expected, rtol=1e-5)
    with pytest.raises(ValueError, match="expected tau above 0, got 0"):
        F.gumbel_softmax(x, tau=0)


def test_checkpoints_by_pytorchs_name() -> None:
    """Dropout draws the same again, and what a function closes over gets its gradients."""
    model = nn.Sequential(nn.Linear(3, 4, rng=0), nn.Dropout(0.5, rng=0), nn.Tanh(), nn.Linear(4, 2, rng=1))
    x, scale = tgi.tensor(RNG.normal(size=(5, 3)).astype(np.float32), requires_grad=True), nn.Parameter(2.0)

    def plain(y: Any) -> Any:
        return model(y) * scale

    def gradients(run: Any) -> list[Any]:
        model[1].rng = np.random.default_rng(3)
        x.grad = scale.grad = None
        model.zero_grad()
        out = run()
        model[1].rng.random(7)  # somebody else draws in between
        after = model[1].rng.bit_generator.state
        out.sum().backward()
        assert model[1].rng.bit_generator.state == after
        return [
            out.item() if out.size == 1 else out.detach().numpy(),
            *(p.grad.numpy() for p in (x, scale, *model.parameters())),
        ]

    expected = gradients(lambda: plain(x))
    for run in (
        lambda: checkpoint(plain, x, use_reentrant=False),
        lambda: checkpoint(model, x, use_reentrant=True, preserve_rng_state=True) * scale,
        lambda: checkpoint(model.forward, x, early_stop=False) * scale,
        lambda: checkpoint_sequential(model, 2, x, use_reentrant=False) * scale,
        lambda: checkpoint_sequential([model[0], model[1:], lambda y: y * scale], 3, x),
    ):
        for one, other in zip(gradients(run), expected, strict=True):
            np.testing.assert_array_equal(one, other)
    with pytest.raises(NotImplementedError, match="context_fn is not to be had"):
        checkpoint(plain, x, context_fn=lambda: None)
    with pytest.raises(ValueError, match="expected 1 to 4 segments, got 5"):
        checkpoint_sequential(model, 5, x)
