"""VFREEBUSY, read and written (RFC 5545 sections 3.2.9, 3.6.4, 3.8.2.6)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import extcal
from extcal import FBType, FreeBusy

STAMP = datetime(2027, 1, 1, tzinfo=UTC)
BOUNDS = ("DTSTART:20270101T000000Z", "DTEND:20270201T000000Z")


def vfreebusy(*lines: str) -> str:
    return "\r\n".join(("BEGIN:VFREEBUSY", "UID:f", *lines, "END:VFREEBUSY"))


@pytest.mark.parametrize(
    ("line", "owed"),
    [
        ("FREEBUSY:20270104T080000Z/PT1H", "01-04T08:00/09:00"),
        ("FREEBUSY:20270104T080000Z/20270104T100000Z", "01-04T08:00/10:00"),
        ("FREEBUSY:20270104T080000/PT1H", "01-04T08:00/09:00"),
        ("FREEBUSY;FBTYPE=BUSY:20270104T080000Z/PT1H", "01-04T08:00/09:00"),
        ("freebusy;fbtype=busy-tentative:20270104T080000Z/PT1H",
         "01-04T08:00/09:00 BUSY-TENTATIVE"),
        ("FREEBUSY;FBTYPE=BUSY-UNAVAILABLE:20270104T080000Z/PT2H",
         "01-04T08:00/10:00 BUSY-UNAVAILABLE"),
        ("FREEBUSY;FBTYPE=X-OOF:20270104T080000Z/PT1H", "01-04T08:00/09:00"),
        ('FREEBUSY;FBTYPE="BUSY":20270104T080000Z/PT1H', "01-04T08:00/09:00"),
    ],
)  # fmt: skip
def test_types_and_periods(corridor: Any, line: str, owed: str) -> None:
    """Without FBTYPE a period is BUSY, and "applications MUST treat [...] values they don't
    recognize the same way as they would the BUSY value" (3.2.9)."""
    assert corridor.busy(vfreebusy(*BOUNDS, line)) == [owed]


def test_free_takes_nothing_away(corridor: Any) -> None:
    free = vfreebusy(*BOUNDS, "FREEBUSY;FBTYPE=FREE:20270104T000000Z/P7D")
    event = corridor.event("DTSTART:20270104T080000Z", "DURATION:PT1H")
    assert corridor.busy(free, event) == ["01-04T08:00/09:00"]
    assert corridor.busy(free) == []


def test_the_published_example(corridor: Any) -> None:
    """ "DTSTART and DTEND [...] specify an inclusive time window that surrounds the busy time
    information": outside it nobody has said anything."""
    example = vfreebusy(
        "ORGANIZER:jsmith@example.com",
        "DTSTART:19980313T141711Z",
        "DTEND:19980410T141711Z",
        "FREEBUSY:19980314T233000Z/19980315T003000Z",
        "FREEBUSY:19980316T153000Z/19980316T163000Z",
        "FREEBUSY:19980318T030000Z/19980318T040000Z",
    )
    assert corridor.busy(example, window="1998-03-01/1998-05-01") == [
        "03-14T23:30/03-15T00:30",
        "03-16T15:30/16:30",
        "03-18T03:00/04:00",
        "03-01T00:00/03-13T14:17 unknown",
        "04-10T14:17/05-01T00:00 unknown",
    ]


def test_the_reply_without_bounds(corridor: Any) -> None:
    """Only what is listed is known; a list may be folded and go on for lines."""
    reply = vfreebusy(
        "ATTENDEE:mailto:john_public@example.com",
        "FREEBUSY:19971015T050000Z/PT8H30M,\r\n 19971015T160000Z/PT5H30M,19971015T223000Z/PT6H30M",
    )
    assert corridor.busy(reply, window="1997-10-15/1997-10-17") == [
        "10-15T05:00/13:30",
        "10-15T16:00/21:30",
        "10-15T22:30/10-16T05:00",
        "10-15T00:00/05:00 unknown",
        "10-15T13:30/16:00 unknown",
        "10-15T21:30/22:30 unknown",
        "10-16T05:00/10-17T00:00 unknown",
    ]


@pytest.mark.parametrize(
    ("lines", "head"),
    [
        (("ATTENDEE:mailto:john@example.com", *BOUNDS), []),
        ((*BOUNDS, "FREEBUSY:20270104T080000Z/PT1H"), ["METHOD:REQUEST"]),
    ],
)
def test_a_request_says_nothing(corridor: Any, lines: tuple[str, ...], head: list[str]) -> None:
    """METHOD:REQUEST, or an attendee without any FREEBUSY."""
    assert corridor.busy(vfreebusy(*lines), head=head) == ["01-01T00:00/02-01T00:00 unknown"]


def test_several_bounds_are_a_union(corridor: Any) -> None:
    """ "grouping of free/busy information into [...] monthly groups"."""
    first = vfreebusy("DTSTART:20270101T000000Z", "DTEND:20270115T000000Z")
    second = vfreebusy("DTSTART:20270114T000000Z", "DTEND:20270120T000000Z")
    assert corridor.busy(first, second) == ["01-20T00:00/02-01T00:00 unknown"]


@pytest.mark.parametrize(
    "bounds", [BOUNDS[:1], BOUNDS[1:], BOUNDS[::-1], (), ("DTSTART:x", BOUNDS[1])]
)
def test_half_a_bound_is_none(corridor: Any, bounds: tuple[str, ...]) -> None:
    found = corridor.busy(vfreebusy(*bounds, "FREEBUSY:20270104T080000Z/PT1H"))
    assert found[0] == "01-04T08:00/09:00"
    assert (len(found) == 1) == (bounds == BOUNDS[::-1])


def test_beside_events_it_only_adds(corridor: Any) -> None:
    """Its bounds limit what is known only where a body has no VEVENT; one in a text is none."""
    narrow = vfreebusy(
        "DTSTART:20270104T000000Z",
        "DTEND:20270105T000000Z",
        "FREEBUSY:20270104T080000Z/PT1H",
        "COMMENT:no\r\n BEGIN:VEVENT",
    )
    assert len(corridor.busy(narrow)) == 3
    event = corridor.event("DTSTART:20270110T080000Z", "DURATION:PT1H")
    assert corridor.busy(narrow, event) == ["01-04T08:00/09:00", "01-10T08:00/09:00"]
    lost = corridor.event("DTSTART:x")
    assert corridor.busy(narrow, lost) == ["01-04T08:00/09:00"]


@pytest.mark.parametrize("period", ["x", "20270110T080000Z", "20270110T080000Z/x", "x/PT1H",
                                    "20270110T080000Z/20270109T080000Z"])  # fmt: skip
def test_an_unreadable_period_leaves_its_component_unknown(corridor: Any, period: str) -> None:
    body = vfreebusy(*BOUNDS, f"FREEBUSY:20270104T080000Z/PT1H,{period}")
    assert corridor.busy(body) == ["01-04T08:00/09:00", "01-01T00:00/02-01T00:00 unknown"]
    assert corridor.codes(body) == ["bad_period"]


def test_what_it_lists_can_be_seen_and_excluded(corridor: Any) -> None:
    body = vfreebusy(*BOUNDS, "FREEBUSY;FBTYPE=BUSY-TENTATIVE:20270104T080000Z/PT1H")
    (event,) = corridor.expand(body).events
    assert (event.uid, event.reason) == ("f", "FREEBUSY;FBTYPE=BUSY-TENTATIVE")
    assert corridor.busy(body, exclude=["f"]) == []


def test_a_limit_holds_for_what_it_lists_too(corridor: Any) -> None:
    listed = ",".join(f"202701{day:02d}T080000Z/PT1H" for day in range(28, 0, -1))
    body = vfreebusy(*BOUNDS, f"FREEBUSY:{listed}")
    result = corridor.expand(body, limits=extcal.Limits(max_occurrences=10))
    assert [event.start.day for event in result.events] == list(range(1, 11))
    assert not result.events_complete
    assert len(result.free_busy.periods) == 28


# --- writing ------------------------------------------------------------------------------------

seconds = st.integers(0, 40 * 86_400)
LO = int(datetime(2027, 2, 20, tzinfo=UTC).timestamp())


@st.composite
def answers(draw: st.DrawFn) -> FreeBusy:
    """Busy and unknown time in a window, overlapping as it likes."""
    lo, hi = sorted(draw(st.lists(seconds, min_size=2, max_size=2, unique=True)))
    spans = st.tuples(seconds, seconds).map(sorted).filter(lambda span: span[0] < span[1])
    busy = draw(st.lists(st.tuples(spans, st.sampled_from(list(FBType))), max_size=8))
    unknown = draw(st.lists(spans, max_size=3))
    return FreeBusy.from_epochs(
        LO + lo,
        LO + hi,
        [(LO + start, LO + end, fbtype) for (start, end), fbtype in busy],
        [(LO + start, LO + end) for start, end in unknown],
    )


def sayable(answer: FreeBusy) -> FreeBusy:
    """What no VFREEBUSY can say is gone: types that do not block, and busy inside unknown."""
    busy = []
    for start, end, code in answer.epochs:
        if FBType(code) <= FBType.WORKING_ELSEWHERE:
            continue
        for low, high in [*answer.unknown_epochs, (end, end)]:
            if start < low and low > start:
                busy.append((start, min(end, max(low, start)), code))
            start = max(start, min(high, end))
    return FreeBusy.from_epochs(*answer.window_epochs, busy, answer.unknown_epochs)


@settings(max_examples=2 * settings.default.max_examples)
@given(answers())
def test_reading_what_was_written(answer: FreeBusy) -> None:
    """The law: the same comes back, without what cannot be said."""
    written = extcal.write_freebusy(answer, uid="u@example.org", dtstamp=STAMP)
    window = answer.window
    assert extcal.read_freebusy(written) == sayable(answer)
    assert extcal.read_freebusy(written, window.start, window.end) == sayable(answer)
    assert extcal.free_busy(written, window.start, window.end) == sayable(answer)


@given(answers())
def test_what_is_written_is_valid(answer: FreeBusy) -> None:
    """3.6.4 and 3.8.2.6: one UID and DTSTAMP each, UTC, bounds first, periods in ascending order,
    one type to a line, CRLF, no line longer than 75 octets."""
    icalendar = pytest.importorskip("icalendar")
    written = extcal.write_freebusy(answer, uid="u@example.org", dtstamp=STAMP)
    lines = written.split(b"\r\n")
    assert lines.pop() == b""
    assert all(len(line) <= 75 and b"\n" not in line and b"\r" not in line for line in lines)
    calendar = icalendar.Calendar.from_ical(written)
    assert not calendar.errors
    uids = []
    for component in calendar.walk("VFREEBUSY"):
        assert not component.errors
        uids.append(str(component["UID"]))
        assert component["DTSTAMP"].dt == STAMP
    assert len(set(uids)) == len(uids) >= 1
    body = written.replace(b"\r\n ", b"").decode().split("\r\n")
    for part in "\r\n".join(body).split("BEGIN:VFREEBUSY")[1:]:
        periods = [line for line in part.split("\r\n") if line.startswith("FREEBUSY")]
        assert all(line.startswith("FREEBUSY;FBTYPE=BUSY") for line in periods)
        starts = [line.partition(":")[2] for line in periods]
        assert starts == sorted(starts)
        assert all(value.count("Z") == 2 for value in starts)


def test_a_window_of_which_nothing_is_known() -> None:
    window = (STAMP, STAMP + timedelta(days=1))
    answer = FreeBusy.from_periods(window, [], [window])
    assert extcal.read_freebusy(extcal.write_freebusy(answer, uid="u", dtstamp=STAMP)) == answer


def test_what_a_caller_can_do_wrong(corridor: Any) -> None:
    answer = FreeBusy.from_periods((STAMP, STAMP + timedelta(days=1)))
    with pytest.raises(ValueError, match="uid"):
        extcal.write_freebusy(answer, uid=" ", dtstamp=STAMP)
    with pytest.raises(TypeError, match="aware"):
        extcal.write_freebusy(answer, uid="u", dtstamp=datetime(2027, 1, 1))
    written = extcal.write_freebusy(answer, uid="u", dtstamp=STAMP)
    with pytest.raises(TypeError, match="both"):
        extcal.read_freebusy(written, STAMP)
    with pytest.raises(ValueError, match="before"):
        extcal.read_freebusy(written, STAMP, STAMP)
    with pytest.raises(ValueError, match="expand"):
        extcal.read_freebusy(corridor.body(corridor.event("DTSTART:20270101")))
    with pytest.raises(ValueError, match="start and end"):
        extcal.read_freebusy(corridor.body(vfreebusy("ATTENDEE:mailto:a@example.org")))
    with pytest.raises(extcal.NotACalendar):
        extcal.read_freebusy(b"<html>")
