"""What is known of the mutants of :mod:`mutants`: who was killed, and who need not be."""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Iterable
from pathlib import Path

from mutations import SOURCE, Mutant, mutants_of

ROOT = Path(__file__).resolve().parent.parent
EQUIVALENT = ROOT / "tests" / "mutants.txt"
KEPT = ROOT / ".mutants"

# Guards and decisions, and the tests that say what they promise: those of the whole room would take
# ten times as long to measure.
_DECISIONS = tuple(
    f"tests/cache/{name}.py"
    for name in (
        "test_freshness test_circuit_breaker test_rate_limited_hosts test_lifetime_options"
        " test_three_months test_thirty_minutes test_failures test_age test_other_rules"
        " test_stats_logs_callbacks test_shared_requests test_decisions stores/test_unchanged"
    ).split()
)
_CELLS = ("tests/cache/test_codec.py", "tests/cache/test_codec_members.py",
          "tests/cache/test_forged_cells.py")  # fmt: skip
_ADDRESSES = tuple(
    f"tests/fetch/test_{name}.py"
    for name in (
        "policy registries user_input feed credentials body core guard hostile odd_servers"
    ).split()
)
_LIMITS = (
    "tests/test_limits.py",
    "tests/fetch/test_security_page.py",
    "tests/ical/test_budget.py",
    "tests/ical/test_limits.py",
    "tests/ical/test_work.py",
)
_SIEVE = tuple(
    f"tests/ical/shortcuts/test_{name}.py" for name in ("select", "ended", "patterns", "sieve")
)
_ICAL = ("tests/ical/shortcuts",)
TARGETS = {
    "fetch/policy.py": _ADDRESSES,
    "fetch/address/networks.py": _ADDRESSES,
    "fetch/address/url.py": _ADDRESSES,
    "fetch/address/paste.py": _ADDRESSES,
    "cache/freshness/decide.py": _DECISIONS,
    "cache/freshness/circuit_breaker.py": _DECISIONS,
    "cache/freshness/horizon.py": _DECISIONS,
    "cache/freshness/rate_limited_hosts.py": _DECISIONS,
    "cache/freshness/values.py": _DECISIONS,
    "cache/freshness/failures.py": _DECISIONS,
    "cache/refresh/decisions.py": _DECISIONS,
    "cache/refresh/outcome.py": _DECISIONS,
    "cache/snapshot/codec.py": _CELLS,
    "intervals/merge.py": ("tests/intervals",),
    "intervals/columned.py": ("tests/intervals",),
    "limits.py": _LIMITS,
    "ical/budget.py": _LIMITS,
    "ical/shortcuts/select.py": _SIEVE,
    "ical/shortcuts/ended.py": _SIEVE,
    "ical/parse/odd_lines.py": ("tests/ical/parse", *_ICAL),
    "ical/shortcuts/plain_blocks.py": _ICAL,
    "ical/shortcuts/short_components.py": _ICAL,
    "ical/shortcuts/short_reading.py": _ICAL,
    "ical/shortcuts/short_way.py": (*_ICAL, "tests/ical/test_work.py"),
}


class Results:
    """Which mutants were killed, by which test: a line of JSON each, so that none is lost."""

    def __init__(self, tests: str) -> None:
        self._tests = tests
        self._file = KEPT / "results.jsonl"
        self._known: dict[str, dict[str, object]] = {}
        if self._file.exists():
            for line in self._file.read_text("utf-8").splitlines():
                with contextlib.suppress(ValueError):  # the last one, if a run was killed
                    entry = json.loads(line)
                    self._known[entry["key"]] = entry

    def of(self, mutant: Mutant, seconds: float = 0.0) -> str | None:
        """The test that killed it, "" if it lives, None if that is not known."""
        entry = self._known.get(mutant.key)
        if entry is None:
            return None
        asked_enough = entry["tests"] == self._tests and entry["seconds"] >= seconds
        return entry["by"] if entry["by"] or asked_enough else None

    def last(self, mutant: Mutant) -> str | None:
        """The same as :meth:`of`, even if the tests have changed since."""
        entry = self._known.get(mutant.key)
        return None if entry is None else entry["by"]

    def keep(self, mutant: Mutant, killed_by: str, seconds: float) -> None:
        entry = {
            "key": mutant.key,
            "by": killed_by,
            "tests": self._tests,
            "seconds": seconds,
            "sure": 1,
        }
        self._known[mutant.key] = entry
        with self._file.open("a", encoding="utf-8") as file:
            file.write(json.dumps(entry) + "\n")


def digest_of(tests: tuple[str, ...], modules: Iterable[str] = ()) -> str:
    """Of the files of tests, and of modules."""
    found = hashlib.sha1(repr(modules).encode())
    for each in tests:
        for path in [ROOT / each] if each.endswith(".py") else sorted((ROOT / each).rglob("*.py")):
            found.update(path.read_bytes())
    for each in modules:
        found.update((SOURCE / each).read_bytes() if (SOURCE / each).is_file() else b"")
    return found.hexdigest()[:12]


def listed() -> dict[str, str]:
    """The entries of ``tests/mutants.txt``: a name, and the reason in the indented lines below."""
    found: dict[str, str] = {}
    name = ""
    for line in EQUIVALENT.read_text("utf-8").splitlines() if EQUIVALENT.exists() else ():
        if line.startswith("    ") and name:
            found[name] = f"{found[name]} {line.strip()}".strip()
        elif line.strip() and not line.startswith("#"):
            name = line.strip()
            found[name] = ""
    return found


def stale() -> list[str]:
    """What is wrong with ``tests/mutants.txt``: entries without a mutant, or without a reason."""
    known = {each.name for module in TARGETS for each in mutants_of(module)}
    return [f"no such mutant: {name}" for name in listed() if name not in known] + [
        f"no reason is given: {name}" for name, reason in listed().items() if not reason
    ]
