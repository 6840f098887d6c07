"""Random numbers: new tensors of them, and tensors filled with them.

All functions draw from `generator` (or `rng`): a generator of NumPy, a `Generator`, or a seed for a new one at each
call; from the default generator unless given, which `manual_seed` begins anew. A captured program draws at each run
what a call would.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..engine.discrete import discrete, dtype_of, is_discrete
from ..engine.methods import METHODS
from ..engine.modes import mode
from ..engine.storage import operand
from ..engine.tensor import Tensor, wrap
from .creation import shape_of
from .devices import require_here
from .registry import Array, operation

__all__ = [
    "bernoulli", "manual_seed", "multinomial", "normal", "rand", "rand_like", "randint", "randint_like", "randn",
    "randn_like", "randperm", "uniform",
]  # fmt: skip

Source = Any  # a generator, a seed, or None
_default: list[np.random.Generator] = []  # made when it is first drawn from


def manual_seed(seed: Source) -> np.random.Generator:
    """Begin anew what is drawn from where no generator is given: by initializers and by the functions of this file.

    Layers that are made without a `rng` draw their weights from it, and dropout the seed of a generator of its own: a
    script that begins with this and makes its model afterwards runs the same again. Data and training have a `rng` of
    their own, which this does not touch. There is one for the whole process: threads draw from it in the order in which
    they come.

    Raises
    ------
    TypeError, ValueError
        It is neither a seed, a whole number of at least 0, nor a generator.
    """
    _default[:] = [np.random.default_rng(seed)]
    return _default[0]


def generator_of(rng: Source) -> np.random.Generator:
    """A generator itself, one from a seed, or the default."""
    if rng is not None:
        return np.random.default_rng(rng)
    if not _default:
        _default.append(np.random.default_rng())
    return _default[0]


def own_generator(rng: Source) -> np.random.Generator:
    """A generator itself, or a new one: from a seed, or begun with a number from the default."""
    return np.random.default_rng(generator_of(None).integers(2**63) if rng is None else rng)


def default_generator() -> np.random.Generator | None:
    """What is drawn from where no generator is given, if there is one yet."""
    return _default[0] if _default else None


PART = 500_000  # numbers, which take some milliseconds


def in_parts(draw: Callable[[int], Array], shape: tuple[int, ...]) -> Array:
    """An array of random numbers; `draw` is asked for some at a time, and Ctrl-C is heard between.

    They are those of one draw, as a generator gives them one after the other.
    """
    size = math.prod(shape)
    first = draw(min(PART, size))
    if size <= PART:
        return first.reshape(shape)
    found = np.empty(size, first.dtype)
    found[:PART] = first
    for begin in range(PART, size, PART):
        found[begin : begin + PART] = draw(min(PART, size - begin))
    return found.reshape(shape)


def _numbers(how: str, shape: tuple[int, ...], dtype: Any, a: Any, b: Any, rng: np.random.Generator) -> Array:
    """An array of random numbers."""
    if how == "normal":
        drawn = in_parts(lambda count: rng.standard_normal(count, dtype), shape)
        return np.asarray(drawn * np.asarray(b, dtype) + np.asarray(a, dtype), dtype)
    if how == "uniform":
        drawn = in_parts(lambda count: rng.random(count, dtype), shape)
        return np.asarray(drawn * np.asarray(b - a, dtype) + np.asarray(a, dtype), dtype)
    if how == "exponential":
        drawn = in_parts(lambda count: rng.standard_exponential(count, dtype), shape)
        return np.asarray(drawn / np.asarray(a, dtype), dtype)
    return np.asarray(in_parts(rng.random, shape) < a, dtype)  # bernoulli


@operation(
    None,
    formula="random numbers of a distribution, in the shape of x",
    exempt="random, and constant in x: distributions and repetition are tested by themselves",
)
def _drawn(x: Array, /, how: str, a: float, b: float, rng: Source) -> Array:
    x = np.asarray(x)  # a stand-in of a captured program does not become an array: the program then calls this
    return _numbers(how, x.shape, x.dtype, a, b, np.random.default_rng(rng))


def _draw(how: str, shape: tuple[int, ...], dtype: Any, a: Any, b: Any, rng: Source) -> Tensor:
    """A tensor of random numbers; while a function is being captured, what the program draws at each run."""
    if mode.trace is None:
        return wrap(_numbers(how, shape, dtype, a, b, generator_of(rng)))
    source = generator_of(None) if rng is None else rng
    blank = wrap(np.zeros(shape, dtype))
    if not isinstance(source, np.random.Generator):
        return _drawn(blank, how, a, b, source)
    # Operations without kernels are tried out: what that draws is put back, so that the first run draws
    # what a call would.
    before = source.bit_generator.state
    found = _drawn(blank, how, a, b, source)
    source.bit_generator.state = before
    return found


def _source(name: str, generator: Source, rng: Source) -> Source:
    if generator is not None and rng is not None:
        raise TypeError(f"{name}: expected generator or rng, got both")
    return rng if generator is None else generator


def _floats(name: str, dtype: Any) -> np.dtype[Any]:
    kind = mode.dtype if dtype is None else dtype_of(dtype)
    if kind.kind != "f":
        raise TypeError(f"{name}: expected float32 or float64, got {kind}")
    return kind


def _here(name: str, options: dict[str, Any]) -> None:
    """What PyTorch's functions take besides and what means nothing here."""
    require_here(name, options.pop("device", None))
    for known in ("layout", "pin_memory", "memory_format"):
        options.pop(known, None)
    if options:
        raise TypeError(f"{name}: there is no parameter {next(iter(options))!r}")


def _made(
    name: str, how: str, shape: tuple[int, ...], dtype: Any, a: Any, b: Any, rng: Source, grad: bool, rest: Any
) -> Tensor:
    _here(name, rest)
    found = _draw(how, shape, _floats(name, dtype), a, b, rng)
    if grad:
        found.requires_grad = True
    return found


def rand(
    *shape: Any, generator: Source = None, rng: Source = None, dtype: Any = None, requires_grad: bool = False,
    **torch: Any,
) -> Tensor:  # fmt: skip
    """Numbers from [0, 1), all equally likely.

    Parameters
    ----------
    shape
        Lengths, or one sequence of them.
    generator, rng
        What is drawn from, see above.
    dtype
        float32 or float64, the default dtype unless given.
    """
    source = _source("rand", generator, rng)
    return _made("rand", "uniform", shape_of("rand", shape), dtype, 0.0, 1.0, source, requires_grad, torch)


def randn(
    *shape: Any, generator: Source = None, rng: Source = None, dtype: Any = None, requires_grad: bool = False,
    **torch: Any,
) -> Tensor:  # fmt: skip
    """Standard normal numbers; parameters are those of `rand`."""
    source = _source("randn", generator, rng)
    return _made("randn", "normal", shape_of("randn", shape), dtype, 0.0, 1.0, source, requires_grad, torch)


def uniform(
    low: float = 0.0, high: float = 1.0, size: Any = (), *, generator: Source = None, rng: Source = None,
    dtype: Any = None, requires_grad: bool = False, **torch: Any,
) -> Tensor:  # fmt: skip
    """Numbers from [low, high), all equally likely, in a shape."""
    lengths = (size,) if isinstance(size, int) else (tuple(size),)
    source = _source("uniform", generator, rng)
    return _made("uniform", "uniform", shape_of("uniform", lengths), dtype, low, high, source, requires_grad, torch)


def normal(
    mean: Any = 0.0, std: Any = 1.0, size: Any = None, *, generator: Source = None, rng: Source = None,
    dtype: Any = None, requires_grad: bool = False, **torch: Any,
) -> Tensor:  # fmt: skip
    """Normal numbers.

    Parameters
    ----------
    mean, std
        Numbers, or tensors: one number is drawn for each of their elements. They get no gradient.
    size
        The shape where both are numbers.

    Raises
    ------
    ValueError
        `std` is below 0.
    """
    source = _source("normal", generator, rng)
    if not isinstance(mean, Tensor) and not isinstance(std, Tensor):
        if not std >= 0:
            raise ValueError(f"normal: expected std of at least 0, got {std}")
        lengths = (size,) if isinstance(size, int) else (tuple(size or ()),)
        return _made("normal", "normal", shape_of("normal", lengths), dtype, mean, std, source, requires_grad, torch)
    _here("normal", torch)
    a, b = (v.detach() if isinstance(v, Tensor) else v for v in (mean, std))
    kind = next(v.dtype for v in (a, b) if isinstance(v, Tensor))
    shape = np.broadcast_shapes(*(np.shape(operand(v)) for v in (a, b)))
    return _draw("normal", shape, kind, 0.0, 1.0, source) * b + a


def rand_like(x: Any, *, dtype: Any = None, **options: Any) -> Tensor:
    """`rand` in the shape and dtype of x."""
    return rand(tuple(x.shape), dtype=x.dtype if dtype is None else dtype, **options)


def randn_like(x: Any, *, dtype: Any = None, **options: Any) -> Tensor:
    """`randn` in the shape and dtype of x."""
    return randn(tuple(x.shape), dtype=x.dtype if dtype is None else dtype, **options)


def bernoulli(x: Any, p: Any = None, *, generator: Source = None, rng: Source = None) -> Any:
    """1 with the probability that an element of x says (or one p for all), else 0; it has no gradient.

    Raises
    ------
    ValueError
        A probability is not between 0 and 1.
    """
    source = _source("bernoulli", generator, rng)
    if p is not None:
        if not 0.0 <= p <= 1.0:
            raise ValueError(f"bernoulli: expected a probability from 0 to 1, got {p}")
        return _draw("bernoulli", tuple(x.shape), mode.dtype if is_discrete(x) else x.dtype, p, 0.0, source)
    x = x.detach()
    found = _draw("uniform", tuple(x.shape), x.dtype, 0.0, 1.0, source)
    if mode.trace is None and not np.all((x.numpy() >= 0) & (x.numpy() <= 1)):
        raise ValueError("bernoulli: expected probabilities from 0 to 1")
    return METHODS["astype"](found < x, x.dtype)


# Whole numbers


def _eager(name: str) -> None:
    if mode.trace is not None:
        mode.trace.refuse(
            f"{name} draws whole numbers, which a program would have to draw anew: pass them as arguments"
        )


def randint(
    low: int, high: Any = None, size: Any = None, *, generator: Source = None, rng: Source = None, dtype: Any = None,
    **torch: Any,
) -> Any:  # fmt: skip
    """Whole numbers from [low, high), or [0, low) if one number alone is given, in a shape.

    Raises
    ------
    ValueError
        There is no number between them.
    """
    if size is None and not isinstance(high, int | None):
        high, size = None, high
    low, high = (0, low) if high is None else (low, high)
    if not low < high:
        raise ValueError(f"randint: expected low below high, got {low} and {high}")
    _here("randint", torch)
    _eager("randint")
    lengths = (size,) if isinstance(size, int) else (tuple(size or ()),)
    drawn = generator_of(_source("randint", generator, rng)).integers(low, high, shape_of("randint", lengths))
    kind = np.dtype(np.int64) if dtype is None else dtype_of(dtype)
    found = np.asarray(drawn).astype(kind)
    return discrete(found) if kind.kind != "f" else Tensor(found, kind)


def randint_like(x: Any, low: int, high: int | None = None, *, dtype: Any = None, **options: Any) -> Any:
    """`randint` in the shape and dtype of x."""
    low, high = (0, low) if high is None else (low, high)
    return randint(low, high, tuple(x.shape), dtype=x.dtype if dtype is None else dtype, **options)


def randperm(n: int, *, generator: Source = None, rng: Source = None, dtype: Any = None, **torch: Any) -> Any:
    """The whole numbers below n in random order."""
    _here("randperm", torch)
    _eager("randperm")
    if n < 0:
        raise ValueError(f"randperm: expected a number of at least 0, got {n}")
    kind = np.dtype(np.int64) if dtype is None else dtype_of(dtype)
    found = generator_of(_source("randperm", generator, rng)).permutation(n).astype(kind)
    return discrete(found) if kind.kind != "f" else Tensor(found, kind)


def multinomial(
    x: Any, num_samples: int, replacement: bool = False, *, generator: Source = None, rng: Source = None
) -> Any:
    """Numbers of elements, drawn with probabilities that are in proportion to the elements of a row.

    Parameters
    ----------
    x
        Weights of at least 0, in one row or in rows.
    num_samples
        How many are drawn from each row.
    replacement
        Whether one may be drawn several times.

    Raises
    ------
    ValueError
        A weight is negative or not finite, all are zero, or there are not so many that are not.
    """
    _eager("multinomial")
    weights = np.asarray(x.numpy() if isinstance(x, Tensor) else operand(x), np.float64)
    if weights.ndim not in (1, 2) or not np.all(np.isfinite(weights) & (weights >= 0)):
        raise ValueError(f"multinomial: expected rows of finite weights of at least 0, got shape {weights.shape}")
    rows = weights.reshape(-1, weights.shape[-1])
    if not replacement and np.any(np.sum(rows > 0, axis=1) < num_samples):
        raise ValueError(f"multinomial: there are fewer than {num_samples} weights above zero in a row")
    if np.any(rows.sum(axis=1) == 0):
        raise ValueError("multinomial: all weights of a row are zero")
    source = generator_of(_source("multinomial", generator, rng))
    found = [source.choice(len(row), num_samples, replacement, row / row.sum()) for row in rows]
    return discrete(np.asarray(found, np.int64).reshape(*weights.shape[:-1], num_samples))


# In place


def _fill(x: Tensor, how: str, a: float, b: float, rng: Source) -> Tensor:
    return x.copy_(_draw(how, tuple(x.shape), x.dtype, a, b, rng))


def normal_(x: Tensor, mean: float = 0.0, std: float = 1.0, *, generator: Source = None, rng: Source = None) -> Tensor:
    """Overwrite a tensor with normal numbers."""
    if not std >= 0:
        raise ValueError(f"normal_: expected std of at least 0, got {std}")
    return _fill(x, "normal", mean, std, _source("normal_", generator, rng))


def uniform_(x: Tensor, low: float = 0.0, high: float = 1.0, **options: Any) -> Tensor:
    """Overwrite a tensor with numbers from [low, high); PyTorch's names are `from` and `to`."""
    low, high = options.pop("from", low), options.pop("to", high)
    source = _source("uniform_", options.pop("generator", None), options.pop("rng", None))
    if options or not low <= high:
        raise ValueError(f"uniform_: expected low, high (not below it) and generator, got {low}, {high} and {options}")
    return _fill(x, "uniform", low, high, source)


def bernoulli_(x: Tensor, p: Any = 0.5, *, generator: Source = None, rng: Source = None) -> Tensor:
    """Overwrite a tensor with ones, with a probability, and zeros."""
    source = _source("bernoulli_", generator, rng)
    if isinstance(p, Tensor):
        return x.copy_(bernoulli(p.broadcast_to(x.shape), rng=source))
    if not 0.0 <= p <= 1.0:
        raise ValueError(f"bernoulli_: expected a probability from 0 to 1, got {p}")
    return _fill(x, "bernoulli", p, 0.0, source)


def exponential_(x: Tensor, lambd: float = 1.0, *, generator: Source = None, rng: Source = None) -> Tensor:
    """Overwrite a tensor with numbers of the exponential distribution of that rate."""
    if not lambd > 0:
        raise ValueError(f"exponential_: expected a rate above 0, got {lambd}")
    return _fill(x, "exponential", lambd, 0.0, _source("exponential_", generator, rng))


def zero_(x: Any) -> Any:
    """Overwrite a tensor with zeros."""
    return x.fill_(0)


METHODS.update(
    bernoulli=bernoulli, bernoulli_=bernoulli_, exponential_=exponential_, multinomial=multinomial, normal_=normal_,
    uniform_=uniform_, zero_=zero_,
)  # fmt: skip
