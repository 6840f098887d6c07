"""Every public function of NumPy on a tensor: differentiable and NumPy's own value, or NumPy's answer, or refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import tinygrad_init as tgi
from tinygrad_init.ops import numpy_protocol as protocol

from .numpy_cases import CASES, DOMAINS, JUMPING, MASK, Case, Q, V, X, Y

# No such operation yet: elementary functions that tensors do not have.
ABSENT = frozenset(
    [
        "around",
        "divmod",
        "fix",
        "in1d",  # deprecated, and gone with version 2.4
        "modf",
        "round",
        "arccos",
        "arccosh",
        "arcsin",
        "arcsinh",
        "arctan",
        "arctan2",
        "arctanh",
        "ceil",
        "copysign",
        "cosh",
        "deg2rad",
        "degrees",
        "exp2",
        "float_power",
        "floor",
        "floor_divide",
        "fmax",
        "fmin",
        "fmod",
        "heaviside",
        "hypot",
        "i0",
        "ldexp",
        "log10",
        "log2",
        "logaddexp2",
        "positive",
        "rad2deg",
        "radians",
        "reciprocal",
        "remainder",
        "rint",
        "sign",
        "sinh",
        "square",
        "tan",
        "trunc",
    ]
)


def public() -> Iterator[tuple[str, Any]]:
    """All functions of NumPy that ask their arguments what to do, by their names in our tables."""
    for room, prefix in ((np, ""), (np.linalg, "linalg."), (np.fft, "fft.")):
        for name in dir(room):
            found = getattr(room, name)
            if isinstance(found, np.ufunc | type(np.sum)):
                yield prefix + found.__name__, found


NAMES = dict(public())
DIFFERENTIABLE = sorted(set(NAMES) & set(protocol.FUNCTIONS))


def test_every_name_has_its_place() -> None:
    tables = (protocol.FUNCTIONS, protocol.CONSTANT, protocol.OF_NUMBERS, protocol.REFUSED)
    places = {name: sum(name in table for table in tables) for name in NAMES}
    missing = {name for name, n in places.items() if n == 0}
    assert missing <= ABSENT
    assert not {name for name in missing if name in tgi.ops.METHODS}
    assert not {name for name, n in places.items() if n > 1}
    for table in (protocol.CONSTANT, protocol.OF_NUMBERS, protocol.REFUSED):
        assert set(table) <= set(NAMES) | {"bitwise_left_shift", "bitwise_right_shift", "bitwise_invert", "bitwise_not"}


def cases(name: str) -> list[Case]:
    if name in CASES:
        return CASES[name]
    function = NAMES[name]
    if isinstance(function, np.ufunc) and function.nin == 2:
        return [(function, DOMAINS.get(name, X), Q if name in ("divide",) else Y)]
    if name.startswith("nan"):
        return [(function, DOMAINS.get(name, X)), (lambda a: function(a, axis=1), DOMAINS.get(name, X))]
    return [(function, DOMAINS.get(name, X))]


def flat(found: Any) -> list[Any]:
    return [part for parts in found for part in flat(parts)] if isinstance(found, tuple | list) else [found]


def numbers(x: Any) -> Any:
    return x.numpy() if isinstance(x, tgi.Tensor) else np.asarray(x)


def calls() -> list[Any]:
    return [pytest.param(name, i, id=f"{name}-{i}") for name in DIFFERENTIABLE for i in range(len(cases(name)))]


@pytest.mark.filterwarnings("ignore:numpy.fix is deprecated:DeprecationWarning")
@pytest.mark.parametrize(("name", "i"), calls())
def test_values_are_numpys_and_gradients_are_true(name: str, i: int) -> None:
    call, *arrays = cases(name)[i]
    expected = flat(call(*arrays))
    if name in ("linalg.eig", "linalg.eigvals"):  # since NumPy 2.5 complex numbers, also where all are real
        expected = [np.real_if_close(values) for values in expected]
    leaves = [tgi.Tensor(x, x.dtype, requires_grad=True) for x in arrays]
    found = flat(call(*leaves))
    assert len(found) == len(expected)
    for ours, theirs in zip(found, expected, strict=True):
        assert numbers(ours).shape == np.shape(theirs)
        assert numbers(ours).dtype.kind == np.asarray(theirs).dtype.kind
        np.testing.assert_allclose(
            numbers(ours), theirs, rtol=1e-9 if leaves[0].dtype == np.float64 else 1e-5, atol=1e-12
        )
    if leaves[0].dtype != np.float64:
        return

    def together(*xs: Any) -> Any:
        """All results that are tensors, each weighed differently."""
        parts = [x for x in flat(call(*xs)) if isinstance(x, tgi.Tensor)]
        return tgi.concatenate([x.reshape(x.size) * (0.5 + k) for k, x in enumerate(parts)])

    if name in JUMPING:
        assert all(x.requires_grad for x in found)
    elif any(isinstance(x, tgi.Tensor) and x.requires_grad for x in found):
        assert tgi.gradcheck(together, leaves, atol=1e-5, rtol=1e-4)
        if name not in ("unwrap",):
            assert tgi.gradgradcheck(together, leaves, atol=1e-4, rtol=1e-3)
    else:
        assert name in ("imag",)


# What asks where numbers are, in order or at all: known only when the program runs.
NOT_CAPTURED = (
    "interp", "linalg.lstsq", "nanmedian", "nanpercentile", "nanquantile", "partition",
    "piecewise", "union1d", "unique", "unique_all", "unique_counts", "unique_inverse",
    "unique_values", "unwrap", "setxor1d", *JUMPING,
)  # fmt: skip


@pytest.mark.parametrize("name", [n for n in DIFFERENTIABLE if n not in NOT_CAPTURED and cases(n)])
def test_captured_they_give_the_same(name: str) -> None:
    for call, *arrays in cases(name):
        leaves = [tgi.Tensor(x, x.dtype, requires_grad=True) for x in arrays]

        def step(call: Any = call, leaves: Any = leaves) -> Any:
            out = [x for x in flat(call(*leaves)) if isinstance(x, tgi.Tensor)]
            together = sum(((x * x).sum() for x in out), 0.0 * leaves[0].sum())
            return *out, *tgi.grad(together, leaves)

        expected = step()
        for found, wanted in zip(tgi.capture(lambda step=step: step())(), expected, strict=True):
            np.testing.assert_allclose(found.numpy(), wanted.numpy(), rtol=1e-9, atol=1e-10)


QUESTIONS: dict[str, Callable[..., Any]] = {
    "allclose": lambda a: np.allclose(a, X),
    "array_equal": lambda a: np.array_equal(a, X),
    "array_equiv": lambda a: np.array_equiv(a, X),
    "isclose": lambda a: np.isclose(a, X + 0.1 * MASK),
    "argpartition": lambda a: np.argpartition(a, 1),
    "can_cast": lambda a: np.can_cast(a.dtype, np.float64),
    "digitize": lambda a: np.digitize(a, [-1.0, 0.0, 1.0]),
    "einsum_path": lambda a: np.einsum_path("ij->i", a)[0],
    "isin": lambda a: np.isin(a, X[0]),
    "less": lambda a: np.less(a, 0.2),
    "equal": lambda a: np.equal(a, X),
    "greater": lambda a: np.greater(a, Y),
    "greater_equal": lambda a: np.greater_equal(a, Y),
    "less_equal": lambda a: np.less_equal(Y, a),
    "not_equal": lambda a: np.not_equal(a, 0),
    "logical_and": lambda a: np.logical_and(a, MASK),
    "logical_or": lambda a: np.logical_or(a, MASK),
    "logical_xor": lambda a: np.logical_xor(a, MASK),
    "lexsort": lambda a: np.lexsort((a, Y)),
    "result_type": lambda a: np.result_type(a, np.float32),
    "searchsorted": lambda a: np.searchsorted([-1.0, 0, 1], a),
    "diag_indices_from": lambda a: np.diag_indices_from(a[:, :3]),
    "histogram": lambda a: np.histogram(a, 3),
    "histogram2d": lambda a: np.histogram2d(a[0], a[1], 2),
    "nextafter": lambda a: np.nextafter(a, 2.0),
    "histogramdd": lambda a: np.histogramdd(a, 2)[0],
    "polydiv": lambda a: np.polydiv(a[0], a[1]),
    "roots": lambda a: np.abs(np.roots(a[0])),
    "may_share_memory": lambda a: np.may_share_memory(a, a[0]),
    "shares_memory": lambda a: np.shares_memory(a, a[0]),
    "common_type": lambda a: np.dtype(np.common_type(a)),
}


@pytest.mark.parametrize(
    "name", sorted((protocol.CONSTANT | protocol.OF_NUMBERS) - {"save", "savetxt", "savez", "savez_compressed"})
)
def test_what_has_no_derivative_is_numpys_answer(name: str) -> None:
    call = QUESTIONS.get(name, NAMES.get(name))
    assert call is not None
    t = tgi.tensor(X, requires_grad=name in protocol.CONSTANT)
    expected, found = flat(call(X)), flat(call(t))
    assert len(found) == len(expected)
    for ours, theirs in zip(found, expected, strict=True):
        assert not isinstance(ours, tgi.Tensor) or not ours.requires_grad
        if not isinstance(theirs, str | bool | np.dtype | int):
            assert numbers(ours).dtype.kind != "O"
            np.testing.assert_array_equal(numbers(ours), theirs)
        else:
            assert ours == theirs
    if name in protocol.OF_NUMBERS:
        with pytest.raises(TypeError, match=f"np.{name} has no derivative here; say .detach"):
            call(tgi.tensor(X, requires_grad=True))


@pytest.mark.parametrize("name", sorted(protocol.REFUSED))
def test_what_is_refused_says_why(name: str) -> None:
    t = tgi.tensor(X)
    call: Any = NAMES.get(name) or getattr(np, name)
    arguments = (
        (t, t) if name in ("ravel_multi_index", "unravel_index", "place", "putmask", "put", "put_along_axis") else (t,)
    )
    if name in ("place", "putmask", "put", "put_along_axis"):
        arguments = (t, MASK, t) if name != "put_along_axis" else (t, np.zeros((3, 4), int), t, 0)
    elif name in (
        "copyto",
        "fill_diagonal",
        "bitwise_and",
        "bitwise_or",
        "bitwise_xor",
        "gcd",
        "lcm",
        "left_shift",
        "right_shift",
        "bitwise_left_shift",
        "bitwise_right_shift",
        "busday_count",
        "busday_offset",
    ):
        arguments = (t, t)
    with pytest.raises(TypeError, match="has no differentiable counterpart here: "):
        call(*arguments)


def test_lists_of_tensors_and_places_of_booleans() -> None:
    t = tgi.tensor(X, requires_grad=True)
    rows, columns = np.where(t > 0.5)
    np.testing.assert_array_equal(np.stack([rows, columns]), np.stack(np.where(X > 0.5)))
    np.testing.assert_allclose(np.concatenate([t, X, t * 2.0]).numpy(), np.concatenate([X, X, X * 2]))


class TestUfuncs:
    """The methods and options of ufuncs."""

    def leaf(self, x: Any = X) -> Any:
        return tgi.tensor(x, requires_grad=True)

    @pytest.mark.parametrize("name", ["add", "multiply", "maximum", "minimum", "logaddexp", "subtract", "divide"])
    def test_reduce_and_accumulate(self, name: str) -> None:
        function, x = getattr(np, name), Q[:, :3]
        for call in (
            lambda a: function.reduce(a),
            lambda a: function.reduce(a, axis=1, keepdims=True),
            lambda a: function.accumulate(a, 1),
            lambda a: function.reduceat(a, [0, 2, 1]),
        ):
            np.testing.assert_allclose(call(self.leaf(x)).numpy(), call(x), rtol=1e-12)
            assert tgi.gradcheck(call, self.leaf(x))

    @pytest.mark.parametrize("name", ["add", "multiply", "maximum", "minimum"])
    def test_reduce_where_and_initial(self, name: str) -> None:
        function = getattr(np, name)

        def call(a: Any) -> Any:
            return function.reduce(a, axis=None, where=MASK, initial=0.25)

        np.testing.assert_allclose(call(self.leaf()).numpy(), call(X))
        assert tgi.gradcheck(call, self.leaf())

    def test_outer(self) -> None:
        np.testing.assert_allclose(np.subtract.outer(self.leaf(X), V).numpy(), np.subtract.outer(X, V))
        assert tgi.gradcheck(lambda a, b: np.multiply.outer(a, b), [self.leaf(X), self.leaf(V)])

    @pytest.mark.parametrize(
        "other",
        [X, X.tolist(), 2.0, 2, np.float64(0.5), np.float32(0.5), True, (X > 0), X.astype(int)],
        ids=lambda o: type(o).__name__,
    )
    def test_operands_of_every_kind(self, other: Any) -> None:
        given = np.asarray(other) if isinstance(other, list) else other
        for call in (lambda a: np.add(a, given), lambda a: np.multiply(given, a), lambda a: given - a):
            found = call(self.leaf())
            assert found.requires_grad
            assert found.dtype == np.float64
            np.testing.assert_allclose(found.numpy(), call(X))

    def test_whole_tensors_beside_floats(self) -> None:
        whole = tgi.tensor([[1, 2, 3, 4]])
        for call in (lambda a, b: np.add(a, b), lambda a, b: np.multiply(b, a), lambda a, b: np.where(b > 2, a, b)):
            found = call(self.leaf(), whole)
            assert isinstance(found, tgi.Tensor)
            assert found.requires_grad

    def test_dtype_is_what_is_computed_in(self) -> None:
        t = tgi.tensor(X.astype(np.float32), requires_grad=True)
        found = np.add(t, 1.0, dtype=np.float64)
        assert found.dtype == np.float64
        assert tgi.grad(found.sum(), t)[0].dtype == np.float32

    @pytest.mark.parametrize(
        ("call", "message"),
        [
            (lambda t: np.add(t, 1, out=np.empty((3, 4))), "out= would write into an array that holds no gradient"),
            (lambda t: np.add(np.ones((3, 4)), 1, out=t), "out= would write into"),
            (lambda t: np.sum(t, out=np.empty(())), "out= would write into"),
            (lambda t: np.add(t, 1, where=MASK), "where `where` does not hold would be anything"),
            (lambda t: np.add.at(t, [0], 1.0), "behind the back of the graph"),
            (lambda t: np.add(t, 1, dtype=int), "in int64 there is no derivative"),
            (lambda t: np.sum(t, dtype=int), "in int64 there is no derivative"),
            (lambda t: np.add(t, 1, casting="no"), "with casting has no differentiable counterpart"),
            (lambda t: np.quantile(t, 0.5, weights=X, method="inverted_cdf"), "with weights has no differentiable"),
            (lambda t: np.fft.fft(t), "complex numbers"),
            (lambda t: np.linalg.svd(t), "full_matrices=False"),
        ],
    )
    def test_what_would_lose_a_gradient_is_refused(self, call: Callable[[Any], Any], message: str) -> None:
        with pytest.raises((TypeError, ValueError), match=message):
            call(self.leaf())

    def test_a_list_that_holds_tensors_is_never_an_array_of_objects(self) -> None:
        with pytest.raises(TypeError, match="its gradient would be lost"):
            np.sum([self.leaf(), self.leaf()])
