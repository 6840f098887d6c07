"""The command line, as scripts and people use it."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

import tinygrad_init as tgi
from tinygrad_init.cli import main
from tinygrad_init.diagnosis.showing.text import number

FAST = ["diagnose", "--data", "moons", "--epochs", "1", "--sizes", "2,6,2"]


def run(*args: str, **env: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tinygrad_init", *args]
    return subprocess.run(command, capture_output=True, text=True, env={**os.environ, **env}, check=False, timeout=300)


def test_the_main_job() -> None:
    done = run("diagnose", "--epochs", "2" if tgi.BACKEND == "compiled" else "1")
    assert done.returncode == 0, done.stderr
    for word in (
        "zeros",
        "constant",
        "small",
        "large",
        "xavier",
        "he",
        "symmetric at layer 1",
        "vanishing at layer 1",
        "exploding",
        "healthy",
    ):
        assert word in done.stdout
    assert "/weight" in done.stdout and "digits (1797 samples, 10 classes)" in done.stdout
    assert done.stderr == ""


def test_the_report_is_the_same_in_every_form(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("plotly", reason="an HTML page needs the extra 'plot'")
    out, page = tmp_path / "report.json", tmp_path / "report.html"
    assert main([*FAST, "--init", "he", "--init", "zeros", "--json", str(out), "--html", str(page)]) == 0
    report = json.loads(out.read_text(encoding="utf-8"))
    assert [start["init"] for start in report["starts"]] == ["he", "zeros"]
    text, html = capsys.readouterr().out, page.read_text(encoding="utf-8")
    for start in report["starts"]:
        assert start["verdict"]["word"] in text and start["verdict"]["word"] in html
        for layer in start["before"]["layers"]:
            shown = number(layer["z"]["rms"])
            assert shown in text and shown in html
    assert html.count("<figure") == 5
    assert not re.search(r"<(script|img|link|iframe)[^>]+(src|href)=", html)  # nothing comes from elsewhere


@pytest.mark.parametrize(
    ("args", "code"),
    [(["--init", "he"], 0), (["--init", "zeros"], 1), (["--init", "zeros", "--init", "he", "--init", "he"], 0)],
)
def test_exit_codes(args: list[str], code: int) -> None:
    assert main([*FAST, *args]) == code


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--data", "nonsense"], "expected digits, moons"),
        (["--data", "missing.csv"], "missing.csv: No such file"),
        (["--sizes", "3,2"], "moons has 2 features, but the first size is 3"),
        (["--sizes", "a,b"], "whole numbers separated by commas"),
        (["--sizes", "2,-1,2"], "all positive"),
        (["--activation", "swoosh"], "expected an activation out of identity, sigmoid"),
        (["--activation", "swush"], "got 'swush'; did you mean 'swish'?"),
        (["--init", "hope"], "expected an initializer out of zeros, constant"),
        (["--lr", "-1"], "positive number"),
        (["--lr", "nan"], "positive number"),
        (["--epochs", "0"], "at least 1"),
        (["--epochs", "1.5"], "at least 1"),
        (["--batch-size", "x"], "at least 1"),
        (["--seed", "-3"], "at least 0"),
        (["--loss", "regret"], "expected a loss out of half_squared_error, mse"),
        (["--loss", "BCELoss"], "'BCELoss' takes probabilities; binary_cross_entropy_with_logits takes the logits"),
        (["--optimizer", "adan"], "got 'adan'; did you mean 'adam'?"),
        (["--task", "both"], "invalid choice"),
        (["--task", "regression"], "moons: is a classification, not a regression"),
        (["--scale-targets"], "--scale-targets: moons has classes; only targets of a regression are scaled"),
        (["--drop", "x"], "only for a file"),
        (["--separator", ";"], "only for a file"),
        (["--decimal", ","], "only for a file"),
        (["--decimal", ";"], "invalid choice"),
        (["--dtype", "float16"], "invalid choice"),
        (["--json", "/dev/full"], "No space left"),
        (["--sizes", "2,99999999999,2"], "weights are more than"),
        (["--sizes", "2,9999999999999999999999999,2"], "weights are more than"),
        (["--json", "/nonexistent/x.json"], "cannot be written: No such file"),
        (["--target", "y"], "only for a file"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(
    args: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        code: Any = main([*FAST, *args])
    except SystemExit as exit_:
        code = exit_.code
    captured = capsys.readouterr()
    assert code == 2
    assert message in captured.err and "Traceback" not in captured.err
    assert captured.out == "" or "/dev/full" in args  # that one is found out only by writing


def test_a_bad_file_names_row_and_column(tmp_path: Path) -> None:
    file = tmp_path / "bad.csv"
    file.write_text("height,width,kind\n1,2,a\n3,oops,b\n", encoding="utf-8")
    done = run("diagnose", "--data", str(file))
    assert done.returncode == 2
    assert done.stderr == f"tinygrad-init: {file}: row 3, column 'width': expected a number, got 'oops'\n"


def test_a_file_of_ones_own(tmp_path: Path) -> None:
    file = tmp_path / "mine.csv"
    rows = [f"{i % 7},{i % 3},{'yes' if i % 7 > i % 3 else 'no'}" for i in range(60)]
    file.write_text("a,b,kind\n" + "\n".join(rows) + "\n", encoding="utf-8")
    assert main(["diagnose", "--data", str(file), "--target", "kind", "--epochs", "1", "--init", "xavier"]) == 0


@pytest.mark.skipif(sys.platform == "win32", reason="signals differ there")
def test_ctrl_c_prints_what_was_finished(tmp_path: Path) -> None:
    out = tmp_path / "report.json"
    command = [
        sys.executable,
        "-u",
        "-m",
        "tinygrad_init",
        "diagnose",
        "--data",
        "moons",
        "--sizes",
        "2,6,2",
        "--epochs",
        "40000",
    ]
    first = [*command, "--init", "zeros", "--init", "he", "--json", str(out)]
    first[first.index("40000")] = "300"
    with subprocess.Popen(first, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        lines = []
        while "accuracy" not in (line := process.stdout.readline()):
            lines.append(line)
            assert line, "ended before the first start was finished"
        process.send_signal(signal.SIGINT)
        rest, errors = process.communicate(timeout=60)
    assert process.returncode in (130, 0)
    if process.returncode == 130:
        assert "interrupted after 1 of 2 starts" in errors
        assert "All starts" in rest
        assert [start["init"] for start in json.loads(out.read_text())["starts"]] == ["zeros"]
    assert "Traceback" not in errors


@pytest.mark.skipif(sys.platform == "win32", reason="signals differ there")
def test_ctrl_c_before_anything_is_finished() -> None:
    command = [sys.executable, "-m", "tinygrad_init", "diagnose", "--epochs", "100000"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        time.sleep(3)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "interrupted after 0 of 6 starts" in errors and "Traceback" not in errors


def test_a_reader_that_leaves_early_is_no_error(tmp_path: Path) -> None:
    out = tmp_path / "report.json"
    job = f"{sys.executable} -m tinygrad_init diagnose --data moons --epochs 1 --sizes 2,6,2 --json {out}"
    done = subprocess.run(
        ["bash", "-c", f"{job} | head -1; exit ${{PIPESTATUS[0]}}"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0
    assert "Traceback" not in done.stderr and "BrokenPipe" not in done.stderr
    assert len(json.loads(out.read_text(encoding="utf-8"))["starts"]) == 6


@pytest.mark.parametrize(("redirect", "code"), [("> /dev/full", 2), (">&-", 0)])
def test_output_that_goes_nowhere(redirect: str, code: int) -> None:
    job = f"{sys.executable} -m tinygrad_init diagnose --data moons --epochs 1 --sizes 2,6,2 --init he {redirect}"
    done = subprocess.run(["bash", "-c", job], capture_output=True, text=True, check=False)
    assert done.returncode == code
    assert "Traceback" not in done.stderr


def test_a_terminal_without_mathematical_letters() -> None:
    done = run(*FAST, "--init", "he", PYTHONIOENCODING="ascii")
    assert done.returncode == 0
    assert "Traceback" not in done.stderr


def test_the_tables_fit_into_eighty_columns() -> None:
    done = run("diagnose", "--epochs", "1", "--data", "moons", "--sizes", "2,6,6,2")
    tables = [line for line in done.stdout.splitlines() if line.strip() and line.lstrip()[0].isdigit()]
    assert len(tables) >= 18
    assert max(len(line.rstrip()) for line in tables) <= 80


def test_help_and_version() -> None:
    assert run("--version").stdout.strip() == f"tinygrad-init {tgi.__version__}"
    text = run("diagnose", "--help").stdout
    for option in (
        "--data",
        "--target",
        "--sizes",
        "--activation",
        "--init",
        "--lr",
        "--epochs",
        "--batch-size",
        "--loss",
        "--seed",
        "--dtype",
        "--json",
        "--html",
    ):
        assert option in text
    assert run().returncode == 2


def test_without_the_plot_extra_the_message_says_what_to_install(tmp_path: Path) -> None:
    (tmp_path / "plotly.py").write_text("raise ImportError('no plotly', name='plotly')")
    done = run(
        *FAST,
        "--html",
        str(tmp_path / "x.html"),
        PYTHONPATH=os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")]),
    )
    assert done.returncode == 2
    assert "pip install 'tinygrad_init[plot]'" in done.stderr
