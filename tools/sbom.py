"""Completes the CycloneDX files of ``make sbom``, and checks them.

    python tools/sbom.py SBOM REPORT [EXTRA ...]

``REPORT`` is what ``pip install --report`` wrote when the environment was made. Each component gets
the SHA-256 of the file that pip installed. Then everything that extcal and its ``EXTRA``s need must
be there, on this platform: with a version that the bounds allow, a licence and a hash, and led to
from the wheel. The file must be valid by CycloneDX's own schema. Otherwise this says what is wrong,
and exits with 1.
"""

from __future__ import annotations

import json
import sys
import tomllib
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent


def complete(sbom: dict[str, Any], report: dict[str, Any]) -> None:
    """Give each component the hash of its file, from ``report``, which is pip's.

    cyclonedx-py leaves out licences that are no SPDX names, such as "BSD". They get in, too.
    """
    installed = {canonicalize_name(each["metadata"]["name"]): each for each in report["install"]}
    for component in sbom["components"]:
        found = installed.get(canonicalize_name(component["name"]))
        if found is None:
            continue
        digest = found["download_info"]["archive_info"]["hashes"]["sha256"]
        component["hashes"] = [{"alg": "SHA-256", "content": digest}]
        name = found["metadata"].get("license", "")
        if not component.get("licenses") and name and "\n" not in name:
            component["licenses"] = [{"license": {"name": name, "acknowledgement": "declared"}}]


def requirements(project: dict[str, Any], extras: list[str]) -> Iterator[Requirement]:
    """What extcal and its ``extras`` need on this platform; ``project`` is of pyproject.toml."""
    listed = [project["dependencies"], *(project["optional-dependencies"][each] for each in extras)]
    for each in map(Requirement, chain(*listed)):
        if each.marker is None or each.marker.evaluate():
            yield each


def missing(sbom: dict[str, Any], project: dict[str, Any], extras: list[str]) -> Iterator[str]:
    """What is wrong with ``sbom``."""
    components = {canonicalize_name(each["name"]): each for each in sbom["components"]}
    root = sbom["metadata"]["component"]
    if (root["name"], root.get("version")) != (project["name"], project["version"]):
        yield f"it is about {root['name']} {root.get('version')}"
    reached = _reached(sbom, root["bom-ref"])
    for needed in requirements(project, extras):
        component = components.get(canonicalize_name(needed.name))
        if component is None:
            yield f"{needed.name} is not there"
        elif not needed.specifier.contains(component.get("version", ""), prereleases=True):
            yield f"{needed.name} has version {component.get('version')}"
    for component in components.values():
        for field in ("version", "purl", "licenses", "hashes"):
            if not component.get(field):
                yield f"{component['name']} has no {field}"
        if component["bom-ref"] not in reached:
            yield f"nothing needs {component['name']}"


def _reached(sbom: dict[str, Any], start: str) -> set[str]:
    """The references to which the graph of dependencies leads from ``start``."""
    leads = {each["ref"]: each.get("dependsOn", ()) for each in sbom["dependencies"]}
    reached, todo = {start}, [start]
    while todo:
        new = {*leads.get(todo.pop(), ())} - reached
        reached |= new
        todo += new
    return reached


def main(path: str, report: str, *extras: str) -> int:
    """Complete and check the file ``path``; return 1 if it is wrong."""
    from cyclonedx.schema import SchemaVersion  # in .venv-lock only
    from cyclonedx.validation.json import JsonStrictValidator

    sbom = json.loads(Path(path).read_text("utf-8"))
    complete(sbom, json.loads(Path(report).read_text("utf-8")))
    text = json.dumps(sbom, indent=2, ensure_ascii=False) + "\n"
    Path(path).write_text(text, "utf-8")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    wrong = [*missing(sbom, project, [*extras])]
    invalid = JsonStrictValidator(SchemaVersion.from_version(sbom["specVersion"])).validate_str(
        text
    )
    if invalid is not None:
        wrong.append(f"no valid CycloneDX: {invalid}")
    for each in wrong:
        print(f"{path}: {each}", file=sys.stderr)
    print(f"{path}: {len(sbom['components'])} components")
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
