"""How commands end: every exit code, what stands on stderr then, and what has been done until then."""

from __future__ import annotations

import json
import runpy
import signal
import socket
import subprocess
import sys
import webbrowser
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import tinygrad_init.diagnosis
from tinygrad_init import _interruption, cli
from tinygrad_init.cli import main
from tinygrad_init.cli.options import BAD_INPUT, HEALTHY_FOUND, NONE_HEALTHY, InputError, show

COMMANDS = {
    "diagnose": ["diagnose"],
    "explain": ["explain", "layers.0.weight"],
    "recommend": ["recommend"],
    "train": ["train"],
    "predict": ["predict", "--model", "m.safetensors"],
    "audit": ["audit", "model.safetensors"],
    "theory": ["theory"],
    "phase-diagram": ["phase-diagram"],
    "lab": ["lab"],
    "doctor": ["doctor"],
}
SMALL = ["--data", "moons", "--sizes", "2,4,2"]


def module(command: str) -> Any:
    return sys.modules[f"tinygrad_init.cli.{command.replace('-', '_')}"]


def raising(error: BaseException) -> Callable[..., Any]:
    def run(*_: Any, **__: Any) -> Any:
        raise error

    return run


def test_the_numbers_are_those_that_are_documented() -> None:
    assert (HEALTHY_FOUND, NONE_HEALTHY, BAD_INPUT, _interruption.INTERRUPTED) == (0, 1, 2, 130)
    assert cli.__doc__ is not None
    for words in ("0 for success", "2 for bad input", "130 when interrupted", "returns 1"):
        assert words in " ".join(cli.__doc__.split())


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("code", [0, 1, 2, 130])
def test_a_command_s_own_code_is_that_of_the_process(
    command: str, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(module(command), "run", lambda args: code)
    assert main(COMMANDS[command]) == code
    monkeypatch.setattr(sys, "argv", ["tinygrad-init", *COMMANDS[command]])
    assert main() == code
    with pytest.raises(SystemExit) as stop:
        runpy.run_module("tinygrad_init", run_name="__main__")
    assert stop.value.code == code
    assert capsys.readouterr() == ("", "")


ERRORS: dict[str, tuple[BaseException, int, str]] = {
    "bad input": (InputError("what was wrong"), 2, "tinygrad-init: what was wrong\n"),
    "Ctrl-C": (KeyboardInterrupt(), 130, ""),
    "memory": (MemoryError(), 2, "tinygrad-init: not enough memory for this network and data\n"),
}


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("name", ERRORS)
def test_what_a_command_raises(
    name: str, command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    error, code, said = ERRORS[name]
    monkeypatch.setattr(module(command), "run", raising(error))
    assert main(COMMANDS[command]) == code
    assert capsys.readouterr() == ("", said)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_defect_is_not_hidden(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module(command), "run", raising(ZeroDivisionError("a defect")))
    with pytest.raises(ZeroDivisionError, match="a defect"):
        main(COMMANDS[command])


@pytest.mark.parametrize(
    ("how", "said"), [("raise OSError(28, 'No space left on device')", "No space left on device"), ("pass", "")]
)
def test_output_that_cannot_be_written(how: str, said: str) -> None:
    """In a process of its own, as the standard output is given up then; what is printed later does no harm."""
    code = f"""
import sys
from tinygrad_init.cli import main, theory
def run(args):
    print("before")
    {how}
    return 0
theory.run = run
code = main(["theory"])
print("after")
sys.stdout.flush()
sys.exit(code)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == (2 if said else 0)
    assert done.stderr == (f"tinygrad-init: the output cannot be written: {said}\n" if said else "")
    assert ("after" in done.stdout) == (not said)


@pytest.mark.parametrize("args", [["--help"], ["--version"], *([command, "--help"] for command in COMMANDS)], ids=str)
def test_help_ends_well(args: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(args)
    assert stop.value.code == 0
    out, err = capsys.readouterr()
    assert out and not err


@pytest.mark.parametrize(
    "args", [[], ["nonsense"], ["--nonsense"], *([*COMMANDS[c], "--nonsense"] for c in COMMANDS)], ids=str
)
def test_what_the_parser_refuses(args: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(args)
    assert stop.value.code == 2
    out, err = capsys.readouterr()
    assert err and not out


class TestDiagnose:
    ARGS = ("diagnose", *SMALL, "--epochs", "1")

    @pytest.fixture
    def interrupted_after(self, monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
        """Lets Ctrl-C come after so many starts."""
        compare = tinygrad_init.diagnosis.compare_starts

        def prepare(count: int) -> None:
            def interrupted(*args: Any) -> Any:
                comparison, results = compare(*args)

                def some() -> Iterator[Any]:
                    for _ in range(count):
                        yield next(results)
                    raise KeyboardInterrupt

                return comparison, some()

            monkeypatch.setattr(tinygrad_init.diagnosis, "compare_starts", interrupted)

        return prepare

    @pytest.mark.parametrize("count", [0, 1, 2])
    @pytest.mark.parametrize("starts", [("he", "zeros"), ("zeros", "he")])
    def test_interrupted(
        self, starts: tuple[str, str], count: int, tmp_path: Path, interrupted_after: Any, capsys: Any
    ) -> None:
        """130, whether one of the finished starts is healthy or not; what is finished is printed and written."""
        interrupted_after(count)
        out = tmp_path / "report.json"
        options = [word for start in starts for word in ("--init", start)]
        assert main([*self.ARGS, *options, "--json", str(out)]) == 130
        said = capsys.readouterr()
        assert said.err == f"tinygrad-init: interrupted after {count} of 2 starts\n"
        report = json.loads(out.read_text(encoding="utf-8"))
        assert [start["init"] for start in report["starts"]] == list(starts[:count])
        assert ("All starts" in said.out) == (count > 0)

    @pytest.mark.parametrize(
        ("starts", "code"), [(["he"], 0), (["zeros"], 1), (["zeros", "he"], 0), (["he", "zeros"], 0)], ids=str
    )
    def test_whether_any_start_is_healthy(self, starts: list[str], code: int, capsys: Any) -> None:
        assert main([*self.ARGS, *(word for start in starts for word in ("--init", start))]) == code
        said = capsys.readouterr()
        assert said.err == "" and "interrupted" not in said.out and "All starts" in said.out

    @pytest.mark.parametrize("option", ["--json", "--html"])
    def test_a_file_that_cannot_be_written_in_the_end(
        self, option: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
    ) -> None:
        if option == "--html":
            pytest.importorskip("plotly", reason="an HTML page needs the extra 'plot'")
        monkeypatch.setattr(Path, "write_text", raising(OSError(28, "No space left on device")))
        out = tmp_path / "report"
        assert main([*self.ARGS, "--init", "he", option, str(out)]) == 2
        said = capsys.readouterr()
        assert said.err == f"tinygrad-init: {out}: cannot be written: No space left on device\n"
        assert "All starts" in said.out


class TestExplain:
    @pytest.mark.parametrize(("start", "zeros"), [("zeros", True), ("xavier", False)])
    def test_zeros_are_spoken_of_where_there_are_any(self, start: str, zeros: bool, capsys: Any) -> None:
        activation = ["--activation", "tanh"]
        assert main(["explain", "layers.0.weight", *SMALL, *activation, "--init", start]) == 0
        assert ("is exactly 0" in " ".join(capsys.readouterr().out.split())) == zeros


class TestRecommend:
    def test_what_cannot_be_tried_is_bad_input(self, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
        monkeypatch.setattr(tinygrad_init.diagnosis, "recommend", raising(ValueError("recommend: too little")))
        assert main(["recommend", *SMALL]) == 2
        assert capsys.readouterr() == ("", "tinygrad-init: recommend: too little\n")


class TestTheory:
    @pytest.mark.parametrize(("given", "warned"), [([], True), (["--sigma-w", "1.5"], False)])
    def test_the_gain_is_warned_of_where_it_is_used(self, given: list[str], warned: bool, capsys: Any) -> None:
        assert main(["theory", "--activation", "gelu", "--depth", "3", *given]) == 0
        assert ("> 1 at the variance" in " ".join(capsys.readouterr().out.split())) == warned


class TestPhaseDiagram:
    @pytest.mark.parametrize("dot", [[], ["--sigma-w", "0"], ["--sigma-w", "1.5", "--sigma-b", "0.1"]], ids=str)
    def test_a_network_is_a_dot(self, dot: list[str], capsys: Any) -> None:
        assert main(["phase-diagram", *dot]) == 0
        drawn = capsys.readouterr().out
        assert drawn.count("●") == (2 if dot else 0)  # in the diagram and beside its name
        assert ("a layer" in drawn) == bool(dot)

    @pytest.mark.parametrize("ending", [".png", ".svg", ".pdf"])
    def test_pictures_of_every_kind(self, ending: str, tmp_path: Path, capsys: Any) -> None:
        pytest.importorskip("matplotlib")
        out = tmp_path / f"phases{ending}"
        assert main(["phase-diagram", "--output", str(out)]) == 0
        assert out.stat().st_size > 1000
        assert main(["phase-diagram", "--output", str(tmp_path / f"x{ending}x")]) == 2
        assert "expected a name that ends in" in capsys.readouterr().err


class TestLab:
    @pytest.fixture
    def served(self, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
        """What is served and opened, instead of doing so."""
        server = pytest.importorskip("tinygrad_init.laboratory.serving.server", reason="the extra lab is not installed")
        done: list[Any] = []

        class Served:
            def __init__(self, listening: socket.socket, secret: str) -> None:
                self.port, self.secret = listening.getsockname()[1], secret

            def run(self, sockets: list[socket.socket]) -> None:
                done.append((self.port, self.secret, len(sockets)))

        monkeypatch.setattr(server, "serve", Served)
        monkeypatch.setattr(webbrowser, "open", done.append)
        return done

    @pytest.mark.parametrize("opens", [True, False])
    @pytest.mark.parametrize("token", [None, "a-token-of-the-tests"])
    def test_it_prints_the_address_and_ends_with_the_server(
        self, token: str | None, opens: bool, served: list[Any], capsys: Any
    ) -> None:
        args = [*(["--token", token] if token else []), *([] if opens else ["--no-browser"])]
        assert main(["lab", *args]) == 0
        url = capsys.readouterr().out.strip()
        *opened, (port, secret, sockets) = served
        assert opened == ([url] if opens else []) and sockets == 1
        assert url == f"http://127.0.0.1:{port}/?token={secret}"
        assert secret == token if token else len(secret) >= 16

    def test_two_secrets_differ(self, served: list[Any]) -> None:
        for _ in range(2):
            main(["lab", "--no-browser"])
        assert served[0][1] != served[1][1]

    def test_a_port_that_is_taken(self, served: list[Any], capsys: Any) -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            assert main(["lab", "--port", str(port)]) == 2
        assert capsys.readouterr() == ("", f"tinygrad-init: --port {port}: Address already in use\n")
        assert served == []

    def test_without_the_extra(self, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
        monkeypatch.setitem(sys.modules, "tinygrad_init.laboratory.serving.server", None)
        assert main(["lab"]) == 2
        out, err = capsys.readouterr()
        assert out == "" and err.startswith("tinygrad-init: ") and err.count("\n") == 1

    @pytest.mark.parametrize(
        "token", ["", "short", "x" * 15, "x" * 129, "a token with spaces", "a-token-of-the-tests\n"]
    )
    def test_tokens_that_are_refused(self, token: str, served: list[Any], capsys: Any) -> None:
        with pytest.raises(SystemExit) as stop:
            main(["lab", "--token", token])
        assert stop.value.code == 2 and served == []
        assert "expected 16 to 128 letters, digits, - or _" in " ".join(capsys.readouterr().err.split())


@pytest.mark.skipif(signal.getsignal(signal.SIGINT) == signal.SIG_IGN, reason="Ctrl-C is ignored here")
@pytest.mark.parametrize("quiet", [True, False])
def test_while_a_command_runs_ctrl_c_is_an_exception(quiet: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """And afterwards what it was before, also where the command failed; another handler stays."""
    seen: list[Any] = []

    def other(number: int, frame: object) -> None:
        raise AssertionError

    def run(args: Any) -> int:
        seen.append(signal.getsignal(signal.SIGINT))
        raise InputError("failed")

    monkeypatch.setattr(module("theory"), "run", run)
    before = signal.getsignal(signal.SIGINT)
    handler = _interruption.end if quiet else other
    try:
        signal.signal(signal.SIGINT, handler)
        assert main(["theory"]) == 2
        assert signal.getsignal(signal.SIGINT) is handler
    finally:
        signal.signal(signal.SIGINT, before)
    assert seen == [signal.default_int_handler if quiet else other]


def test_printing_goes_on_in_silence_when_the_reader_has_left() -> None:
    class Left:
        quiet, asked = False, 0

        def print(self, what: Any) -> None:
            self.asked += 1
            raise SystemExit(1)

    out: Any = Left()
    show(out, "a line")
    assert out.quiet and out.asked == 1
