"""A number with a gradient, as the engine to be read has it."""

from tinygrad_init.scalar import Value

__all__ = ["Value"]
