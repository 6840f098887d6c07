"""Tables in every format: what comes out is the same, what is wrong is one line, whatever the bytes are."""

from __future__ import annotations

import datetime
import decimal
import random
import sqlite3
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tinygrad_init import data
from tinygrad_init.data import DataError, DataWarning

from ..tables import OF_ARROW, ROWS, SUFFIXES, columns, damaged, write, write_arrow

HALF = ROWS // 2
NUMBERS = np.random.default_rng(3).normal(size=ROWS)
KINDS = np.arange(ROWS) % 2


@pytest.fixture(scope="module")
def houses(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the table in each format that can be written here."""
    folder = tmp_path_factory.mktemp("houses")
    for suffix in SUFFIXES:
        try:
            write(folder / f"houses.{suffix}", columns())
        except ImportError:
            assert suffix in OF_ARROW
    return folder


def found(path: Path) -> str:
    if not path.exists():
        pytest.skip("pyarrow is not installed")
    return str(path)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_every_format_gives_the_same_numbers(suffix: str, houses: Path) -> None:
    table = columns()
    read = data.load(found(houses / f"houses.{suffix}"))
    first = table["built"].min()
    expected = np.column_stack(
        [
            *(table["city"] == city for city in ("Bergen", "Oslo", "Tromsø")),
            table["area"],
            table["lift"],
            (table["built"] - first) / np.timedelta64(1, "D"),
        ]
    )
    np.testing.assert_array_equal(read.x, expected)
    np.testing.assert_array_equal(read.y, table["price"])
    assert read.encoder is not None and read.target == "price"
    assert read.encoder.features == ["city=Bergen", "city=Oslo", "city=Tromsø", "area", "lift", "built"]
    assert read.encoder.columns[-1].origin == str(first)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_what_was_found_of_one_format_holds_for_the_others(suffix: str, houses: Path) -> None:
    """Also where columns stand in another order, and there are more of them."""
    encoder = data.load(str(houses / "houses.csv")).encoder
    assert encoder is not None
    frame = data.read(found(houses / f"houses.{suffix}"))
    turned = data.Frame("turned", dict(reversed(frame.columns.items())))
    np.testing.assert_array_equal(encoder.transform(turned), data.load(str(houses / "houses.csv")).x)


@pytest.mark.parametrize("library", ["pandas", "polars", "duckdb", "pyarrow"])
def test_tables_of_other_libraries(library: str, houses: Path) -> None:
    pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    other = pytest.importorskip(library, reason=f"{library} is not installed")
    path = str(houses / "houses.parquet")
    make = {
        "pandas": lambda: other.read_parquet(path).iloc[::-1].iloc[::-1],  # with an index that is no column
        "polars": lambda: other.read_parquet(path),
        "duckdb": lambda: other.read_parquet(path),
        "pyarrow": lambda: __import__("pyarrow.parquet").parquet.read_table(path),
    }
    frame = data.read(make[library]())
    assert list(frame.columns) == list(columns())
    np.testing.assert_array_equal(data.Encoder().fit_transform(frame), data.Encoder().fit_transform(data.read(path)))


def load(path: Path, table: dict[str, Any], **options: Any) -> data.Dataset:
    pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    write_arrow(path, table)
    return data.load(str(path), **options)


SQUARES, NINES = np.arange(ROWS) ** 2, np.arange(ROWS) % 9
DAY, NOON = datetime.timedelta(days=1), datetime.datetime(2024, 1, 1, 12, tzinfo=datetime.UTC)
DAYS = [datetime.date(2024, 1, 1) + datetime.timedelta(days=int(i)) for i in np.arange(ROWS) * 7 % 31]


@pytest.mark.parametrize(
    ("kind", "values", "expected"),
    [
        (lambda pa: pa.decimal128(9, 2), [decimal.Decimal(f"{i * i}.25") for i in range(ROWS)], SQUARES + 0.25),
        (lambda pa: pa.decimal256(60, 2), [decimal.Decimal(f"{i * i}.25") for i in range(ROWS)], SQUARES + 0.25),
        (lambda pa: pa.uint64(), [2**64 - 1, 2**62 - 1] * HALF, [2.0**64, 2.0**62] * HALF),
        (lambda pa: pa.int8(), list(range(-9, 51)), np.arange(-9, 51)),
        (lambda pa: pa.float16(), [np.float16(0.5), np.float16(2)] * HALF, [0.5, 2] * HALF),
        (lambda pa: pa.date64(), DAYS, [(day - min(DAYS)).days for day in DAYS]),
        (lambda pa: pa.time32("s"), [datetime.time(i % 24) for i in range(ROWS)], np.arange(ROWS) % 24 / 24),
        (lambda pa: pa.duration("ms"), [datetime.timedelta(hours=i * i) for i in range(ROWS)], SQUARES / 24),
        (
            lambda pa: pa.timestamp("ns", "Europe/Oslo"),
            [NOON + (i % 9) * DAY for i in range(ROWS)],
            np.arange(ROWS) % 9 + 0.5,
        ),
        (lambda pa: pa.dictionary(pa.int32(), pa.int64()), [3, 7] * HALF, [3, 7] * HALF),
    ],
)
def test_types_of_arrow(kind: Any, values: list[Any], expected: Any, tmp_path: Path) -> None:
    arrow = pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    type_ = kind(arrow)
    encoded = arrow.types.is_dictionary(type_)
    a = arrow.array(values).dictionary_encode() if encoded else arrow.array(values, type_)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)  # of numbers that count rows
        np.testing.assert_allclose(load(tmp_path / "a.parquet", {"a": a, "y": KINDS}).x[:, 0], expected, rtol=1e-15)


@pytest.mark.parametrize(
    ("a", "options", "message"),
    [
        ([[1, 2]] * ROWS, {}, "column 'a': expected numbers, truth values, texts or dates, got list<"),
        ([{"u": 1}] * ROWS, {}, "column 'a': expected numbers, truth values, texts or dates, got struct<"),
        ([b"x"] * ROWS, {}, "got binary; leave it out with --drop"),
        ([None] * ROWS, {"missing": "mean"}, "column 'a': every value is missing; leave it out with --drop"),
        ([None] * ROWS, {"missing": "drop"}, "in every row a value is missing; leave out with --drop a"),
        ([1.5, None] * HALF, {}, "row 1, column 'a': missing value; --missing mean, indicator or drop"),
        ([None, "u"] * HALF, {}, "row 0, column 'a': missing value; --missing mean, indicator or drop"),
        ([float("inf")] * ROWS, {}, "row 0, column 'a': expected a finite number, got inf"),
        (
            [f"u{i}" for i in range(101)],
            {},
            "101 different texts, such as 'u0'; at most 100 become columns",
        ),
        (DAYS, {"target": "a"}, "column 'a': expected classes or numbers to be learned, got dates"),
        ([None, 1] * HALF, {"target": "a"}, "row 0, column 'a': missing value"),
        ([1] * ROWS, {"target": "a"}, "column 'a': only one class, '1'"),
        ([1] * ROWS, {"categories": ["b"]}, "no column 'b'; there is a, y"),
        ([1] * ROWS, {"missing": "guess"}, "where a value is missing, refuse, mean, indicator, drop; got 'guess'"),
        ([1] * ROWS, {"query": "SELECT 1"}, "a query can be chosen only for a database"),
        ([1] * ROWS, {"array": "x"}, "an array can be chosen only for an archive"),
    ],
)
def test_what_cannot_be_learned_is_one_line(
    a: list[Any], options: dict[str, Any], message: str, tmp_path: Path
) -> None:
    with pytest.raises(DataError) as error:
        load(tmp_path / "bad.parquet", {"a": a, "y": np.arange(len(a)) % 2}, **options)
    assert (message in str(error.value) and "bad.parquet" in str(error.value)) or "missing" in options
    assert "\n" not in str(error.value)


def test_columns_that_are_no_use_can_be_left_out(tmp_path: Path) -> None:
    table = {"a": [[1, 2]] * ROWS, "b": NUMBERS, "c": [b"x"] * ROWS, "y": KINDS}
    np.testing.assert_array_equal(load(tmp_path / "a.parquet", table, drop=["a", "c"]).x[:, 0], NUMBERS)


def test_texts_without_a_use_are_questioned(tmp_path: Path) -> None:
    table = {
        "id": [f"u{i}" for i in range(ROWS)],
        "same": ["z"] * ROWS,
        "flag": [True] * ROWS,
        "b": NUMBERS,
        "y": KINDS,
    }
    with pytest.warns(DataWarning) as told:
        load(tmp_path / "a.parquet", table)
    same, names = (str(one.message) for one in told)
    assert "columns 'same', 'flag': the same value in every row" in same and "--drop same --drop flag" in same
    assert "column 'id': another text in nearly every row" in names and "--drop id" in names


def test_without_pyarrow_it_is_said_how_it_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(DataError, match=r"pip install 'tinygrad_init\[tables\]'"):
        data.read("houses.parquet")


class TestDatabases:
    @pytest.fixture
    def path(self, tmp_path: Path) -> Path:
        path = write(tmp_path / "a.db", {"a": np.arange(ROWS) ** 2, "y": KINDS})
        link = sqlite3.connect(path)
        link.execute("CREATE TABLE other (blob, mixed, y)")
        link.executemany(
            "INSERT INTO other VALUES (?, ?, ?)", [(b"q", "u" if i % 3 else 7, i % 2) for i in range(ROWS)]
        )
        link.commit()
        link.close()
        return path

    def test_what_a_query_finds(self, path: Path) -> None:
        read = data.load(str(path), query="SELECT a + 0.5 AS half, y FROM houses WHERE a > 4")
        np.testing.assert_array_equal(read.x[:, 0], np.arange(3, ROWS) ** 2 + 0.5)
        counted = (
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 30) SELECT i * i, i % 2 FROM n"
        )
        assert data.load(str(path), query=counted).x.shape == (30, 1)
        assert data.load(str(path), query="SELECT mixed, y FROM other").x.shape == (ROWS, 2)

    @pytest.mark.parametrize(
        ("query", "message"),
        [
            (None, 'expected one table, there is houses, other; say what is read by --query "SELECT'),
            ("", "expected a SELECT, got ''"),
            ("SELECT none FROM houses", "no such column: none"),
            ("SELECT * FROM nowhere", "no such table: nowhere"),
            ("SELECT FROM", "syntax error"),
            ("SELECT a, y FROM houses; SELECT 1", "one statement at a time"),
            ("SELECT a, y FROM houses WHERE 0", "no rows"),
            ("SELECT a, a, y FROM houses", "two columns are named 'a'"),
            ("SELECT a FROM houses", "no column is left beside the target 'a'"),
            ("SELECT blob, y FROM other", "column 'blob': expected numbers, truth values, texts or dates, got BLOB"),
            *(
                (query, "expected a SELECT, which changes nothing")
                for query in (
                    "DELETE FROM houses",
                    "DROP TABLE houses",
                    "INSERT INTO houses VALUES (1, 2)",
                    "CREATE TABLE more (a)",
                    "ATTACH 'other.db' AS other",
                    "PRAGMA writable_schema = 1",
                    "VACUUM",
                    "SELECT load_extension('x'), y FROM houses",
                )
            ),
        ],
    )
    def test_what_is_refused(self, query: str | None, message: str, path: Path) -> None:
        before = path.read_bytes()
        with pytest.raises(DataError) as error:
            data.load(str(path), query=query)
        assert message in str(error.value) and "\n" not in str(error.value)
        assert path.read_bytes() == before and [*path.parent.iterdir()] == [path]

    def test_what_is_no_database(self, tmp_path: Path) -> None:
        for raw, message in ((b"", "expected a database"), (b"SQLite format 3\0" + bytes(90), "not a database")):
            (tmp_path / "b.db").write_bytes(raw)
            with pytest.raises(DataError, match=message):
                data.load(str(tmp_path / "b.db"))
        with pytest.raises(DataError, match="No such file"):
            data.load(str(tmp_path / "none.db"))


class TestArrays:
    def test_a_table_of_numbers(self, tmp_path: Path) -> None:
        table = np.column_stack([NUMBERS, KINDS, NUMBERS**2])
        np.save(tmp_path / "a.npy", table)
        read = data.load(str(tmp_path / "a.npy"), "1")
        np.testing.assert_array_equal(read.x, table[:, [0, 2]])
        np.savez(tmp_path / "a.npz", table=table, other=np.zeros(3))
        with pytest.raises(DataError, match=r"there is table \(60, 3\), other \(3,\); .* by --array NAME"):
            data.load(str(tmp_path / "a.npz"))
        np.testing.assert_array_equal(data.load(str(tmp_path / "a.npz"), "1", array="table").x, read.x)

    def test_records(self, tmp_path: Path) -> None:
        records = np.array(
            [(i * i, "uv"[i % 2], i % 3) for i in range(ROWS)], dtype=[("a", "f4"), ("c", "U3"), ("y", int)]
        )
        np.save(tmp_path / "a.npy", records)
        read = data.load(str(tmp_path / "a.npy"))
        assert read.encoder is not None and read.encoder.features == ["a", "c=u", "c=v"] and len(read.classes) == 3

    @pytest.mark.parametrize(
        ("array", "message"),
        [
            (np.array([[object()]], dtype=object), "expected an array of NumPy without objects"),
            (np.zeros(3), r"expected a table of shape \(rows, columns\), or records, got float64 \(3,\)"),
            (np.zeros((2, 2), complex), "got complex128"),
            (np.zeros((0, 2)), "no rows"),
            (np.array([0xD800, 1] * 4, np.uint32).view("U1").reshape(4, 2), "texts that are no Unicode"),
            (np.array([0x110000, 1] * 4, np.uint32).view("U1").reshape(4, 2), "texts that are no Unicode"),
        ],
    )
    def test_what_is_refused(self, array: Any, message: str, tmp_path: Path) -> None:
        np.save(tmp_path / "a.npy", array, allow_pickle=True)
        with pytest.raises(DataError, match=message):
            data.load(str(tmp_path / "a.npy"))


def refusals(folder: Path, times: int, seed: int) -> list[str]:
    """What is said of those of so many damaged files that are refused; nothing else than that may be raised."""
    rng, said = random.Random(seed), []
    whole = [path for path in folder.iterdir() if path.stem == "houses"]
    for _ in range(times):
        path = rng.choice(whole)
        bad = folder / f"damaged{path.suffix}"
        bad.write_bytes(damaged(path.read_bytes(), rng))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                data.load(str(bad), missing=rng.choice(["refuse", "mean", "indicator", "drop"]))
            except DataError as error:
                said.append(str(error))
    return said


def test_damaged_files_are_read_or_refused(houses: Path) -> None:
    said = refusals(houses, 300, seed=0)
    assert len(said) > 100 and all("\n" not in text and "damaged." in text for text in said)


@pytest.mark.nightly
def test_many_damaged_files_are_read_or_refused(houses: Path) -> None:
    said = refusals(houses, 20000, seed=random.randrange(10**9))
    assert len(said) > 5000 and all("\n" not in text and "damaged." in text for text in said)
