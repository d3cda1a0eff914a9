"""The rules of a policy: an Event in, the FBTYPEs that they may mean for it out.

A condition is True, False, or None where the feed does not say for certain. Rules are asked in
their order. One that is True decides, and one that may be True gives one more possibility. Of
several possibilities the strongest counts, so doubt never makes time free.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import timedelta
from operator import gt, itemgetter, lt
from unicodedata import category, name, normalize

from extcal.ical.events.event import Event
from extcal.intervals import FBType
from extcal.policy import BusyPolicy

__all__ = ["RuleMatcher"]

_LONGEST_TITLE = 4096  # characters: of a longer one, only the beginning and the end are compared
_MANY_TEXTS = 1000
# Scripts that do not put blanks between words, by the first word of their characters' names.
_UNSPACED = frozenset({"CJK", "HIRAGANA", "KATAKANA", "THAI", "LAO", "KHMER", "MYANMAR"})

Truth = bool | None
Verdict = tuple[FBType, str]


class Subject:
    """An event as the conditions look at it: what several of them need is worked out once.

    ``title`` is the folded title. It is None if several or a very long one have to be looked at
    (``titles``, not folded).
    """

    __slots__ = ("categories", "event", "title", "titles")

    def __init__(self, event: Event, folded: Callable[[str], str]) -> None:
        self.event = event
        texts = event.texts
        self.titles = texts.titles
        self.title: str | None = ""
        if self.titles:
            plain = len(self.titles) == 1 and len(self.titles[0]) <= _LONGEST_TITLE
            self.title = folded(self.titles[0]) if plain else None
        self.categories = frozenset(map(folded, texts.categories))

    def of_titles(self, holds: Callable[[str], bool]) -> Truth:
        """Whether a condition holds for the titles; of several nobody knows which counts."""
        return _alike(_of_long(holds, title) for title in self.titles)


Condition = Callable[[Subject], Truth]


class RuleMatcher:
    """The rules of one policy, prepared for the events of one feed.

    ``is_owner``: whether an address is the calendar owner's; None if the owner is not known.
    """

    def __init__(self, policy: BusyPolicy, is_owner: Callable[[str], bool] | None) -> None:
        self.rules = [
            (
                (FBType.from_token(rule.outcome), f"BusyPolicy.rules[{place}]:{rule.outcome}"),
                tuple([_condition(*each, is_owner=is_owner) for each in rule.conditions().items()]),
            )
            for place, rule in enumerate(policy.rules)
        ]
        self.known: dict[str, str] = {}

    def decide(self, event: Event, otherwise: Verdict) -> Verdict:
        """The verdict on an event; ``otherwise`` it would be what it is marked as."""
        subject = Subject(event, self.folded)
        possible: list[Verdict] = []
        for verdict, conditions in self.rules:
            truth: Truth = True
            for condition in conditions:
                found = condition(subject)
                if not found:
                    truth = found
                    if found is False:
                        break
            if truth is False:
                continue
            possible.append(verdict)
            if truth:
                break
        else:
            possible.append(otherwise)
        return max(possible, key=itemgetter(0))  # of equal ones the first

    def folded(self, text: str) -> str:
        found = self.known.get(text)
        if found is None:
            found = fold(text)
            if len(self.known) < _MANY_TEXTS:
                self.known[text] = found
        return found


def _condition(
    name: str, value: str | bool | timedelta, *, is_owner: Callable[[str], bool] | None
) -> Condition:
    """One condition of a rule, by the name of its field."""
    if name.startswith("title"):
        return _title(name, fold(str(value)))
    if name == "category":
        text = fold(str(value))
        return lambda subject: text in subject.categories
    if name == "status":
        status = str(value).strip().upper()
        return lambda subject: subject.event.facts.get("STATUS", "CONFIRMED") == status
    if isinstance(value, timedelta):
        return _length(gt if name == "longer_than" else lt, value)
    if name == "organizer_is_owner":
        return lambda subject: _organized(subject.event, is_owner, wanted=value is True)
    if name == "all_day":
        return lambda subject: subject.event.all_day is value
    return lambda subject: subject.event.private is value


def _title(name: str, text: str) -> Condition:
    def holds(title: str) -> bool:
        if name == "title_prefix":
            return title.startswith(text)
        if name == "title_suffix":
            return title.endswith(text)
        return text in title and has_word(title, text)

    exactly = text.__eq__ if name == "title" else holds

    def condition(subject: Subject) -> Truth:
        title = subject.title
        return subject.of_titles(exactly) if title is None else exactly(title)

    return condition


def _length(compare: Callable[[timedelta, timedelta], bool], than: timedelta) -> Condition:
    return lambda subject: _alike(compare(length, than) for length in _lengths(subject.event))


def _organized(event: Event, is_owner: Callable[[str], bool] | None, *, wanted: bool) -> Truth:
    organizers = event.texts.organizers
    if not organizers:
        return wanted
    if is_owner is None:
        return None
    return _alike(
        (is_owner(line.value) or is_owner(line.params.get("EMAIL", ""))) is wanted
        for line in organizers
    )


def _of_long(holds: Callable[[str], bool], title: str) -> Truth:
    if len(title) <= _LONGEST_TITLE:
        return holds(fold(title))
    half = _LONGEST_TITLE // 2
    return True if holds(fold(title[:half])) or holds(fold(title[-half:])) else None


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
