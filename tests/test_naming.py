"""Names of other libraries mean what they mean there, however they are written; unknown ones are told the nearest."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_init as tgi
from tinygrad_init import init, nn, update_rules
from tinygrad_init.activations import activation
from tinygrad_init.naming import known_name, spelled
from tinygrad_init.ops import activations, losses

from .records import changeable

# What has names: how a name is looked up, our names, and those of others.
KINDS: dict[str, tuple[Callable[[str], str], Any, dict[str, str]]] = {
    "activation": (activations.activation_name, (*nn.ACTIVATIONS, "prelu"), activations.ALIASES),
    "loss": (losses.loss_name, nn.LOSSES, losses.ALIASES),
    "start": (init.start_name, init.INITIALIZERS, init.ALIASES),
    "optimizer": (update_rules.optimizer_name, update_rules.OPTIMIZERS, update_rules.ALIASES),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_name_is_found_however_it_is_written(kind: str) -> None:
    look_up, ours, aliases = KINDS[kind]
    for name, known in {**{name: name for name in ours}, **aliases}.items():
        camel = "".join(part.capitalize() for part in name.split("_"))
        for written in (name, name.upper(), camel, name.replace("_", "-"), f" {name.replace('_', ' ')}_"):
            assert look_up(written) == known and known in ours


@pytest.mark.parametrize("kind", KINDS)
def test_no_two_names_are_spelled_the_same(kind: str) -> None:
    _, ours, aliases = KINDS[kind]
    names = [*ours, *aliases]
    assert len({spelled(name) for name in names}) == len(names)


@pytest.mark.parametrize("kind", KINDS)
def test_unknown_names_are_told_ours_and_the_nearest(kind: str) -> None:
    look_up, ours, aliases = KINDS[kind]
    for name in (name for name in (*ours, *aliases) if len(name) > 4):
        with pytest.raises(ValueError, match=f"; got '{name}x'; did you mean '") as error:
            look_up(f"{name}x")
        assert all(one in str(error.value) for one in ours) and "\n" not in str(error.value)
    with pytest.raises(ValueError, match="; got '☃'$"):
        look_up("☃")
    for wrong in (3, None, nn.ReLU):
        with pytest.raises(TypeError, match="expected the name of a"):
            look_up(wrong)  # type: ignore[arg-type]


def test_our_own_names_go_before_those_of_others() -> None:
    assert known_name("a thing", "one", ["one", "two"], {"one": "two", "uno": "one"}) == "one"
    assert known_name("a thing", "UNO", ["one", "two"], {"uno": "one"}) == "one"


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("swish", "silu"), ("SiLU", "silu"), ("ReLU", "relu"), ("LeakyReLU", "leaky_relu"), ("leakyrelu", "leaky_relu"),
        ("Hardtanh", "hardtanh"), ("hard_tanh", "hardtanh"), ("Hardsigmoid", "hard_sigmoid"), ("Softsign", "softsign"),
        ("linear", "identity"), ("GELU", "gelu"), ("soft_sign", "softsign"),
    ],
)  # fmt: skip
def test_activations_of_other_libraries(name: str, known: str) -> None:
    model = nn.MLP([2, 3, 1], name, rng=0)
    assert model.activation == known and str(model) == str(nn.MLP([2, 3, 1], known, rng=0))
    assert nn.Activation(name).name == known and activation(name) == activation(known)
    x = tgi.tensor(np.linspace(-4, 4, 9))
    np.testing.assert_array_equal(nn.Activation(name)(x).numpy(), nn.ACTIVATIONS[known](x).numpy())
    assert tgi.theory.gains(name).forward == tgi.theory.gains(known).forward


def test_a_slope_that_is_learned_is_a_layer() -> None:
    assert isinstance(nn.make_activation("PReLU"), nn.PReLU)
    with pytest.raises(ValueError, match=r"expected an activation without a weight, got 'PReLU'; nn\.PReLU\(\)"):
        nn.Activation("PReLU")


@pytest.mark.parametrize("name", ["leakyrelu", "ReLU", "Tanh", "linear", "hard_tanh"])
def test_gains_by_the_names_of_others(name: str) -> None:
    assert init.calculate_gain(name) == init.calculate_gain(activations.activation_name(name))


LOGITS = np.random.default_rng(0).normal(size=(6, 3))
CLASSES = np.array([0, 2, 1, 1, 0, 2])
ONE_HOT = np.eye(3)[CLASSES]
ENTROPY = np.mean(np.log(np.exp(LOGITS).sum(1)) - LOGITS[np.arange(6), CLASSES])
BINARY = np.mean(np.log1p(np.exp(LOGITS)) - ONE_HOT * LOGITS)


@pytest.mark.parametrize(
    ("name", "target", "expected"),
    [
        ("MSELoss", ONE_HOT, np.mean((LOGITS - ONE_HOT) ** 2)),
        ("mse_loss", ONE_HOT, np.mean((LOGITS - ONE_HOT) ** 2)),
        ("MeanSquaredError", ONE_HOT, np.mean((LOGITS - ONE_HOT) ** 2)),
        ("CrossEntropyLoss", CLASSES, ENTROPY),
        ("sparse_categorical_crossentropy", CLASSES, ENTROPY),
        ("categorical_crossentropy", ONE_HOT, ENTROPY),
        ("BCEWithLogitsLoss", ONE_HOT, BINARY),
        ("bce_with_logits", ONE_HOT, BINARY),
    ],
)
def test_losses_of_other_libraries(name: str, target: Any, expected: float) -> None:
    """By the formula that those libraries give, on logits."""
    assert losses.loss_of(name)(tgi.tensor(LOGITS), target).item() == pytest.approx(expected)
    assert nn.Loss(name)(tgi.tensor(LOGITS), target).item() == pytest.approx(expected)


@pytest.mark.parametrize(
    ("name", "instead"),
    [
        ("BCELoss", "binary_cross_entropy_with_logits"),
        ("bce", "binary_cross_entropy_with_logits"),
        ("binary_crossentropy", "binary_cross_entropy_with_logits"),
        ("nll_loss", "cross_entropy"),
        ("NLLLoss", "cross_entropy"),
    ],
)
def test_losses_that_are_others_are_refused_with_what_to_take(name: str, instead: str) -> None:
    with pytest.raises(ValueError, match=f"{name}' takes .*probabilities; {instead} takes the logits"):
        losses.loss_of(name)


@pytest.mark.parametrize("name", ["L1Loss", "mae", "huber", "categorical_hinge", "MultiMarginLoss"])
def test_losses_that_are_not_there_are_none_of_ours(name: str) -> None:
    with pytest.raises(ValueError, match="expected a loss out of half_squared_error, mse"):
        losses.loss_of(name)


def test_training_by_names_of_others() -> None:
    x = np.random.default_rng(1).normal(size=(20, 2)).astype(np.float32)

    def losses_of(activation: str, loss: str, start: str) -> list[float]:
        model = nn.MLP([2, 4, 1], activation, rng=0)
        rule = update_rules.OPTIMIZERS["sgd"].at(0.1)
        return tgi.train(model, x, x[:, :1], loss, rule, initializer=start, epochs=2, rng=0)

    assert losses_of("Swish", "mse_loss", "GlorotUniform") == losses_of("silu", "mse", "xavier_uniform")


@pytest.mark.parametrize("name", update_rules.OPTIMIZERS)
def test_update_rules_lead_down_with_their_own_rate(name: str) -> None:
    x = np.random.default_rng(2).normal(size=(200, 4)).astype(np.float32)
    rule = update_rules.OPTIMIZERS[name]
    model = nn.MLP([4, 16, 1], "tanh", rng=0)
    rate = rule.lr_for("regression")
    history = tgi.train(model, x, x[:, :1] * x[:, 1:2], "mse", rule.at(rate), epochs=20, batch_size=20, rng=0)
    assert history[-1] < history[0] and np.isfinite(history).all()
    model = nn.MLP([4, 16, 2], "tanh", rng=0)
    rate = rule.lr_for("classification")
    classes = (x[:, 0] * x[:, 1] > 0).astype(int)
    history = tgi.train(model, x, classes, "cross_entropy", rule.at(rate), epochs=20, batch_size=20, rng=0)
    assert history[-1] < history[0] and np.isfinite(history).all()


@pytest.mark.parametrize(
    ("name", "usual", "regression", "options"),
    [
        ("sgd", 0.1, 0.02, {"momentum": 0.0, "nesterov": False}),
        ("momentum", 0.05, 0.01, {"momentum": 0.9, "nesterov": False}),
        ("nesterov", 0.05, 0.01, {"momentum": 0.9, "nesterov": True}),
        ("adam", 1e-3, 1e-3, {"weight_decay": 0.0}),
        ("adamw", 1e-3, 1e-3, {"weight_decay": 0.01}),
        ("nadam", 1e-3, 1e-3, {"momentum_decay": 0.004}),
        ("radam", 1e-3, 1e-3, {"betas": (0.9, 0.999)}),
        ("adamax", 2e-3, 2e-3, {"betas": (0.9, 0.999)}),
        ("rmsprop", 1e-3, 1e-3, {"alpha": 0.99, "momentum": 0.0}),
        ("adagrad", 1e-2, 1e-2, {"lr_decay": 0.0}),
        ("adadelta", 1.0, 1.0, {"rho": 0.9}),
    ],
)
def test_update_rules_are_what_they_are_called(
    name: str, usual: float, regression: float, options: dict[str, Any]
) -> None:
    """Their own rates stand here once more: commands print them."""
    rule = update_rules.OPTIMIZERS[name]
    assert (rule.lr_for("classification"), rule.lr_for("regression")) == (usual, regression)
    made = rule.at(0.25)([nn.Parameter(np.ones(1))])
    assert made.lr == 0.25 and {key: getattr(made, key) for key in options} == options
    assert changeable("tinygrad_init.update_rules") == set()
