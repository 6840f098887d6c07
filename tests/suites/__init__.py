"""Test suites that others wrote for their own packages, run on this one: each behind a shim of their names."""
