"""Without scikit-learn."""

from __future__ import annotations

import subprocess
import sys


def test_a_missing_scikit_learn_is_told_with_what_to_install() -> None:
    code = "import sys; sys.modules['sklearn'] = None; import tinygrad_init as tgi; tgi.estimators"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("ImportError: tinygrad_init.estimators") and "pip install 'tinygrad_init[sklearn]'" in last
