"""How the events of a feed count, as data.

Whether a type *blocks* is not decided here, but in each question (``blocks=``).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from extcal._former_modules import loads_earlier_pickles
from extcal.arguments import flag_of, length_of, made_discreetly, several, word_of
from extcal.values import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from dataclasses import KW_ONLY

    from extcal.choices import AllDay, Unanswered, WorkingElsewhere

__all__ = ["DETAILS", "BusyPolicy", "Rule"]

DETAILS = ("events", "busy")
"""What ``detail`` may be; as a type, :data:`extcal.Detail`."""

_OUTCOMES = ("FREE", "WORKING-ELSEWHERE", "BUSY-TENTATIVE", "BUSY", "BUSY-UNAVAILABLE")
_MOST_RULES = 100
_LONGEST_TEXT = 200
_TEXTS = ("title", "title_prefix", "title_suffix", "title_word", "category", "status")


@made_discreetly
@dataclass(frozen=True, slots=True)
class Rule:
    """What certain events count as; part of a :class:`BusyPolicy`.

    ``outcome``: an FBTYPE as text or as an ``FBType``: ``"FREE"``, ``"WORKING-ELSEWHERE"``,
    ``"BUSY-TENTATIVE"``, ``"BUSY"`` or ``"BUSY-UNAVAILABLE"``.

    The rule is about the events that meet *all* of its conditions; without any it is about every
    event. Texts have 1 to 200 characters and are compared in any case of letters, of every script;
    several blanks in a row count as one.

    ``title``: the whole title (SUMMARY). ``title_prefix``, ``title_suffix``: how it begins, how it
    ends. ``title_word``: a word in it, or several in a row; ``"art"`` is not in ``"Start"``.
    Scripts without blanks between words, such as Chinese, match anywhere in the title.
    ``category``: one of the event's CATEGORIES (RFC 5545 section 3.8.1.2).
    ``all_day``: whether it lasts whole days.
    ``longer_than``, ``shorter_than``: timedeltas; an event of exactly that length is neither. The
    length is that of the whole event, not of its part in a window; a day counts as 24 hours.
    ``private``: whether its CLASS is anything but PUBLIC.
    ``status``: its STATUS, such as ``"TENTATIVE"``; an event without one is ``"CONFIRMED"``.
    ``organizer_is_owner``: whether its ORGANIZER is an ``owner`` of the feed. An event without
    ORGANIZER is the owner's own.

    If it is not certain whether an event meets a condition (a title that is written twice with
    different texts, a length that cannot be read, an ORGANIZER in a feed without ``owner``), the
    event counts as the stronger of both possibilities.

    Raises ``TypeError`` for values of the wrong kind, and ``ValueError`` for an outcome that is
    none, or a text that is empty or too long.
    """

    outcome: str
    _: KW_ONLY
    title: str | None = None
    title_prefix: str | None = None
    title_suffix: str | None = None
    title_word: str | None = None
    category: str | None = None
    all_day: bool | None = None
    longer_than: timedelta | None = None
    shorter_than: timedelta | None = None
    private: bool | None = None
    status: str | None = None
    organizer_is_owner: bool | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "outcome", word_of("outcome", str(self.outcome), _OUTCOMES))
        for name in _TEXTS:
            _check_text(name, getattr(self, name))
        for name in ("all_day", "private", "organizer_is_owner"):
            if getattr(self, name) is not None:
                flag_of(name, getattr(self, name))
        for name in ("longer_than", "shorter_than"):
            if getattr(self, name) is not None:
                length_of(name, getattr(self, name))

    def conditions(self) -> dict[str, str | bool | timedelta]:
        """The conditions that are set, by name."""
        named = ((name, getattr(self, name)) for name in _CONDITIONS)
        return {name: value for name, value in named if value is not None}

    def __repr__(self) -> str:
        said = [repr(self.outcome)]
        said += [f"{name}={value!r}" for name, value in self.conditions().items()]
        return f"Rule({', '.join(said)})"


def _check_text(name: str, text: str | None) -> None:
    if text is None:
        return
    if not isinstance(text, str):
        raise TypeError(f"{name} takes text, not {type(text).__name__}")
    if not text.strip():
        raise ValueError(f"{name} is empty: leave it out to match every event")
    if len(text) > _LONGEST_TEXT:
        raise ValueError(
            f"{name} has {len(text)} characters; a rule takes up to {_LONGEST_TEXT} of them"
        )


_CONDITIONS = tuple(name for name in Rule.__annotations__ if name not in ("outcome", "_"))


@made_discreetly
@loads_earlier_pickles
@dataclass(frozen=True, slots=True, kw_only=True)
class BusyPolicy:
    """How the events of one feed count.

    ``all_day``: all-day events count ``"as-marked"`` by the feed (default), always ``"busy"`` (a
    holiday calendar that should block) or always ``"free"`` (birthdays, bin collection).
    ``unanswered``: an invitation the owner has not answered is ``"tentative"`` (default),
    ``"busy"`` or ``"free"``; it is used only if the feed's ``owner`` is given.
    ``working_elsewhere``: Microsoft's WORKINGELSEWHERE is its own, non-blocking type
    (``"as-marked"``, default), or ``"busy"``, or ``"free"``.
    ``rules``: up to 100 :class:`Rule`; the first one that is about an event decides, before all of
    the above and whatever the event is marked as. Cancelled and declined events stay absent.
    """

    all_day: AllDay = "as-marked"
    unanswered: Unanswered = "tentative"
    working_elsewhere: WorkingElsewhere = "as-marked"
    rules: tuple[Rule, ...] = ()

    def __post_init__(self) -> None:
        word_of("all_day", self.all_day, ("as-marked", "busy", "free"))
        word_of("unanswered", self.unanswered, ("tentative", "busy", "free"))
        word_of("working_elsewhere", self.working_elsewhere, ("as-marked", "busy", "free"))
        object.__setattr__(self, "rules", _rules(self.rules))


def _rules(rules: Iterable[Rule]) -> tuple[Rule, ...]:
    found = several("rules", rules, "several Rule, in a tuple")
    for rule in found:
        if not isinstance(rule, Rule):
            raise TypeError(f"rules takes several Rule, not {type(rule).__name__}")
    if len(found) > _MOST_RULES:
        raise ValueError(f"rules has {len(found)} rules; a policy takes up to {_MOST_RULES}")
    return found
