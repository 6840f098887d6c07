"""Dropout: how often, how large, from which generator, in programs."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_init as tgi
from tinygrad_init import nn, optim

from ..programs.capturing import assert_same, leaf
from ..strategies import dtypes, seeds


@given(p=st.floats(0.05, 0.95), dtype=dtypes, seed=seeds)
def test_the_share_is_p_and_the_mean_stays(p: float, dtype: Any, seed: int) -> None:
    n = 20_000
    out = nn.Dropout(p, rng=seed)(tgi.tensor(np.ones(n), dtype)).numpy()
    assert out.dtype == dtype
    np.testing.assert_array_equal(np.unique(out), np.array([0.0, 1.0 / (1.0 - p)], dtype))
    # Six standard deviations of a binomial share: one in five hundred million draws lies beyond.
    assert abs(np.mean(out == 0) - p) < 6 * np.sqrt(p * (1 - p) / n)


@given(dtype=dtypes, seed=seeds)
def test_the_gradient_takes_the_same_way(dtype: Any, seed: int) -> None:
    x = leaf(np.random.default_rng(seed).normal(size=(3, 4)), dtype)
    out = nn.Dropout(0.3, rng=seed)(x)
    mask = np.where(out.numpy() == 0, 0, dtype(1 / 0.7))
    np.testing.assert_array_equal(tgi.grad(out.sum(), x)[0].numpy(), mask.astype(dtype))
    np.testing.assert_allclose(out.numpy(), x.numpy() * mask, rtol=1e-6)


def test_a_seed_gives_the_same_noise_and_each_call_its_own() -> None:
    x = np.ones(100, np.float32)
    one, other = nn.Dropout(0.5, rng=7), nn.Dropout(0.5, rng=7)
    drawn = [one(x).numpy() for _ in range(3)]
    for expected in drawn:
        np.testing.assert_array_equal(other(x).numpy(), expected)
    assert not np.array_equal(drawn[0], drawn[1]) and not np.array_equal(drawn[1], drawn[2])
    for again in (copy.deepcopy(one), pickle.loads(pickle.dumps(one))):
        np.testing.assert_array_equal(again(x).numpy(), copy.deepcopy(one)(x).numpy())


def test_nothing_happens_outside_training_and_for_p_0() -> None:
    x = tgi.tensor(np.ones(10))
    assert nn.Dropout(0.5).eval()(x) is x
    assert nn.Dropout(0.0)(x) is x
    np.testing.assert_array_equal(nn.Dropout(1.0)(x).numpy(), np.zeros(10))


@pytest.mark.parametrize("rng", [0, np.int64(7), None, "generator"], ids=repr)
def test_the_function_takes_seeds_and_generators_as_the_layer_does(rng: Any) -> None:
    x = tgi.tensor(np.ones(64))

    def noise(x: tgi.Tensor) -> tgi.Tensor:
        return tgi.dropout(x, 0.5, np.random.default_rng(7) if rng == "generator" else rng)

    assert set(np.unique(noise(x).numpy())) == {0.0, 2.0}
    program = tgi.capture(lambda x: tgi.dropout(x, 0.5, rng)) if rng != "generator" else noise
    drawn = [noise(x).numpy(), noise(x).numpy(), program(x).numpy(), program(x).numpy()]
    if rng is None:  # each call and each run has noise of its own
        assert not any(np.array_equal(drawn[0], other) for other in drawn[1:])
        assert not np.array_equal(drawn[2], drawn[3])
    else:  # and a seed means the same noise in each, in programs, too
        for other in drawn[1:]:
            np.testing.assert_array_equal(other, drawn[0])


@pytest.mark.parametrize("rng", ["0", 1.5, -1, object()], ids=["text", "fraction", "negative", "object"])
def test_what_is_neither_a_seed_nor_a_generator(rng: Any) -> None:
    for use in (lambda: tgi.dropout(tgi.tensor(np.ones(3)), 0.5, rng), lambda: nn.Dropout(0.5, rng=rng)):
        with pytest.raises((TypeError, ValueError), match="expect"):
            use()


def test_each_run_of_a_program_draws_what_a_call_would() -> None:
    def build() -> Any:
        w = leaf(np.ones((4, 3)))
        layer, optimizer = nn.Dropout(0.5, rng=3), optim.SGD([w], 0.1)

        def step(x: Any) -> Any:
            optimizer.zero_grad()
            out = layer(layer(tgi.tensor(x)) @ w)
            (out * out).sum().backward()
            optimizer.step()
            return out

        return step, w

    (step, w), (function, twin) = build(), build()
    program = tgi.capture(function)
    results = []
    for i in range(5):
        x = np.full((6 if i < 4 else 5, 4), 1.0)  # another program draws on where the last has stopped
        results.append(program(x).numpy().copy())
        assert_same(results[-1], step(x).detach().numpy())
        assert_same(twin, w)
    assert len({tuple(result[:5].ravel() == 0) for result in results}) == 5
    assert program.captures == 2


def test_explaining_a_program_draws_nothing(capsys: Any) -> None:
    x = np.ones(50)
    layers = [nn.Dropout(0.5, rng=3) for _ in range(2)]
    program, other = (tgi.capture(lambda x, layer=layer: layer(layer(tgi.tensor(x)))) for layer in layers)
    np.testing.assert_array_equal(program(x).numpy(), other(x).numpy())
    program.explain()
    assert "call" in capsys.readouterr().out
    np.testing.assert_array_equal(program(x).numpy(), other(x).numpy())


@pytest.mark.parametrize("p", [-0.1, 1.5, np.nan])
def test_errors_that_teach(p: float) -> None:
    with pytest.raises(ValueError, match="Dropout: expected p from 0 to 1, got"):
        nn.Dropout(p)
    with pytest.raises(ValueError, match="dropout: expected p from 0 to 1, got"):
        tgi.dropout(np.ones(3), p, np.random.default_rng(0))
