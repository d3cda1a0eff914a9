"""The same sentences in another language.

A sentence has an id: its table, its key, and ``.action`` or ``.advice`` for the second of two texts
(``"problem.bad_line"``, ``"problem.bad_line.action"``, ``"reason.timeout.advice"``).
:func:`sentences` lists all of them in English. A :class:`Catalogue` has them in another language,
and translates what extcal has already said: errors, Problems and plain text. What is stored with a
calendar is therefore stored once, and each person reads it in their own language. German comes
with extcal (``catalogue("de")``); a host can bring another.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import is_dataclass, replace
from functools import cached_property
from importlib import import_module
from importlib.util import find_spec
from string import Formatter
from types import MappingProxyType
from typing import Any, Final, TypeVar

from extcal.messages import addresses, answers, pictures, problems, unavailable

__all__ = ["LANGUAGES", "Catalogue", "catalogue", "sentences"]

LANGUAGES: Final = ("de",)
"""The languages that come with extcal, beside English."""

_DRAWN = frozenset({"picture", "type", "weekday", "month"})
_T = TypeVar("_T")

# The texts of Problems quote names of a feed; longer ones than this are left in English.
_LONGEST = 4_000


def _pairs(
    table: str, texts: Mapping[str, tuple[str, str | None]], second: str
) -> Iterator[tuple[str, str]]:
    for key, (first, other) in texts.items():
        yield f"{table}.{key}", first
        if other is not None:
            yield f"{table}.{key}.{second}", other


def _all() -> Iterator[tuple[str, str]]:
    yield from _pairs("problem", problems.PROBLEMS, "action")
    yield from ((f"unknown.{key}", text) for key, text in problems.UNKNOWN.items())
    yield from ((f"seems.{key}", text) for key, text in problems.LOOKS_LIKE.items())
    yield "no-calendar", problems.NO_CALENDAR
    yield "no-calendar/seems", problems.SEEMS
    yield from ((f"hint.{key}", text) for key, text in answers.HINTS.items())
    reasons = {**unavailable.REASONS, "other": unavailable.OTHER}
    yield from _pairs("reason", reasons, "advice")
    yield "unavailable", unavailable.UNAVAILABLE
    yield "unavailable/one", unavailable.ONE_NOT_READ
    yield "outside-horizon", unavailable.OUTSIDE_HORIZON
    yield "served-before", unavailable.SERVED_BEFORE
    yield from _pairs("refusal", addresses.REFUSALS, "advice")
    yield from ((f"where.{key or 'any'}", text) for key, text in addresses.WHERE_TO_FIND.items())
    yield from ((f"picture.{key}", text) for key, text in pictures.TEXTS.items())
    yield from ((f"type.{key}", text) for key, text in pictures.TYPES.items())
    yield from ((f"weekday.{name}", name) for name in pictures.WEEKDAYS)
    yield from ((f"month.{name}", name) for name in pictures.MONTHS)


def sentences() -> Mapping[str, str]:
    """Every sentence in English, by its id: templates of :meth:`str.format`.

    The ids may change with a minor version of extcal; a catalogue that lacks some is still good.
    """
    return MappingProxyType(dict(_all()))


def parameters(template: str) -> frozenset[str]:
    """The names of the parameters in ``template``."""
    return frozenset(name for _, name, _, _ in Formatter().parse(template) if name)


class Catalogue:
    """Sentences in one language.

    ``language``: its tag (BCP 47), such as ``"de"`` or ``"pt-BR"``. ``texts``: by id, templates
    whose parameters are those of the English sentence, or some of them. What is missing stays
    English; :attr:`missing` lists it. Raises ValueError for an id or a parameter that does not
    exist.
    """

    def __init__(self, language: str, texts: Mapping[str, str]) -> None:
        english = sentences()
        for key, text in texts.items():
            if key not in english:
                raise ValueError(f"extcal.messages has no sentence {key!r}")
            strange = parameters(text) - parameters(english[key])
            if strange:
                raise ValueError(f"{key!r} has no parameter {', '.join(sorted(strange))}")
        self.language = language
        self._texts = dict(texts)

    def __repr__(self) -> str:
        return f"<Catalogue {getattr(self, 'language', '?')}>"

    @property
    def missing(self) -> tuple[str, ...]:
        """The ids of the sentences that this catalogue does not have."""
        return tuple(key for key in sentences() if key not in self._texts)

    def text(self, key: str, **values: object) -> str:
        """The sentence ``key`` with its parameters filled in. Raises KeyError for an unknown id."""
        return (self._texts.get(key) or sentences()[key]).format(**values)

    def of(self, value: _T) -> _T:
        """The same error, Problem or text in this language.

        An error stays of its type and keeps its ``kind``; a Problem keeps its ``code``. Anything
        that has no words of extcal is returned as it is.
        """
        found: Any = value
        if isinstance(value, str):
            found = self._translated(value)
        elif isinstance(value, BaseException):
            found = self._of_error(value)
        elif is_dataclass(value) and not isinstance(value, type) and hasattr(value, "action"):
            words = {name: self._translated(getattr(value, name)) for name in ("message", "action")}
            found = replace(value, **words)
        return found  # type: ignore[no-any-return]

    def _of_error(self, error: BaseException) -> BaseException:
        message = getattr(error, "message", None)
        if not isinstance(message, str):
            return error
        made: Any = type(error)
        kind = getattr(error, "kind", None)
        if kind is not None:
            advice = getattr(error, "advice", None)
            return made(  # type: ignore[no-any-return]
                self._translated(message),
                kind=kind,
                advice=advice and self._translated(advice),
            )
        looks_like = getattr(error, "looks_like", None)
        return made(self._translated(message), looks_like and self._translated(looks_like))  # type: ignore[no-any-return]

    def _translated(self, text: str) -> str:
        exact = self._exact.get(text)
        if exact is not None:
            return exact
        if len(text) > _LONGEST:
            return text
        for pattern, template in self._patterns:
            match = pattern.fullmatch(text)
            if match is not None:
                # A parameter can be a sentence of its own: the reason in "... available: {reason}."
                values = {
                    name: self._exact.get(said, said) for name, said in match.groupdict().items()
                }
                return _filled(template, values)
        # Two sentences, one after the other: what an answer seems to be, and advice.
        for place in (match.end() for match in re.finditer(r"[.!?](?= )", text)):
            first = self._exact.get(text[:place])
            if first is not None:
                return f"{first} {self._translated(text[place + 1 :])}"
        return text

    def _spoken(self) -> Iterator[tuple[str, str]]:
        """English and translated templates of what is said; the words of pictures are drawn."""
        english = sentences()
        for key, text in self._texts.items():
            if key.partition(".")[0] not in _DRAWN:
                yield english[key], text

    @cached_property
    def _exact(self) -> dict[str, str]:
        return {english: text for english, text in self._spoken() if not parameters(english)}

    @cached_property
    def _patterns(self) -> list[tuple[re.Pattern[str], str]]:
        """How sentences with parameters look; those with the most letters of their own first."""
        found = [
            (*_pattern(english), text) for english, text in self._spoken() if parameters(english)
        ]
        found.sort(key=lambda each: -each[1])
        return [(pattern, text) for pattern, _, text in found]


def _pattern(template: str) -> tuple[re.Pattern[str], int]:
    """What the filled ``template`` looks like, and how many letters of it are its own."""
    parts, seen, own = [], set(), 0
    for literal, name, _, _ in Formatter().parse(template):
        parts.append(re.escape(literal))
        own += len(literal)
        if name:
            parts.append(f"(?P={name})" if name in seen else f"(?P<{name}>.*?)")
            seen.add(name)
    return re.compile("".join(parts), re.DOTALL), own


def _filled(template: str, values: Mapping[str, str]) -> str:
    """``template`` with ``values``, which have been formatted already."""
    return "".join(
        literal + (values[name] if name else "")
        for literal, name, _, _ in Formatter().parse(template)
    )


def catalogue(language: str) -> Catalogue:
    """The catalogue of ``language``, one of :data:`LANGUAGES`, or of its first part (``"de-CH"``).

    English (``"en"``) is the catalogue that changes nothing. Raises ValueError for another one:
    make a :class:`Catalogue` of your own.
    """
    name = language.replace("_", "-").partition("-")[0].lower()
    if name == "en":
        return Catalogue(language, {})
    if name not in LANGUAGES or find_spec(f"extcal.messages.{name}") is None:
        known = ", ".join(("en", *LANGUAGES))
        raise ValueError(f"extcal speaks {known}, not {language!r}; bring a Catalogue of your own")
    return Catalogue(language, import_module(f"extcal.messages.{name}").TEXTS)
