"""What JSON must look like to become a dataclass, said once by the types of its fields.

`Between`, `Length` and `OneOf` annotate a type with limits. From the same annotations `read` checks a message, the
schema is derived (`diagnosis.schema`), and from that the TypeScript declarations (`declare`).
"""

from __future__ import annotations

import dataclasses
import functools
import json
import math
import types
import typing
from dataclasses import dataclass
from typing import Any

from ...words import phrase


class Invalid(ValueError):
    """A message is not what it should be.

    Parameters
    ----------
    field
        Where, such as "config.layers[2]".
    key, numbers
        Why: the template `refusal.<key>` of `words`, and what stands in its places.
    """

    def __init__(self, field: str, key: str, **numbers: Any) -> None:
        self.field, self.why = field, phrase(f"refusal.{key}", **numbers)
        super().__init__(f"{field}: {self.message}" if field else self.message)

    @property
    def message(self) -> str:
        """Why, in words."""
        return str(self.why)


@dataclass(frozen=True)
class Between:
    """Limits of a number, both allowed."""

    low: float
    high: float

    @property
    def keywords(self) -> dict[str, Any]:
        return {"minimum": self.low, "maximum": self.high}

    def check(self, value: Any, field: str) -> None:
        if not self.low <= value <= self.high:
            raise Invalid(field, "between", low=self.low, high=self.high, got=short(value))


@dataclass(frozen=True)
class Length:
    """How many items an array, or characters a text, may have."""

    low: int
    high: int
    of: str = "items"

    @property
    def keywords(self) -> dict[str, Any]:
        return {f"min{self.of.capitalize()}": self.low, f"max{self.of.capitalize()}": self.high}

    def check(self, value: Any, field: str) -> None:
        if not self.low <= len(value) <= self.high:
            key = "characters" if self.of == "length" else "items"
            raise Invalid(field, key, low=self.low, high=self.high, got=len(value))


@dataclass(frozen=True)
class OneOf:
    """The texts that are allowed."""

    names: tuple[str, ...]

    @property
    def keywords(self) -> dict[str, Any]:
        return {"enum": list(self.names)}

    def check(self, value: Any, field: str) -> None:
        if value not in self.names:
            raise Invalid(field, "one_of", names=", ".join(self.names), got=short(value))


def optional(default: Any) -> Any:
    """A field that a message may leave out."""
    return dataclasses.field(default=default, metadata={"optional": True})


@functools.cache
def hints_of(owner: Any) -> dict[str, Any]:
    """The types of a class's fields, with what annotates them."""
    return typing.get_type_hints(owner, include_extras=True)


def read(hint: Any, value: Any, field: str) -> Any:
    """A value out of JSON as what its type says.

    Parameters
    ----------
    hint
        A dataclass, a plain type, a Literal, a union, `tuple[T, ...]`, `tuple[A, B]` or `dict[str, T]`; annotated, if
        it has limits.
    value
        As `json.loads` returns it.
    field
        What it is called in messages.

    Raises
    ------
    Invalid
        Names the field, what was expected and what came.
    """
    origin, parts = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Annotated:
        found = read(parts[0], value, field)
        for limit in parts[1:]:
            limit.check(found, field)
        return found
    if origin is typing.Literal:
        if type(value) is not str or value not in parts:
            raise Invalid(field, "literal", expected=" or ".join(map(repr, parts)), got=short(value))
        return value
    if origin in (typing.Union, types.UnionType):
        return _read_union(parts, value, field)
    if origin is dict:
        return {key: read(parts[1], item, f"{field}.{key}") for key, item in _of(dict, value, field).items()}
    if origin is tuple:
        items = _of(list, value, field)
        kinds = [parts[0]] * len(items) if parts[-1] is Ellipsis else parts
        if len(items) != len(kinds):
            raise Invalid(field, "count", expected=len(kinds), got=len(items))
        return tuple(read(kind, item, f"{field}[{i}]") for i, (kind, item) in enumerate(zip(kinds, items, strict=True)))
    if dataclasses.is_dataclass(hint):
        return _read_class(hint, value, field)
    return _read_plain(hint, value, field)


NAMES = {
    int: "whole",
    float: "number",
    str: "text",
    bool: "truth",
    list: "list",
    dict: "object",
}


def _of(kind: type, value: Any, field: str) -> Any:
    if type(value) is not kind:
        raise Invalid(field, NAMES[kind], got=short(value))
    return value


def _read_plain(hint: type, value: Any, field: str) -> Any:
    if hint is str and not encodable(_of(str, value, field)):
        raise Invalid(field, "surrogate")
    if hint in (int, float):
        # JSON knows one kind of numbers: 3.0 is a whole one.
        whole = type(value) is int or (type(value) is float and math.isfinite(value) and value.is_integer())
        if (hint is int and not whole) or type(value) not in (int, float) or not -1e300 <= value <= 1e300:
            raise Invalid(field, NAMES[hint], got=short(value))
        return hint(value)
    return _of(hint, value, field)


def encodable(text: str) -> bool:
    """Whether a text can be sent: JSON may hold halves of surrogate pairs, UTF-8 may not."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _read_union(parts: tuple[Any, ...], value: Any, field: str) -> Any:
    if value is None and type(None) in parts:
        return None
    rest = [part for part in parts if part is not type(None)]
    if len(rest) != 1:
        raise TypeError(f"{field}: a union of more than one type and None cannot be read")
    return read(rest[0], value, field)


def _read_class(owner: Any, value: Any, field: str) -> Any:
    given, hints = _of(dict, value, field), hints_of(owner)
    prefix = f"{field}." if field else ""
    for name in given:
        if name not in hints:
            raise Invalid(prefix + short(name).strip('"'), "unknown", names=", ".join(hints))
    found = {}
    for each in dataclasses.fields(owner):
        if each.name in given:
            found[each.name] = read(hints[each.name], given[each.name], prefix + each.name)
        elif not each.metadata.get("optional"):
            raise Invalid(prefix + each.name, "missing")
    return owner(**found)


def short(value: Any, most: int = 60) -> str:
    """A value as JSON, cut where it is long."""
    if isinstance(value, int) and not -(10**most) < value < 10**most:
        return "a number of more than 60 digits"
    text = json.dumps(value, ensure_ascii=True) if not isinstance(value, str) else json.dumps(value[:most])
    return text if len(text) <= most else text[: most - 1] + "…"


def declare(definitions: dict[str, Any]) -> str:
    """Schemas of objects and unions as TypeScript declarations."""
    lines: list[str] = []
    for name, schema in definitions.items():
        summary = f"/** {schema['description']} */\n" if "description" in schema else ""
        if "properties" not in schema:
            lines.append(f"{summary}export type {name} = {declared(schema)};\n")
            continue
        lines.append(f"{summary}export interface {name} {{")
        for field, kind in schema["properties"].items():
            lines.append(f"  {field}{'' if field in schema['required'] else '?'}: {declared(kind)};")
        lines.append("}\n")
    return "\n".join(lines)


TYPES = {"integer": "number", "number": "number", "string": "string", "boolean": "boolean", "null": "null"}


def declared(schema: dict[str, Any]) -> str:
    """One schema as a TypeScript type."""
    if "$ref" in schema:
        return str(schema["$ref"].rsplit("/", 1)[-1])
    if "const" in schema:
        return json.dumps(schema["const"])
    if "enum" in schema:
        return " | ".join(json.dumps(value) for value in schema["enum"])
    if "anyOf" in schema:
        return " | ".join(dict.fromkeys(part for each in schema["anyOf"] for part in declared(each).split(" | ")))
    if not schema:
        return "any"
    if isinstance(schema["type"], list):
        return " | ".join(TYPES[each] for each in schema["type"])
    if "prefixItems" in schema:
        return f"[{', '.join(declared(each) for each in schema['prefixItems'])}]"
    if schema["type"] == "array":
        inner = declared(schema["items"])
        return f"({inner})[]" if " | " in inner else f"{inner}[]"
    if schema["type"] == "object":
        return f"Record<string, {declared(schema['additionalProperties'])}>"
    return TYPES[schema["type"]]
