"""The namespace of the array API standard beside `array_api_strict`, function by function."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_init as tgi

strict = pytest.importorskip("array_api_strict")
xp = tgi.array_api

RNG = np.random.default_rng(5)
WHOLE = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")
FLOATS = ("float32", "float64")
NUMERIC = (*WHOLE, *FLOATS)
LEFT_OUT = {
    "fft": "complex numbers",
    "complex64": "complex numbers",
    "complex128": "complex numbers",
    "Device": "of that package",
    "set_array_api_strict_flags": "of that package",
    "__version__": "of that package",
    "get_array_api_strict_flags": "of that package",
    "reset_array_api_strict_flags": "of that package",
    "ArrayAPIStrictFlags": "of that package",
}


def given(dtype: str, shape: tuple[int, ...] = (3, 4), low: float = -3, high: float = 3) -> Any:
    rng = np.random.default_rng(7)
    if dtype == "bool":
        return rng.random(shape) > 0.5
    if dtype in FLOATS:
        return rng.uniform(low, high, shape).astype(dtype)
    return rng.integers(max(0 if dtype[0] == "u" else -9, low * 3), 9, shape).astype(dtype)


def both(call: Callable[..., Any], *arrays: Any) -> None:
    """One call in both namespaces: values, shapes and dtypes."""
    ours = call(xp, *[xp.asarray(a) for a in arrays])
    theirs = call(strict, *[strict.asarray(a) for a in arrays])
    same(ours, theirs)


def same(ours: Any, theirs: Any) -> None:
    if isinstance(theirs, tuple | list):
        assert isinstance(ours, tuple | list)
        assert len(ours) == len(theirs)
        for a, b in zip(ours, theirs, strict=True):
            same(a, b)
        return
    if not isinstance(theirs, strict.asarray(0).__class__):
        assert ours == theirs
        return
    assert ours.__array_namespace__() is xp
    assert str(ours.dtype) == str(theirs.dtype).rpartition(".")[2]
    assert tuple(ours.shape) == tuple(theirs.shape)
    a, b = ours.numpy(), np.asarray(theirs._array)
    exact = b.dtype.kind != "f"
    np.testing.assert_allclose(
        a, b, rtol=0 if exact else 2e-6 if b.dtype == np.float32 else 1e-12, atol=0 if exact else 1e-12
    )


def test_every_name_of_the_standard_is_there() -> None:
    assert {name for name in strict.__all__ if not hasattr(xp, name)} == set(LEFT_OUT)
    assert not [name for name in strict.linalg.__all__ if not hasattr(xp.linalg, name)]
    assert xp.__array_api_version__ == "2024.12"
    assert len(set(xp.__all__)) == len(xp.__all__)


UNARY: dict[str, tuple[tuple[str, ...], tuple[float, float]]] = {
    **dict.fromkeys(("abs", "negative", "positive", "sign", "square"), (NUMERIC, (-3, 3))),
    **dict.fromkeys(("isfinite", "isinf", "isnan", "ceil", "floor", "round", "trunc"), (NUMERIC, (-3, 3))),
    **dict.fromkeys(("real", "conj"), (FLOATS, (-3, 3))),
    **dict.fromkeys(("cos", "sin", "tan", "exp", "expm1", "sinh", "cosh", "tanh", "atan", "asinh"), (FLOATS, (-1, 1))),
    **dict.fromkeys(("acos", "asin", "atanh", "log1p"), (FLOATS, (-0.9, 0.9))),
    **dict.fromkeys(("log", "log2", "log10", "sqrt", "reciprocal", "acosh"), (FLOATS, (1.1, 3))),
    "signbit": (FLOATS, (-3, 3)),
    "logical_not": (("bool",), (0, 1)),
    "bitwise_invert": (("bool", *WHOLE), (-3, 3)),
}
PAIRS = [(a, b) for group in (WHOLE[:4], WHOLE[4:], FLOATS) for a in group for b in group] + [("uint8", "int16")]
BINARY: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("add", "subtract", "multiply", "maximum", "minimum"), NUMERIC),
    **dict.fromkeys(("less", "less_equal", "greater", "greater_equal", "equal", "not_equal"), NUMERIC),
    **dict.fromkeys(("floor_divide", "remainder", "pow"), NUMERIC),
    **dict.fromkeys(("divide", "atan2", "copysign", "hypot", "logaddexp", "nextafter"), FLOATS),
    **dict.fromkeys(("bitwise_and", "bitwise_or", "bitwise_xor"), WHOLE),
    **dict.fromkeys(("bitwise_left_shift", "bitwise_right_shift"), WHOLE),
}
LACKING = {
    name
    for name in (*UNARY, *BINARY)
    if name not in tgi.ops.numpy_protocol.FUNCTIONS
    and np.__dict__[name].__name__ not in tgi.ops.numpy_protocol.FUNCTIONS
    and np.__dict__[name].__name__ not in tgi.ops.numpy_protocol.CONSTANT | tgi.ops.numpy_protocol.OF_NUMBERS
}


@pytest.mark.parametrize(("name", "dtype"), [(n, d) for n, (kinds, _) in UNARY.items() for d in kinds])
def test_functions_of_one_array(name: str, dtype: str) -> None:
    if name in LACKING and dtype in FLOATS:
        pytest.skip("no such operation of tensors")
    x = given(dtype, (3, 4), *UNARY[name][1])
    both(lambda ns, a: getattr(ns, name)(a), x)
    both(lambda ns, a: getattr(ns, name)(a), x[0, 0])


@pytest.mark.parametrize(
    ("name", "first", "second"),
    [(n, a, b) for n, kinds in BINARY.items() for a, b in PAIRS if a in kinds and b in kinds],
)
def test_functions_of_two_arrays_promote(name: str, first: str, second: str) -> None:
    if name in LACKING and first in FLOATS:
        pytest.skip("no such operation of tensors")
    x, y = given(first, (3, 4), 1, 3), given(second, (4,), 1, 3)
    if name in ("pow", "floor_divide", "remainder", "bitwise_left_shift", "bitwise_right_shift"):
        x, y = np.abs(x) % 3 + x.dtype.type(1), np.abs(y) % 3 + y.dtype.type(1)
    both(lambda ns, a, b: getattr(ns, name)(a, b), x, y)


@pytest.mark.parametrize("name", ["logical_and", "logical_or", "logical_xor", "bitwise_and", "bitwise_or", "equal"])
def test_booleans(name: str) -> None:
    both(lambda ns, a, b: getattr(ns, name)(a, b), given("bool"), given("bool")[::-1].copy())


@pytest.mark.parametrize("dtype", NUMERIC)
@pytest.mark.parametrize(
    "name", ["sum", "prod", "max", "min", "cumulative_sum", "cumulative_prod", "mean", "std", "var"]
)
def test_statistics(name: str, dtype: str) -> None:
    if name in ("mean", "std", "var") and dtype not in FLOATS:
        return
    x = given(dtype, (3, 4), 0, 1)
    f = lambda ns, a, **o: getattr(ns, name)(a, **o)  # noqa: E731
    if name.startswith("cumulative"):
        both(lambda ns, a: f(ns, a, axis=1, include_initial=True), x)
        both(lambda ns, a: f(ns, a, axis=0), x)
        return
    for options in ({}, {"axis": 0}, {"axis": (0, 1)}, {"axis": -1, "keepdims": True}):
        both(lambda ns, a, o=options: f(ns, a, **o), x)
    if name in ("std", "var"):
        both(lambda ns, a: f(ns, a, axis=1, correction=1.0), x)
    if name in ("sum", "prod"):
        both(lambda ns, a: f(ns, a, dtype=ns.float64), x)


# What takes arrays of every kind, and what only whole numbers or floats.
ANY: dict[str, Callable[..., Any]] = {
    "broadcast_to": lambda ns, a: ns.broadcast_to(a, (2, 3, 4)),
    "broadcast_arrays": lambda ns, a: ns.broadcast_arrays(a, a[0, ...]),
    "concat": lambda ns, a: ns.concat([a, a], axis=1),
    "concat flat": lambda ns, a: ns.concat([a, a], axis=None),
    "expand_dims": lambda ns, a: ns.expand_dims(a, axis=1),
    "flip": lambda ns, a: ns.flip(a, axis=0),
    "moveaxis": lambda ns, a: ns.moveaxis(a, 0, 1),
    "permute_dims": lambda ns, a: ns.permute_dims(a, (1, 0)),
    "matrix_transpose": lambda ns, a: ns.matrix_transpose(a),
    "repeat": lambda ns, a: ns.repeat(a, 2, axis=1),
    "reshape": lambda ns, a: ns.reshape(a, (2, -1)),
    "roll": lambda ns, a: ns.roll(a, (1, 2), axis=(0, 1)),
    "squeeze": lambda ns, a: ns.squeeze(a[None, ...], axis=0),
    "stack": lambda ns, a: ns.stack([a, a], axis=1),
    "tile": lambda ns, a: ns.tile(a, (2, 1)),
    "unstack": lambda ns, a: ns.unstack(a, axis=1),
    "take": lambda ns, a: ns.take(a, ns.asarray([2, 0]), axis=0),
    "take_along_axis": lambda ns, a: ns.take_along_axis(a, ns.asarray([[2, 0], [1, 1], [3, 3]]), axis=1),
    "nonzero": lambda ns, a: ns.nonzero(a),
    "count_nonzero": lambda ns, a: ns.count_nonzero(a, axis=0),
    "where": lambda ns, a: ns.where(a != a[0, 0], a, ns.flip(a)),
    "all": lambda ns, a: (ns.all(a), ns.all(a, axis=0), ns.any(a, axis=1, keepdims=True)),
    "unique_values": lambda ns, a: ns.sort(ns.astype(ns.unique_values(a), ns.int64)),
    "unique_counts": lambda ns, a: ns.unique_counts(a)[1],
    "unique_inverse": lambda ns, a: ns.unique_inverse(a)[1],
    "unique_all": lambda ns, a: ns.unique_all(a)[1:],
    "tril": lambda ns, a: (ns.tril(a, k=1), ns.triu(a)),
    "zeros_like": lambda ns, a: (ns.zeros_like(a), ns.ones_like(a), ns.full_like(a, True if a.dtype == ns.bool else 1)),
    "astype": lambda ns, a: (ns.astype(a, ns.float32), ns.astype(a, ns.bool), ns.astype(a, ns.float64)),
    "indexing": lambda ns, a: (a[1, ...], a[:, 2], a[..., None], a[a == a[0, 0]]),
    "asarray": lambda ns, a: ns.asarray(a, copy=True),
}
NUMBERS: dict[str, Callable[..., Any]] = {
    "argmax": lambda ns, a: (ns.argmax(a), ns.argmin(a, axis=1, keepdims=True)),
    "sort": lambda ns, a: (ns.sort(a), ns.sort(a, axis=0, descending=True)),
    "argsort": lambda ns, a: (ns.argsort(a), ns.argsort(a, axis=0, descending=True)),
    "searchsorted": lambda ns, a: ns.searchsorted(ns.sort(a[0, ...]), a[1, ...], side="right"),
    "diff": lambda ns, a: (ns.diff(a, axis=0), ns.diff(a, n=2)),
    "clip": lambda ns, a: (ns.clip(a, 1, 2), ns.clip(a, min=1), ns.clip(a, max=a[0, 1])),
    "matmul": lambda ns, a: ns.matmul(a, ns.matrix_transpose(a)),
    "tensordot": lambda ns, a: ns.tensordot(a, ns.matrix_transpose(a), axes=1),
    "vecdot": lambda ns, a: ns.vecdot(a, a),
    "linalg": lambda ns, a: (
        ns.linalg.trace(a),
        ns.linalg.diagonal(a, offset=1),
        ns.linalg.outer(a[0, ...], a[1, ...]),
    ),
    "meshgrid": lambda ns, a: ns.meshgrid(a[0, ...], a[1, :2], indexing="ij"),
    "operators": lambda ns, a: (a + a, a - 1, 2 * a, -a if a.dtype not in (ns.uint8,) else a, a < 2, a == a),
}


@pytest.mark.parametrize("dtype", ["bool", *NUMERIC])
@pytest.mark.parametrize("name", ANY)
def test_what_takes_every_kind_of_arrays(name: str, dtype: str) -> None:
    both(ANY[name], given(dtype))


@pytest.mark.parametrize("dtype", NUMERIC)
@pytest.mark.parametrize("name", NUMBERS)
def test_what_takes_numbers(name: str, dtype: str) -> None:
    both(NUMBERS[name], given(dtype))


SQUARE = RNG.normal(size=(2, 3, 3)) + 3 * np.eye(3)
LINALG: dict[str, Callable[..., Any]] = {
    "cholesky": lambda ns, a: (
        ns.linalg.cholesky(a @ ns.matrix_transpose(a)),
        ns.linalg.cholesky(a @ ns.matrix_transpose(a), upper=True),
    ),
    "det": lambda ns, a: ns.linalg.det(a),
    "eigvalsh": lambda ns, a: ns.linalg.eigvalsh(a @ ns.matrix_transpose(a)),
    "eigh": lambda ns, a: [
        (v * w[..., None, :]) @ ns.matrix_transpose(v) for w, v in [ns.linalg.eigh(a @ ns.matrix_transpose(a))]
    ],
    "inv": lambda ns, a: ns.linalg.inv(a),
    "matrix_norm": lambda ns, a: [ns.linalg.matrix_norm(a, ord=o) for o in ("fro", "nuc", 1, 2, -1, -2, float("inf"))],
    "matrix_power": lambda ns, a: [ns.linalg.matrix_power(a, n) for n in (-1, 0, 3)],
    "matrix_rank": lambda ns, a: ns.linalg.matrix_rank(a),
    "pinv": lambda ns, a: ns.linalg.pinv(a[..., :2]),
    "qr": lambda ns, a: ns.linalg.qr(a),
    "slogdet": lambda ns, a: ns.linalg.slogdet(a),
    "solve": lambda ns, a: (ns.linalg.solve(a, a[..., :2]), ns.linalg.solve(a, ns.ones(3, dtype=a.dtype))),
    "svd": lambda ns, a: ns.linalg.svdvals(a),
    "svd full": lambda ns, a: [x.shape for x in ns.linalg.svd(a[..., :2])],
    "svd thin": lambda ns, a: [
        (u * s[..., None, :]) @ vh for u, s, vh in [ns.linalg.svd(a[..., :2], full_matrices=False)]
    ],
    "vector_norm": lambda ns, a: [ns.linalg.vector_norm(a, axis=-1, ord=o) for o in (0, 1, 2, 3, float("inf"))],
    "cross": lambda ns, a: ns.linalg.cross(a, ns.flip(a)),
}


@pytest.mark.parametrize("name", LINALG)
def test_linear_algebra(name: str) -> None:
    both(LINALG[name], SQUARE)


@pytest.mark.parametrize("dtype", WHOLE)
def test_is_in(dtype: str) -> None:
    both(lambda ns, a: (ns.isin(a, a[0, ...]), ns.isin(a, a[0, :2])), given(dtype))


CREATION: dict[str, Callable[[Any], Any]] = {
    "arange": lambda ns: (
        ns.arange(5),
        ns.arange(1, 7, 2),
        ns.arange(3.0, dtype=ns.float64),
        ns.arange(3, dtype=ns.int8),
    ),
    "asarray": lambda ns: (
        ns.asarray([[1, 2]]),
        ns.asarray([True]),
        ns.asarray([1.5], dtype=ns.float64),
        ns.asarray(3),
    ),
    "eye": lambda ns: (ns.eye(3, 4, k=1, dtype=ns.float64), ns.eye(2, dtype=ns.int32)),
    "full": lambda ns: (ns.full((2,), 3), ns.full((), True), ns.full((2, 1), 1.5, dtype=ns.float32)),
    "linspace": lambda ns: (
        ns.linspace(0, 1, 5, dtype=ns.float64),
        ns.linspace(0, 1, 4, endpoint=False, dtype=ns.float32),
    ),
    "zeros": lambda ns: (ns.zeros(3, dtype=ns.int64), ns.ones((2, 2), dtype=ns.float64), ns.zeros((), dtype=ns.bool)),
    "isdtype": lambda ns: [
        ns.isdtype(d, k)
        for d in (ns.int8, ns.uint16, ns.float32, ns.bool)
        for k in (
            "bool",
            "signed integer",
            "unsigned integer",
            "integral",
            "real floating",
            "complex floating",
            "numeric",
            ("integral", "bool"),
            ns.float32,
        )
    ],
    "can_cast": lambda ns: [
        ns.can_cast(a, b) for a in (ns.int8, ns.uint8, ns.float32) for b in (ns.int16, ns.float64, ns.uint32)
    ],
    "finfo": lambda ns: [(float(ns.finfo(d).eps), ns.finfo(d).bits) for d in (ns.float32, ns.float64)],
    "iinfo": lambda ns: [(ns.iinfo(d).max, ns.iinfo(d).min) for d in (ns.int8, ns.uint64)],
    "constants": lambda ns: (ns.e, ns.pi, ns.inf, ns.newaxis),
    "shapes": lambda ns: ns.broadcast_shapes((3, 1), (1, 4)),
}


@pytest.mark.parametrize("name", CREATION)
def test_creation_and_types(name: str) -> None:
    same(CREATION[name](xp), CREATION[name](strict))


def test_result_types_are_the_standards() -> None:
    names = ("bool", *NUMERIC)
    for a in names:
        for b in names:
            ours, theirs = [_type_or_error(ns, a, b) for ns in (xp, strict)]
            assert ours == theirs, (a, b)


def _type_or_error(ns: Any, a: str, b: str) -> str:
    try:
        return str(ns.result_type(getattr(ns, a), getattr(ns, b))).rpartition(".")[2]
    except TypeError:
        return "refused"


@pytest.mark.parametrize(
    "call",
    [
        lambda ns: ns.asarray([1.0], device="gpu"),
        lambda ns: ns.zeros(2, device="cuda:0"),
        lambda ns: ns.isdtype(ns.int8, "whole"),
        lambda ns: ns.reshape(ns.ones(3), (2, 2)),
        lambda ns: ns.asarray([1, 2], copy=False),
    ],
)
def test_bad_input_is_refused_by_both(call: Callable[[Any], Any]) -> None:
    for ns in (xp, strict):
        with pytest.raises((ValueError, TypeError)):
            call(ns)


def test_information() -> None:
    ours, theirs = xp.__array_namespace_info__(), strict.__array_namespace_info__()
    assert ours.default_device() in ours.devices()
    assert set(ours.capabilities()) == set(theirs.capabilities())
    for kind in (None, "bool", "integral", "real floating", ("bool", "integral")):
        expected = {n for n in theirs.dtypes(kind=kind) if not n.startswith("complex")}
        assert set(ours.dtypes(kind=kind)) == expected
    with tgi.default_dtype("float64"):
        assert ours.default_dtypes()["real floating"] == xp.float64
    assert ours.default_dtypes()["integral"] == xp.asarray([1]).dtype


def test_the_namespace_of_arrays() -> None:
    for x in (xp.asarray([1.0]), xp.asarray([1]), xp.asarray(True)):
        assert x.__array_namespace__() is xp
        assert x.__array_namespace__(api_version="2023.12") is xp
        with pytest.raises(ValueError, match=r"among 2021\.12"):
            x.__array_namespace__(api_version="1999.01")


def test_gradients_go_through() -> None:
    """Also through promotion, whose cotangent comes back in the smaller dtype."""
    a = tgi.tensor(given("float32"), requires_grad=True)
    b = tgi.tensor(given("float64"), requires_grad=True)
    out = xp.sum(xp.matmul(xp.multiply(a, b), xp.permute_dims(xp.concat([a, b]), (1, 0))))
    assert out.dtype == xp.float64
    for found, leaf in zip(tgi.grad(out, [a, b]), (a, b), strict=True):
        assert found.dtype == leaf.dtype
        assert np.any(found.numpy() != 0)
    x = tgi.tensor(given("float64"), requires_grad=True)
    assert tgi.gradcheck(
        lambda t: xp.sort(xp.cumulative_sum(xp.roll(t, 1, axis=1), axis=0), axis=1, descending=True), x
    )


def test_a_function_written_for_any_library_has_a_gradient() -> None:
    def standardized(x: Any) -> Any:
        ns = x.__array_namespace__()
        apart = x - ns.mean(x, axis=0, keepdims=True)
        return apart / ns.std(x, axis=0, correction=1.0, keepdims=True)

    x = given("float64")
    np.testing.assert_allclose(standardized(tgi.tensor(x)).numpy(), standardized(x), rtol=1e-12)
    assert tgi.gradcheck(standardized, tgi.tensor(x, requires_grad=True))


def test_signatures_are_the_standards() -> None:
    """Names of parameters that may be given by name."""
    wrong = {}
    for name in xp.__all__:
        ours, theirs = getattr(xp, name), getattr(strict, name, None)
        if (
            inspect.isfunction(ours)
            and inspect.isfunction(theirs)
            and ours.__module__ == "tinygrad_init.array_api.creation"
        ):
            wanted = {p.name for p in inspect.signature(theirs).parameters.values() if p.kind is p.KEYWORD_ONLY}
            have = set(inspect.signature(ours).parameters)
            if not wanted <= have:
                wrong[name] = wanted - have
    assert not wrong
