"""Events that say the same are judged once; each is judged as if it stood alone."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import product

import pytest

import extcal

START, END = datetime(2027, 1, 4, tzinfo=UTC), datetime(2027, 2, 4, tzinfo=UTC)
HEADS = (
    ("PRODID:-//Google Inc//Google Calendar 70.9054//EN",),
    ("PRODID:-//Google Inc//Google Calendar 70.9054//EN", "METHOD:CANCEL"),
    ("PRODID:Microsoft Exchange Server 2010",),
)
FACTS = (
    (),
    ("STATUS:CONFIRMED", "TRANSP:OPAQUE"),
    ("STATUS:TENTATIVE",),
    ("STATUS:CANCELLED",),
    ("TRANSP:TRANSPARENT",),
    ("X-MICROSOFT-CDO-BUSYSTATUS:OOF", "TRANSP:TRANSPARENT"),
    ("ATTENDEE;PARTSTAT=DECLINED:mailto:ada@example.org",),
    ("ATTENDEE;PARTSTAT=TENTATIVE:mailto:ada@example.org",),
)
TITLES = ("Busy", "Away", "Free")
TIMES = (
    ("DTSTART:20270105T090000Z", "DTEND:20270105T100000Z"),
    ("DTSTART;VALUE=DATE:20270106",),
    ("DTSTART:20200107T090000Z", "DTEND:20200107T100000Z", "RRULE:FREQ=WEEKLY"),
)
POLICIES = (extcal.BusyPolicy(), extcal.BusyPolicy(all_day="free"))


def calendar(head: tuple[str, ...], *events: str) -> str:
    lines = ("BEGIN:VCALENDAR", *head, "X-WR-TIMEZONE:Europe/Berlin", *events, "END:VCALENDAR", "")
    return "\r\n".join(lines)


def events_of(number: int) -> list[str]:
    """Every time with every title and every set of facts, told apart by UID."""
    return [
        "\r\n".join(
            (
                "BEGIN:VEVENT",
                f"UID:{number}-{place}",
                *times,
                *facts,
                f"SUMMARY:{title}",
                "END:VEVENT",
            )
        )
        for place, (times, facts, title) in enumerate(product(TIMES, FACTS, TITLES))
    ]


def verdicts(text: str, policy: extcal.BusyPolicy) -> set[tuple[str, datetime, int, str]]:
    found = extcal.expand(text, START, END, owner="ada@example.org", policy=policy)
    return {(one.uid, one.start, one.fbtype, one.reason) for one in found.events}


@pytest.mark.parametrize("policy", POLICIES, ids=["as marked", "all day is free"])
def test_an_event_among_others_is_judged_as_if_it_stood_alone(policy: extcal.BusyPolicy) -> None:
    """Whatever calendar, facts, title and answer the events before it had."""
    whole, each = "", set()
    for number, head in enumerate(HEADS):
        events = events_of(number)
        whole += calendar(head, *events)
        for event in events:
            each |= verdicts(calendar(head, event), policy)
    assert verdicts(whole, policy) == each
    assert len({(kind, reason) for _, _, kind, reason in each}) > 6


@pytest.mark.parametrize("policy", POLICIES, ids=["as marked", "all day is free"])
def test_free_busy_alone_is_that_of_the_events(policy: extcal.BusyPolicy) -> None:
    """Where no events are asked for, no other verdicts are reached."""
    whole = "".join(calendar(head, *events_of(number)) for number, head in enumerate(HEADS))
    found = extcal.expand(whole, START, END, owner="ada@example.org", policy=policy)
    assert found.free_busy == extcal.free_busy(
        whole, START, END, owner="ada@example.org", policy=policy
    )
