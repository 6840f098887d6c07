"""Columns as numbers: what scikit-learn and pandas make of them, every time alike, and kept as plain values."""

from __future__ import annotations

import datetime
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinygrad_init import data
from tinygrad_init.data import DataError, DataWarning, Encoder, Frame
from tinygrad_init.data.frames import Column
from tinygrad_init.data.spelling import kind_of, time

HOURS, SECOND = datetime.timedelta(hours=23), datetime.timedelta(seconds=1)
# Python's own `fromisoformat` takes no notice of offsets of less than a second.
OFFSETS = st.timedeltas(-HOURS, HOURS).filter(lambda offset: not offset or abs(offset) >= SECOND)
CITIES = np.array(["Oslo", "Bergen", "", "Tromsø", "Oslo", ""], dtype=object)
AREAS = np.array([1.5, np.nan, 3.0, np.nan, 10.0, 0.5])
WHEN = np.array(["2024-03-01", "2024-01-31T12:00", "NaT", "2024-02-29", "2024-03-01", "2025-01-01"], "datetime64[us]")


def frame(**columns: Any) -> Frame:
    kinds = {"O": "text", "f": "number", "i": "number", "b": "boolean", "M": "time"}
    found = {}
    for name, values in columns.items():
        values = np.asarray(values)
        gone = (
            values == ""
            if values.dtype == object
            else np.isnat(values)
            if values.dtype.kind == "M"
            else values != values
        )
        found[name] = Column(kinds[values.dtype.kind], values, np.asarray(gone, bool))
    return Frame("table", found)


def csv(path: Path, text: str) -> Frame:
    path.write_text(text, encoding="utf-8")
    return data.read(path)


def test_as_scikit_learn_encodes() -> None:
    pytest.importorskip("sklearn", reason="scikit-learn is not installed")
    from sklearn.impute import SimpleImputer
    from sklearn.preprocessing import OneHotEncoder

    found = Encoder("indicator").fit_transform(frame(city=CITIES, area=AREAS))
    hot = OneHotEncoder(handle_unknown="ignore", sparse_output=False, categories=[["Bergen", "Oslo", "Tromsø"]])
    np.testing.assert_array_equal(found[:, :3], hot.fit_transform(CITIES[:, None]))
    np.testing.assert_array_equal(found[:, 3], CITIES == "")
    np.testing.assert_allclose(
        found[:, 4:], SimpleImputer(add_indicator=True).fit_transform(AREAS[:, None]), rtol=1e-15
    )
    plain = Encoder("mean").fit_transform(frame(city=CITIES, area=AREAS))
    np.testing.assert_array_equal(plain, found[:, [0, 1, 2, 4]])


def test_as_pandas_encodes() -> None:
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    table = pandas.DataFrame({"city": CITIES, "when": WHEN})
    found = Encoder("mean").fit_transform(frame(city=CITIES, when=WHEN))
    dummies = pandas.get_dummies(table.city.replace("", None), dtype=float)
    np.testing.assert_array_equal(found[:, :3], dummies.to_numpy())
    days = (table.when - table.when.min().normalize()) / pandas.Timedelta(days=1)
    np.testing.assert_allclose(found[:, 3], days.fillna(days.mean()), rtol=1e-15)


def test_the_same_is_done_to_other_tables() -> None:
    """By the mean and the days of the first, in the order of its columns."""
    encoder = Encoder("mean").fit(frame(area=AREAS, when=WHEN, lift=np.array([True, False] * 3)))
    other = frame(more=[1.0], lift=[True], when=np.array(["2024-01-31"], "datetime64[us]"), area=[np.nan])
    np.testing.assert_allclose(encoder.transform(other), [[np.nanmean(AREAS), 0, 1]], rtol=1e-15)
    assert encoder.columns[1].origin == "2024-01-31"


def test_what_was_found_is_kept_as_plain_values() -> None:
    table = frame(city=CITIES, area=AREAS, when=WHEN)
    encoder = Encoder("indicator").fit(table)
    again = Encoder.from_dict(json.loads(json.dumps(encoder.to_dict())))
    assert again.columns == encoder.columns and again.features == encoder.features
    np.testing.assert_array_equal(again.transform(table), encoder.transform(table))


@pytest.mark.parametrize(
    "change",
    [
        {"columns": []},
        {"columns": None},
        {"columns": [{"name": "a"}]},
        {"missing": "guess"},
        *({"columns": [{"name": "a", "kind": "number", "values": []} | wrong]} for wrong in (
            {"kind": "other"}, {"kind": 3}, {"name": 3}, {"values": [3]}, {"mean": "x"}, {"mean": float("nan")},
            {"indicator": 1}, {"kind": "time", "origin": "yesterday"}, {"kind": "time"}, {"more": 1}, {"values": 3},
        )),
        {"columns": [{"name": "a", "kind": "number", "values": []}] * 2},
        {"other": 1, "columns": 3},
    ],
)  # fmt: skip
def test_what_may_come_from_anywhere_is_looked_at(change: dict[str, Any]) -> None:
    good = {"missing": "refuse", "columns": [{"name": "a", "kind": "number", "values": []}]}
    assert Encoder.from_dict(good).features == ["a"]
    with pytest.raises(DataError):
        Encoder.from_dict(good | change)


def test_categories_that_were_not_there() -> None:
    encoder = Encoder().fit(frame(city=np.array(["u", "v"] * 3, dtype=object)))
    other = frame(city=np.array(["v", "w", "u", "w", "x"], dtype=object))
    with pytest.raises(DataError, match=r"row 1, column 'city': 'w' is no category .* 'u', 'v'; --unseen none"):
        encoder.transform(other)
    with pytest.warns(DataWarning, match="column 'city': 'w', 'x' in 3 rows is no category"):
        found = encoder.transform(other, unseen="none")
    np.testing.assert_array_equal(found, [[0, 1], [0, 0], [1, 0], [0, 0], [0, 0]])


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"b": [1.0]}, "no column 'a', which the network was trained on; there is b"),
        ({"a": np.array(["x"], dtype=object)}, "row 0, column 'a': expected a number, got 'x'"),
        ({"a": np.array(["2024-01-01"], "datetime64[us]")}, "column 'a': expected numbers, got dates"),
        ({"a": [np.nan]}, "row 0, column 'a': missing value"),
        ({"a": [np.inf]}, "row 0, column 'a': expected a finite number, got inf"),
    ],
)
def test_what_does_not_fit_the_first_table(columns: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        Encoder().fit(frame(a=[1.0, 2.0])).transform(frame(**columns))


def test_a_category_may_be_a_number_and_a_truth_value_too() -> None:
    encoder = Encoder(categories=["zip"]).fit(frame(zip=[150.0, 5003.0], lift=[True, False]))
    assert encoder.features == ["zip=150", "zip=5003", "lift"]
    np.testing.assert_array_equal(encoder.transform(frame(zip=[5003.0], lift=[1.0])), [[0, 1, 1]])
    with pytest.raises(DataError, match="column 'lift': expected true or false, or 1 or 0, got 2"):
        encoder.transform(frame(zip=[5003.0], lift=[2.0]))


def test_the_first_of_several_rows_is_told_whatever_the_column() -> None:
    table = frame(a=[1.0, 2.0, np.nan], b=[1.0, np.nan, 2.0], c=np.array(["u", "v", ""], dtype=object))
    with pytest.raises(DataError, match="row 1, column 'b': missing value"):
        Encoder().fit(table)


class TestTexts:
    @pytest.mark.parametrize(
        ("cells", "kind"),
        [
            (["1", "2.5", ""], "number"),
            (["1", "x"], "number"),  # the other is a mistake
            (["1", "x", "y"], "text"),
            (["true", "False", "NA"], "boolean"),
            (["Yes", "no"], "boolean"),
            (["yes", "maybe"], "text"),
            (["2024-01-01", "2024-02-29T10:30:00+02:00", ""], "time"),
            (["2024-01-01", "2024-02-30"], "text"),
            (["20240101", "20240102"], "number"),
            (["", "NA"], "number"),
        ],
    )
    def test_what_the_cells_of_a_file_mostly_are(self, cells: list[str], kind: str) -> None:
        assert kind_of(np.array(cells, dtype=object), True) == kind

    def test_in_a_file(self, tmp_path: Path) -> None:
        table = csv(tmp_path / "a.csv", "lift;area;when;city\nyes;1,5;2024-01-02;u\nno;2;2024-01-01;v\n;;;\n")
        found = Encoder("indicator").fit_transform(table)
        expected = [[1, 0, 1.5, 0, 1, 0, 1, 0, 0], [0, 0, 2, 0, 0, 0, 0, 1, 0], [0.5, 1, 1.75, 1, 0.5, 1, 0, 0, 1]]
        np.testing.assert_array_equal(found, expected)

    @given(st.datetimes(timezones=st.none() | OFFSETS.map(datetime.timezone)))
    def test_times_are_those_of_python(self, moment: Any) -> None:
        """With an offset, the instant in UTC."""
        offset = moment.utcoffset()
        try:
            plain = moment.replace(tzinfo=None) - offset if offset is not None else moment
        except OverflowError:
            assert time(moment.isoformat()) is None
            return
        assert time(moment.isoformat()) == np.datetime64(plain, "us")


def test_rows_in_which_something_is_missing_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("a,c,y\n1,u,0\n,v,1\n2,,0\n3,v,1\n4,u,\n6,u,0\n")
    found = data.load(str(path), missing="drop")
    assert found.dropped == 3 and found.classes == ("0", "1")
    np.testing.assert_array_equal(found.x, [[1, 1, 0], [3, 0, 1], [6, 1, 0]])
    path.write_text("a,c,y\n1,u,0\n,v,1\nx,u,1\n2,u,0\n")
    with pytest.raises(DataError, match="row 4, column 'a': expected a number, got 'x'"):  # rows keep their numbers
        data.load(str(path), missing="drop")
