"""Sylvester's equation and square roots of matrices, against SciPy's; derivatives are checked with all operations'."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_init as tgi

RNG = np.random.default_rng(5)


def test_solve_sylvester() -> None:
    scipy_linalg = pytest.importorskip("scipy.linalg")
    a, b, q = RNG.normal(size=(4, 4)), RNG.normal(size=(3, 3)), RNG.normal(size=(4, 3))
    found = tgi.linalg.solve_sylvester(a, b, tgi.tensor(q, "float64"))
    np.testing.assert_allclose(found.numpy(), scipy_linalg.solve_sylvester(a, b, q), rtol=1e-11)
    single = tgi.linalg.solve_sylvester(*(tgi.tensor(x, "float32") for x in (a, b, q)))
    assert single.dtype == np.float32
    stacks = [np.stack([x, 2.0 * x]) for x in (a, b, q)]
    np.testing.assert_allclose(tgi.linalg.solve_sylvester(*stacks).numpy()[1], found.numpy(), rtol=1e-11)
    with pytest.raises(ValueError, match=r"expected q of shape \(4, 3\) and b in as many stacks, got \(3, 4\)"):
        tgi.linalg.solve_sylvester(a, b, q.T)
    with pytest.raises(ValueError, match="an eigenvalue of a is minus one of b"):
        tgi.linalg.solve_sylvester(np.eye(2), -np.eye(2), np.ones((2, 2)))


@pytest.mark.parametrize("n", [1, 2, 6])
def test_sqrtm(n: int) -> None:
    scipy_linalg = pytest.importorskip("scipy.linalg")
    x = RNG.normal(size=(n, n))
    for matrix in (x @ x.T + 0.01 * np.eye(n), x + 2.0 * n * np.eye(n), 1e-8 * (x @ x.T) + 1e-9 * np.eye(n)):
        found = tgi.linalg.sqrtm(tgi.tensor(matrix, "float64")).numpy()
        np.testing.assert_allclose(found @ found, matrix, atol=1e-13 * np.abs(matrix).max())
        expected = scipy_linalg.sqrtm(matrix)
        np.testing.assert_allclose(found, expected, atol=1e-13 * np.linalg.cond(expected) * np.abs(expected).max())


def test_sqrtm_of_what_has_no_real_root() -> None:
    for matrix in (-np.eye(2), np.zeros((2, 2)), np.diag([1.0, -4.0])):
        with pytest.raises(ValueError, match="sqrtm: expected eigenvalues that are not 0 or negative, got"):
            tgi.linalg.sqrtm(matrix)
    np.testing.assert_array_equal(tgi.linalg.sqrtm(np.full((2, 2), np.nan)).numpy(), np.full((2, 2), np.nan))
    defective = tgi.linalg.sqrtm(np.array([[4.0, 1.0], [0.0, 4.0]]))  # one eigenvector alone
    np.testing.assert_allclose(defective.numpy(), [[2.0, 0.25], [0.0, 2.0]], rtol=1e-14)
