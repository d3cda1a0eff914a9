"""The laws of reading a feed, over feeds that nobody would write by hand.

Masters, overrides in every form, EXDATEs, RDATEs, zones, all-day events, copies, cancelled ones and
events without a UID, in one or two VCALENDARs, around the weeks in which clocks change.
"""

from __future__ import annotations

import pickle
import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import extcal
from extcal.ical.budget import Work
from extcal.ical.events.times import Extent, Wall
from extcal.ical.parse.components import Stream
from extcal.ical.series import dense
from extcal.ical.zones.resolve import Zone, Zones
from extcal.intervals import FreeBusy
from extcal.limits import Limits

START = datetime(2027, 3, 1, tzinfo=UTC)  # New York changes on the 14th, Berlin on the 28th
END = datetime(2027, 4, 15, tzinfo=UTC)
CYCLE = timedelta(days=146_097)  # 400 years: the same weekdays, the same leap days
ZONES = (None, "Z", "Europe/Berlin", "America/New_York", "Asia/Kathmandu")
RULES = (
    None,
    "FREQ=DAILY;COUNT=9",
    "FREQ=DAILY;INTERVAL=2;UNTIL={until}",
    "FREQ=WEEKLY;BYDAY=MO,WE,SU",
    "FREQ=WEEKLY;INTERVAL=2;WKST=SU;BYDAY=SU,TU;COUNT=7",
    "FREQ=MONTHLY;BYDAY=-1FR,2SU",
    "FREQ=MONTHLY;BYMONTHDAY=-1,14,28",
    "FREQ=YEARLY;BYMONTH=3;BYDAY=2SU,-1SU",
    "FREQ=HOURLY;INTERVAL=5;COUNT=90",
    "FREQ=MINUTELY;INTERVAL=30;COUNT=200",
    "FREQ=DAILY;BYHOUR=1,2,3;COUNT=40",
)


@dataclass(frozen=True)
class Made:
    """One VEVENT before it is text."""

    uid: str | None
    lines: tuple[str, ...]

    @property
    def text(self) -> str:
        uid = () if self.uid is None else (f"UID:{self.uid}",)
        return "\r\n".join(("BEGIN:VEVENT", *uid, *self.lines, "END:VEVENT", ""))


@dataclass(frozen=True)
class Feed:
    """VCALENDARs as their own lines and their components."""

    calendars: tuple[tuple[tuple[str, ...], tuple[Made, ...]], ...]

    @property
    def text(self) -> str:
        return "".join(
            "\r\n".join(("BEGIN:VCALENDAR", "VERSION:2.0", *head, ""))
            + "".join(event.text for event in events)
            + "END:VCALENDAR\r\n"
            for head, events in self.calendars
        )


def when(moment: datetime, zone: str | None) -> str:
    """The parameters and the value of a time, from the semicolon or colon on."""
    stamp = f"{moment:%Y%m%dT%H%M%S}"
    if zone is None or zone == "Z":
        return f":{stamp}{zone or ''}"
    return f";TZID={zone}:{stamp}"


def date(moment: datetime) -> str:
    return f";VALUE=DATE:{moment:%Y%m%d}"


moments = st.builds(
    lambda days, halves: datetime(2027, 2, 10) + timedelta(days=days, minutes=30 * halves),
    st.integers(0, 75),
    st.sampled_from((0, 2, 3, 4, 5, 6, 18, 40, 46, 47)),
)
few = st.integers(0, 12)
lengths = st.sampled_from((None, "PT0S", "PT30M", "PT1H", "PT25H", "P1D", "P2DT3H", "-PT1H"))
facts = st.sampled_from(
    [
        *[(), (), (), ("TRANSP:TRANSPARENT",), ("STATUS:TENTATIVE",), ("STATUS:CANCELLED",)],
        *[("X-MICROSOFT-CDO-BUSYSTATUS:OOF",), ("CLASS:PRIVATE",), ("LOCATION:here",)],
    ]
)


@st.composite
def stamps(draw: st.DrawFn) -> tuple[str, ...]:
    sequence = draw(st.sampled_from((None, 0, 1, 2)))
    stamp = draw(st.sampled_from(("20270101T000000Z", "20270102T000000Z")))
    found = (f"DTSTAMP:{stamp}", f"SUMMARY:{draw(st.sampled_from('abc'))}")
    return found if sequence is None else (*found, f"SEQUENCE:{sequence}")


@st.composite
def ends(draw: st.DrawFn, start: datetime, zone: str | None, all_day: bool) -> tuple[str, ...]:
    if all_day:
        last = start + timedelta(days=draw(st.integers(-1, 3)))
        return draw(st.sampled_from(((), (f"DTEND{date(last)}",), ("DURATION:P2D",))))
    end = start + timedelta(minutes=draw(st.sampled_from((-60, 0, 30, 60, 600, 3000))))
    length = draw(lengths)
    chosen = [()] if length is None else [(f"DURATION:{length}",)]
    return draw(st.sampled_from([*chosen, (f"DTEND{when(end, zone)}",)]))


@st.composite
def series(draw: st.DrawFn, zones: tuple[str | None, ...] = ZONES) -> list[Made]:
    """A master and its overrides, or either of them alone."""
    uid = draw(st.sampled_from((None, "a", "b", "c", "d")))
    zone, start, all_day = draw(st.sampled_from(zones)), draw(moments), draw(st.booleans())

    def written(moment: datetime, zone: str | None = zone) -> str:
        return date(moment) if all_day else when(moment, zone)

    def instance() -> datetime:
        return start + timedelta(days=draw(few))

    lines = [*draw(stamps()), *draw(facts), f"DTSTART{written(start)}"]
    lines += draw(ends(start, zone, all_day))
    rule = draw(st.sampled_from(RULES))
    if rule is not None:
        lines.append("RRULE:" + rule.format(until=f"{instance():%Y%m%d}"))
    other = draw(st.sampled_from(zones))
    for name in ("EXDATE", "RDATE"):
        for _ in range(draw(st.integers(0, 2))):
            form = draw(st.sampled_from((written(instance()), date(instance()))))
            lines.append(name + draw(st.sampled_from((form, when(instance(), other)))))
    if draw(st.booleans()) and not all_day:
        lines.append(f"RDATE;VALUE=PERIOD:{instance():%Y%m%dT%H%M%SZ}/PT3H")
    found = [] if draw(st.integers(0, 4)) == 0 else [Made(uid, tuple(lines))]
    for _ in range(draw(st.integers(0, 3))):
        found.append(draw(overrides(uid, instance(), zone, all_day, zones)))
    return found


@st.composite
def overrides(
    draw: st.DrawFn,
    uid: str | None,
    instance: datetime,
    zone: str | None,
    all_day: bool,
    zones: tuple[str | None, ...],
) -> Made:
    midnight = instance.replace(hour=0, minute=0)
    forms = (
        date(instance) if all_day else when(instance, zone),
        date(instance),
        when(midnight, zone),
        when(instance, None),
        when(instance, draw(st.sampled_from(zones))),
    )
    reach = draw(st.sampled_from(("", "", ";RANGE=THISANDFUTURE")))
    there, day = draw(st.sampled_from(zones)), draw(st.booleans())
    moved = instance + timedelta(hours=draw(st.sampled_from((0, 0, 2, -3, 24, 1000, -900))))
    start = date(moved) if day else when(moved, there)
    lines = [*draw(stamps()), *draw(facts), f"DTSTART{start}", *draw(ends(moved, there, day))]
    return Made(uid, (*lines, f"RECURRENCE-ID{reach}{draw(st.sampled_from(forms))}"))


heads = st.lists(
    st.sampled_from(("X-WR-TIMEZONE:Europe/Berlin", "METHOD:CANCEL", "PRODID:-//Microsoft//x//EN")),
    max_size=2,
    unique=True,
).map(tuple)


@st.composite
def feeds(draw: st.DrawFn, zones: tuple[str | None, ...] = ZONES) -> Feed:
    calendars = []
    for _ in range(draw(st.integers(1, 2))):
        found = [event for made in draw(st.lists(series(zones), max_size=4)) for event in made]
        if found and draw(st.booleans()):
            found += draw(st.sampled_from([[event] for event in found]))  # an exact copy
        calendars.append((draw(heads), tuple(found)))
    return Feed(tuple(calendars))


def read(
    text: str | bytes, start: datetime = START, end: datetime = END, **options: object
) -> extcal.Expansion:
    options.setdefault("timezone", "America/Chicago")
    result = extcal.expand(text, start, end, **options)  # type: ignore[arg-type]
    assert "internal_error" not in {problem.code for problem in result.problems}
    return result


def same(one: extcal.Expansion, other: extcal.Expansion) -> None:
    assert one.events == other.events
    assert one.free_busy == other.free_busy
    assert (one.complete, one.events_complete) == (other.complete, other.events_complete)


@settings(max_examples=2 * settings.default.max_examples)
@given(feeds(), st.randoms(use_true_random=False))
def test_the_order_of_components_changes_nothing(feed: Feed, random: object) -> None:
    shuffled = []
    for head, events in feed.calendars:
        order = list(events)
        random.shuffle(order)  # type: ignore[attr-defined]
        shuffled.append((head, tuple(order)))
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    same(read(feed.text), read(Feed(tuple(shuffled)).text))


@given(
    feeds(), st.sampled_from(("\n", "\r", "\r\n\r\n")), st.integers(1, 30), st.sampled_from(" \t")
)
def test_folds_and_line_ends_change_nothing(
    feed: Feed, newline: str, width: int, blank: str
) -> None:
    lines = feed.text.split("\r\n")
    folded = newline.join(
        re.sub(f"(.{{{width}}})(?=.)", rf"\1{newline}{blank}", line) for line in lines
    )
    same(read(feed.text), read(folded))


@given(feeds())
def test_case_of_names_changes_nothing(feed: Feed) -> None:
    lower = re.sub(r"(?m)^[A-Z-]+", lambda match: match[0].lower(), feed.text)
    plain, lowered = read(feed.text), read(lower)
    assert plain.free_busy == lowered.free_busy


@given(feeds(), st.integers(1, 45 * 48 - 1))
def test_splitting_the_window_changes_nothing(feed: Feed, halves: int) -> None:
    middle = START + timedelta(minutes=30 * halves)
    whole = read(feed.text).free_busy
    parts = [read(feed.text, START, middle).free_busy, read(feed.text, middle, END).free_busy]
    joined = FreeBusy.from_epochs(
        *whole.window_epochs,
        [span for part in parts for span in part.epochs],
        [span for part in parts for span in part.unknown_epochs],
    )
    assert joined == whole


@given(feeds(), st.integers(-20, 60), st.sampled_from(("\r\n", "\n")))
def test_the_sieve_cannot_be_seen(feed: Feed, later: int, newline: str) -> None:
    """Nor where the feed is large enough to be worth one, and most of it is past."""
    padding = "".join(f"X-PADDING-{number}:{'x' * 60}\r\n" for number in range(500))
    text = (feed.text + padding.join(("BEGIN:VCALENDAR\r\n", "END:VCALENDAR\r\n"))).replace(
        "\r\n", newline
    )
    assert len(text) > 32 * 1024
    start, end = START + timedelta(days=later), END + timedelta(days=later)
    same(read(text, start, end), read(text, start, end, sieve=False))


@given(feeds(), series())
def test_one_more_series_takes_no_busy_time_away(feed: Feed, more: list[Made]) -> None:
    assume(more)
    renamed = tuple(replace(event, uid=event.uid and f"more-{event.uid}") for event in more)
    head, events = feed.calendars[0]
    larger = Feed(((head, (*events, *renamed)), *feed.calendars[1:]))
    before, after = read(feed.text).free_busy, read(larger.text).free_busy
    assert before | after == after


@given(feeds(zones=("Z",)))
def test_the_gregorian_cycle_of_400_years(feed: Feed) -> None:
    """In UTC nothing is special about our own centuries."""
    moved = re.sub(
        r"(?<![0-9])2027(?=[0-9]{4})", "2427", feed.text.replace("X-WR-TIMEZONE", "X-NONE")
    )
    here = feed.text.replace("X-WR-TIMEZONE", "X-NONE")
    limits = Limits(last_year=2500)
    now = read(here, timezone="UTC", limits=limits).free_busy
    then = read(moved, START + CYCLE, END + CYCLE, timezone="UTC", limits=limits).free_busy
    ahead = int(CYCLE.total_seconds())
    assert then.epochs == tuple((lo + ahead, hi + ahead, code) for lo, hi, code in now.epochs)
    assert not now.unknown
    assert not then.unknown


@given(feeds())
def test_free_busy_is_what_expand_says(feed: Feed) -> None:
    result = read(feed.text)
    assert extcal.free_busy(feed.text, START, END, timezone="America/Chicago") == result.free_busy
    busy = read(feed.text, detail="busy")
    assert busy.free_busy == result.free_busy
    assert [(e.start, e.end, e.uid) for e in busy.events] == [
        (e.start, e.end, e.uid) for e in result.events
    ]


@given(feeds())
def test_every_event_that_blocks_is_in_free_busy_and_the_other_way_round(feed: Feed) -> None:
    result = read(feed.text)
    shown = [(e.start, e.end, e.fbtype) for e in result.events if e.fbtype and e.start < e.end]
    assert FreeBusy.from_periods((START, END), shown) == result.free_busy
    for period in result.free_busy.periods:
        assert result.explain(period.start, period.end)


@given(feeds())
def test_an_expansion_survives_pickling(feed: Feed) -> None:
    result = read(feed.text)
    assert pickle.loads(pickle.dumps(result)) == result


@given(feeds())
def test_icalendars_parser_in_between_changes_nothing(feed: Feed) -> None:
    icalendar = pytest.importorskip("icalendar")
    calendars = []
    stamp = 0
    for head, events in feed.calendars:
        told_apart = []
        for event in events:
            stamp += 1  # where only content decides, another order of properties would be heard
            lines = tuple(line for line in event.lines if not line.startswith("DTSTAMP"))
            told_apart.append(replace(event, lines=(*lines, f"DTSTAMP:202601{stamp:02d}T000000Z")))
        calendars.append((head, tuple(told_apart)))
    text = Feed(tuple(calendars)).text
    assume(stamp < 32)
    assume("PT25H" not in text)  # it writes P1DT1H, which is another length when clocks change
    parsed = b"".join(part.to_ical() for part in icalendar.Calendar.from_ical(text, multiple=True))
    assert read(parsed).free_busy == read(text).free_busy


@given(st.lists(st.sampled_from(range(256)), max_size=300).map(bytes), feeds())
def test_no_bytes_raise_anything_else(noise: bytes, feed: Feed) -> None:
    """Whatever stands in a body: an answer or NotACalendar, and never a mistake of ours."""
    raw = feed.text.encode()
    for body in (noise, raw[: len(noise)] + noise + raw[len(noise) :], raw[: 3 * len(noise)]):
        try:
            read(body)
        except extcal.NotACalendar:
            continue


def zone(name: str) -> Zone:
    lo, hi = int(START.timestamp()), int(END.timestamp())
    return Zones(Stream(), lo, hi, None, Work()).resolve(name, 0)


@settings(max_examples=2 * settings.default.max_examples)
@given(
    st.sampled_from(("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "UTC")),
    st.sampled_from((datetime(2027, 3, 14), datetime(2027, 3, 28), datetime(2026, 11, 1))),
    st.integers(-90_000, 30_000),
    st.sampled_from((1, 7, 60, 90, 600, 1800, 3600, 7200)),
    st.integers(1, 400),
    st.integers(0, 4_000),
    st.none() | st.sampled_from((-3600, 0, 3600)),
    st.lists(st.integers(0, 399), max_size=6),
    st.lists(st.integers(0, 3), max_size=2),
)
def test_blocks_are_what_their_instances_are_one_by_one(
    name: str,
    around: datetime,
    offset: int,
    step: int,
    members: int,
    longer: int,
    shown: int | None,
    gone: list[int],
    days: list[int],
) -> None:
    there = zone(name)
    start = int(around.replace(tzinfo=UTC).timestamp()) + offset
    run = range(start, start + step * members, step)
    length = step + longer
    extent = Extent(0, length, None if shown is None else Wall(length + shown, there))
    epochs = {there.to_epoch(run[index]) for index in gone if index < members}
    midnights = {start - start % 86_400 + 86_400 * day for day in days}
    one_by_one = [
        (there.to_epoch(local), extent.end(local, there.to_epoch(local), there), 3)
        for local in run
        if there.to_epoch(local) not in epochs and local - local % 86_400 not in midnights
    ]
    found = dense.blocks(run, extent, dense.Holes(epochs, midnights, there), there)
    blocks = [(block.start, block.end, 3) for block in found]
    window = start - 10**6, start + 10**7
    assert FreeBusy.from_epochs(*window, blocks) == FreeBusy.from_epochs(*window, one_by_one)
