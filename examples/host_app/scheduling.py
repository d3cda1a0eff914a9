"""The Free / Busy area: what a form asks for, and everything that is shown about it.

A :class:`Draft` is a form as it was sent, with its errors. :func:`free_busy_area` asks for
everybody's time in that week and returns what the template shows: extcal's picture, whether each
person is free at the chosen time, the age of that information, and the slots in which all are free.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from markupsafe import Markup

import extcal
from host_app.calendars import Look
from host_app.database import Event, Person
from host_app.web import Form, Host, number_in
from host_app.words import KINDS, age, clock, day_words, instant_of, read_date, read_time

__all__ = ["LENGTHS", "Area", "Draft", "draft_of", "free_busy_area", "new_draft", "read_draft"]

LENGTHS = (15, 30, 45, 60, 90, 120)
_STEP = timedelta(minutes=30)
_SLOTS_THAT_DAY = 8
_SLOTS_ANOTHER_DAY = 4
_LONGEST_TITLE = 120
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_LONGEST = 24 * 60  # minutes


@dataclass(frozen=True, slots=True)
class Draft:
    """The content of the form: ``people`` without the organiser, ``errors`` by field."""

    title: str
    people: tuple[Person, ...]
    day: date | None
    at: time | None
    minutes: int
    organiser: Person
    errors: dict[str, str]

    @property
    def everybody(self) -> tuple[Person, ...]:
        return (self.organiser, *self.people)

    @property
    def length(self) -> timedelta:
        return timedelta(minutes=self.minutes)

    @property
    def start(self) -> datetime | None:
        """The chosen time, if there is one that exists."""
        if self.day is None or self.at is None:
            return None
        return instant_of(self.day, self.at, self.organiser.zone)


@dataclass(frozen=True, slots=True)
class Standing:
    """One person at the chosen time. ``tone``: ``free``, ``taken``, ``unknown`` or empty."""

    name: str
    said: str
    tone: str
    age: str
    note: str


@dataclass(frozen=True, slots=True)
class Slot:
    """A button: ``value`` for the form, ``label`` to show, ``spoken`` for screen readers."""

    value: str
    label: str
    spoken: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class Area:
    """All that the Free / Busy area shows; ``verdict`` is its one sentence.

    ``days``: a day, some of its slots, and how many more there are. ``passed``: whether all of the
    week is over.
    """

    picture: Markup
    people: tuple[Standing, ...]
    days: tuple[tuple[str, tuple[Slot, ...], int], ...]
    passed: bool
    verdict: str
    tone: str
    limited_by: tuple[str, ...]

    @property
    def all_free(self) -> bool:
        return self.tone == "free"


def read_draft(host: Host, form: Form, organiser: Person) -> Draft:
    """Read the form; ``errors`` says for each field what is wrong with it."""
    errors: dict[str, str] = {}
    title = " ".join(_CONTROL.sub(" ", form["title"]).split())[:_LONGEST_TITLE]
    if not title:
        errors["title"] = "Give the event a title."
    # A slot is a button: without scripts it is sent together with the rest of the form.
    slot_day, _, slot_time = form["slot"].partition("T")
    day, at = read_date(slot_day or form["day"]), read_time(slot_time or form["at"])
    if day is None:
        errors["day"] = "Choose a day."
    if at is None:
        errors["at"] = "Choose a time."
    minutes = number_in(form["minutes"]) or 0
    if not 0 < minutes <= _LONGEST:
        minutes = 30
    chosen = set(form.several("people"))
    people = tuple(
        person
        for person in host.database.people()
        if str(person.id) in chosen and person.id != organiser.id
    )
    draft = Draft(title, people, day, at, minutes, organiser, errors)
    if day is not None and at is not None:
        if draft.start is None:
            errors["at"] = "The clocks are changed then, and this time does not exist."
        elif draft.start < host.clock():
            errors["at"] = "This time has passed."
    return draft


def new_draft(host: Host, organiser: Person, day: date | None) -> Draft:
    """An empty form for ``day``, or for the next working day; the time is still to be chosen."""
    if day is None:
        today = host.clock().astimezone(organiser.zone).date()
        day = today + timedelta(days=(1, 1, 1, 1, 3, 2, 1)[today.weekday()])
    return Draft("", (), day, None, 30, organiser, {})


def draft_of(host: Host, event: Event, organiser: Person) -> Draft:
    """The form for an existing event."""
    local = event.start.astimezone(organiser.zone)
    people = tuple(
        person
        for person in host.database.people()
        if person.id in event.people and person.id != organiser.id
    )
    minutes = int((event.end - event.start) / timedelta(minutes=1))
    return Draft(event.title, people, local.date(), local.time(), minutes, organiser, {})


def free_busy_area(
    host: Host, draft: Draft, moving: Event | None = None, *, refresh: bool = False
) -> Area | None:
    """Everybody's time in the week of the chosen day; None until a day is chosen.

    ``moving``: the existing event that the form changes, if any. ``refresh``: whether to fetch
    the external calendars now.
    """
    unread = host.calendars.refresh(draft.everybody) if refresh else frozenset()
    if draft.day is None:
        return None
    start, end = _window(draft)
    look = host.calendars.look(draft.everybody, start, end, moving)
    now, zone = host.clock(), draft.organiser.zone
    hours = {look.names[person.id]: person.hours for person in draft.everybody}
    gaps = look.table.common_free(draft.length, hours=hours)
    ahead = [
        extcal.Period(max(gap.start, now), gap.end)
        for gap in gaps.slots
        if gap.end - max(gap.start, now) >= draft.length
    ]
    steps = look.table.common_free(draft.length, hours=hours, step=_STEP, timezone=zone)
    starts = [slot.start for slot in steps.slots if slot.start >= now]
    verdict, tone = _verdict(draft, look, now)
    return Area(
        # Types and times only, everything escaped: extcal draws no titles.
        picture=Markup(look.table.to_html(zone, draft.organiser.hours, ahead, now=now)),
        people=tuple(_standing(draft, look, person, now, unread) for person in draft.everybody),
        days=_slots(draft, starts),
        passed=end <= now,
        verdict=verdict,
        tone=tone,
        limited_by=gaps.limited_by,
    )


def _window(draft: Draft) -> tuple[datetime, datetime]:
    """Monday to Friday around the chosen day, or the whole week if it is on the weekend."""
    assert draft.day is not None
    zone = draft.organiser.zone
    monday = draft.day - timedelta(days=draft.day.weekday())
    days = 5 if draft.day.weekday() < 5 else 7
    start = datetime.combine(monday, time(), zone)
    end = datetime.combine(monday + timedelta(days=days), time(), zone)
    if draft.start is not None and draft.start + draft.length > end:
        end = datetime.combine(monday + timedelta(days=days + 1), time(), zone)
    return start, end


def _status(draft: Draft, look: Look, person: Person) -> tuple[str, str]:
    if draft.start is None:
        return "", ""
    status = look.table[look.names[person.id]].status(draft.start, draft.start + draft.length)
    if status is None:
        return "Unknown", "unknown"
    return KINDS[status], "taken" if status in extcal.BLOCKING else "free"


def _standing(
    draft: Draft, look: Look, person: Person, now: datetime, unread: frozenset[int]
) -> Standing:
    name = look.names[person.id]
    said, tone = _status(draft, look, person)
    as_of, trouble = look.as_of[name], look.trouble[name]
    if as_of is not None:
        how_old = f"last refreshed {age(as_of, now, draft.organiser.zone)}"
    elif not person.feeds:
        how_old = "no external calendar: only what is booked here"
    else:
        how_old = "nothing is known from the external calendars"
    note = "It could not be refreshed just now." if person.id in unread else ""
    if trouble:
        note = f"{'Stale' if look.stale[name] else 'Unknown'}: {trouble}."
    return Standing(name, said, tone, how_old, note)


def _verdict(draft: Draft, look: Look, now: datetime) -> tuple[str, str]:
    """One sentence for the chosen time, and its tone."""
    if draft.day is not None and draft.day < now.astimezone(draft.organiser.zone).date():
        return f"{day_words(draft.day)} has passed. Choose a later day.", ""
    if draft.start is None or draft.day is None:
        return "Choose a time to see who is free.", ""
    zone = draft.organiser.zone
    when = (
        f"{day_words(draft.day)}, {clock(draft.start, zone)}–"
        f"{clock(draft.start + draft.length, zone)}"
    )
    standings = [(look.names[each.id], *_status(draft, look, each)) for each in draft.everybody]
    others = [f"{name} is {said.lower()}" for name, said, tone in standings if tone != "free"]
    if not others:
        return f"{when}: everybody is free.", "free"
    tone = "taken" if any(tone == "taken" for _, _, tone in standings) else "unknown"
    return f"{when}: {', '.join(others)}.", tone


def _slots(
    draft: Draft, starts: Sequence[datetime]
) -> tuple[tuple[str, tuple[Slot, ...], int], ...]:
    """Some of the slots, by day, and how many more there are; more for the chosen day."""
    zone = draft.organiser.zone
    by_day: dict[date, list[Slot]] = {}
    for start in starts:
        local = start.astimezone(zone)
        last = start + draft.length
        by_day.setdefault(local.date(), []).append(
            Slot(
                f"{local:%Y-%m-%dT%H:%M}",
                clock(local, zone),
                f"{day_words(local.date())}, {clock(local, zone)} to {clock(last, zone)}",
                start == draft.start,
            )
        )
    shown = []
    for day, found in sorted(by_day.items()):
        some = _spread(found, _SLOTS_THAT_DAY if day == draft.day else _SLOTS_ANOTHER_DAY)
        shown.append((day_words(day), tuple(some), len(found) - len(some)))
    return tuple(shown)


def _spread(slots: Sequence[Slot], most: int) -> list[Slot]:
    """At most ``most`` slots, spread over the day; the chosen one is always among them."""
    if len(slots) <= most:
        return list(slots)
    kept = {round(index * (len(slots) - 1) / (most - 1)) for index in range(most)}
    return [slot for index, slot in enumerate(slots) if index in kept or slot.chosen]
