"""Linear algebra: values beside NumPy's, SciPy's and JAX's, derivatives, and the cases where something degenerates."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_init as tgi
from tinygrad_init import linalg

RNG = np.random.default_rng(11)
X = RNG.normal(size=(4, 3))
STACK = RNG.normal(size=(2, 4, 3))
S = RNG.normal(size=(3, 3)) + 3 * np.eye(3)
SS = RNG.normal(size=(2, 3, 3)) + 3 * np.eye(3)
SPD = SS @ np.swapaxes(SS, -1, -2)
B = RNG.normal(size=(3, 2))
V = RNG.normal(size=5)

# Function, arguments: of all of them both derivatives are compared with finite differences.
CASES: dict[str, tuple[Any, ...]] = {
    "cholesky": (linalg.cholesky, SPD),
    "cholesky upper": (lambda x: linalg.cholesky(x, upper=True), SPD),
    "cholesky_solve": (lambda b, x: linalg.cholesky_solve(b, linalg.cholesky(x)), B, SPD[0]),
    "cond": (linalg.cond, STACK),
    "cond of smallest": (lambda x: linalg.cond(x, -2), S),
    "cond in nuclear norm": (lambda x: linalg.cond(x, "nuc"), S),
    "cross": (linalg.cross, SS, S),
    "det": (linalg.det, SS),
    "diagonal": (lambda x: linalg.diagonal(x, offset=1), SS),
    "eig": (lambda x: linalg.eig(x).eigenvectors, np.diag([1.0, 2.0, 4.0]) + 0.1 * S),
    "eigvals": (linalg.eigvals, np.diag([1.0, 2.0, 4.0]) + 0.1 * SS),
    "eigh": (lambda x: linalg.eigh(x).eigenvectors, SS),
    "eigh, lower triangle": (lambda x: linalg.eigh(x, "L").eigenvectors, SS),
    "eigvalsh, upper triangle": (lambda x: linalg.eigvalsh(x, "U"), SS),
    "householder_product": (linalg.householder_product, X, RNG.normal(size=3)),
    "inv": (linalg.inv, SS),
    "logdet": (linalg.logdet, SPD),
    "lstsq, tall": (lambda a, b: linalg.lstsq(a, b).solution, X, RNG.normal(size=(4, 2))),
    "lstsq, wide": (lambda a, b: linalg.lstsq(a, b).solution, X.T, RNG.normal(size=3)),
    "lstsq, what is left": (lambda a, b: linalg.lstsq(a, b).residuals, X, RNG.normal(size=(4, 2))),
    "lu": (lambda x: (lambda f: f.L @ tgi.sin(f.U))(linalg.lu(x)), STACK),
    "lu, wide": (lambda x: linalg.lu(x).U, np.swapaxes(STACK, -1, -2)),
    "lu_solve": (lambda x, b: linalg.lu_solve(*linalg.lu_factor(x), b), SS, B),
    "lu_solve, adjoint": (lambda x, b: linalg.lu_solve(*linalg.lu_factor(x), b, adjoint=True), SS, B),
    "lu_solve, right": (lambda x, b: linalg.lu_solve(*linalg.lu_factor(x), b, left=False), SS, B.T),
    "matrix_exp": (linalg.matrix_exp, SS),
    "matrix_exp, large": (lambda x: linalg.matrix_exp(-3.0 * x), S),
    "matrix_power": (lambda x: linalg.matrix_power(x, -3), SS),
    "multi_dot": (lambda *xs: linalg.multi_dot(xs), V[:4], X, S, B, V[:2]),
    "pinv": (linalg.pinv, STACK),
    "pinv, wide": (linalg.pinv, X.T),
    "pinv of rank 2": (lambda x, y: linalg.pinv(x @ y, 1e-8), X[:, :2], S[:2]),
    "qr": (lambda x: (lambda f: f.Q * 2.0 + (f.R.T @ f.R).sum())(linalg.qr(x)), X),
    "qr, wide": (lambda x: linalg.qr(x).R, X.T),
    "slogdet": (lambda x: linalg.slogdet(x).logabsdet, SS),
    "solve": (linalg.solve, SS, B),
    "solve from the right": (lambda a, b: linalg.solve(a, b, left=False), S, B.T),
    "solve vectors in a stack": (linalg.solve, SS, RNG.normal(size=(2, 3))),
    "svd": (lambda x: (lambda f: (f.U * f.S * f.S) @ tgi.sin(f.Vh))(linalg.svd(x, False)), X),
    "svd, wide": (lambda x: linalg.svd(x, False).Vh, X.T),
    "svdvals": (linalg.svdvals, STACK),
    "tensorinv": (lambda x: linalg.tensorinv(x, 1), RNG.normal(size=(4, 2, 2))),
    "tensorsolve": (linalg.tensorsolve, RNG.normal(size=(2, 3, 6)), RNG.normal(size=(2, 3))),
    "tensorsolve, axes moved": (lambda a, b: linalg.tensorsolve(a, b, (0,)), RNG.normal(size=(6, 2, 3)), B.T),
    "vander": (lambda x: linalg.vander(x, 4), S),
    "vecdot": (lambda x, y: linalg.vecdot(x, y, axis=-2), S, SS),
    **{
        f"solve_triangular, {'upper' if u else 'lower'}, {'left' if left else 'right'}{', ones' if ones else ''}": (
            lambda a, b, u=u, left=left, ones=ones: linalg.solve_triangular(
                a, b if left else b.swapaxes(-1, -2), upper=u, left=left, unitriangular=ones
            ),
            SS,
            B,
        )
        for u in (True, False)
        for left in (True, False)
        for ones in (True, False)
    },
    **{
        f"vector_norm {o}": (lambda x, o=o: linalg.vector_norm(x, o, 1), STACK)
        for o in (1, 2, 3, 0.5, -2, math.inf, -math.inf)
    },
    **{
        f"matrix_norm {o}": (lambda x, o=o: linalg.matrix_norm(x, o, (0, 2), keepdims=True), STACK)
        for o in ("fro", "nuc", 1, -1, 2, -2, math.inf, -math.inf)
    },
}


@pytest.mark.parametrize("name", CASES)
def test_derivatives_of_both_orders(name: str) -> None:
    function, *arrays = CASES[name]
    leaves = [tgi.Tensor(x, "float64", requires_grad=True) for x in arrays]
    assert tgi.gradcheck(function, leaves, atol=1e-5, rtol=1e-4)
    assert tgi.gradgradcheck(function, leaves, atol=1e-4, rtol=1e-3)


@pytest.mark.parametrize("name", CASES)
def test_single_precision_stays_single(name: str) -> None:
    function, *arrays = CASES[name]
    double = function(*[tgi.Tensor(x, "float64") for x in arrays])
    leaves = [tgi.Tensor(x, "float32", requires_grad=True) for x in arrays]
    found = function(*leaves)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found.numpy(), double.numpy(), rtol=2e-3, atol=2e-3 * np.max(np.abs(double.numpy())))
    assert all(g.dtype == np.float32 for g in tgi.grad(found.sum(), leaves))


NOT_CAPTURED = ("lstsq", "lu", "pinv of rank")  # ranks and orders of rows are read from the numbers


@pytest.mark.parametrize("name", [n for n in CASES if not n.startswith(NOT_CAPTURED)])
def test_captured_they_give_the_same(name: str) -> None:
    function, *arrays = CASES[name]
    leaves = [tgi.Tensor(x, "float64", requires_grad=True) for x in arrays]

    def step() -> Any:
        out = function(*leaves)
        return out, *tgi.grad((out * out).sum(), leaves)

    expected = step()
    for found, wanted in zip(tgi.capture(step)(), expected, strict=True):
        np.testing.assert_allclose(found.numpy(), wanted.numpy(), rtol=1e-9, atol=1e-10)


class TestValues:
    """Beside SciPy and JAX, where NumPy has no such function."""

    def test_matrix_exp(self) -> None:
        scipy = pytest.importorskip("scipy.linalg")
        for scale in (1e-8, 0.1, 1.0, 30.0):
            x = scale * SS
            np.testing.assert_allclose(linalg.matrix_exp(tgi.tensor(x)).numpy(), scipy.expm(x), rtol=1e-10)
        turn = np.array([[0.0, -1.0], [1.0, 0.0]])
        np.testing.assert_allclose(linalg.expm(tgi.tensor(math.pi * turn)).numpy(), -np.eye(2), atol=1e-14)
        nilpotent = tgi.tensor(np.triu(S, 1))
        np.testing.assert_allclose(
            linalg.matrix_exp(nilpotent).numpy(),
            np.eye(3) + np.triu(S, 1) + np.triu(S, 1) @ np.triu(S, 1) / 2,
            atol=1e-14,
        )

    def test_triangular_and_eliminated(self) -> None:
        scipy = pytest.importorskip("scipy.linalg")
        for x in (X, X.T, S):
            p, lower, upper = (t.numpy() for t in linalg.lu(tgi.tensor(x)))
            for ours, theirs in zip((p, lower, upper), scipy.lu(x), strict=True):
                np.testing.assert_allclose(ours, theirs, atol=1e-12)
        packed, pivots = linalg.lu_factor(tgi.tensor(S))
        wanted, exchanges = scipy.lu_factor(S)
        np.testing.assert_allclose(packed.numpy(), wanted, atol=1e-12)
        np.testing.assert_array_equal(np.asarray(pivots) - 1, exchanges)
        for lower in (True, False):
            found = linalg.solve_triangular(tgi.tensor(S), tgi.tensor(B), upper=not lower)
            np.testing.assert_allclose(found.numpy(), scipy.solve_triangular(S, B, lower=lower), rtol=1e-11)

    def test_a_triangle_is_solved_by_substitution(self) -> None:
        """Also where elimination with exchanges would lose digits: rows of very different size."""
        a = np.tril(RNG.normal(size=(6, 6))) * (10.0 ** np.arange(0, -24, -4))[None, :] + np.diag(
            10.0 ** np.arange(0, -24, -4)
        )
        wanted = RNG.normal(size=6)
        found = linalg.solve_triangular(tgi.tensor(a), tgi.tensor(a @ wanted), upper=False).numpy()
        np.testing.assert_allclose(np.tril(a) @ found, a @ wanted, rtol=1e-12)

    def test_jax(self) -> None:
        jax = pytest.importorskip("jax")
        jax.config.update("jax_enable_x64", True)
        pairs: list[tuple[Callable[..., Any], Callable[..., Any], Any]] = [
            (lambda x: linalg.matrix_exp(x), jax.scipy.linalg.expm, S),
            (lambda x: linalg.pinv(x), jax.numpy.linalg.pinv, X),
            (lambda x: linalg.svdvals(x), lambda x: jax.numpy.linalg.svd(x, compute_uv=False), X),
            (lambda x: linalg.cholesky(x), jax.numpy.linalg.cholesky, SPD[0]),
            (lambda x: linalg.slogdet(x)[1], lambda x: jax.numpy.linalg.slogdet(x)[1], S),
            (lambda x: linalg.eigvalsh(x), jax.numpy.linalg.eigvalsh, SPD[0]),
        ]
        for ours, theirs, x in pairs:
            t = tgi.tensor(x, requires_grad=True)
            np.testing.assert_allclose(ours(t).numpy(), theirs(x), rtol=1e-9, atol=1e-12)
            gradient = jax.grad(lambda a, f=theirs: jax.numpy.sum(jax.numpy.sin(f(a))))(x)
            np.testing.assert_allclose(tgi.grad(tgi.sin(ours(t)).sum(), t)[0].numpy(), gradient, rtol=1e-8, atol=1e-10)


class TestDegenerate:
    """What is said in the docstrings of equal values, lost ranks, zeros, and matrices that are not symmetric."""

    def gradient(self, function: Callable[[Any], Any], x: Any) -> Any:
        t = tgi.tensor(np.asarray(x, np.float64), requires_grad=True)
        return tgi.grad(function(t), t)[0].numpy()

    @pytest.mark.parametrize(
        "x", [np.eye(3), 2.0 * np.eye(4)[:, :3], np.diag([1.0, 1.0, -1.0])], ids=["one", "tall", "signs"]
    )
    def test_equal_singular_values(self, x: Any) -> None:
        """The polar factor U Vᵀ has a derivative by antisymmetric changes, which turn U against V."""
        t = tgi.tensor(x, requires_grad=True)
        weights = RNG.normal(size=x.shape)
        assert tgi.gradcheck(lambda a: ((lambda f: f.U @ f.Vh)(linalg.svd(a, False)) * weights).sum(), t)
        assert tgi.gradcheck(lambda a: linalg.matrix_norm(a, "nuc"), t)
        assert tgi.gradcheck(linalg.pinv, t)

    def test_equal_eigenvalues(self) -> None:
        """Sums of equal ones, and projections on all that belong to them, have their derivatives."""
        t = tgi.tensor(np.diag([2.0, 2.0, 5.0]), requires_grad=True)
        weights = RNG.normal(size=(3, 3))
        found = tgi.grad(linalg.eigvalsh(t).sum(), t)[0].numpy()
        np.testing.assert_allclose(found, np.eye(3), atol=1e-12)

        def projection(a: Any) -> Any:
            vectors = linalg.eigh(a).eigenvectors[:, :2]
            return ((vectors @ vectors.T) * weights).sum()

        assert tgi.gradcheck(projection, t)

    def test_rank_loss(self) -> None:
        x = np.outer([1.0, 2.0, 3.0], [1.0, -1.0])
        np.testing.assert_allclose(linalg.pinv(tgi.tensor(x)).numpy(), np.linalg.pinv(x, 1e-12), atol=1e-13)
        assert linalg.matrix_rank(tgi.tensor(x)) == 1
        solution = linalg.lstsq(tgi.tensor(x), tgi.tensor([1.0, 2.0, 4.0], "float64")).solution.numpy()
        np.testing.assert_allclose(solution, np.linalg.lstsq(x, [1.0, 2.0, 4.0], rcond=None)[0], atol=1e-13)
        u, v = tgi.tensor(x[:, :1], requires_grad=True), tgi.tensor(x[:1], requires_grad=True)
        assert tgi.gradcheck(lambda a, b: linalg.pinv(a @ b, 1e-8), [u, v])  # within rank 1
        assert linalg.det(tgi.tensor(x @ x.T)).item() == pytest.approx(0, abs=1e-12)
        with pytest.raises(ValueError, match="Singular matrix"):
            self.gradient(lambda t: linalg.qr(t).R.sum(), [[1.0, 0.0], [0.0, 0.0], [0.0, 0.0]])

    @pytest.mark.parametrize("order", [1, 2, 3, 0.5, math.inf])
    def test_norms_of_nothing(self, order: float) -> None:
        found = self.gradient(lambda t: linalg.vector_norm(t, order), np.zeros(3))
        assert np.all(found == 0)
        assert linalg.vector_norm(tgi.tensor(np.zeros(3)), order).item() == 0

    @pytest.mark.parametrize("order", [2.5, 3, 0.5])
    def test_norms_neither_overflow_nor_underflow(self, order: float) -> None:
        for scale in (1e200, 1e-200):
            x = scale * np.array([3.0, -4.0])
            wanted = scale * np.sum(np.abs([3.0, 4.0]) ** order) ** (1 / order)
            assert linalg.vector_norm(tgi.tensor(x), order).item() == pytest.approx(wanted, rel=1e-12)
            assert np.all(np.isfinite(self.gradient(lambda t: linalg.vector_norm(t, order), x)))

    def test_ties_of_norms_share(self) -> None:
        np.testing.assert_allclose(
            self.gradient(lambda t: linalg.vector_norm(t, math.inf), [3.0, -3.0, 1.0]), [0.5, -0.5, 0]
        )
        np.testing.assert_allclose(self.gradient(lambda t: linalg.matrix_norm(t, 2), np.eye(2)), np.eye(2) / 2)

    def test_matrices_that_are_not_symmetric(self) -> None:
        """The symmetric part without a triangle, whose elements alone have a derivative where one is named."""
        t = tgi.tensor(S)
        np.testing.assert_allclose(linalg.eigvalsh(t).numpy(), np.linalg.eigvalsh((S + S.T) / 2))
        np.testing.assert_allclose(linalg.eigvalsh(t, "L").numpy(), np.linalg.eigvalsh(S, "L"))
        np.testing.assert_allclose(linalg.eigvalsh(t, "U").numpy(), np.linalg.eigvalsh(S, "U"))
        full = self.gradient(lambda a: (linalg.eigvalsh(a) ** 3).sum(), S)
        lower = self.gradient(lambda a: (linalg.eigvalsh(a, "L") ** 3).sum(), S)
        np.testing.assert_allclose(full, full.T)
        assert np.all(np.triu(lower, 1) == 0)

    @pytest.mark.parametrize(
        ("call", "kind", "message"),
        [
            (lambda: linalg.eig(tgi.tensor([[0.0, 1.0], [-1.0, 0.0]])), ValueError, "an eigenvalue is complex"),
            (lambda: linalg.svd(tgi.tensor(X, requires_grad=True)), ValueError, "write full_matrices=False"),
            (lambda: linalg.qr(tgi.tensor(X, requires_grad=True), "complete"), ValueError, "write mode='reduced'"),
            (lambda: linalg.qr(tgi.tensor(X), "raw"), ValueError, "expected mode 'reduced', 'r' or 'complete'"),
            (lambda: linalg.solve(tgi.tensor(np.ones((3, 3, 3))), tgi.tensor(S)), TypeError, "in NumPy and another"),
            (lambda: linalg.solve_triangular(tgi.tensor(S), tgi.tensor(X), upper=True), ValueError, "expected 3 rows"),
            (
                lambda: linalg.solve_triangular(tgi.tensor(np.zeros((2, 2))), np.ones(2), upper=True),
                ValueError,
                "Singular",
            ),
            (lambda: linalg.norm(tgi.tensor(STACK), 2), ValueError, "a vector or a matrix, or axes"),
            (lambda: linalg.matrix_norm(tgi.tensor(X), 3), ValueError, "expected order 'fro'"),
            (lambda: linalg.matrix_norm(tgi.tensor(V)), ValueError, "expected matrices and two axes"),
            (lambda: linalg.vector_norm(tgi.tensor(V), "fro"), TypeError, "a number as order"),
            (lambda: linalg.eigh(tgi.tensor(S), "X"), ValueError, "UPLO 'L' or 'U'"),
            (lambda: linalg.multi_dot([tgi.tensor(X)]), ValueError, "at least two"),
            (lambda: linalg.tensorinv(tgi.tensor(X), 1), ValueError, "makes no square matrix"),
            (lambda: linalg.cross(tgi.tensor(X), tgi.tensor(X), axis=0), ValueError, "expected 3 elements"),
            (lambda: linalg.matrix_exp(tgi.tensor(X)), ValueError, "expected square matrices"),
            (lambda: linalg.lstsq(tgi.tensor(X), tgi.tensor(B)), ValueError, "expected 4 rows"),
        ],
    )
    def test_what_is_refused(self, call: Callable[[], Any], kind: type[Exception], message: str) -> None:
        with pytest.raises(kind, match=message):
            call()

    def test_square_factors_without_a_derivative(self) -> None:
        u, s, vh = linalg.svd(tgi.tensor(X))
        assert (u.shape, s.shape, vh.shape) == ((4, 4), (3,), (3, 3))
        q, r = linalg.qr(tgi.tensor(X), "complete")
        np.testing.assert_allclose((q @ r).numpy(), X, atol=1e-13)


def test_products_of_whole_numbers_are_whole() -> None:
    a = tgi.tensor([[1, 2, 3], [4, 5, 6]])
    for call in (
        lambda ns, x: ns.linalg.multi_dot([x, x.T, x]),
        lambda ns, x: ns.linalg.cross(x, x[::-1]),
        lambda ns, x: ns.linalg.vecdot(x, x),
    ):
        found, expected = call(tgi, a), call(np, np.asarray(a))
        assert found.dtype == expected.dtype
        np.testing.assert_array_equal(np.asarray(found), expected)
    np.testing.assert_array_equal(np.asarray(linalg.vander(a, 3))[1, 2], [1, 6, 36])


def test_spellings_of_both_libraries() -> None:
    t = tgi.tensor(STACK)
    np.testing.assert_array_equal(linalg.norm(t, 3, dim=1, keepdim=True).numpy(), linalg.norm(t, 3, 1, True).numpy())
    np.testing.assert_array_equal(linalg.vector_norm(t, dim=(0, 1)).numpy(), linalg.vector_norm(t, axis=(0, 1)).numpy())
    np.testing.assert_array_equal(linalg.diagonal(t, dim1=0, dim2=1).numpy(), np.diagonal(STACK, 0, 0, 1))
    assert tgi.linalg is linalg
    assert set(linalg.__all__) <= set(dir(linalg))


def test_derivatives_of_the_pseudoinverse_keep_their_digits() -> None:
    """Of a matrix of full rank they are the inverse's, up to its condition (24000) times the spacing of float64."""
    u, _, vt = np.linalg.svd(np.random.default_rng(8).normal(size=(5, 5)))
    matrix = (u * [30.0, 3.0, 1.0, 0.3, 1.25e-3]) @ vt
    g, v = np.random.default_rng(9).normal(size=(2, 5, 5))
    found = []
    for inverse in (linalg.inv, linalg.pinv):
        x = tgi.tensor(matrix, requires_grad=True)
        (slope,) = tgi.autograd.grad((inverse(x) * g).sum(), x, create_graph=True)
        (curvature,) = tgi.autograd.grad((slope * v).sum(), x)
        found.append((slope.numpy(), curvature.numpy()))
    for of_inv, of_pinv in zip(*found, strict=True):
        np.testing.assert_allclose(of_pinv, of_inv, atol=1e-10 * np.abs(of_inv).max())
