"""The type of an event: an Event in, its FBTYPE and the property that decided it out.

The first property with a value in this order decides (RFC 5545 sections 3.8.1.11, 3.8.2.7, 3.2.12;
RFC 4791 section 7.10; MS-OXCICAL 2.1.3.1.1.20.31 and .32): a cancelled or declined event is absent,
then Microsoft's busy status, then TRANSP, then whether it is tentative. Without any it is BUSY.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from extcal.ical.events.event import Event
from extcal.ical.events.facts import is_transparent
from extcal.ical.parse.components import CalendarHead
from extcal.ical.parse.content_lines import Line
from extcal.intervals import FBType
from extcal.policy import BusyPolicy

__all__ = ["classify", "is_owner", "owners"]

_FREE, _ELSEWHERE = FBType.FREE, FBType.WORKING_ELSEWHERE
_TENTATIVE, _BUSY, _AWAY = FBType.BUSY_TENTATIVE, FBType.BUSY, FBType.BUSY_UNAVAILABLE

_MICROSOFT = {
    "FREE": _FREE,
    "WORKINGELSEWHERE": _ELSEWHERE,
    "TENTATIVE": _TENTATIVE,
    "BUSY": _BUSY,
    "OOF": _AWAY,
}
_STATUS_NAMES = ("X-MICROSOFT-CDO-BUSYSTATUS", "X-MICROSOFT-MSNCALENDAR-BUSYSTATUS")
_INTENDED_NAMES = ("X-MICROSOFT-CDO-INTENDEDSTATUS", "X-MICROSOFT-MSNCALENDAR-INTENDEDSTATUS")
_MICROSOFT_NAMES = frozenset({*_STATUS_NAMES, *_INTENDED_NAMES})

# An Exchange calendar published as "availability only" gives the type only as a title.
_EXCHANGE_TITLES = {
    **dict.fromkeys(("free", "frei", "libre", "libero", "vrij", "livre", "空き時間"), _FREE),
    **dict.fromkeys(("working elsewhere", "an anderem ort tätig"), _ELSEWHERE),
    **dict.fromkeys(("tentative", "mit vorbehalt", "provisoire", "provisional"), _TENTATIVE),
    **dict.fromkeys(("away", "out of office", "abwesend", "absent", "absent(e)"), _AWAY),
}

Verdict = tuple[FBType, str]


def owners(owner: str | Iterable[str] | None) -> frozenset[str]:
    """Return the addresses that are the calendar's owner, folded for comparison."""
    if owner is None:
        return frozenset()
    several = (owner,) if isinstance(owner, str) else tuple(owner)
    for address in several:
        if not isinstance(address, str):
            raise TypeError(f"owner is an e-mail address or several, not {type(address).__name__}")
    return frozenset(_address(address) for address in several if address.strip())


def classify(
    event: Event, owner: frozenset[str], head: CalendarHead, policy: BusyPolicy
) -> Verdict | None:
    """Return the type of an event's occurrences and the reason; None when the event is absent."""
    status = event.facts.get("STATUS")
    if status in {"CANCELLED", "CANCELED"} or head.method == "CANCEL":
        return None
    answer = _answer(event.attendees, owner) if owner else None
    if answer in {"DECLINED", "DELEGATED"}:
        return None
    verdict = _as_marked(event, status, answer, head, policy)
    if event.all_day and policy.all_day != "as-marked":
        if policy.all_day == "free":
            return _FREE, "BusyPolicy.all_day:free"
        if verdict[0] < _BUSY:
            return _BUSY, "BusyPolicy.all_day:busy"
    return verdict


def _as_marked(
    event: Event,
    status: str | None,
    answer: str | None,
    head: CalendarHead,
    policy: BusyPolicy,
) -> Verdict:
    facts = event.facts
    transparent = is_transparent(facts["TRANSP"]) if "TRANSP" in facts else None
    if not _MICROSOFT_NAMES.isdisjoint(facts):
        told = _as_microsoft_says(facts, transparent, head)
        if told is not None:
            return _elsewhere(*told, policy)
    elif transparent is None and status is None and _from_exchange(head):
        titled = _EXCHANGE_TITLES.get((event.texts.summary or "").casefold())
        if titled is not None:
            return _elsewhere(titled, "SUMMARY (availability only)", policy)
    if transparent:
        return _FREE, f"TRANSP:{facts['TRANSP']}"
    if status == "TENTATIVE":
        return _TENTATIVE, "STATUS:TENTATIVE"
    if answer == "TENTATIVE":
        return _TENTATIVE, "PARTSTAT:TENTATIVE"
    if answer == "NEEDS-ACTION":
        unanswered = {"tentative": _TENTATIVE, "busy": _BUSY, "free": _FREE}[policy.unanswered]
        return unanswered, "PARTSTAT:NEEDS-ACTION"
    return _BUSY, "TRANSP:OPAQUE" if transparent is False else "default"


def _as_microsoft_says(
    facts: Mapping[str, str], transparent: bool | None, head: CalendarHead
) -> Verdict | None:
    """The type by the BUSYSTATUS family; None if TRANSP decides, because only the intended status
    of an invitation is told."""
    for name in _STATUS_NAMES if transparent is not None else (*_STATUS_NAMES, *_INTENDED_NAMES):
        written = facts.get(name)
        if written is not None:
            fbtype = _MICROSOFT.get(written, _BUSY)
            if transparent and fbtype > _ELSEWHERE and not _from_microsoft(head):
                return _FREE, f"TRANSP:{facts['TRANSP']}"
            return fbtype, f"{name}:{written}"
    return None


def _elsewhere(fbtype: FBType, reason: str, policy: BusyPolicy) -> Verdict:
    if fbtype is _ELSEWHERE and policy.working_elsewhere != "as-marked":
        return (_BUSY if policy.working_elsewhere == "busy" else _FREE), reason
    return fbtype, reason


def _from_microsoft(head: CalendarHead) -> bool:
    return head.prodid is not None and "microsoft" in head.prodid.lower()


def _from_exchange(head: CalendarHead) -> bool:
    return head.prodid is not None and "microsoft exchange" in head.prodid.lower()


def _answer(attendees: tuple[Line, ...], owner: frozenset[str]) -> str | None:
    """The owner's PARTSTAT, by the ATTENDEE's address, else by its SENT-BY.

    If the owner is listed twice with different answers, the one that blocks more counts.
    """
    direct: list[str] = []
    sent: list[str] = []
    for line in attendees:
        # 3.2.12: without a PARTSTAT it is NEEDS-ACTION
        answer = line.params.get("PARTSTAT", "").strip().upper() or "NEEDS-ACTION"
        if is_owner(owner, line.value) or is_owner(owner, line.params.get("EMAIL", "")):
            direct.append(answer)
        elif is_owner(owner, line.params.get("SENT-BY", "")):
            sent.append(answer)
    answers = direct or sent
    return max(answers, key=_blocks) if answers else None


def _blocks(answer: str) -> int:
    order = ("DECLINED", "DELEGATED", "NEEDS-ACTION", "TENTATIVE")
    return order.index(answer) if answer in order else len(order)


def is_owner(owner: frozenset[str], written: str) -> bool:
    """Whether an address, with or without ``mailto:``, is one of the owner's."""
    return _address(written) in owner


def _address(written: str) -> str:
    address = written.strip().strip('"<>').casefold()
    return address.removeprefix("mailto:").strip()
