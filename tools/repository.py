"""Write the address of this project's repository into every place that needs it.

    python tools/repository.py https://HOST/OWNER/extcal      once, when there is a repository
    python tools/repository.py --check-release v0.2.0         what the release workflow asks

Until then these places say the project's name alone, because an invented address would belong to
strangers: ``[project.urls]``, the User-Agent that publishers see in their logs, and the links of
the README as a package index shows it, which would lead nowhere there.
"""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
URL = re.compile(r"https://[A-Za-z0-9.-]+(?:/[\w.-]+)+")

# A file, what stands there, and how the address is written there.
PLACES = [
    ("pyproject.toml", r'^Repository = ".*"$', 'Repository = "{url}"'),
    ("src/extcal/fetch/user_agents.py", r'^ABOUT = ".*"$', 'ABOUT = "{url}"'),
    ("docs/cli.md", r"\(\+\S+?\)", "(+{url})"),
    ("docs/cli.md", r"\(Linux; \+\S+?\)", "(Linux; +{url})"),
    ("docs/addresses/outlook.md", r"\(\+\S+?\)", "(+{url})"),
    ("docs/addresses/outlook.md", r"\(Linux; \+\S+?\)", "(Linux; +{url})"),
    ("tests/fuzz/oss-fuzz/project.yaml", r'^main_repo: ".*"$', 'main_repo: "{url}.git"'),
    ("tests/fuzz/oss-fuzz/Dockerfile", r"--depth 1 \S+ extcal$", "--depth 1 {url}.git extcal"),
    # Images first: what is left are links.
    ("pyproject.toml", r"^replacement = '_\\1_'$", "replacement = '![\\1]({url}/raw/HEAD/\\2)'"),
    ("pyproject.toml", r"^replacement = '\\1'$", "replacement = '[\\1]({url}/blob/HEAD/\\2)'"),
]


def write(url: str, root: Path = ROOT) -> None:
    """Put ``url`` into all places under ``root``. Raises ValueError for what is no such address."""
    if not URL.fullmatch(url):
        raise ValueError(f"not the address of a repository: {url}")
    for name, pattern, written in PLACES:
        file = root / name
        text, count = re.subn(
            pattern,
            lambda _, written=written: written.format(url=url),
            file.read_text("utf-8"),
            flags=re.MULTILINE,
        )
        if not count:
            raise ValueError(f"{name} no longer holds {pattern}")
        file.write_text(text, "utf-8")


def release_faults(tag: str, root: Path = ROOT) -> list[str]:
    """What speaks against publishing ``tag``, in words; nothing if all is well."""
    project = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]
    faults = []
    if tag != f"v{project['version']}":
        faults.append(f"the tag is {tag}, and the version in pyproject.toml {project['version']}")
    if not URL.fullmatch(project["urls"]["Repository"]):
        faults.append("the repository has no address yet: python tools/repository.py URL")
    if f"## {project['version']}" not in (root / "CHANGELOG.md").read_text("utf-8"):
        faults.append(f"CHANGELOG.md has no heading for {project['version']}")
    return faults


def main(arguments: list[str]) -> int:
    match arguments:
        case ["--check-release", tag]:
            faults = release_faults(tag)
            print("\n".join(faults))
            return bool(faults)
        case [url]:
            try:
                write(url)
            except ValueError as error:
                sys.exit(str(error))
            return 0
    sys.exit(__doc__)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
