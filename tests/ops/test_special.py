"""Incomplete gamma functions and Bessel functions, against SciPy's and numbers of arbitrary precision."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_init as tgi


def test_incomplete_gamma() -> None:
    scipy_special = pytest.importorskip("scipy.special")
    rng = np.random.default_rng(1)
    a = 10.0 ** rng.uniform(-8, 4, 600)
    x = np.concatenate([a[:200] * rng.uniform(0.9, 1.1, 200), a[200:] * 10.0 ** rng.normal(0, 0.4, 400)])
    x[::9] = 10.0 ** rng.uniform(-5, 2, x[::9].size)
    for name in ("gammainc", "gammaincc"):
        ours, theirs = getattr(tgi.special, name), getattr(scipy_special, name)
        expected = theirs(a, x)
        some = expected > 1e-100  # SciPy is 4e-13 off at a = 500, mpmath says
        np.testing.assert_allclose(ours(tgi.tensor(a), tgi.tensor(x)).numpy()[some], expected[some], rtol=5e-13)
        ends = np.array([[0, 0], [0, 1], [2, 0], [np.inf, 1], [1, np.inf], [np.inf, np.inf], [-1, 1], [1, -1]]).T
        np.testing.assert_array_equal(ours(*map(tgi.tensor, ends)).numpy(), theirs(*ends))
        assert ours(2.0, tgi.tensor([1.5], "float32")).dtype == np.float32
        v = tgi.tensor([0.2, 1.0, 3.7], "float64", requires_grad=True)
        for first in (0.4, 1.0, 2.5, 20.0):
            assert tgi.gradcheck(lambda v, f=ours, a=first: f(a, v), v)
        assert tgi.gradgradcheck(lambda v, f=ours: f(2.5, v), v)
        with pytest.raises(ValueError, match=f"{name}: gradient asked for by the first input a"):
            ours(v, 2.0).sum().backward()


def test_bessel_functions_far_out_and_close_to_zero() -> None:
    mpmath = pytest.importorskip("mpmath")
    x = np.array([1e-300, 1e-8, 24.99, 25.01, 1e3, 1e8, 1e15])
    for order, kind in ((0, "j"), (1, "j"), (0, "y"), (1, "y")):
        with mpmath.workdps(40):
            expected = [float(getattr(mpmath, f"bessel{kind}")(order, mpmath.mpf(v))) for v in x]
        got = getattr(tgi.special, f"bessel_{kind}{order}")(tgi.tensor(x)).numpy()
        np.testing.assert_allclose(got, expected, rtol=1e-14, atol=0)
    zero = tgi.tensor(0.0, "float64", requires_grad=True)
    tgi.special.bessel_j1(zero).backward()
    assert zero.grad is not None and zero.grad.item() == 0.5
