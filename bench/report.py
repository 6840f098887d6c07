"""The report: tables from the numbers that the workers sent."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from rich.table import Table
from rich.text import Text

from .harness import OURS


def tables(title: str, rows: Sequence[dict[str, Any]]) -> Iterator[Table]:
    """The tables of one question at one number of threads: rows that count in the same unit stand together."""

    groups: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for row in rows:
        names = tuple(side["name"] for side in row["sides"]) if row["rates"] else ()
        groups.setdefault((row["unit"], row["nano"], names), []).append(row)
    for (unit, nano, _), together in groups.items():
        table = by_row if all(row["rates"] for row in together) else by_side
        yield table(f"{title}: {'ns' if nano else 'µs'} per {unit}", together, 1000 if nano else 1)


def empty(title: str, rows: Sequence[dict[str, Any]], *columns: str) -> Table:
    """A table of one column of names and several of numbers."""
    found = Table(title=title, title_justify="left", caption=caption(rows), caption_justify="left")
    found.add_column()
    for column in columns:
        found.add_column(column, justify="right")
    return found


def by_side(title: str, rows: Sequence[dict[str, Any]], scale: float) -> Table:
    """A line for each side of each row."""
    table = empty(title, rows, "median", "± half IQR", f"time / {OURS}")
    for row in rows:
        table.add_row(Text(label(row), style="italic"))
        add_errors(table, row)
        for side in row["sides"]:
            table.add_row(
                Text(f"  {side['name']}", style="bold" if side["name"] == OURS else ""),
                number(side["median_us"] * scale),
                f"± {number(side['spread_us'] * scale / 2)}",
                ratio(side),
            )
        table.add_section()
    return table


def by_row(title: str, rows: Sequence[dict[str, Any]], scale: float) -> Table:
    """A line for each row, its sides and their rates beside each other."""
    rates = rows[0]["rates"]
    names = list(dict.fromkeys(side["name"] for row in rows for side in row["sides"]))
    table = empty(title, rows, *[column for name in names for column in (name, *rates)], f"other / {OURS}")
    for row in rows:
        sides = {side["name"]: side for side in row["sides"]}
        cells, ratios = [], []
        for name in names:
            if name in sides:
                side = sides[name]
                cells.append(f"{number(side['median_us'] * scale)} ± {number(side['spread_us'] * scale / 2)}")
                cells += [rate(what, side["rates"][what]) for what in rates]
                ratios += [] if name == OURS or side["ratio"] is None else [ratio(side)]
            else:
                cells += [""] * (1 + len(rates))
        table.add_row(label(row), *cells, ", ".join(ratios))
        add_errors(table, row)
    return table


def label(row: dict[str, Any]) -> str:
    """What a row measures."""
    return ", ".join(filter(None, (row["title"], row["dtype"])))


def add_errors(table: Table, row: dict[str, Any]) -> None:
    """Errors in place of times; of many, the first ones."""
    shown = 3
    for error in row["errors"][:shown]:
        table.add_row(Text(f"ERROR: {error}", style="bold red"))
    if len(row["errors"]) > shown:
        table.add_row(Text(f"and {len(row['errors']) - shown} errors more", style="bold red"))


def number(x: float) -> str:
    """Three digits that count."""
    return f"{x:.0f}" if x >= 100 else f"{x:.1f}" if x >= 10 else f"{x:.2f}" if x >= 1 else f"{x:.3f}"


def ratio(side: dict[str, Any]) -> str:
    """A side's time by that of ours, unless that may be 1; of a floor, which does less, how much of ours it is."""
    if side["ratio"] is None:
        return ""
    if not side["floor"] and side["name"] != OURS and side["ahead"] is None:
        return f"even ({number(side['ratio_q1'])} to {number(side['ratio_q3'])})"
    return f"floor: {side['ratio']:.0%}" if side["floor"] else f"{number(side['ratio'])}×"


def rate(name: str, value: float | None) -> str:
    """A rate; shares ("of ...") as percentages; nothing for one that was withheld."""
    if value is None:
        return "?"
    return f"{value:.0%}" if name.startswith("of ") else number(value)


def caption(rows: Sequence[dict[str, Any]]) -> str | None:
    """Which sides are not in the table, and why."""
    reasons: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    where: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        for side, reason in row["left_out"].items():
            where.setdefault((side, reason), []).append(row["row"])
    for (side, reason), names in where.items():
        reasons.setdefault((reason, tuple(names)), []).append(side)
    lines = [
        f"without {', '.join(sides)}: {reason}" + ("" if len(names) == len(rows) else f" ({', '.join(names)})")
        for (reason, names), sides in reasons.items()
    ]
    lines += [f"WARNING: {row['row']}: {warning}" for row in rows for warning in row["warnings"]]
    return "\n".join(lines) or None


def standings(rows: Sequence[tuple[int, dict[str, Any]]]) -> Table:
    """Who is ahead where, of rows with their numbers of threads: by how much, from quartile to quartile."""
    table = Table(title=f"Who is ahead of {OURS}, and who is not", title_justify="left", show_lines=True)
    for column in ("", "ahead", "even", "behind"):
        table.add_column(column, overflow="fold")
    for threads, row in rows:
        places: dict[str, list[str]] = {"ahead": [], "even": [], "behind": []}
        for side in row["sides"]:
            if side["name"].startswith(OURS) or side["floor"] or side["ratio"] is None:
                continue
            place = "even" if side["ahead"] is None else "behind" if side["ahead"] == OURS else "ahead"
            places[place].append(f"{side['name']} {number(side['ratio_q1'])}-{number(side['ratio_q3'])}×")
        if any(places.values()):
            name = f"{row['row']}, {threads} thread{'s' if threads > 1 else ''}"
            table.add_row(name, *("\n".join(places[place]) for place in ("ahead", "even", "behind")))
    return table


def missing(context: dict[str, Any]) -> list[str]:
    """A line for each peer that could not be used."""
    return [
        f"{peer['name']} is missing: {peer['reason']}"
        + (f" (pip install {peer['pip']})" if peer["reason"] == "not installed" else "")
        for peer in context["missing"]
    ]


def busy(context: dict[str, Any]) -> str:
    """A warning if others need the processors, too: pools of threads that wait for each other then stand still."""
    load, threads, processors = context["load"], context["threads"], context["machine"]["processors"]
    if load is None or load + threads <= processors + 0.5:
        return ""
    return (
        f"WARNING: the load was {load:.1f} before the run on {threads} thread{'s' if threads > 1 else ''}, with "
        f"{processors} processors: times may be those of waiting"
    )
