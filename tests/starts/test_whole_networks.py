"""Starts of whole models: critical, from data, balanced, residual."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np
import pytest

import tinygrad_init as tgi
from tinygrad_init import init, nn, starts
from tinygrad_init.theory import MeanField

RNG = np.random.default_rng(5)
X = RNG.normal(size=(100, 20))
Y = RNG.integers(0, 4, 100)
SIZES = [20, 48, 32, 48, 4]


def network(activation: str, start: str = "lecun", sizes: list[int] = SIZES) -> nn.MLP:
    model = nn.MLP(sizes, activation, rng=0, dtype="float64")
    tgi.initialize(model, start, 1)
    return model


def linear_outputs(model: nn.Module, x: Any) -> list[Any]:
    with nn.observe() as calls, tgi.no_grad():
        model(x)
    return [call.output.numpy() for call in calls if hasattr(call.module, "weight")]


class Kernel(nn.Module):
    """A 1-D convolution, circular, by shifted products: what a linear map with a window looks like."""

    def __init__(self, inside: int, out: int, window: int) -> None:
        self.weight = nn.Parameter(np.zeros((out, inside, window)))
        self.bias = nn.Parameter(np.zeros(out))

    def forward(self, x: tgi.Tensor) -> tgi.Tensor:
        width = x.shape[-1]
        total = self.bias.reshape(-1, 1)
        for i in range(self.weight.shape[2]):
            moved = x[..., [(place + i) % width for place in range(width)]]
            total = total + self.weight[:, :, i] @ moved
        return total


class Residual(nn.Module):
    """x + branch(x)."""

    def __init__(self, branch: nn.Module) -> None:
        self.branch = branch

    def forward(self, x: Any) -> Any:
        return x + self.branch(x)


# The edge of chaos.


@pytest.mark.parametrize("activation", ["relu", "tanh", "erf", "elu", "selu", "gelu", "silu", "mish", "sigmoid"])
def test_a_critical_start_keeps_the_gradient(activation: str) -> None:
    """The gradient's norm over 30 layers of 200 units is within the band around 1 that theory gives at this width."""
    model = nn.MLP([200] * 31, activation, rng=0, dtype="float64")
    point = starts.critical(model, 0, activation)
    assert point is not None
    profile = MeanField(activation, point.sigma_w, point.sigma_b).profile(30, width=200)
    with nn.observe() as calls:
        out = model(RNG.normal(size=(1, 200)))
    z = [call.output for call in calls if isinstance(call.module, nn.Linear)]
    first, last = tgi.grad(out, [z[0], z[-1]], gradients=RNG.normal(size=(1, 200)))
    low, high = profile.band("gradient", 4.0)
    factor = np.sum(first.numpy() ** 2) / np.sum(last.numpy() ** 2)
    assert low[0] < factor < high[0]
    assert 1e-3 < profile.gradient[0] < 2  # a power of the depth; sigmoid with Xavier's start: 4e-37
    biases = np.concatenate([linear.bias.numpy() for linear in model.linears()])
    assert biases.std() == pytest.approx(point.sigma_b, rel=5 / math.sqrt(2 * biases.size), abs=1e-12)


def test_no_critical_point_is_said() -> None:
    model = network("softplus")
    with pytest.warns(RuntimeWarning, match="softplus: no critical point; the variance-preserving gain 1.041867"):
        assert starts.critical(model, 0, "softplus") is None
    weight = model.linears()[1].weight
    with pytest.warns(RuntimeWarning, match="gelu: no critical point with sigma_b = 0 that signals reach.*exactly 1"):
        init.critical_(weight, np.random.default_rng(0), "gelu")
    assert weight.numpy().std() == pytest.approx(1.533530 / math.sqrt(48), rel=5 / math.sqrt(2 * weight.size))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        init.critical_(weight, np.random.default_rng(0), "gelu", sigma_b=0.5)
        tgi.initialize(network("tanh"), "critical", 0)


# Starts from data.


@pytest.mark.parametrize("activation", ["relu", "tanh", "gelu", "sigmoid"])
def test_lsuv_reaches_unit_variance(activation: str) -> None:
    model = network(activation)
    reports = starts.lsuv_(model, X, rng=0)
    assert [report.name for report in reports] == [f"layers.{i}" for i in (0, 2, 4, 6)]
    for z, linear, report in zip(linear_outputs(model, X), model.linears(), reports, strict=True):
        assert z.var() == pytest.approx(1, abs=0.02) and report.reached
        assert report.std == pytest.approx(z.std()) and report.steps == 1
        assert report.across_samples == pytest.approx(math.sqrt(np.mean(z.var(axis=0))))
        w = linear.weight.numpy()
        gram = w @ w.T if w.shape[0] <= w.shape[1] else w.T @ w
        np.testing.assert_allclose(gram, gram[0, 0] * np.eye(len(gram)), atol=1e-12)
        assert not linear.bias.numpy().any()


def test_lsuv_on_kernels_and_shared_modules() -> None:
    shared = nn.Linear(6, 6, dtype="float64")
    model = nn.Sequential(Kernel(3, 5, 3), nn.ReLU(), Kernel(5, 4, 2), nn.Tanh(), shared, nn.Tanh(), shared)
    reports = starts.lsuv_(model, RNG.normal(size=(30, 3, 6)), rng=0)
    assert [report.name for report in reports] == ["0", "2", "4"] and all(report.reached for report in reports)


def test_layers_that_cannot_have_unit_variance_are_named() -> None:
    model = network("relu")
    with pytest.warns(RuntimeWarning) as caught:
        reports = starts.lsuv_(model, np.zeros((10, 20)))
    assert [str(w.message) for w in caught] == [
        f"lsuv_: layers.{i}: the variance of its output is 0 after 0 steps, not 1" for i in (0, 2, 4, 6)
    ]
    assert not any(report.reached for report in reports)
    with pytest.warns(RuntimeWarning, match="0: the variance of its output is .* after 0 steps"):
        starts.lsuv_(nn.Sequential(network("relu").layers[0], nn.ReLU()), 2 * X, max_steps=0)
    unused = nn.Sequential(nn.Linear(20, 4, dtype="float64"))
    unused.extra = nn.Linear(3, 3, dtype="float64")
    unused.forward = lambda x: vars(unused)["0"](x)  # type: ignore[method-assign]
    with pytest.warns(RuntimeWarning, match="extra: the model does not call it"):
        starts.lsuv_(unused, X)


def test_data_dependent_channels() -> None:
    model = network("relu", "large")
    before = [linear.weight.numpy().copy() for linear in model.linears()]
    reports = starts.data_dependent_(model, X)
    assert all(report.reached for report in reports)
    for z, w, linear in zip(linear_outputs(model, X), before, model.linears(), strict=True):
        np.testing.assert_allclose(z.mean(axis=0), 0, atol=1e-12)
        np.testing.assert_allclose(z.std(axis=0), 1, rtol=1e-12)
        ratio = linear.weight.numpy() / w
        np.testing.assert_allclose(ratio, np.broadcast_to(ratio[:, :1], ratio.shape), rtol=1e-12)  # directions stay


def test_data_dependent_kernels() -> None:
    model = nn.Sequential(Kernel(3, 5, 3), nn.ReLU(), Kernel(5, 4, 2))
    for _, kernel in (("0", model[0]), ("2", model[2])):
        init.lecun_normal_(kernel.weight, rng=3)
    x = RNG.normal(size=(30, 3, 6))
    assert all(report.reached for report in starts.data_dependent_(model, x))
    for z in linear_outputs(model, x):
        np.testing.assert_allclose(z.mean(axis=(0, 2)), 0, atol=1e-6)
        np.testing.assert_allclose(z.std(axis=(0, 2)), 1, rtol=1e-5)


def test_constant_channels_are_named() -> None:
    model = network("relu")
    with tgi.no_grad():
        model.linears()[1].weight[3] = 0.0
    with pytest.warns(RuntimeWarning, match="layers.2: 1 of 32 channels are constant on the batch"):
        reports = starts.data_dependent_(model, X)
    assert [report.reached for report in reports] == [True, False, True, True]


def rates(model: nn.MLP) -> Any:
    weights = [linear.weight for linear in model.linears()]
    gradients = tgi.grad(tgi.cross_entropy(model(X), Y), weights)
    return np.array(
        [np.linalg.norm(g.numpy()) / np.linalg.norm(w.numpy()) for g, w in zip(gradients, weights, strict=True)]
    )


def test_balancing_relu_keeps_the_function_and_takes_one_step() -> None:
    model = network("relu", "xavier")
    for i, linear in enumerate(model.linears()):
        with tgi.no_grad():
            linear.weight.copy_(linear.weight * 3.0 ** (i - 1))
        init.normal_(linear.bias, rng=i, std=0.3)
    before, output = rates(model), model(X).numpy().copy()
    found = starts.balance_(model, X, Y, tgi.cross_entropy, tolerance=1e-9, max_steps=1)
    np.testing.assert_allclose(model(X).numpy(), output, rtol=1e-10)
    np.testing.assert_allclose(rates(model), list(found.values()), rtol=1e-12)
    np.testing.assert_allclose(rates(model), np.exp(np.log(before).mean()), rtol=1e-10)


@pytest.mark.parametrize("activation", ["tanh", "gelu", "sigmoid"])
def test_balancing_other_networks(activation: str) -> None:
    model = network(activation)
    assert rates(model).max() / rates(model).min() > 2
    starts.balance_(model, X, Y, tgi.cross_entropy)
    assert rates(model).max() / rates(model).min() < 1.03


def test_what_cannot_be_balanced_is_named() -> None:
    model = network("relu")
    init.zeros_(model.linears()[-1].weight)
    with pytest.warns(RuntimeWarning) as caught:
        starts.balance_(model, X, Y, tgi.cross_entropy)
    assert len(caught) == 4 and "layers.0: it has no gradient or no weights" in str(caught[0].message)
    with pytest.warns(RuntimeWarning, match="layers.6: its rate is off by"):
        starts.balance_(network("relu", "xavier"), X, Y, tgi.cross_entropy, max_steps=0)


# Residual networks.


def residual(blocks: int, m: int, width: int = 64, start: str = "he") -> nn.Sequential:
    modules: list[nn.Module] = [nn.Linear(20, width, dtype="float64")]
    rng = np.random.default_rng(0)
    for _ in range(blocks):
        inside: list[nn.Module] = []
        for _ in range(m):
            inside += [nn.ReLU(), nn.Linear(width, width, dtype="float64")]
        modules.append(Residual(nn.Sequential(*inside)))
    model = nn.Sequential(*modules, nn.Linear(width, 4, dtype="float64"))
    for name, parameter in model.named_parameters():
        if name.endswith("weight"):
            init.INITIALIZERS[start](parameter, rng, "relu")
        else:
            init.zeros_(parameter)
    return model


@pytest.mark.parametrize("m", [1, 2, 3])
def test_fixup_scales_as_published(m: int) -> None:
    model = residual(8, m)
    factors = starts.fixup_(model, 3, classifier=model[9])
    assert len(factors) == 8 * m
    for name, factor in factors.items():
        module: Any = dict(model.named_modules())[name]
        last = name.endswith(f"branch.{2 * m - 1}")
        assert factor == (0 if last else pytest.approx(8 ** (-1 / (2 * m - 2))))
        std = math.sqrt(2 / 64) * factor
        assert module.weight.numpy().std() == pytest.approx(std, rel=5 / math.sqrt(2 * 64 * 64))
    assert not model[9].weight.numpy().any()
    assert model[0].weight.numpy().std() == pytest.approx(math.sqrt(2 / 20), rel=5 / math.sqrt(2 * 64 * 20))


@pytest.mark.parametrize(("activation", "last"), [("relu", 0.5), ("tanh", 0.0), ("gelu", 0.0)])
def test_fixup_leaves_no_branch_dead(activation: str, last: float) -> None:
    """Zeros before an activation that is flat at 0 would stay: such maps only become smaller."""
    blocks = [nn.Sequential(nn.Linear(6, 6, rng=i), nn.make_activation(activation)) for i in range(4)]
    model = nn.Sequential(nn.Linear(5, 6, rng=9), *(nn.Residual(block) for block in blocks), nn.Linear(6, 3, rng=8))
    factors = starts.fixup_(model, 0)
    assert set(factors.values()) == {last}
    x, y = np.random.default_rng(0).normal(size=(40, 5)).astype(np.float32), np.arange(40) % 3
    tgi.cross_entropy(model(tgi.tensor(x)), y).backward()
    for block in blocks:
        gradient = next(iter(block.parameters())).grad
        assert gradient is not None and gradient.numpy().any()


def test_residual_sums_double_the_variance_and_fixup_does_not() -> None:
    """He's start in each branch adds as much variance as comes in: ±1/√n a block of n units and sample, averaged."""
    model = residual(8, 1, width=256)

    def variances(model: nn.Sequential) -> Any:
        with nn.observe() as calls, tgi.no_grad():
            model(X)
        return np.array([np.mean(c.output.numpy() ** 2) for c in calls if isinstance(c.module, Residual)])

    growth = np.diff(np.log2(variances(model)))
    assert growth.mean() == pytest.approx(1, abs=0.05)
    starts.fixup_(model, 0)
    np.testing.assert_allclose(np.diff(np.log2(variances(model))), 0, atol=1e-12)


def test_the_innermost_block_owns_a_map() -> None:
    inner = Residual(nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 4)))
    outer = Residual(nn.Sequential(nn.Linear(4, 4), inner, nn.Linear(4, 4)))
    factors = starts.fixup_(outer, 0)
    assert factors == {
        "branch.0": pytest.approx(2**-0.5),
        "branch.2": 0.0,
        "branch.1.branch.0": pytest.approx(2**-0.5),
        "branch.1.branch.2": 0.0,
    }


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: starts.fixup_(network("relu"), 0), TypeError, "attribute `branch`"),
        (lambda: starts.fixup_(residual(1, 1), 0, classifier=nn.ReLU()), TypeError, "classifier with a weight"),
        (lambda: starts.lsuv_(nn.Sequential(nn.ReLU()), X), TypeError, "a model with linear maps"),
        (lambda: starts.lsuv_(network("relu"), X, max_steps=-1), ValueError, "max_steps must not be negative, got -1"),
        (lambda: starts.balance_(network("relu"), X, Y, tgi.cross_entropy, max_steps=-1), ValueError, "got -1"),
    ],
)
def test_errors(call: Any, error: Any, message: str) -> None:
    with pytest.raises(error, match=message):
        call()
