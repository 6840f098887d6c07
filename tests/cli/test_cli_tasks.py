"""What the commands make of data of one's own: classes or numbers to be learned, by any optimizer, doubts on stderr."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import tinygrad_init as tgi
from tinygrad_init.cli import main
from tinygrad_init.diagnosis.measures.fit import OF_NUMBERS
from tinygrad_init.diagnosis.showing.schema import comparison_schema
from tinygrad_init.diagnosis.trials.comparison import r_squared
from tinygrad_init.nn import LOSSES
from tinygrad_init.update_rules import OPTIMIZERS

from ..test_docs import ROOT

RNG = np.random.default_rng(0)
X = RNG.normal(size=(120, 3)).round(4)
PRICE = (X @ [1.0, -2.0, 0.5]).round(4)
FAST = ["--epochs", "4", "--init", "xavier"]


def written(path: Path, target: Any, x: Any = X, header: str = "a,b,c,price") -> str:
    rows = "".join(",".join(map(str, [*row, value])) + "\n" for row, value in zip(x.tolist(), target, strict=True))
    path.write_text(f"{header}\n{rows}", encoding="utf-8")
    return str(path)


@pytest.fixture
def prices(tmp_path: Path) -> str:
    return written(tmp_path / "prices.csv", PRICE.tolist())


def shown(capsys: pytest.CaptureFixture[str], *args: str, code: int | None = 0) -> str:
    """What is printed; `code` None where any verdict will do."""
    assert main(list(args)) in ((0, 1) if code is None else (code,))
    out, err = capsys.readouterr()
    assert err == ""
    return out


def compared(tmp_path: Path, *args: str) -> dict[str, Any]:
    out = tmp_path / "report.json"
    assert main(["diagnose", *args, "--json", str(out)]) in (0, 1)
    found: dict[str, Any] = json.loads(out.read_text(encoding="utf-8"))
    return found


class TestRegression:
    def test_numbers_with_fractions_are_learned_as_numbers(
        self, prices: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """And so it is said in the table, in JSON and on the page: R², no accuracy."""
        pytest.importorskip("plotly", reason="an HTML page needs the extra 'plot'")
        page = tmp_path / "report.html"
        found = compared(tmp_path, "--data", prices, *FAST, "--epochs", "20", "--html", str(page))
        text, html = capsys.readouterr().out, page.read_text(encoding="utf-8")
        (start,) = found["starts"]
        assert start["accuracy"] is None and start["r2"] > 0.5
        assert (found["settings"]["classes"], found["settings"]["loss"]) == (0, "mse")
        assert found["settings"]["sizes"] == [3, 64, 64, 64, 1]
        for said in (" ".join(text.split()), " ".join(html.split())):
            assert "(120 samples, regression)" in said and "accuracy on" not in said
            assert re.search(rf"R² on held-out samples {start['r2']:.3g} \(1: exact; 0: as good as their mean\)", said)
        assert re.search(r"loss +R²", text)

    def test_classes_have_an_accuracy_and_no_r2(self, tmp_path: Path) -> None:
        (start,) = compared(tmp_path, "--data", "moons", *FAST)["starts"]
        assert start["r2"] is None and 0 <= start["accuracy"] <= 1

    @pytest.mark.parametrize("args", [["--data", "plane"], ["--data", "moons"], ["--data", "blobs", "--loss", "mse"]])
    def test_what_is_written_follows_the_published_schema(self, args: list[str], tmp_path: Path) -> None:
        jsonschema = pytest.importorskip("jsonschema")
        jsonschema.Draft202012Validator.check_schema(comparison_schema())
        jsonschema.validate(compared(tmp_path, *args, *FAST, "--init", "large"), comparison_schema())
        published = (ROOT / "docs" / "comparison.schema.json").read_text(encoding="utf-8")
        assert json.loads(published) == comparison_schema()

    @pytest.mark.parametrize("loss", LOSSES)
    def test_every_loss_fits_the_task_or_the_error_says_which_do(
        self, loss: str, prices: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        if loss in OF_NUMBERS:
            (start,) = compared(tmp_path, "--data", prices, "--loss", loss, *FAST)["starts"]
            assert start["losses"][-1] < start["before"]["loss"]
            return
        for command in (["diagnose"], ["recommend"], ["explain", "layers.0.weight"]):
            assert main([*command, "--data", prices, "--loss", loss]) == 2
            said = f"loss: {loss} is for classes, but prices is a regression; {' and '.join(OF_NUMBERS)} fit"
            assert capsys.readouterr() == ("", f"tinygrad-init: {said}\n")

    def test_the_task_may_be_said(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        grades = written(tmp_path / "grades.csv", (np.arange(120) % 5).tolist())
        assert "5 classes" in shown(capsys, "diagnose", "--data", grades, *FAST, "--task", "classification", code=None)
        assert "5 classes" in shown(capsys, "diagnose", "--data", grades, *FAST, code=None)
        assert "regression" in shown(capsys, "diagnose", "--data", grades, *FAST, "--task", "regression", code=None)

    def test_targets_are_scaled_only_if_that_is_asked_for(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        large = written(tmp_path / "large.csv", (PRICE * 1000 + 50_000).round(1).tolist())
        args = ["diagnose", "--data", large, "--epochs", "20", "--init", "xavier"]
        text = " ".join(shown(capsys, *args, code=1).split())
        assert re.search(r"No, unscaled: targets are large: mean [\d.e+]+04", text) and "Scale the targets" in text
        text = " ".join(shown(capsys, *args, "--scale-targets").split())
        assert "regression, targets scaled to mean 0 and variance 1" in text and "unscaled" not in text
        (start,) = compared(tmp_path, *args[1:], "--scale-targets")["starts"]
        assert start["r2"] > 0.5 and start["before"]["fit"]["target_mean"] == pytest.approx(0, abs=1e-5)

    @pytest.mark.parametrize("target", ["1e39", "-1e60"])
    def test_targets_that_the_dtype_does_not_hold(
        self, target: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        file = written(tmp_path / "far.csv", [*PRICE.tolist()[:-1], target])
        for command in (["diagnose"], ["recommend"], ["explain", "layers.0.weight"]):
            assert main([*command, "--data", file]) == 2
            out, err = capsys.readouterr()
            assert out == "" and err.count("\n") == 1 and "does not fit into float32" in err
        assert main(["diagnose", "--data", file, *FAST, "--scale-targets"]) in (0, 1)
        assert main(["diagnose", "--data", file, *FAST, "--dtype", "float64"]) in (0, 1)

    @pytest.mark.parametrize("scale", [[], ["--scale-targets"]])
    def test_other_commands(self, scale: list[str], prices: str, capsys: pytest.CaptureFixture[str]) -> None:
        small = ["--data", prices, "--sizes", "3,8,1", *scale]
        assert "∂C/∂output" in shown(capsys, "explain", "layers.0.weight", *small)
        assert "Now: " in shown(capsys, "recommend", *small, "--steps", "20")
        assert main(["diagnose", "--data", prices, "--sizes", "3,8,2"]) == 2
        assert "mse on a regression needs 1 output, but the last size is 2" in capsys.readouterr().err

    def test_sets_of_numbers_are_there_by_name(self, capsys: pytest.CaptureFixture[str]) -> None:
        for name in tgi.data.REGRESSIONS:
            assert f"{name} (400 samples, regression)" in shown(
                capsys, "diagnose", "--data", name, *FAST, "--lr", "0.1"
            )


@pytest.mark.parametrize("seed", range(5))
def test_r_squared(seed: int) -> None:
    """1 for the right numbers, 0 for their mean, the same in any unit, and nothing where there is no variance."""
    rng = np.random.default_rng(seed)
    y, found = rng.normal(size=30), rng.normal(size=(30, 1))
    assert r_squared(y[:, None], y) == 1 and r_squared(np.full((30, 1), y.mean()), y) == pytest.approx(0)
    assert r_squared(found, y) == pytest.approx(1 - np.mean((found[:, 0] - y) ** 2) / np.var(y))
    assert r_squared(7 - 3 * found, 7 - 3 * y) == pytest.approx(r_squared(found, y))
    assert np.isnan(r_squared(found, np.ones(30))) and np.isnan(r_squared(found[:0], y[:0]))
    assert np.isnan(r_squared(np.full((30, 1), np.nan), y))


class TestOptimizer:
    @pytest.mark.parametrize("name", OPTIMIZERS)
    @pytest.mark.parametrize(("data", "task"), [("moons", "classification"), ("plane", "regression")])
    def test_it_trains_and_the_verdict_is_about_it(self, data: str, task: str, name: str, tmp_path: Path) -> None:
        rule = OPTIMIZERS[name]
        found = compared(tmp_path, "--data", data, "--optimizer", name, *FAST)
        assert found["settings"]["optimizer"] == name and found["settings"]["lr"] == rule.lr_for(task)
        (start,) = found["starts"]
        made = rule.at(rule.lr_for(task))([tgi.tensor([1.0], requires_grad=True)])
        assert start["before"]["ahead"]["rule"].startswith(f"{type(made).__name__}, lr {made.lr:g}")
        assert start["losses"][-1] < start["before"]["loss"]

    def test_they_are_different(self, tmp_path: Path) -> None:
        args = ["--data", "moons", "--lr", "0.01", *FAST, "--optimizer"]
        names = ("sgd", "momentum", "nesterov", "adam")
        histories = {tuple(compared(tmp_path, *args, name)["starts"][0]["losses"]) for name in names}
        assert len(histories) == len(names)

    @pytest.mark.parametrize("name", ["sgd", "adam"])
    def test_steps_that_are_too_large_are_its_fault(
        self, name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        args = ["--data", "moons", "--init", "he", "--epochs", "1", "--optimizer", name, "--lr", "50"]
        (start,) = compared(tmp_path, *args)["starts"]
        assert start["verdict"]["word"] == "overshooting"

    def test_the_heading_names_it_in_every_language(self, capsys: pytest.CaptureFixture[str]) -> None:
        args = ["diagnose", "--data", "moons", "--optimizer", "momentum", *FAST]
        assert "SGD with momentum 0.9 lr 0.05" in shown(capsys, *args)
        assert "带动量 0.9 的 SGD 学习率 0.05" in shown(capsys, *args, "--language", "zh")
        for name in OPTIMIZERS:
            for language in tgi.words.LANGUAGES:
                assert tgi.words.say(f"optimizer.{name}", {}, language)

    def test_recommend_is_given_it(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        made: list[Any] = []

        def recommend(model: Any, *_: Any, optimizer: Any, **__: Any) -> Any:
            made.append(optimizer(list(model.parameters())))
            raise ValueError("enough")

        monkeypatch.setattr(tgi.diagnosis, "recommend", recommend)
        for name, kind, lr in (("adam", tgi.optim.Adam, 1e-3), ("momentum", tgi.optim.SGD, 0.05)):
            assert main(["recommend", "--data", "moons", "--sizes", "2,4,2", "--optimizer", name]) == 2
            assert type(made[-1]) is kind and made[-1].lr == lr
        assert main(["recommend", "--data", "moons", "--sizes", "2,4,2", "--optimizer", "adam", "--lr", "0.5"]) == 2
        assert made[-1].lr == 0.5


def test_names_of_other_libraries_are_ours(capsys: pytest.CaptureFixture[str]) -> None:
    ours = ["--activation", "silu", "--init", "xavier_uniform", "--loss", "cross_entropy", "--optimizer", "adam"]
    theirs = ["--activation", "Swish", "--init", "GlorotUniform", "--loss", "CrossEntropyLoss", "--optimizer", "Adam"]
    small = ["diagnose", "--data", "moons", "--sizes", "2,4,2", "--epochs", "1"]
    assert shown(capsys, *small, *ours, code=None) == shown(capsys, *small, *theirs, code=None)
    assert shown(capsys, "theory", "--activation", "SiLU") == shown(capsys, "theory", "--activation", "swish")


class TestDoubts:
    def test_they_are_said_on_stderr_and_the_report_stays_the_report(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        x = np.column_stack([np.arange(120), X[:, 1], np.where(np.arange(120) % 30, np.abs(X[:, 2]) * 5, -999)])
        kinds = [("Yes", "no", "yes ")[i % 3] for i in range(120)]
        file = written(tmp_path / "mine.csv", kinds, x, "id,b,c,kind")
        assert main(["diagnose", "--data", file, *FAST]) in (0, 1)
        out, err = capsys.readouterr()
        lines = err.splitlines()
        assert len(lines) == 3 and all(line.startswith(f"tinygrad-init: {file}: ") for line in lines)
        assert "'Yes', 'yes '" in lines[0] and "'id'" in lines[1] and "-999" in lines[2]
        assert "mine (120 samples, 3 classes), 3-64-64-64-3" in out and "--drop" not in out
        assert main(["diagnose", "--data", file, *FAST, "--drop", "id", "--drop", "c", "--language", "zh"]) in (0, 1)
        out, err = capsys.readouterr()
        assert "1-64-64-64-3" in out and err.count("\n") == 1 and "若含义相同" in err

    def test_separators_and_decimal_signs(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        text = "a;b\n" + "".join(f"{1 + i % 9},{100 + i};{i % 7},250\n" for i in range(60))
        (tmp_path / "a.csv").write_text(text, encoding="utf-8")
        args = ["diagnose", "--data", str(tmp_path / "a.csv"), *FAST]
        assert main(args) == 2
        error = capsys.readouterr().err
        assert (
            "row 2, column 'a': '1,100' may be 1100 or 1.1; say which by --decimal" in error and error.count("\n") == 1
        )
        assert "a (60 samples, regression)" in shown(capsys, *args, "--decimal", ",", code=None)
        (tmp_path / "a.csv").write_text(text.replace(";", "\t"), encoding="utf-8")
        for tab in ("tab", r"\t", "\t"):
            assert "regression" in shown(capsys, *args, "--decimal", ",", "--separator", tab, code=None)


CELLS = st.sampled_from(["1", "2.5", "-3,5", "x", "", "nan", "inf", "1e999", '"', "a b", "é", "\x00", "9" * 50, "-999"])
TEXTS = st.lists(st.lists(CELLS, min_size=1, max_size=4), min_size=0, max_size=14)
OPTIONS = st.lists(
    st.sampled_from(
        [
            ["--task", "regression"], ["--task", "classification"], ["--separator", ";"], ["--separator", "tab"],
            ["--separator", '"'], ["--separator", ""], ["--decimal", ","], ["--drop", "a"], ["--drop", "b"],
            ["--target", "a"], ["--target", ""], ["--loss", "mse"], ["--loss", "hinge"], ["--scale-targets"],
            ["--sizes", "1,2"], ["--lr", "1e300"], ["--optimizer", "adam"], ["--dtype", "float64"],
        ]
    ),
    max_size=3,
)  # fmt: skip


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=TEXTS, separator=st.sampled_from(",;\t| "), options=OPTIONS, raw=st.binary(max_size=20))
def test_whatever_is_in_a_file_and_whatever_is_typed_ends_in_a_report_or_one_line(
    rows: list[list[str]],
    separator: str,
    options: list[list[str]],
    raw: bytes,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    text = "\n".join(separator.join(row) for row in [["a", "b", "c"], *rows])
    (tmp_path / "any.csv").write_bytes(text.encode() if rows else raw)
    (tmp_path / "any.npz").write_bytes(raw)
    words = [word for option in options for word in option]
    for name in ("any.csv", "any.npz"):
        code = main(["diagnose", "--data", str(tmp_path / name), "--epochs", "1", "--init", "he", *words])
        out, err = capsys.readouterr()
        assert code in (0, 1, 2) and "Traceback" not in err
        assert code != 2 or (out == "" and err.splitlines()[-1].startswith("tinygrad-init: "))
        assert all(line.startswith("tinygrad-init: ") for line in err.splitlines())
