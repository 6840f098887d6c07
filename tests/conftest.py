"""Settings of all property tests, and what ran where."""

import os

from hypothesis import HealthCheck, settings

import tinygrad_init as tgi
from tinygrad_init.backend import kernels

# Where a result decides about somebody else's work it must be the same each time; everywhere else, look further.
settings.register_profile(
    "tests",
    derandomize=os.environ.get("CI") == "true",
    deadline=None,
    max_examples=60,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.load_profile("tests")


def pytest_report_header() -> str:
    return f"backend: {tgi.BACKEND} ({kernels.ISA})"
