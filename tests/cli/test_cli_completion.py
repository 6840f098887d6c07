"""Completion, asked of the shells themselves."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tinygrad_init.cli import build_parser, main
from tinygrad_init.ops.activations import ACTIVATIONS

ASKING = {
    "bash": """
source {script}
COMP_WORDS=(tinygrad-init {words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
eval "$(complete -p tinygrad-init | sed -n 's/.*-F \\([^ ]*\\) .*/\\1 tinygrad-init/p')"
printf '%s\\n' "${{COMPREPLY[@]}}"
""",
    "fish": "source {script}\ncomplete -C 'tinygrad-init {words}'",
}


@pytest.fixture(scope="module")
def scripts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("completion")


def completed(shell: str, words: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> set[str]:
    """What a shell offers for the last of these words."""
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    script = folder / shell
    if not script.exists():
        with pytest.raises(SystemExit) as stop:
            main(["--print-completion", shell])
        assert stop.value.code == 0
        script.write_text(capsys.readouterr().out, encoding="utf-8")
    asked = ASKING[shell].format(script=script, words=words)
    done = subprocess.run([shell, "-c", asked], capture_output=True, text=True, check=False, cwd=folder, timeout=60)
    assert done.returncode == 0 and not done.stderr, done.stderr
    return {line.split("\t")[0].strip() for line in done.stdout.splitlines() if line.strip()}


@pytest.mark.parametrize("shell", ["bash", "fish"])
def test_commands_options_and_names_are_completed(
    shell: str, scripts: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (commands,) = (action.choices for action in build_parser()._actions if action.dest == "command")
    assert commands is not None
    assert completed(shell, "d", scripts, capsys) == {name for name in commands if name.startswith("d")}
    assert "--activation" in completed(shell, "diagnose --act", scripts, capsys)
    names = completed(shell, "theory --activation s", scripts, capsys)
    assert names == {name for name in ACTIVATIONS if name.startswith("s")} and len(names) > 3


def test_files_are_completed(scripts: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (scripts / "houses.csv").write_text("a,b\n")
    assert completed("bash", "diagnose --data hou", scripts, capsys) == {"houses.csv"}


def test_zsh_reads_its_script(scripts: Path, capsys: pytest.CaptureFixture[str]) -> None:
    if shutil.which("zsh") is None:
        pytest.skip("zsh is not installed")
    with pytest.raises(SystemExit):
        main(["--print-completion", "zsh"])
    told = capsys.readouterr().out
    done = subprocess.run(["zsh", "-n"], input=told, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0 and "#compdef tinygrad-init" in told, done.stderr


def test_another_shell_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["--print-completion", "cmd"])
    assert stop.value.code == 2 and "'bash', 'zsh', 'fish'" in capsys.readouterr().err.replace(
        "bash, zsh, fish", "'bash', 'zsh', 'fish'"
    )
