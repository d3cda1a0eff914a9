"""Collects the answer: typed components in, busy time, unknown time and events out.

Each UID is read separately, so that an error in one does not affect the others.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta, tzinfo
from functools import partial

from extcal.errors import LimitExceeded
from extcal.ical.answer.exclude import Exclusions
from extcal.ical.answer.expansion import Expansion
from extcal.ical.answer.fbtype import Verdict, classify, is_owner
from extcal.ical.answer.listing import (
    Judged,
    JudgedInstances,
    JudgedOccurrence,
    among_first,
    count,
    earliest,
    in_arrays,
    listed_when_asked,
    release,
)
from extcal.ical.budget import Work
from extcal.ical.events.event import Event
from extcal.ical.events.times import DAY, parse_duration
from extcal.ical.parse.components import CalendarHead, Stream
from extcal.ical.parse.spans import emptied, has_vevents, sorted_in_slices
from extcal.ical.series import recurrence_set, versions
from extcal.ical.series.instances import Instances
from extcal.ical.zones.resolve import Zones
from extcal.intervals import FBType, FreeBusy, Levels
from extcal.intervals.freebusy import asked_in
from extcal.intervals.merge import merged, packed
from extcal.intervals.types import code_of
from extcal.messages.problems import oddity
from extcal.policy import BusyPolicy
from extcal.values import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from extcal.ical.answer.rules import RuleMatcher

__all__ = ["Collector", "Question"]

_EPOCH = date(1970, 1, 1)
_FEW = 1_000
_MANY = 20_000  # spans of one type, or instances of events: further ones are packed
_SERIES = 8  # units of work, beside those of its events
_BYTES = 9  # of 2: 512 bytes of an event without a UID cost as much work as a line
_QUOTES = " \"'\u2018\u2019\u201c\u201d\u201e"


class Question(NamedTuple):
    """The question to a feed: the window in epoch seconds, and the options for reading it.

    If ``events`` is false, only times and types are wanted, and no occurrences are kept. ``zone``:
    in which the question was asked, and its answer is drawn.
    """

    lo: int
    hi: int
    owner: frozenset[str]
    policy: BusyPolicy
    exclusions: Exclusions
    titles: bool = False
    events: bool = True
    zone: tzinfo | None = None

    def reads_people(self, raw: bytes) -> bool:
        """Whether ATTENDEE lines are read: for the owner's PARTSTAT, or for VFREEBUSY.

        A VFREEBUSY with ATTENDEEs and no FREEBUSY is a request. In a body with events that makes no
        difference, so there ATTENDEEs are read only for the owner.
        """
        return bool(self.owner) or not has_vevents(raw)

    @property
    def reads_labels(self) -> bool:
        """Whether CATEGORIES and ORGANIZER lines are read: for the rules of the policy."""
        return bool(self.policy.rules)


class Collector:
    """Builds the answer to one question."""

    def __init__(self, question: Question, stream: Stream, zones: Zones, work: Work) -> None:
        self.question, self.stream, self.zones, self.work = question, stream, zones, work
        self.lo, self.hi = question.lo, question.hi
        self.has_vevents = stream.partial  # only events are ever left out
        known = partial(is_owner, question.owner) if question.owner else None
        self.rules: RuleMatcher | None = None
        if question.policy.rules:
            from extcal.ical.answer.rules import RuleMatcher

            self.rules = RuleMatcher(question.policy, known)
        single = question.exclusions.single
        self.instances = recurrence_set.occurrences if single else recurrence_set.instances
        self.busy: Levels = defaultdict(lambda: ([], []))
        self.most_spans = _MANY  # before they are merged
        self.shown: list[Judged] = []
        self.kept = 0  # occurrences of events in these
        self.most_kept = 2 * max(work.limits.max_occurrences, _FEW)
        self.events_complete = True

    def collect(self, events: Iterable[Event | None]) -> None:
        """Take the events, and everything else in the body."""
        for group in self.groups(events):
            # When there is no work left, the other groups are freed one by one.
            if self.work.left >= 0 and (not group[0].rules or self.work.spend(_SERIES)):
                self.take(group)
        for component_kind in (self.take_published, self.take_unavailable):
            try:
                component_kind()
            except LimitExceeded:
                raise
            except Exception:
                self.work.internal_error()
        self.check_years()
        for component in self.stream.events:
            emptied(component.lines)  # of what no work was left for, there may be 100,000
        emptied(self.stream.events)

    # --- the results ----------------------------------------------------------------------

    def answer(self) -> FreeBusy:
        """The typed, merged free/busy of the window."""
        unknown = [
            (self.lo if start is None else start, self.hi if end is None else end)
            for start, end in self.work.unknown
        ]
        found = FreeBusy.from_levels(self.lo, self.hi, self.busy, unknown)
        return asked_in(found, self.question.zone)

    def expansion(self) -> Expansion:
        """The answer with its events; if titles are not wanted, these have times and types only."""
        limit = self.work.limits.max_occurrences
        if count(self.shown) > limit:
            self.events_complete = False
        answer = self.answer()
        return Expansion(
            answer,
            listed_when_asked(self.shown, limit, self.question.titles),
            self.work.report(self.stream.raw),
            # If a limit stopped a series after the window, its part inside the window is complete.
            complete=self.work.complete or not answer.unknown_epochs,
            events_complete=self.events_complete,
            empty=self.is_empty,
            refresh_interval=_refresh_interval(self.stream.calendars),
        )

    # --- events ---------------------------------------------------------------------------

    @property
    def is_empty(self) -> bool:
        """Whether the body holds no component that could make time busy."""
        return not (self.has_vevents or self.stream.freebusy or self.stream.availability)

    def groups(self, events: Iterable[Event | None]) -> Iterator[list[Event]]:
        """The events by UID, in an order that does not depend on the feed's order.

        An event without a UID (3.8.4.7 requires one) stands alone, named by its content.
        """
        ties = [_tie(head) for head in self.stream.calendars]
        by_uid: dict[str, list[Event]] = {}
        alone: list[Event] = []
        for event in self.without_harmless_doubt(events):
            event.tie = ties[event.calendar]
            if event.uid and not event.detached:
                by_uid.setdefault(event.uid, []).append(event)
            else:
                alone.append(event)
        if not self.work.exhausted:
            self.name(alone, by_uid)
        if self.work.exhausted:  # the whole window is unknown
            emptied(alone)
            while by_uid:
                by_uid.popitem()
        for uid in sorted_in_slices([*by_uid], str):
            yield by_uid.pop(uid)
        alone = sorted_in_slices(alone, lambda event: (event.uid, event.start.epoch, event.tie))
        alone.reverse()
        while alone:
            yield [alone.pop()]

    def name(self, alone: Iterable[Event], by_uid: Mapping[str, list[Event]]) -> None:
        """Settle the detached events, and give a UID to those without one, while there is work."""
        for event in alone:
            if event.detached:
                family = by_uid.get(event.uid, ())
                event.settle(recurrence_set.zone_of([e for e in family if e.recurrence_id is None]))
            if not event.uid:
                begin, end = event.span
                if not self.work.spend((end - begin) >> _BYTES):
                    return
                from hashlib import sha256  # on demand: only events without a UID need it

                digest = sha256(versions.content(self.stream.raw, event)).hexdigest()
                event.uid = f"no-uid-{digest[:16]}"

    def without_harmless_doubt(self, events: Iterable[Event | None]) -> Iterator[Event]:
        """Skip None. Time that was made unknown by an event that blocks nothing becomes known."""
        mark = self.work.mark()
        for event in events:
            self.has_vevents = True
            if event is not None:
                if len(self.work.unknown) > mark[0] and not self.may_block([event]):
                    self.work.forgive(mark)
                yield event
            mark = self.work.mark()

    def take(self, group: list[Event]) -> None:
        """Expand the events of one UID and judge every occurrence."""
        if group[0].uid in self.question.exclusions.uids:
            return
        found: list[Judged] = []
        mark = self.work.mark()
        try:
            self.judge(group, found)
        except LimitExceeded:
            raise
        except Exception:
            self.work.internal_error(offset=group[0].offset, uid=group[0].uid)
        if len(self.work.unknown) > mark[0] and not self.may_block(group):
            # The time of an event that blocks nothing does not matter.
            self.work.forgive(mark)
        if found:  # no occurrence is kept if only times and types are asked for
            self.keep(found)

    def keep(self, found: list[Judged]) -> None:
        """Add what is listed of one UID. Of very many occurrences only the first are kept.

        They are chosen again once there are twice as many, so none is looked at often.
        """
        size, limits = count(found), self.work.limits
        if size > limits.max_occurrences_per_series:
            found = [*self.earliest(found, limits.max_occurrences_per_series)]
            size = len(found)
        for one in found:
            release(one)  # if titles are wanted, they have been read
        self.shown += found if self.kept < _MANY else map(in_arrays, found)
        self.kept += size
        if self.kept > self.most_kept:
            self.events_complete = False
            self.shown = among_first(self.shown, limits.max_occurrences)
            self.kept = count(self.shown)
            self.most_kept = max(self.most_kept, 2 * self.kept)

    def judge(self, group: list[Event], found: list[Judged]) -> None:
        exclusions, listed = self.question.exclusions, self.question.events
        verdicts: dict[Event, Verdict | None] = {}
        for one in self.instances(group, self.zones, self.stream.raw, self.lo, self.hi, self.work):
            event = one.event
            verdict = verdicts[event] if event in verdicts else self.verdict(event)
            verdicts[event] = verdict
            if verdict is None:
                continue
            fbtype, reason = verdict
            if isinstance(one, Instances):
                if fbtype is not FBType.FREE:
                    self.block(one.columns.starts, one.columns.ends, fbtype)
                if listed:
                    found.append(JudgedInstances(one, fbtype, reason))
            elif not (exclusions and exclusions.leave_out(one)):
                if fbtype is not FBType.FREE and one.start < one.end:
                    self.block((one.start,), (one.end,), fbtype)
                if one.merged > 1:
                    self.events_complete = False
                if listed:
                    found.append(
                        JudgedOccurrence(one.start, one.end, event.uid, fbtype, reason, one)
                    )

    def block(self, starts: Iterable[int], ends: Iterable[int], fbtype: FBType) -> None:
        """Add busy time. No end lies before its start; an instance without length adds nothing."""
        level = self.busy[code_of(fbtype)]
        level[0].extend(starts)
        level[1].extend(ends)
        # Very many may be merged into few: 5,000 daily series at nine are 90 spans. That is tried
        # again when there are eight times as many as then: it takes a while if they are apart.
        if len(level[0]) > self.most_spans:
            begins, stops = merged(level, self.lo, self.hi)
            self.busy[code_of(fbtype)] = packed(begins), packed(stops)
            self.most_spans = max(self.most_spans, 8 * len(begins))

    def earliest(self, found: list[Judged], limit: int) -> list[JudgedOccurrence]:
        """The first occurrences up to the limit. If there are more, that is reported."""
        if count(found) > limit:
            self.events_complete = False
        return earliest(found, limit)

    def verdict(self, event: Event) -> Verdict | None:
        """The type of all instances of an event, and the reason; None if it is absent."""
        marked = self.marked(event)
        return marked if marked is None or self.rules is None else self.rules.decide(event, marked)

    def marked(self, event: Event) -> Verdict | None:
        """The same without the rules of the policy."""
        head = self.stream.calendars[event.calendar]
        return classify(event, self.question.owner, head, self.question.policy)

    def may_block(self, group: list[Event]) -> bool:
        """Whether time that these events make unknown stays unknown.

        A rule that says FREE does not change that: what cannot be read might not match it.
        """
        verdicts = [*map(self.marked, group), *map(self.verdict, group if self.rules else ())]
        return any(verdict is not None and verdict[0] > FBType.FREE for verdict in verdicts)

    # --- VFREEBUSY, VAVAILABILITY ---------------------------------------------------------

    def take_published(self) -> None:
        """Add the periods of VFREEBUSYs. In a body without VEVENTs they bound the known time."""
        if not self.stream.freebusy:
            return
        from extcal.ical.answer import vfreebusy  # few bodies have one

        window = self.lo, self.hi
        said = vfreebusy.published(self.stream, self.zones, self.work, window)
        uids: dict[int, str] = {}
        reasons = {fbtype: f"FREEBUSY;FBTYPE={fbtype}" for fbtype in FBType}
        for start, end, fbtype, component in said.listed:
            if component.offset not in uids:
                written = (line.value.strip() for line in component.lines if line.name == "UID")
                uids[component.offset] = next(written, "freebusy")
            self.take_listed(start, end, uids[component.offset], fbtype, reasons[fbtype])
        if not self.has_vevents:
            answered = FreeBusy.from_epochs(self.lo, self.hi, [(*known, 1) for known in said.known])
            position = self.lo
            for start, end, _ in answered.epochs:
                self.work.unknown.append((position, start))
                position = end
            self.work.unknown.append((position, self.hi))

    def take_unavailable(self) -> None:
        """VAVAILABILITY becomes one layer, joined with the events (RFC 7953 section 5)."""
        if self.stream.availability:
            from extcal.ical.answer import vavailability  # hardly any body has one

            layer = vavailability.layer(
                self.stream, self.zones, self.stream.raw, self.lo, self.hi, self.work
            )
            for start, end, fbtype, uid in layer:
                self.take_listed(start, end, uid, fbtype, f"BUSYTYPE:{fbtype}")

    def take_listed(self, start: int, end: int, uid: str, fbtype: FBType, reason: str) -> None:
        """Add busy time that comes from no VEVENT."""
        if start < self.hi and end > self.lo and uid not in self.question.exclusions.uids:
            if fbtype is not FBType.FREE:
                self.block((start,), (end,), fbtype)
            self.shown.append(JudgedOccurrence(start, end, uid, fbtype, reason, None))
            limit = self.work.limits.max_occurrences
            if len(self.shown) > 2 * max(limit, _FEW):
                self.shown = [*self.earliest(self.shown, limit)]

    def check_years(self) -> None:
        limits = self.work.limits
        first = (date(limits.first_year, 1, 1) - _EPOCH).days * DAY
        last = (date(limits.last_year + 1, 1, 1) - _EPOCH).days * DAY
        if self.lo >= first and self.hi <= last:
            return
        code, message, action = oddity("years", first=limits.first_year, last=limits.last_year)
        if self.work.strict:
            raise LimitExceeded(message, kind="first_year" if self.lo < first else "last_year")
        self.work.complete = False
        if self.lo < first:
            self.work.unknown.append((None, min(first, self.hi)))
        if self.hi > last:
            self.work.unknown.append((max(last, self.lo), None))
        self.work.problem(code, message, action)


def _tie(head: CalendarHead) -> tuple[str, ...]:
    """Orders copies in two VCALENDARs: the one that is not cancelled comes last and counts."""
    method = head.method or ""
    return str(int(method != "CANCEL")), head.prodid or "", head.x_wr_timezone or "", method


def _refresh_interval(heads: Sequence[CalendarHead]) -> timedelta | None:
    """The shortest interval that a VCALENDAR of the body asks for; only positive ones count.

    Some producers put the value in quotation marks, straight or typographic.
    """
    found = []
    for head in heads:
        for written in (head.refresh_interval, head.published_ttl):
            duration = parse_duration(written.strip(_QUOTES).upper()) if written else None
            if duration is not None and not duration.negative:
                found.append(duration.extent.about)
                break
    shortest = min(found, default=0)
    return timedelta(seconds=shortest) if shortest else None
