"""The results as Markdown."""

from __future__ import annotations

import os
import platform
import statistics
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from race import PASSES, PEERS, Answer, Case
from starting import BARE, GET, IMPORT, READ, STANDARD, Start

__all__ = [
    "heading",
    "hostile_table",
    "memory_table",
    "people_table",
    "race_table",
    "start_table",
]

NAMES = {
    "either": "the same, names in either case",
    "extcal": "extcal",
    "ical": "ical",
    "libical": "libical (C)",
    "recurring": "icalendar + recurring-ical-events",
    "regex": "one selective regex pass",
}
# The targets: how many times faster than which library, and the minimum that is accepted.
REACH: dict[tuple[str, str], tuple[float, float]] = {
    ("google-10000", "recurring"): (250, 180),
    ("google-50000", "recurring"): (250, 180),
    ("google-10000", "libical"): (10, 6.5),
    ("google-50000", "libical"): (10, 6.5),
    ("outlook-10000", "libical"): (8, 5.5),
    ("heavy-500", "recurring"): (300, 180),
    ("heavy-500", "libical"): (5, 3),
}
# The same, against libical: how many times fewer instructions.
FEWER: dict[str, tuple[float, float]] = {
    "google-1000": (8, 7),
    "google-10000": (7, 6),
    "outlook-10000": (6, 5),
    "series-500": (5, 4),
}
_REGEX_REACH, _REGEX_FLOOR = 4, 7
_COMMON_MS, _HOSTILE_MS, _MEMORY_MB = 8, 150, 25
_BARE_MS = 20
_START_MS = {IMPORT: 15, READ: 60, GET: 150}


def heading(quick: bool) -> str:
    """Return when, where and with what this was measured."""
    today = datetime.now(UTC).date()  # noqa: TID251 - a report says when it was made
    machine = f"{os.cpu_count()} cores, {platform.machine()}, {platform.system()}"
    kind = ", a quick run" if quick else ""
    return "\n".join(
        [
            f"Measured {today}{kind}, Python {platform.python_version()}, {machine}, shared.",
            f"Peers: {_versions()}.",
            "CPU time, medians of one interleaved run; window of 90 days.",
        ]
    )


def _versions() -> str:
    code = (
        "from importlib.metadata import version as v\n"
        "for n in ('icalendar', 'recurring-ical-events', 'python-dateutil', 'ical'): print(n, v(n))"
    )
    found = []
    if PEERS.exists():
        ran = subprocess.run([str(PEERS), "-c", code], capture_output=True, text=True)
        found += ran.stdout.split("\n")[:-1]
    try:
        ran = subprocess.run(
            ["pkg-config", "--modversion", "libical"], capture_output=True, text=True
        )
        found += ["libical " + ran.stdout.strip()] if ran.returncode == 0 else []
    except OSError:
        pass
    return ", ".join(found) or "none"


def race_table(cases: Iterable[Case]) -> str:
    """Return the time of each library for each feed, and the ratios compared with the
    targets."""
    rows = []
    for case in cases:
        ours = case.cpu("extcal")
        for name in case.answers:
            cpu = case.cpu(name)
            feed = _feed(case) if name == "extcal" else ""
            if cpu is None:
                rows.append([feed, NAMES[name], f"**{case.error(name)}**", *[""] * 6])
                continue
            ratio = cpu / ours if ours else 0.0
            rows.append(
                [
                    feed,
                    NAMES[name],
                    _milliseconds(cpu),
                    f"{cpu * 1e6 / case.events:,.1f}",
                    _ratio(name, ratio) if ratio else "",
                    *_instructions(case, name),
                    _promise(case, name, ratio) if ratio else "",
                    {True: "equal", False: "**differs**", None: ""}[case.agrees(name)],
                ]
            )
    head = ["feed", "who", "ms", "µs/event", "extcal is", "M instructions", "extcal needs"]
    return _table("Bytes to merged busy intervals", [*head, "reach (floor)", "answer"], rows)


def _instructions(case: Case, name: str) -> tuple[str, str]:
    """Millions of instructions, and how many times fewer extcal needs."""
    if name not in case.instructions:
        return "", ""
    needed, fewer = case.instructions[name], case.fewer(name)
    if needed is None:
        return "**stopped**", ""
    return f"{needed / 1e6:,.1f}", f"{fewer:.1f} times fewer" if fewer else ""


def _feed(case: Case) -> str:
    name = f"`{case.name}`: {case.events:,} VEVENTs"
    if len(case.files) > 1:
        name += f" in {len(case.files)} feeds"
    return f"{name} ({case.size / 1e6:.1f} MB)"


def _ratio(name: str, ratio: float) -> str:
    if name == "extcal":
        return ""
    if ratio >= 1:
        return f"{ratio:.1f} times faster"
    return f"{1 / ratio:.1f} times as long"


def _promise(case: Case, name: str, ratio: float) -> str:
    if name in PASSES and case.name == "google-50000":
        return _verdict(_REGEX_REACH, _REGEX_FLOOR, 1 / ratio, more=False)
    fewer = case.fewer(name)
    if name == "libical" and case.name in FEWER and fewer:
        return _verdict(*FEWER[case.name], fewer, more=True) + ", in instructions"
    if (case.name, name) in REACH:
        return _verdict(*REACH[case.name, name], ratio, more=True)
    return ""


def _verdict(reach: float, floor: float, value: float, *, more: bool) -> str:
    sign = 1 if more else -1
    if sign * value >= sign * reach:
        word = "reached"
    elif sign * value >= sign * floor:
        word = "above the floor" if more else "within the floor"
    else:
        word = "**missed**"
    return f"{reach:g} ({floor:g}): {word}"


def memory_table(path: Path, answers: dict[str, Answer]) -> str:
    """Return the growth of each process for one feed, including the feed."""
    size = path.stat().st_size
    rows = []
    for name in sorted(answers.keys() - {"traced"}):
        answer = answers[name]
        if answer.error:
            rows.append([NAMES[name], answer.error, "", ""])
            continue
        beyond = (answer.peak - size) / 1e6
        verdict = _at_most(_MEMORY_MB, beyond, "MB") if name == "extcal" else ""
        rows.append([NAMES[name], f"{answer.peak / 1e6:,.0f}", f"{beyond:,.0f}", verdict])
    traced = answers["traced"].traced / 1e6
    rows.append(["extcal, as tracemalloc counts", "", f"{traced:,.1f}", ""])
    head = ["who", "peak MB", "beyond the feed", "reach"]
    return _table(f"Memory for a feed of {size / 1e6:.1f} MB", head, rows)


def start_table(begun: Mapping[str, Start]) -> str:
    """Return what a new process costs until its first answer."""
    bare, standard = begun[BARE], begun[STANDARD]
    rows = []
    for name, start in begun.items():
        base = bare if name in (BARE, STANDARD, GET) else standard
        beyond = start.answer - base.answer
        scaled = beyond / bare.cpu * _BARE_MS  # on a core where a bare Python takes 20 ms
        reach = _at_most(_START_MS[name], scaled, "ms") if name in _START_MS else ""
        rows.append(
            [
                name,
                f"{start.cpu * 1e3:,.1f}",
                f"{start.answer * 1e3:,.1f}",
                f"{beyond * 1e3:+,.1f}",
                f"{scaled:,.0f}",
                f"{(start.memory - bare.memory) / 2**20:,.0f}",
                "" if start.instructions is None else f"{start.instructions / 1e6:,.0f}",
                reach,
            ]
        )
    head = [
        "until",
        "CPU ms of the process",
        "until then",
        "beyond",
        "where bare Python takes 20 ms",
        "MiB beyond bare Python",
    ]
    return _table("A new process", [*head, "M instructions", "reach"], rows) + (
        "\n\n*Beyond: the bare imports; for the cache, bare Python.*"
    )


def people_table(costs: dict[str, float]) -> str:
    """Return the cost of questions about many people."""
    rows = []
    for name, cost in costs.items():
        reach = _at_most(_COMMON_MS, cost * 1e3, "ms") if name.endswith("300 intervals") else ""
        rows.append([name, _milliseconds(cost), reach])
    return _table("Many people, 90 days", ["what", "ms", "reach"], rows)


def hostile_table(told: Iterable[tuple[str, int, Sequence[Answer]]]) -> str:
    """Return the cost of hostile feeds, and whether extcal's answer is complete."""
    rows = []
    for name, size, answers in told:
        broken = next((answer.error for answer in answers if answer.error), "")
        if broken:
            rows.append([name, f"{size / 1e6:.2f}", f"**{broken}**", "", "", "", ""])
            continue
        cpu = statistics.median(answer.cpu for answer in answers) * 1e3
        rows.append(
            [
                name,
                f"{size / 1e6:.2f}",
                f"{cpu:,.1f}",
                f"{answers[0].peak / 1e6:,.0f}",
                "yes" if answers[0].complete else "no",
                ", ".join(f"`{code}`" for code in answers[0].odd),
                "" if cpu <= _HOSTILE_MS else f"{_HOSTILE_MS} ms: **missed**",
            ]
        )
    head = ["feed", "MB", "CPU ms", "peak MB", "complete", "problems", "reach"]
    return _table("Hostile feeds", head, rows)


def _at_most(reach: float, value: float, unit: str) -> str:
    return f"{reach:g} {unit}: " + ("reached" if value <= reach else "**missed**")


def _milliseconds(seconds: float) -> str:
    return f"{seconds * 1e3:,.2f}" if seconds < 0.1 else f"{seconds * 1e3:,.0f}"


def _table(title: str, head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [f"### {title}", "", _line(head), _line(["---"] * len(head))]
    return "\n".join([*lines, *(_line(row) for row in rows)])


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"
