"""Templates: the same keys and names in every language, and everything that asks for one finds it."""

from __future__ import annotations

import ast
import re
import string
from pathlib import Path

import pytest

import tinygrad_init as tgi
from tinygrad_init.words import LANGUAGES, Phrase, in_words, number, phrase, say, templates

PACKAGE = Path(tgi.__file__).parent
# What begins like this is completed by a name that the code knows.
FAMILIES = (
    "word",
    "question",
    "column",
    "encoded",
    "start",
    "prediction",
    "zero",
    "answer",
    "curve",
    "refusal",
    "page",
    "layers",
    "criticality",
    "data",
    "optimizer",
    "moved",
)


def names(template: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(template) if name}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_every_template_with_the_same_names(language: str) -> None:
    ours, english = templates(language), templates("en")
    assert ours.keys() == english.keys()
    for key, text in ours.items():
        assert names(text) == names(english[key]), key


def test_chinese_is_chinese() -> None:
    """What is left of Latin letters is names, and no English sign stands between Chinese words."""
    known = r"\{[^}]*\}|tgi\.[\w.]+|√|fan_in|fan_out|ReLU|He|Xavier|LeCun|NaN|rms|tanh|JSON|csv|json|type|configure|SGD"
    known += r"|sigma_b|logits?|softmax|binary_cross_entropy_with_logits|kB|Unicode|half_squared_error"
    known += r"|true|false|[zaWCφ∂∕/λ]\b"
    known += r"|∂C/∂\w|[NR]?Adam[Wax]*|Ada(?:grad|delta)|RMSprop|Nesterov|b?float16"
    for key, text in templates("zh").items():
        assert not re.search("[A-Za-z]{2}", re.sub(known, "", text)), (key, text)
        assert not re.search(r"[一-鿿][,;:.(]|[。；，：] ", text), (key, text)


def asked() -> set[str]:
    """All keys that stand in the sources as whole words."""
    found = set()
    for path in PACKAGE.rglob("*.py"):
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match call:
                case ast.Call(func=ast.Name(id="phrase" | "say" | "said"), args=[ast.Constant(value=str() as key), *_]):
                    found.add(key)
                case ast.Call(func=ast.Name(id="Verdict"), args=[_, _, ast.Constant(value=str() as key), *_]):
                    found.add(key)
                case ast.Call(func=ast.Name(id="Invalid"), args=[_, ast.Constant(value=str() as key), *_]):
                    found.add(f"refusal.{key}")
                case ast.Call(func=ast.Attribute(attr="failed"), args=[ast.Constant(value=str() as key), *_]):
                    found.add(f"refusal.{key}")
    return found


def test_every_template_that_is_asked_for_is_there() -> None:
    keys = asked()
    assert len(keys) > 100
    assert keys <= templates("en").keys()


def test_every_template_is_asked_for() -> None:
    """By its whole key, or as one of a family whose last word the code puts in."""
    source = "\n".join(path.read_text(encoding="utf-8") for path in PACKAGE.rglob("*.py"))
    source += "\n".join(path.read_text(encoding="utf-8") for path in PACKAGE.rglob("*.html"))
    source += (PACKAGE / "diagnosis" / "findings" / "conditions.json").read_text(encoding="utf-8")
    unused = [
        key
        for key in templates("en")
        if f'"{key}"' not in source and key.split(".")[0] not in FAMILIES and not key.startswith(("list.", "advice."))
    ]
    assert not unused


def test_numbers_lists_and_phrases_are_put_in() -> None:
    assert say("signal.fading", {"first": 1234.5, "last": 1e-7}) == (
        "z shrinks from 1.2e+03 at the first layer to 1e-07 here"
    )
    parts = [phrase("gradient.part", decades=-1.04, label="W"), phrase("gradient.part", decades=0.5, label="tanh'")]
    told = phrase("gradient.vanishing", decades=3.2, parts=phrase("gradient.parts", parts=parts))
    assert str(told).endswith(
        "1.6e+03 from the output to the first layer (-1.0 decades from W, +0.5 decades from tanh')"
    )
    assert told.spoken("zh").endswith("缩小到 1/1.6e+03（W 贡献 -1.0 个数量级，tanh' 贡献 +0.5 个数量级）")
    assert str(phrase("gradient.vanishing", decades=400.4, parts=None)).endswith(
        "10^400 from the output to the first layer"
    )
    assert [in_words(layers) for layers in ([3], [1, 2, 3], [1, 3])] == ["layer 3", "layers 1 to 3", "layers 1, 3"]
    assert in_words([1, 3], "zh") == "第 1、3 层"
    assert [number(x) for x in (0.0, 0.012345, 123456.0)] == ["0", "0.0123", "1.2e+05"]


def test_what_is_missing_is_an_error() -> None:
    with pytest.raises(KeyError):
        say("no such template")
    with pytest.raises(KeyError):
        say("signal.fading", {"first": 1.0})
    with pytest.raises(ValueError, match="expected a language out of en, zh; got 'fr'"):
        Phrase("inputs.constant").spoken("fr")
