"""A number with a gradient: a tensor without axes, in the precision of Python's floats."""

import tinygrad_init as tgi


def Value(data):
    return tgi.tensor(float(data), dtype="float64", requires_grad=True)
