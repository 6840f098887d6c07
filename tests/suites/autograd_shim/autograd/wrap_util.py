"""Operators on functions of one argument, made operators on any argument of a function, or several."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Operator = Callable[..., Any]


def get_name(fun: Any) -> str:
    return getattr(fun, "__name__", "[unknown name]")


def unary_to_nary(operator: Operator) -> Operator:
    """An operator that takes by `argnum` which argument is meant; of several they are a tuple."""

    def nary(fun: Callable[..., Any], argnum: Any = 0, *options: Any, **named: Any) -> Callable[..., Any]:
        def of_all(*args: Any, **kwargs: Any) -> Any:
            def of_one(x: Any) -> Any:
                given = list(args)
                for i, part in [(argnum, x)] if isinstance(argnum, int) else zip(argnum, x, strict=True):
                    given[i] = part
                return fun(*given, **kwargs)

            of_one.__name__ = get_name(fun)
            chosen = args[argnum] if isinstance(argnum, int) else tuple(args[i] for i in argnum)
            return operator(of_one, chosen, *options, **named)

        of_all.__name__ = f"{get_name(operator)}_of_{get_name(fun)}_wrt_argnum_{argnum}"
        of_all.__doc__ = f"    {get_name(operator)} of function {get_name(fun)} with respect to argument {argnum}."
        return of_all

    nary.__name__, nary.__doc__ = get_name(operator), operator.__doc__
    return nary
