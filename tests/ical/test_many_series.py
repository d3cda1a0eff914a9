"""A feed of many series: each has the instances that it has in a feed of its own."""

from __future__ import annotations

import os
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

import extcal

pytestmark = pytest.mark.long

RULES = """
    DAILY DAILY;INTERVAL=2 DAILY;INTERVAL=5;BYDAY=MO,TU,WE DAILY;BYMONTH=3,10,12
    DAILY;BYDAY=MO,TU,WE,TH,FR DAILY;BYSETPOS=2;BYDAY=MO DAILY;INTERVAL=400 WEEKLY
    WEEKLY;INTERVAL=2 WEEKLY;BYDAY=MO,WE,SU WEEKLY;BYDAY=SU;WKST=SU
    WEEKLY;INTERVAL=3;BYDAY=SA,SU,MO;WKST=SU WEEKLY;INTERVAL=2;BYDAY=SU,MO;WKST=MO
    WEEKLY;INTERVAL=2;WKST=TH;BYDAY=WE,TH;BYSETPOS=-1 WEEKLY;BYMONTH=3;INTERVAL=2
    WEEKLY;INTERVAL=60 WEEKLY;BYMONTHDAY=13 WEEKLY;UNTIL=20400101T000000Z MONTHLY
    MONTHLY;INTERVAL=2 MONTHLY;INTERVAL=7;BYDAY=2TU MONTHLY;BYDAY=-1SU MONTHLY;BYMONTHDAY=28,-1
    MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1 MONTHLY;BYDAY=FR MONTHLY;BYMONTHDAY=31
    MONTHLY;BYMONTH=3,4 MONTHLY;BYDAY=SU;BYMONTHDAY=28 MONTHLY;RSCALE=GREGORIAN;SKIP=FORWARD
    MONTHLY;RSCALE=GREGORIAN;SKIP=BACKWARD YEARLY YEARLY;INTERVAL=2 YEARLY;INTERVAL=3
    YEARLY;BYMONTH=3;BYDAY=-1SU YEARLY;BYMONTH=2,3 YEARLY;BYMONTHDAY=28 YEARLY;BYYEARDAY=87,-60
    YEARLY;BYDAY=13SU YEARLY;RSCALE=GREGORIAN;SKIP=FORWARD YEARLY;BYWEEKNO=12
    YEARLY;BYWEEKNO=1;BYDAY=MO YEARLY;BYMONTH=2;BYMONTHDAY=30
    YEARLY;INTERVAL=5;BYMONTH=3;BYMONTHDAY=28 WEEKLY;COUNT=900 DAILY;UNTIL=20270401
    MONTHLY;UNTIL=20270328T003000Z DAILY;COUNT=1 DAILY;BYHOUR=9,17 WEEKLY;BYMINUTE=0,30
    HOURLY;INTERVAL=30 SECONDLY;BYX=1
    """.split()
STEP = 4 if os.environ.get("EXTCAL_NIGHTLY") else 6  # among so many days one begins a series
# Berlin's changes, Lord Howe's of half an hour, the day that Samoa left out; far from UTC, and UTC.
PLACES = st.sampled_from(
    [
        ("Europe/Berlin", datetime(2027, 3, 28, tzinfo=UTC)),
        ("Europe/Berlin", datetime(2026, 10, 25, tzinfo=UTC)),
        ("America/Los_Angeles", datetime(2028, 2, 28, tzinfo=UTC)),
        ("Australia/Lord_Howe", datetime(2027, 4, 4, tzinfo=UTC)),
        ("Pacific/Apia", datetime(2011, 12, 30, tzinfo=UTC)),
        ("Pacific/Kiritimati", datetime(2027, 1, 1, tzinfo=UTC)),
        ("Etc/UTC", datetime(2027, 12, 31, tzinfo=UTC)),
    ]
)
TIMES = st.sampled_from([timedelta(0), *(timedelta(0, 1800 * n) for n in (3, 5, 18, 18, 47))])
ENDS = st.sampled_from(["PT30M", "PT1H", "PT1H", "PT0S", "PT23H", "PT24H", "PT25H", "P1D", "P2D"])
BEGINS = st.sampled_from([*range(-8, 9), 30, 59, 365, 366, 731, 5000])  # days before the window


@st.composite
def feeds(draw: st.DrawFn) -> tuple[str, datetime, datetime]:
    """A feed of series of few rules and times, and a window near a change of its clocks."""
    zone, around = draw(PLACES)
    lo = around + timedelta(days=draw(st.integers(-20, 4)), hours=draw(st.integers(0, 30)))
    hi = lo + timedelta(hours=draw(st.sampled_from([1, 24, 200, 1000, 24 * 90, 24 * 500])))
    rules, times = (
        draw(st.lists(st.sampled_from(RULES), min_size=1, max_size=3)),
        draw(st.lists(TIMES, min_size=1)),
    )
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//x//y//EN"]
    for number in range(draw(st.integers(1, 6))):
        day = lo.replace(hour=0) - timedelta(days=draw(BEGINS))
        start = day + draw(st.sampled_from(times))
        lines += ["BEGIN:VEVENT", f"UID:{number}", f"RRULE:FREQ={draw(st.sampled_from(rules))}"]
        if draw(st.integers(0, 3)) == 0:
            lines.append(f"DTSTART;VALUE=DATE:{start:%Y%m%d}")
        else:
            lines += [f"DTSTART;TZID={zone}:{start:%Y%m%dT%H%M%S}", f"DURATION:{draw(ENDS)}"]
        if draw(st.integers(0, 9)) == 0:
            lines.append(f"RECURRENCE-ID;TZID={zone}:{lo:%Y%m%dT%H%M%S}")
        for _ in range(draw(st.sampled_from([0, 0, 1, 3]))):
            gone = start + timedelta(days=(lo - start).days + draw(st.integers(-3, 40)))
            form = draw(
                st.sampled_from(
                    [f";TZID={zone}:%Y%m%dT%H%M%S"] * 4 + [":%Y%m%dT%H%M%SZ", ";VALUE=DATE:%Y%m%d"]
                )
            )
            lines.append(f"EXDATE{gone:{form}}")
        lines += [
            draw(st.sampled_from(["TRANSP:OPAQUE", "STATUS:TENTATIVE", "TRANSP:TRANSPARENT"])),
            "END:VEVENT",
        ]
    return "\r\n".join([*lines, "END:VCALENDAR", ""]), lo, hi


def each_for_itself(body: str, lo: datetime, hi: datetime) -> tuple[list[object], extcal.FreeBusy]:
    """The events, sorted, and the free/busy of all series of a feed, read one at a time."""
    head, *series = body.removesuffix("END:VCALENDAR\r\n").split("BEGIN:VEVENT")
    events: list[extcal.ExternalEvent] = []
    busy = extcal.free_busy(f"{head}END:VCALENDAR\r\n", lo, hi)
    for one in series:
        found = extcal.expand(f"{head}BEGIN:VEVENT{one}END:VCALENDAR\r\n", lo, hi)
        events += found.events
        busy |= found.free_busy
    return sorted(map(repr_of, events)), busy


def repr_of(event: extcal.ExternalEvent) -> object:
    return event.start, event.end, event.uid, str(event.recurrence_id), event.fbtype, event.reason


@settings(max_examples=2 * settings.default.max_examples)
@given(feeds())
def test_series_do_not_mix(feed: tuple[str, datetime, datetime]) -> None:
    """Events and free/busy are those of each series; also where no events are asked for."""
    found = extcal.expand(*feed)
    assert (sorted(map(repr_of, found.events)), found.free_busy) == each_for_itself(*feed)
    assert extcal.free_busy(*feed) == found.free_busy
    event(f"{min(len(found.events), 50) // 10}0 events")


@pytest.mark.parametrize("rule", RULES)
def test_series_that_begin_one_after_another_keep_their_own_days(rule: str) -> None:
    """What a rule takes from DTSTART, and the periods its INTERVAL counts from there, are kept."""
    days = [date(2000, 1, 20) + timedelta(days=past) for past in (*range(75), *range(75, 3000, 41))]
    feed = calendar(*(series(rule, f"{day:%Y%m%d}T090000") for day in days[::STEP]))
    window = datetime(2027, 1, 30, tzinfo=UTC), datetime(2027, 6, 2, tzinfo=UTC)
    found = extcal.expand(feed, *window)
    assert (sorted(map(repr_of, found.events)), found.free_busy) == each_for_itself(feed, *window)


@pytest.mark.parametrize("zone", ["Pacific/Pago_Pago", "Pacific/Kiritimati", "Europe/Berlin"])
def test_an_instance_that_reaches_over_an_edge_is_found(zone: str) -> None:
    """However far a zone is from UTC, and wherever in a day the window begins and ends."""
    times = [f"{hour:02}{minute}00" for hour in range(24) for minute in ("00", "30")]
    feed = calendar(
        *(
            f"BEGIN:VEVENT\r\nUID:{time}{length}\r\nDTSTART;TZID={zone}:20200106T{time}\r\n"
            f"DURATION:{length}\r\nRRULE:FREQ=DAILY\r\nEND:VEVENT\r\n"
            for time in times
            for length in ("PT30M", "PT24H", "P1D")
        )
    )
    for hour in range(24):
        lo = datetime(2027, 3, 27, hour, tzinfo=UTC)
        found = extcal.expand(feed, lo, lo + timedelta(hours=1))
        assert len(found.events) == 2 + 2 * len(times) + 2


@given(feeds(), st.integers(1, 60))
def test_steps_that_run_out_leave_no_time_free(
    feed: tuple[str, datetime, datetime], steps: int
) -> None:
    """What is no longer known is unknown."""
    whole = extcal.free_busy(*feed)
    limited = extcal.free_busy(*feed, limits=extcal.Limits(max_steps=steps))
    for busy in whole.periods:
        for instant in (busy.start, busy.end - timedelta(seconds=1)):
            unknown = any(one.start <= instant < one.end for one in limited.unknown)
            assert unknown or limited.at(instant) == busy.fbtype
    for busy in limited.periods:
        assert whole.at(busy.start) is not None
        assert (whole.at(busy.start) or 0) >= busy.fbtype


def series(rule: str, start: str = "20200106T090000", end: str = "100000", more: str = "") -> str:
    return (
        f"BEGIN:VEVENT\r\nUID:{rule}{start}{end}{more}\r\nDTSTART;TZID=Europe/Berlin:{start}\r\n"
        f"DTEND;TZID=Europe/Berlin:{start[:9]}{end}\r\nRRULE:FREQ={rule}\r\n{more}END:VEVENT\r\n"
    )


def calendar(*parts: str) -> str:
    return "".join(("BEGIN:VCALENDAR\r\n", *parts, "END:VCALENDAR\r\n"))
