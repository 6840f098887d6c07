"""`tinygrad-init audit`: what it prints, writes and returns."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
safetensors = pytest.importorskip("safetensors.torch", reason="safetensors is not installed")

from tinygrad_init.cli import main  # noqa: E402

from ..test_docs import ROOT, blocks  # noqa: E402


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A healthy checkpoint, its start, and one with a fault, in the working directory."""
    monkeypatch.chdir(tmp_path)
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(64, 32), torch.nn.ReLU(), torch.nn.Linear(32, 10))
    start = {name: value.clone() for name, value in model.state_dict().items()}
    torch.save(start, "start.pt")
    moved = {name: value + 0.01 * torch.randn(value.shape) for name, value in start.items()}
    torch.save(moved, "model.pt")
    safetensors.save_file(moved, "model.safetensors")
    bad = {name: value.clone() for name, value in start.items()}
    bad["0.weight"][3] = bad["0.weight"][4]
    bad["2.bias"][0] = float("nan")
    safetensors.save_file(bad, "bad.safetensors")
    return tmp_path


def test_the_page_s_commands_and_lines_run(files: Path, capsys: Any) -> None:
    page = ROOT / "docs" / "audit.md"
    (commands,) = blocks(page, "bash")
    for line in commands.strip().splitlines():
        program, *args = shlex.split(line)
        assert program == "tinygrad-init" and main(args) == 0, line
        assert capsys.readouterr().err == ""
    (code,) = blocks(page, "python")
    exec(compile(code, str(page), "exec"), {})
    assert "torch_default" in capsys.readouterr().out


def test_every_form_says_the_same(files: Path, capsys: Any) -> None:
    args = ["audit", "bad.safetensors", "--json", "a.json", "--junit", "a.xml", "--sarif", "a.sarif"]
    assert main([*args, "--language", "en"]) == 1
    shown = capsys.readouterr().out
    found = json.loads(Path("a.json").read_text(encoding="utf-8"))["findings"]
    assert [one["code"] for one in found] == ["TGI101", "TGI102"]
    assert all(one["code"] in shown and one["parameter"] in shown for one in found)
    assert "2 faults, 0 notes, 0 known" in shown
    (suite,) = ElementTree.parse("a.xml").getroot()
    failed = {case.get("name"): case.find("failure") for case in suite if case.find("failure") is not None}
    assert suite.get("tests") == "4" and suite.get("failures") == "2"
    assert {name: one.get("type") for name, one in failed.items() if one is not None} == {
        "0.weight": "TGI101",
        "2.bias": "TGI102",
    }
    (run,) = json.loads(Path("a.sarif").read_text(encoding="utf-8"))["runs"]
    assert [(one["ruleId"], one["level"]) for one in run["results"]] == [("TGI101", "error"), ("TGI102", "error")]
    assert {one["ruleId"] for one in run["results"]} <= {rule["id"] for rule in run["tool"]["driver"]["rules"]}


def test_a_baseline_turns_faults_into_known_ones(files: Path, capsys: Any) -> None:
    assert main(["audit", "bad.safetensors", "--json", "known.json"]) == 1
    args = ["audit", "bad.safetensors", "--baseline", "known.json", "--sarif", "a.sarif", "--junit", "a.xml"]
    assert main([*args, "--language", "en"]) == 0
    assert "0 faults, 0 notes, 2 known" in capsys.readouterr().out
    (run,) = json.loads(Path("a.sarif").read_text(encoding="utf-8"))["runs"]
    assert all(one["suppressions"] for one in run["results"])
    assert ElementTree.parse("a.xml").getroot().find("testsuite/testcase/failure") is None


def test_against_shows_how_far(files: Path, capsys: Any) -> None:
    assert main(["audit", "model.pt", "--against", "start.pt", "--language", "en"]) == 0
    assert "moved" in capsys.readouterr().out
    assert main(["audit", "start.pt", "--against", "start.pt", "--language", "zh"]) == 1
    assert "TGI120 错误" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["none.pt"], "none.pt: No such file or directory"),
        (["model.pt", "--against", "none.pt"], "none.pt: No such file or directory"),
        (["model.pt", "--baseline", "none.json"], "none.json: No such file or directory"),
        (["model.pt", "--baseline", "model.pt"], "expected the JSON of an audit"),
        (["model.pt", "--json", "model.pt"], "--json model.pt: is the file of FILE, too"),
        (["model.pt", "--against", "start.pt", "--sarif", "start.pt"], "is the file of --against, too"),
        (["model.pt", "--json", "a", "--junit", "a"], "is the file of --json, too"),
        (["model.pt", "--json", "nowhere/a"], "cannot be written"),
    ],
)
def test_bad_input_is_one_sentence(args: list[str], said: str, files: Path, capsys: Any) -> None:
    before = Path("model.pt").read_bytes()
    assert main(["audit", *args]) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.startswith("tinygrad-init: ") and said in err and err.count("\n") == 1
    assert Path("model.pt").read_bytes() == before


def test_without_pytorch(files: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    for name in [name for name in sys.modules if name.startswith("tinygrad_init.torch")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "torch", None)
    assert main(["audit", "model.pt"]) == 2
    out, err = capsys.readouterr()
    assert out == "" and err == "tinygrad-init: tinygrad_init.torch needs PyTorch: pip install 'tinygrad_init[torch]'\n"
