"""Numbers that are tensors: where one is asked for, the gradient of a tensor goes through or the tensor is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_init as tgi

X = np.array([1.0, 2.0])


@pytest.fixture
def number() -> tgi.Tensor:
    return tgi.tensor(1.0, "float64", requires_grad=True)


MADE: dict[str, Callable[[Any], Any]] = {
    "full": lambda a: tgi.full((2, 3), a),
    "full of a dtype": lambda a: tgi.full(4, a, dtype="float32"),
    "full_like": lambda a: tgi.full_like(tgi.tensor(X), a),
    "new_full": lambda a: tgi.tensor(X).new_full((2,), a),
    "scalar_tensor": lambda a: tgi.scalar_tensor(a),
    "linspace": lambda a: tgi.linspace(a, 3 * a, 5),
    "linspace to": lambda a: tgi.linspace(0.0, a, steps=3, dtype="float32"),
}


@pytest.mark.parametrize("how", MADE)
def test_made_of_a_number(how: str, number: tgi.Tensor) -> None:
    found = MADE[how](number)
    plain = MADE[how](number.item())
    assert (found.shape, found.dtype) == (plain.shape, plain.dtype)
    np.testing.assert_allclose(found.numpy(), plain.numpy(), rtol=1e-6)
    found.sum().backward()
    # All of them are multiples of the number, which is 1.
    assert number.grad is not None
    np.testing.assert_allclose(number.grad.item(), plain.numpy().sum(), rtol=1e-6)


REFUSED: dict[str, tuple[Callable[[Any], Any], str]] = {
    "arange": (lambda a: tgi.arange(a, 5.0), r"write start \+ step \* arange\(n\)"),
    "logspace": (lambda a: tgi.logspace(0.0, a, 4), r"write base \*\* linspace"),
    "fill_": (lambda a: tgi.zeros(2).fill_(a), "the value requires grad"),
    "softplus": (lambda a: tgi.nn.functional.softplus(tgi.tensor(X, "float64"), beta=a), "not differentiable"),
    "full of an array": (lambda a: tgi.full((2,), a * np.ones(2)), r"expected one number, got shape \(2,\)"),
    "tensor of a list": (lambda a: tgi.tensor([a, 2.0]), "stack"),
    "as_tensor": (lambda a: tgi.as_tensor([[a, a], [a, a]]), "stack"),
    "Tensor": (lambda a: tgi.Tensor([a, a]), "stack"),
    "numpy": (lambda a: np.array([a, a]), "stack"),
}


@pytest.mark.parametrize("how", REFUSED)
def test_a_gradient_is_not_lost_without_a_word(how: str, number: tgi.Tensor) -> None:
    call, message = REFUSED[how]
    with pytest.raises((TypeError, RuntimeError, ValueError), match=message):
        call(number)


def test_numbers_without_a_gradient_are_numbers(number: tgi.Tensor) -> None:
    with tgi.no_grad():
        assert tgi.full((2,), number).numpy().tolist() == [1.0, 1.0]
        assert tgi.arange(number, 3).numpy().tolist() == [1.0, 2.0]
        assert tgi.zeros(2).fill_(number).numpy().tolist() == [1.0, 1.0]
    assert not tgi.linspace(number.detach(), 2.0, 3).requires_grad
