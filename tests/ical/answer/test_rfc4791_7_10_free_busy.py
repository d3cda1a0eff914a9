"""What counts as busy (RFC 4791 sections 7.10 and 9.9)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

import extcal
from extcal import BusyPolicy

TIMES = ("DTSTART:20270104T080000Z", "DURATION:PT1H")


@pytest.mark.parametrize(
    ("lines", "fbtype", "reason"),
    [
        ((), "BUSY", "default"),
        (("TRANSP:OPAQUE",), "BUSY", "TRANSP:OPAQUE"),
        (("transp: Transparent ",), "FREE", "TRANSP:TRANSPARENT"),
        (("TRANSP:X-NEW",), "BUSY", "TRANSP:OPAQUE"),
        (("TRANSP:0",), "BUSY", "TRANSP:OPAQUE"),
        (("TRANSP:1",), "FREE", "TRANSP:1"),
        (("STATUS:CONFIRMED",), "BUSY", "default"),
        (("STATUS:X-NEW",), "BUSY", "default"),
        (("STATUS:Tentative",), "BUSY-TENTATIVE", "STATUS:TENTATIVE"),
        (("STATUS:CANCELLED",), None, None),
        (("STATUS:CANCELED", "TRANSP:OPAQUE"), None, None),
        (("STATUS:TENTATIVE", "TRANSP:TRANSPARENT"), "FREE", "TRANSP:TRANSPARENT"),
        (("CLASS:PRIVATE",), "BUSY", "default"),
        (("SUMMARY:Free",), "BUSY", "default"),
    ],
)
def test_status_and_transp(
    corridor: Any, lines: tuple[str, ...], fbtype: str | None, reason: str | None
) -> None:
    """CANCELLED is absent, TENTATIVE is BUSY-TENTATIVE, TRANSPARENT is free, the rest is BUSY."""
    events = corridor.expand(corridor.event(*TIMES, *lines)).events
    assert [(str(e.fbtype), e.reason) for e in events] == ([(fbtype, reason)] if fbtype else [])


def test_the_strongest_type_wins_and_touching_periods_are_one(corridor: Any) -> None:
    """ "overlapping and consecutive periods should be coalesced": FREE < BUSY-TENTATIVE < BUSY <
    BUSY-UNAVAILABLE, in whatever order they stand."""
    events = [
        corridor.event("DTSTART:20270104T080000Z", "DURATION:PT3H", "STATUS:TENTATIVE", uid="a"),
        corridor.event("DTSTART:20270104T090000Z", "DURATION:PT1H", uid="b"),
        corridor.event("DTSTART:20270104T100000Z", "DURATION:PT30M", uid="c"),
        corridor.event("DTSTART:20270104T083000Z", "DURATION:PT9H", "TRANSP:TRANSPARENT", uid="d"),
        corridor.event(
            "DTSTART:20270104T103000Z", "DURATION:PT15M", "X-MICROSOFT-CDO-BUSYSTATUS:OOF", uid="e"
        ),
    ]
    owed = [
        "01-04T08:00/09:00 BUSY-TENTATIVE",
        "01-04T09:00/10:30",
        "01-04T10:30/10:45 BUSY-UNAVAILABLE",
        "01-04T10:45/11:00 BUSY-TENTATIVE",
    ]
    assert corridor.busy(*events) == corridor.busy(*reversed(events)) == owed


def test_method_cancel_is_cancelled(corridor: Any) -> None:
    event = corridor.event(*TIMES)
    assert corridor.busy(event, head=["METHOD:CANCEL"]) == []
    assert corridor.busy(event, head=["METHOD:PUBLISH"]) != []


def test_a_copy_in_a_cancelled_object_does_not_cancel_the_other(corridor: Any) -> None:
    """Nothing but their VCALENDARs tells them apart: the reading that blocks, in both orders."""
    event = corridor.event(*TIMES)
    one = corridor.body(event, head=["METHOD:CANCEL"])
    other = corridor.body(event, head=["METHOD:PUBLISH"])
    assert corridor.busy(one + other) == corridor.busy(other + one) == ["01-04T08:00/09:00"]
    newer = corridor.body(corridor.event(*TIMES, "SEQUENCE:1"), head=["METHOD:CANCEL"])
    assert corridor.busy(newer + other) == corridor.busy(other + newer) == []


# --- the owner's answer -------------------------------------------------------------------------

OWNER = "ada@example.org"


@pytest.mark.parametrize(
    ("attendee", "owed"),
    [
        ("ATTENDEE;PARTSTAT=DECLINED:mailto:ada@example.org", None),
        ("ATTENDEE;PARTSTAT=declined:MAILTO:Ada@Example.ORG", None),
        ("ATTENDEE;PARTSTAT=DECLINED:ada@example.org", None),
        ("ATTENDEE;PARTSTAT=DELEGATED:mailto:ada@example.org", None),
        ("ATTENDEE;PARTSTAT=DECLINED;EMAIL=ada@example.org:urn:uuid:1", None),
        ('ATTENDEE;PARTSTAT=DECLINED;SENT-BY="mailto:ada@example.org":mailto:b@x.org', None),
        ('ATTENDEE;CN="a;b:c";PARTSTAT=DECLINED:mailto:ada@example.org', None),
        ("ATTENDEE;RSVP;PARTSTAT=DECLINED:mailto:ada@example.org", None),
        ("ATTENDEE;PARTSTAT=ACCEPTED:mailto:ada@example.org", "BUSY default"),
        ("ATTENDEE;PARTSTAT=X-NEW:mailto:ada@example.org", "BUSY default"),
        (
            "ATTENDEE;PARTSTAT=TENTATIVE:mailto:ada@example.org",
            "BUSY-TENTATIVE PARTSTAT:TENTATIVE",
        ),
        (
            "ATTENDEE;PARTSTAT=NEEDS-ACTION:mailto:ada@example.org",
            "BUSY-TENTATIVE PARTSTAT:NEEDS-ACTION",
        ),
        ("ATTENDEE:mailto:ada@example.org", "BUSY-TENTATIVE PARTSTAT:NEEDS-ACTION"),
        ("ATTENDEE;PARTSTAT=DECLINED:mailto:other@example.org", "BUSY default"),
        ("ATTENDEE;PARTSTAT=DECLINED;CN=ada@example.org:mailto:b@x.org", "BUSY default"),
        ("ATTENDEE;PARTSTAT=DECLINED:mailto:xada@example.org", "BUSY default"),
    ],
)
def test_only_the_owners_answer_counts(corridor: Any, attendee: str, owed: str | None) -> None:
    """By address, EMAIL or SENT-BY; who declined is nobody's business without ``owner``."""
    event = corridor.event(*TIMES, attendee)
    found = corridor.expand(event, owner=OWNER).events
    assert [f"{e.fbtype} {e.reason}" for e in found] == ([owed] if owed else [])
    assert [e.reason for e in corridor.expand(event).events] == ["default"]


def test_several_addresses_and_listed_twice(corridor: Any) -> None:
    """Listed twice with different answers, the one that blocks; by address before by SENT-BY."""
    declined = "ATTENDEE;PARTSTAT=DECLINED:mailto:ada@example.org"
    accepted = "ATTENDEE;PARTSTAT=ACCEPTED:mailto:a.l@example.org"
    sent = "ATTENDEE;PARTSTAT=ACCEPTED;SENT-BY=mailto:ada@example.org:mailto:b@x.org"
    owners = ["mailto:ADA@example.org", "a.l@example.org", ""]
    assert corridor.busy(corridor.event(*TIMES, declined, accepted), owner=owners) != []
    assert corridor.busy(corridor.event(*TIMES, accepted, declined), owner=owners) != []
    assert corridor.busy(corridor.event(*TIMES, sent, declined), owner=owners) == []


def test_transp_comes_before_the_owners_tentative(corridor: Any) -> None:
    lines = ("ATTENDEE;PARTSTAT=TENTATIVE:mailto:ada@example.org", "TRANSP:TRANSPARENT")
    assert corridor.busy(corridor.event(*TIMES, *lines), owner=OWNER) == []


@pytest.mark.parametrize("owner", [7, [7], b"ada@example.org", [None]])
def test_owners_that_are_none(corridor: Any, owner: object) -> None:
    with pytest.raises(TypeError):
        corridor.expand(corridor.event(*TIMES), owner=owner)


@pytest.mark.parametrize(
    ("policy", "lines", "owed"),
    [
        (BusyPolicy(all_day="busy"), ("DTSTART:20270104", "TRANSP:TRANSPARENT"), "BUSY"),
        (BusyPolicy(all_day="busy"), ("DTSTART:20270104", "STATUS:TENTATIVE"), "BUSY"),
        (BusyPolicy(all_day="busy"), ("DTSTART:20270104T080000Z", "TRANSP:TRANSPARENT"), "FREE"),
        (BusyPolicy(all_day="free"), ("DTSTART:20270104", "TRANSP:OPAQUE"), "FREE"),
        (BusyPolicy(all_day="free"), TIMES, "BUSY"),
        (BusyPolicy(unanswered="busy"), (*TIMES, "ATTENDEE:mailto:ada@example.org"), "BUSY"),
        (BusyPolicy(unanswered="free"), (*TIMES, "ATTENDEE:mailto:ada@example.org"), "FREE"),
        (
            BusyPolicy(working_elsewhere="busy"),
            (*TIMES, "X-MICROSOFT-CDO-BUSYSTATUS:WORKINGELSEWHERE"),
            "BUSY",
        ),
        (
            BusyPolicy(working_elsewhere="free"),
            (*TIMES, "X-MICROSOFT-CDO-BUSYSTATUS:WORKINGELSEWHERE"),
            "FREE",
        ),
    ],
)
def test_policies(corridor: Any, policy: BusyPolicy, lines: tuple[str, ...], owed: str) -> None:
    """How a feed's facts are read; a cancelled event stays absent under every policy."""
    event = corridor.event(*lines)
    (found,) = corridor.expand(event, policy=policy, owner=OWNER, timezone="UTC").events
    assert str(found.fbtype) == owed
    others = [line for line in lines if not line.startswith("STATUS")]
    gone = corridor.event("STATUS:CANCELLED", *others)
    assert corridor.expand(gone, policy=policy, timezone="UTC").events == ()


def test_explain_names_what_made_it_busy(corridor: Any) -> None:
    result = corridor.expand(
        corridor.event(*TIMES, uid="a"),
        corridor.event(*TIMES, "TRANSP:TRANSPARENT", uid="b"),
        corridor.event("DTSTART:20270104T090000Z", "DURATION:PT1H", uid="c"),
    )
    nine = datetime(2027, 1, 4, 9, tzinfo=UTC)
    found = result.explain(datetime(2027, 1, 4, 8, 30, tzinfo=UTC), nine)
    assert [(event.uid, event.reason) for event in found] == [("a", "default")]
    assert isinstance(found[0], extcal.ExternalEvent)
