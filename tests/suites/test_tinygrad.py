"""tinygrad's tests of its operations, run on this package: 403 tests that compare values and gradients with PyTorch's.

They come with tinygrad's source distribution and are no part of this repository; `tinygrad_shim/` has the names that
they import. A run by hand: `python -m pytest -m nightly -rP tests/suites/test_tinygrad.py`.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from .sdist import outcomes, unpacked

pytestmark = [pytest.mark.nightly, pytest.mark.peer]
SHIM = Path(__file__).parent / "tinygrad_shim"

NOTHING = "a mean or variance of too few elements is refused here; PyTorch and tinygrad give NaN"
EXPECTED = {
    "TestOps.test_mean_zero_axis": NOTHING,
    "TestOps.test_std_one_in_axis": NOTHING,
    "TestOps.test_std_zero_in_axis": NOTHING,
    "TestOps.test_var_one_in_axis": NOTHING,
    "TestOps.test_var_zero_in_axis": NOTHING,
    "TestOps.test_gather_failure": "marked as a failure of tinygrad's, infinity among what is gathered: it passes here",
    "TestOps.test_gemm_fp16": "this package does not compute with float16",
}
SKIPPED = {  # by tinygrad itself, whatever runs them
    "TestOps.test_large_bs_conv", "TestOps.test_large_ic_conv", "TestOps.test_max_nan", "TestOps.test_pow_int",
    "TestOps.test_sd_big_conv", "TestOps.test_std_mean_loaded_nan", "TestOps.test_strided_conv2d_simple_vec",
}  # fmt: skip


def test_operations_of_tinygrad() -> None:
    pytest.importorskip("torch", reason="tinygrad's tests compare with PyTorch")
    found = outcomes(unpacked("tinygrad==0.11.0") / "test" / "test_ops.py", SHIM)
    counts = Counter(outcome.partition(":")[0] for outcome in found.values())
    print(
        f"{counts}: {counts['passed'] / (counts['passed'] + counts['failed']):.1%} of those that tinygrad runs itself"
    )
    bad = {name: outcome for name, outcome in found.items() if outcome.startswith("failed") and name not in EXPECTED}
    assert not bad
    assert {name for name, outcome in found.items() if outcome.startswith("skipped")} == SKIPPED
    assert {name for name in EXPECTED if found[name] == "passed"} == set(), "better than expected: take them out"
    assert len(found) == 403
