"""Why gradients are exactly zero, and whether that ends."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_init as tgi
from tinygrad_init import nn, optim
from tinygrad_init.diagnosis import RULES, Zeros, explain_zeros, run, wake_up
from tinygrad_init.diagnosis.measures.zeros import wake_by_steps

from ..strategies import seeds

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(20, 5)), RNG.integers(0, 3, 20)


def rules_of(model: nn.Module, x: Any = X, y: Any = Y, loss: Any = tgi.cross_entropy) -> list[dict[str, float]]:
    return [zeros.rules for zeros in explain_zeros(run(model, x, y, loss), run(model, x, y, loss, np.float64))]


def mlp(activation: str, start: str = "he", dtype: str = "float64", sizes: tuple[int, ...] = (5, 6, 6, 3)) -> nn.MLP:
    model = nn.MLP(sizes, activation, rng=0, dtype=dtype)
    tgi.initialize(model, start, 0)
    return model


def change(tensor: Any, value: Any, at: Any = ...) -> None:
    with tgi.no_grad():
        tensor[at] = value


def test_a_slope_of_zero() -> None:
    model = mlp("relu")
    change(model.linears()[0].bias, -100.0, 2)
    first, second, _ = rules_of(model)
    assert first["slope"] >= 1 / 6
    assert second["input"] >= 1 / 6  # what the dead unit puts out is 0 everywhere


def test_an_input_of_zero() -> None:
    x = X.copy()
    x[:, 3] = 0
    assert rules_of(mlp("tanh"), x)[0] == {"input": pytest.approx(1 / 5)}


def test_next_weights_of_zero() -> None:
    model = mlp("tanh")
    change(model.linears()[1].weight, 0.0, (slice(None), 4))
    assert rules_of(model) == [{"next weights": pytest.approx(1 / 6)}, {}, {}]
    change(model.linears()[2].weight, 0.0)
    first, second, _ = rules_of(model)
    assert second == {"next weights": 1.0}
    # Of the first layer one unit feeds nothing, the others feed units that get nothing themselves.
    assert first == {"next weights": pytest.approx(1 / 6), "above": pytest.approx(5 / 6)}


def test_a_loss_derivative_of_zero() -> None:
    model = mlp("tanh")
    y = model(tgi.Tensor(X, "float64")).numpy()
    assert rules_of(model, X, y, tgi.half_squared_error) == [{"loss derivative": 1.0}] * 3


def test_contributions_that_cancel() -> None:
    """With all-zero weights and balanced labels, Σ (p - y) = 0."""
    model = mlp("sigmoid", "zeros", sizes=(5, 4, 1))
    y = np.array([[0.0], [1.0]] * 10)
    found = explain_zeros(
        *(run(model, X, y, tgi.binary_cross_entropy_with_logits, dtype) for dtype in (None, np.float64))
    )
    assert found[-1].rules == {"cancellation": 1.0}
    assert all(zeros.whole and zeros.wakes is None for zeros in found)


def test_an_input_and_a_gradient_that_never_meet() -> None:
    model = nn.Sequential(
        nn.Linear(1, 2, bias=False, rng=0, dtype="float64"),
        nn.ReLU(),
        nn.Linear(2, 2, bias=False, rng=1, dtype="float64"),
        nn.ReLU(),
        nn.Linear(2, 1, rng=1, dtype="float64"),
    )
    change(model[0].weight, [[1.0], [-1.0]])
    change(model[2].weight, [[1.0, -1.0], [1.0, 1.0]])
    x = np.array([[1.0], [-1.0]])
    # Unit 0 of the second layer is off when the second input is on.
    found = rules_of(model, x, np.ones((2, 1)), tgi.mse)[1]
    assert found == {"never together": 0.25}


def test_what_only_the_dtype_makes_zero() -> None:
    model = nn.MLP((5, *(6,) * 90, 3), "sigmoid", rng=0, dtype="float32")
    tgi.initialize(model, "xavier", 0)
    found = explain_zeros(run(model, X, Y, tgi.cross_entropy), run(model, X, Y, tgi.cross_entropy, np.float64))
    assert found[0].whole and found[0].rules == {"underflow": 1.0}
    assert not found[-1].rules
    assert RULES["underflow"] in str(found[0])


@given(
    depth=st.integers(1, 4),
    activation=st.sampled_from(["sigmoid", "softplus", "tanh", "relu", "gelu", "sin", "hard_sigmoid"]),
    zero=st.lists(st.booleans(), min_size=5, max_size=5),
    seed=seeds,
)
def test_the_predicted_step_is_when_a_weight_first_moves(
    depth: int, activation: str, zero: list[bool], seed: int
) -> None:
    """Some layers start at zero; each weight first changes in just the step that was predicted, or never."""
    rng = np.random.default_rng(seed)
    sizes = (3, *(4,) * depth, 2)
    model = nn.MLP(sizes, activation, rng=0, dtype="float64")
    tgi.initialize(model, "lecun", rng)
    for linear, empty in zip(model.linears(), zero, strict=False):
        if empty:
            change(linear.weight, 0.0)
    x, y = rng.normal(size=(9, 3)), np.array([0, 0, 0, 0, 0, 0, 1, 1, 1])  # not balanced
    predicted = wake_up(run(model, x, y, tgi.cross_entropy))
    assert predicted is not None
    parameters = dict(model.named_parameters())
    optimizer = optim.SGD(list(parameters.values()), 0.1)
    first: dict[str, int] = {}
    for step in range(depth + 3):
        optimizer.zero_grad()
        tgi.cross_entropy(model(tgi.Tensor(x, "float64")), y).backward()
        for name, parameter in parameters.items():
            if parameter.grad is not None and parameter.grad.numpy().any():
                first.setdefault(name, step)
        optimizer.step()
    if activation in ("relu", "hard_sigmoid"):  # whole layers may happen to be off
        assert all(predicted.get(name, 99) <= step for name, step in first.items())
    else:
        assert predicted == first


def test_a_dead_unit_of_the_first_layer_never_wakes_one_above_a_moving_layer_may() -> None:
    model = mlp("relu")
    change(model.linears()[0].bias, -100.0)
    steps = wake_up(run(model, X, Y, tgi.cross_entropy))
    assert steps is not None and "layers.0.weight" not in steps
    model = mlp("relu")
    change(model.linears()[1].bias, -100.0)
    steps = wake_up(run(model, X, Y, tgi.cross_entropy))
    assert steps == {"layers.4.bias": 0}  # nothing below a layer that is dead moves either


@given(depth=st.integers(1, 2), zero=st.lists(st.booleans(), min_size=3, max_size=3), seed=seeds)
def test_small_steps_find_what_patterns_predict(depth: int, zero: list[bool], seed: int) -> None:
    """As far as they go: three steps."""
    rng = np.random.default_rng(seed)
    model = nn.MLP((3, *(4,) * depth, 2), "tanh", rng=0, dtype="float64")
    tgi.initialize(model, "lecun", rng)
    for linear, empty in zip(model.linears(), zero, strict=False):
        if empty:
            change(linear.weight, 0.0)
    network = run(model, rng.normal(size=(9, 3)), np.array([0, 0, 0, 0, 0, 0, 1, 1, 1]), tgi.cross_entropy)
    predicted = wake_up(network)
    assert predicted is not None
    for steps in (1, 2, 3):
        assert wake_by_steps(network, steps) == {name: step for name, step in predicted.items() if step < steps}
    assert wake_by_steps(network) == wake_by_steps(network, 3)


def residual(*zeros: int) -> nn.Sequential:
    """Two blocks between linear maps; the maps of these numbers are 0."""
    maps = [nn.Linear(a, b, rng=i, dtype="float64") for i, (a, b) in enumerate([(5, 4), *[(4, 4)] * 4, (4, 3)])]
    for i in zeros:
        change(maps[i].weight, 0.0)
    first, a, b, c, d, last = maps
    blocks = [nn.Residual(nn.Sequential(one, nn.Tanh(), other)) for one, other in ((a, b), (c, d))]
    return nn.Sequential(first, *blocks, last)


@pytest.mark.parametrize(
    ("zeros", "wakes"),
    [
        ((), [-1] * 6),  # nothing is silent, and nobody asks
        ((2,), [0, 1, 0, 0, 0, 0]),
        ((2, 4), [0, 1, 0, 1, 0, 0]),
        ((5,), [1, 1, 1, 1, 1, 0]),
        ((2, 5), [1, 2, 1, 1, 1, 0]),
        ((1, 2), [0, -1, -1, 0, 0, 0]),  # both of a branch: no small step has led out, which proves nothing
    ],
)
def test_in_residual_networks_small_steps_say_when_zeros_wake(zeros: tuple[int, ...], wakes: list[int]) -> None:
    model = residual(*zeros)
    if zeros == (1, 2):
        for module in list(model)[1].branch:
            if isinstance(module, nn.Linear):
                change(module.bias, 0.0)
    network = run(model, X, Y, tgi.cross_entropy)
    found = explain_zeros(network, network)
    assert [one.wakes for one in found] == wakes
    assert [one.whole for one in found] == [wake != 0 and zeros != () for wake in wakes]


@pytest.mark.parametrize(
    ("share", "wakes", "end"),
    [
        (1.0, None, "; training on these samples can never change that"),
        (1.0, 1, "; it can wake in step 2"),
        (1.0, 2, "; it can wake in step 3"),
        (1.0, 0, ""),
        (1.0, -1, ""),
        (0.5, None, ""),
        (0.5, 2, ""),
    ],
)
def test_when_they_wake_is_said_of_matrices_without_any_gradient(share: float, wakes: int | None, end: str) -> None:
    assert str(Zeros("w", share, {}, wakes)) == f"w: {share:.0%} of ∂C/∂W is exactly 0{end}"
    one = str(Zeros("w", share, {"slope": share}, wakes))
    assert one == f"w: {share:.0%} of ∂C/∂W is exactly 0: {RULES['slope']}{end}"


def test_the_rule_that_makes_most_zeros_comes_first() -> None:
    zeros = Zeros("w", 0.5, {"input": 0.125, "slope": 0.375}, 0)
    assert zeros.because == f"75% because {RULES['slope']}; 25% because {RULES['input']}"
    assert Zeros("w", 0.5, {"input": 0.5}, 0).because == str(RULES["input"])
