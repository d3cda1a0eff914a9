"""The feeds that speed is measured on: the same everywhere, valid, and like real ones."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from types import ModuleType
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from dateutil.rrule import rrulestr
from icalendar import Calendar

import extcal

BERLIN = ZoneInfo("Europe/Berlin")
# Chosen by hand, apart from extcal's own table of Windows zones.
ZONES = {
    "W. Europe Standard Time": BERLIN,
    "Eastern Standard Time": ZoneInfo("America/New_York"),
    "India Standard Time": ZoneInfo("Asia/Kolkata"),
}
KINDS = ("google_like", "outlook_like", "recurrence_heavy", "personal")
SERIES = ("series", "outlook_series")
OTHERS = ("school_timetable", "shift_plan", "rental")
DIGESTS = {
    "google_like": "6f64ccb5f28b9dc1",
    "outlook_like": "7a3daa9a367e3f1f",
    "recurrence_heavy": "c3be928849da1f41",
    "personal": "220b00f9480e28f3",
    "series": "d972b31709d434bc",
    "outlook_series": "5ef03aefc97da440",
    "school_timetable": "714c87ddf7c578a0",
    "shift_plan": "5f12ff8d1e09e754",
    "rental": "efe3692d4868b6dc",
}
every_kind = pytest.mark.parametrize("kind", KINDS)
both_publishers = pytest.mark.parametrize("kind", KINDS[:2])


@pytest.mark.parametrize("kind", [*KINDS, *SERIES])
def test_a_seed_gives_the_same_bytes_everywhere(feeds: ModuleType, kind: str) -> None:
    """Figures of two machines, or of two years, are about the same feed."""
    data = getattr(feeds, kind)(100)
    assert sha256(data).hexdigest()[:16] == DIGESTS[kind]
    assert getattr(feeds, kind)(100, 2) != data


@pytest.mark.parametrize("kind", OTHERS)
def test_a_seed_gives_the_same_timetable_everywhere(feeds: ModuleType, kind: str) -> None:
    data = getattr(feeds, kind)()
    assert sha256(data).hexdigest()[:16] == DIGESTS[kind]
    assert getattr(feeds, kind)(2) != data


def test_a_team_has_feeds_of_two_publishers(feeds: ModuleType) -> None:
    team = feeds.team(4)
    assert len({*team}) == 4
    assert [b"Google" in data for data in team] == [True, False, True, False]


def test_live_series_have_what_people_add_to_them(feeds: ModuleType) -> None:
    """EXDATEs and overrides, moved and cancelled, past and coming; texts, guests, reminders."""
    data = feeds.series(30)
    events = _events(data)
    masters = {str(event["UID"]): event for event in events if "RRULE" in event}
    assert len(masters) == 30
    rules = {event["RRULE"].to_ical().partition(b";")[0] for event in masters.values()}
    assert rules == {b"FREQ=DAILY", b"FREQ=WEEKLY", b"FREQ=MONTHLY", b"FREQ=YEARLY"}
    assert {len(_exdates(event)) for event in masters.values()} == {*range(7)}
    overrides = [event for event in events if "RECURRENCE-ID" in event]
    assert {str(event["UID"]) for event in overrides} <= {*masters}
    originals = [_naive(event["RECURRENCE-ID"].dt) for event in overrides]
    gone = [one for event in masters.values() for one in _exdates(event)]
    for moments in (originals, gone):
        past = sum(one < feeds.START.replace(tzinfo=None) for one in moments)
        assert 0.4 < past / len(moments) < 0.7
    cancelled = [event for event in overrides if event["STATUS"] == "CANCELLED"]
    moved = [event for event in overrides if event["DTSTART"].dt != event["RECURRENCE-ID"].dt]
    assert 0.1 < len(cancelled) / len(overrides) < 0.5 < len(moved) / len(overrides)
    assert {len(event["ATTENDEE"]) for event in events} == {*range(2, 9)}
    assert all(150 < len(str(event["DESCRIPTION"])) < 2_000 for event in events)
    assert all(event.walk("VALARM") for event in events)
    zones = {event["DTSTART"].params.get("TZID") for event in masters.values()}
    assert zones - {None} == {"Europe/Berlin", "America/New_York", "Asia/Kolkata"}


@every_kind
@pytest.mark.parametrize("count", [1, 7, 100])
def test_there_are_exactly_as_many_vevents_as_asked_for(
    feeds: ModuleType, kind: str, count: int
) -> None:
    data = getattr(feeds, kind)(count)
    assert data.count(b"BEGIN:VEVENT\r\n") == data.count(b"END:VEVENT\r\n") == count


@every_kind
def test_3_1_lines_end_in_crlf_and_have_at_most_75_octets(feeds: ModuleType, kind: str) -> None:
    """Lines of text SHOULD NOT be longer than 75 octets, excluding the line break."""
    data = getattr(feeds, kind)(100)
    assert data.endswith(b"END:VCALENDAR\r\n")
    lines = data.removesuffix(b"\r\n").split(b"\r\n")
    assert all(0 < len(line) <= 75 and b"\n" not in line and b"\r" not in line for line in lines)
    assert all(line.decode() for line in lines), "a fold within a character"


@every_kind
def test_icalendar_reads_every_event_without_an_error(feeds: ModuleType, kind: str) -> None:
    events = _events(getattr(feeds, kind)(100))
    assert len(events) == 100
    for event in events:
        assert not event.errors
        assert event["UID"]
        assert event["DTSTART"].dt < event["DTEND"].dt


@both_publishers
def test_the_mix_is_like_a_real_calendar(feeds: ModuleType, kind: str) -> None:
    """Ten years; one in twenty recurs, most of those ended, with EXDATEs and overrides."""
    data = getattr(feeds, kind)(3_000)
    ours = re.compile(rb"BEGIN:VEVENT.*?END:VEVENT", re.S).findall(data)
    series = [event for event in ours if b"\nRRULE:" in event]
    unending = [event for event in series if not re.search(rb"\nRRULE:.*(UNTIL|COUNT)=", event)]
    overrides = [event for event in ours if b"\nRECURRENCE-ID" in event]
    assert 0.03 < len(series) / len(ours) < 0.07
    assert 0.02 < len(unending) / len(series) < 0.25
    assert 0.03 < len(overrides) / len(ours) < 0.12
    assert 0.2 < sum(b"\nEXDATE" in event for event in series) / len(series) < 0.8
    assert 0.5 < sum(b"BEGIN:VALARM" in event for event in ours) / len(ours) < 0.9
    starts = [re.search(rb"\nDTSTART(.*?):(\d{4})", event) for event in ours]
    zoned = sum(b"TZID" in found.group(1) for found in starts if found)
    assert 0.1 < zoned / len(ours) < 0.5
    assert any(b"VALUE=DATE" in found.group(1) for found in starts if found)
    years = {found.group(2) for found in starts if found}
    assert years >= {b"%d" % year for year in range(2017, 2028)}


def test_google_writes_its_own_order_and_length(feeds: ModuleType) -> None:
    """About 1,120 bytes an event: 50,000 events are about 56 MB."""
    data = feeds.google_like(2_000)
    assert 1_080 < len(data) / 2_000 < 1_180
    order = "DTSTART DTEND DTSTAMP UID CREATED DESCRIPTION LAST-MODIFIED LOCATION SEQUENCE STATUS"
    _assert_order(data, [*order.split(), "SUMMARY", "TRANSP"])


def test_exchange_writes_its_own_order(feeds: ModuleType) -> None:
    """The description comes first, times in the middle; UIDs have 112 digits and are folded."""
    data = feeds.outlook_like(200)
    order = "DESCRIPTION UID SUMMARY DTSTART DTEND CLASS PRIORITY DTSTAMP TRANSP STATUS SEQUENCE"
    _assert_order(data, [*order.split(), "LOCATION", "X-MICROSOFT-CDO-BUSYSTATUS"])
    for event in _events(data):
        assert re.fullmatch("[0-9A-F]{112}", event["UID"])
    assert data.count(b"\nUID:") == 200
    assert not re.search(rb"\nUID:[0-9A-F]{112}", data)
    assert b"\nX-MICROSOFT-CDO-ALLDAYEVENT:TRUE\r" in data
    assert b"\nBEGIN:VTIMEZONE\r\nTZID:W. Europe Standard Time\r" in data


def _events(data: bytes) -> list[Any]:
    return list(Calendar.from_ical(data).walk("VEVENT"))


def _assert_order(data: bytes, names: list[str]) -> None:
    for event in data.decode().split("\nBEGIN:VEVENT\r\n")[1:]:
        own = event.partition("BEGIN:VALARM")[0]
        at = [f"\n{own}".index(f"\n{name}") for name in names]
        assert at == sorted(at)
        assert own.startswith(names[0])


@pytest.mark.parametrize(
    ("kind", "count"), [("google_like", 600), ("outlook_like", 600), ("series", 25)]
)
def test_exdates_and_overrides_are_of_instances(feeds: ModuleType, kind: str, count: int) -> None:
    """DTSTART, every EXDATE and every RECURRENCE-ID are in the recurrence set of the rule."""
    events = _events(getattr(feeds, kind)(count))
    masters = {str(event["UID"]): event for event in events if "RRULE" in event}
    assert len(masters) >= 25
    asked_of: dict[str, list[datetime]] = {}
    for event in events:
        master = masters.get(str(event["UID"]))
        if master is None:
            assert "RECURRENCE-ID" not in event
            continue
        asked = [_naive(event["RECURRENCE-ID"].dt)] if "RECURRENCE-ID" in event else []
        if event is master:
            asked = [_naive(event["DTSTART"].dt), *_exdates(event)]
        asked_of.setdefault(str(event["UID"]), []).extend(asked)
    for uid, asked in asked_of.items():
        assert set(asked) <= set(_instances(masters[uid], max(asked) + timedelta(days=1)))
    assert sum(map(len, asked_of.values())) > 90


@pytest.mark.parametrize(
    ("kind", "count"),
    [*zip(KINDS, (300, 300, 15, 100), strict=True), ("series", 8), ("outlook_series", 8)],
)
def test_extcal_gives_the_answer_that_the_standard_gives(
    feeds: ModuleType, kind: str, count: int
) -> None:
    """The same merged busy time as a plain expansion of everything, by icalendar and dateutil."""
    _assert_same_answer(feeds, getattr(feeds, kind)(count))


@pytest.mark.parametrize("kind", OTHERS)
def test_timetables_are_read_as_the_standard_reads_them(feeds: ModuleType, kind: str) -> None:
    _assert_same_answer(feeds, getattr(feeds, kind)())


def _assert_same_answer(feeds: ModuleType, data: bytes) -> None:
    answer = extcal.expand(data, feeds.START, feeds.END, timezone="Europe/Berlin")
    assert answer.complete
    assert answer.problems == ()
    ours = _merged(
        [(lo, hi) for lo, hi, code in answer.free_busy.epochs if code > 1], feeds.START, feeds.END
    )
    theirs = _plainly(_events(data), feeds.END)
    assert ours == _merged(theirs, feeds.START, feeds.END)
    assert len(ours) > 3


def _plainly(events: list[Any], end: datetime) -> list[tuple[int, int]]:
    replaced = {
        (str(event["UID"]), _naive(event["RECURRENCE-ID"].dt))
        for event in events
        if "RECURRENCE-ID" in event
    }
    spans = []
    for event in events:
        if not _busy(event):
            continue
        start, zone = _naive(event["DTSTART"].dt), _zone(event["DTSTART"])
        length = event["DURATION"].dt if "DURATION" in event else _naive(event["DTEND"].dt) - start
        starts = [start]
        if "RRULE" in event:
            gone = set(_exdates(event))
            starts = [
                one
                for one in _instances(event, end.replace(tzinfo=None) + timedelta(days=1))
                if one not in gone and (str(event["UID"]), one) not in replaced
            ]
        for one in starts:
            spans.append((_epoch(one, zone), _epoch(one + length, zone)))
    return spans


def _busy(event: Any) -> bool:
    if event.get("STATUS") == "CANCELLED":
        return False
    microsoft = event.get("X-MICROSOFT-CDO-BUSYSTATUS")
    if microsoft:
        return microsoft not in {"FREE", "WORKINGELSEWHERE"}
    return bool(event.get("TRANSP") != "TRANSPARENT")


def _instances(master: Any, end: datetime) -> list[datetime]:
    start, zone = _naive(master["DTSTART"].dt), _zone(master["DTSTART"])
    rule = master["RRULE"].to_ical().decode()

    def local(found: re.Match[str]) -> str:
        until = datetime.strptime(found.group(1), "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        return f"UNTIL={until.astimezone(zone):%Y%m%dT%H%M%S}"

    rule = re.sub(r"UNTIL=(\d{8}T\d{6}Z)", local, rule)
    return rrulestr(rule, dtstart=start).between(start, end, inc=True)


def _exdates(event: Any) -> list[datetime]:
    found = event.get("EXDATE", [])
    lists = found if isinstance(found, list) else [found]
    return [_naive(one.dt) for each in lists for one in each.dts]


def _naive(value: date) -> datetime:
    """The clock on the wall: midnight, for a date."""
    if isinstance(value, datetime):
        return value.replace(tzinfo=None)
    return datetime(value.year, value.month, value.day)


def _zone(named: Any) -> ZoneInfo:
    tzid = named.params.get("TZID")
    if tzid:
        return ZONES.get(tzid) or ZoneInfo(tzid)
    if isinstance(named.dt, datetime):
        return ZoneInfo("UTC")
    return BERLIN


def _epoch(local: datetime, zone: ZoneInfo) -> int:
    return int(local.replace(tzinfo=zone).timestamp())


def _merged(spans: list[tuple[int, int]], start: datetime, end: datetime) -> list[tuple[int, int]]:
    lo, hi = int(start.timestamp()), int(end.timestamp())
    joined: list[tuple[int, int]] = []
    for begin, stop in sorted(spans):
        begin, stop = max(begin, lo), min(stop, hi)
        if begin >= stop:
            continue
        if joined and begin <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(stop, joined[-1][1])
        else:
            joined.append((begin, stop))
    return joined
