"""extcal.messages in other languages: a host's catalogue, and German, which is complete."""

from __future__ import annotations

import pickle
from dataclasses import replace
from datetime import UTC, datetime

import pytest

import extcal
from extcal.errors import Problem, problem_of
from extcal.fetch.protocol import FAILURE_KINDS
from extcal.messages import LANGUAGES, Catalogue, catalogue, sentences
from extcal.messages.languages import parameters
from extcal.messages.problems import no_calendar
from extcal.messages.unavailable import one_not_read, outside_horizon, unavailable

ENGLISH = sentences()
GERMAN = catalogue("de")


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_language_that_comes_with_extcal_is_complete(language: str) -> None:
    """Whoever adds a sentence to extcal.messages adds it to each language, de.py too."""
    assert catalogue(language).missing == ()


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_parameter_is_said(language: str) -> None:
    """A translation that lost the name of a zone or a number tells less than the original."""
    spoken = catalogue(language)
    for key, text in ENGLISH.items():
        assert parameters(spoken._texts[key]) == parameters(text), key


@pytest.mark.parametrize("language", LANGUAGES)
def test_one_english_sentence_has_one_translation(language: str) -> None:
    """Texts are translated by what they say, wherever they come from."""
    said: dict[str, str] = {}
    spoken = catalogue(language)
    for key, text in ENGLISH.items():
        if not key.startswith(("picture.", "type.", "weekday.", "month.")):
            assert said.setdefault(text, spoken._texts[key]) == spoken._texts[key], key


VALUES = {"most": 10_000, "length": 4096, "count": 3, "first": 1900, "last": 2200}


def test_a_problem_is_translated_with_its_parameters() -> None:
    """As it was stored: in English, with what the feed said put in."""
    keys = [k for k in ENGLISH if k.startswith("problem.") and not k.endswith(".action")]
    assert len(keys) > 100
    for key in keys:
        action = f"{key}.action"
        named = {*parameters(ENGLISH[key]), *parameters(ENGLISH[action])}
        values = {each: VALUES.get(each, f"<{each}>") for each in named}
        problem = problem_of(key.removeprefix("problem."), **values)
        translated = GERMAN.of(problem)
        assert translated.message == GERMAN.text(key, **values), key
        assert translated.action == GERMAN.text(action, **values), key
        restored = replace(translated, message=problem.message, action=problem.action)
        assert restored == problem, key


@pytest.mark.parametrize("kind", sorted(FAILURE_KINDS))
def test_an_error_stays_what_it_is(kind: str) -> None:
    message, advice = unavailable(kind)
    hint = ENGLISH["hint.html/outlook"]
    error = extcal.Unavailable(message, kind=kind, advice=f"{hint} {advice}")
    translated = GERMAN.of(error)
    assert type(translated) is extcal.Unavailable
    assert translated.kind == kind
    assert translated.message.startswith("Der Kalender ist nicht verfügbar: ")
    assert GERMAN.text("hint.html/outlook") in str(translated.advice)
    assert not {"the ", "The ", "Paste"} & {word + " " for word in str(translated).split()}
    assert pickle.loads(pickle.dumps(translated)).advice == translated.advice
    one = GERMAN.of(one_not_read(kind))
    assert one.startswith("ein Kalender war nicht lesbar: ")


def test_a_refused_address_is_explained_in_german() -> None:
    with pytest.raises(extcal.FeedUrlError) as refused:
        extcal.Feed.from_user_input("https://calendar.google.com/calendar/u/0/r")
    translated = GERMAN.of(refused.value)
    assert isinstance(translated, extcal.FeedUrlError)
    assert translated.kind == refused.value.kind
    assert "Privatadresse im iCal-Format" in str(translated)


def test_other_errors_too() -> None:
    moment = datetime(2027, 1, 4, 8, tzinfo=UTC)
    assert "2027-01-04 08:00" in GERMAN.of(outside_horizon(moment, moment))
    message, looks_like = no_calendar("html")
    translated = GERMAN.of(extcal.NotACalendar(message, looks_like))
    assert translated.looks_like == "eine HTML-Seite"
    assert str(translated) == "darin ist kein VCALENDAR; es sieht aus wie eine HTML-Seite"


@pytest.mark.parametrize(
    "value",
    [
        "Board meeting. The answer is no.",
        "",
        "x" * 5_000,
        "{name}",
        3,
        None,
        ValueError("a developer's"),
    ],
)
def test_what_extcal_did_not_say_is_left_alone(value: object) -> None:
    assert GERMAN.of(value) is value


def test_a_feed_cannot_make_a_translation_slow() -> None:
    """What a feed calls its zone is a parameter, however it looks."""
    for name in ("a " * 1_500, ". " * 1_500, "the VTIMEZONE " * 250, "{}" * 1_500):
        problem = problem_of("tz_assumed", name=name, zone="UTC")
        assert GERMAN.of(problem).message.startswith("keine Zone hat den Namen ")


class TestAHostsOwn:
    def test_what_it_lacks_stays_english(self) -> None:
        french = Catalogue("fr", {"hint.empty": "La réponse est vide."})
        assert french.of("The answer is empty.") == "La réponse est vide."
        assert french.of("The server cannot be reached.") == "The server cannot be reached."
        assert len(french.missing) == len(ENGLISH) - 1
        assert french.text("type.BUSY") == "Busy"

    @pytest.mark.parametrize(
        ("texts", "words"),
        [
            ({"hint.nothing": "x"}, "no sentence 'hint.nothing'"),
            ({"problem.tz_assumed": "{nam}"}, "no parameter nam"),
        ],
    )
    def test_what_does_not_exist_is_refused(self, texts: dict[str, str], words: str) -> None:
        with pytest.raises(ValueError, match=words):
            Catalogue("fr", texts)

    def test_a_sentence_may_leave_a_parameter_out(self) -> None:
        terse = Catalogue("fr", {"problem.tz_assumed": "fuseau inconnu"})
        problem = problem_of("tz_assumed", name="Mars", zone="UTC")
        assert terse.of(problem).message == "fuseau inconnu"


def test_a_language_is_named_by_its_first_part() -> None:
    assert catalogue("de-CH").of("The answer is empty.") == "Die Antwort ist leer."
    assert catalogue("de_AT").language == "de_AT"
    assert catalogue("en-GB").of("The answer is empty.") == "The answer is empty."
    for unknown in ("fr", "", "../de", "languages"):
        with pytest.raises(ValueError, match="bring a Catalogue of your own"):
            catalogue(unknown)


def test_a_problem_without_words_of_extcal_keeps_its_own() -> None:
    own = Problem("custom", "a word of the host's", action="done")
    assert GERMAN.of(own) == own
