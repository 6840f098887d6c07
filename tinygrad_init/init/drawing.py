"""How initializers are called: with a generator second, or as PyTorch's are, with the generator by name."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeAlias, TypeVar

import numpy as np

from ..ops.drawing import default_generator as default_generator
from ..ops.drawing import generator_of as generator_of
from ..ops.drawing import in_parts as in_parts
from ..ops.drawing import manual_seed as manual_seed

# Where randomness comes from: a generator, or by name (`rng=`) a seed for a new one.
Generator: TypeAlias = "np.random.Generator | int"
Function = TypeVar("Function", bound=Callable[..., Any])


def drawn(initializer: Function) -> Function:
    """An initializer f(tensor, rng, ...) that also takes its numbers alone, by name, and then draws from the default.

    A number in the place of the generator is refused: in PyTorch it would be the mean, the lower bound or the gain.
    """
    name = initializer.__name__

    @wraps(initializer)
    def called(tensor: Any, *given: Any, rng: Generator | None = None, **options: Any) -> Any:
        if given and (given[0] is None or isinstance(given[0], np.random.Generator)):
            rng, given = given[0] if rng is None else rng, given[1:]
        elif given:
            values = [repr(value) for value in given]
            names = list(inspect.signature(initializer).parameters)[2:]
            named = ", ".join(f"{name}={value}" for name, value in zip(names, values, strict=False))
            seed = f"{name}(w, rng={values[0]}) for a seed, or " if len(given) == 1 else ""
            raise TypeError(
                f"{name}(w, {', '.join(values)}): expected a generator in the second place, where PyTorch has "
                f"{names[0] if names else 'none'}: write {seed}{name}(w, {named}, rng=...)"
            )
        return initializer(tensor, generator_of(rng), *given, **options)

    return called  # type: ignore[return-value]
