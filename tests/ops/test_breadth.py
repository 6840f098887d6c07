"""What PyTorch's table of operations does not ask: special values, limits, capture, methods, the star import."""

from __future__ import annotations

import builtins
import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_init as tgi

RNG = np.random.default_rng(0)
X = RNG.normal(size=(3, 4))
POSITIVE = RNG.uniform(0.3, 2.5, (3, 4))
PLACES = np.array([2, 0, 2])


def test_the_star_import_replaces_no_builtin() -> None:
    names: dict[str, Any] = {}
    exec("from tinygrad_init import *", names)
    assert not {name for name in names if hasattr(builtins, name)} - {"__builtins__", "__doc__", "__name__"}
    for name in ("abs", "all", "any", "divmod", "max", "min", "pow", "round", "sum"):
        assert callable(getattr(tgi, name)) and name not in tgi.__all__ and name in tgi.ops.__all__


class TestSpecial:
    """Values to the last digits, against numbers of arbitrary precision."""

    POINTS = np.array([-7.3, -2.5, -0.7, -1e-5, 1e-5, 0.2, 0.9, 1.4616, 3.3, 11.9, 12.1, 26.0, 49.0, 51.0, 120.0])

    @pytest.mark.parametrize(
        ("ours", "exact", "domain"),
        [
            ("digamma", "psi(0, x)", (-10, 200)),
            ("lgamma", "re(loggamma(x))", (-10, 200)),
            ("erfc", "erfc(x)", (-10, 26.5)),
            ("erfcx", "exp(x * x) * erfc(x)", (-10, 60)),
            ("erfinv", "erfinv(x)", (-0.99, 0.99)),
            ("i0e", "besseli(0, x) * exp(-abs(x))", (-10, 200)),
            ("i1e", "besseli(1, x) * exp(-abs(x))", (-10, 200)),
            ("i0", "besseli(0, x)", (-10, 60)),
            ("i1", "besseli(1, x)", (-10, 60)),
            ("ndtr", "ncdf(x)", (-10, 10)),
            ("log_ndtr", "log(ncdf(x))", (-10, 10)),
            ("sinc", "sincpi(x)", (-10, 200)),
            ("bessel_j0", "besselj(0, x)", (-10, 200)),
            ("bessel_j1", "besselj(1, x)", (-10, 200)),
            ("bessel_y0", "bessely(0, x)", (0, 200)),
            ("bessel_y1", "bessely(1, x)", (0, 200)),
        ],
    )
    def test_of_one_number(self, ours: str, exact: str, domain: tuple[float, float]) -> None:
        mpmath = pytest.importorskip("mpmath")
        x = self.POINTS[(domain[0] < self.POINTS) & (domain[1] > self.POINTS)]
        with mpmath.workdps(40):
            expected = [float(eval(exact, vars(mpmath) | {"x": mpmath.mpf(v)})) for v in x]
        # Near its zeros a function is as exact as its argument.
        np.testing.assert_allclose(getattr(tgi.special, ours)(tgi.tensor(x)).numpy(), expected, rtol=2e-13, atol=2e-15)

    @pytest.mark.parametrize("n", [0, 1, 2, 3, 6])
    def test_polygamma(self, n: int) -> None:
        mpmath = pytest.importorskip("mpmath")
        x = self.POINTS[np.abs(self.POINTS) > 1e-3]
        with mpmath.workdps(40):
            expected = [float(mpmath.psi(n, mpmath.mpf(v))) for v in x]
        np.testing.assert_allclose(tgi.polygamma(n, tgi.tensor(x)).numpy(), expected, rtol=2e-12, atol=2e-15)
        t = tgi.tensor([0.8, 1.5, 3.3], "float64", requires_grad=True)
        assert tgi.gradcheck(lambda v: tgi.polygamma(n, v), t)

    def test_zeta(self) -> None:
        mpmath = pytest.importorskip("mpmath")
        q = np.array([0.3, 1.0, 4.0, 40.0])
        for s in (1.1, 2.0, 5.5):
            with mpmath.workdps(40):
                expected = [float(mpmath.zeta(mpmath.mpf(s), mpmath.mpf(v))) for v in q]
            np.testing.assert_allclose(tgi.special.zeta(s, tgi.tensor(q)).numpy(), expected, rtol=1e-13)
        assert tgi.gradcheck(lambda v: tgi.special.zeta(2.5, v), tgi.tensor(q[:3], requires_grad=True))
        with pytest.raises(ValueError, match="zeta: gradient asked for by the first input s"):
            tgi.special.zeta(tgi.tensor(2.5, requires_grad=True), 2.0).backward()

    def test_inverses(self) -> None:
        p = np.concatenate([np.logspace(-300, -1, 40), np.linspace(0.1, 0.9, 9)])
        back = tgi.special.log_ndtr(tgi.special.ndtri(tgi.tensor(p))).numpy()
        np.testing.assert_allclose(back, np.log(p), rtol=1e-13)
        np.testing.assert_allclose(tgi.erf(tgi.erfinv(tgi.tensor(X * 0.3))).numpy(), X * 0.3, rtol=1e-14)
        np.testing.assert_allclose(tgi.sigmoid(tgi.logit(tgi.tensor(POSITIVE / 3))).numpy(), POSITIVE / 3, rtol=1e-14)

    def test_at_the_ends(self) -> None:
        inf, nan = np.inf, np.nan
        for function, x, expected in (
            (tgi.digamma, [0.0, -0.0, -1.0, inf], [-inf, inf, nan, inf]),
            (tgi.lgamma, [0.0, -3.0, inf, -inf, 1.0], [inf, inf, inf, inf, 0.0]),
            (tgi.erfinv, [1.0, -1.0, 0.0, 1.1], [inf, -inf, 0.0, nan]),
            (tgi.special.ndtri, [0.0, 1.0, 0.5], [-inf, inf, 0.0]),
            (tgi.entr, [0.0, -1.0, 1.0], [0.0, -inf, 0.0]),
            (tgi.i0e, [inf, nan, 0.0], [0.0, nan, 1.0]),
            (tgi.special.bessel_j0, [inf, -inf, nan, 0.0], [0.0, 0.0, nan, 1.0]),
            (tgi.special.bessel_y0, [inf, -1.0, nan, 0.0], [0.0, nan, nan, -inf]),
            (tgi.special.bessel_y1, [inf, -1.0, nan, 0.0], [0.0, nan, nan, -inf]),
        ):
            np.testing.assert_array_equal(function(tgi.tensor(x, "float64")).numpy(), expected)
        np.testing.assert_array_equal(tgi.xlogy(tgi.tensor([0.0, 0.0, 1.0]), tgi.tensor([0.0, nan, 1.0])), [0, nan, 0])

    @pytest.mark.parametrize(("function", "y"), [(tgi.xlogy, 2.0), (tgi.special.xlog1py, 1.0)])
    def test_the_slope_of_no_logarithms_is_one_logarithm(self, function: Any, y: float) -> None:
        """x ln y is linear in x, at 0, too; where ln y is not finite, 0 stays 0."""
        x = tgi.tensor(np.zeros(3), requires_grad=True)
        lowest = y - 2.0
        function(x, np.array([y, lowest, np.inf])).sum().backward()
        assert x.grad is not None
        np.testing.assert_allclose(x.grad.numpy(), [np.log(2.0), 0.0, 0.0], rtol=1e-15)

    def test_namespace(self) -> None:
        assert tgi.special.psi is tgi.digamma and tgi.special.gammaln is tgi.lgamma
        assert set(tgi.special.__all__) <= set(dir(tgi.special))


# By name: a function of one tensor, and where it is tried.
FUNCTIONS: dict[str, tuple[Callable[[Any], Any], Any]] = {
    "square": (tgi.square, X),
    "rsqrt": (tgi.rsqrt, POSITIVE),
    "logaddexp2": (lambda t: tgi.logaddexp2(t, t[::-1] + 1.0), X),
    "lerp": (lambda t: tgi.lerp(t, t * t, 0.3), X),
    "addcdiv": (lambda t: tgi.addcdiv(t, t, t * t + 1.0, value=0.5), X),
    "nan_to_num": (tgi.nan_to_num, X),
    "clamp by tensors": (lambda t: tgi.clamp(t, t[:1] * 0.1 - 0.5, t[1:2] * 0.1 + 0.5), X),
    "fmax": (lambda t: tgi.fmax(t, t[::-1] * 2.0), X[:2]),
    "quantile": (lambda t: tgi.quantile(t, np.array([0.1, 0.5, 0.77]), 1), X),
    "median": (lambda t: tgi.median(t, axis=1), X),
    "median of PyTorch": (lambda t: tgi.median(t, dim=1).values, X),
    "kthvalue": (lambda t: tgi.kthvalue(t, 2, 0).values, X),
    "cummax": (lambda t: tgi.cummax(t, 1).values, X),
    "cummin": (lambda t: tgi.cummin(t, 0).values, X),
    "msort": (tgi.msort, X),
    "vector_norm": (lambda t: tgi.vector_norm(t, 3, 1), X),
    "vector_norm of order 1": (lambda t: tgi.vector_norm(t, 1, 1), X),
    "cdist": (lambda t: tgi.cdist(t, t * 2.0 + 1.0), X),
    "renorm": (lambda t: tgi.renorm(t, 2, 0, 1.0), X),
    "std_mean": (lambda t: tgi.std_mean(t, dim=1)[0], X),
    "unfold": (lambda t: tgi.unfold(t, 1, 2, 1), X),
    "rot90": (lambda t: tgi.rot90(t, 3), X),
    "diag_embed": (lambda t: tgi.diag_embed(t, 1), X),
    "diagonal_scatter": (lambda t: tgi.diagonal_scatter(t, t[:, 0] * 2.0), X),
    "select_scatter": (lambda t: tgi.select_scatter(t, t[0] * t[1], 0, 2), X),
    "as_strided": (lambda t: tgi.as_strided(t, (2, 3), (4, 1), 1), X),
    "pixel_shuffle": (lambda t: tgi.pixel_shuffle(t.reshape(4, 3, 1), 2), X),
    "index_add": (lambda t: tgi.index_add(t, 1, PLACES, t[:, :3], alpha=2.0), X),
    "index_copy": (lambda t: tgi.index_copy(t, 0, [1], t[:1] * 3.0), X),
    "index_fill": (lambda t: tgi.index_fill(t, 0, [1], 0.5), X),
    "put": (lambda t: tgi.put(t, PLACES, t[0, :3] * 2.0, True), X),
    "masked_scatter": (lambda t: tgi.masked_scatter(t, X > 0, t * 2.0), X),
    "scatter_reduce, products": (lambda t: tgi.scatter_reduce(t, 0, [[0, 0, 1, 2], [0, 1, 1, 0]], t[:2], "prod"), X),
    "scatter_reduce, largest": (lambda t: tgi.scatter_reduce(t, 0, [[0, 0, 1, 2]], t[:1] * 2.0, "amax"), X),
    "kron": (lambda t: tgi.kron(t, t[:2]), X),
    "cross": (lambda t: tgi.cross(t[:, :3], t[:, 1:], axis=-1), X),
    "baddbmm": (lambda t: tgi.baddbmm(t, t[None] * 2.0, (t.T @ t)[None], beta=0.5, alpha=2.0), X),
    "cov": (tgi.cov, X),
    "corrcoef": (lambda t: tgi.corrcoef(t)[0, 1:], X),
    "trapezoid": (lambda t: tgi.trapezoid(t, np.array([0.0, 1.0, 4.0]).astype(t.dtype), axis=0), X),
    "block_diag": (lambda t: tgi.block_diag(t, t[0], 2.0), X),
    "pad, reflected": (lambda t: tgi.pad(t, ((1, 0), (0, 2)), mode="reflect"), X),
    "pad, cut off": (lambda t: tgi.pad(t, ((-1, 0), (0, 2))), X),
    "xlogy": (lambda t: tgi.xlogy(t, t * t), X),
    "fmod": (lambda t: tgi.fmod(t * 3.0, t[:1] + 4.0), X),
    "remainder": (lambda t: t * 3.0 % (t[:1] + 4.0), X),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_derivatives(name: str) -> None:
    function, x = FUNCTIONS[name]
    t = tgi.tensor(x, "float64", requires_grad=True)
    assert tgi.gradcheck(function, t)
    assert tgi.gradgradcheck(function, t)
    single = function(tgi.tensor(x, "float32"))
    assert single.dtype == np.float32
    np.testing.assert_allclose(single.numpy(), function(t).numpy(), rtol=2e-4, atol=2e-5)


CAPTURED = (
    "square", "rsqrt", "lerp", "addcdiv", "vector_norm", "cdist", "renorm", "unfold", "rot90", "diag_embed", "kron",
    "cross", "baddbmm", "cov", "index_add", "index_fill", "pad, reflected", "msort", "remainder", "fmod", "trapezoid",
    "pixel_shuffle",
)  # fmt: skip


@pytest.mark.parametrize("name", CAPTURED)
def test_captured_they_give_the_same(name: str) -> None:
    function, x = FUNCTIONS[name]

    def step(t: Any) -> Any:
        out = function(t)
        return out, tgi.grad((out * out).sum(), t)[0]

    t = tgi.tensor(x, requires_grad=True)
    program = tgi.capture(lambda: step(t))
    for shift in (0.0, 0.25, 0.25):
        with tgi.no_grad():
            t.copy_(x + shift)
        for found, wanted in zip(program(), step(t), strict=True):
            np.testing.assert_allclose(found.numpy(), wanted.numpy(), rtol=1e-13, atol=1e-14)


@pytest.mark.parametrize("name", ["digamma", "erfinv", "tan", "floor", "atanh", "i1e"])
def test_functions_without_kernels_are_captured(name: str) -> None:
    def step(t: Any) -> Any:
        return tgi.grad(getattr(tgi, name)(t).sum(), t)[0]

    t = tgi.tensor(X * 0.3, requires_grad=True)
    program = tgi.capture(lambda: step(t))
    for scale in (0.3, 0.5):
        with tgi.no_grad():
            t.copy_(X * scale)
        np.testing.assert_allclose(program().numpy(), step(t).numpy(), rtol=1e-13)


class TestWhole:
    """Whole numbers and booleans mean what PyTorch's do."""

    I = np.array([-7, -2, 0, 3, 7])  # noqa: E741

    def test_division(self) -> None:
        x = tgi.tensor(self.I)
        np.testing.assert_array_equal(x // 2, [-4, -1, 0, 1, 3])
        np.testing.assert_array_equal(tgi.div(x, 2, rounding_mode="trunc"), [-3, -1, 0, 1, 3])
        np.testing.assert_array_equal(tgi.div(x, -2, rounding_mode="trunc"), [3, 1, 0, -1, -3])
        np.testing.assert_array_equal(x % 3, [2, 1, 0, 0, 1])
        np.testing.assert_array_equal(tgi.fmod(x, 3), [-1, -2, 0, 0, 1])
        np.testing.assert_array_equal(divmod(x, 4), np.divmod(self.I, 4))
        assert tgi.div(x, 2).dtype == np.float32 and tgi.floor_divide(x, 2).dtype == np.int64
        for function in (tgi.floor_divide, tgi.remainder, tgi.fmod):
            with pytest.raises(ZeroDivisionError):
                function(x, 0)

    def test_bits(self) -> None:
        x = tgi.tensor(self.I)
        np.testing.assert_array_equal(tgi.bitwise_and(x, 6), self.I & 6)
        np.testing.assert_array_equal(x.bitwise_xor(5), self.I ^ 5)
        np.testing.assert_array_equal(tgi.bitwise_not(x), ~self.I)
        np.testing.assert_array_equal(tgi.bitwise_left_shift(x, 2), self.I << 2)
        assert tgi.bitwise_or(tgi.tensor(self.I, "int8"), 1).dtype == np.int8
        with pytest.raises(TypeError, match="bitwise_and: expected whole numbers or booleans, got float"):
            tgi.bitwise_and(tgi.tensor(X), tgi.tensor(X))

    def test_reductions(self) -> None:
        truths = tgi.tensor(X) > 0
        assert truths.sum().dtype == np.int64 and truths.sum() == np.sum(X > 0)
        assert truths.any(dim=1).dtype == np.bool_ and tgi.all(truths | ~truths)
        assert tgi.tensor(self.I, "int32").sum(dtype="int32").dtype == np.int32
        np.testing.assert_array_equal(tgi.cummax(tgi.tensor([1, 3, 2]), 0).values, [1, 3, 3])

    @pytest.mark.parametrize("name", ["floor", "ceil", "trunc", "round", "square", "sign", "positive", "relu"])
    def test_what_stays_whole(self, name: str) -> None:
        assert getattr(tgi, name)(tgi.tensor(self.I)).dtype == np.int64

    def test_products(self) -> None:
        a = tgi.tensor([[1, 2], [3, 4]])
        for found in (tgi.matmul(a, a), a @ a, tgi.mm(a, a), tgi.dot(a, a)):
            assert found.dtype == np.int64
            np.testing.assert_array_equal(found, [[7, 10], [15, 22]])


class TestCreation:
    """New tensors, by both spellings."""

    def test_dtypes(self) -> None:
        assert tgi.arange(3).dtype == np.int64 and tgi.arange(0.0, 1.0, 0.25).dtype == np.float32
        assert tgi.full((2,), 3).dtype == np.int64 and tgi.full((2,), 3.0).dtype == np.float32
        assert tgi.full(2, True).dtype == np.bool_ and tgi.zeros(2, 3).dtype == np.float32
        assert tgi.zeros((2, 3), "float64").dtype == np.float64 and tgi.ones(2, dtype="int64").dtype == np.int64
        with tgi.default_dtype("float64"):
            assert tgi.linspace(0, 1, 5).dtype == tgi.eye(2).dtype == tgi.rand(2).dtype == np.float64

    def test_shapes(self) -> None:
        for made in (tgi.zeros, tgi.ones, tgi.empty, tgi.rand, tgi.randn):
            assert made(2, 3).shape == made((2, 3)).shape == (2, 3) and made(()).shape == ()
            with pytest.raises(ValueError, match="lengths of at least 0"):
                made(2, -1)
        x = tgi.tensor(X)
        for like in (tgi.zeros_like, tgi.ones_like, tgi.empty_like, tgi.rand_like, tgi.randn_like):
            assert like(x).shape == x.shape and like(x).dtype == x.dtype
        assert tgi.zeros(2, requires_grad=True).requires_grad
        with pytest.raises(TypeError, match="whole numbers have no gradient"):
            tgi.ones(2, dtype="int64", requires_grad=True)
        with pytest.raises(ValueError, match="on the processor alone, got device 'cuda:0'"):
            tgi.zeros(2, device="cuda:0")

    def test_what_both_mean_differently_is_refused(self) -> None:
        x = tgi.tensor([1.0, 2.0])
        for call in (
            lambda: tgi.meshgrid(x, x),
            lambda: tgi.tril_indices(3, 2),
            lambda: tgi.nonzero(x),
            lambda: tgi.median(x),
            lambda: tgi.norm(tgi.tensor(X), 1),
            lambda: tgi.cross(tgi.tensor(np.ones((3, 3))), tgi.tensor(np.ones((3, 3)))),
        ):
            with pytest.raises(TypeError, match="means one thing in NumPy and another in PyTorch"):
                call()
        np.testing.assert_array_equal(tgi.tril_indices(3, col=2), tgi.tril_indices(3, m=2))
        for indexing in ("ij", "xy"):
            for ours, theirs in zip(
                tgi.meshgrid(x, x, x, indexing=indexing), np.meshgrid(*[x.numpy()] * 3, indexing=indexing), strict=True
            ):
                np.testing.assert_array_equal(ours.numpy(), theirs)


class TestRandom:
    """Draws repeat where they are asked to, and are what they say."""

    def test_seeds(self) -> None:
        for draw in (
            lambda **how: tgi.rand(5, **how),
            lambda **how: tgi.randn(5, **how),
            lambda **how: tgi.randint(10, (5,), **how),
            lambda **how: tgi.randperm(9, **how),
            lambda **how: tgi.normal(1.0, 2.0, (5,), **how),
            lambda **how: tgi.bernoulli(tgi.full((40,), 0.5), **how),
            lambda **how: tgi.multinomial(tgi.ones(9), 4, **how),
            lambda **how: tgi.zeros(5).normal_(**how),
            lambda **how: tgi.zeros(5).uniform_(-1, 1, **how),
        ):
            tgi.manual_seed(3)
            first, second = draw(), draw()
            tgi.manual_seed(3)
            assert tgi.equal(first, draw()) and not tgi.equal(first, second)
            assert tgi.equal(draw(rng=7), draw(generator=tgi.Generator().manual_seed(7)))
            source = np.random.default_rng(7)
            assert tgi.equal(draw(rng=7), draw(generator=source)) and not tgi.equal(draw(rng=7), draw(rng=source))

    def test_distributions(self) -> None:
        n = 20000
        x = tgi.randn(n, rng=0, dtype="float64").numpy()
        assert abs(x.mean()) < 4 / np.sqrt(n) and abs(x.var() - 1) < 4 * np.sqrt(2 / n)
        u = tgi.uniform(-1, 3, n, rng=0).numpy()
        assert u.min() >= -1 and u.max() < 3 and abs(u.mean() - 1) < 4 * np.sqrt(16 / 12 / n)
        assert abs(tgi.bernoulli(tgi.full((n,), 0.3), rng=0).numpy().mean() - 0.3) < 4 * np.sqrt(0.21 / n)
        e = tgi.zeros(n).exponential_(2.0, rng=0).numpy()
        assert abs(e.mean() - 0.5) < 4 * 0.5 / np.sqrt(n)
        drawn = tgi.multinomial(tgi.tensor([0.0, 1.0, 3.0]), n, replacement=True, rng=0)
        np.testing.assert_allclose(tgi.bincount(drawn) / n, [0, 0.25, 0.75], atol=4 * np.sqrt(0.19 / n))
        assert sorted(tgi.randperm(50, rng=0).tolist()) == list(range(50))

    def test_a_program_draws_what_calls_draw(self) -> None:
        def step(x: Any, source: Any) -> Any:
            return x + tgi.randn(3, generator=source, dtype="float64") * tgi.rand(3, rng=source, dtype="float64")

        one, other = np.random.default_rng(0), np.random.default_rng(0)
        x = tgi.tensor([1.0, 2.0, 3.0], "float64")
        program = tgi.capture(lambda x: step(x, one))
        for _ in range(3):
            np.testing.assert_array_equal(program(x).numpy(), step(x, other).numpy())

    @pytest.mark.parametrize(
        ("call", "message"),
        [
            (lambda: tgi.randint(3, 3, (2,)), "low below high"),
            (lambda: tgi.normal(0.0, -1.0, (2,)), "std of at least 0"),
            (lambda: tgi.bernoulli(tgi.tensor([1.5])), "probabilities from 0 to 1"),
            (lambda: tgi.multinomial(tgi.tensor([1.0, 0.0]), 2), "fewer than 2 weights above zero"),
            (lambda: tgi.multinomial(tgi.tensor([1.0, -1.0]), 1), "weights of at least 0"),
        ],
    )
    def test_what_is_refused(self, call: Callable[[], Any], message: str) -> None:
        with pytest.raises(ValueError, match=message):
            call()


class TestMethods:
    """What a tensor can be asked as in PyTorch."""

    def test_dtypes(self) -> None:
        x = tgi.tensor(X, requires_grad=True)
        assert x.float().dtype == np.float32 and x.double() is x and x.long().dtype == np.int64
        assert x.bool().dtype == np.bool_ and x.int().dtype == np.int32
        assert x.to("float32").dtype == x.to("cpu", "float32").dtype == x.to(x.float()).dtype == np.float32
        assert x.to("cpu") is x and x.to(x) is x and x.to(x, copy=True) is not x
        assert x.type("float32").dtype == x.type_as(x.float()).dtype == np.float32
        (x.float() * 2.0).sum().backward()
        np.testing.assert_array_equal(x.grad.numpy(), np.full(X.shape, 2.0))
        whole = tgi.tensor([1, 2])
        assert whole.to("cpu") is whole and whole.to("float64").dtype == np.float64
        for device in ("cuda", "cuda:1", "mps"):
            for t in (x, whole):
                with pytest.raises(ValueError, match="on the processor alone"):
                    t.to(device)

    def test_facts(self) -> None:
        x, whole = tgi.tensor(X), tgi.tensor([[1, 2]])
        assert x.numel() == x.nelement() == 12 and x.dim() == x.ndimension() == 2 and x.element_size() == 8
        assert x.is_floating_point() and not whole.is_floating_point() and whole.dim() == 2 and whole.numel() == 2
        assert x.tolist() == X.tolist() and whole.tolist() == [[1, 2]]
        assert x.contiguous() is x.cpu() is x and x.clone() is not x and copy.copy(x) is not x
        np.testing.assert_array_equal(x.mT.numpy(), X.T)
        np.testing.assert_array_equal(x.H.numpy(), x.t().numpy())
        assert x.requires_grad_() is x and x.requires_grad
        assert tgi.is_tensor(x) and tgi.is_tensor(whole) and not tgi.is_tensor(X)

    def test_a_clone_has_memory_of_its_own_and_a_history(self) -> None:
        x = tgi.tensor(X, requires_grad=True)
        y = x.clone()
        assert not np.shares_memory(x.numpy(), y.numpy())
        assert np.all(tgi.grad(y.sum(), x)[0].numpy() == 1.0)
        z = x.detach().clone()
        z.fill_(0.0)
        assert np.array_equal(x.numpy(), X)

    def test_new_ones(self) -> None:
        x = tgi.tensor(X)
        assert x.new_zeros(2, 3).dtype == x.new_ones((2,)).dtype == x.new_full((2,), 1.5).dtype == np.float64
        assert x.new_tensor([1, 2]).dtype == np.float64 and x.new_zeros(2, dtype="int64").dtype == np.int64

    def test_in_place(self) -> None:
        x = tgi.tensor(X)
        assert x.zero_() is x and not x.numpy().any()
        assert tgi.tensor([-2.0, 2.0]).clamp_(-1, 1).tolist() == [-1.0, 1.0]
        leaf = tgi.tensor([1.0], requires_grad=True)
        with pytest.raises(RuntimeError, match="only inside no_grad"):
            leaf.neg_()
        with tgi.no_grad():
            leaf.neg_()
        assert leaf.item() == -1.0 and leaf.requires_grad

    def test_operators(self) -> None:
        x = tgi.tensor([5.5, -5.5])
        np.testing.assert_array_equal((x // 2).numpy(), [2, -3])
        np.testing.assert_array_equal((x % 2).numpy(), [1.5, 0.5])
        np.testing.assert_array_equal((7 % x).numpy(), np.float32([1.5, -4.0]))
        np.testing.assert_array_equal(x.expand(2, -1).numpy(), [[5.5, -5.5]] * 2)
