"""The Lab's messages: one description for the server, the page and whoever wants to break them."""

import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinygrad_init.laboratory.messages import protocol
from tinygrad_init.laboratory.messages.config import Config
from tinygrad_init.laboratory.messages.message_schema import Invalid
from tinygrad_init.laboratory.messages.wire import encode, plain

ROOT = Path(__file__).parents[2]


def message(**fields: Any) -> str:
    return json.dumps(fields)


@pytest.mark.parametrize("path", sorted(protocol.files(), key=str))
def test_the_published_schema_and_declarations_are_those_of_the_code(path: Path) -> None:
    assert (ROOT / path).read_text(encoding="utf-8") == protocol.files()[path]


@pytest.mark.parametrize(
    ("fields", "field", "words"),
    [
        ({"config": {"layers": [65]}}, "config.layers[0]", "from 1 to 64, got 65"),
        ({"config": {"layers": [1] * 61}}, "config.layers", "0 to 60 items, got 61"),
        ({"config": {"layers": [2.5]}}, "config.layers[0]", "a whole number, got 2.5"),
        ({"config": {"lr": "fast"}}, "config.lr", 'a number, got "fast"'),
        ({"config": {"lr": True}}, "config.lr", "a number, got true"),
        ({"config": {"data": {"name": "mnist"}}}, "config.data.name", 'got "mnist"'),
        ({"config": {"data": {"points": [[0, 0]]}}}, "config.data.points[0]", "3 items, got 2"),
        ({"config": {"starts": [{"sigma_w": -1}]}}, "config.starts[0].sigma_w", "from 0 to 100"),
        ({"config": {"seed": 2**32}}, "config.seed", "4294967296"),
        ({"config": {"depth": 3}}, "config.depth", "unknown"),
        ({"config": {"variants": [{}]}}, "config.variants[0].label", "missing"),
        ({"config": [], "step": 1}, "config", "an object, got []"),
        ({}, "config", "missing"),
    ],
)
def test_a_refusal_names_the_field_and_what_came(fields: dict[str, Any], field: str, words: str) -> None:
    with pytest.raises(Invalid) as caught:
        protocol.parse(message(type="configure", **fields))
    assert caught.value.field == field
    assert words in caught.value.message


@pytest.mark.parametrize("text", ["", "[]", "null", '{"type": 1}', '{"type": "eval"}', '{"type":', "[" * 100_000])
def test_what_is_no_message_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        protocol.parse(text)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "9" * 5000])
def test_numbers_that_are_none_are_refused(number: str) -> None:
    with pytest.raises(Invalid):
        protocol.parse('{"type": "configure", "config": {"lr": ' + number + "}}")


def test_a_message_that_is_too_long_is_refused() -> None:
    with pytest.raises(Invalid, match="256 kB"):
        protocol.parse(message(type="pause", more="x" * 300_000))


def test_an_empty_config_is_the_default_and_reads_back_as_itself() -> None:
    read = protocol.parse(message(type="configure", config={}))
    assert read.config == Config() and read.step == 0
    again = protocol.parse(message(type="configure", config=plain(read.config, None)))
    assert again.config == read.config


def test_numbers_that_json_does_not_know_are_null() -> None:
    assert json.loads(encode(protocol.Select("select"))) == {
        "type": "select", "run": 0, "layer": None, "unit": None, "input": None
    }  # fmt: skip
    assert plain({"a": math.nan, "b": (math.inf, 1.23456789)}) == {"a": None, "b": [None, 1.2346]}


leaves = (
    st.none() | st.booleans() | st.integers(-5, 3000) | st.sampled_from([0.0, 0.5, 3.0, -1.5, 1e7, 1e305])
    | st.sampled_from(["relu", "tanh", "he", "normal", "circles", "sgd", "none", "hinge", "csv", "x", "é" * 70])
)  # fmt: skip
FIELDS = (
    "type config step steps layers starts name sigma_w activations lr data seed samples points variants label what run "
    "unit values expression steps_per_frame z"
)
names = st.sampled_from(FIELDS.split())
values = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=4), max_leaves=12
)


@given(st.sampled_from(sorted(protocol.BY_TYPE)), st.dictionaries(names, values, max_size=4))
def test_reader_and_schema_take_the_same_messages(kind: str, fields: dict[str, Any]) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    given_message = {**fields, "type": kind}
    schema = protocol.schema()
    one = {"$ref": f"#/$defs/{protocol.BY_TYPE[kind].__name__}", "$defs": schema["$defs"]}
    try:
        protocol.parse(json.dumps(given_message))
        taken = True
    except Invalid:
        taken = False
    assert taken == jsonschema.Draft202012Validator(one).is_valid(given_message)
