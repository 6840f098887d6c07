"""Settings that tests ask for: those of a machine without accelerators, where nothing has been set."""

from contextlib import nullcontext

IMAGE = DEBUG = AMD_LLVM = 0
CI = TRANSCENDENTAL = 1


def getenv(key, default=0):
    return default


def Context(**settings):
    """Settings of tinygrad's compiler, which is not there."""
    return nullcontext()
