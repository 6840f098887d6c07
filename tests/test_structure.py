"""The house: nothing imports in a circle, each floor stands on those below, and rooms have names of their own."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import posixpath
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import tinygrad_init as tgi

ROOT = Path(__file__).parent.parent
PACKAGE = Path(tgi.__file__).parent
PAGE = PACKAGE / "laboratory" / "page"
# Each floor imports what lies below it, and on its own floor what is below there.
FLOORS = (
    (
        "kernels",
        "words",
        "lazy_names",
        "layering",
        "naming",
        "progress",
        "replacing",
        "trees",
        "version",
        "_interruption",
        "instead",
    ),
    ("engine",),
    ("ops", "programs"),
    (
        "activations",
        "gradient_checks",
        "inside",
        "scalar",
        "teaching",
        "transforms",
        "autograd",
        "func",
        "array_api",
        "distributions",
        "pytorch_names",
        "utils",
    ),
    ("theory", "nn", "optim", "update_rules", "init", "data"),
    ("saving",),
    ("starts", "training", "onnx_export"),
    ("rehearsal",),
    ("rate_search",),
    ("diagnosis",),
    ("sweeps", "tabular"),
    ("laboratory", "torch", "cli", "pytest_plugin", "estimators"),
)
# On one floor: who may import whom.
BESIDE = {
    "nn": {"init", "optim"},
    "init": {"theory"},
    "lazy_names": {"instead"},
    "update_rules": {"optim"},
    "starts": set(),
    "onnx_export": set(),
    "training": set(),
    "laboratory": {"torch"},
    "cli": {"laboratory", "torch"},
    "pytest_plugin": {"torch"},
    "programs": {"ops"},
    "autograd": {"gradient_checks", "transforms"},
    "func": {"transforms"},
    "transforms": {"gradient_checks"},
    "utils": {"transforms"},
}
CORRIDOR = (
    "network",
    "records",
    "measures",
    "fronts",
    "findings",
    "judging",
    "showing",
    "report",
    "reporting",
    "torch_diagnosing",
    "diagnosing",
    "watching",
    "trials",
)

Graph = dict[str, set[str]]


def modules(*folders: str) -> dict[str, Path]:
    """The source of every module by its dotted name; a package is its `__init__`."""
    found = {}
    for folder in folders:
        for path in (ROOT / folder).rglob("*.py"):
            *room, name = path.relative_to(ROOT).with_suffix("").parts
            found[".".join(room if name == "__init__" else [*room, name])] = path
    return found


def imports(name: str, path: Path, known: dict[str, Path]) -> Iterator[str]:
    """What a file imports: at the top, inside functions, for type checking alone, or later by tables of names."""
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        wanted: list[tuple[str, str]] = []
        match node:
            case ast.Import(names=names):
                wanted = [(alias.name, "") for alias in names]
            case ast.ImportFrom(module=module, names=names, level=level):
                home = package.split(".")
                base = ".".join(home[: len(home) - level + 1]) if level else ""
                whole = ".".join(filter(None, (base, module)))
                wanted = [(whole, alias.name) for alias in names]
            case ast.Assign(targets=[ast.Name(id="_LATER")], value=ast.Dict(keys=keys, values=values)):
                homes = {ast.literal_eval(k): ast.literal_eval(v) for k, v in zip(keys, values, strict=True) if k}
                wanted = [(f"{package}.{home or key}", "") for key, home in homes.items()]
            case ast.Call(func=ast.Attribute(attr="import_module"), args=[ast.Constant(value=str() as whole)]):
                wanted = [(whole, "")]
        for whole, inner in wanted:
            if f"{whole}.{inner}" in known:
                yield f"{whole}.{inner}"
            elif whole in known:
                yield whole


def graph(*folders: str) -> Graph:
    known = modules(*folders)
    return {name: set(imports(name, path, known)) - {name} for name, path in known.items()}


def page() -> Graph:
    """The same of the page's scripts."""
    scripts = {p.relative_to(PAGE).as_posix(): p for p in PAGE.rglob("*.js") if "vendor" not in p.parts}
    found = {}
    for name, path in scripts.items():
        targets = re.findall(r"""(?:from|import\()\s*["'](\.[^"']+)["']""", path.read_text(encoding="utf-8"))
        found[name] = {posixpath.normpath(posixpath.join(posixpath.dirname(name), target)) for target in targets}
    return found


def circle(edges: Graph) -> list[str]:
    """One circle of a graph, or none."""
    done: set[str] = set()
    for start in edges:
        way: list[str] = []
        waiting: list[tuple[str, int]] = [(start, 0)]
        while waiting:
            name, depth = waiting.pop()
            del way[depth:]
            if name in way:
                return way[way.index(name) :]
            if name in done:
                continue
            way.append(name)
            below = edges.get(name, set()) - done
            if not below:
                done.add(name)
            waiting += [(other, depth + 1) for other in sorted(below)]
        done.add(start)
    return []


def reachable(edges: Graph, start: str) -> set[str]:
    found: set[str] = set()
    waiting = [start]
    while waiting:
        for other in edges.get(waiting.pop(), set()) - found:
            found.add(other)
            waiting.append(other)
    return found


@pytest.mark.parametrize("edges", [graph("tinygrad_init", "bench"), page()], ids=["python", "page"])
def test_nothing_imports_in_a_circle(edges: Graph) -> None:
    assert sum(map(len, edges.values())) > 100
    assert not [name for name in edges if name in reachable(edges, name)], circle(edges)


def test_a_circle_would_be_found(tmp_path: Path) -> None:
    """Also one that is closed inside a function, for type checking alone, or by a table of names."""
    assert circle({"a": {"b"}, "b": {"c"}, "c": {"b"}}) in (["b", "c"], ["c", "b"])
    assert circle({"a": {"b", "c"}, "b": {"c"}, "c": set()}) == []
    known = {"p": tmp_path / "__init__.py", "p.a": tmp_path / "a.py", "p.b": tmp_path / "b.py"}
    known["p.a"].write_text("def f():\n    from .b import x\n")
    known["p.b"].write_text("if TYPE_CHECKING:\n    from . import a\n")
    known["p"].write_text('_LATER = {"x": "b"}\n')
    assert [set(imports(name, path, known)) for name, path in known.items()] == [{"p.b"}, {"p.b"}, {"p.a"}]


def floor_of(name: str) -> int:
    return next(i for i, rooms in enumerate(FLOORS) if name in rooms)


def test_each_floor_stands_on_those_below() -> None:
    for name, targets in graph("tinygrad_init").items():
        room = name.split(".")[1] if "." in name else None
        for target in targets:
            other = target.split(".")[1] if "." in target else None
            if room is None or other is None or room == other or room == "__main__":
                continue
            beside = other in BESIDE.get(room, set())
            assert floor_of(other) < floor_of(room) or beside, f"{name} imports {target}"


def test_the_diagnosis_is_walked_one_way() -> None:
    """Measures know neither modules nor the engine; only front ends, what watches and what trains do."""
    edges = graph("tinygrad_init")
    own = {name: name.split(".")[2] for name in edges if name.startswith("tinygrad_init.diagnosis.")}
    for name, room in own.items():
        rooms = {own[target] for target in edges[name] if target in own} - {room}
        later = CORRIDOR[CORRIDOR.index(room) + 1 :]
        allowed_later = {"fronts": set(), "diagnosing": {"report"}}.get(room, set())
        assert not rooms & set(later) - allowed_later, f"{name} looks ahead to {rooms & set(later)}"
        if room in ("network", "records", "measures", "findings", "judging", "showing"):
            frameworks = {t for t in edges[name] if t.split(".")[1] in ("nn", "engine", "ops", "optim", "training")}
            assert not frameworks, f"{name} knows {frameworks}"


def test_no_room_has_the_name_of_a_public_function() -> None:
    """Importing the room would overwrite the function."""
    for name, path in modules("tinygrad_init").items():
        package, _, last = name.rpartition(".")
        if name.startswith("tinygrad_init.torch") and importlib.util.find_spec("torch") is None:
            continue
        if not package or last.startswith("_") or (path.name != "__init__.py" and package != "tinygrad_init"):
            continue
        home = importlib.import_module(package)
        found = getattr(home, last, None)
        assert found is None or type(found).__name__ == "module", f"{name} and {package}.{last}"


def test_layers_are_paired_with_activations_in_one_place() -> None:
    """Whoever wants to know asks `layering`."""
    asking = {name for name, targets in graph("tinygrad_init").items() if "tinygrad_init.layering" in targets}
    assert asking == {
        "tinygrad_init.nn.layers",
        "tinygrad_init.nn.module",
        "tinygrad_init.nn.residual",
        "tinygrad_init.diagnosis.network.graph",
        "tinygrad_init.diagnosis.network.links",
        "tinygrad_init.diagnosis.trials.quotient",
        "tinygrad_init.laboratory.looking.structure",
    }


def test_every_public_name_of_the_diagnosis_has_its_line_in_the_map() -> None:
    told = set(re.findall(r"`(\w+)`", (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")))
    assert set(tgi.diagnosis.__all__) <= told


def test_every_room_has_its_line_in_the_map() -> None:
    told = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    rooms = {name.rpartition(".")[2] for name, path in modules("tinygrad_init").items() if path.name == "__init__.py"}
    assert not {room for room in rooms - {"tinygrad_init"} if f"`{room}/`" not in told and f"{room}/" not in told}


def test_the_page_has_no_regular_expression_over_sentences() -> None:
    """It says what it is sent by templates; an expression with several words in a row would be one over a sentence."""
    # From the slash of a literal to its end: words with nothing but a space between them, twice.
    sentence = re.compile(r"[(,\[=]\s*/[^/*\n][^/\n]*\b[A-Za-z]{2,} [A-Za-z]{2,} [^/\n]*/[a-z]*[,.)\]]")
    assert sentence.search("text.replace(/^No, it is not (\\w+)/, x)")
    for path in PAGE.rglob("*.js"):
        if "vendor" not in path.parts:
            code = re.sub(r"/\*.*?\*/|^\s*//.*$", "", path.read_text(encoding="utf-8"), flags=re.S | re.M)
            assert not (found := sentence.search(code)), (path.name, found)


def test_pytorch_is_known_in_few_places_and_never_imported_unasked() -> None:
    """By its front end and its own room; the package itself runs without."""
    knowing = {
        name
        for name, path in modules("tinygrad_init").items()
        if re.search(r"^(from|import) torch\b", path.read_text(encoding="utf-8"), re.MULTILINE)
    }
    assert all(name.rpartition(".")[2].startswith("torch_") or ".torch" in name for name in knowing)
    code = "import sys, tinygrad_init as tgi; tgi.diagnose, tgi.recommend, tgi.train; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
