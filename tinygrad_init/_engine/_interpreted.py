"""Stands in for the `cython` module where the engine runs interpreted and Cython is not installed."""

compiled = False
