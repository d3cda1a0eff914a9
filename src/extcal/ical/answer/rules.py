"""The rules of a policy: an Event in, the FBTYPEs that they may mean for it out.

A condition is True, False, or None where the feed does not say for certain. Rules are asked in
their order. One that is True decides, and one that may be True gives one more possibility. Of
several possibilities the strongest counts, so doubt never makes time free.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import timedelta
from functools import partial
from unicodedata import category, name, normalize

from extcal.ical.events.event import Event
from extcal.intervals import FBType
from extcal.policy import BusyPolicy, Rule

__all__ = ["RuleMatcher"]

_LONGEST_TITLE = 4096  # characters: of a longer one, only the beginning and the end are compared
_MANY_TITLES = 1000
# Scripts that do not put blanks between words, by the first word of their characters' names.
_UNSPACED = frozenset({"CJK", "HIRAGANA", "KATAKANA", "THAI", "LAO", "KHMER", "MYANMAR"})

Truth = bool | None
Verdict = tuple[FBType, str]


class RuleMatcher:
    """The rules of one policy, prepared for the events of one feed.

    ``is_owner``: whether an address is the calendar owner's; None if the owner is not known.
    """

    def __init__(self, policy: BusyPolicy, is_owner: Callable[[str], bool] | None) -> None:
        self.is_owner = is_owner
        self.rules = [
            (
                FBType.from_token(rule.outcome),
                f"BusyPolicy.rules[{place}]:{rule.outcome}",
                self.conditions(rule),
            )
            for place, rule in enumerate(policy.rules)
        ]
        self.folded: dict[str, str] = {}

    def decide(self, event: Event, otherwise: Verdict) -> Verdict:
        """The verdict on an event; ``otherwise`` it would be what it is marked as."""
        possible: list[Verdict] = []
        for fbtype, reason, conditions in self.rules:
            truth = _all(condition(event) for condition in conditions)
            if truth is not False:
                possible.append((fbtype, reason))
            if truth:
                break
        else:
            possible.append(otherwise)
        return max(possible, key=lambda verdict: verdict[0])  # of equal ones the first

    def conditions(self, rule: Rule) -> list[Callable[[Event], Truth]]:
        made = {
            "title": self.title_is,
            "title_prefix": self.title_begins,
            "title_suffix": self.title_ends,
            "title_word": self.title_has,
            "category": self.category_is,
        }
        conditions: list[Callable[[Event], Truth]] = []
        for condition, value in rule.conditions().items():
            if condition in made:
                conditions.append(partial(made[condition], fold(str(value))))
            else:
                conditions.append(partial(getattr(self, condition), value))
        return conditions

    # --- the conditions -----------------------------------------------------------------------

    def title_is(self, text: str, event: Event) -> Truth:
        return self.of_titles(lambda title: title == text, event)

    def title_begins(self, text: str, event: Event) -> Truth:
        return self.of_titles(lambda title: title.startswith(text), event)

    def title_ends(self, text: str, event: Event) -> Truth:
        return self.of_titles(lambda title: title.endswith(text), event)

    def title_has(self, text: str, event: Event) -> Truth:
        return self.of_titles(partial(has_word, text=text), event)

    def category_is(self, text: str, event: Event) -> Truth:
        return any(self.fold(category) == text for category in event.texts.categories)

    def all_day(self, wanted: bool, event: Event) -> Truth:
        return event.all_day is wanted

    def longer_than(self, than: timedelta, event: Event) -> Truth:
        return _alike(length > than for length in _lengths(event))

    def shorter_than(self, than: timedelta, event: Event) -> Truth:
        return _alike(length < than for length in _lengths(event))

    def private(self, wanted: bool, event: Event) -> Truth:
        return event.private is wanted

    def status(self, wanted: str, event: Event) -> Truth:
        return event.facts.get("STATUS", "CONFIRMED") == wanted.strip().upper()

    def organizer_is_owner(self, wanted: bool, event: Event) -> Truth:
        organizers, is_owner = event.texts.organizers, self.is_owner
        if not organizers:
            return wanted
        if is_owner is None:
            return None
        return _alike(
            (is_owner(line.value) or is_owner(line.params.get("EMAIL", ""))) is wanted
            for line in organizers
        )

    # --- titles -------------------------------------------------------------------------------

    def of_titles(self, holds: Callable[[str], bool], event: Event) -> Truth:
        """Whether a condition holds for the title; of several titles nobody knows which counts."""
        return _alike(self.of_title(holds, title) for title in event.texts.titles)

    def of_title(self, holds: Callable[[str], bool], title: str) -> Truth:
        if len(title) <= _LONGEST_TITLE:
            return holds(self.fold(title))
        half = _LONGEST_TITLE // 2
        return True if holds(fold(title[:half])) or holds(fold(title[-half:])) else None

    def fold(self, text: str) -> str:
        found = self.folded.get(text)
        if found is None:
            found = fold(text)
            if len(self.folded) < _MANY_TITLES:
                self.folded[text] = found
        return found


def fold(text: str) -> str:
    """``text`` as it is compared: without case, with single blanks (Unicode D146, NFKC).

    Turkish writes the pairs "I" and "ı", "İ" and "i"; all four are equal here.
    """
    if text.isascii():
        return " ".join(text.lower().split())
    caseless = normalize("NFKC", normalize("NFD", text).casefold())
    caseless = caseless.replace("i\u0307", "i").replace("\u0131", "i")
    return " ".join(caseless.replace("\ufe0f", "").split())


def has_word(title: str, text: str) -> bool:
    """Whether ``text`` stands in ``title``, with no letter or digit directly before or behind."""
    at = title.find(text)
    while at >= 0:
        end = at + len(text)
        if not _joined(title[at - 1 : at], text[0]) and not _joined(title[end : end + 1], text[-1]):
            return True
        at = title.find(text, at + 1)
    return False


def _joined(neighbour: str, edge: str) -> bool:
    """Whether two characters that stand side by side may belong to one word."""
    if not neighbour or not _in_word(edge) or not _in_word(neighbour):
        return False
    return _UNSPACED.isdisjoint(_script(character) for character in (neighbour, edge))


def _in_word(character: str) -> bool:
    return character.isalnum() or category(character).startswith("M")  # a mark, as in "e\u0301"


def _script(character: str) -> str:
    return name(character, "").partition(" ")[0]


def _lengths(event: Event) -> list[timedelta]:
    """The length of the event, and those of its RDATEs with an end of their own."""
    if event.of_day:
        return [timedelta.min, timedelta.max]  # no end can be read
    extents = [event.extent, *(extent for _, extent in event.rdates if extent is not None)]
    return [timedelta(days=extent.days, seconds=extent.seconds) for extent in extents]


def _alike(truths: Iterable[Truth]) -> Truth:
    """The truth if all are alike, None if they differ; of none it is False."""
    found = {*truths}
    return (found or {False}).pop() if len(found) < 2 else None


def _all(truths: Iterable[Truth]) -> Truth:
    """Whether all hold: False as soon as one does not, else None as soon as one is not certain."""
    certain: Truth = True
    for truth in truths:
        if truth is False:
            return False
        certain = certain and truth
    return certain
