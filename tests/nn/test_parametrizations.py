"""Weights that are computed of others: names, values and gradients are PyTorch's."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tinygrad_init as tgi
from tinygrad_init import nn, optim
from tinygrad_init.nn.utils import parametrizations, parametrize

RNG = np.random.default_rng(0)
OLD = pytest.mark.filterwarnings("ignore:.*is deprecated in favor of:FutureWarning")

CASES: dict[str, tuple[Any, tuple[int, ...]]] = {
    "weight": (lambda nn: nn.utils.parametrizations.weight_norm(nn.Linear(3, 4)), (5, 3)),
    "weight, one length": (lambda nn: nn.utils.parametrizations.weight_norm(nn.Linear(3, 4), dim=None), (5, 3)),
    "weight of a convolution": (
        lambda nn: nn.utils.parametrizations.weight_norm(nn.Conv2d(2, 3, 2), dim=1), (2, 2, 4, 4),
    ),
    "bias": (lambda nn: nn.utils.parametrizations.weight_norm(nn.Linear(3, 4), "bias"), (5, 3)),
    "spectral": (lambda nn: nn.utils.parametrizations.spectral_norm(nn.Linear(3, 4), n_power_iterations=2), (5, 3)),
    "spectral of a transposed convolution": (
        lambda nn: nn.utils.parametrizations.spectral_norm(nn.ConvTranspose2d(2, 3, 2)), (2, 2, 4, 4),
    ),
    "spectral of a bias": (lambda nn: nn.utils.parametrizations.spectral_norm(nn.Linear(3, 4), "bias"), (5, 3)),
    "orthogonal": (lambda nn: nn.utils.parametrizations.orthogonal(nn.Linear(3, 3)), (5, 3)),
    "orthogonal, tall": (lambda nn: nn.utils.parametrizations.orthogonal(nn.Linear(3, 5)), (5, 3)),
    "orthogonal, wide": (lambda nn: nn.utils.parametrizations.orthogonal(nn.Linear(5, 3)), (5, 5)),
    "orthogonal, Cayley": (
        lambda nn: nn.utils.parametrizations.orthogonal(nn.Linear(3, 5), orthogonal_map="cayley"), (5, 3),
    ),
    "orthogonal, exponential": (
        lambda nn: nn.utils.parametrizations.orthogonal(nn.Linear(5, 3), orthogonal_map="matrix_exp"), (5, 5),
    ),
    "two in a row": (
        lambda nn: nn.utils.parametrizations.spectral_norm(
            nn.utils.parametrizations.weight_norm(nn.Linear(3, 4))
        ), (5, 3),
    ),
    "weight, old": (lambda nn: nn.utils.weight_norm(nn.Linear(3, 4)), (5, 3)),
    "weight, old, one length": (lambda nn: nn.utils.weight_norm(nn.Linear(3, 4), dim=None), (5, 3)),
    "spectral, old": (lambda nn: nn.utils.spectral_norm(nn.Linear(3, 4), n_power_iterations=2), (5, 3)),
    "spectral, old, of a transposed convolution": (
        lambda nn: nn.utils.spectral_norm(nn.ConvTranspose2d(2, 3, 2)), (2, 2, 4, 4),
    ),
}  # fmt: skip


def begun(lib: Any, name: str) -> Any:
    layer = CASES[name][0](lib.nn).double()
    return layer


def state_of(layer: Any) -> dict[str, Any]:
    return {name: np.array(value.numpy()) for name, value in layer.state_dict().items()}


def steps(lib: Any, layer: Any, x: Any, weights: Any) -> list[Any]:
    """Outputs in training and outside, and gradients, over three steps."""
    found = []
    rule = lib.optim.SGD(layer.parameters(), lr=0.1)
    for _ in range(3):
        rule.zero_grad()
        out = layer(lib.tensor(x))
        (out * lib.tensor(weights[: out.numel()]).reshape(out.shape)).sum().backward()
        found += [out.detach().numpy().copy(), *(p.grad.numpy().copy() for p in layer.parameters())]
        rule.step()
    layer.eval()
    return [*found, layer(lib.tensor(x)).detach().numpy(), *state_of(layer).values()]


@OLD
@pytest.mark.parametrize("name", CASES)
def test_values_gradients_and_names_are_pytorchs(name: str) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    theirs, mine = begun(torch, name), begun(tgi, name)
    assert {n: v.shape for n, v in state_of(mine).items()} == {n: v.shape for n, v in state_of(theirs).items()}
    assert list(mine.state_dict()) == list(theirs.state_dict())
    mine.load_state_dict(theirs.state_dict())
    x, weights = RNG.normal(size=CASES[name][1]), RNG.normal(size=1000)
    for one, other in zip(steps(tgi, mine, x, weights), steps(torch, theirs, x, weights), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", CASES)
def test_taking_it_away_leaves_the_value(name: str) -> None:
    layer = begun(tgi, name)
    x = tgi.tensor(RNG.normal(size=CASES[name][1]))
    layer.eval()
    expected = layer(x).detach().numpy()
    for twin in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        np.testing.assert_array_equal(twin(x).detach().numpy(), expected)
        assert type(twin) is type(layer)
    which = "bias" if "bias" in name else "weight"
    if "old" in name:
        getattr(nn.utils, f"remove_{name[: name.index(',')]}_norm")(layer, which)
        assert not layer._hooks
    else:
        assert parametrize.is_parametrized(layer) and parametrize.is_parametrized(layer, which)
        assert type(layer).__name__.startswith("Parametrized")
        parametrize.remove_parametrizations(layer, which)
        assert not parametrize.is_parametrized(layer)
    assert type(layer) in (nn.Linear, nn.Conv2d, nn.ConvTranspose2d)
    assert sorted(layer.state_dict()) == ["bias", "weight"] and "parametrizations" not in vars(layer)
    assert isinstance(layer.weight, nn.Parameter) and isinstance(layer.bias, nn.Parameter)
    np.testing.assert_allclose(layer(x).detach().numpy(), expected, rtol=1e-12)
    np.testing.assert_allclose(twin(x).detach().numpy(), expected, rtol=1e-12)  # its class is not touched


@pytest.mark.parametrize("name", CASES)
def test_captured_steps_do_the_same(name: str) -> None:
    first = begun(tgi, name)
    second = copy.deepcopy(first)
    x = tgi.tensor(RNG.normal(size=CASES[name][1]))

    def step_of(layer: Any) -> Any:
        rule = optim.SGD(layer.parameters(), 0.05)

        def step(x: Any) -> Any:
            rule.zero_grad()
            loss = layer(x).square().sum()
            loss.backward()
            rule.step()
            return loss

        return step

    eager, captured = step_of(first), tgi.capture(step_of(second))
    for _ in range(4):
        np.testing.assert_allclose(captured(x).item(), eager(x).item(), rtol=1e-10)


def test_what_the_constraints_promise() -> None:
    layer = parametrizations.orthogonal(nn.Linear(4, 6, rng=0, dtype="float64"), rng=0)
    rule = optim.SGD(layer.parameters(), 0.5)
    for _ in range(5):
        rule.zero_grad()
        layer(tgi.tensor(RNG.normal(size=(8, 4)))).tanh().sum().backward()
        rule.step()
    w = layer.weight.detach().numpy()
    np.testing.assert_allclose(w.T @ w, np.eye(4), atol=1e-12)
    layer = parametrizations.spectral_norm(nn.Linear(4, 6, rng=0, dtype="float64"), rng=0)
    for _ in range(200):
        layer.weight  # noqa: B018 (each time it is asked for it comes closer)
    assert np.linalg.norm(layer.weight.detach().numpy(), 2) == pytest.approx(1.0, abs=1e-6)
    layer = nn.Linear(4, 6, rng=0)
    before = layer.weight.numpy().copy()
    parametrizations.weight_norm(layer)
    np.testing.assert_allclose(layer.weight.detach().numpy(), before, rtol=1e-6)
    layer.weight = tgi.tensor(2.0 * before)
    np.testing.assert_allclose(layer.weight.detach().numpy(), 2.0 * before, rtol=1e-6)


class Symmetric(nn.Module):
    def forward(self, x: Any) -> Any:
        return x.triu() + x.triu(1).mT


def test_a_parametrization_of_ones_own() -> None:
    layer = nn.Linear(3, 3, rng=0)
    original = layer.weight
    assert parametrize.register_parametrization(layer, "weight", Symmetric()) is layer
    assert layer.parametrizations.weight.original is original and list(layer.parameters()) == [layer.bias, original]
    w = layer.weight.detach().numpy()
    np.testing.assert_array_equal(w, w.T)
    np.testing.assert_array_equal(np.triu(w), np.triu(original.numpy()))
    parametrize.remove_parametrizations(layer, "weight", leave_parametrized=False)
    assert layer.weight is original and not np.array_equal(original.numpy(), w)


def test_what_cannot_be_done() -> None:
    class Flat(nn.Module):
        def forward(self, x: Any) -> Any:
            return x.reshape(-1)

    for call, error, said in (
        (lambda m: parametrize.register_parametrization(m, "w", Flat()), ValueError, "no parameter or buffer 'w'"),
        (lambda m: parametrize.register_parametrization(m, "weight", Flat()), ValueError, r"keep shape \(2, 3\)"),
        (lambda m: parametrize.register_parametrization(m, "weight", abs), TypeError, "expected a module as param"),
        (lambda m: parametrize.remove_parametrizations(m, "weight"), ValueError, "'weight' of Linear has no param"),
        (lambda m: parametrizations.orthogonal(m, "bias"), ValueError, r"expected a matrix, got shape \(2,\)"),
        (lambda m: parametrizations.orthogonal(m, orthogonal_map="qr"), ValueError, "as orthogonal_map, got 'qr'"),
        (lambda m: parametrizations.orthogonal(m, use_trivialization=False), NotImplementedError, "not to be had"),
        (lambda m: parametrizations.spectral_norm(m, n_power_iterations=0), ValueError, "at least 1, got 0"),
        (lambda m: parametrizations.spectral_norm(m, dim=2), IndexError, "expected dim from -2 to 1, got 2"),
        (lambda m: parametrizations.weight_norm(m, "w"), ValueError, "Linear has no parameter 'w'"),
        (
            lambda m: parametrizations.weight_norm(parametrizations.weight_norm(m)), ValueError,
            "expected one tensor from the right_inverse of a second parametrization, got 2",
        ),
        (lambda m: nn.utils.weight_norm(nn.utils.weight_norm(m)), RuntimeError, "normalized already"),
        (lambda m: nn.utils.spectral_norm(nn.utils.spectral_norm(m)), RuntimeError, "normalized already"),
        (lambda m: nn.utils.remove_weight_norm(m), ValueError, "'weight' of Linear is not normalized"),
        (lambda m: nn.utils.remove_spectral_norm(m), ValueError, "'weight' of Linear is not normalized"),
        (lambda m: setattr(nn.utils.weight_norm(m), "weight", 3), AttributeError, "computed of weight_g and weight_v"),
    ):  # fmt: skip
        layer = nn.Linear(3, 2, rng=0)
        before = layer.weight.detach().numpy().copy()
        with pytest.raises(error, match=said):
            call(layer)
        if "spectral" not in said and error is not RuntimeError:  # which begins with a direction by chance
            np.testing.assert_allclose(layer.weight.detach().numpy(), before, rtol=1e-6)


def test_saving_fills_what_is_there_and_says_why_it_builds_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    model = nn.Sequential(
        parametrizations.weight_norm(nn.Linear(3, 4, rng=0)), nn.utils.spectral_norm(nn.Linear(4, 2, rng=1))
    )
    other = nn.Sequential(
        parametrizations.weight_norm(nn.Linear(3, 4, rng=2)), nn.utils.spectral_norm(nn.Linear(4, 2, rng=3))
    )
    tgi.save(path, model)
    with pytest.raises(tgi.LoadError, match="weight of Linear is computed from other parameters"):
        tgi.load(path)
    tgi.load(path, other)
    x = tgi.tensor(RNG.normal(size=(5, 3)).astype(np.float32))
    np.testing.assert_array_equal(model.eval()(x).detach().numpy(), other.eval()(x).detach().numpy())


def test_gradients_are_clipped_in_two_halves() -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    for limit in (0.5, 50.0):
        found = []
        for lib in (tgi, torch):
            layer = lib.nn.Linear(2, 2).double()
            for p in layer.parameters():
                p.grad = lib.ones(*p.shape, dtype=lib.float64)
            total = lib.nn.utils.get_total_norm([p.grad for p in layer.parameters()])
            lib.nn.utils.clip_grads_with_norm_(layer.parameters(), max_norm=limit, total_norm=total)
            found.append([total.item(), *(p.grad.numpy() for p in layer.parameters())])
        for one, other in zip(*found, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-6)
    with pytest.raises(ValueError, match="limit must not be negative"):
        nn.utils.clip_grads_with_norm_([], -1.0, 1.0)
