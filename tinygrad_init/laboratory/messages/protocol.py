"""What the page and the server of the Lab say to each other.

Every message is a JSON object with a `type`; the classes here, in `config` and in `frames` are its one description.
`python -m tinygrad_init.laboratory.messages.protocol` derives lab/protocol.schema.json and the page's TypeScript
declarations from them. Numbers that JSON does not know (infinities, NaN) are sent as null.
"""

from __future__ import annotations

import inspect
import json
import typing
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from ...diagnosis.showing.schema import Plain, of_type
from .config import SAMPLES, Activation, Config, Coordinate, Count, Index
from .frames import SAID
from .message_schema import Between, Invalid, Length, OneOf, declare, hints_of, optional, read

MESSAGE_BYTES = 256 * 1024
WHAT = ("csv", "json", "python", "page")


@dataclass(frozen=True)
class Configure:
    """Build everything anew, and go on to a step; answer: state, then frame."""

    type: Literal["configure"]
    config: Config
    step: Count = optional(0)


@dataclass(frozen=True)
class Play:
    """Train, with so many steps between frames (0: as many as fit)."""

    type: Literal["play"]
    steps_per_frame: Annotated[int, Between(0, 1000)] = optional(0)


@dataclass(frozen=True)
class Pause:
    """Stop training; answer: frame."""

    type: Literal["pause"]


@dataclass(frozen=True)
class Step:
    """Train so many steps; answer: frame."""

    type: Literal["step"]
    steps: Annotated[int, Between(1, 100_000)] = optional(1)


@dataclass(frozen=True)
class Epoch:
    """Train to the end of the epoch; answer: frame."""

    type: Literal["epoch"]


@dataclass(frozen=True)
class Seek:
    """Go to a step, back or forward; answer: frame."""

    type: Literal["seek"]
    step: Count


@dataclass(frozen=True)
class Rewind:
    """Go to step 0; answer: frame."""

    type: Literal["rewind"]


@dataclass(frozen=True)
class Select:
    """What `detail` is about; layers from 0, null for nothing (or for the whole layer)."""

    type: Literal["select"]
    run: Index = optional(0)
    layer: Index | None = optional(None)
    unit: Index | None = optional(None)
    input: Index | None = optional(None)


@dataclass(frozen=True)
class AskPhase:
    """Ask for the phase diagram of an activation."""

    type: Literal["phase"]
    activation: Activation


@dataclass(frozen=True)
class AskMicroscope:
    """Ask for the graph of an expression at given values of its names."""

    type: Literal["microscope"]
    expression: Annotated[str, Length(1, 200, "length")]
    values: dict[str, Coordinate] | None = optional(None)


@dataclass(frozen=True)
class AskMicroscopeWeight:
    """Ask for the paths from the loss of one sample back to one weight."""

    type: Literal["microscope_weight"]
    layer: Index
    unit: Index
    input: Index
    run: Index = optional(0)
    sample: Annotated[int, Between(0, SAMPLES - 1)] = optional(0)


@dataclass(frozen=True)
class AskExport:
    """Ask for a file."""

    type: Literal["export"]
    what: Annotated[str, OneOf(WHAT)]


ASKED: tuple[Any, ...] = (
    Configure, Play, Pause, Step, Epoch, Seek, Rewind, Select, AskPhase, AskMicroscope, AskMicroscopeWeight, AskExport
)  # fmt: skip
BY_TYPE: dict[str, Any] = {typing.get_args(hints_of(kind)["type"])[0]: kind for kind in ASKED}


def parse(text: str) -> Any:
    """A message of the page as its class.

    Raises
    ------
    Invalid
        Names the field.
    """
    if len(text) > MESSAGE_BYTES:
        raise Invalid("", "bytes", most=MESSAGE_BYTES // 1024, got=len(text) // 1024)
    try:
        message = json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise Invalid("", "json", error=str(error)[:100]) from None
    if not isinstance(message, dict):
        raise Invalid("", "typed")
    kind = message.get("type")
    if not isinstance(kind, str) or kind not in BY_TYPE:
        raise Invalid("type", "type", names=", ".join(BY_TYPE))
    return read(BY_TYPE[kind], message, "")


def _refuse(name: str) -> Any:
    raise ValueError(f"{name} is no number")


def schema() -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of all messages, in both directions."""
    strict: Plain = {
        float: {"type": "number", "minimum": -1e300, "maximum": 1e300},
        int: {"type": "integer", "minimum": -1e300, "maximum": 1e300},
        str: {"type": "string"},
        bool: {"type": "boolean"},
        type(None): {"type": "null"},
    }
    sent: Plain = {
        **strict,
        float: {"type": ["number", "null"]},
        int: {"type": "integer"},
        bytes: {"type": "string", "contentEncoding": "base64"},
        Any: {},
    }
    definitions: dict[str, Any] = {}
    asked = [of_type(kind, definitions, strict) for kind in ASKED]
    said = [of_type(kind, definitions, sent) for kind in SAID]
    unions = {"FromPage": {"anyOf": asked}, "FromServer": {"anyOf": said}}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "tinygrad_init lab",
        "anyOf": [{"$ref": f"#/$defs/{name}"} for name in unions],
        "$defs": {**unions, **definitions},
    }


PROTOCOL = "tinygrad_init.laboratory.messages.protocol"


def files() -> dict[Path, str]:
    """What is derived from the classes above, by path from the repository's root."""
    found = schema()
    head = f"// Derived from tinygrad_init/laboratory/messages/protocol.py by python -m {PROTOCOL}.\n\n"
    return {
        Path("lab/protocol.schema.json"): json.dumps(found, indent=2, ensure_ascii=False) + "\n",
        Path("tinygrad_init/laboratory/page/protocol.d.ts"): head + declare(found["$defs"]),
    }


if __name__ == "__main__":
    for path, text in files().items():
        whole = Path(inspect.getfile(Invalid)).parents[3] / path
        whole.parent.mkdir(parents=True, exist_ok=True)
        whole.write_text(text, encoding="utf-8")
