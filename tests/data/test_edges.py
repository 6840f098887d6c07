"""Where a rule for files begins and ends: what is one of many, one too few, or the first of several."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinygrad_init import data
from tinygrad_init.data import DataError, DataWarning, columns
from tinygrad_init.data.numerals import number
from tinygrad_init.data.targets import are_classes

from ..records import changeable


def write(path: Path, text: str) -> str:
    path.write_text(text, encoding="utf-8")
    return str(path)


def archive(path: Path, y: Any, x: Any = None) -> str:
    np.savez(path, x=np.arange(len(y))[:, None] ** 2 % 7.0 if x is None else x, y=y)
    return str(path)


def test_records_are_values() -> None:
    assert changeable("tinygrad_init.data") == set()


class TestClasses:
    @given(whole=st.integers(-5, 5), part=st.floats(0.01, 0.99))
    def test_a_single_fraction_makes_numbers_of_all(self, whole: int, part: float) -> None:
        assert not are_classes(np.array([0.0, 1.0] * 10 + [whole + part]))

    @pytest.mark.parametrize(("kinds", "expected"), [(20, True), (21, False)])
    def test_so_many_numbers_in_no_order_are_classes(self, kinds: int, expected: bool) -> None:
        assert are_classes(np.repeat(3 * np.arange(kinds), 50)) == expected
        assert are_classes(np.repeat(np.arange(kinds), 50)), "numbered from 0"
        assert are_classes(np.repeat(np.arange(kinds) + 2, 50)) == expected, "from no 0 and no 1"
        gap = np.where(np.arange(kinds) == kinds - 1, kinds, np.arange(kinds))
        assert are_classes(np.repeat(gap, 50)) == expected, "numbered with a gap"

    @pytest.mark.parametrize("extra", [0, 1])
    def test_three_and_more_classes_come_up_twice_on_average(self, extra: int) -> None:
        kinds = np.array([0, 5, 9])
        assert are_classes(np.concatenate([kinds, kinds])[: 6 - extra]) == (extra == 0)

    @pytest.mark.parametrize(
        ("y", "names"),
        [
            (np.array([3.0, 1.0, 3.0]), ("1", "3")),
            (np.array([True, False, True]), ("False", "True")),
            (np.array([10, 9, 10], np.uint8), ("9", "10")),
            (np.array([2**53 - 1, 0, 0], np.int64), ("0", str(2**53 - 1))),
        ],
    )
    def test_names_of_classes_are_written_as_whole_numbers(
        self, y: Any, names: tuple[str, ...], tmp_path: Path
    ) -> None:
        found = data.load(archive(tmp_path / "a.npz", y))
        assert found.classes == names
        assert [found.classes[i] for i in found.y] == [str(v) if y.dtype.kind != "f" else str(int(v)) for v in y]

    @pytest.mark.parametrize("wrong", [0.25, 0.75, 1.5, 2.5, 2.0**53, -(2.0**53), np.inf])
    def test_what_is_no_class_number_is_named_with_its_row(self, wrong: float, tmp_path: Path) -> None:
        file = archive(tmp_path / "a.npz", np.array([0.0, 1.0, wrong, 0.0, 1.0, 0.5]))
        with pytest.raises(DataError, match=f"array 'y', row 2: expected a class, got {wrong}"):
            data.load(file, task="classification")

    @pytest.mark.parametrize(("numbers", "classes"), [(2, True), (3, False)])
    def test_a_text_among_more_numbers_is_a_mistake(self, numbers: int, classes: bool, tmp_path: Path) -> None:
        """Where at least half are texts all are classes."""
        rows = [*["0.5", "1.5", "2.5"][:numbers], "low", "high"]
        file = write(tmp_path / "a.csv", "a,y\n" + "".join(f"{i % 3},{y}\n" for i, y in enumerate(rows * 2)))
        if classes:
            assert data.load(file).classes == ("0.5", "1.5", "high", "low")
        else:
            with pytest.raises(DataError, match="row 5, column 'y': expected a number, got 'low'"):
                data.load(file)

    @pytest.mark.parametrize(("rows", "fits"), [(5, False), (6, True)])
    def test_names_of_three_classes_come_up_twice_on_average(self, rows: int, fits: bool, tmp_path: Path) -> None:
        file = write(tmp_path / "a.csv", "a,y\n" + "".join(f"{i % 2},{'uvw'[i % 3]}\n" for i in range(rows)))
        if fits:
            assert data.load(file).classes == ("u", "v", "w")
        else:
            with pytest.raises(DataError, match="3 different values in 5 rows"):
                data.load(file)


class TestTheFirstOfSeveral:
    @pytest.mark.parametrize(
        ("bad", "said"), [(np.nan, "missing value"), (np.inf, "a finite number, got inf"), (1e101, "too large")]
    )
    def test_in_an_archive(self, bad: float, said: str, tmp_path: Path) -> None:
        x = np.arange(12.0).reshape(4, 3) % 5
        x[1, 2] = x[2, 0] = x[3, 1] = bad
        with pytest.raises(DataError, match=f"array 'x', row 1, column 2: .*{said}"):
            data.load(archive(tmp_path / "x.npz", np.arange(4) % 2, x))
        with pytest.raises(DataError, match=f"array 'x', row 1, column 2: .*{said}"):
            data.load(archive(tmp_path / "x.npz", np.arange(4) % 2, x), drop=["0"])
        with pytest.raises(DataError, match=f"array 'y', row 1: .*{said}"):
            data.load(archive(tmp_path / "y.npz", np.array([0.5, bad, 1.5, bad])))

    def test_in_a_text(self, tmp_path: Path) -> None:
        file = write(tmp_path / "a.csv", "a,b,y\n1,2,0\n1,,1\n,2,1\n")
        with pytest.raises(DataError, match="row 3, column 'b': missing value"):
            data.load(file)


class TestSizes:
    @pytest.mark.parametrize(("text", "fits"), [("1e100", True), ("-1e100", True), ("1.1e100", False)])
    def test_the_largest_number(self, text: str, fits: bool, tmp_path: Path) -> None:
        x = np.array([[0.0], [float(text)], [1.0]])
        if fits:
            assert number("here", text) == float(text)
            assert data.load(archive(tmp_path / "a.npz", np.array([0, 1, 0]), x)).x[1, 0] == float(text)
            assert data.load(archive(tmp_path / "b.npz", x[:, 0] + 0.5)).y[1] == float(text)
        else:
            for load in (
                lambda: number("here", text),
                lambda: data.load(archive(tmp_path / "a.npz", np.array([0, 1, 0]), x)),
                lambda: data.load(archive(tmp_path / "b.npz", x[:, 0] + 0.5)),
            ):
                with pytest.raises(DataError, match="is too large: float32 ends"):
                    load()

    def test_long_texts_are_cut(self) -> None:
        with pytest.raises(DataError, match=f"got '{40 * 'x'}'$"):
            number("here", 40 * "x")
        with pytest.raises(DataError, match=f"got '{40 * 'x'}…'$"):
            number("here", 41 * "x")

    @pytest.mark.parametrize("count", [20, 21])
    def test_so_many_columns_are_named(self, count: int, tmp_path: Path) -> None:
        names = [f"c{i}" for i in range(count)]
        row = ",".join("1" for _ in names)
        file = write(tmp_path / "a.csv", f"{','.join(names)}\n{row}\n{row}\n")
        with pytest.raises(DataError) as error:
            data.load(file, "☃")
        shown = str(error.value).partition("there is ")[2]
        assert shown == ", ".join(names[:20]) + (", …" if count > 20 else "")


def test_a_quote_that_does_not_end_is_told_by_its_row(tmp_path: Path) -> None:
    """And not by another separator, of which nobody has thought."""
    with pytest.raises(DataError, match="row 2: unexpected end of data"):
        data.load(write(tmp_path / "a.csv", 'a,y\n1,"0\n'))
    with pytest.raises(DataError, match="row 2: .* expected after"):
        data.load(write(tmp_path / "a.csv", 'a;y\n1;"0"x\n'))


def test_without_any_column_there_is_no_target(tmp_path: Path) -> None:
    file = write(tmp_path / "a.csv", "a,b,kind\n1,2,x\n2,1,y\n")
    with pytest.raises(DataError, match="column 'kind' is the target, and cannot be left out"):
        data.load(file, drop=["a", "b", "kind"])
    assert data.load(file, drop=["b"]).classes == ("x", "y")


class TestDoubts:
    @pytest.mark.parametrize("rows", [9, 10])
    def test_of_fewer_than_ten_rows_nothing_is_doubted(self, rows: int) -> None:
        still, index = np.full(rows, 3.0), np.arange(rows) + 1.0
        x = np.stack([index, still], axis=1)
        assert [key for key, _, _ in columns.doubts(x)] == (["data.index", "data.constant"] if rows == 10 else [])
        y = np.where(np.arange(rows) < 2, 999.0, index % 5 + 0.5)
        with warnings.catch_warnings(record=True) as found:
            warnings.simplefilter("always")
            columns.question_target("file", "y", y)
        assert len(found) == (rows == 10)
        assert all(isinstance(one.message, DataWarning) for one in found)

    @pytest.mark.parametrize(("others", "doubted"), [(3, False), (4, True)])
    def test_minus_one_beside_a_few_grades_is_a_grade(self, others: int, doubted: bool) -> None:
        values = np.concatenate([[-1.0, -1.0], np.repeat(np.arange(others), 3)])
        assert columns.stands_for_missing(values, -1.0) == doubted

    @pytest.mark.parametrize("code", [99.0, -99.0, 999.0, -9999.0, 99999.0, -999999.0])
    def test_a_code_lies_farther_away_than_the_others_from_each_other(self, code: float) -> None:
        far = abs(code)
        near = np.sign(code) * np.linspace(0.1 * far, 0.5 * far, 10)  # 0.5 away, 0.4 wide
        wide = np.sign(code) * np.linspace(-0.1 * far, 0.5 * far, 10)  # 0.5 away, 0.6 wide
        for values, expected in ((near, True), (wide, False)):
            column = np.concatenate([[code, code], values])
            assert columns.stands_for_missing(column, code) == expected
            found = [value for key, _, value in columns.doubts(column[:, None]) if key == "data.code"]
            assert found == ([code] if expected else [])
        assert not columns.stands_for_missing(np.full(12, code), code), "nothing but it"

    @pytest.mark.parametrize(("count", "more"), [(5, ""), (6, " and 1 more")])
    def test_five_columns_are_named(self, count: int, more: str) -> None:
        names = [f"c{i}" for i in range(count)]
        assert str(columns.named(names)) == "columns " + ", ".join(f"'{name}'" for name in names[:5]) + more
        with pytest.warns(DataWarning) as found:
            columns.question("file", names, np.ones((10, count)))
        assert str(found[0].message).count("--drop") == 5

    @pytest.mark.parametrize(("first", "counts"), [(0, True), (1, True), (2, False), (-1, False)])
    def test_numbers_of_rows_in_another_order_begin_with_0_or_1(self, first: int, counts: bool) -> None:
        shuffled = np.random.default_rng(0).permutation(12) + first
        assert columns.counts_rows(shuffled) == counts
        assert columns.counts_rows(np.sort(shuffled)), "in order it may begin anywhere"
        assert not columns.counts_rows(np.where(shuffled == first + 11, first + 12, shuffled)), "with a gap"
