"""What recurring-ical-events says about the corpus, kept as times in ``answers/``.

Runs in the peers' own environment (``make.sh``), never in extcal's. Each feed is read in a process
of its own, because icalendar keeps the zones of one feed for the next. The plain rules are applied
to what the library gives: CANCELLED and TRANSPARENT are left out, dates and floating times are UTC.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import subprocess
import sys
import warnings
from datetime import UTC, date, datetime, time
from pathlib import Path
from types import ModuleType

HERE = Path(__file__).parent
ANSWERS = HERE / "answers"
SECONDS = 60


def corpus() -> ModuleType:
    path = HERE.parent / "corpus" / "feeds.py"
    specification = importlib.util.spec_from_file_location("feeds", path)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def instant(value: date) -> datetime:
    if not isinstance(value, datetime):
        return datetime.combine(value, time(), UTC)
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def merged(spans: list[tuple[datetime, datetime]]) -> list[tuple[datetime, datetime]]:
    found: list[tuple[datetime, datetime]] = []
    for start, end in sorted(spans):
        if found and start <= found[-1][1]:
            found[-1] = found[-1][0], max(found[-1][1], end)
        else:
            found.append((start, end))
    return found


def busy(body: bytes, lo: datetime, hi: datetime) -> list[tuple[datetime, datetime]]:
    icalendar = importlib.import_module("icalendar")
    recurring_ical_events = importlib.import_module("recurring_ical_events")
    spans = []
    for calendar in icalendar.Calendar.from_ical(body, multiple=True):
        for event in recurring_ical_events.of(calendar).between(lo, hi):
            if str(event.get("STATUS", "")).upper() == "CANCELLED":
                continue
            if str(event.get("TRANSP", "")).upper() == "TRANSPARENT":
                continue
            start, end = instant(event.start), instant(event.end)
            start, end = max(start, lo), min(end, hi)
            if start < end:
                spans.append((start, end))
    return merged(spans)


def answer(name: str) -> dict[str, object]:
    feeds = corpus()
    body = feeds.raw(name)
    lo, hi = feeds.busiest_year(body)
    found: dict[str, object] = {"window": [written(lo), written(hi)]}
    try:
        found["busy"] = [[written(start), written(end)] for start, end in busy(body, lo, hi)]
    except Exception as error:
        found["failed"] = type(error).__name__
    return found


def written(value: datetime) -> str:
    text = value.strftime("%Y-%m-%dT%H:%M:%SZ")
    return text.replace(":00Z", "Z") if text.endswith(":00Z") else text


def main(names: list[str]) -> None:
    if names[:1] == ["--one"]:
        warnings.simplefilter("ignore")
        print(json.dumps(answer(names[1])))
        return
    ANSWERS.mkdir(exist_ok=True)
    for name in names or corpus().feeds():
        command = [sys.executable, __file__, "--one", name]
        try:
            run = subprocess.run(command, capture_output=True, timeout=SECONDS, check=True)
            found = json.loads(run.stdout)
        except subprocess.TimeoutExpired:
            lo, hi = corpus().busiest_year(corpus().raw(name))
            found = {"window": [written(lo), written(hi)], "failed": "no answer in a minute"}
        lines = [f'  "window": {json.dumps(found["window"])}']
        if "failed" in found:
            lines.append(f'  "failed": {json.dumps(found["failed"])}')
        else:
            spans = ",\n".join(f"    {json.dumps(span)}" for span in found["busy"])
            lines.append('  "busy": [' + (f"\n{spans}\n  ]" if spans else "]"))
        (ANSWERS / f"{name}.json").write_text("{\n" + ",\n".join(lines) + "\n}\n", "utf-8")
        print(name, found.get("failed") or f"{len(found['busy'])} busy")


if __name__ == "__main__":
    main(sys.argv[1:])
