"""How long after Ctrl-C is it heard? `python -m bench.interrupts` presses it in the middle of long work of many kinds.

Each kind runs in a process of its own, which repeats it without end; after a random while it gets SIGINT, and what is
timed is from there to the `KeyboardInterrupt` in the user's code. Shown are the median and the largest of some trials.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import statistics
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

# What is made ready, and what is repeated.
WORK = {
    "exp of 1e8": ("x = tgi.rand(10**8)", "x.exp()"),
    "a * b of 1e8": ("x = tgi.rand(10**8)", "x * x"),
    "x * 2 of 1e8": ("x = tgi.rand(10**8)", "x * 2.0"),
    "backward of x * x, 1e8": ("x = tgi.rand(10**8, requires_grad=True)", "(x * x).sum().backward()"),
    "sum of 2e8": ("x = tgi.rand(2 * 10**8)", "x.sum()"),
    "cumsum of 1e8": ("x = tgi.rand(10**8)", "x.cumsum(0)"),
    "sort of 2e7": ("x = tgi.rand(2 * 10**7)", "x.sort()"),
    "median of 2e7": ("x = tgi.rand(2 * 10**7)", "x.quantile(0.5)"),
    "unique of 2e7": ("x = tgi.rand(2 * 10**7)", "tgi.unique(x)"),
    "x[places] of 2e7": ("x = tgi.rand(2 * 10**7); i = tgi.randperm(2 * 10**7)", "x[i]"),
    "randn of 1e8": ("", "tgi.randn(10**4, 10**4)"),
    "product 6000": ("x = tgi.rand(6000, 6000)", "x @ x"),
    "einsum": ("x = tgi.rand(300, 300, 300)", "tgi.einsum('ijk,jkl,lm->im', x, x, x[0])"),
    "conv2d": ("x = tgi.rand(64, 64, 112, 112); w = tgi.rand(64, 64, 3, 3)", "tgi.conv2d(x, w)"),
    "svd 2000": ("x = tgi.randn(2000, 2000)", "tgi.linalg.svd(x)"),
    "eigh 3000": ("x = tgi.randn(3000, 3000)", "tgi.linalg.eigh(x + x.T)"),
    "inv 5000": ("x = tgi.randn(5000, 5000)", "tgi.linalg.inv(x)"),
    "orthogonal_ 3000": ("w = tgi.zeros((3000, 3000))", "tgi.init.orthogonal_(w)"),
    "lsuv_ 2000": (
        "m = nn.Sequential(nn.Linear(2000, 2000), nn.Tanh(), nn.Linear(2000, 2000)); x = tgi.randn(64, 2000)",
        "tgi.starts.lsuv_(m, x)",
    ),
    "captured steps": (
        """
        from tinygrad_init.optim import SGD
        m = nn.MLP([64, 512, 512, 10], 'tanh'); o = SGD(m.parameters(), .01)
        @tgi.capture
        def step(x, y):
            loss = tgi.cross_entropy(m(x), y); loss.backward(); o.step(); o.zero_grad()
            return loss
        """,
        "step(x, y)",
    ),
    "diagnose": ("m = nn.MLP([64] + [1000] * 12 + [10], 'tanh')", "tgi.diagnose(m, x, y, 'cross_entropy')"),
    "recommend": ("m = nn.MLP([64] + [256] * 6 + [10], 'sigmoid')", "tgi.recommend(m, x, y, 'cross_entropy')"),
    "phase diagram": (
        "import numpy as np; from tinygrad_init import theory",
        "theory.phase_diagram('gelu', np.linspace(0.5, 3, 40), np.linspace(0, 1, 40))",
    ),
    "estimator": (  # which keeps what it has learnt so far, as scikit-learn's do
        "from tinygrad_init.estimators import MLPClassifier; e = MLPClassifier((1000, 1000), max_iter=10**6)",
        "e.fit(x, y); raise KeyboardInterrupt",
    ),
    "sweep": (
        "import tempfile; folder = tempfile.mkdtemp()",
        "tgi.sweep(folder, depth=[10, 20], sigma_w=[1.0, 1.5], seed=list(range(50)), steps=10**4, progress=False)",
    ),
}

PATIENCE = 30  # seconds

SCRIPT = """
import signal, time, warnings
signal.signal(signal.SIGINT, signal.default_int_handler)
warnings.simplefilter("ignore")
import tinygrad_init as tgi
from tinygrad_init import nn
digits = tgi.data.digits()
x, y = digits.x.astype("float32"), digits.y
{ready}
print("ready", flush=True)
try:
    while True:
        {work}
except KeyboardInterrupt:
    print(time.monotonic(), flush=True)
"""


def latency(ready: str, work: str, wait: float) -> float:
    """Seconds from SIGINT to the exception.

    Raises
    ------
    RuntimeError
        If the work ends in another way.
    """
    code = SCRIPT.format(ready=textwrap.dedent(ready), work=work)
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", code], stdout=pipe, stderr=pipe, text=True) as run:
        assert run.stdout is not None and run.stderr is not None
        if run.stdout.readline().strip() != "ready":
            raise RuntimeError(run.stderr.read()[-500:])
        time.sleep(wait)
        pressed = time.monotonic()
        run.send_signal(signal.SIGINT)
        patience = threading.Timer(PATIENCE, run.kill)
        patience.start()
        heard = run.stdout.readline()
        patience.cancel()
        run.kill()  # what a thread goes on with is not waited for
        if not heard:
            raise RuntimeError(run.stderr.read()[-500:] or f"nothing was heard for {PATIENCE} s")
    return float(heard) - pressed


def main(argv: Sequence[str] | None = None) -> int:
    """Print the table; 1 if something was heard later than asked."""
    parser = argparse.ArgumentParser(prog="python -m bench.interrupts", description=__doc__)
    parser.add_argument("--trials", type=int, default=3, metavar="N", help="of each kind")
    parser.add_argument("--only", action="append", metavar="TEXT", help="kinds whose name holds this")
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args(argv)
    if os.name == "nt":
        parser.error("Ctrl-C is pressed by signals, which Windows does not send to one process")
    table = Table("work", "median s", "largest s", title="from Ctrl-C to KeyboardInterrupt")
    draw, late = random.Random(asked.seed), False
    for name, (ready, work) in WORK.items():
        if asked.only and not any(text in name for text in asked.only):
            continue
        found = [latency(ready, work, draw.uniform(0.1, 1.5)) for _ in range(asked.trials)]
        late |= max(found) > 0.1
        table.add_row(name, f"{statistics.median(found):.3f}", f"{max(found):.3f}")
    Console().print(table)
    return int(late)


if __name__ == "__main__":
    sys.exit(main())
