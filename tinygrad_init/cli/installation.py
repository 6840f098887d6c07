"""What is installed here: processor, threads, packages of every extra, and whether the engine computes rightly."""

from __future__ import annotations

import os
import platform
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

NAME = "tinygrad_init"
FOR_DEVELOPERS = frozenset({"test", "mutants", "peers"})
VARIABLES = ("TINYGRAD_INIT_BACKEND", "TINYGRAD_INIT_ISA", "OMP_NUM_THREADS", "OMP_THREAD_LIMIT")
REQUIREMENT = re.compile(r"([\w.-]+)(?:\[([\w,.-]+)\])?\s*([^;]*)(?:;.*extra == ['\"]([\w-]+)['\"])?")


@dataclass(frozen=True)
class Package:
    """A package that is asked for, and which version of it is there."""

    name: str
    needs: str
    found: str | None

    @property
    def fault(self) -> str:
        """What is wrong with it, or nothing."""
        least = re.search(r">=\s*([\w.]+)", self.needs)
        if self.found is None:
            return f"{self.name} is missing"
        if least and release(self.found) < release(least[1]):
            return f"{self.name} {self.found} is too old: expected {self.needs}"
        return ""


@dataclass(frozen=True)
class Extra:
    """An extra and its packages; that of no name is what the package cannot do without."""

    name: str
    packages: tuple[Package, ...]

    @property
    def faults(self) -> list[str]:
        return [package.fault for package in self.packages if package.fault]

    @property
    def install(self) -> str:
        """The command that gets it."""
        return f"pip install '{NAME}[{self.name}]'" if self.name else f"pip install {NAME}"


@dataclass(frozen=True)
class Check:
    """A computation whose result is known another way; `fault` is empty if both agree."""

    what: str
    fault: str


def release(version: str) -> tuple[int, ...]:
    """The numbers of a version, for comparing: 2.13.0+cpu is (2, 13); zeros at the end say nothing."""
    numbers = [int(part) for part in re.match(r"[\d.]*", version)[0].split(".") if part]  # type: ignore[index] # always
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)


def version_of(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def extras() -> list[Extra]:
    """What the package requires and its users' extras, as its metadata say; empty where it is not installed."""
    try:
        lines = metadata.requires(NAME) or []
    except metadata.PackageNotFoundError:
        return []
    told: dict[str, list[tuple[str, str, str]]] = {}
    for line in lines:
        name, others, needs, extra = REQUIREMENT.match(line).groups("")  # type: ignore[union-attr] # all begin with a name
        told.setdefault(extra, []).append((name, others, needs.strip(" ()")))

    def packages(extra: str) -> list[Package]:
        found = []
        for name, others, needs in told[extra]:
            if re.sub(r"[-_.]+", "_", name) == NAME:
                found += [package for other in others.split(",") for package in packages(other)]
            else:
                found.append(Package(name, needs, version_of(name)))
        return found

    return [Extra(name, tuple(packages(name))) for name in told if name not in FOR_DEVELOPERS]


def processor() -> str:
    """Its name, as the system tells it."""
    if sys.platform.startswith("linux"):
        try:
            told = re.search(r"^model name\s*: (.*)", Path("/proc/cpuinfo").read_text(encoding="utf-8"), re.MULTILINE)
        except OSError:
            told = None
        return told[1] if told else platform.machine()
    if sys.platform == "darwin":
        asked = ["sysctl", "-n", "machdep.cpu.brand_string"]
        return subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip() or platform.machine()
    return platform.processor() or platform.machine()


def processors() -> int:
    """How many this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def facts() -> dict[str, Any]:
    """Everything but extras and checks."""
    import numpy as np

    from ..kernels.backend import BACKEND, kernels
    from ..version import __version__

    compiled = BACKEND == "compiled"
    free = hasattr(sys, "_is_gil_enabled") and not sys._is_gil_enabled()
    return {
        "version": __version__,
        "folder": str(Path(__file__).parents[1]),
        "python": f"{platform.python_implementation()} {platform.python_version()}{' without GIL' if free else ''}",
        "executable": sys.executable,
        "platform": platform.platform(),
        "processor": processor(),
        "processors": processors(),
        "numpy": np.__version__,
        "backend": BACKEND,
        "instructions": {"chosen": kernels.ISA, "there": kernels.isas() if compiled else []},
        "threads": {"now": kernels.threads() if compiled else None, "openmp": compiled and kernels.OPENMP},
        "variables": {name: os.environ[name] for name in VARIABLES if name in os.environ},
    }


def captured_steps() -> str:
    """Training in C against the same steps one by one."""
    import numpy as np

    from ..nn import MLP
    from ..ops.losses import cross_entropy
    from ..optim import SGD
    from ..programs import capture

    x, y = np.random.default_rng(0).normal(size=(16, 5)), np.arange(16) % 3
    losses = []
    for through in (lambda step: step, capture):
        model = MLP([5, 8, 3], "tanh", rng=0, dtype="float64")
        optimizer = SGD(model.parameters(), lr=0.5)

        def step(x: Any, y: Any, model: Any = model, optimizer: Any = optimizer) -> Any:
            loss = cross_entropy(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            return loss

        run: Any = through(step)
        losses.append([run(x, y).item() for _ in range(5)])
    eager, captured = losses
    return "" if np.allclose(eager, captured, rtol=1e-12, atol=0) else f"losses {captured}, expected {eager}"


def gradients() -> str:
    """Backpropagation against finite differences."""
    import numpy as np

    from ..engine.tensor import Tensor
    from ..gradient_checks import GradcheckError, gradcheck
    from ..ops import tanh

    rng = np.random.default_rng(0)
    x, w = (Tensor(rng.normal(size=shape), requires_grad=True) for shape in ((3, 4), (4, 2)))
    try:
        gradcheck(lambda x, w: tanh(x @ w), [x, w])
    except GradcheckError as error:
        return str(error)
    return ""


def products() -> str:
    """A product that several threads share, against NumPy's."""
    import numpy as np

    from ..engine.tensor import Tensor

    left, right = np.random.default_rng(0).normal(size=(2, 400, 400))
    off = float(np.abs((Tensor(left) @ Tensor(right)).numpy() - left @ right).max())
    return "" if off < 1e-10 else f"it is off by {off:.3g}"


CHECKS: dict[str, Callable[[], str]] = {
    "captured training steps are the eager ones": captured_steps,
    "gradients are those of finite differences": gradients,
    "a large matrix product is NumPy's": products,
}


def checks() -> list[Check]:
    """Each of them, done now."""
    found = []
    for what, check in CHECKS.items():
        try:
            fault = check()
        except Exception as error:  # whatever is broken, the others are to be told, too
            fault = f"{type(error).__name__}: {error}"
        found.append(Check(what, fault))
    return found
