"""Settings of all property tests, and what ran where."""

from hypothesis import HealthCheck, settings

import tinygrad_init as tgi
from tinygrad_init.backend import kernels

settings.register_profile(
    "tests", deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
settings.load_profile("tests")


def pytest_report_header() -> str:
    return f"backend: {tgi.BACKEND} ({kernels.ISA})"
