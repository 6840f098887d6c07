"""The schema of a report's JSON form, derived from the classes that it is made of."""

from __future__ import annotations

import dataclasses
import inspect
import types
import typing
from typing import Any

from .report import VERSION, Report
from .verdict import Answer, Verdict

# Numbers that JSON does not know are strings.
NUMBER = {"anyOf": [{"type": "number"}, {"enum": ["nan", "inf", "-inf"]}]}
PLAIN: dict[Any, dict[str, Any]] = {
    float: NUMBER,
    int: {"type": "integer"},
    str: {"type": "string"},
    bool: {"type": "boolean"},
    type(None): {"type": "null"},
}


def schema() -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of `Report.to_json`."""
    definitions: dict[str, Any] = {}
    whole = of_class(Report, definitions)
    own = {
        "version": {"const": VERSION},
        "verdict": of_type(Verdict, definitions),
        "answers": {"type": "array", "items": of_type(Answer, definitions), "minItems": 5, "maxItems": 5},
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "tinygrad_init report",
        **whole,
        "properties": {**own, **whole["properties"]},
        "required": [*own, *whole["required"]],
        "$defs": definitions,
    }


def of_class(owner: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    """A dataclass as an object with all its fields."""
    hints = typing.get_type_hints(owner)
    properties = {field.name: of_type(hints[field.name], definitions) for field in dataclasses.fields(owner)}
    summary = (inspect.getdoc(owner) or "").split("\n\n")[0].replace("\n", " ")
    return {
        "type": "object",
        "description": summary,
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def of_type(hint: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    """What a value of this type looks like in JSON; classes are defined once and referred to."""
    if hint in PLAIN:
        return PLAIN[hint]
    origin, parts = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return {"anyOf": [of_type(part, definitions) for part in parts]}
    if origin is dict:
        return {"type": "object", "additionalProperties": of_type(parts[1], definitions)}
    if origin is tuple and parts[-1] is Ellipsis:
        return {"type": "array", "items": of_type(parts[0], definitions)}
    if origin is tuple:
        items = [of_type(part, definitions) for part in parts]
        return {"type": "array", "prefixItems": items, "minItems": len(items), "maxItems": len(items)}
    if hint.__name__ not in definitions:
        definitions[hint.__name__] = {}  # known while it is being described
        definitions[hint.__name__] = of_class(hint, definitions)
    return {"$ref": f"#/$defs/{hint.__name__}"}
