"""Data sets, scaling, batches, and what files can have wrong."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tinygrad_init import data
from tinygrad_init.data import DATASETS, DataError, MinMaxScaler, StandardScaler

from ..strategies import seeds


def test_digits() -> None:
    digits = data.digits()
    assert digits.x.shape == (1797, 64) and digits.y.shape == (1797,)
    assert (digits.x.min(), digits.x.max(), len(digits.classes)) == (0, 16, 10)
    np.testing.assert_array_equal(np.bincount(digits.y), [178, 182, 177, 183, 181, 182, 181, 179, 174, 180])


@pytest.mark.parametrize("name", sorted(set(DATASETS) - {"digits"}))
def test_sets_in_the_plane(name: str) -> None:
    a, b, c = (data.load(name, rng=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(a.x, b.x)
    assert np.any(a.x != c.x)
    assert a.x.shape == (400, 2) and a.x.dtype == np.float64
    counts = np.bincount(a.y)
    assert len(counts) == len(a.classes) >= 2 and counts.min() > 100
    with pytest.raises(ValueError, match="expected at least 2"):
        DATASETS[name](1)
    assert len(DATASETS[name](7, rng=0).x) == 7


finite = st.floats(-1e6, 1e6)


@given(x=hnp.arrays(np.float64, st.tuples(st.integers(1, 8), st.integers(1, 4)), elements=finite))
def test_scalers(x: Any) -> None:
    standard, box = StandardScaler().fit(x), MinMaxScaler().fit(x)
    z, u = standard.transform(x), box.transform(x)
    moving = np.ptp(x, axis=0) > 1e-6 * (np.abs(x).max(0) + 1e-300)
    np.testing.assert_allclose(z[:, moving].mean(0), 0, atol=1e-6)
    np.testing.assert_allclose(z[:, moving].std(0), 1, rtol=1e-6)
    assert np.all((u >= -1e-9) & (u <= 1 + 1e-9))
    for scaler, scaled in ((standard, z), (box, u)):
        assert np.all(np.isfinite(scaled))
        np.testing.assert_allclose(scaler.inverse(scaled), x, atol=1e-8 * (np.abs(x).max() + 1))


def test_scaling_whole_numbers_gives_fractions() -> None:
    x = np.array([[1, 100], [2, 300], [3, 900]])
    np.testing.assert_allclose(StandardScaler().fit(x).transform(x).std(0), 1)
    assert StandardScaler().fit(x).transform(x.astype(np.float32)).dtype == np.float32


def test_scaler_errors() -> None:
    with pytest.raises(RuntimeError, match="fit"):
        StandardScaler().transform(np.zeros((1, 2)))
    with pytest.raises(ValueError, match="fitted to 2 features"):
        StandardScaler().fit(np.zeros((3, 2))).transform(np.zeros((3, 5)))
    with pytest.raises(ValueError, match=r"\(samples, features\)"):
        StandardScaler().fit(np.zeros((0, 2)))


@given(n=st.integers(1, 30), size=st.integers(1, 40), seed=seeds)
def test_batches_hold_every_sample_once(n: int, size: int, seed: int) -> None:
    x = np.arange(n)
    seen = [(len(a), list(a), list(b)) for a, b in data.batches(x, -x, size, seed)]
    assert sorted(v for _, a, _ in seen for v in a) == list(range(n))
    assert all(b == [-v for v in a] for _, a, b in seen)
    lengths = [length for length, _, _ in seen]
    # The last may be short, by half at most; where it would be shorter its samples are spread over the others.
    if n < size or 2 * (n % size) >= size or n % size == 0:
        assert all(length == size for length in lengths[:-1]) and lengths[-1] == (n % size or size)
    else:
        assert len(lengths) == n // size and max(lengths) - min(lengths) <= 1 and min(lengths) >= size
    x1, y1, x2, _ = data.split(x, -x, 0.25, seed)
    assert sorted([*x1, *x2]) == list(range(n)) and list(y1) == [-v for v in x1]


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_a_good_file(tmp_path: Path) -> None:
    file = write(tmp_path / "iris.csv", "a,kind,b\n1,yes,2\n3.5,no,-4e2\n\n5,yes,6\n")
    found = data.load(str(file), "kind")
    np.testing.assert_array_equal(found.x, [[1, 2], [3.5, -400], [5, 6]])
    assert found.classes == ("no", "yes") and list(found.y) == [1, 0, 1] and found.name == "iris"
    ten = data.load(str(write(tmp_path / "n.csv", "a,y\n" + "".join(f"{i % 5},{i % 11}\n" for i in range(44)))))
    assert ten.classes[2] == "2" and ten.classes[10] == "10"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no rows"),
        ("a,y\n", "no rows below the header"),
        ("a,y\n1,0\n,1\n", "row 3, column 'a': missing value"),
        ("a,y\n1,0\nnan,1\n", "row 3, column 'a': missing value"),
        ("a,y\n1,0\n2,\n", "row 3, column 'y': missing value"),
        ("a,y\n1,0\nblue,1\n", "row 3, column 'a': expected a number, got 'blue'"),
        ("a,y\n1,0\ninf,1\n", "row 3, column 'a': expected a finite number"),
        ("a,y\n1,0\n-inf,1\n", "row 3, column 'a': expected a finite number, got '-inf'"),
        ("a,y\n1,0\nInfinity,1\n", "row 3, column 'a': expected a finite number"),
        ("a,y\n1,0\n-1e308,1\n", "row 3, column 'a': -1e308 is too large: float32 ends at 3.4e+38"),
        ("a,y\n1,0\n1e300,1\n", "row 3, column 'a': 1e300 is too large: float32 ends at 3.4e+38"),
        ("a,y\n1,0\n1e400,1\n", "row 3, column 'a': 1e400 is too large: float32 ends at 3.4e+38"),
        ("a,y\n1,0\n1e-400,1\n", "row 3, column 'a': 1e-400 is too small for float64"),
        ("a,y\n1,0\n NaN ,1\n", "row 3, column 'a': missing value"),
        ("a,y\n1,0\nNA,1\n", "row 3, column 'a': missing value"),
        ("a,y\n1,0\nn/a,1\n", "row 3, column 'a': missing value"),
        ("a,y\n1,0\n2,nan\n", "row 3, column 'y': missing value 'nan'; if it is a class, give it another name"),
        ("a,y\n1,0\n2,NaN\n", "row 3, column 'y': missing value 'NaN'"),
        ("a,y\n1,no\n2,yes\n3,NA\n", "row 4, column 'y': missing value 'NA'"),
        ("a,y\n1,no\n2,  \n", "row 3, column 'y': missing value"),
        ("a,y\n1,0\n2,0\n", "column 'y': only one class, '0'"),
        ("a,y\n1,0\n2\n", "row 3: expected 2 columns, got 1"),
        ("a,y\n\n1,0\n2,1,3\n", "row 4: expected 2 columns, got 3"),
        ("1,2\n3,4\n", "row 1: expected the names of the columns"),
        ("y\n1\n2\n", "row 1: expected at least one column of numbers"),
        ("a,a,y\n1,2,3\n", "two columns are named 'a'"),
        ("a,y\n" + "".join(f"1,k{i}\n" for i in range(20)), "20 different values in 20 rows; expected the names"),
        ('a,y\n1,"0\n', "row"),
    ],
)
def test_what_a_csv_file_can_have_wrong(tmp_path: Path, text: str, message: str) -> None:
    file = write(tmp_path / "bad.csv", text)
    with pytest.raises(DataError) as error:
        data.load(str(file))
    assert message in str(error.value) and str(file) in str(error.value) and "\n" not in str(error.value)


def test_numbers_of_any_size_that_float64_holds(tmp_path: Path) -> None:
    """Beyond float32, too: features are scaled before a network sees them."""
    found = data.load(str(write(tmp_path / "far.csv", "a,b,y\n1e-60,3e38,0\n2e-60,1e50,1\n0.0e9,-0,1\n")))
    np.testing.assert_array_equal(found.x, [[1e-60, 3e38], [2e-60, 1e50], [0, 0]])
    assert np.isfinite(StandardScaler().fit(found.x).transform(found.x).astype(np.float32)).all()


def test_what_can_be_wrong_with_the_file_itself(tmp_path: Path) -> None:
    binary = tmp_path / "b.csv"
    binary.write_bytes(b"a,y\n\xff\xfe,1\n")
    for name, message in (
        (str(tmp_path / "none.csv"), "No such file"),
        (str(tmp_path / "x.txt"), "ending in .csv, .tsv, .npz, .npy, .parquet, .* or .sqlite3"),
        ("nonsense", "digits"),
        (str(binary), "UTF-8"),
    ):
        with pytest.raises(DataError, match=message):
            data.load(name)
    with pytest.raises(DataError, match="no column 'z'; there is a, y"):
        data.load(str(write(tmp_path / "g.csv", "a,y\n1,0\n2,1\n")), "z")
    with pytest.raises(DataError, match="only for a file"):
        data.load("moons", "y")


def test_archives(tmp_path: Path) -> None:
    file = tmp_path / "a.npz"
    np.savez(file, x=np.arange(12.0).reshape(3, 2, 2), y=np.array([5, 7, 5]), kind=np.array(["b", "a", "b"]))
    found = data.load(str(file))
    assert found.x.shape == (3, 4) and found.classes == ("5", "7") and list(found.y) == [0, 1, 0]
    assert data.load(str(file), "kind").classes == ("a", "b")


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"x": np.zeros((2, 2))}, "no array 'y'; there is x"),
        ({"x": np.zeros(2), "y": np.zeros(2)}, "shape (samples, features)"),
        ({"x": np.zeros((0, 2)), "y": np.zeros(0)}, "no rows"),
        ({"x": np.zeros((2, 2)), "y": np.zeros(3)}, "expected shape (2,)"),
        ({"x": np.array([[0, 1], [np.nan, 0]]), "y": np.arange(2)}, "row 1, column 0: missing value"),
        ({"x": np.array([[0, np.inf], [1, 0]]), "y": np.arange(2)}, "row 0, column 1: expected a finite number"),
        (
            {"x": np.array([[0, 1], [1e300, 0]]), "y": np.arange(2)},
            "row 1, column 0: 1e+300 is too large: float32 ends",
        ),
        ({"x": np.zeros((2, 2)), "y": np.array([0.0, np.nan])}, "array 'y', row 1: missing value"),
        ({"x": np.zeros((2, 2)), "y": np.array([np.inf, 0.0])}, "array 'y', row 0: expected a finite number, got inf"),
        ({"x": np.zeros((3, 2)), "y": np.array(["a", "b", "nan"])}, "array 'y', row 2: missing value 'nan'; if it is"),
        ({"x": np.zeros((2, 2)), "y": np.array(["a", ""])}, "array 'y', row 1: missing value"),
        ({"x": np.zeros((2, 2)), "y": np.zeros(2, int)}, "only one class"),
        ({"x": np.zeros((2, 2)), "y": np.array([0.5, 0.5])}, "array 'y': all targets are 0.5"),
        ({"x": np.zeros((2, 2)), "y": np.array([0.5, 1e300])}, "array 'y', row 1: 1e+300 is too large"),
        ({"x": np.array([["a", "b"]]), "y": np.zeros(1)}, "expected numbers"),
        ({"x": np.zeros((2, 2)), "y": np.array([0.0, 1e300])}, "expected a class, got 1e+300"),
        ({"x": np.zeros((2, 2)), "y": np.array([b"a", b"b"])}, "classes as numbers or text, got |S1"),
        ({"x": np.array([[object()]], dtype=object), "y": np.zeros(1)}, "plain arrays"),
    ],
)
def test_what_an_archive_can_have_wrong(tmp_path: Path, arrays: dict[str, Any], message: str) -> None:
    file = tmp_path / "bad.npz"
    np.savez(file, **arrays)
    with pytest.raises(DataError) as error:
        data.load(str(file))
    assert message in str(error.value) and str(file) in str(error.value) and "\n" not in str(error.value)


def test_no_archive_at_all(tmp_path: Path) -> None:
    file = tmp_path / "text.npz"
    file.write_text("hello")
    with pytest.raises(DataError, match="NumPy archive"):
        data.load(str(file))
    np.save(tmp_path / "one.npy", np.zeros(3))
    (tmp_path / "one.npy").rename(file)
    with pytest.raises(DataError, match="NumPy archive"):
        data.load(str(file))
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("x", "hello")
        archive.writestr("y", "hello")
    with pytest.raises(DataError, match="other members"):
        data.load(str(file))
    file.write_bytes(b"")
    with pytest.raises(DataError, match="NumPy archive"):
        data.load(str(file))
