"""What ``make sbom`` writes is complete, or it says what is missing.

The whole command needs a package index and minutes; ``make nightly`` runs it.
"""

from __future__ import annotations

import copy
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sbom as tool

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
EXTRAS = [*PROJECT["optional-dependencies"]]
DIGEST = "0" * 64


def versions(extras: list[str]) -> dict[str, str]:
    """What extcal and ``extras`` need here: the oldest versions."""
    return {
        each.name: next(bound.version for bound in each.specifier if bound.operator == ">=")
        for each in tool.requirements(PROJECT, extras)
    }


def written(extras: list[str]) -> dict[str, Any]:
    """As cyclonedx-py writes it; icalendar leads to python-dateutil."""
    found = versions(extras)
    components = [
        {
            "bom-ref": f"{name}=={version}",
            "type": "library",
            "name": name,
            "version": version,
            "purl": f"pkg:pypi/{name}@{version}",
            "licenses": [{"license": {"id": "MIT"}}],
        }
        for name, version in found.items()
    ]
    refs = [each["bom-ref"] for each in components if each["name"] != "python-dateutil"]
    (ical,) = [each for each in refs if each.startswith("icalendar==")]
    dateutil = f"python-dateutil=={found['python-dateutil']}"
    return {
        "metadata": {
            "component": {
                "bom-ref": "root-component",
                "name": PROJECT["name"],
                "version": PROJECT["version"],
            }
        },
        "components": components,
        "dependencies": [
            {"ref": "root-component", "dependsOn": refs},
            {"ref": ical, "dependsOn": [dateutil]},
            {"ref": dateutil},
        ],
    }


def report(sbom: dict[str, Any]) -> dict[str, Any]:
    """As ``pip install --report`` writes it; names may be spelt in another way."""
    return {
        "install": [
            {
                "metadata": {"name": each["name"].replace("-", "_"), "license": "BSD"},
                "download_info": {"archive_info": {"hashes": {"sha256": DIGEST}}},
            }
            for each in sbom["components"]
        ]
    }


@pytest.mark.parametrize("extras", [[], EXTRAS], ids=["runtime", "all extras"])
def test_everything_that_is_needed_is_there(extras: list[str]) -> None:
    sbom = written(extras)
    tool.complete(sbom, report(sbom))
    assert [*tool.missing(sbom, PROJECT, extras)] == []
    hashes = [each["hashes"] for each in sbom["components"]]
    assert hashes == [[{"alg": "SHA-256", "content": DIGEST}]] * len(hashes)


def test_every_requirement_is_asked_for() -> None:
    """Of the wheel and of each extra."""
    for name in versions(EXTRAS):
        sbom = written(EXTRAS)
        tool.complete(sbom, report(sbom))
        sbom["components"] = [each for each in sbom["components"] if each["name"] != name]
        assert [*tool.missing(sbom, PROJECT, EXTRAS)][:1] == [f"{name} is not there"]


def test_a_licence_without_a_standard_name_is_kept() -> None:
    """But not the text of one, which some packages have in its place."""
    for name, known in (("BSD", True), ("Copyright\nAll rights", False), ("", False)):
        sbom = written([])
        del sbom["components"][0]["licenses"]
        installed = report(sbom)
        installed["install"][0]["metadata"]["license"] = name
        tool.complete(sbom, installed)
        assert ([*tool.missing(sbom, PROJECT, [])] == []) is known


def without(field: str) -> Callable[[dict[str, Any]], object]:
    return lambda sbom: sbom["components"][0].pop(field)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (without("version"), "h11 has version None"),
        (without("purl"), "h11 has no purl"),
        (without("licenses"), "h11 has no licenses"),
        (without("hashes"), "h11 has no hashes"),
        (lambda sbom: sbom["components"][0].update(version="0.1"), "h11 has version 0.1"),
        (lambda sbom: sbom["dependencies"].pop(1), "nothing needs python-dateutil"),
        (
            lambda sbom: sbom["metadata"]["component"].update(version="0"),
            "it is about extcal 0",
        ),
    ],
    ids="version purl licenses hashes old unneeded another".split(),
)
def test_what_is_missing_is_said(change: Callable[[dict[str, Any]], object], said: str) -> None:
    sbom = written([])
    tool.complete(sbom, report(sbom))
    odd = copy.deepcopy(sbom)
    change(odd)
    assert said in [*tool.missing(odd, PROJECT, [])]
