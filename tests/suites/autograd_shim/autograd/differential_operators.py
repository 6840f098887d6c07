"""Gradients, Jacobians, Hessians and their products, of one argument of a function or several."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import tinygrad_init as tgi

from . import numpy as np
from .core import make_jvp as jvp_of
from .core import make_vjp as vjp_of
from .core import vspace
from .values import plain, tensors
from .wrap_util import unary_to_nary

Function = Callable[..., Any]
make_vjp, make_jvp = unary_to_nary(vjp_of), unary_to_nary(jvp_of)


def _one_number(name: str, value: Any) -> Any:
    """A cotangent of 1 for a result that is one number."""
    space = vspace(value)
    if space.size != 1:
        raise TypeError(f"{name}: expected a function of one real number as result, got shape {space.shape}")
    return space.ones()


@unary_to_nary
def grad(fun: Function, x: Any) -> Any:
    """
    Returns a function which gives the gradient of `fun`, whose result is one number.
    """
    pull, value = vjp_of(fun, x)
    return pull(_one_number("grad", value))


@unary_to_nary
def value_and_grad(fun: Function, x: Any) -> Any:
    pull, value = vjp_of(fun, x)
    return value, pull(_one_number("value_and_grad", value))


@unary_to_nary
def grad_and_aux(fun: Function, x: Any) -> Any:
    pull, (value, other) = vjp_of(fun, x)
    return pull((vspace(value).ones(), vspace(other).zeros())), other


@unary_to_nary
def elementwise_grad(fun: Function, x: Any) -> Any:
    pull, value = vjp_of(fun, x)
    return pull(vspace(value).ones())


@unary_to_nary
def deriv(fun: Function, x: Any) -> Any:
    return jvp_of(fun, x)(vspace(x).ones())[1]


@unary_to_nary
def jacobian(fun: Function, x: Any) -> Any:
    pull, value = vjp_of(fun, x)
    space = vspace(value)
    return np.reshape(np.stack([pull(e) for e in space.standard_basis()]), space.shape + vspace(x).shape)


@unary_to_nary
def holomorphic_grad(fun: Function, x: Any) -> Any:
    return grad(lambda z: np.real(fun(z)))(x)


@unary_to_nary
def hessian(fun: Function, x: Any) -> Any:
    return jacobian(jacobian(fun))(x)


@unary_to_nary
def make_hvp(fun: Function, x: Any) -> Any:
    return vjp_of(grad(fun), x)


@unary_to_nary
def make_jvp_reversemode(fun: Function, x: Any) -> Any:
    """J v by differentiating the product from the other side, which is linear."""
    pull, value = vjp_of(fun, x)
    return vjp_of(pull, vspace(value).zeros())[0]


def grad_named(fun: Function, argname: str) -> Function:
    return grad(fun, inspect.getfullargspec(fun).args.index(argname))


def hessian_tensor_product(fun: Function, argnum: int = 0) -> Function:
    gradient = grad(fun, argnum)

    def along(*args: Any, **kwargs: Any) -> Any:
        *others, v = args
        return np.tensordot(gradient(*others, **kwargs), v, np.ndim(v))

    return grad(along, argnum)


def tensor_jacobian_product(fun: Function, argnum: int = 0) -> Function:
    def along(*args: Any, **kwargs: Any) -> Any:
        *others, v = args
        return np.tensordot(v, fun(*others, **kwargs), np.ndim(v))

    return jacobian(along, argnum)


hessian_vector_product, vector_jacobian_product = hessian_tensor_product, tensor_jacobian_product


def make_ggnvp(f: Function, g: Function = lambda y: 0.5 * np.sum(y**2, axis=-1), f_argnum: int = 0) -> Function:
    """Products with Jᵀ H J, J being the Jacobian of f and H the Hessian of g at its value."""

    @unary_to_nary
    def made(f: Function, x: Any) -> Function:
        pull, value = vjp_of(f, x)
        curved = vjp_of(grad(g), value)[0]
        push = jvp_of(f, x)
        return lambda v: pull(curved(push(v)[1]))

    return made(f, f_argnum)


def checkpoint(fun: Function) -> Function:
    return lambda *args, **kwargs: plain(tgi.checkpoint(fun, *tensors(args), **kwargs))
