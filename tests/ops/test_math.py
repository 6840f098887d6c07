"""How exact the compiled functions are: units in the last place against mpmath, over the whole range of both dtypes."""

from __future__ import annotations

import math
import os
import subprocess
import sys
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_init as tgi

mpmath = pytest.importorskip("mpmath")
if tgi.BACKEND != "compiled":
    pytest.skip("the reference backend has no compiled kernels", allow_module_level=True)

from tinygrad_init.kernels import compiled as _kernels  # noqa: E402 (only where it is there)

mp = mpmath.mp.clone()
mp.prec = 160
mpf = mp.mpf

LARGE = 2000.0  # where exp has overflowed, and functions made of it have reached their limits
NEAR = 2.0**20  # sin and cos: computed here up to there, by the C library beyond
ALPHA = 1.25  # of elu; exact in both dtypes
SELU_SCALE, SELU_ALPHA = mpf("1.0507009873554804934193"), mpf("1.6732632423543772848170")


def mish(x: Any) -> Any:
    n = mp.exp(x) * (mp.exp(x) + 2)
    return x * n / (n + 2)


# The truth at a finite number, and the largest error allowed in float32 and float64.
FUNCTIONS: dict[str, tuple[Callable[[Any], Any], float, float]] = {
    "exp": (mp.exp, 0.6, 1.5),
    "expm1": (mp.expm1, 0.6, 1.5),
    "log": (lambda x: mp.log(x) if x > 0 else mp.ninf if x == 0 else mp.nan, 0.6, 1.0),
    "log1p": (lambda x: mp.log1p(x) if x > -1 else mp.ninf if x == -1 else mp.nan, 0.6, 1.0),
    "sqrt": (lambda x: mp.sqrt(x) if x >= 0 else mp.nan, 0.5, 0.5),
    "sin": (mp.sin, 0.6, 1.0),
    "cos": (mp.cos, 0.6, 1.0),
    "erf": (mp.erf, 0.6, 2.0),
    "tanh": (mp.tanh, 0.6, 1.5),
    "sigmoid": (lambda x: 1 / (1 + mp.exp(-x)), 0.6, 1.5),
    "softplus": (lambda x: mp.log1p(mp.exp(-abs(x))) + max(x, 0), 0.6, 1.5),
    "elu": (lambda x: x if x > 0 else ALPHA * mp.expm1(x), 0.6, 2.0),
    "selu": (lambda x: SELU_SCALE * (x if x > 0 else SELU_ALPHA * mp.expm1(x)), 0.6, 2.0),
    "silu": (lambda x: x / (1 + mp.exp(-x)), 0.6, 2.5),
    "gelu": (lambda x: x * mp.erfc(-x * mp.sqrt(mpf(0.5))) / 2, 0.6, 3.0),
    "mish": (mish, 0.6, 5.0),
}
PARAMETERS = {"elu": ALPHA}

# What a function does at -inf and inf; NaN stays NaN.
LIMITS = {
    "exp": (0.0, np.inf),
    "expm1": (-1.0, np.inf),
    "log": (np.nan, np.inf),
    "log1p": (np.nan, np.inf),
    "sqrt": (np.nan, np.inf),
    "sin": (np.nan, np.nan),
    "cos": (np.nan, np.nan),
    "erf": (-1.0, 1.0),
    "tanh": (-1.0, 1.0),
    "sigmoid": (0.0, 1.0),
    "softplus": (0.0, np.inf),
    "elu": (-ALPHA, np.inf),
    "selu": (-1.7580993408473768, np.inf),
    "silu": (0.0, np.inf),
    "gelu": (0.0, np.inf),
    "mish": (0.0, np.inf),
}
ODD = ("expm1", "log1p", "sin", "erf", "tanh", "elu", "selu")  # -0 stays -0

# Where one formula takes over from another, or a result from its overflow or underflow.
BREAKPOINTS = {
    "exp": (709.7827, -708.396, -745.133, 88.7228, -87.3365, -103.972),
    "expm1": (-40.0, 37.0, 709.7827, 88.7228, 0.3466),
    "log": (1.0, math.sqrt(0.5), math.sqrt(2), 2.0**-1022),
    "log1p": (math.sqrt(0.5) - 1, math.sqrt(2) - 1, -1.0, 2.0**60, 1.0),
    "erf": (1.0, 6.0),
    "tanh": (0.625, 22.0, 10.0),
    "sigmoid": (60.0, 708.396, 745.133, 1.0, 36.0),
    "softplus": (40.0, 746.0, 1.0),
    "silu": (60.0, 708.396, 745.133, 751.7),
    "mish": (60.0, 708.396, 745.133, 751.7),
    "gelu": (1.0, 38.58, 37.5, 8.3),
    "sin": tuple(k * math.pi / 2 for k in (1, 2, 3, 7, 100, 12345, 667543)),
    "cos": tuple(k * math.pi / 2 for k in (1, 2, 3, 7, 100, 12345, 667543)),
}


def points(name: str, dtype: Any) -> Any:
    """The same few thousand numbers each time."""
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    width = 64 if dtype == np.float64 else 32
    any_bits = rng.integers(0, 2**width, 600, dtype=f"uint{width}").view(dtype)
    info = np.finfo(dtype)
    edge = 760 if dtype == np.float64 else 110
    parts = [
        any_bits,
        rng.uniform(-2, 2, 500),
        rng.uniform(-10, 10, 400),
        rng.uniform(-50, 50, 150),
        rng.uniform(-edge, edge, 150),
        rng.uniform(-edge, -0.92 * edge, 100),  # subnormal results
        rng.normal(size=200) * 10.0 ** rng.uniform(-20, 0, 200),
        np.exp(rng.uniform(math.log(info.tiny), math.log(info.max), 200)),
        [0.0, -0.0, info.tiny, -info.tiny, info.smallest_subnormal, -info.smallest_subnormal, info.max, info.min],
    ]
    for at in BREAKPOINTS.get(name, ()):
        for sign in (1, -1):
            parts.append(sign * at * (1 + rng.normal(size=20) * 10.0 ** -rng.uniform(2, 16, 20)))
            around = [dtype(sign * at)]
            for direction in (np.inf, -np.inf):
                step = around[0]
                for _ in range(3):
                    step = np.nextafter(step, dtype(direction))
                    around.append(step)
            parts.append(around)
    if name in ("sin", "cos"):
        parts.append(rng.uniform(-NEAR, NEAR, 300))
        parts.append(rng.integers(-667543, 667544, 300) * (math.pi / 2))
        parts.append([NEAR, -NEAR])
    with np.errstate(over="ignore"):
        x = np.concatenate([np.asarray(part).astype(dtype) for part in parts])
    return x[np.isfinite(x)]


def expected(name: str, x: float) -> Any:
    """The truth, without a power of e whose exponent alone has hundreds of digits."""
    truth = FUNCTIONS[name][0]
    if abs(x) <= LARGE or name in ("log", "log1p", "sqrt", "sin", "cos") or (name == "selu" and x > 0):
        return truth(mpf(x))
    if x > 0 and math.isinf(LIMITS[name][1]):
        return mp.inf if name in ("exp", "expm1") else mpf(x)
    return truth(mpf(math.copysign(LARGE, x)))


def ulp_error(got: float, truth: Any, dtype: Any) -> float:
    """|got - truth| in units of the last place of the truth; infinity counts as the number after the largest."""
    info = np.finfo(dtype)
    if mp.isnan(truth) or math.isnan(got):
        return 0.0 if mp.isnan(truth) and math.isnan(got) else math.inf
    bound = mp.ldexp(1, info.maxexp)
    exact = mpf(max(-bound, min(bound, mpf(got))))
    truth = max(-bound, min(bound, truth))
    exponent = mp.frexp(truth)[1] if truth else info.minexp
    return float(abs(exact - truth) / mp.ldexp(1, max(exponent, info.minexp + 1) - info.nmant - 1))


def computed(name: str, x: Any) -> Any:
    return np.asarray(_kernels.unary(_kernels.code(name), x, PARAMETERS.get(name, 0.0)))


@pytest.mark.parametrize("dtype", [np.float32, np.float64], ids=["float32", "float64"])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_error_in_ulp(name: str, dtype: Any) -> None:
    x = points(name, dtype)
    if name in ("sin", "cos"):
        x = x[np.abs(x) <= NEAR]
    got = computed(name, x)
    errors = [ulp_error(value, expected(name, at), dtype) for at, value in zip(x.tolist(), got.tolist(), strict=True)]
    worst = int(np.argmax(errors))
    assert errors[worst] <= FUNCTIONS[name][1 if dtype == np.float32 else 2], f"{errors[worst]} ulp at {x[worst]!r}"


@pytest.mark.parametrize("dtype", [np.float32, np.float64], ids=["float32", "float64"])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_special_values(name: str, dtype: Any) -> None:
    below, above, nan = computed(name, np.array([-np.inf, np.inf, np.nan], dtype))
    np.testing.assert_array_equal([below, above, nan], np.array([*LIMITS[name], np.nan], dtype))
    if name in ODD:
        zeros = computed(name, np.array([0.0, -0.0], dtype))
        assert (zeros == 0).all() and (np.signbit(zeros) == [False, True]).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64], ids=["float32", "float64"])
@pytest.mark.parametrize("name", ["sin", "cos"])
def test_far_arguments_leave_near_ones_alone(name: str, dtype: Any) -> None:
    near = np.linspace(-30, 30, 101).astype(dtype)
    far = np.array([2.0**20 + 1, -1e7, 1e22, np.finfo(dtype).max, np.inf], dtype)
    got = computed(name, np.concatenate([near, far]))
    np.testing.assert_allclose(got[:101], computed(name, near), rtol=4 * np.finfo(dtype).eps)
    for at, value in zip(far.tolist(), got[101:].tolist(), strict=True):
        with mp.workprec(1200):
            truth = mp.nan if math.isinf(at) else (mp.sin if name == "sin" else mp.cos)(mpf(at))
        assert ulp_error(value, truth, dtype) <= 1


@pytest.mark.skipif("TINYGRAD_INIT_ISA" in os.environ, reason="is what this test runs")
@pytest.mark.parametrize("isa", [isa for isa in _kernels.isas() if isa != _kernels.ISA])
def test_on_other_instruction_sets(isa: str) -> None:
    environment = {**os.environ, "TINYGRAD_INIT_ISA": isa}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", __file__, "-k", "float64"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:]
