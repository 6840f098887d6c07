"""Networks on tables: learned, kept with what became of the columns, and the same afterwards."""

from __future__ import annotations

import json
import random
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tinygrad_init as tgi
from tinygrad_init import data, tabular
from tinygrad_init.data import DataError, DataWarning
from tinygrad_init.optim import Adam

from .tables import ROWS, columns, write


def houses(folder: Path, target: str | None = None, missing: str = "refuse", name: str = "houses.csv") -> data.Dataset:
    return data.load(str(write(folder / name, columns())), target, missing=missing)


def learned(dataset: data.Dataset, loss: str = "", **options: Any) -> tabular.Learned:
    loss = loss or ("cross_entropy" if dataset.classes else "mse")
    single = not dataset.classes or (loss.startswith("binary") and len(dataset.classes) == 2)
    sizes = (dataset.x.shape[1], 16, 1 if single else len(dataset.classes))
    options = {"epochs": 60, "batch_size": 16, **options}
    return tabular.learn(dataset, sizes, lambda ps: Adam(ps, 0.02), loss=loss, **options)


def test_predictions_are_numbers_in_the_units_of_the_target(tmp_path: Path) -> None:
    found = learned(houses(tmp_path))
    predicted, price = found.predictor.predict(tmp_path / "houses.csv"), columns()["price"]
    assert found.score > 0.9 and found.guess == 0
    assert 1 - np.sum((predicted - price) ** 2) / np.sum((price - price.mean()) ** 2) > 0.9
    frame = data.read(tmp_path / "houses.csv")
    score, rows = found.predictor.score(frame, found.predictor.outputs(frame)) or (0, 0)
    assert score == pytest.approx(1 - np.sum((predicted - price) ** 2) / np.sum((price - price.mean()) ** 2), rel=1e-9)
    assert rows == ROWS and (found.rows, found.held) == (48, 12)


@pytest.mark.parametrize("loss", ["cross_entropy", "binary_cross_entropy_with_logits", "hinge"])
@pytest.mark.parametrize("target", ["city", "lift"])
def test_predictions_are_names_of_classes(loss: str, target: str, tmp_path: Path) -> None:
    dataset = houses(tmp_path, target)
    predictor = learned(dataset, loss, epochs=40, validation=0.0).predictor
    answers = predictor.predict(tmp_path / "houses.csv")
    assert set(answers) <= set(dataset.classes) == set(map(str, columns()[target]))
    assert np.mean(answers == columns()[target].astype(str)) > 0.6
    predictor.save(tmp_path / "m.safetensors")
    again = tabular.load(tmp_path / "m.safetensors")
    if loss == "hinge":
        with pytest.raises(DataError, match="outputs are probabilities, got one of the loss hinge"):
            again.probabilities(tmp_path / "houses.csv")
        return
    shares = again.probabilities(tmp_path / "houses.csv")
    assert shares.shape == (ROWS, len(dataset.classes)) and np.all((shares >= 0) & (shares <= 1))
    np.testing.assert_array_equal(np.array(dataset.classes)[shares.argmax(1)], answers)
    if loss == "cross_entropy":
        outputs = again.outputs(tmp_path / "houses.csv")
        np.testing.assert_allclose(shares, tgi.softmax(tgi.tensor(outputs), 1).numpy(), rtol=1e-12)
        np.testing.assert_allclose(shares.sum(1), 1, rtol=1e-12)


@pytest.mark.parametrize(("target", "dtype"), [("price", "float32"), ("city", "float64")])
def test_the_same_bits_come_out_of_a_file_in_another_process(target: str, dtype: str, tmp_path: Path) -> None:
    predictor = learned(houses(tmp_path, target), epochs=3, dtype=dtype).predictor
    predictor.save(tmp_path / "m.safetensors")
    outputs = predictor.outputs(tmp_path / "houses.csv")
    code = """
import sys
from tinygrad_init import tabular
sys.stdout.buffer.write(tabular.load("m.safetensors").outputs("houses.csv").tobytes())
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, check=True)
    assert done.stdout == outputs.tobytes()


def test_columns_are_found_by_their_names(tmp_path: Path) -> None:
    predictor = learned(houses(tmp_path), epochs=2).predictor
    table = columns()
    other = {"more": np.arange(ROWS), **{name: table[name] for name in ("built", "lift", "city", "area")}}
    np.testing.assert_array_equal(
        predictor.predict(write(tmp_path / "other.db", other)), predictor.predict(tmp_path / "houses.csv")
    )
    with pytest.raises(DataError, match="no column 'built', which the network was trained on; there is city, area"):
        predictor.predict(write(tmp_path / "less.csv", {name: table[name] for name in ("city", "area", "lift")}))
    table["city"] = np.where(table["city"] == "Oslo", "Bodø", table["city"])
    with pytest.raises(DataError, match="'Bodø' is no category"):
        predictor.predict(write(tmp_path / "new.csv", table))
    with pytest.warns(DataWarning, match="'Bodø' in"):
        assert len(predictor.predict(tmp_path / "new.csv", unseen="none")) == ROWS


def test_rows_where_a_value_is_missing(tmp_path: Path) -> None:
    """None has a prediction if such rows were left out of the training; if the mean stood for it, it does again."""
    table = columns()
    table["area"][[2, 5]] = np.nan
    path = write(tmp_path / "gaps.npz", table)
    whole = learned(houses(tmp_path), epochs=2).predictor
    with pytest.raises(DataError, match="row 2, column 'area': missing value"):
        whole.predict(path)
    dropped = learned(data.load(str(path), missing="drop"), epochs=2).predictor
    predicted = dropped.predict(path)
    assert list(np.flatnonzero(np.isnan(predicted))) == [2, 5]
    classes = learned(data.load(str(path), "city", missing="drop"), epochs=2).predictor
    assert list(np.flatnonzero(classes.predict(path) == "")) == [2, 5]
    filled = learned(data.load(str(path), missing="mean"), epochs=2).predictor
    mean = filled.encoder.columns[1].mean
    assert mean == pytest.approx(np.nanmean(table["area"]))
    np.testing.assert_array_equal(
        filled.predict(path)[[2, 5]],
        filled.predict(write(tmp_path / "full.npz", table | {"area": np.nan_to_num(table["area"], nan=mean)}))[[2, 5]],
    )


def test_training_stops_where_nothing_is_gained_and_takes_the_best_weights(tmp_path: Path) -> None:
    found = learned(houses(tmp_path), epochs=400, patience=3)
    assert found.best < found.epochs < 400 and found.epochs - found.best == 3
    same = learned(houses(tmp_path), epochs=400, patience=3)
    outputs = [one.predictor.outputs(tmp_path / "houses.csv") for one in (found, same)]
    np.testing.assert_array_equal(*outputs)
    assert learned(houses(tmp_path), epochs=5, patience=None).epochs == 5


def test_what_cannot_be_learned_says_so(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"loss has become infinite or NaN in epoch \d+; --lr should be smaller"):
        tabular.learn(
            houses(tmp_path), (6, 16, 1), lambda ps: tgi.optim.SGD(ps, 1e6), loss="mse", dtype="float32", epochs=50
        )
    with pytest.raises(ValueError, match=r"validation: 0.001 held out of 60 rows leaves a part empty"):
        learned(houses(tmp_path), validation=0.001)


def test_a_file_that_is_no_network_on_a_table(tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    tgi.save(path, tgi.nn.Linear(2, 1))
    with pytest.raises(tgi.LoadError, match="expected a network on a table"):
        tabular.load(path)
    tgi.save(path, {"a": tgi.tensor([1.0])})
    with pytest.raises(tgi.LoadError, match="expected a network on a table"):
        tabular.load(path)


WRONG: list[Any] = [None, 0, -1, 1e308, "", "x", [], {}, True, [0], {"!": "float", "of": "nan"}]


def changed(said: Any, rng: random.Random) -> Any:
    """JSON with something else in one place."""
    if isinstance(said, dict | list) and said and rng.random() < 0.85:
        key = rng.choice(list(said) if isinstance(said, dict) else range(len(said)))
        found = dict(said) if isinstance(said, dict) else list(said)
        found[key] = changed(said[key], rng)
        return found
    return rng.choice(WRONG)


@pytest.mark.parametrize("target", ["price", "city"])
def test_whatever_stands_in_the_file_it_is_a_network_or_one_sentence(target: str, tmp_path: Path) -> None:
    learned(houses(tmp_path, target, "indicator"), epochs=1).predictor.save(tmp_path / "m.safetensors")
    raw = (tmp_path / "m.safetensors").read_bytes()
    (size,) = struct.unpack("<Q", raw[:8])
    header, rng, refused = json.loads(raw[8 : 8 + size]), random.Random(0), 0
    for _ in range(150):
        said = json.loads(header["__metadata__"]["tinygrad_init"])
        said["metadata"] = changed(said["metadata"], rng)
        told = json.dumps(header | {"__metadata__": {"tinygrad_init": json.dumps(said)}}).encode()
        told += b" " * (-len(told) % 8)
        (tmp_path / "bad.safetensors").write_bytes(struct.pack("<Q", len(told)) + told + raw[8 + size :])
        try:
            tabular.load(tmp_path / "bad.safetensors").predict(tmp_path / "houses.csv")
        except ValueError as error:
            refused += "\n" not in str(error)
    assert refused > 75
