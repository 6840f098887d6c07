"""What a captured function reaches from outside, and a program takes for granted: names, attributes, contents.

A value gets into a function by a name (a global, or a cell of a closure), by an attribute of an object that it reaches,
out of a list, a dictionary, a set or an array, or as an argument that is no array. Which attributes those are is not
followed exactly: every attribute that is called like any word of the function's code counts, so that none is missed.
Functions that are called are looked through as well, those reached by name at once, the others when they are called.
"""

from __future__ import annotations

import dis
import functools
import os
import sys
import sysconfig
import weakref
from collections import Counter, deque
from collections.abc import Callable
from pathlib import Path
from types import CodeType, FrameType, FunctionType, MemberDescriptorType, MethodType, ModuleType
from typing import Any

import numpy as np

from ..engine.tensor import Tensor
from .guards import NOTHING, PLAIN, Attributes, contents, held, value_of

PACKAGE = str(Path(__file__).parent.parent) + os.sep
PATHS = [sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")]
# Packages may lie elsewhere: in a user's own folder, where a system keeps them, in the environment below a virtual one.
PATHS += [path for path in sys.path if Path(path).name in ("site-packages", "dist-packages")]
PATHS.append(str(Path(np.__file__).parent) + os.sep)  # and NumPy anywhere
LIBRARIES = (PACKAGE, "tinygrad_init/", "<frozen", *PATHS)  # compiled code has relative paths
READ_ANEW = (np.ndarray, np.generic, Tensor)  # arguments that every run reads
CONTAINERS = (list, dict, set, deque, np.ndarray)
LOOKED_INTO = 1000  # containers of more are data
MOST_OBJECTS = 10_000
# Of the classes here, those whose instances have attributes that a user's function may read.
OURS = ("tinygrad_init.nn", "tinygrad_init.optim")


class Outside:
    """What a function reaches from outside.

    Parameters
    ----------
    function
        The function.
    arguments
        What it is called with; all but arrays and tensors is part of the program.

    Attributes
    ----------
    names
        Where a value is looked up (a dictionary, a class, a cell, or `Attributes`), its name there, and the value.
    containers
        Lists, dictionaries, sets and arrays, with what they are called.
    codes
        The code of the function and of the user's functions that it calls.
    """

    def __init__(self, function: Callable[..., Any], arguments: tuple[Any, ...] = ()) -> None:
        self.names: list[tuple[Any, str, Any]] = []
        self.containers: dict[int, tuple[str, Any]] = {}
        self.codes: dict[CodeType, None] = {}
        self.words: set[str] = set()
        self.objects: dict[int, tuple[str, Any]] = {}
        self.known: set[tuple[int, str]] = set()
        self.met: list[tuple[str, weakref.ref[Any]]] = []
        self.waiting: list[tuple[str, Any]] = [("an argument", v) for v in arguments if not isinstance(v, READ_ANEW)]
        self.waiting.append(("the function", function))
        self.settle()

    def called(self, frame: FrameType) -> None:
        """Note a function of the user's that is called, with the objects that it is given and those of its closure."""
        code = frame.f_code
        if code not in self.codes and is_users(frame.f_globals.get("__name__") or "__main__"):
            self.look_through(code, frame.f_globals)
            for name, value in frame.f_locals.items():
                if type(value).__weakrefoffset__ and not isinstance(value, READ_ANEW):
                    self.met.append((name, weakref.ref(value)))  # weakly: nothing made here may outlive the function

    def settle(self) -> None:
        """Follow everything that is reached until nothing new comes."""
        self.waiting += [(name, value) for name, reference in self.met if (value := reference()) is not None]
        self.met.clear()
        tried = (0, 0)  # so many words and objects were known when these were last gone through
        while self.waiting or tried != (len(self.words), len(self.objects)):
            while self.waiting:
                self.reach(*self.waiting.pop())
            tried = len(self.words), len(self.objects)
            for name, value in list(self.objects.values()):
                self.attributes(name, value)

    def reach(self, name: str, value: Any) -> None:
        """Note one value and what it consists of."""
        if isinstance(value, MethodType):
            self.waiting += [("self", value.__self__), (name, value.__func__)]
        elif isinstance(value, functools.partial):
            self.waiting += [(name, value.func), *((name, v) for v in value.args), *value.keywords.items()]
        elif isinstance(value, FunctionType):
            self.function(name, value)
        elif isinstance(value, CONTAINERS):
            if id(value) not in self.containers:
                self.containers[id(value)] = name, value
                if not isinstance(value, np.ndarray) and len(value) <= LOOKED_INTO:
                    self.waiting += [(name, item) for item in contents(value)]
        elif isinstance(value, tuple | frozenset) and len(value) <= LOOKED_INTO:
            self.waiting += [(name, item) for item in value]
        elif not isinstance(value, PLAIN) and id(value) not in self.objects and len(self.objects) < MOST_OBJECTS:
            inner = getattr(value, "__dict__", {}).get("__wrapped__")
            if inner is not None:  # a captured function
                self.waiting.append((name, inner))
            elif has_attributes(value):
                self.objects[id(value)] = name, value

    def function(self, name: str, value: FunctionType) -> None:
        """Look through a function of the user's: its code, the names outside that it uses, its defaults."""
        if id(value) in self.objects:
            return
        self.objects[id(value)] = name, value
        inner = getattr(value, "__wrapped__", None)
        if inner is not None:
            self.waiting.append((name, inner))
        if is_library(value.__code__):
            return
        self.look_through(value.__code__, value.__globals__)
        for variable, cell in zip(value.__code__.co_freevars, value.__closure__ or (), strict=True):
            try:
                self.named(cell, variable, cell.cell_contents)
            except ValueError:  # not assigned yet
                continue
        for default in (*(value.__defaults__ or ()), *(value.__kwdefaults__ or {}).values()):
            self.waiting.append(("a default argument", default))

    def look_through(self, code: CodeType, namespace: dict[str, Any]) -> None:
        """Note the global names and the words of a function's code."""
        for part in nested(code):
            if part not in self.codes:
                self.codes[part] = None
                self.words.update(part.co_names)
                self.words.update(word for word in part.co_consts if isinstance(word, str) and word.isidentifier())
                for name in part.co_names:
                    if name in namespace:
                        self.named(namespace, name, namespace[name])

    def named(self, holder: Any, name: str, value: Any) -> None:
        """Note that a name has a value, here or there."""
        if (id(holder), name) not in self.known:
            self.known.add((id(holder), name))
            self.names.append((holder, name, value))
            self.waiting.append((name, value))

    def attributes(self, name: str, value: Any) -> None:
        """Note those attributes of an object that the code may mean, in the object itself and in its classes."""
        own = getattr(value, "__dict__", None)
        places: list[Any] = [*([own] if isinstance(own, dict) else []), *classes(value)]
        words = self.words | ALWAYS
        for i, place in enumerate(places):
            table = vars(place) if isinstance(place, type) else place
            for word in words & table.keys():
                where, found = place, table[word]
                if isinstance(found, MemberDescriptorType):  # of __slots__: every object has its own
                    where = Attributes(value)
                    found = where.get(word, NOTHING)
                key = id(value) if where is not place else id(place)
                if (key, word) not in self.known:
                    self.known.add((key, word))
                    self.names.append((where, word, found))
                    # What comes first hides the rest: nothing may appear there.
                    self.names += [
                        (nearer, word, NOTHING) for nearer in places[:i] if value_of(nearer, word) is NOTHING
                    ]
                    self.waiting += [(f"{name}.{word}", part) for part in behind(found)]

    def guarded(self, bound: set[int]) -> list[tuple[Any, Any]]:
        """Containers that must hold at each run what they hold now, with that.

        Arrays that the program reads anew at each run (`bound`) need no guard, unless the function may have computed
        with them when it was captured: it says their name more than once, or gives them another one.
        """
        return [
            (value, held(value))
            for name, value in self.containers.values()
            if not (id(value) in bound and self.said_once(name))
        ]

    def said_once(self, name: str) -> bool:
        """Whether the code mentions a name just once, and does not hand its value on to a variable."""
        last = name.rsplit(".", 1)[-1]
        mentions: Counter[bool] = Counter()
        for code in self.codes:
            if last not in code.co_names and last not in code.co_freevars and last not in code.co_varnames:
                continue
            instructions = list(dis.get_instructions(code))
            for instruction, after in zip(instructions, [*instructions[1:], None], strict=True):
                if instruction.argval == last and instruction.opname.startswith("LOAD_"):
                    mentions[after is not None and after.opname.startswith("STORE_")] += 1
        return mentions == {False: 1}

    def first_line(self, name: str) -> str:
        """Where a name is first mentioned."""
        last = name.rsplit(".", 1)[-1]
        codes = list(self.codes)
        for code in codes:
            for instruction in dis.get_instructions(code):
                if instruction.argval == last and instruction.positions:
                    return f"{code.co_filename}:{instruction.positions.lineno} in {code.co_name}"
        return (
            f"{codes[0].co_filename}:{codes[0].co_firstlineno} in {codes[0].co_name}" if codes else "an unknown place"
        )


# Methods that Python calls without naming them.
ALWAYS = {"__call__", "__getattr__", "__getitem__", "__iter__", "__len__", "__contains__", "__enter__", "__exit__"} | {
    f"__{side}{name}__" for side in ("", "r", "i") for name in ("add", "sub", "mul", "truediv", "pow", "matmul")
}


def behind(found: Any) -> tuple[Any, ...]:
    """What an entry of a class or an object leads to: a property's function, a method's, or the value itself."""
    if isinstance(found, property):
        return (found.fget,)
    if isinstance(found, staticmethod | classmethod):
        return (found.__func__,)
    return (found.func,) if isinstance(found, functools.cached_property) else (found,)


def classes(value: Any) -> list[type]:
    """The user's classes in which an attribute of an object, or of a class itself, may be found."""
    if isinstance(value, FunctionType | ModuleType):
        return []
    return [c for c in (value if isinstance(value, type) else type(value)).__mro__ if is_users_class(c)]


def has_attributes(value: Any) -> bool:
    """Whether a user's function may read the attributes of an object, a class or a module."""
    if isinstance(value, ModuleType):
        return is_users(value.__name__)
    if isinstance(value, type):
        return is_users_class(value)
    module = type(value).__module__
    if module.startswith(("tinygrad_init.", "numpy.")):
        return module.startswith(OURS)
    return hasattr(type(value), "__dict__") and (bool(classes(value)) or hasattr(value, "__dict__"))


def is_users_class(kind: type) -> bool:
    """Whether a class is a user's; one made by `exec` in an empty namespace says that it is built in."""
    made_by_python = bool(kind.__flags__ & 1 << 9)
    return is_users(kind.__module__) or (kind.__module__ == "builtins" and made_by_python)


@functools.cache
def is_users(module: str) -> bool:
    """Whether a module, by its name, is neither part of Python nor an installed package."""
    root = module.partition(".")[0]
    if root in sys.stdlib_module_names or root in ("builtins", "tinygrad_init", "numpy"):
        return False
    file = getattr(sys.modules.get(module) or sys.modules.get(root), "__file__", None)
    return file is None or not file.startswith(LIBRARIES)


def is_library(code: CodeType) -> bool:
    """Whether it is not the user's own code."""
    return code.co_filename.startswith(LIBRARIES)


def nested(code: CodeType) -> list[CodeType]:
    """A function's code and that of the functions inside it."""
    return [code, *(inner for part in code.co_consts if isinstance(part, CodeType) for inner in nested(part))]
