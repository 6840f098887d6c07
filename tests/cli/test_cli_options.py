"""Options: defaults are what the help promises, ranges have both their ends, and what is shown is shown whole."""

from __future__ import annotations

import argparse
import math
import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from tinygrad_init.cli import main
from tinygrad_init.cli.lab import port, token
from tinygrad_init.cli.main import build_parser
from tinygrad_init.cli.options import MOST, not_negative, positive, rate, seed, short, sizes
from tinygrad_init.cli.phase_diagram import picture, shade
from tinygrad_init.cli.theory import DEEPEST, layers, number, profile_table, scale
from tinygrad_init.diagnosis.showing.text import bar
from tinygrad_init.theory import MeanField, phase_diagram


def options() -> Iterator[tuple[str, argparse.Action]]:
    """Every option of every command."""
    (commands,) = (action for action in build_parser()._actions if isinstance(action, argparse._SubParsersAction))
    for command, parser in commands.choices.items():
        for action in parser._actions:
            if action.option_strings and action.dest != "help":
                yield command, action


@pytest.mark.parametrize(
    ("command", "action"), [pytest.param(c, a, id=f"{c} {a.option_strings[0]}") for c, a in options()]
)
def test_a_default_is_what_the_help_promises(command: str, action: argparse.Action) -> None:
    if isinstance(action.default, bool | list) or action.dest == "port":  # 0: the operating system says which
        assert not action.default
    elif action.default is not None and action.dest not in ("language", "task"):  # these say it in words
        promised = re.search(r"\(([^()]*)\)$", action.help or "")
        default = f"{action.default:g}" if isinstance(action.default, int | float) else action.default
        assert promised is not None and promised[1] == default


def test_the_language_is_that_of_the_locale(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    found = {action.default for _, action in options() if action.dest == "language"}
    monkeypatch.setenv("LC_MESSAGES", "ZH_TW.UTF-8")
    assert found == {"en"} and {a.default for _, a in options() if a.dest == "language"} == {"zh"}


@pytest.mark.parametrize(
    ("read", "good", "bad"),
    [
        (positive, ["1", str(MOST), "0007"], ["0", str(MOST + 1), "1.0", ""]),
        (seed, ["0", "9" * 100], ["-1", "9" * 101, "1.0", ""]),
        (port, ["0", "1", "65535", "00080"], ["-1", "65536", "000080", "http", ""]),
        (rate, ["5e-324", "1e308"], ["0", "-5e-324", "inf", "nan", "one"]),
        (not_negative, ["0", "5e-324", "1e308"], ["-5e-324", "inf", "nan", "one"]),
        (token, ["x" * 16, "x" * 128, "abc-DEF_0123456789"], ["x" * 15, "x" * 129, "ä" * 16]),
        (sizes, ["2", "2,3", "64,64,64,10"], ["", "2,", "2;3", "2,a"]),
    ],
    ids=["positive", "seed", "port", "rate", "not negative", "token", "sizes"],
)
def test_ranges_have_both_their_ends(read: Any, good: list[str], bad: list[str]) -> None:
    means = {token: str, rate: float, not_negative: float, sizes: lambda text: tuple(map(int, text.split(",")))}
    for text in good:
        assert read(text) == means.get(read, int)(text)
    for text in bad:
        with pytest.raises(argparse.ArgumentTypeError):
            read(text)


def test_how_deep_networks_are() -> None:
    parser = build_parser()
    assert parser.parse_args(["theory", "--depth", "10000"]).depth == DEEPEST == 10_000
    with pytest.raises(SystemExit):
        parser.parse_args(["theory", "--depth", "10001"])


@pytest.mark.parametrize("option", ["--to-w", "--to-b", "--sigma-w", "--sigma-b"])
def test_how_far_a_phase_diagram_goes(option: str, capsys: pytest.CaptureFixture[str]) -> None:
    dot = ["--sigma-w", "1"] if option == "--sigma-b" else []
    assert main(["phase-diagram", "--activation", "relu", *dot, option, "1e6"]) == 0
    assert main(["phase-diagram", "--activation", "relu", *dot, option, "1.00001e6"]) == 2
    assert "standard deviations up to 1e+06" in capsys.readouterr().err


def test_what_was_typed_is_quoted_up_to_forty_letters() -> None:
    assert short("x" * 40) == repr("x" * 40)
    assert short("x" * 40 + "y") == repr("x" * 40 + "…")


def test_numbers_in_words() -> None:
    assert (number(math.inf), number(1.23456789), number(0.0)) == ("∞", "1.2346", "0")
    assert (layers(None), layers(0), layers(12)) == ("never", "0 layers", "12 layers")
    assert scale(math.inf) == scale(math.nan) == "∞: they stay"
    assert scale(12.5) == "12.5 layers, in which they shrink e-fold"
    assert scale(-12.5) == "12.5 layers, in which they grow e-fold"


@pytest.mark.parametrize(
    ("depth", "shown"),
    [
        (1, [1]),
        (2, [1, 2]),
        (4, [1, 2, 3, 4]),
        (10, [1, 2, 3, 5, 10]),
        (20, [1, 2, 3, 5, 10, 20]),
        (35, [1, 2, 3, 5, 10, 20, 30, 35]),
    ],
)
def test_a_profile_shows_its_ends_and_every_tenth_layer(depth: int, shown: list[int]) -> None:
    """With the first ones, where most happens; each number is that of the layer."""
    field = MeanField("tanh", 1.5, 0.2)
    table = profile_table(field, depth, 100)
    cells = [list(column.cells) for column in table.columns]
    profile = field.profile(depth, 1.0, 100)
    low, high = profile.band("gradient", 2.0)
    assert cells[0] == [str(layer) for layer in shown]
    for row, layer in enumerate(shown):
        i = layer - 1
        assert cells[1][row] == f"{profile.q[i]:.4g}" and cells[2][row] == f"{profile.a_square[i]:.4g}"
        assert cells[3][row] == f"{math.sqrt(profile.gradient[i]):.4g}"
        assert cells[4][row] == f"{math.sqrt(low[i]):.2g} to {math.sqrt(high[i]):.2g}"
        assert cells[5][row] == bar(math.sqrt(profile.gradient[i]), math.sqrt(max(profile.gradient)))


def test_a_phase_diagram_in_characters() -> None:
    """The nearest place to the dot and to the edge in every row; everything left of the edge vanishes."""
    diagram = phase_diagram("tanh", np.linspace(0, 4, 21)[1:], np.linspace(0, 1, 5))
    for dot in (None, (1.42, 0.3), (3.9, 0.95)):
        rows = picture(diagram, dot).plain.splitlines()
        assert len(rows) == 6 and rows[-1].endswith("the edge of chaos")
        for line, i in zip(rows[:-1], reversed(range(5)), strict=True):
            assert line[:6] == f"{diagram.sigma_b[i]:5.2f} "
            edge = int(np.argmin(np.abs(diagram.sigma_w - diagram.edge[i])))
            marks = ["-" if log < 0 else "+" for log in diagram.log_chi[i]]
            marks[edge] = "│"
            if dot is not None and i == np.argmin(np.abs(diagram.sigma_b - dot[1])):
                marks[int(np.argmin(np.abs(diagram.sigma_w - dot[0])))] = "●"
            assert line[6:] == "".join(marks)


def test_without_an_edge_there_is_no_mark_of_it() -> None:
    diagram = phase_diagram("softplus", np.linspace(0, 4, 21)[1:], np.linspace(0, 1, 3))
    assert np.isnan(diagram.edge).all()
    assert "│" not in "".join(picture(diagram, None).plain.splitlines()[:-1])


def test_colours_are_as_strong_as_what_they_show() -> None:
    """From a quarter of the colour, that it can still be told, to all of it; blue vanishes, orange explodes."""
    assert shade("#0072b2", 1.0) == "#0072b2"
    assert shade("#000000", 0.0) == "#bfbfbf" and shade("#ffffff", 0.3) == "#ffffff"
    diagram = phase_diagram("tanh", [0.5, 1.01, 3.0], [0.0])
    text = picture(diagram, None)
    styles = {text.plain[span.start]: str(span.style).rpartition(" ")[2] for span in text.spans}
    log = np.clip(np.abs(diagram.log_chi[0]), 0.0, 1.0)
    assert styles["-"] == shade("#0072b2", log[0]) and styles["+"] == shade("#d55e00", log[2])
