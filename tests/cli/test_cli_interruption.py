"""Ctrl-C at any moment of a command: exit code 130 and no traceback, also while the package is being imported."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="signals differ there"),
    pytest.mark.skipif(
        signal.getsignal(signal.SIGINT) == signal.SIG_IGN, reason="a job in the background, which does not hear Ctrl-C"
    ),
]

LONG = ["theory", "--depth", "10000"]
SCRIPT = shutil.which("tinygrad-init", path=Path(sys.executable).parent)
COMMANDS = {
    "module": [sys.executable, "-v", "-m", "tinygrad_init"],
    "module with options": [sys.executable, "-vum", "tinygrad_init"],
    "script": [sys.executable, "-v", str(SCRIPT)],
}
# What Python says (-v) when it begins or ends the import of something, from the beginning on.
MOMENTS = [
    "import 'tinygrad_init._interruption'",
    "import 'numpy._core",
    "import 'numpy'",
    "import 'tinygrad_init.engine'",
    "import 'tinygrad_init.ops.registry'",
    "import 'tinygrad_init.nn.layers'",
    "import 'tinygrad_init'",
    "import 'tinygrad_init.cli.options'",
    "import 'tinygrad_init.data'",
]


@pytest.mark.parametrize("how", COMMANDS)
@pytest.mark.parametrize("moment", MOMENTS)
def test_while_the_package_is_imported(how: str, moment: str) -> None:
    if how == "script" and SCRIPT is None:
        pytest.skip("the command is not installed beside this Python")
    with subprocess.Popen(
        [*COMMANDS[how], *LONG], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, errors="replace"
    ) as process:
        assert process.stderr is not None
        said = []
        while not (line := process.stderr.readline()).startswith(moment):
            said.append(line)
            assert line, "".join(said[-20:])
        process.send_signal(signal.SIGINT)
        _, rest = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in rest and "KeyboardInterrupt" not in rest


@pytest.mark.parametrize("command", [["explain", "layers.0.weight"], ["recommend", "--steps", "1000"], LONG])
def test_while_it_runs(command: list[str]) -> None:
    with subprocess.Popen(
        [sys.executable, "-v", "-m", "tinygrad_init", *command],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, errors="replace",
    ) as process:  # fmt: skip
        assert process.stderr is not None
        while not (line := process.stderr.readline()).startswith("import 'tinygrad_init.theory'"):
            assert line
        time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        _, rest = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in rest


def test_nobody_elses_program_is_touched() -> None:
    ask = "import signal, tinygrad_init; print(signal.getsignal(signal.SIGINT) is signal.default_int_handler)"
    for arguments in ([], ["-m", "tinygrad_init"], ["tinygrad-init"]):
        done = subprocess.run([sys.executable, "-c", ask, *arguments], capture_output=True, text=True, check=True)
        assert done.stdout == "True\n"


def test_where_ctrl_c_is_ignored_it_stays_so() -> None:
    """As in a shell's job in the background."""
    command = [sys.executable, "-m", "tinygrad_init", "theory", "--depth", "3000"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN)
    ) as process:
        time.sleep(0.1)
        os.kill(process.pid, signal.SIGINT)
        out, _ = process.communicate(timeout=60)
    assert process.returncode == 0 and "fixed point" in out
