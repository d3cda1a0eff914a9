"""The sieve is invisible: with it and without it, every answer is the same.

Only what decides is compared as a whole: events, free/busy, ``complete``. Of the Problems, those of
UIDs that were left out may be missing.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import extcal
from extcal.ical.shortcuts import select as room
from extcal.limits import Limits

pytestmark = pytest.mark.long

START = datetime(2027, 3, 1, tzinfo=UTC)
END = datetime(2027, 4, 15, tzinfo=UTC)
LO, HI = int(START.timestamp()), int(END.timestamp())
FIXTURES = sorted(path for path in Path(__file__).parents[2].rglob("*.ics"))


@pytest.fixture(autouse=True, scope="module")
def small_feeds_are_sieved() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(room, "WORTHWHILE", 0)
        yield


def read(body: bytes, *, sieve: bool, **options: object) -> object:
    try:
        result = extcal.expand(body, START, END, timezone="Asia/Tokyo", sieve=sieve, **options)  # type: ignore[arg-type]
    except extcal.NotACalendar as refused:
        return str(refused)
    assert "internal_error" not in {problem.code for problem in result.problems}
    return result


def check(body: bytes, **options: object) -> None:
    with_it, without = read(body, sieve=True, **options), read(body, sieve=False, **options)
    if not isinstance(without, extcal.Expansion):
        assert with_it == without
        return
    assert isinstance(with_it, extcal.Expansion)
    assert with_it.events == without.events
    assert with_it.free_busy == without.free_busy
    assert with_it.complete == without.complete
    assert with_it.empty == without.empty
    shown = {event.uid for event in with_it.events}
    told = {(one.code, one.uid, one.line) for one in with_it.problems}
    assert {(one.code, one.uid, one.line) for one in without.problems if one.uid in shown} <= told
    # Where no problems are told, more is left out.
    alone = extcal.free_busy(body, START, END, timezone="Asia/Tokyo", **options)  # type: ignore[arg-type]
    assert alone == without.free_busy


def read_bytes(body: bytes) -> int:
    return sum(end - start for start, end in room.sieve(body, LO, HI, Limits()))


# --- feeds ------------------------------------------------------------------------------------

# Past, around the window's edges, inside it, behind it.
DAYS: tuple[str, ...] = (
    "20200105",
    "20260301",
    "20270222",
    "20270226",
    "20270228",
    "20270310",
    "20270414",
)
DAYS += ("20270418", "20270421", "20270601", "20310101")
TIMES = ("T000000Z", "T090000", "T235900Z", "", "T090000Z", "T010203")
RULES = (
    *("FREQ=DAILY", "FREQ=DAILY;COUNT=5", "FREQ=DAILY;UNTIL=20200301", "FREQ=WEEKLY;COUNT=3"),
    *("FREQ=WEEKLY;UNTIL=20270228T235959Z", "FREQ=MONTHLY;COUNT=90", "FREQ=YEARLY;UNTIL=20260231"),
    *("FREQ=YEARLY;COUNT=2", "freq=daily;until=20200301", "FREQ=HOURLY;COUNT=3", "FREQ=X;COUNT=2"),
    *(
        "FREQ=DAILY;UNTIL=20200301;UNTIL=20280101",
        "FREQ=MONTHLY;BYDAY=5FR;COUNT=9",
        "FREQ=DAILY;COUNT=0",
    ),
    *(
        "FREQ=DAILY;INTERVAL=2;COUNT=9",
        "FREQ=WEEKLY;WKST=SU;BYDAY=MO,FR;COUNT=700",
        "UNTIL=20200101",
    ),
    *("FREQ=MONTHLY;BYMONTHDAY=31;COUNT=12", "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29;COUNT=3"),
)
UIDS = ("a", "b", "c", "d", "A", "\u00e9", "", " a", "a ", "x" * 80, "x" * 79 + "y", "a\x01", "a b")


def when(name: str, day: str, time: str) -> str:
    if not time:
        return f"{name};VALUE=DATE:{day}"
    return f"{name}:{day}{time}" if time.endswith("Z") else f"{name};TZID=Europe/Berlin:{day}{time}"


days, times = st.sampled_from(DAYS), st.sampled_from(TIMES)
moments = st.tuples(days, times)


@st.composite
def plain_events(draw: st.DrawFn) -> list[str]:
    day, time = draw(moments)
    lines = [f"UID:{draw(st.sampled_from(UIDS[:5]))}{draw(st.integers(0, 6))}"]
    lines.append(when("DTSTART", day, time))
    later = draw(st.sampled_from([one for one in DAYS if one >= day][:3]))
    if draw(st.integers(0, 7)):
        lines.append(when("DTEND", draw(st.sampled_from((day, later))), time))
    if draw(st.integers(0, 3)) == 0:
        lines.append("RRULE:" + draw(st.sampled_from(RULES)))
    if draw(st.integers(0, 3)) == 0:
        lines.append(when("RECURRENCE-ID", *draw(moments)))
    if draw(st.integers(0, 3)) == 0:
        lines.append(f"SEQUENCE:{draw(st.integers(0, 2))}")
    return lines


ODD_LINES = st.one_of(
    st.builds(
        when,
        st.sampled_from(("DTSTART", "DTEND", "RDATE", "EXDATE", "dtstart", "RECURRENCE-ID")),
        days,
        times,
    ),
    st.sampled_from(UIDS).map("UID:{}".format),
    st.sampled_from(UIDS).map("uid:{}".format),
    st.sampled_from(UIDS).map("U\r\n ID:{}".format),
    st.sampled_from(UIDS).map("UID;X=1:{}".format),
    st.sampled_from(UIDS).map(lambda uid: f"UID:{uid[:1]}\r\n\t{uid[1:]}"),
    st.sampled_from(UIDS).map(lambda uid: f"UID:{uid[:70]}\r\n {uid[70:]}"),
    st.sampled_from(RULES).map("RRU\r\n LE:{}".format),
    st.sampled_from(RULES).map("RRULE:{}".format),
    moments.map(lambda m: f"RECURRENCE-ID;RANGE=THISANDFUTURE:{m[0]}T090000Z"),
    moments.map(lambda m: f'DTEND;X=":20200101":{m[0]}T090000Z'),
    moments.map(lambda m: f"DTEND:{m[0][:4]}\r\n {m[0][4:]}"),
    moments.map(lambda m: f"DTSTART:{m[0][:4]}-{m[0][4:6]}-{m[0][6:]}"),
    moments.map(lambda m: f"DTEND;TZID=(UTC+01:00) Berlin:{m[0]}T090000"),
    moments.map(lambda m: f"BEGIN:VALARM\r\nDTSTART:{m[0]}T090000Z\r\nUID:a1\r\nEND:VALARM"),
    moments.map(lambda m: f"DESCRIPTION:x\rDTEND:{m[0]}T090000Z"),
    moments.map(lambda m: f"DESCRIPTION:x\nDTEND:{m[0]}T090000Z"),
    moments.map(lambda m: f"DESCRIPTION:x\r\n DTEND:{m[0]}T090000Z"),
    moments.map(lambda m: f"\ufeffDTEND:{m[0]}T090000Z"),
    moments.map(lambda m: f"\x01DTEND:{m[0]}T090000Z"),
    st.sampled_from(
        (
            *("DURATION:PT1H", "DURATION:P3650D", "DURATION:-PT1H", "DURATION:PT19H59M59S"),
            *(
                "BEGIN:VALARM",
                "END:VALARM",
                "BEGIN:VTODO",
                "END:VEVENT",
                "bEGIN:VEVENT",
                "eND:VEVENT",
            ),
            *("END:VEVENT\r\nX-WR-TIMEZONE:America/New_York", "X-WR-TIMEZONE:America/New_York"),
            *(
                "END:VEVENT\r\nEND:VCALENDAR\r\nBEGIN:VCALENDAR\r\nMETHOD:CANCEL",
                "",
                "\t",
                " x",
                "\x00",
            ),
            *(
                "BEGIN:VTIMEZONE\r\nTZID:Europe/Berlin\r\nEND:VTIMEZONE",
                "BEGIN:VEVENT",
                "begin:vevent",
            ),
            *(
                "BEGIN:VFREEBUSY\r\nFREEBUSY:20270310T090000Z/PT1H\r\nEND:VFREEBUSY",
                "URL:x",
                "END: VEVENT",
            ),
            *(
                "TRANSP:TRANSPARENT",
                "STATUS:CANCELLED",
                "X-MICROSOFT-CDO-ALLDAYEVENT:TRUE",
                "BEGIN :VEVENT",
            ),
        )
    ),
)
HEAD = ("DTSTART", "DTEND", "DTSTAMP", "ORGANIZER", "UID")


def begins_as_most_do(event: list[str]) -> list[str]:
    """The order in which Google and others write an event."""
    event = [*event, "DTSTAMP:20200101T000000Z", "ORGANIZER;CN=x:mailto:x@example.org\r\n .test"]
    names = [re.split("[;:]", line)[0] for line in event]
    head = [event[names.index(name)] for name in HEAD if name in names]
    return head + [line for line in event if line not in head]


changes = st.lists(st.tuples(st.integers(0, 300), ODD_LINES, st.booleans()), max_size=4)


@st.composite
def bodies(draw: st.DrawFn) -> bytes:
    events = draw(st.lists(plain_events(), min_size=1, max_size=12))
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0"]
    for event in events:
        written = begins_as_most_do(event) if draw(st.booleans()) else draw(st.permutations(event))
        lines += ["BEGIN:VEVENT", *written, "END:VEVENT"]
    lines += ["END:VCALENDAR", ""]
    for place, line, instead in draw(changes):
        at = 1 + place % (len(lines) - 1)
        lines[at : at + instead] = [line]
    newline = draw(st.sampled_from((b"\r\n", b"\r\n", b"\r\n", b"\n", b"\n", b"\r", b"\r\n\r\n")))
    return "\r\n".join(lines).encode().replace(b"\r\n", newline)


@settings(max_examples=2 * settings.default.max_examples)
@given(bodies())
def test_the_sieve_cannot_be_seen(body: bytes) -> None:
    check(body)


@given(
    bodies(),
    st.sampled_from((b"\xe9", b"\x00", b"\xff", b"\r", b"\n", b"\r\n ", b" ", b"\xef\xbb\xbf")),
    st.integers(0, 5000),
)
def test_nor_behind_a_stray_byte(body: bytes, stray: bytes, place: int) -> None:
    at = place % len(body)
    check(body[:at] + stray + body[at:])
    check(body[:at])


LONG_AGO = ("20200105", "20200112", "20260304", "20270211", "20270218", "20270225", "20270228")
FAMILY_DAYS = (*LONG_AGO, "20270304", "20270311", "20270415", "20280106")
LENGTHS = ("DTEND-0", "DTEND-1", "DTEND-90", "DURATION:PT1H", "DURATION:P40D", "")


def later_by(day: str, days_: int) -> str:
    return f"{datetime.strptime(day, '%Y%m%d') + timedelta(days_):%Y%m%d}"


@st.composite
def members(draw: st.DrawFn) -> list[str]:
    """A series, an override of it, or a version of either."""
    day, time = (
        draw(st.sampled_from(FAMILY_DAYS)),
        draw(st.sampled_from(("T090000Z", "T090000", ""))),
    )
    lines = [f"UID:{draw(st.sampled_from('aab'))}", when("DTSTART", day, time)]
    length = draw(st.sampled_from(LENGTHS[:1] * 6 + ("DURATION:PT19H",) * 2 + LENGTHS))
    if length.startswith("DTEND"):
        end = later_by(day, int(length[6:]))
        lines.append(when("DTEND", end, time and time.replace("T09", "T10")))
    elif length:
        lines.append(length)
    kind = draw(st.integers(0, 5))
    if kind < 2:
        lines.append(f"RRULE:FREQ={draw(st.sampled_from(('DAILY', 'WEEKLY')))}")
    elif kind < 5:
        lines.append(when("RECURRENCE-ID", draw(st.sampled_from(FAMILY_DAYS)), time))
    if draw(st.integers(0, 9)) == 0:
        lines.append("RDATE;VALUE=PERIOD:20200112T090000Z/P2600D")
    if draw(st.integers(0, 2)) == 0:
        lines.append(f"SEQUENCE:{draw(st.integers(0, 2))}")
    return lines


@settings(max_examples=2 * settings.default.max_examples)
@given(st.lists(members(), min_size=2, max_size=9), changes.map(lambda some: some[:1]))
def test_nor_where_overrides_are_long_past(
    family: list[list[str]], some: list[tuple[int, str, bool]]
) -> None:
    """They go unless an instance may reach the window, or another version of them is kept."""
    lines = ["BEGIN:VCALENDAR", "BEGIN:VEVENT", *PAST.split("|"), "END:VEVENT"]
    for event in family:
        lines += ["BEGIN:VEVENT", *event, "END:VEVENT"]
    lines += ["BEGIN:VEVENT", *PAST.split("|"), "END:VEVENT", "END:VCALENDAR", ""]
    for place, line, instead in some:
        at = 6 + place % (len(lines) - 6)
        lines[at : at + instead] = [line]
    check("\r\n".join(lines).encode())


@pytest.mark.parametrize("start", ["DTSTART:20270115T100000Z", "DTSTART;VALUE=DATE:20270115"])
@pytest.mark.parametrize(
    "end",
    [
        *(
            "DURATION:PT",
            "DURATION:PT0S",
            "DURATION:PT1H",
            "DURATION:PT1H|DURATION:PT",
            "DURATION:P",
        ),
        *("DURATION:PT|DTEND:20270115T110000Z", "DURATION:PT|DTEND:20270114T110000Z"),
        *("DTENDX:20270115T110000Z", "DTEND-ORIG:20270115", "DTENDX;A=b:20270115T110000Z"),
        *("DTEND;VALUE=PERIOD:20270115T100000Z/PT1H", "DTEND:20270115", "DTEND;X=y:20270231", ""),
        *("DURATIONX:PT1H", "DURATION;X=y:PT1H", "X-DURATION:PT1H", "dtend:20270115T110000Z"),
    ],
)
def test_an_override_has_only_the_end_that_the_reader_sees(start: str, end: str) -> None:
    """Without one it lasts as long as its master's instances, which reaches the window."""
    override = f"UID:a|RECURRENCE-ID:20260101T090000Z|{start}|{end}".rstrip("|")
    for length in ("20260101T100000Z", "20260401T090000Z"):
        for rule in ("FREQ=DAILY;COUNT=2", "FREQ=DAILY;UNTIL=20260102T090000Z"):
            master = f"UID:a|DTSTART:20260101T090000Z|DTEND:{length}|RRULE:{rule}"
            check(calendar(PAST, override, PAST, master, PAST, "UID:z|DTSTART:20270311T090000"))


def test_problems_of_an_override_are_told_although_it_is_away() -> None:
    """Of a series that is read; where none are told, the override is left out."""
    kept = "UID:a|DTSTART:20200105T090000Z|DTEND:20200105T100000Z|RRULE:FREQ=DAILY"
    for start, end in (
        ("DTSTART:20280106T090000Z", "DTEND:20280106T080000Z"),
        ("DTSTART:20200106T090000Z", "DTEND:20200106T080000Z"),
        ("DTSTART:20200106T090000Z", "DTEND:20200231T080000Z"),
        ("DTSTART:20200106T090000Z", "DTEND:20200106T100000Z|DTEND:20200106T110000Z"),
    ):
        away = f"UID:a|{start}|{end}|RECURRENCE-ID:20200106T090000Z"
        body = calendar(PAST, kept, PAST, away, PAST)
        check(body)
        told, untold = (room.sieve(body, LO, HI, Limits(), told=each) for each in (True, False))
        assert told == room.sieve(body, LO, HI, Limits()) != untold
    override = (
        "UID:a|DTSTART:20200105T090000Z|DTEND:20200105T100000Z|RECURRENCE-ID:20280106T090000Z"
    )
    for end in ("DTEND;VALUE=DATE:20200105|", "DTEND;VALUE=DATE:20200106|", ""):
        series = f"UID:a|DTSTART;VALUE=DATE:20200105|{end}RRULE:FREQ=DAILY"
        check(calendar(PAST, override, series, PAST))


def test_a_uid_between_two_events_is_not_taken_for_the_next_ones() -> None:
    """Two events in what looks like one piece: the override of the second is not left out."""
    body = calendar(
        PAST,
        "UID:a|DTSTART:20200105T090000Z|DTEND:20200105T100000Z",
        f"{NOW[6:]}|UID:b",
        "UID:b|DTSTART:20200105T090000Z|DTEND:20200105T100000Z|RECURRENCE-ID:20200105T090000Z",
        PAST,
    )
    between = body.replace(
        b"END:VEVENT\r\nBEGIN:VEVENT\r\nDTSTART:20270310",
        b"END:VEVENT\r\nUID:a\r\nBEGIN:VEVENT\r\nDTSTART:20270310",
    )
    assert between != body
    check(between)


@pytest.mark.parametrize(
    "day", ["20200230", "20190229", "20210431", "20200100", "20201301", "00000105"]
)
def test_a_day_that_there_is_not_is_no_evidence(day: str) -> None:
    """Another DTSTART and DTEND count then, and may be long enough to reach the window."""
    none = f"UID:a|DTSTART:{day}T090000Z|DTEND:{day}T100000Z"
    long = "DTSTART:20250101T090000Z|DTEND:20270215T090000Z"
    ended = "RRULE:FREQ=DAILY;UNTIL=20270220T000000Z"
    gone = "UID:a|DTSTART:20200108T110000Z|DTEND:20200108T120000Z|RECURRENCE-ID:20250108T090000Z"
    for event in (f"{none}|{ended}|{long}", f"{none}|RECURRENCE-ID:20250108T090000Z|{long}"):
        check(calendar(PAST, event, PAST, gone, "UID:z|DTSTART:20270311T090000"))
    check(calendar(PAST, f"{none}|RRULE:FREQ=DAILY|{long}", PAST, gone, PAST))
    check(calendar(PAST, f"UID:b|{PAST[9:]}|RRULE:FREQ=DAILY;UNTIL={day}T000000Z", PAST, PAST))


@pytest.mark.parametrize("rule", ["UNTIL=20260220T000000Z", "COUNT=9"])
def test_of_two_ends_the_later_counts_and_of_two_starts_both(rule: str) -> None:
    """All of them lie before the window, and instances reach into it; past overrides free some."""
    start, end = "DTSTART:20200105T090000Z", "DTEND:20200105T100000Z"
    gone = "UID:a|DTSTART:20200106T110000Z|DTEND:20200106T120000Z|RECURRENCE-ID:20200106T090000Z"
    late = "DTSTART:20260215T090000Z|DTEND:20260215T100000Z"
    for lines in (
        f"{start}|{end}|DTEND:20260224T090000Z",
        f"{start}|DTEND:20260224T090000Z|{end}",
        f"DTEND:20260224T090000Z|{start}|{end}",
        f"{start}|DTSTART:20260222T090000Z|{end}",
        f"{start}|{end}|{late}",
        f"{late}|{start}|{end}",
    ):
        for freq in ("DAILY", "YEARLY"):
            check(calendar(PAST, f"UID:a|{lines}|RRULE:FREQ={freq};{rule}", PAST, gone, PAST))
        check(calendar(PAST, f"UID:a|{lines}|RRULE:FREQ=DAILY", PAST, gone, PAST))


@pytest.mark.parametrize("name", ["DT{}-X", "DT{}S", "DT{}X;A=1", 'DT{};X=":', "DT{} "])
def test_a_longer_name_is_no_evidence(name: str) -> None:
    """What only begins like DTSTART or DTEND says nothing of how long an instance is."""
    long = "DTSTART:20250101T090000Z|DTEND:20270215T090000Z"
    for ends in ("20200105", "20200106"):
        other = f"{name.format('START')}:20200105T090000Z|{name.format('END')}:{ends}T100000Z"
        for line in ("RRULE:FREQ=DAILY;UNTIL=20270220T000000Z", "RRULE:FREQ=DAILY;COUNT=9"):
            check(calendar(PAST, f"UID:a|{other}|{line}|{long}", PAST))
            check(calendar(PAST, f"UID:a|{line}|{long}|{other}", PAST))
            small = long.replace("DT", "dT")
            check(calendar(PAST, f"UID:a|{small}|{other.replace('-X', '')}|{line}", PAST))


@pytest.mark.parametrize("begin", ["BEGIN:VALARM", "bEGIN:VALARM", "BEGIN:VALUES"])
def test_the_dates_of_an_alarm_are_no_evidence(begin: str) -> None:
    """What stands in an alarm in front of them is not the event's."""
    own = "DTSTART:20250101T090000Z|DTEND:20270215T090000Z"
    other = "DTSTART:20200105T090000Z|DTEND:20200105T100000Z"
    ended = "RRULE:FREQ=DAILY;UNTIL=20270220T000000Z"
    planned = "RECURRENCE-ID:20250108T090000Z"
    gone = f"UID:a|DTSTART:20200108T110000Z|DTEND:20200108T120000Z|{planned}"
    for inside in (other, f"DTSTART{other[23:]}", f"{other}|{ended}", f"{other}|{planned}"):
        alarm = f"{begin}|{inside}|END{begin[5:]}"
        for line in (ended, ended.replace("UNTIL=20270220T000000Z", "COUNT=9"), "RRULE:FREQ=DAILY"):
            check(calendar(PAST, f"UID:a|{alarm}|{line}|{own}", PAST, gone, PAST))
        check(calendar(PAST, f"{NOW}|{alarm}", gone, PAST))
        check(calendar(PAST, f"{alarm}|{NOW}", gone, PAST))


def test_past_overrides_of_a_live_series_are_left_out() -> None:
    """All but the one that moved there from the window, and those of an instance that is long."""
    short = "UID:{}|DTSTART:20200106T090000Z|DTEND:20200106T100000Z|RRULE:FREQ=DAILY"
    long = short.replace("DTEND:20200106", "DTEND:20200406")
    gone = "UID:{}|DTSTART:2020010{}T110000Z|DTEND:2020010{}T120000Z|RECURRENCE-ID:{}T090000Z"
    body = calendar(
        PAST,
        short.format("a"),
        long.format("b"),
        *(gone.format("a", day, day, f"2020010{day}") for day in range(6, 10)),
        gone.format("a", 9, 9, "20270311"),
        "UID:a|DTSTART:20270312T110000Z|DTEND:20270312T120000Z|RECURRENCE-ID:20270312T090000Z",
        *(gone.format("b", day, day, f"2020010{day}") for day in range(6, 10)),
        PAST,
        "UID:z|DTSTART:20270311T090000",
    )
    check(body)
    spans = room.sieve(body, LO, HI, Limits())
    kept = b"".join(body[start:end] for start, end in spans)
    assert kept.count(b"UID:a") == 3
    assert kept.count(b"UID:b") == 5


def test_blocks_are_dropped_in_many_of_these_feeds() -> None:
    """A sieve that keeps everything could not be seen either."""
    dropped = []

    @settings(max_examples=4 * settings.default.max_examples, database=None, derandomize=True)
    @given(bodies())
    def look(body: bytes) -> None:
        dropped.append(read_bytes(body) < len(body))

    look()
    assert sum(dropped) > len(dropped) / 5  # the first feeds are the smallest


@pytest.mark.parametrize("path", FIXTURES, ids=lambda path: path.stem)
def test_nor_in_any_fixture(path: Path) -> None:
    body = path.read_bytes()
    check(body)
    dates = {int(year) for year in re.findall(rb":((?:19|20)[0-9]{2})[0-9]{4}", body)}
    for year in sorted(dates)[-3:]:
        start = datetime(max(year, 1905), 6, 1, tzinfo=UTC)
        found = (
            [
                extcal.expand(
                    body, start, start.replace(month=8), timezone="Asia/Tokyo", sieve=sieve
                )
                for sieve in (True, False)
            ]
            if b"BEGIN:VCALENDAR" in body
            else []
        )
        for one in found[1:]:
            assert one.events == found[0].events
            assert one.free_busy == found[0].free_busy


# --- by name ----------------------------------------------------------------------------------


def calendar(*events: str) -> bytes:
    found = "".join(f"BEGIN:VEVENT|{event}|END:VEVENT|" for event in events)
    return f"BEGIN:VCALENDAR|{found}END:VCALENDAR|".replace("|", "\r\n").encode()


PAST = "UID:past|DTSTART:20200105T090000Z|DTEND:20200105T100000Z"
LIVE = "UID:a|DTSTART:20200105T090000Z|DTEND:20200105T100000Z|RRULE:FREQ=DAILY"
NOW = "UID:a|DTSTART:20270310T090000Z|DTEND:20270310T100000Z"


@pytest.mark.parametrize("limit", ["max_versions", "max_dates_per_series"])
def test_a_lone_cr_is_seen_also_where_excess_is_left_out(limit: str) -> None:
    """What is left out as excess is no proof that the sieve has looked for a lone CR."""
    dates = "|EXDATE:20200106" * 9
    hidden = "UID:b|DTSTART:20200105T090000Z|DTEND:20200105T100000Z|X-A:b\rRRULE:FREQ=DAILY"
    check(calendar(PAST, PAST, NOW, hidden, f"{NOW}{dates}"), limits=Limits(**{limit: 1}))


@pytest.mark.parametrize(
    "hidden",
    [
        "RRULE:FREQ=DAILY",
        "rrule:FREQ=DAILY",
        "RRU|\tLE:FREQ=DAILY",
        "RDATE:20270310T090000Z",
        "RRULE:FREQ=DAILY;UNTIL=20200109|RRULE:FREQ=DAILY",
        "RRULE:FREQ=DAILY;UNTIL=20200231",
        "RRULE:FREQ=DAILY;UNTIL=2020|  0109",
        "RRULE:FREQ=DAILY;UNTIL=20200109T|  ",
        "DTEND:20280101T000000Z",
        "DURATION:P9000D",
        "DESCRIPTION:x\rRRULE:FREQ=DAILY",
        "DESCRIPTION:x\nRRULE:FREQ=DAILY",
        "|RRULE:FREQ=DAILY",
        "\x01RRULE:FREQ=DAILY",
        "DTSTART:20270310T090000Z",
        "END:VEVENT|BEGIN:VFREEBUSY|FREEBUSY:20270310T090000Z/PT1H|END:VFREEBUSY|BEGIN:VEVENT",
        "end:vevent|begin:vevent|DTSTART:20270310T090000Z",
        "END:VEVENT|X-WR-TIMEZONE:America/New_York|BEGIN:VEVENT",
    ],
)
def test_what_is_hidden_in_a_past_event_is_found(hidden: str) -> None:
    body = calendar(PAST, f"{PAST[9:]}|{hidden}|UID:b", PAST, "UID:z|DTSTART:20270311T090000")
    check(body)
    # A CR on its own ends a line as well: then nothing is left out.
    assert (read_bytes(body) == len(body)) is bool(re.search(rb"\r[^\n]", body))


@pytest.mark.parametrize(
    "hidden",
    [
        *("RRULE:FREQ=DAILY", "rrule:FREQ=DAILY", "RRU|\tLE:FREQ=DAILY", "DTEND:20280101T000000Z"),
        *("DTSTART:20270310T090000Z", "UID:c", "UID:z", "RDATE:20270310T090000Z", "|", " x", "\tx"),
        *("END:VEVENT|BEGIN:VEVENT|DTSTART:20270310T090000Z", "X:x\nRRULE:FREQ=DAILY"),
        *("X:x\nEND:VEVENT\nBEGIN:VEVENT\nDTSTART:20270310T090000Z", "DTEND;X=1:20280101"),
        *("BEGIN:VALARM", "END:VALARM", "END:VEVENT", "BEGIN:VEVENT", "DURATION:P9000D"),
    ],
)
@pytest.mark.parametrize("newline", ["\r\n", "\n"])
def test_what_is_hidden_where_most_events_begin_is_found(hidden: str, newline: str) -> None:
    """In front of each line of it and behind, with and without a newline of its own."""
    head = "DTSTART:20200105T090000Z|DTEND:20200105T100000Z|DTSTAMP:20200101T000000Z"
    head = f"{head}|ORGANIZER;CN=x:mailto:x@ex| ample.org|UID:b"
    for place in (-1, *(match.start() for match in re.finditer(r"\|", head)), len(head)):
        # A line end that is LF is one of its own only where the others are CRLF.
        for end in ("|", "\n", "\r") if newline == "\r\n" else ("|", "\r"):
            found = (
                f"{hidden}|{head}" if place < 0 else f"{head[:place]}{end}{hidden}{head[place:]}"
            )
            body = calendar(PAST, f"{head[:-1]}z", found, PAST, "UID:z|DTSTART:20270311T090000")
            check(body.replace(b"\r\n", newline.encode()))


@pytest.mark.parametrize("uid", ["a", "a b", "\u00e9", "x" * 80, "", "x" * 200, '"a"', "a:b;c"])
@pytest.mark.parametrize(
    "write",
    [
        "UID:{}".format,
        "uid:{}".format,
        "UID:{} ".format,
        "UID;X=1:{}".format,
        "U\r\n ID:{}".format,
        lambda uid: "UID:" + "\r\n ".join(uid),
        lambda uid: "UID:" + uid[:60] + "\r\n\t" + uid[60:],
        lambda uid: "DESCRIPTION:x\nUID:" + uid,
        lambda uid: "DESCRIPTION:x\rUID:" + uid,
    ],
)
def test_one_uid_however_it_is_written(uid: str, write: Callable[[str], str]) -> None:
    """A past override and a far one take instances out of a live series; a copy supersedes."""
    master, now = LIVE[6:], NOW[6:]
    gone = "RECURRENCE-ID:20270311T090000Z|DTSTART:{}T090000Z|DTEND:{}T100000Z"
    for one, other in ((write(uid), f"UID:{uid}"), (f"UID:{uid}", write(uid))):
        body = calendar(
            PAST,
            f"{one}|{master}",
            PAST,
            f"{other}|{gone.format('20200101', '20200101')}",
            PAST,
            f"{other}|{gone.replace('0311', '0312').format('20300101', '20300101')}",
            f"{one}|{now}|SEQUENCE:0",
            f"{other}|DTSTART:20200101T090000Z|SEQUENCE:1",
            PAST,
            "UID:z|DTSTART:20270311T090000",
        )
        check(body)
        assert read_bytes(body) < len(body) or re.search(rb"\r[^\n]", body)


def test_a_line_too_long_to_read_makes_time_unknown_wherever_it_is() -> None:
    long = calendar(*[PAST] * 3, f"{PAST}|STATUS:{'x' * 70_000}", *[PAST] * 3, NOW)
    for limit in (5_000, 30_000, 69_000, 70_100, 200_000):
        check(long, limits=Limits(max_line_bytes=limit))


@pytest.mark.parametrize("newline", [b"\r\n", b"\n"])
@pytest.mark.parametrize("both", ["UID:x|UID:a", "UID:a|UID:x"])
def test_two_uids_in_a_row_are_both_seen(both: str, newline: bytes) -> None:
    """And those behind them are not mistaken for them."""
    gone = "RECURRENCE-ID:20270311T090000Z|DTSTART:20200101T090000Z|DTEND:20200101T100000Z"
    other = gone.replace("0311", "0312")
    body = calendar(PAST, f"{both}|{gone}", PAST, f"UID:a|{other}", PAST, LIVE)
    check(body.replace(b"\r\n", newline))
    body = calendar(LIVE, PAST, f"{both}|{gone}", PAST, f"UID:a|{other}", PAST, NOW)
    check(body.replace(b"\r\n", newline))


@pytest.mark.parametrize(
    "end",
    [
        "",
        "DTEND:20200101T000000Z|",
        "DTEND:20190101T000000Z|",
        "DTEND:|",
        "DTEND;X=1:20200102T0900|",
    ],
)
def test_an_override_without_an_end_lasts_as_long_as_its_master(end: str) -> None:
    """Both lie before the window, and reach into it together."""
    master = "UID:a|DTSTART:20100101T090000Z|DTEND:20200101T090000Z"
    override = f"UID:a|RECURRENCE-ID:20100101T090000Z|{end}DTSTART:20200101T090000Z"
    check(calendar(PAST, override, PAST, master, PAST, "UID:z|DTSTART:20270311T090000"))


@pytest.mark.parametrize(
    "dates",
    [
        "DTSTART:20200105T100000Z|DTEND:20200105T090000Z",
        "DTSTART;VALUE=DATE:20200105|DTEND;VALUE=DATE:20200103",
        "DTSTART;TZID=A:20200105T230000|DTEND;TZID=B:20200106T010000",
        "DTSTART:20200105T230000Z|DTEND:20200106T010000",
        "DTSTART:20200105|DTEND:20200106T010000Z",
        "DTSTART:20200231T230000Z|DTEND:20200302T010000Z",
        "DTSTART:20200105T230000Z|DTEND:20200231T010000Z",
        "DTSTART:20200105T230000Z|DTEND:20209999T010000Z",
        "DTSTART:20200105T2300|DTEND:20200106soon",
        "DTEND:20200106T010000Z",
        "DTSTART:20200105T100000Z|DTSTART:20200110T100000Z|DTEND:20200105T110000Z",
        "DTSTART:20200105T100000Z|DTEND:20200105T110000Z|DTEND:20200104T110000Z",
        "DTSTART:20200105T100000Z|DTEND:20200104T110000Z|DTEND:20200231T110000Z",
        "DTSTART:20200105T100000Z|DURATION:PT1H|DTEND:20200104T110000Z",
    ],
)
@pytest.mark.parametrize("planned", ["20100102T090000Z", "20300102T090000Z", "20270310T090000Z"])
def test_an_override_with_any_end_lasts_no_longer_than_a_day_beyond_its_dates(
    dates: str, planned: str
) -> None:
    """However long the instances of its series are."""
    override = f"UID:a|RECURRENCE-ID:{planned}|{dates}"
    for length in ("20100101T100000Z", "20100102T120000Z", "20290101T090000Z"):
        for rule in ("FREQ=DAILY", "FREQ=DAILY;COUNT=3", "FREQ=YEARLY;UNTIL=20150101T000000Z"):
            master = f"UID:a|DTSTART:20100101T090000Z|DTEND:{length}|RRULE:{rule}"
            check(calendar(PAST, override, PAST, master, PAST, "UID:z|DTSTART:20270311T090000"))
    check(calendar(PAST, override, PAST, "UID:z|DTSTART:20270311T090000"))


def test_an_event_with_two_uids_is_never_taken_for_one_of_the_first() -> None:
    """An alarm may have a UID too, and stand in front of the event's own."""
    alarm = "BEGIN:VALARM|DTSTART:20200105T090000Z|UID:a1|END:VALARM"
    newer = "DTSTART:20200105T090000Z|DTEND:20200105T100000Z|SEQUENCE:1"
    for event in (f"{alarm}|UID:a|{newer}", f"UID:b|{alarm}|{newer}|UID:a"):
        check(calendar(PAST, NOW, event, PAST))


def test_the_rule_of_an_override_is_none_with_and_without_its_brothers() -> None:
    rule = "UID:c|DTSTART:20200105T090000Z|DTEND:20200105T100000Z|RRULE:FREQ=DAILY"
    planned = "RECURRENCE-ID:20270310T090000Z"
    check(calendar(PAST, f"{rule}|{planned}", PAST, PAST.replace("past", "c") + f"|{planned}"))
    check(calendar(f"{rule}|{planned}", PAST, NOW))


@pytest.mark.parametrize("begin", ["B\r\n EGIN:VEVENT", "B\n EGIN:VEVENT", "bEGIN:VEVENT"])
@pytest.mark.parametrize("most", range(1, 8))
def test_events_are_counted_however_they_begin(begin: str, most: int) -> None:
    """In front of the first plain one too: more of them than a limit allows are never none."""
    left_out = "BEGIN:VEVENT|END:VEVENT|BEGIN:VEVENT|"
    for events in (f"{left_out}{begin}|" + "BEGIN:VEVENT|" * 3, f"{begin}|BEGIN:VEVENT|{left_out}"):
        body = f"BEGIN:VCALENDAR|{events}END:VCALENDAR|".replace("|", "\r\n").encode()
        check(body, limits=Limits(max_vevents=most))


@pytest.mark.parametrize(
    "event",
    [
        "DTSTART:20270225T230000-9900",
        "DTSTART:20270418T230000+9900",
        "DTSTART:20270418T230000+2359",
        "DTSTART:20200101T000000Z|DTEND;TZID=x:1900:20280310T100000",
        "DTSTART:20200101T000000Z|DTEND;TZID=x:19000101:20280310T100000",
        "DTSTART;TZID=x:2900:20270310T100000",
        "DTSTART;TZID=x:29000101:20270310T100000",
    ],
)
def test_a_date_is_what_the_reader_reads(event: str) -> None:
    """Behind two colons, and far from UTC."""
    check(calendar(PAST, f"UID:a|{event}", PAST, "UID:z|DTSTART:20270311T090000Z"))
    check(calendar(PAST, f"{event}|UID:a", PAST, "UID:z|DTSTART:20270311T090000Z"))


def test_a_version_of_an_instance_is_found_whatever_its_zone() -> None:
    now = "UID:a|DTSTART:20270310T090000Z|RECURRENCE-ID;TZID=Europe/Berlin:20270226T000000"
    past = "UID:a|DTSTART:20270224T090000Z|DTEND:20270224T100000Z|SEQUENCE:1"
    check(calendar(PAST, now, f"{past}|RECURRENCE-ID:20270225T230000Z", PAST))


@pytest.mark.parametrize("uid", ["UID: a", "UID:a ", "UID:a\x01", "uid:a", "UID;X=1:a"])
def test_a_long_series_keeps_its_overrides_however_its_uid_is_written(uid: str) -> None:
    planned = "RECURRENCE-ID:20270120T090000Z"
    gone = f"DTSTART:20270120T090000Z|DTEND:20270120T100000Z|UID:a|{planned}"
    long = "DTSTART:20270120T090000Z|DTEND:20270305T100000Z|RRULE:FREQ=YEARLY"
    check(calendar(PAST, gone, f"{uid}|{long}", PAST, "UID:z|DTSTART:20270311T090000Z"))


@pytest.mark.parametrize("name", ["VALX", "VALARM"])
@pytest.mark.parametrize("begin", ["BEGIN:{}", "bEGIN:{}", "BEG| IN:{}", "BEGIN : {}"])
def test_an_event_may_end_what_began_outside(begin: str, name: str) -> None:
    past = f"BEGIN:VEVENT|DTSTART:20200105T090000Z|END:{name}|END:VEVENT|"
    now = f"BEGIN:VEVENT|{NOW}|END:VEVENT|"
    for head in ("BEGIN:VCALENDAR|END:VCALENDAR|", "BEGIN:VCALENDAR|"):
        check(f"{head}{begin.format(name)}|{past}{now}".replace("|", "\r\n").encode())


def test_tasks_with_alarms_in_front_of_the_events_leave_the_sieve_in_place() -> None:
    alarm = "BEGIN:VALARM|ACTION:DISPLAY|DESCRIPTION:x| y|TRIGGER:-PT5M|END:VALARM|"
    task = f"BEGIN:VTODO|UID:t|SUMMARY:Begin|{alarm}{alarm}END:VTODO|".replace("|", "\r\n").encode()
    body = calendar(PAST, PAST, NOW).replace(b"CALENDAR\r\n", b"CALENDAR\r\n" + task * 9, 1)
    check(body)
    assert read_bytes(body) < len(body)
    odd_ones = (
        (b"END:VALARM\r\nEND:VTODO", b"END:VTODO"),
        (b"END:VALARM\r\nEND:VTODO", b"END:VALARM\r\n S\r\nEND:VTODO"),
        (b"ACTION:DISPLAY", b"BEGIN:VALARM"),
        (b"ACTION:DISPLAY", b"B\x00EGIN:VEVENT"),
        (b"ACTION:DISPLAY", b"BEG\r\n IN:VEVENT"),
        (b"ACTION:DISPLAY", b"begin:vevent"),
    )
    for whole, odd in odd_ones:
        for count in (1, 18):
            bent = body.replace(whole, odd, count)
            check(bent)
            assert read_bytes(bent) == len(bent), odd


@pytest.mark.parametrize("calendar_", ["", "BEGIN:VCALENDAR:|", "BEGIN:VCALENDAR| x|", "X:y|"])
@pytest.mark.parametrize("last", ["BEGIN:VEVENT| S|", "BEGIN:VEVENT|", "END:VEVENT|"])
def test_an_event_stands_for_a_calendar_that_there_is_not(calendar_: str, last: str) -> None:
    past = f"BEGIN:VEVENT|{PAST}|END:VEVENT|"
    for events in ("", past, past * 3):
        check(f"{calendar_}{events}{last}".replace("|", "\r\n").encode())


@pytest.mark.parametrize("behind", ["", "\r\n", "\n", "\r\n ", "\r\n\r\n", "\r\nE"])
def test_a_feed_that_stops_where_its_first_event_begins_is_read(behind: str) -> None:
    check(f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT{behind}".encode())


def test_what_comes_after_the_window_is_left_out_but_not_its_dates_before() -> None:
    future = "UID:{}|DTSTART:20280310T090000Z|DTEND:20280310T100000Z"
    body = calendar(
        *(future.format(number) for number in range(9)),
        future.format("r") + "|RRULE:FREQ=DAILY",
        future.format("d") + "|RDATE:20270310T090000Z",
        future.format("e") + "|DTSTART:20270312T090000Z",
        NOW,
    )
    check(body)
    sieved = room.sieve(body, LO, HI, Limits())
    kept = b"".join(body[start:end] for start, end in sieved)
    assert kept.count(b"BEGIN:VEVENT") == 3


def test_many_events_of_one_kind_are_left_out() -> None:
    """Counted, not timed: a feed of the past costs next to nothing behind the sieve."""
    chance = random.Random(1)
    events = [
        f"UID:{chance.getrandbits(90):x}|DTSTART:20{year}0105T090000Z|DURATION:PT1H"
        for year in chance.choices(range(10, 26), k=500)
    ]
    body = calendar(*events, NOW)
    assert read_bytes(body) < len(body) / 100


@pytest.mark.parametrize("lines", ["DTSTART:20270310T090000Z|", "RRULE:FREQ=DAILY|", "UID|"])
def test_an_event_that_is_most_of_a_feed_is_not_searched_to_its_end(
    lines: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counted, not timed: two million DTSTARTs took a second in the sieve, and are read anyway."""
    body = calendar(NOW, lines * (30 * room.STRETCH // len(lines)) + "UID:long")
    seen: list[object] = []
    stretches = room._Pieces.stretches

    def counted(pieces: room._Pieces) -> Iterator[tuple[int, int]]:
        for stretch in stretches(pieces):
            seen.append(stretch)
            yield stretch

    monkeypatch.setattr(room._Pieces, "stretches", counted)
    assert read_bytes(body) == len(body)
    assert 1 < len(seen) < 12
