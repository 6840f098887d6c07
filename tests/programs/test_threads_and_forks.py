"""Threads, forks, deep graphs, copies and profilers: nothing hangs, crashes, or gets another's numbers.

What could end the interpreter or wait for ever runs in a process of its own.
"""

from __future__ import annotations

import copy
import cProfile
import os
import pickle
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tinygrad_init as tgi
from tinygrad_init import nn, optim

PATIENCE = 60
forks = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")


def run(code: str, **environment: str) -> str:
    """What a program prints; it must end by itself, and well."""
    done = subprocess.run(
        [sys.executable, "-X", "faulthandler", "-c", code],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        env={**os.environ, **environment},
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def test_numpy_may_be_installed_anywhere(tmp_path: Path) -> None:
    """What it does inside, no capture takes for the user's doing."""
    (tmp_path / "numpy").symlink_to(Path(np.__file__).parent, target_is_directory=True)
    said = run(
        """
import numpy as np, tinygrad_init as tgi
model = tgi.nn.Linear(3, 2, rng=0)
print(np.__file__, tgi.capture(lambda x: model(x).sum())(np.ones((4, 3), np.float32)).shape)
""",
        PYTHONPATH=os.pathsep.join([str(tmp_path), *filter(None, sys.path)]),
    )
    assert said.startswith(str(tmp_path)) and "()" in said


@pytest.mark.parametrize("line", ["y + y", "y + y * c", "y * c + y", "(y + c) * y", "tgi.stack([y, y, y]).sum()"])
@pytest.mark.parametrize("shape", ["()", "(1,)"])
def test_deep_graphs_go_away_without_backward(line: str, shape: str) -> None:
    depth = 300_000 if tgi.BACKEND == "compiled" and "stack" not in line else 20_000
    run(
        f"""
import numpy as np, tinygrad_init as tgi
y, c = tgi.tensor(np.ones({shape}), requires_grad=True), tgi.tensor(np.full({shape}, 0.5), requires_grad=True)
for _ in range({depth}):
    y = {line}
    if y.shape != {shape}: y = y.reshape({shape})
del y
"""
    )


BEFORE = """
import os, sys, threading, time
import numpy as np, tinygrad_init as tgi
x = np.random.default_rng(0).normal(size=(300, 300))
def product():
    w = tgi.tensor(x, requires_grad=True)
    (w @ w).sum().backward()
    return w.grad.numpy()
def in_child(work):
    child = os.fork()
    if child == 0:
        status = 1
        try:
            work()
            status = 0
        finally:
            os._exit(status)
    end = time.monotonic() + 30
    while time.monotonic() < end:
        done, status = os.waitpid(child, os.WNOHANG)
        if done: return os.waitstatus_to_exitcode(status)
        time.sleep(0.005)
    os.kill(child, 9)
    return "hangs"
"""


@forks
class TestForks:
    def test_large_products_after_a_fork(self) -> None:
        told = run(
            BEFORE
            + """
expected = product()
def same(): assert np.array_equal(product(), expected)
def deeper():
    same()
    assert in_child(same) == 0
for _ in range(3):
    print(in_child(deeper))
    same()
"""
        )
        assert told.split() == ["0", "0", "0"]

    def test_multiprocessing_by_fork(self) -> None:
        told = run(
            BEFORE
            + """
import multiprocessing
product()
with multiprocessing.get_context("fork").Pool(2) as pool:
    print(pool.map(abs, [-1, -2]), len(pool.starmap(product, [()] * 4)))
"""
        )
        assert told.split("]")[1].strip() == "4"

    def test_forks_while_other_threads_capture_run_and_differentiate(self) -> None:
        told = run(
            BEFORE
            + """
def make():
    w = tgi.tensor(np.ones((40, 40)), requires_grad=True)
    def step(x):
        w.grad = None
        (tgi.tanh(w @ x) * x).sum().backward()
        return w.grad
    return tgi.capture(step), step
expected = make()[1](x[:40, :40]).numpy()
stop = False
def busy():
    program, step = make()
    while not stop:
        program(x[:40, :40])
        make()[0](x[:40, :40])
        step(x[:40, :40])
        with tgi.no_grad(): step.__name__
threads = [threading.Thread(target=busy) for _ in range(3)]
for thread in threads: thread.start()
def work():
    program, step = make()
    for _ in range(2):
        assert np.array_equal(program(x[:40, :40]).numpy(), expected)
        assert np.array_equal(step(x[:40, :40]).numpy(), expected)
    assert tgi.is_grad_enabled()
print({in_child(work) for _ in range(40)})
stop = True
for thread in threads: thread.join()
"""
        )
        assert told.strip() == "{0}"

    def test_a_child_runs_the_program_that_another_thread_was_running(self) -> None:
        told = run(
            BEFORE
            + """
w = tgi.tensor(x)
# No product: NumPy's own, of the reference, hang in a child of several threads.
program = tgi.capture(lambda x: tgi.tanh(tgi.tensor(x) * w).sum(0))
expected = program(x).numpy()
stop = False
def busy():
    while not stop: program(x)
threads = [threading.Thread(target=busy) for _ in range(2)]
for thread in threads: thread.start()
def work(): assert np.array_equal(program(x).numpy(), expected)
print({in_child(work) for _ in range(30)})
stop = True
for thread in threads: thread.join()
"""
        )
        assert told.strip() == "{0}"


def test_how_many_threads_is_said_by_openmp() -> None:
    pytest.importorskip("threadpoolctl", reason="threadpoolctl is not installed")
    if tgi.BACKEND != "compiled" or not sys.platform.startswith("linux") or (os.cpu_count() or 1) < 2:
        pytest.skip("counts the threads of the C code, in /proc, on two processors")
    code = (
        BEFORE
        + """
import threadpoolctl
def threads(): return len(os.listdir("/proc/self/task"))
before = threads()
with threadpoolctl.threadpool_limits(1):
    alone = product()
    print(threads() - before, end=" ")
assert np.array_equal(product(), alone)
print(threads() - before)
"""
    )
    assert run(code, OMP_NUM_THREADS="2").split() == ["0", "1"]
    assert run(code, OMP_NUM_THREADS="1").split() == ["0", "0"]


@pytest.mark.parametrize("attempt", range(10))
def test_the_first_call_from_four_threads(attempt: int) -> None:
    model = nn.MLP([3, 8, 2], rng=attempt)
    optimizer = optim.SGD(model.parameters(), 0.1)

    @tgi.capture
    def step(x: Any, y: Any) -> Any:
        loss = tgi.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss

    x, y = np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32), np.array([0, 1, 1, 0])
    errors: list[BaseException] = []
    gate = threading.Barrier(4)

    def work() -> None:
        try:
            gate.wait()
            for _ in range(5):
                step(x, y)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    assert step.captures <= 3  # without gradients at first, with them afterwards


class Captured(nn.Module):
    """A module that holds a program of its own."""

    def __init__(self) -> None:
        self.layer = nn.Linear(2, 2, rng=0)
        self.program = tgi.capture(self.compute)

    def compute(self, x: Any) -> Any:
        return self.layer(x)

    def forward(self, x: Any) -> Any:
        return self.program(x)


@tgi.capture
def doubled(x: Any) -> Any:
    """A captured function of this module."""
    return x * 2.0


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
def test_modules_that_hold_programs_are_copied(duplicate: Any) -> None:
    module, x = Captured(), tgi.tensor([[1.0, 2.0]])
    expected = module(x).numpy()
    twin = duplicate(module)
    assert np.array_equal(twin(x).numpy(), expected)
    with tgi.no_grad():
        twin.layer.weight.fill_(0.0)
    assert not np.array_equal(twin(x).numpy(), expected)
    assert np.array_equal(module(x).numpy(), expected)
    assert duplicate(doubled) is doubled


def test_a_profiler_goes_on_after_a_capture() -> None:
    def after() -> None:
        """Is seen by the profiler."""

    profiler = cProfile.Profile()
    profiler.enable()
    try:
        tgi.capture(lambda x: x * 3.0)(np.ones(3))
        after()
    finally:
        profiler.disable()
    assert any(getattr(entry.code, "co_name", "") == "after" for entry in profiler.getstats())
    seen: list[str] = []
    sys.setprofile(lambda frame, event, argument: seen.append(frame.f_code.co_name))
    try:
        tgi.capture(lambda x: x * 3.0)(np.ones(3))
        after()
    finally:
        sys.setprofile(None)
    assert "after" in seen
