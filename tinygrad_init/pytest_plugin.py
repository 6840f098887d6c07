"""A fixture for tests that train a model in PyTorch: `watched` looks on, and the test fails by what went wrong.

Nobody's tests have it unless their conftest.py asks for it: `pytest_plugins = ["tinygrad_init.pytest_plugin"]`. PyTorch
is imported when a test uses it.
"""

from __future__ import annotations

from collections.abc import Collection, Generator, Iterator
from contextlib import ExitStack
from typing import Any, Protocol

import pytest


class Watched(Protocol):
    """`watched(model, optimizer)` takes what `tgi.torch.watch` does, and which faults are `allowed`, by their words."""

    def __call__(self, model: Any, optimizer: Any, *probe: Any, allowed: Collection[str] = (), **options: Any) -> Any:
        """The monitor of a training; the test calls its `step(loss)` after each step."""


class Trainings:
    """The trainings of a test."""

    def __init__(self) -> None:
        self.hooks = ExitStack()
        self.monitors: list[tuple[Any, Collection[str]]] = []

    def watch(self, model: Any, optimizer: Any, *probe: Any, allowed: Collection[str] = (), **options: Any) -> Any:
        """See `Watched`."""
        from .torch import watch

        monitor = watch(model, optimizer, *probe, **options)
        monitor.__enter__()
        self.hooks.callback(monitor.leave)
        self.monitors.append((monitor, allowed))
        return monitor

    def faults(self) -> list[str]:
        """What is wrong at the end, and never was allowed."""
        found = []
        for monitor, allowed in self.monitors:
            if monitor.handles:
                monitor.__exit__(None, None, None)
            told = [event for event in monitor.active.values() if event.fault and event.word not in allowed]
            if told:
                found.append(f"{type(monitor.model).__name__}, trained for {monitor.steps} steps:")
                found += [f"  {event}" for event in told]
        return found


TRAININGS = pytest.StashKey[Trainings]()


@pytest.fixture
def watched(request: pytest.FixtureRequest) -> Iterator[Watched]:
    """Watch trainings: `monitor = watched(model, optimizer)`, `monitor.step(loss)` after each step.

    The test fails at its end if something is wrong with one of them then: see `tgi.torch.watch` for the words. No hook
    is left behind, however it ends.
    """
    trainings = request.node.stash[TRAININGS] = Trainings()
    with trainings.hooks:
        yield trainings.watch


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, Any, Any]:
    """In the test itself, so that it fails and not what comes after it."""
    done = yield
    trainings = item.stash.get(TRAININGS, None)
    if trainings is not None and (found := trainings.faults()):
        pytest.fail("\n".join(found), pytrace=False)
    return done
