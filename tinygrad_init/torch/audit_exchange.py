"""Findings for other programs: JUnit's XML, which CI servers show, and SARIF 2.1.0, which code hosts show."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree

from ..version import __version__
from .audit_records import CODES, FAULT, Audited

PAGE = "docs/audit.md"


def junit(audit: Audited) -> str:
    """A test case for every parameter, which fails by its faults; notes and known findings are its output."""
    about: dict[str, list[Any]] = {one.name: [] for one in audit.parameters}
    for one in audit.findings:
        about.setdefault(one.parameter, []).append(one)
    suite = ElementTree.Element("testsuite", name=f"audit of {audit.source}", tests=str(len(about)))
    suite.set("failures", str(len({one.parameter for one in audit.faults})))
    for name, found in about.items():
        case = ElementTree.SubElement(suite, "testcase", classname=audit.source, name=name)
        faults = [one for one in found if one.severity == FAULT and not one.known]
        if faults:
            failure = ElementTree.SubElement(case, "failure", type=faults[0].code, message=str(faults[0].said))
            failure.text = "\n".join(f"{one.code} {one.said}" for one in faults)
        if others := [one for one in found if one not in faults]:
            ElementTree.SubElement(case, "system-out").text = "\n".join(f"{one.code} {one.said}" for one in others)
    suites = ElementTree.Element("testsuites")
    suites.append(suite)
    ElementTree.indent(suites)
    return ElementTree.tostring(suites, encoding="unicode", xml_declaration=True) + "\n"


def sarif(audit: Audited) -> str:
    """A result for every finding, at the file and the parameter; what a baseline accepts is suppressed."""
    rules = [{"id": code, "name": name, "help": {"text": f"{PAGE}#{code.lower()}"}} for name, code in CODES.items()]
    results = []
    for one in audit.findings:
        result: dict[str, Any] = {
            "ruleId": one.code,
            "level": "error" if one.severity == FAULT else "note",
            "message": {"text": str(one.said)},
            "locations": [
                {
                    "physicalLocation": {"artifactLocation": {"uri": quote(audit.source.replace("\\", "/"))}},
                    "logicalLocations": [{"fullyQualifiedName": one.parameter, "kind": "member"}],
                }
            ],
        }
        results.append(result | ({"suppressions": [{"kind": "external"}]} if one.known else {}))
    driver = {"name": "tinygrad-init", "version": __version__, "rules": rules}
    log = {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{"tool": {"driver": driver}, "results": results}],
    }
    return json.dumps(log, indent=2, ensure_ascii=False) + "\n"
