"""extcal.messages holds every sentence meant for a person, and nothing that nobody says."""

from __future__ import annotations

import ast
import string
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import pytest

from extcal.fetch import FAILURE_KINDS
from extcal.messages import kind_of
from extcal.messages.addresses import REFUSALS, WHERE_TO_FIND
from extcal.messages.answers import HINTS
from extcal.messages.pictures import TEXTS
from extcal.messages.problems import PROBLEMS, UNKNOWN
from extcal.messages.unavailable import REASONS

SOURCE = Path(__file__).resolve().parents[2] / "src" / "extcal"
MESSAGES = SOURCE / "messages"
# What is called with words for a person. Its arguments hold no words of their own.
SPEAKERS = frozenset(
    "Failed FeedUrlError LimitExceeded NotACalendar OutsideHorizon Problem Refusal Unavailable"
    " _tell cut exceeded noted problem report tell tell_odd unreadable".split()
)
# The command line is a program of its own, with words of its own.
ELSEWHERE = ("cli/", "messages/")
# What is called with a key, and the table in which it is looked up.
TABLES: Mapping[str, Mapping[str, object]] = {
    "Refusal.of": REFUSALS,
    "failed": HINTS,
    "problem_of": PROBLEMS,
    "oddity": PROBLEMS,
    "said": TEXTS,
    "unknown": UNKNOWN,
}
# Arguments of these calls that are no parameters of the sentence.
NOT_SAID = frozenset({"provider", "retry_after"})


@cache
def _all_calls() -> Mapping[str, list[tuple[str, ast.Call]]]:
    found: dict[str, list[tuple[str, ast.Call]]] = {}
    for path in sorted(SOURCE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call):
                place = f"{path.relative_to(SOURCE).as_posix()}:{node.lineno}"
                for name in _names(node.func):
                    found.setdefault(name, []).append((place, node))
    return found


def calls(name: str) -> list[tuple[str, ast.Call]]:
    """Every call of ``name``, with the place where it stands."""
    return _all_calls().get(name, [])


def _names(function: ast.expr) -> set[str]:
    if isinstance(function, ast.Name):
        return {function.id}
    if isinstance(function, ast.Attribute):
        return {function.attr, *(f"{owner}.{function.attr}" for owner in _names(function.value))}
    return set()


@cache
def _literals() -> frozenset[str]:
    """Every text that stands in the source outside of the messages."""
    return frozenset(
        node.value
        for path in SOURCE.rglob("*.py")
        if path.parent != MESSAGES
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    )


def keys_of(node: ast.expr) -> set[str]:
    """The keys that an argument can be; "a" and "b" of ``"a" if x else "b"``."""
    if isinstance(node, ast.IfExp):
        return keys_of(node.body) | keys_of(node.orelse)
    return {node.value} if isinstance(node, ast.Constant) and isinstance(node.value, str) else set()


def fields_of(entry: object) -> set[str]:
    """The parameters that the sentences of an entry name."""
    sentences = (entry,) if isinstance(entry, str) else entry
    assert isinstance(sentences, tuple)
    return {
        field
        for sentence in sentences
        for _, field, _, _ in string.Formatter().parse(sentence or "")
        if field
    }


def test_no_sentence_stands_elsewhere() -> None:
    """A literal with a blank in it is a sentence, and belongs to extcal.messages."""
    found = [one for speaker in SPEAKERS for one in calls(speaker)]
    assert found
    elsewhere = [
        place
        for place, call in found
        if not place.startswith(ELSEWHERE)
        for argument in (*call.args, *(keyword.value for keyword in call.keywords))
        for node in ast.walk(argument)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value
    ]
    assert elsewhere == []


@pytest.mark.parametrize("function", sorted(TABLES))
def test_every_key_is_said_with_the_parameters_of_its_sentence(function: str) -> None:
    """No key is missing from its table, none in it is never said, no parameter is misspelled."""
    table, said = TABLES[function], set()
    for place, call in calls(function):
        keys = keys_of(call.args[0])
        given = {keyword.arg for keyword in call.keywords} - NOT_SAID
        for key in keys:
            assert key in table, f"{place}: {key}"
            assert given == fields_of(table[key]), f"{place}: {key}"
        said |= keys
    # A key may also be chosen from a table of the room that says it.
    assert set(table) - said <= _literals()


@pytest.mark.parametrize("path", sorted(MESSAGES.glob("*.py")), ids=lambda path: path.stem)
def test_messages_import_nothing_of_extcal(path: Path) -> None:
    """They are the ground: a catalogue in another language needs nothing else."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom):
            assert not (node.module or "").startswith("extcal") or (node.module or "").startswith(
                "extcal.messages"
            )
        if isinstance(node, ast.Import):
            assert not any(alias.name.startswith("extcal") for alias in node.names)


def test_the_kind_is_the_part_before_the_slash() -> None:
    """The part behind it only tells the sentences of one kind apart."""
    assert kind_of("scheme/file") == kind_of("scheme") == "scheme"


def test_every_provider_whose_pages_are_refused_has_a_place_to_look() -> None:
    """Advice that names no place is no advice; None is for all the others."""
    assert {None, "google", "outlook", "icloud", "nextcloud", "proton"} <= set(WHERE_TO_FIND)
    assert all(sentence.endswith(".") for sentence in WHERE_TO_FIND.values())


def test_every_kind_of_failure_has_a_reason_and_advice() -> None:
    """A fetcher's kinds are a closed list; those of a host's own fetcher have words in common."""
    assert set(REASONS) >= FAILURE_KINDS
    assert {kind_of(key) for key in HINTS} <= FAILURE_KINDS
    assert all(advice.endswith(".") for _, advice in REASONS.values())
