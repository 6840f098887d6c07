"""micrograd's own tests, on tensors and on the numbers of `tinygrad_init.scalar`, in place of micrograd's."""

from __future__ import annotations

from pathlib import Path

import pytest

from .sdist import outcomes, unpacked

pytestmark = [pytest.mark.nightly, pytest.mark.peer]
SHIMS = Path(__file__).parent / "micrograd_shims"


@pytest.mark.parametrize("kind", ["tensors", "numbers"])
def test_engine_of_micrograd(kind: str) -> None:
    pytest.importorskip("torch", reason="micrograd's tests compare with PyTorch")
    found = outcomes(unpacked("micrograd==0.1.0") / "test", SHIMS / kind)
    assert found == {"test_engine.test_sanity_check": "passed", "test_engine.test_more_ops": "passed"}
