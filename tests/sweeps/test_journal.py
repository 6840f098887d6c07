"""What is on the disk stays there, and what is damaged there is found: at every byte, and at every step of a write."""

from __future__ import annotations

import os
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tinygrad_init as tgi
from tinygrad_init.sweeps import DamageWarning, Plan, parts, read
from tinygrad_init.sweeps.journal import Journal, line_of, read_journal, row_of
from tinygrad_init.sweeps.plan import axes_of
from tinygrad_init.sweeps.running import failed
from tinygrad_init.sweeps.store import Store, read_rows

PLAN = Plan(axes_of({"seed": range(6)}, None), 5, None, 0, False, {}, {"circles": "classification"})
ROWS = [failed(name, task, "“never” run\n\x00") | {"guess": 0.5} for name, task in PLAN.runs().items()]
with_parquet = pytest.mark.skipif(not parts.has_parquet(), reason="pyarrow is not installed")


def without_parquet(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("pyarrow", "pyarrow.parquet"):
        monkeypatch.setitem(sys.modules, name, None)


def test_rows_come_back_as_they_were(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal-0001.log")
    journal.add(ROWS[:2])
    journal.add(ROWS[2:])
    assert read_journal(journal.path) == (ROWS, 0)  # while it is open
    journal.close()
    with pytest.raises(FileExistsError):
        Journal(journal.path)


def test_an_end_that_is_cut_off_at_any_byte_costs_the_last_run_alone(tmp_path: Path) -> None:
    path, content = tmp_path / "journal-0001.log", b"".join(map(line_of, ROWS[:3]))
    last = len(line_of(ROWS[2]))
    for cut in range(last + 1):
        path.write_bytes(content[: len(content) - cut])
        # Without the line break alone nothing is missing.
        assert read_journal(path) == (ROWS[:3] if cut <= 1 else ROWS[:2], 0)


def test_a_garbled_byte_anywhere_costs_its_line_and_is_told(tmp_path: Path) -> None:
    path, lines = tmp_path / "journal-0001.log", [line_of(row) for row in ROWS[:3]]
    content, start = b"".join(lines), len(lines[0])
    rng = np.random.default_rng(0)
    for at in range(start, start + len(lines[1]) - 1):
        for wrong in (content[at] ^ (1 << int(rng.integers(8))), 10):  # a bit, or a line break
            if wrong == content[at]:
                continue
            path.write_bytes(content[:at] + bytes([wrong]) + content[at + 1 :])
            rows, damaged = read_journal(path)
            assert rows == [ROWS[0], ROWS[2]] and damaged >= 1
    path.write_bytes(content[: start + len(lines[1]) - 1] + b"?" + lines[2])  # two lines in one
    assert read_journal(path) == ([ROWS[0]], 1)


@pytest.mark.parametrize("line", [b"", b"\x00" * 40, b"00000000 ", b"x", b"8d9d1f7c []", b"\xff" * 9])
def test_lines_that_are_none(line: bytes) -> None:
    assert row_of(line) is None


def test_a_damaged_journal_is_named_and_set_aside_and_the_rest_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_parquet(monkeypatch)
    with Store(tmp_path, PLAN) as store:
        store.add(ROWS[:3])
    path = tmp_path / "journal-0001.log"
    content = bytearray(path.read_bytes())
    content[len(line_of(ROWS[0])) + 30] ^= 4
    path.write_bytes(content)
    with pytest.warns(DamageWarning, match=r"journal-0001\.log: damaged, 1 of 3 lines"):
        assert [row["name"] for row in read(tmp_path).rows] == [ROWS[0]["name"], ROWS[2]["name"]]
    assert path.exists()  # reading changes nothing
    with pytest.warns(DamageWarning, match="set aside as .*damaged"):
        store = Store(tmp_path, PLAN)
    with store:
        assert [*store.rows.values()] == [ROWS[0], ROWS[2]]
        assert store.add(ROWS) == [ROWS[1], *ROWS[3:]]  # what is missing, and nothing twice
    assert (tmp_path / "damaged" / "journal-0001.log").read_bytes() == content and not path.exists()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert read(tmp_path).rows == ROWS


@with_parquet
def test_a_damaged_part_is_named_and_set_aside(tmp_path: Path) -> None:
    for some in (ROWS[:2], ROWS[2:4]):
        with Store(tmp_path, PLAN) as store:
            store.add(some)
    assert sorted(path.name for path in tmp_path.glob("part*")) == ["part-0001.parquet", "part-0002.parquet"]
    path = tmp_path / "part-0001.parquet"
    content = path.read_bytes()
    for at in (0, 5, len(content) // 3, len(content) // 2, len(content) - 10, len(content) - 1):
        path.write_bytes(content[:at])
        assert read_rows(tmp_path)[0].keys() == {row["name"] for row in ROWS[2:4]}
        assert [damaged for damaged, _ in read_rows(tmp_path)[1]] == [path]
    with pytest.warns(DamageWarning, match=r"part-0001\.parquet: damaged"):
        store = Store(tmp_path, PLAN)
    with store:
        store.add(ROWS)
    assert read(tmp_path).rows == ROWS and (tmp_path / "damaged" / "part-0001.parquet").exists()


@with_parquet
def test_flipped_bits_of_a_part_are_found_or_change_nothing(tmp_path: Path) -> None:
    with Store(tmp_path, PLAN) as store:
        store.add(ROWS)
    path = tmp_path / "part-0001.parquet"
    content, rng = path.read_bytes(), np.random.default_rng(0)
    found = 0
    for _ in range(300):
        wrong = bytearray(content)
        wrong[int(rng.integers(len(content)))] ^= 1 << int(rng.integers(8))
        path.write_bytes(wrong)
        rows, damaged = read_rows(tmp_path)
        found += bool(damaged)
        if not damaged:
            assert {row["name"] for row in rows.values()} == {row["name"] for row in ROWS}
    assert found > 100


class Killed(BaseException):
    """Stands for the end of the process at that point."""


@pytest.mark.filterwarnings("ignore:Exception ignored")  # files that a process leaves open
def test_a_sweep_that_ends_at_any_step_of_a_write_loses_nothing_that_was_finished(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At each file that is synced, renamed or deleted, before and after; then again from there."""
    at, whole = 0, False
    while not whole:
        folder, finished, calls = tmp_path / str(at), [], 0
        at += 1

        def counting(function: Any, after: bool, at: int = at) -> Any:
            def call(*args: Any, **more: Any) -> Any:
                nonlocal calls
                calls += 1
                if calls > at or (calls == at and not after):
                    raise Killed  # from there on nothing happens any more
                result = function(*args, **more)
                if calls == at and after:
                    raise Killed
                return result

            return call

        with monkeypatch.context() as patched:
            for place, name in ((os, "fsync"), (os, "replace"), (Path, "unlink")):
                patched.setattr(place, name, counting(getattr(place, name), bool(at % 2)))
            try:
                for some in (ROWS[:2], ROWS[2:3], ROWS[3:4]):
                    with Store(folder, PLAN) as store:
                        assert store.add(some) == some
                        finished += some
                whole = True
            except Killed:
                pass
        if not (folder / "sweep.json").exists():
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            known = {row["name"] for row in read(folder).rows}
            assert known >= {row["name"] for row in finished}
            with Store(folder, PLAN) as store:
                assert {row["name"] for row in store.add(ROWS)} == {row["name"] for row in ROWS} - known
            assert read(folder).rows == ROWS
    assert at > 8


def test_nobody_else_writes_into_a_folder_that_is_being_written(tmp_path: Path) -> None:
    pytest.importorskip("fcntl")
    with Store(tmp_path, PLAN) as store:
        store.add(ROWS[:1])
        code = f"import tinygrad_init as tgi; tgi.sweeps.resume({str(tmp_path)!r})"
        found = subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8")
        assert "another process is running this sweep" in found.stderr
        assert len(read(tmp_path)) == 1
    with Store(tmp_path, PLAN) as store:
        assert len(store.rows) == 1


def test_without_pyarrow_the_journal_is_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    without_parquet(monkeypatch)
    axes: dict[str, Any] = {"width": 4, "seed": [0, 1], "steps": 5, "workers": 1, "diagnose": False}
    found = tgi.sweep(tmp_path, **axes)
    assert [path.name for path in tmp_path.iterdir() if path.suffix == ".log"] == ["journal-0001.log"]
    assert read(tmp_path).rows == found.rows and tgi.sweep(tmp_path, **axes).rows == found.rows
    with pytest.raises(ImportError, match=r"pip install 'tinygrad_init\[sweep\]'"):
        found.to_pandas()
    (tmp_path / "part-0001.parquet").write_bytes(b"")
    with pytest.raises(ImportError, match=r"part-0001\.parquet: .*pip install 'tinygrad_init\[sweep\]'"):
        read(tmp_path)


@with_parquet
def test_parts_open_elsewhere(tmp_path: Path) -> None:
    """By pandas, polars and DuckDB, with the same numbers."""
    found = tgi.sweep(tmp_path, width=[3, 4], rate=[0.01, 1e9], steps=9, workers=1, sigma_w=[0.0, 1.5], residual=True)
    assert {row["outcome"] for row in found.rows} >= {"diverged", "stuck"}
    names, finals = [row["name"] for row in found.rows], [row["final_loss"] for row in found.rows]
    assert found.to_arrow().column("final_loss").to_pylist() == finals
    pattern, opened = str(tmp_path / "part-*.parquet"), 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of libraries about each other
        try:
            import pandas

            frame = pandas.read_parquet(tmp_path / "part-0001.parquet").set_index("name").loc[names]
            assert frame["final_loss"].tolist() == pytest.approx(
                [np.nan if f is None else f for f in finals], nan_ok=True
            )
            assert frame["residual"].all() and list(frame["losses"].iloc[0]) == found.rows[0]["losses"]
            opened += 1
        except ImportError:
            pass
        try:
            import polars

            table = polars.read_parquet(pattern)
            assert dict(zip(table["name"], table["final_loss"], strict=True)) == dict(zip(names, finals, strict=True))
            opened += 1
        except ImportError:
            pass
        try:
            import duckdb

            rows = duckdb.sql(f"select name, final_loss, losses[1] from '{pattern}'").fetchall()
            assert {name: final for name, final, _ in rows} == dict(zip(names, finals, strict=True))
            opened += 1
        except ImportError:
            pass
    if not opened:
        pytest.skip("neither pandas, polars nor DuckDB is installed")
