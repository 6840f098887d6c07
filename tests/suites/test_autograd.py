"""HIPS autograd's tests, run on this package: derivatives in both directions, judged by autograd's own checks.

They come with autograd's source distribution and are no part of this repository; `autograd_shim/` has the names that
they import. A run by hand: `python -m pytest -m nightly -rP tests/suites/test_autograd.py`.
"""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from .sdist import outcomes, unpacked

pytestmark = [pytest.mark.nightly, pytest.mark.peer]
SHIM = Path(__file__).parent / "autograd_shim"

# Tests about complex numbers alone, which tensors are not made of; by file, without the "test_" of their names.
COMPLEX = {
    "test_complex": """
        real_type real_if_close_type angle_complex abs_complex
        """,
    "test_direct": """
        holomorphic_grad
        """,
    "test_fft": """
        fft fft_ortho fft_axis fft_n_smaller fft_n_bigger ifft_n_smaller ifft_n_bigger rfft_n_smaller rfft_n_bigger
        irfft_n_smaller irfft_n_bigger fft2_s ifft2_s fftn_s ifftn_s rfft2_s irfft2_s rfftn_s irfftn_s ifft fft2
        ifft2 fftn ifftn rfft rfft_ortho rfft_axes irfft irfft_ortho rfft2 irfft2 rfftn rfftn_odd_not_implemented
        rfftn_subset rfftn_axes irfftn irfftn_subset
        """,
    "test_graphs": """
        complex_mutating_outgrad_from_indexing complex_separate_real_and_imaginary
        """,
    "test_linalg": """
        eigvalh_lower_complex eigvalh_upper_complex eig_real eig_complex eig_batched svd_wide_2d_complex
        svd_wide_3d_complex svd_square_2d_complex svd_square_3d_complex svd_tall_2d_complex svd_tall_3d_complex
        svd_only_s_2d_complex svd_only_s_3d_complex
        """,
    "test_logic": """
        falseyness unimplemented_falseyness
        """,
    "test_scipy": "sqrtm",
    "test_vspaces": """
        array_vspace_complex
        """,
}  # fmt: skip
SAYS_COMPLEX = "complex|eigenvalues that are not 0 or negative"  # what the failure of each of them says
SIDE_EFFECTS = "captured programs refuse what the test counts calls with, a list's append"
EXPECTED = {  # the others: what the failure says, and why it is one
    "test_graphs.test_assignment_raises_error": ("RuntimeError: a leaf that", "autograd's boxes say TypeError there"),
    "test_misc.test_const_graph": ("CaptureError", SIDE_EFFECTS),
    "test_misc.test_const_graph_args": ("CaptureError", SIDE_EFFECTS),
    "test_numpy.test_index_mixed": ("indexing: an integer", "x[3, 2:, [1, 3]] is refused: PyTorch orders it otherwise"),
    "test_wrappers.test_dtypes": ("skipped: fails with NumPy nightlies", "left out by autograd itself"),
}


def test_autograd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("scipy", reason="autograd's tests of scipy compare with it")
    sdist, left_out = unpacked("autograd==1.8.0"), tmp_path / "left_out"
    monkeypatch.setenv("AUTOGRAD_SDIST", str(sdist))
    monkeypatch.setenv("AUTOGRAD_LEFT_OUT", str(left_out))
    found = outcomes(sdist / "tests", SHIM)
    complex_alone = {f"{file}.test_{name}" for file, names in COMPLEX.items() for name in names.split()}
    wanted = {name: outcome for name, outcome in found.items() if name not in complex_alone}
    counts = Counter(outcome.partition(":")[0] for outcome in wanted.values())
    in_part = {line for line in left_out.read_text().splitlines() if line}
    print(f"{dict(counts)}: {counts['passed'] / len(wanted):.1%} of {len(wanted)} tests")
    print(
        f"{len(in_part)} of them without their combinations of complex numbers; {len(complex_alone)} are of these alone"
    )
    assert {name: outcome for name, outcome in wanted.items() if outcome != "passed" and name not in EXPECTED} == {}
    assert {name for name in complex_alone | set(EXPECTED) if found[name] == "passed"} == set(), "take them out"
    reasons = {name: message for name, (message, _) in EXPECTED.items()} | dict.fromkeys(complex_alone, SAYS_COMPLEX)
    assert {name: found[name] for name, message in reasons.items() if not re.search(message, found[name])} == {}
    assert len(found) == 587
