"""The schema of a report's JSON form, derived from the classes that it is made of.

The derivation (`of_class`, `of_type`) serves any dataclasses; what a bare float looks like is said by `plain`.
"""

from __future__ import annotations

import dataclasses
import inspect
import types
import typing
from typing import Any

from ..records import Answer, Confidence, Judged, Measured, Settings, Start, Verdict
from .plain import VERSION, WRITTEN

Plain = dict[Any, dict[str, Any]]

# Numbers that JSON does not know are strings.
NUMBER = {"anyOf": [{"type": "number"}, {"enum": ["nan", "inf", "-inf"]}]}
PLAIN: Plain = {
    float: NUMBER,
    int: {"type": "integer"},
    str: {"type": "string"},
    bool: {"type": "boolean"},
    type(None): {"type": "null"},
    Any: {},
}


def schema() -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of `Report.to_json`."""
    definitions: dict[str, Any] = {}
    whole = of_class(Measured, definitions)
    own = {
        "version": {"const": VERSION},
        "verdict": of_type(Verdict, definitions),
        "confidence": of_type(Confidence | None, definitions),
        "answers": {"type": "array", "items": of_type(Answer, definitions), "minItems": 6, "maxItems": 6},
        "notes": {"type": "array", "items": of_type(Verdict, definitions)},
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "tinygrad_init report",
        **whole,
        "properties": {**own, **whole["properties"]},
        "required": [*own, *whole["required"]],
        "$defs": definitions,
    }


def comparison_schema() -> dict[str, Any]:
    """The same of `Comparison.to_json`; a start has an accuracy or, for a regression, R² on what was held out."""
    report = schema()
    definitions = report.pop("$defs")
    dialect, _ = report.pop("$schema"), report.pop("title")
    definitions["Report"] = report
    plain: Plain = PLAIN | {Judged: {"$ref": "#/$defs/Report"}}
    properties = {
        "version": {"const": VERSION},
        "settings": of_type(Settings, definitions),
        "starts": {"type": "array", "items": of_type(Start, definitions, plain)},
    }
    return {
        "$schema": dialect,
        "title": "tinygrad_init comparison of starts",
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
        "$defs": definitions,
    }


def of_class(owner: Any, definitions: dict[str, Any], plain: Plain = PLAIN) -> dict[str, Any]:
    """A dataclass as an object with all its fields; `plain` is the schema of types that are no containers.

    Fields whose metadata say "optional" may be missing.
    """
    hints = typing.get_type_hints(owner, include_extras=True)
    saved = [field for field in dataclasses.fields(owner) if field.compare]
    properties = {field.name: of_type(hints[field.name], definitions, plain) for field in saved}
    written = WRITTEN.get(owner, ())
    properties |= {name: {"type": "string"} for name in written}
    summary = (inspect.getdoc(owner) or "").split("\n\n")[0].replace("\n", " ")
    return {
        "type": "object",
        "description": summary,
        "properties": properties,
        "required": [
            *(field.name for field in saved if not field.metadata.get("optional")),
            *written,
        ],
        "additionalProperties": False,
    }


def of_type(hint: Any, definitions: dict[str, Any], plain: Plain = PLAIN) -> dict[str, Any]:
    """What a value of this type looks like in JSON; classes are defined once and referred to.

    What annotates a type may say more of it, by a property `keywords`: words of JSON Schema and their values.
    """
    if hint in plain:
        return plain[hint]
    origin, parts = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Annotated:
        found = of_type(parts[0], definitions, plain)
        for limit in parts[1:]:
            found = found | limit.keywords
        return found
    if origin is typing.Literal:
        return {"const": parts[0]} if len(parts) == 1 else {"enum": list(parts)}
    if origin in (typing.Union, types.UnionType):
        return {"anyOf": [of_type(part, definitions, plain) for part in parts]}
    if origin is dict:
        return {"type": "object", "additionalProperties": of_type(parts[1], definitions, plain)}
    if origin is tuple and parts[-1] is Ellipsis:
        return {"type": "array", "items": of_type(parts[0], definitions, plain)}
    if origin is tuple:
        items = [of_type(part, definitions, plain) for part in parts]
        return {"type": "array", "prefixItems": items, "minItems": len(items), "maxItems": len(items)}
    if hint.__name__ not in definitions:
        definitions[hint.__name__] = {}  # known while it is being described
        definitions[hint.__name__] = of_class(hint, definitions, plain)
    return {"$ref": f"#/$defs/{hint.__name__}"}
