"""One run at one number of threads, in a process of its own: libraries fix their threads when they are loaded.

Reads a request as JSON from its argument and writes one JSON object a line: first what ran where, then row by row.
"""

from __future__ import annotations

import gc
import json
import os
import platform
import sys
from importlib import metadata, util
from pathlib import Path
from typing import Any, TextIO

from .harness import FULL, FULL_OF_THREADS, OURS, QUICK, run
from .summary import summary

# What each library's pool of threads asks for when it is loaded.
THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
)


def environment(threads: int) -> dict[str, str]:
    """The variables that a worker must be started with."""
    found = os.environ | dict.fromkeys(THREAD_VARIABLES, str(threads))
    if threads == 1:
        found["XLA_FLAGS"] = f"{found.get('XLA_FLAGS', '')} --xla_cpu_multi_thread_eigen=false".strip()
    return found


def processors() -> list[int]:
    """Those that this process may use."""
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else list(range(os.cpu_count() or 1))


def pin(threads: int) -> None:
    """Stay on as many processors as there are threads, which binds also libraries that follow no variable."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, processors()[:threads])


def load() -> float | None:
    """How many processes have lately wanted a processor, where the system says."""
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else None


def processor_name() -> str:
    """What the machine calls its processor."""
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def context(threads: int, load: float | None, versions: dict[str, str]) -> dict[str, Any]:
    """What ran where."""
    from tinygrad_init.kernels.backend import BACKEND, kernels

    pools = []
    if util.find_spec("threadpoolctl"):
        from threadpoolctl import threadpool_info

        pools = [{k: pool[k] for k in ("internal_api", "version", "num_threads")} for pool in threadpool_info()]
    return {
        "threads": threads,
        "load": load,
        "machine": {"processor": processor_name(), "processors": os.cpu_count(), "system": platform.platform()},
        "python": platform.python_version(),
        "backend": BACKEND,
        "isa": kernels.ISA,
        "versions": versions,
        "pools": pools,
    }


def work(request: dict[str, Any], out: TextIO) -> None:
    """Answer a request: `threads`, `quick`, `load`, `rows` by question, `peers` by name (None: all)."""

    def send(message: dict[str, Any]) -> None:
        print(json.dumps(message), file=out, flush=True)

    threads, quick = request["threads"], request["quick"]
    pin(threads)
    from .peers import PEERS
    from .questions import QUESTIONS, select

    peers, missing, skipped, versions = [], [], {}, {}
    for kind in PEERS:
        if request["peers"] is not None and kind.name not in (OURS, *request["peers"]):
            continue
        if reason := kind.missing():
            missing.append({"name": kind.name, "pip": kind.pip, "reason": reason})
        elif quick and kind.slow_start:
            skipped[kind.name] = "left out of quick runs: compiles for long"
        else:
            peers.append(kind(threads))
            try:
                versions[kind.pip] = kind.version()
            except metadata.PackageNotFoundError:
                versions[kind.pip] = "not installed as a package"
    gc.collect()
    gc.freeze()  # nobody's garbage collections have to go through the modules of all the others
    send(context(threads, request["load"], versions) | {"missing": missing})
    rows = select([row for found in request["rows"].values() for row in found], quick)
    for question in QUESTIONS:
        for row in rows.get(question.name, []):
            result = run(row, peers, QUICK if quick else FULL if threads == 1 else FULL_OF_THREADS)
            if not question.single_thread:
                result.left_out |= skipped
            send({"question": question.name, "threads": threads} | summary(result))


if __name__ == "__main__":
    # Whatever libraries print goes to standard error: standard output belongs to the messages.
    messages = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    work(json.loads(sys.argv[1]), messages)
