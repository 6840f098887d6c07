"""`train` and `predict`: what they print and write, what they refuse, and that nothing ends in a traceback."""

from __future__ import annotations

import csv
import io
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tinygrad_init as tgi
from tinygrad_init import tabular
from tinygrad_init.cli import main
from tinygrad_init.words import LANGUAGES

from ..tables import ROWS, columns, damaged, write

QUICK = ["--epochs", "3", "--sizes", "6,8,1", "--language", "en"]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the table and a network that was trained on it."""
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "houses.csv", columns())
    assert main(["train", "--data", "houses.csv", "--save", "m.safetensors", *QUICK]) == 0
    return tmp_path


def run(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> tuple[str, str]:
    capsys.readouterr()
    assert main([*words, "--language", "en"]) == code
    out, err = capsys.readouterr()
    return out, err


def rows(text: str, separator: str = ",") -> list[list[str]]:
    return list(csv.reader(io.StringIO(text), delimiter=separator))


def test_what_train_says(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, err = run(capsys, "train", "--data", "houses.csv", "--epochs", "40", "--optimizer", "adam", "--lr", "0.02")
    words = " ".join(out.split())
    assert "houses: 60 rows, 6 features, 'price' to be learned: numbers" in words
    assert "city category 3 columns of 1 or 0: Bergen, Oslo, Tromsø" in words
    assert "lift truth value 1 or 0" in words and "built date days since 19" in words
    assert "on 12 rows that were held out (always the mean: 0); " in words and "not kept, as without --save" in words
    assert err == ""
    out, _ = run(capsys, "train", "--data", "houses.csv", "--target", "city", "--validation", "0", "--epochs", "2")
    assert "on the 60 rows that were trained on, as none were held out" in " ".join(out.split())


def test_the_score_is_that_of_the_network_that_is_kept(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    saved = tabular.load("m.safetensors")
    assert saved.trained["rows"] == 48 and saved.trained["held_out"] == 12 and saved.trained["start"] == "torch"
    loaded = tgi.load("m.safetensors")
    assert repr(loaded.model) == repr(saved.model) and loaded.scaler.shift.shape == (6,)
    _, err = run(capsys, "predict", "--model", "m.safetensors", "--data", "houses.csv")
    frame = tgi.data.read("houses.csv")
    score = saved.score(frame, saved.outputs(frame))
    assert score is not None and err == f"tinygrad-init: R² {score[0]:.3f} on the 60 rows whose 'price' is known\n"


@pytest.mark.parametrize("suffix", ["", "csv", "tsv", "parquet", "feather"])
def test_predictions_are_written_to_the_last_bit(suffix: str, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    expected = tabular.load("m.safetensors").predict("houses.csv")
    more = ["--output", f"found.{suffix}"] if suffix else []
    if suffix in ("parquet", "feather"):
        pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    out, _ = run(capsys, "predict", "--model", "m.safetensors", "--data", "houses.csv", *more)
    if suffix in ("parquet", "feather"):
        found = tgi.data.read(f"found.{suffix}").numbers("price")
    else:
        text = Path(f"found.{suffix}").read_text(encoding="utf-8") if suffix else out
        (name,), *cells = rows(text, "\t" if suffix == "tsv" else ",")
        assert name == "price"
        found = np.array([float(cell) for (cell,) in cells])
    np.testing.assert_array_equal(found, expected)


def test_probabilities(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(capsys, "train", "--data", "houses.csv", "--target", "city", "--epochs", "2", "--save", "c.safetensors")
    words = ("predict", "--model", "c.safetensors", "--data", "houses.csv", "--probabilities")
    out, err = run(capsys, *words)
    header, *found = rows(out)
    assert header == ["city", "p(Bergen)", "p(Oslo)", "p(Tromsø)"] and "accuracy" in err
    shares = tabular.load("c.safetensors").probabilities("houses.csv")
    np.testing.assert_array_equal(np.array([row[1:] for row in found], float), shares)
    _, err = run(capsys, "predict", "--model", "m.safetensors", "--data", "houses.csv", "--probabilities", code=2)
    assert err == "tinygrad-init: expected a network whose outputs are probabilities, got one of a regression\n"


def test_what_became_of_the_columns_is_explained(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, err = run(capsys, "predict", "--model", "m.safetensors", "--explain")
    assert "3 columns of 1 or 0: Bergen, Oslo, Tromsø" in out and err == ""


@pytest.mark.parametrize("language", LANGUAGES)
def test_both_languages(language: str, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = columns()
    table["area"][3] = np.nan
    write(here / "gaps.csv", {"more": np.arange(ROWS) ** 2, **table})
    words = ["--data", "gaps.csv", "--missing", "indicator", "--epochs", "1", "--save", "g.safetensors"]
    assert main(["train", *words, "--language", language]) == 0
    assert main(["predict", "--model", "g.safetensors", "--data", "gaps.csv", "--language", language]) == 0
    assert main(["train", *words[:2], "--missing", "drop", *words[4:], "--language", language]) == 0
    assert main(["predict", "--model", "g.safetensors", "--data", "gaps.csv", "--language", language]) == 0
    out, err = capsys.readouterr()
    assert "{" not in out + err and ("59" in out) and ("1" in err)


def test_other_commands_say_what_became_of_columns(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, err = run(
        capsys,
        "explain",
        "layers.0.weight",
        "--data",
        "houses.csv",
        "--drop",
        "built",
        "--init",
        "he",
        "--sizes",
        "5,4,1",
    )
    assert err.splitlines() == [
        "tinygrad-init: houses.csv: column 'city': 3 columns of 1 or 0: Bergen, Oslo, Tromsø",
        "tinygrad-init: houses.csv: column 'lift': 1 or 0",
    ]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["train", "--data", "none.csv"], "none.csv: No such file or directory"),
        (["train", "--data", "houses.csv", "--validation", "1"], None),
        (["train", "--data", "houses.csv", "--validation", "0.001"], "validation: 0.001 held out of 60 rows leaves a"),
        (["train", "--data", "houses.csv", "--lr", "1e9", "--batch-size", "4"], "the loss has become infinite or NaN"),
        (["train", "--data", "houses.csv", "--sizes", "5,1"], "sizes: houses has 6 features, but the first size is 5"),
        (["train", "--data", "houses.csv", "--save", "houses.csv"], "is the file of --data, too"),
        (["train", "--data", "houses.csv", "--save", "none/m.safetensors"], "cannot be written"),
        (["train", "--data", "moons", "--missing", "mean"], "can be chosen only for a file"),
        (["train", "--data", "houses.csv", "--target", "area", "--loss", "hinge"], "loss: hinge is for classes"),
        (["predict", "--model", "none", "--data", "houses.csv"], "none: No such file or directory"),
        (["predict", "--model", "houses.csv", "--data", "houses.csv"], "no whole file of safetensors"),
        (["predict", "--model", "m.safetensors"], "expected a table, --data FILE"),
        (["predict", "--model", "m.safetensors", "--data", "digits"], "expected a file ending in .csv"),
        (["predict", "--model", "m.safetensors", "--data", "less.csv"], "no columns 'area', 'lift', which the network"),
        (
            ["predict", "--model", "m.safetensors", "--data", "houses.csv", "--output", "x.txt"],
            "name that ends in .csv",
        ),
        (["predict", "--model", "m.safetensors", "--data", "houses.csv", "--output", "houses.csv"], "file of --data"),
        (["predict", "--model", "m.safetensors", "--data", "houses.csv", "--query", "SELECT 1"], "only for a database"),
    ],
)
def test_what_is_refused(words: list[str], message: str | None, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = columns()
    write(here / "less.csv", {"city": table["city"], "built": table["built"]})
    before = (here / "houses.csv").read_bytes()
    if message is None:
        with pytest.raises(SystemExit) as stop:
            main(words)
        assert stop.value.code == 2
    else:
        _, err = run(capsys, *words, code=2)
        assert message in err and len(err.splitlines()) == 1 and err.startswith("tinygrad-init: ")
    assert (here / "houses.csv").read_bytes() == before


def test_what_was_learned_until_ctrl_c_is_kept(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(model: Any, x: Any, y: Any, loss: Any, optimizer: Any, **options: Any) -> Any:
        tgi.train(model, x, y, loss, optimizer, **options | {"epochs": 3})
        raise KeyboardInterrupt

    monkeypatch.setattr(tabular, "train", interrupted)
    _, err = run(capsys, "train", "--data", "houses.csv", "--save", "i.safetensors", code=130)
    assert err == "tinygrad-init: interrupted; what was learned so far is kept\n"
    assert tabular.load("i.safetensors").predict("houses.csv").shape == (ROWS,)


def test_damaged_files_of_networks_and_tables(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rng = random.Random(0)
    for name in ("m.safetensors", "houses.csv"):
        raw = (here / name).read_bytes()
        for _ in range(40):
            (here / f"bad-{name}").write_bytes(damaged(raw, rng))
            files = {"m.safetensors": "m.safetensors", "houses.csv": "houses.csv"} | {name: f"bad-{name}"}
            code = main(
                ["predict", "--model", files["m.safetensors"], "--data", files["houses.csv"], "--unseen", "none"]
            )
            err = capsys.readouterr().err
            assert code in (0, 2) and "Traceback" not in err
            assert all(line.startswith("tinygrad-init: ") for line in err.splitlines())
