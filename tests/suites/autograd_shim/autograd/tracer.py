"""Operations of the user's own: functions on arrays, whose derivatives are said by `defvjp`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from itertools import count
from typing import Any

import numpy as np

import tinygrad_init as tgi

from .values import getval as getval
from .values import plain, tensor, wants_gradient

isbox = wants_gradient
Box = tgi.Tensor
Makers = Callable[[Sequence[int], Any, Any, Any], Callable[[Any], Sequence[Any]]]
primitive_vjps: dict[Any, Makers] = {}


def primitive(fun: Callable[..., Any]) -> Any:
    """The function as one operation of this package's, where an argument is on the way to a derivative."""

    @wraps(fun)
    def called(*args: Any, **kwargs: Any) -> Any:
        places = [i for i, x in enumerate(args) if wants_gradient(x)]
        if not places:
            return fun(*plain(list(args)), **plain(kwargs))

        def forward(*arrays: Any) -> Any:
            rest = iter(arrays)
            given = [next(rest)[()] if i in places else getval(x) for i, x in enumerate(args)]
            return np.asarray(fun(*given, **kwargs))

        def rule(g: Any, out: Any) -> list[Any]:
            if called not in primitive_vjps:
                raise NotImplementedError(f"there is no defvjp of {called.__name__}")
            found = primitive_vjps[called](places, out, args, kwargs)(g)
            return [_cotangent(args[i], part) for i, part in zip(places, found, strict=True)]

        forward.__name__ = called.__name__
        return tgi.custom_op(rule, joint=True)(forward)(*[args[i] for i in places])

    for name, define in (("defvjp", _defvjp), ("defgrad", _defgrad), ("defvjp_is_zero", _defvjp_is_zero)):
        setattr(called, name, define(called))
    return called


def _cotangent(x: Any, found: Any) -> Any:
    return tgi.zeros_like(x) if found is None else tensor(found).astype(x.dtype)


def defvjp_argnums(fun: Any, makers: Makers) -> None:
    """Rules of all arguments that are asked for at once."""
    primitive_vjps[fun] = makers


def defvjp_argnum(fun: Any, maker: Callable[..., Any]) -> None:
    """One rule that is told which argument is meant."""
    primitive_vjps[fun] = lambda places, out, args, kwargs: lambda g: [maker(i, out, args, kwargs)(g) for i in places]


def defvjp(fun: Any, *makers: Any, argnums: Any = None) -> None:
    """A rule for each argument; None: no derivative."""
    known = dict(zip(count() if argnums is None else argnums, makers, strict=False))

    def all_of(places: Sequence[int], out: Any, args: Any, kwargs: Any) -> Callable[[Any], list[Any]]:
        if missing := [i for i in places if i not in known]:
            raise NotImplementedError(f"there is no rule of {fun.__name__} for its arguments {missing}")
        return lambda g: [None if known[i] is None else known[i](out, *args, **kwargs)(g) for i in places]

    primitive_vjps[fun] = all_of


# Older spellings, methods of the primitive.


def _defgrad(fun: Any) -> Callable[..., None]:
    known: dict[int, Any] = {}

    def defgrad(maker: Any, argnum: int = 0) -> None:
        known[argnum] = maker
        defvjp(fun, *known.values(), argnums=tuple(known))

    return defgrad


def _defvjp(fun: Any) -> Callable[..., None]:
    defgrad = _defgrad(fun)

    def defvjp_(rule: Any, argnum: int = 0) -> None:
        defgrad(lambda out, *args, **kwargs: lambda g: rule(g, out, None, None, *args, **kwargs), argnum)

    return defvjp_


def _defvjp_is_zero(fun: Any) -> Callable[..., None]:
    return lambda argnums=(0,): defvjp(fun, *[None] * len(argnums), argnums=argnums)


def notrace_primitive(fun: Callable[..., Any]) -> Callable[..., Any]:
    """A function of numbers alone."""
    return wraps(fun)(lambda *args, **kwargs: fun(*map(getval, args), **kwargs))
