"""The same feeds read by recurring-ical-events: the same times are busy, or it is known why not.

The peer runs in an environment of its own (``make.sh``); its answers are kept in ``answers/`` as
times. Each disagreement stands in ``DISAGREEMENTS`` and in docs/peers.md with what decides.
"""

from __future__ import annotations

import importlib.util
import json
from datetime import datetime
from pathlib import Path
from types import ModuleType

import pytest

import extcal
from extcal import FBType, FreeBusy

HERE = Path(__file__).parent
ANSWERS = HERE / "answers"
DOCUMENT = HERE.parent.parent / "docs" / "peers.md"

DISAGREEMENTS = {
    "ical4j--google_aus_holidays": "DATE with a TZID",
    "ical4j--japan_west": "DATE with a TZID",
    "icalevents--rrule_until_only_date": "UNTIL as a DATE",
    "icalevents--cest": "UNTIL in UTC on a series of days",
    "icalevents--recurrenceid_ms": "UNTIL in UTC on a series of days",
}
REFUSED = {
    "ical4j--phpicalendar_sample": "one unreadable end",
    "icalevents--icloud": "an offset of more than a day",
    "ics-parser--ICal": "one unreadable event",
    "node-ical--ms_timezones": "one unreadable start",
}


def _feeds() -> ModuleType:
    path = HERE.parent / "corpus" / "feeds.py"
    specification = importlib.util.spec_from_file_location("feeds", path)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


corpus = _feeds()
NAMES = sorted(path.stem for path in ANSWERS.glob("*.json"))


def both(name: str, zone: str | None = "UTC") -> tuple[FreeBusy, FreeBusy | None]:
    """What extcal says, without its types, and what the peer said (None: it refused)."""
    if not corpus.feeds():
        pytest.skip(corpus.MISSING)
    answer = json.loads((ANSWERS / f"{name}.json").read_text("utf-8"))
    start, end = (datetime.fromisoformat(text) for text in answer["window"])
    typed = extcal.free_busy(corpus.raw(name), start, end, timezone=zone)
    assert not typed.unknown
    lo, hi = typed.window_epochs
    ours = FreeBusy.from_epochs(lo, hi, [(*span[:2], FBType.BUSY) for span in typed.epochs])
    if "failed" in answer:
        return ours, None
    spans = [tuple(map(datetime.fromisoformat, span)) for span in answer["busy"]]
    return ours, FreeBusy.from_periods((start, end), [(span[0], span[1]) for span in spans])


def test_the_answers_are_whole() -> None:
    """Every feed of the corpus has an answer, and what is explained exists and is documented."""
    assert len(NAMES) > 60
    assert {*DISAGREEMENTS, *REFUSED} <= set(NAMES)
    if corpus.feeds():
        assert corpus.feeds() == NAMES
    document = DOCUMENT.read_text("utf-8")
    for name, why in {**DISAGREEMENTS, **REFUSED}.items():
        assert any(name in line and why in line for line in document.splitlines()), name


def test_the_answers_hold_times_only() -> None:
    """The feeds belong to others: nothing of their text is kept."""
    for name in NAMES:
        answer = json.loads((ANSWERS / f"{name}.json").read_text("utf-8"))
        assert answer.keys() <= {"window", "busy", "failed"}
        for text in [
            *answer["window"],
            *(edge for span in answer.get("busy", ()) for edge in span),
        ]:
            assert datetime.fromisoformat(text).tzinfo is not None


@pytest.mark.parametrize("name", [name for name in NAMES if name not in {*DISAGREEMENTS, *REFUSED}])
def test_the_same_times_are_busy(name: str) -> None:
    """Where nothing is explained, both agree to the second over the busiest year of the feed."""
    ours, theirs = both(name)
    assert theirs is not None
    assert ours == theirs


@pytest.mark.parametrize("name", sorted(DISAGREEMENTS))
def test_a_disagreement_is_one(name: str) -> None:
    """What is explained is still so: an explanation nobody needs is taken off the list."""
    ours, theirs = both(name)
    assert theirs is not None
    assert ours != theirs


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_a_refused_feed_is_read_here(name: str) -> None:
    """Feeds that the peer gives up on as a whole have busy time here."""
    ours, theirs = both(name)
    assert theirs is None
    assert ours.periods


@pytest.mark.parametrize(
    ("name", "zone"),
    [
        ("ical4j--japan_west", "Asia/Tokyo"),
        ("ical4j--google_aus_holidays", "America/Los_Angeles"),
        ("ical4j--japan_west", None),
        ("ical4j--google_aus_holidays", None),
    ],
)
def test_days_agree_where_the_owner_lives_there(name: str, zone: str | None) -> None:
    """The DATEs with a TZID are the same days for an owner in that zone, or when none is given."""
    ours, theirs = both(name, zone)
    assert ours == theirs
