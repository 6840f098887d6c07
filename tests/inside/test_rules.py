"""Formulas of rules are those of the rules: what is said for elementwise operations is worked out and compared."""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np
import pytest

import tinygrad_init as tgi
from tinygrad_init.inside.rules import rule_text, source_of
from tinygrad_init.kernels.reference import SELU_SCALE
from tinygrad_init.ops.registry import REGISTRY

# Those whose rules are expressions of elementary functions; the others are functions with names, and say so.
READABLE = [
    "add", "sub", "mul", "div", "pow", "exp", "expm1", "log", "log1p", "sqrt", "sin", "cos", "sigmoid", "tanh", "relu",
    "abs", "maximum", "minimum", "neg", "erf", "softplus", "softsign", "leaky_relu",
]  # fmt: skip


def as_python(text: str) -> str:
    text = text.replace("·", "*").replace("^", "**")
    text = re.sub(r"(?<![<>=!])=(?!=)", "==", text)
    return text


@pytest.mark.parametrize("name", READABLE)
def test_formulas_are_derivatives(name: str) -> None:
    op = REGISTRY[name]
    functions: dict[str, Any] = {
        "sigmoid": lambda x: 1 / (1 + math.exp(-x)), "cos": math.cos, "sin": math.sin, "log": math.log, "pow": pow,
        "exp": math.exp, "math": math, "abs": abs, "SELU_SCALE": SELU_SCALE, "negative_slope": 0.01,
    }  # fmt: skip
    rng = np.random.default_rng(0)
    for _ in range(20):
        inputs = [tgi.tensor(rng.uniform(*op.spec.domain), "float64", requires_grad=True) for _ in range(op.arity)]
        out = op(*inputs)
        values = {f"x{i}": x.item() for i, x in enumerate(inputs)}
        for i, expected in enumerate(tgi.grad(out, inputs)):
            text = rule_text(op, i, list(values), "y", True)
            found = eval(as_python(text), functions, {**values, "y": out.item()})
            assert found == pytest.approx(expected.item(), rel=1e-12), text


def test_every_rule_has_something_to_say() -> None:
    for op in REGISTRY.values():
        for i in range(len(op.rules)):
            text = rule_text(op, i, [f"x{k}" for k in range(max(op.arity, 3))], "y", op.elementwise)
            assert text and "\n" not in text
            assert "lambda" not in text and "object at" not in text and not re.search(r"(^|\W)_\w", text)


def test_every_rule_that_is_a_lambda_is_found_in_its_file() -> None:
    for op in REGISTRY.values():
        for rule in op.rules:
            if rule is not None and rule.__name__ == "<lambda>":
                assert source_of(rule) is not None, op.name


def test_rules_of_arrays_say_what_becomes_of_the_cotangent() -> None:
    assert rule_text(REGISTRY["matmul"], 0, ["x", "w"], "y", False) == "ḡ @ wᵀ"
    assert rule_text(REGISTRY["matmul"], 1, ["x", "w"], "y", False) == "xᵀ @ ḡ"
    assert rule_text(REGISTRY["linear"], 1, ["x", "w", "b"], "y", False) == "W̄ = δᵀ x"
    assert rule_text(REGISTRY["relu"], 0, ["z"], "a", True) == "1 if a > 0 else 0"
    assert rule_text(REGISTRY["tanh"], 0, ["z"], "a", False) == "ḡ·(1 - a)·(1 + a)"


def test_a_rule_of_ones_own_without_a_file() -> None:
    """What was typed at a prompt has no source; the operation's formula stands for it."""
    namespace: dict[str, Any] = {"operation": tgi.operation}
    code = "op = operation(lambda g, x: g * 3.0, formula='3 x', name='thrice')(lambda x, /: 3 * x)"
    exec(compile(code, "<prompt>", "exec"), namespace)
    op = REGISTRY.pop("thrice")
    assert rule_text(op, 0, ["x"], "y", True) == "derivative of 3 x"
    x = tgi.tensor([1.0, 2.0], requires_grad=True, name="x")
    assert tgi.tape(op(x).sum())["x"].cotangent.tolist() == [3.0, 3.0]
