"""Type stubs of what is made at run time: operations, and the methods that tensors have of them.

`python -m tests.stubs` writes them; a test compares. The signatures are those of the functions themselves: an
operation's of its forward function, whose inputs may be tensors, arrays or numbers.
"""

from __future__ import annotations

import ast
import inspect
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import tinygrad_init as tgi
from tinygrad_init.engine.graph import MISSING, Operation
from tinygrad_init.engine.methods import METHODS, PROPERTIES

ROOT = Path(tgi.__file__).parent
WORDS = """
    Any Sequence Callable Iterator Self int float bool str None tuple list dict object Tensor DiscreteTensor Operand np
    ndarray dtype Generator random Operation Node Memory type Extreme Results slice
"""
KNOWN = set(re.findall(r"\w+", WORDS))  # names that annotations in stubs may have
HEAD = '''"""What type checkers know; written by `python -m tests.stubs`."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Self

import numpy as np

'''


def annotation(found: Any, otherwise: str = "Any") -> str:
    """An annotation as it stands in a stub; what a stub does not know is anything."""
    if found is inspect.Parameter.empty or found is None:
        return otherwise
    text = found if isinstance(found, str) else getattr(found, "__name__", str(found))
    text = {"Array": "np.ndarray[Any, Any]", "Axis": "int | Sequence[int] | None"}.get(text, text)
    return text if set(re.findall(r"[A-Za-z_]\w*", text)) <= KNOWN else otherwise


def default(p: inspect.Parameter) -> str:
    value = p.default
    if value is p.empty or value is MISSING:
        return ""
    plain = value is None or type(value) in (bool, int, float, str)
    return f" = {value!r}" if plain and not (isinstance(value, float) and value != value) else " = ..."


def of_type(value: Any) -> str:
    return {bool: "bool", int: "int", float: "float", str: "str"}.get(type(value), "Any")


def parameters(function: Any, method: bool) -> Iterator[str]:
    """The parameters of a function, in a stub."""
    is_operation = isinstance(function, Operation)
    found = list(inspect.signature(function).parameters.values())
    marked = False
    for i, p in enumerate(found):
        first = i == 0 and p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)
        if method and first:
            yield "self"
            continue
        if p.kind is p.KEYWORD_ONLY and not marked and not any(q.kind is q.VAR_POSITIONAL for q in found):
            yield "*"
            marked = True
        star = {p.VAR_POSITIONAL: "*", p.VAR_KEYWORD: "**"}.get(p.kind, "")
        kind = annotation(p.annotation, of_type(p.default))
        if (is_operation and p.kind is p.POSITIONAL_ONLY) or kind == "Tensor":
            kind = "Operand"
        if is_operation and star == "*":
            kind = "Operand"
        yield f"{star}{p.name}: {kind}{default(p) if not star else ''}"
    if is_operation and not any(p.kind is p.VAR_KEYWORD for p in found) and len(found) > 1:
        yield "**other_spelling: Any"


def function(name: str, found: Any, method: bool = False) -> str:
    """One function as a line of a stub."""
    if isinstance(found, type) or not callable(found):
        return f"{name}: Any"
    result = "Tensor" if isinstance(found, Operation) else annotation(inspect.signature(found).return_annotation)
    return f"def {name}({', '.join(parameters(found, method))}) -> {result}: ..."


def operations() -> str:
    """The stub of `tinygrad_init.ops`."""
    lines = [HEAD + "from ..engine.discrete import DiscreteTensor", "from ..engine.graph import Operation"]
    lines += ["from ..engine.tensor import Tensor", "from .results import Extreme, Results", ""]
    modules = sorted(p.stem for p in (ROOT / "ops").glob("*.py") if p.stem != "__init__")
    lines += [f"from . import {name} as {name}" for name in modules if name not in tgi.ops.__all__]
    lines += ["", "Operand = Tensor | np.ndarray[Any, Any] | np.generic | float", "", "REGISTRY: dict[str, Operation]"]
    lines += ["def __getattr__(name: str) -> Any: ..."] if hasattr(tgi.ops, "__getattr__") else []
    names = sorted({*tgi.ops.__all__, *(n for n in vars(tgi.ops) if callable(vars(tgi.ops)[n]) and n[0] != "_")})
    lines += [function(name, getattr(tgi.ops, name)) for name in names if name != "REGISTRY"]
    lines += ["", f"__all__ = {sorted(tgi.ops.__all__)!r}"]
    return "\n".join(lines) + "\n"


def members(path: Path, name: str) -> Iterator[str]:
    """What a class of the engine has, as lines of a stub."""
    (found,) = [n for n in ast.parse(path.read_text()).body if isinstance(n, ast.ClassDef) and n.name == name]
    for node in found.body:
        if isinstance(node, ast.FunctionDef) and node.name != "__getattr__":
            for decorator in node.decorator_list:
                yield f"@{ast.unparse(decorator)}"
            result = ast.unparse(node.returns) if node.returns else "Any"
            yield f"def {node.name}({ast.unparse(node.args)}) -> {result}: ..."


def tensor() -> str:
    """The stub of `tinygrad_init.engine.tensor`: the class with all its methods, and the functions around it."""
    engine = ROOT / "engine"
    lines = [HEAD + "from .discrete import DiscreteTensor", "from .graph import Node, Operation"]
    lines += ["from .storage import Storage", "", "Extreme = Any", "Results = Any"]
    lines += ["Operand = Any", "", "class Tensor(Storage):"]
    own = list(members(engine / "tensor.py", "Tensor"))
    lines += [f"    {line}" for line in own]
    known = set(re.findall(r"def (\w+)\(", "\n".join([*own, *members(engine / "storage.py", "Storage")])))
    lines += [f"    {function(name, METHODS[name], method=True)}" for name in sorted(METHODS) if name not in known]
    lines += [f"    @property\n    def {name}(self) -> Any: ..." for name in sorted(PROPERTIES)]
    lines += ["", "def same_shape(x: Any, y: Any) -> bool: ..."]
    for node in ast.parse((engine / "tensor.py").read_text()).body:
        if isinstance(node, ast.FunctionDef):
            lines.append(f"def {node.name}({ast.unparse(node.args)}) -> {ast.unparse(node.returns)}: ...")  # type: ignore[arg-type]
    text = "\n".join(lines).replace("cython.double", "float").replace("cython.bint", "bool")
    # Methods of that name would be meant otherwise.
    text = re.sub(r"(?<![\w.\"'])(int|float|bool)(?![\w(\"'])", r"builtins.\1", text)
    return text.replace("from typing import", "import builtins\nfrom typing import", 1) + "\n"


STUBS = {ROOT / "ops" / "__init__.pyi": operations, ROOT / "engine" / "tensor.pyi": tensor}


def formatted(text: str) -> str:
    """As ruff writes it."""
    for command in (["check", "--fix", "--quiet", "--exit-zero"], ["format"]):
        run = [sys.executable, "-m", "ruff", *command, "--stdin-filename", "tinygrad_init/stub.pyi", "-"]
        text = subprocess.run(run, input=text, capture_output=True, text=True, check=True, cwd=ROOT.parent).stdout
    return text


if __name__ == "__main__":
    for path, make in STUBS.items():
        path.write_text(formatted(make()))
