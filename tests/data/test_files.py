"""Files as people have them: any separator and decimal sign, classes or numbers to learn, columns that are none."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinygrad_init import data
from tinygrad_init.data import DataError, DataWarning
from tinygrad_init.data.numerals import DECIMALS, as_float
from tinygrad_init.data.tables import SEPARATORS
from tinygrad_init.data.targets import are_classes
from tinygrad_init.words import LANGUAGES

ROWS = [(0.5, 12.25, 3.0), (-1.5, 0.0, 4.75), (2.0, 1234.5, -0.125), (1e-7, 7.5, 2.5)]


def write(path: Path, text: str) -> str:
    path.write_text(text, encoding="utf-8")
    return str(path)


def table(rows: Any, separator: str = ",", decimal: str = ".", header: str = "a,b,y") -> str:
    lines = [separator.join(str(cell).replace(".", decimal) for cell in row) for row in rows]
    return "\n".join([header.replace(",", separator), *lines]) + "\n"


@pytest.mark.parametrize(
    ("separator", "decimal"), [(one, other) for one in SEPARATORS for other in DECIMALS if one != other]
)
def test_separator_and_decimal_sign_are_found(separator: str, decimal: str, tmp_path: Path) -> None:
    found = data.load(write(tmp_path / "a.csv", table(ROWS, separator, decimal)))
    np.testing.assert_array_equal(found.x, np.array(ROWS)[:, :2])
    np.testing.assert_array_equal(found.y, np.array(ROWS)[:, 2])
    said = data.load(str(tmp_path / "a.csv"), separator=separator, decimal=decimal)
    np.testing.assert_array_equal(said.x, found.x)


def test_quoted_decimal_commas_between_commas(tmp_path: Path) -> None:
    found = data.load(write(tmp_path / "a.csv", 'a,b,kind\n"1,5",2,"x;y"\n"2,25",3,"x;z"\n'))
    np.testing.assert_array_equal(found.x, [[1.5, 2], [2.25, 3]])
    assert found.classes == ("x;y", "x;z")


@pytest.mark.parametrize(
    ("cells", "decimal", "expected"),
    [
        (["1.234", "2.5"], None, [1.234, 2.5]),
        (["1.234", "2.345"], None, [1.234, 2.345]),
        (["1.234,5", "2.000"], None, [1234.5, 2000]),
        (["1,234.5", "2,000"], None, [1234.5, 2000]),
        (["1,234", "2,5"], None, [1.234, 2.5]),
        (["1,234", "2,345"], ",", [1.234, 2.345]),
        (["1,234", "2,345"], ".", [1234, 2345]),
        (["1.234.567", "3"], None, [1234567, 3]),
        (["-1,5e-3", "+2,5"], None, [-0.0015, 2.5]),
    ],
)
def test_decimal_signs(cells: list[str], decimal: str | None, expected: list[float], tmp_path: Path) -> None:
    text = "a;kind\n" + "".join(f"{cell};{kind}\n" for cell, kind in zip(cells, "xy", strict=True))
    found = data.load(write(tmp_path / "a.csv", text), decimal=decimal)
    np.testing.assert_allclose(found.x[:, 0], expected, rtol=1e-15)


@given(value=st.floats(-1e9, 1e9), decimal=st.sampled_from(DECIMALS))
def test_grouped_numbers_are_what_python_writes(value: float, decimal: str) -> None:
    for written in (f"{value!r}", f"{value:,.3f}", f"{value:.5f}"):
        english = float(written.replace(",", ""))
        if decimal == ",":
            written = written.translate(str.maketrans(".,", ",."))
        assert as_float(written, decimal) == english


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ("a;kind\n1,234;x\n2,345;y\n", {}, "row 2, column 'a': '1,234' may be 1234 or 1.234; say which by --decimal"),
        ("a,b;c,kind\n1,2;3,x\n1,5;4,y\n", {}, "',' and ';' both cut all rows into columns; say which by --separator"),
        ("a b\n1 2\n", {}, "row 1: expected at least one column of numbers and a target, got ['a b']; if another sign"),
        ("a;kind\n1,5;x\n2.5;y\n", {}, "row 2, column 'a': expected a number, got '1,5'"),
        ("a;kind\n1,5;x\n", {"decimal": "."}, "row 2, column 'a': expected a number, got '1,5'"),
        ("a;kind\n1.5;x\n", {"decimal": ","}, "row 2, column 'a': expected a number, got '1.5'"),
        ("a;kind\n1;x\n", {"decimal": "'"}, "expected . or , as a decimal sign"),
        ("a;kind\n1;x\n", {"separator": ";;"}, "expected one sign as a separator, got ';;'"),
        ("a;kind\n1;x\n2;y;z\n", {}, "row 3: expected 2 columns, got 3"),
        ("a;kind\n;x\n2;y\n", {}, "row 2, column 'a': missing value"),
        ("a,kind\n1,x\n", {"drop": ["b"]}, "no column 'b'; there is a, kind"),
        ("a,kind\n1,x\n", {"drop": ["a"]}, "no column is left beside the target 'kind'"),
        ("a,kind\n1,x\n", {"drop": ["kind"], "target": "kind"}, "'kind' is the target, and cannot be left out"),
        ("a,kind\n1,x\n", {"task": "guess"}, "expected a task out of auto, classification, regression; got 'guess'"),
        ("a,y\n1,x\n2,1.5\n", {"task": "regression"}, "row 2, column 'y': expected a number, got 'x'"),
        ("a,y\n1,2.5\n2,\n", {}, "row 3, column 'y': missing value"),
        ("a,y\n1,2.5\n2,3.5\n3,x\n", {}, "row 4, column 'y': expected a number, got 'x'"),
        ("a,y\n1,2.5\n2,inf\n", {}, "row 3, column 'y': expected a finite number, got 'inf'"),
        ("a,y\n1,2.5\n2,2.5\n", {}, "column 'y': all targets are 2.5: there is nothing to learn"),
        ("a,y\n1,1.5\n2,2.5\n3,3.5\n", {"task": "classification"}, "3 different values in 3 rows; expected the names"),
    ],
)
def test_what_is_ambiguous_or_wrong_is_one_line(
    text: str, options: dict[str, Any], message: str, tmp_path: Path
) -> None:
    file = write(tmp_path / "bad.csv", text)
    with pytest.raises(DataError) as error:
        data.load(file, **options)
    assert message in str(error.value) and "\n" not in str(error.value)


def test_a_separator_of_ones_own(tmp_path: Path) -> None:
    found = data.load(write(tmp_path / "a.csv", table(ROWS, " ")), separator=" ")
    np.testing.assert_array_equal(found.x, np.array(ROWS)[:, :2])
    assert data.load(write(tmp_path / "b.TSV", table(ROWS, "\t"))).x.shape == (4, 2)


def test_options_that_are_none_for_what_is_read(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=np.arange(6.0).reshape(3, 2), y=[0, 1, 0])
    for options in ({"separator": ";"}, {"decimal": ","}):
        with pytest.raises(DataError, match="can be chosen only for a text file"):
            data.load(str(tmp_path / "a.npz"), **options)
    for options in ({"separator": ";"}, {"decimal": ","}, {"target": "y"}, {"drop": ["x"]}):
        with pytest.raises(DataError, match="moons: .* can be chosen only for a file"):
            data.load("moons", **options)
    for name, task in (("moons", "regression"), ("plane", "classification")):
        with pytest.raises(DataError, match=f"{name}: is a .*, not a {task}"):
            data.load(name, task=task)
        assert data.load(name).task != task


class TestTask:
    @pytest.mark.parametrize(
        ("values", "classes"),
        [
            (np.arange(100) % 2, True),
            (np.arange(100) % 10, True),
            (np.arange(100) % 10 + 0.5, False),
            (np.linspace(0, 1, 50), False),
            (np.arange(50), False),  # each its own
            (np.arange(17, 90).repeat(5), False),  # ages
            (np.arange(100).repeat(10), True),  # a hundred classes, numbered
            (np.arange(1, 101).repeat(10), True),
            (np.arange(100).repeat(9), False),
            (np.array([1, 5, 70, 1, 5, 70]), True),
            (np.array([-1.0, 1.0]), True),
            (np.array([3.0, 4.0, 5.0]), False),
        ],
    )
    def test_numbers_are_classes_if_they_are_whole_and_few(self, values: Any, classes: bool, tmp_path: Path) -> None:
        assert are_classes(values) == classes
        assert are_classes(np.random.default_rng(0).permutation(values)) == classes
        x = np.random.default_rng(0).normal(size=(len(values), 1))
        np.savez(tmp_path / "a.npz", x=x, y=values)
        text = "a,y\n" + "".join(f"{a},{y}\n" for a, y in zip(x[:, 0], values, strict=True))
        for file in (str(tmp_path / "a.npz"), write(tmp_path / "a.csv", text)):
            found = data.load(file)
            assert (found.task == "classification") == bool(found.classes) == classes
            if not classes:
                assert found.y.dtype == np.float64
                np.testing.assert_array_equal(found.y, values)
            np.testing.assert_array_equal(data.load(file, task="regression").y, values)

    def test_text_is_classes(self, tmp_path: Path) -> None:
        file = write(tmp_path / "a.csv", "a,y\n1,low\n2,high\n3,low\n4,2.5\n5,high\n6,2.5\n")
        assert data.load(file).classes == ("2.5", "high", "low")
        np.savez(tmp_path / "a.npz", x=np.arange(3.0)[:, None], y=["1.5", "2.5", "3.5"])
        assert data.load(str(tmp_path / "a.npz")).task == "regression"

    def test_whole_numbers_may_be_said_to_be_either(self, tmp_path: Path) -> None:
        file = write(tmp_path / "a.csv", "a,y\n" + "".join(f"{i % 7},{i % 3 + 4}\n" for i in range(30)))
        assert data.load(file).classes == ("4", "5", "6")
        found = data.load(file, task="regression")
        assert found.classes == () and set(found.y) == {4.0, 5.0, 6.0}
        many = write(tmp_path / "b.csv", "a,y\n" + "".join(f"{i % 7},{i}\n" for i in range(30)))
        with pytest.raises(DataError, match="30 different values in 30 rows; .*; --task regression learns them"):
            data.load(many, task="classification")


def warned(file: str, **options: Any) -> list[DataWarning]:
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        data.load(file, **options)
    return [one.message for one in found if isinstance(one.message, DataWarning)]


NUMBERS = np.random.default_rng(0).normal(size=40).round(3)


def with_column(column: Any, path: Path) -> str:
    rows = zip(column, NUMBERS, strict=True)
    return write(path, "odd,fine,kind\n" + "".join(f"{a},{b},{'uv'[i % 2]}\n" for i, (a, b) in enumerate(rows)))


GOOD = np.random.default_rng(1).integers(0, 30, 40)


def marked(code: float, times: int = 2) -> Any:
    column = GOOD.astype(float).copy()
    column[:times] = code
    return column


class TestDoubts:
    @pytest.mark.parametrize(
        ("column", "message"),
        [
            (np.arange(40), "nothing but the number of the row"),
            (np.arange(1, 41), "nothing but the number of the row"),
            (np.arange(1000, 1040), "nothing but the number of the row"),
            (np.random.default_rng(2).permutation(40), "nothing but the number of the row"),
            (np.full(40, 7.5), "the same number in every row"),
            (marked(-999), "-999 stands there several times"),
            (marked(-9999.0), "-9999 stands there several times"),
            (marked(9999), "9999 stands there several times"),
            (marked(999), "999 stands there several times"),
            (marked(-1), "-1 stands there several times"),
        ],
        ids=str,
    )
    def test_columns_that_are_probably_no_features(self, column: Any, message: str, tmp_path: Path) -> None:
        file = with_column(column, tmp_path / "a.csv")
        (found,) = warned(file)
        assert f"column 'odd': {message}" in str(found) and "--drop odd" in str(found) and "\n" not in str(found)
        assert data.load(file, drop=["odd"]).x.shape == (40, 1)  # and no warning, which would be an error here
        for language in LANGUAGES:
            assert "--drop odd" in found.said.spoken(language)

    @pytest.mark.parametrize(
        "column",
        [
            GOOD,
            marked(-999, 1),  # once is chance
            marked(-1, 1),
            np.where(np.arange(40) % 2, 1, -1),  # signs
            np.arange(40) % 3 - 1,  # -1, 0 and 1 are grades
            np.where(np.arange(40) % 4, -1.0, NUMBERS),  # others are negative, too
            np.linspace(-1000, 1000, 40).round(-2),
            np.concatenate([[99, 99], np.linspace(0, 98, 38)]),  # not far away
            np.arange(0, 80, 2),
            np.arange(40)[::-1] * 0.5,
        ],
        ids=lambda column: str(column[:3]),
    )
    def test_others_are_not_questioned(self, column: Any, tmp_path: Path) -> None:
        assert warned(with_column(column, tmp_path / "a.csv")) == []

    def test_nothing_is_left_out_in_silence(self, tmp_path: Path) -> None:
        file = with_column(np.arange(40), tmp_path / "a.csv")
        with pytest.warns(DataWarning):
            np.testing.assert_array_equal(data.load(file).x, np.stack([np.arange(40), NUMBERS], axis=1))

    def test_each_kind_is_one_line_however_many_columns_there_are(self, tmp_path: Path) -> None:
        x = np.zeros((20, 12))
        x[:, 0], x[:, 1], x[:, 2] = np.arange(20), np.arange(20), np.random.default_rng(0).normal(size=20)
        np.savez(tmp_path / "a.npz", x=x, y=np.arange(20) % 2)
        index, still = warned(str(tmp_path / "a.npz"))
        assert "columns '0', '1': nothing but" in str(index) and "--drop 0 --drop 1" in str(index)
        assert "columns '3', '4', '5', '6', '7' and 4 more: the same number" in str(still)
        assert data.load(str(tmp_path / "a.npz"), drop=[str(i) for i in range(12) if i != 2]).x.shape == (20, 1)
        for wrong in ("12", "-1", "x", "9" * 5000):
            with pytest.raises(DataError, match="those of 'x' are numbered from 0 to 11"):
                data.load(str(tmp_path / "a.npz"), drop=[wrong])
        with pytest.raises(DataError, match="no column of 'x' is left"):
            data.load(str(tmp_path / "a.npz"), drop=[str(i) for i in range(12)])

    def test_numbers_to_be_learned_may_stand_for_none_too(self, tmp_path: Path) -> None:
        for code, said in ((-999, 1), (-1, 1), (15, 0)):
            y = marked(code) + (0.5 if code == 15 else 0)
            np.savez(tmp_path / "a.npz", x=NUMBERS[:, None], y=y)
            file = write(tmp_path / "a.csv", "a,y\n" + "".join(f"{a},{b}\n" for a, b in zip(NUMBERS, y, strict=True)))
            for name in (file, str(tmp_path / "a.npz")):
                found = warned(name, task="regression")
                assert len(found) == said
                assert all(f"target 'y': {code} stands there several times" in str(one) for one in found)

    def test_names_with_blanks_are_quoted_for_the_shell(self, tmp_path: Path) -> None:
        rows = "".join(f"{i},{value},{'uv'[i % 2]}\n" for i, value in enumerate(NUMBERS))
        (found,) = warned(write(tmp_path / "a.csv", "row number,b,kind\n" + rows))
        assert str(found).endswith("leave out with --drop 'row number'")

    @pytest.mark.parametrize(
        ("labels", "count", "named"),
        [
            (("Yes", "yes ", "no"), 3, ("'Yes'", "'yes '")),
            (("yes", "yes ", "no"), 2, ("'yes'", "'yes '")),
            (("very good", "Very  Good", "no"), 3, ("'very good'", "'Very  Good'")),
            (("1", "1.0", "2"), 3, ("'1'", "'1.0'")),
        ],
    )
    def test_classes_that_may_be_one_are_questioned(
        self, labels: tuple[str, ...], count: int, named: tuple[str, ...], tmp_path: Path
    ) -> None:
        kinds = [labels[i % 3] for i in range(30)]
        text = "a,kind\n" + "".join(f"{i % 7},{kind}\n" for i, kind in enumerate(kinds))
        np.savez(tmp_path / "a.npz", x=np.arange(30.0)[:, None] % 7, y=kinds)
        for file in (write(tmp_path / "a.csv", text), str(tmp_path / "a.npz")):
            (found,) = warned(file, task="classification")
            assert all(name in str(found) for name in named) and "\n" not in str(found)
            with pytest.warns(DataWarning, match="one class" if count == 2 else "as 2 classes"):
                assert len(data.load(file, task="classification").classes) == count

    def test_blanks_after_every_comma_are_a_way_to_write(self, tmp_path: Path) -> None:
        text = "a, kind\n" + "".join(f"{i % 7}, {'yes' if i % 2 else 'no'}\n" for i in range(30))
        assert data.load(write(tmp_path / "a.csv", text)).classes == ("no", "yes")
