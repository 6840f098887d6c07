"""The older spelling of the check of gradients."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def quick_grad_check(
    fun: Callable[..., Any], arg0: Any, extra_args: Any = (), kwargs: Any = None, **ignored: Any
) -> None:
    from .test_util import check_grads

    check_grads(lambda x: fun(x, *extra_args, **(kwargs or {})), modes=["rev"], order=1)(arg0)
