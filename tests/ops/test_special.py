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


def _numbers(x: object) -> tgi.Tensor:
    return tgi.tensor(x, "float64")


def test_gamma_and_beta() -> None:
    scipy_special = pytest.importorskip("scipy.special")
    rng = np.random.default_rng(2)
    special = tgi.special
    x = np.concatenate([rng.uniform(-20, 171, 200), [0.0, -0.0, -1, -3, np.inf, -np.inf, np.nan, 180, 1e-310]])
    np.testing.assert_allclose(special.gamma(_numbers(x)).numpy(), scipy_special.gamma(x), rtol=4e-15)
    a, b = 10.0 ** rng.uniform(-2, 4, (2, 300))
    # SciPy itself is 5e-12 off there, and near a root of the logarithm both lose digits of their own size.
    np.testing.assert_allclose(
        special.betaln(_numbers(a), _numbers(b)).numpy(), scipy_special.betaln(a, b), rtol=1e-10, atol=1e-13
    )
    np.testing.assert_allclose(special.beta(2.5, _numbers(4.0)).item(), scipy_special.beta(2.5, 4.0), rtol=1e-14)
    mean = a / (a + b)
    x = np.clip(mean * (1.0 + rng.normal(size=300) * np.sqrt((1 - mean) / (a + 1))), 1e-9, 1 - 1e-9)
    x[::3] = rng.random(100)
    for name in ("betainc", "betaincc"):
        ours, theirs = getattr(special, name), getattr(scipy_special, name)
        got, expected = ours(_numbers(a), _numbers(b), _numbers(x)).numpy(), theirs(a, b, x)
        np.testing.assert_allclose(got, expected, rtol=1e-12, atol=1e-14)
        tail = (expected < 0.1) & (expected > 1e-200) & (np.minimum(a, b) > 0.3)
        np.testing.assert_allclose(got[tail], expected[tail], rtol=2e-12)
        ends = np.array([[2, 3, 0], [2, 3, 1], [-1, 1, 0.5], [1, 1, -0.5], [1, 1, np.nan]]).T
        np.testing.assert_array_equal(ours(*map(_numbers, ends)).numpy(), theirs(*ends))
        v = tgi.tensor([0.2, 0.5, 0.9], "float64", requires_grad=True)
        for p, q in ((0.4, 2.0), (1.0, 1.0), (15.0, 20.0)):
            assert tgi.gradcheck(lambda v, f=ours, p=p, q=q: f(p, q, v), v)
        assert tgi.gradgradcheck(lambda v, f=ours: f(2.5, 1.5, v), v)
        for place in (0, 1):
            given = [v if i == place else 0.5 for i in range(3)]
            with pytest.raises(ValueError, match=f"{name}: gradient asked for by the (first|second) input"):
                ours(*given).sum().backward()


def test_inverse_of_erfc() -> None:
    scipy_special = pytest.importorskip("scipy.special")
    y = np.concatenate(
        [10.0 ** np.linspace(-300, 0, 60), 2 - 10.0 ** np.linspace(-15, 0, 40), [0, 1, 2, -1, 3, np.nan]]
    )
    np.testing.assert_allclose(tgi.special.erfcinv(_numbers(y)).numpy(), scipy_special.erfcinv(y), rtol=5e-15)


def test_bessel_functions_of_whole_order() -> None:
    scipy_special = pytest.importorskip("scipy.special")
    mpmath = pytest.importorskip("mpmath")
    rng = np.random.default_rng(3)
    for n in (0, 1, 2, 5, 30, 200, -3):
        x = np.concatenate([rng.uniform(-30, 30, 30), 10.0 ** rng.uniform(-2, 3, 30), [float(abs(n)), 0.0]])
        with mpmath.workdps(40):
            expected = np.array([float(mpmath.besselj(n, mpmath.mpf(v))) for v in x])
        got = tgi.special.jn(n, _numbers(x)).numpy()
        np.testing.assert_allclose(got, expected, rtol=1e-13, atol=1e-15)
        small = (np.abs(expected) > 1e-290) & (np.abs(x) < abs(n) / 2)
        np.testing.assert_allclose(got[small], expected[small], rtol=1e-13)
        np.testing.assert_allclose(
            tgi.special.yn(n, _numbers(abs(x))).numpy(), scipy_special.yn(n, abs(x)), rtol=1e-11, atol=1e-12
        )
    ends = tgi.tensor([np.inf, np.nan], "float64")
    np.testing.assert_array_equal(tgi.special.jn(4, ends).numpy(), [0.0, np.nan])
    np.testing.assert_array_equal(tgi.special.yn(4, ends).numpy(), [0.0, np.nan])
    for f in (tgi.special.jn, tgi.special.yn):
        with pytest.raises(ValueError, match="expected a whole number as order n, got 1.5"):
            f(1.5, ends)


def test_modified_bessel_functions_of_any_order() -> None:
    scipy_special = pytest.importorskip("scipy.special")
    rng = np.random.default_rng(4)
    v = np.concatenate([rng.uniform(0, 60, 200), 10.0 ** rng.uniform(-3, 3, 100), rng.integers(0, 40, 60)])
    x = 10.0 ** rng.uniform(-3, 3.5, v.size)
    x[-60:] *= rng.choice([-1, 1], 60)
    ive, iv = tgi.special.ive, tgi.special.iv
    np.testing.assert_allclose(ive(_numbers(v), _numbers(x)).numpy(), scipy_special.ive(v, x), rtol=1e-12, atol=1e-300)
    x = np.clip(x, -600, 600)
    np.testing.assert_allclose(iv(_numbers(v), _numbers(x)).numpy(), scipy_special.iv(v, x), rtol=1e-12, atol=1e-300)
    for f, theirs in ((iv, scipy_special.iv), (ive, scipy_special.ive)):
        ends = np.array([[0, 0], [2, 0], [1.5, -2.0], [2, np.nan]]).T
        np.testing.assert_array_equal(f(*map(_numbers, ends)).numpy(), theirs(*ends))
        assert f(3.0, _numbers(np.inf)).item() == (np.inf if f is iv else 0.0)
        at = tgi.tensor([-1.5, 0.3, 4.0], "float64", requires_grad=True)
        for order in (0.0, 1.0, 3.0):
            assert tgi.gradcheck(lambda at, f=f, order=order: f(order, at), at)
        for order in (0.4, 2.5):
            assert tgi.gradgradcheck(lambda at, f=f, order=order: f(order, abs(at)), at)
        with pytest.raises(ValueError, match=f"{f.name}: gradient asked for by the first input v"):
            f(at, 2.0).sum().backward()
    zero = tgi.tensor(0.0, "float64", requires_grad=True)
    iv(1.0, zero).backward()
    assert zero.grad is not None and zero.grad.item() == 0.5
