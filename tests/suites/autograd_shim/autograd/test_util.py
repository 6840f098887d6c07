"""The judge of autograd's tests is autograd's own, from the distribution that the tests are from.

Of combinations of arguments those with complex numbers are left out, as tensors are made of real ones; the names of the
tests where something was left out are written to a file.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from tinygrad_init.trees import leaves_of

_source = Path(os.environ["AUTOGRAD_SDIST"]) / "autograd" / "test_util.py"
_spec = importlib.util.spec_from_file_location("autograd.judge", _source)
assert _spec is not None and _spec.loader is not None
_judge = importlib.util.module_from_spec(_spec)
sys.modules[_spec.name] = _judge
_spec.loader.exec_module(_judge)

check_equivalent = _judge.check_equivalent
check_grads = _judge.check_grads
check_jvp = _judge.check_jvp
check_vjp = _judge.check_vjp
scalar_close = _judge.scalar_close


_checked: set[str] = set()  # the tests in which something was


def combo_check(fun: Any, *options: Any, **named: Any) -> Callable[..., None]:
    def check(*args: Any, **kwargs: Any) -> None:
        real = [[x for x in choices if not any(map(np.iscomplexobj, leaves_of(x)))] for choices in args]
        test = os.environ["PYTEST_CURRENT_TEST"].split()[0]
        left_out = [len(some) for some in real] != [len(choices) for choices in args]
        if left_out and not all(real) and test not in _checked:
            raise TypeError("complex numbers: there are no real ones to check")
        if left_out and "AUTOGRAD_LEFT_OUT" in os.environ:
            with open(os.environ["AUTOGRAD_LEFT_OUT"], "a") as file:
                file.write(test + "\n")
        _checked.update([test] if all(real) else [])
        _judge.combo_check(fun, *options, **named)(*real, **kwargs)

    return check
