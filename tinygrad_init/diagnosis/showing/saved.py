"""Reports that were saved, by whatever version of the library: read, converted, or refused by their version."""

from __future__ import annotations

import json
from typing import Any

from ...words import say
from .plain import VERSION

QUESTIONS = {
    "Does the signal arrive?": "signal",
    "Does the gradient arrive?": "gradient",
    "Are the units different?": "units",
    "Are they alive?": "alive",
    "What should I do?": "advice",
}


# The question that version 2 did not ask.
NOT_ASKED = {
    "key": "fit",
    "good": True,
    "said": {"key": "answer.fit.unknown", "numbers": {}},
    "findings": [],
    "question": say("question.fit"),
    "sentence": say("answer.fit.unknown"),
}


# What reports of version 3 have got since there were such.
ADDED = {"confidence": None, "evidence": None, "sequences": None}


def read_report(text: str) -> dict[str, Any]:
    """A saved report or comparison of starts in the present form (see `showing.schema`).

    Parameters
    ----------
    text
        What `to_json` wrote. Version 2 is converted: its sentences are kept as they were written, under the key
        "as_it_was", since what they were made of was not saved.

    Raises
    ------
    ValueError
        It is no report, or one of a version that cannot be read.
    """
    try:
        found = json.loads(text)
    except ValueError as error:
        raise ValueError(f"read_report: expected JSON: {error}") from None
    version = found.get("version") if isinstance(found, dict) else None
    whole = version is not None and (isinstance(found.get("verdict"), dict) or isinstance(found.get("starts"), list))
    if not whole:
        raise ValueError("read_report: expected a report or a comparison of starts, with its version")
    if version == VERSION:
        return completed(found)
    if version != 2:
        raise ValueError(f"read_report: expected version 2 to {VERSION}, got version {version!r}")
    try:
        return from_2(found)
    except (KeyError, TypeError) as error:
        raise ValueError(f"read_report: expected a whole report of version 2, but {error} is missing") from None


def completed(found: dict[str, Any]) -> dict[str, Any]:
    """A report, or a comparison of starts, of the present version with what it did not have yet: nothing."""
    if "starts" not in found:
        return ADDED | found
    starts = [start | {when: ADDED | start[when] for when in ("before", "after")} for start in found["starts"]]
    return {**found, "starts": starts}


def from_2(found: dict[str, Any]) -> dict[str, Any]:
    """From version 2, which had sentences alone."""
    new = {**found, "version": VERSION}
    if "starts" in new:
        new["settings"] = {**new["settings"], "optimizer": "sgd", "scaled_targets": False}
        new["starts"] = [
            {
                **start,
                "r2": None,
                "verdict": verdict_from_2(start["verdict"]),
                "before": from_2(start["before"]),
                "after": from_2(start["after"]),
            }
            for start in new["starts"]
        ]
        return new
    new["verdict"] = verdict_from_2(new["verdict"])
    new["answers"] = [NOT_ASKED] + [
        {
            "key": QUESTIONS[answer["question"]],
            **answer,
            "said": {"key": "as_it_was", "numbers": {"text": answer["sentence"]}},
            "findings": [verdict_from_2(verdict) for verdict in answer["findings"]],
        }
        for answer in new["answers"]
    ]
    new["layers"] = [{**layer, "bias": "nan"} for layer in new["layers"]]
    new["notes"], new["fit"], new["ahead"] = [], None, None
    return ADDED | new


def verdict_from_2(verdict: dict[str, Any]) -> dict[str, Any]:
    """A verdict that had a word, a layer and a reason."""
    numbers = {"text": verdict["reason"]}
    return {**verdict, "key": "as_it_was", "numbers": numbers, "fault": verdict["word"] != "healthy"}
