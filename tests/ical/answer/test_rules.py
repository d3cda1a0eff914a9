"""``BusyPolicy(rules=...)``: which events count, decided by the host's user.

The first rule whose conditions all hold decides, after CANCELLED and declined.
"""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

import extcal
from extcal import BusyPolicy, FBType, Feed, Rule
from extcal.ical.shortcuts import select
from extcal.testing import event, feed_text
from extcal.testing.strategies import feeds

START = datetime(2027, 1, 4, tzinfo=UTC)
END = START + timedelta(days=90)
HOUR = timedelta(hours=1)
ME = "ada@example.org"


def judged(text: str, *rules: Rule, **options: object) -> list[tuple[FBType, str]]:
    """Type and reason of all events; the short way, the long way and "busy" give the same."""
    policy = BusyPolicy(rules=rules)
    ways = [
        extcal.expand(text, START, END, policy=policy, sieve=sieve, detail=detail, **options)  # type: ignore[arg-type]
        for sieve in (True, False)
        for detail in ("events", "busy")
    ]
    for found in ways:
        busy = extcal.free_busy(text, START, END, policy=policy, **options)  # type: ignore[arg-type]
        assert found.free_busy == ways[0].free_busy == busy
        assert found.problems == ways[0].problems
    first, *others = [[(one.fbtype, one.reason) for one in found.events] for found in ways]
    assert all(other == first for other in others)
    return first


def one(rule: Rule, *lines: str, title: str | None = None, **options: object) -> FBType:
    """What one timed event of an hour counts as under one rule."""
    body = feed_text(event("2027-01-05T09:00Z", "PT1H", summary=title, extra=lines))
    ((fbtype, _),) = judged(body, rule, **options)
    return fbtype


# --- titles ---------------------------------------------------------------------------------------

MATCH = [
    ("title", "Not available", "not AVAILABLE", True),
    ("title", "Not available", "Airbnb (Not available)", False),
    ("title", "not  available", "Not available", True),
    ("title", "STRASSE", "Straße", True),
    ("title", "ΣΊΣΥΦΟΣ", "σίσυφος", True),
    ("title", "дом", "ДОМ", True),
    ("title", "Istanbul", "İSTANBUL", True),
    ("title", "IŞIK", "ışık", True),
    ("title", "Caf\u00e9", "CAFE\u0301", True),
    ("title", "Cafe", "Caf\u00e9", False),
    ("title", "💍", "💍", True),
    ("title_prefix", "birthday:", "Birthday: Ada", True),
    ("title_prefix", "birthday", "Ada's birthday", False),
    ("title_suffix", "'S BIRTHDAY", "Ada's birthday", True),
    ("title_suffix", "birthday", "Birthday of Ada", False),
    ("title_word", "art", "Start", False),
    ("title_word", "art", "Art, and more", True),
    ("title_word", "art", "start of ART", True),
    ("title_word", "art", "art2", False),
    ("title_word", "art", "state-of-the-art", True),
    ("title_word", "commute to work", "Commute to Work (train)", True),
    ("title_word", "cafe", "cafe\u0301s", False),
    ("title_word", "会議", "定例会議室", True),
    ("title_word", "(tentative)", "Lunch(tentative)", True),
    ("title_word", "x", "", False),
]


@pytest.mark.parametrize(("field", "text", "title", "matches"), MATCH)
def test_a_title_matches_in_any_case_of_every_script(
    field: str, text: str, title: str, matches: bool
) -> None:
    rule = Rule("FREE", **{field: text})  # type: ignore[arg-type]
    assert (one(rule, title=title) == FBType.FREE) is matches


def test_a_title_is_matched_as_text_never_as_a_pattern() -> None:
    assert one(Rule("FREE", title_word="a.*"), title="abc") == FBType.BUSY
    assert one(Rule("FREE", title="a.*"), title="A.*") == FBType.FREE


def test_of_two_titles_nobody_knows_which_one_counts() -> None:
    """A property that stands twice is read as the one that blocks."""
    twice = ("SUMMARY:Commute", "SUMMARY:Talk")
    assert one(Rule("FREE", title="commute"), *twice) == FBType.BUSY
    assert one(Rule("BUSY", title="commute"), *twice, "TRANSP:TRANSPARENT") == FBType.BUSY
    assert one(Rule("FREE", title="talk"), "SUMMARY:Talk", "SUMMARY:talk") == FBType.FREE


def test_the_title_of_a_private_event_is_matched_and_stays_unseen() -> None:
    body = feed_text(
        event("2027-01-05T09:00Z", "PT1H", summary="Therapy", extra="CLASS:CONFIDENTIAL")
    )
    policy = BusyPolicy(rules=[Rule("BUSY-UNAVAILABLE", title="therapy")])
    (found,) = extcal.expand(body, START, END, policy=policy).events
    assert found.fbtype == FBType.BUSY_UNAVAILABLE
    assert found.summary is None
    assert "herapy" not in found.reason


# --- the other conditions -------------------------------------------------------------------------

CATEGORIES = [
    (("CATEGORIES:Work,Travel",), True),
    (("CATEGORIES:work", "CATEGORIES:TRAVEL"), True),
    (("CATEGORIES;LANGUAGE=en: travel ",), True),
    (("CATEGORIES:Travel\\, private",), False),
    (("CATEGORIES:C:\\\\,Travel",), True),
    (("CATEGORIES:Traveling",), False),
    ((), False),
]


@pytest.mark.parametrize(("lines", "matches"), CATEGORIES)
def test_3_8_1_2_categories(lines: Sequence[str], matches: bool) -> None:
    """Several lines, several texts a line, commas in a text escaped."""
    assert (one(Rule("FREE", category="Travel"), *lines) == FBType.FREE) is matches
    if "\\, " in "".join(lines):
        assert one(Rule("FREE", category="travel, Private"), *lines) == FBType.FREE


def test_the_length_is_that_of_the_whole_event() -> None:
    """Exactly as long is neither longer nor shorter; a part outside the window counts."""
    for rule, fbtype in (
        (Rule("FREE", longer_than=HOUR), FBType.BUSY),
        (Rule("FREE", shorter_than=HOUR), FBType.BUSY),
        (Rule("FREE", longer_than=HOUR - timedelta(seconds=1)), FBType.FREE),
        (Rule("FREE", shorter_than=HOUR + timedelta(seconds=1)), FBType.FREE),
    ):
        assert one(rule) == fbtype
    around = feed_text(event("2027-01-01T00:00Z", "P4D"))
    assert judged(around, Rule("FREE", longer_than=timedelta(days=3)))[0][0] == FBType.FREE


def test_the_length_of_a_series_does_not_change_with_the_clocks() -> None:
    """A night shift of eight hours is one in the night of 28 March, too."""
    body = feed_text(
        event("2027-03-25T22:00", "PT8H", tz="Europe/Berlin", rrule="FREQ=DAILY;COUNT=6")
    )
    found = judged(body, Rule("FREE", shorter_than=timedelta(hours=8)))
    assert {fbtype for fbtype, _ in found} == {FBType.BUSY}


def test_a_length_that_cannot_be_read_counts_as_the_stronger() -> None:
    body = feed_text(event("2027-01-05T09:00Z", "PT1H")).replace("DURATION:PT1H", "DTEND:soon")
    for rule in (Rule("FREE", longer_than=HOUR), Rule("FREE", shorter_than=HOUR)):
        assert {fbtype for fbtype, _ in judged(body, rule)} == {FBType.BUSY}
    away = Rule("BUSY-UNAVAILABLE", longer_than=HOUR)
    assert {fbtype for fbtype, _ in judged(body, away)} == {FBType.BUSY_UNAVAILABLE}


@pytest.mark.parametrize("wanted", [True, False])
def test_all_day_and_private(wanted: bool) -> None:
    body = feed_text(
        event("2027-01-05", uid="a", extra="CLASS:PRIVATE"), event("2027-01-06T09:00Z", uid="b")
    )
    expected = [FBType.FREE, FBType.BUSY] if wanted else [FBType.BUSY, FBType.FREE]
    for rule in (Rule("FREE", all_day=wanted), Rule("FREE", private=wanted)):
        assert [fbtype for fbtype, _ in judged(body, rule)] == expected


def test_status() -> None:
    assert one(Rule("FREE", status="tentative"), "STATUS:TENTATIVE") == FBType.FREE
    assert one(Rule("FREE", status="TENTATIVE")) == FBType.BUSY
    assert one(Rule("FREE", status="CONFIRMED")) == FBType.FREE


def test_whether_the_organizer_is_the_owner() -> None:
    """By address or EMAIL; without ORGANIZER it is the owner's; without ``owner`` it is unknown."""
    mine = f"ORGANIZER;CN=Ada:MAILTO:{ME.upper()}"
    named = f"ORGANIZER;EMAIL={ME}:urn:uuid:1"
    theirs = "ORGANIZER:mailto:bob@example.org"
    own, other = Rule("FREE", organizer_is_owner=True), Rule("FREE", organizer_is_owner=False)
    for line in (mine, named):
        assert one(own, line, owner=ME) == FBType.FREE
        assert one(other, line, owner=ME) == FBType.BUSY
    assert one(own, theirs, owner=ME) == FBType.BUSY
    assert one(other, theirs, owner=ME) == FBType.FREE
    assert one(own) == one(own, owner=ME) == FBType.FREE
    assert one(other) == FBType.BUSY
    for rule in (own, other):
        assert one(rule, theirs) == one(rule, mine, theirs, owner=ME) == FBType.BUSY


# --- which rule decides ---------------------------------------------------------------------------


def test_the_first_match_decides_and_explain_names_it() -> None:
    body = feed_text(
        event("2027-01-05T09:00Z", "PT1H", uid="a", summary="Focus", extra="CATEGORIES:Work"),
        event("2027-01-05T11:00Z", "PT1H", uid="b", summary="Lunch"),
    )
    policy = BusyPolicy(
        rules=(
            Rule("FREE", title="nothing"),
            Rule("BUSY-TENTATIVE", title="focus"),
            Rule("BUSY-UNAVAILABLE", category="work"),
        )
    )
    found = extcal.expand(body, START, END, policy=policy)
    focus, lunch = found.explain(START, END)
    assert (focus.reason, focus.fbtype) == (
        "BusyPolicy.rules[1]:BUSY-TENTATIVE",
        FBType.BUSY_TENTATIVE,
    )
    assert lunch.reason == "default"


def test_all_conditions_of_a_rule_hold_together_and_none_means_every_event() -> None:
    body = feed_text(
        event("2027-01-05", uid="a", summary="Trip"),
        event("2027-01-06T09:00Z", uid="b", summary="Trip"),
        event("2027-01-07T09:00Z", uid="c", summary="Work"),
    )
    rules = (Rule("WORKING-ELSEWHERE", title="trip", all_day=True), Rule("FREE"))
    assert [fbtype for fbtype, _ in judged(body, *rules)] == [
        FBType.WORKING_ELSEWHERE,
        FBType.FREE,
        FBType.FREE,
    ]


@pytest.mark.parametrize(
    "lines",
    [("STATUS:CANCELLED",), (f"ATTENDEE;PARTSTAT=DECLINED:mailto:{ME}",)],
    ids=["cancelled", "declined"],
)
def test_cancelled_and_declined_events_stay_absent(lines: Sequence[str]) -> None:
    body = feed_text(event("2027-01-05T09:00Z", extra=lines))
    assert judged(body, Rule("BUSY"), owner=ME) == []


@pytest.mark.parametrize("line", ["TRANSP:TRANSPARENT", "X-MICROSOFT-CDO-BUSYSTATUS:FREE"])
def test_a_rule_decides_before_the_marks_and_before_the_rest_of_the_policy(line: str) -> None:
    body = feed_text(event("2027-01-05", extra=line, summary="Not available"))
    policy = BusyPolicy(all_day="free", rules=[Rule("BUSY", title="not available")])
    assert extcal.free_busy(body, START, END, policy=policy).periods[0].fbtype == FBType.BUSY


def test_an_override_is_matched_by_its_own_title() -> None:
    body = feed_text(
        event("2027-01-05T09:00Z", "PT1H", uid="a", summary="Hold", rrule="FREQ=DAILY;COUNT=3"),
        event(
            "2027-01-06T10:00Z", "PT1H", uid="a", summary="Visit", recurrence_id="2027-01-06T09:00Z"
        ),
    )
    assert [fbtype for fbtype, _ in judged(body, Rule("FREE", title="hold"))] == [
        FBType.FREE,
        FBType.BUSY,
        FBType.FREE,
    ]


def test_unknown_time_stays_unknown() -> None:
    """What could not be read might not match the rule."""
    body = feed_text(
        event("2027-01-05T09:00Z", "PT1H", summary="Hold", rrule="FREQ=DAILY;BYDAY=XX")
    )
    plain = extcal.free_busy(body, START, END)
    ruled = extcal.free_busy(body, START, END, policy=BusyPolicy(rules=[Rule("FREE")]))
    assert plain.unknown == ruled.unknown != ()
    assert not ruled.periods


def test_a_title_beyond_the_limit_is_not_judged_by_its_beginning() -> None:
    body = feed_text(event("2027-01-05T09:00Z", "PT1H", summary="Hold " + "x" * 200 + " not"))
    short = extcal.Limits(max_line_bytes=100)
    policy = BusyPolicy(rules=[Rule("FREE", title_prefix="hold")])
    for sieve in (True, False):
        found = extcal.expand(body, START, END, policy=policy, limits=short, sieve=sieve)
        assert not found.complete
    assert extcal.expand(body, START, END, limits=short).complete


def test_of_a_very_long_title_the_middle_is_not_read() -> None:
    """What may stand there counts as the stronger."""
    title = "hold " + "x" * 9000 + " end"
    assert one(Rule("FREE", title_prefix="HOLD"), title=title) == FBType.FREE
    assert one(Rule("FREE", title_suffix="END"), title=title) == FBType.FREE
    assert one(Rule("FREE", title_word="middle"), title=title) == FBType.BUSY
    assert (
        one(Rule("BUSY-UNAVAILABLE", title_word="middle"), title=title) == FBType.BUSY_UNAVAILABLE
    )


_rules = st.builds(
    Rule,
    st.sampled_from(["FREE", "WORKING-ELSEWHERE", "BUSY-TENTATIVE", "BUSY", "BUSY-UNAVAILABLE"]),
    title_word=st.sampled_from([None, "planning", "a"]),
    category=st.sampled_from([None, "work"]),
    all_day=st.sampled_from([None, True, False]),
    longer_than=st.sampled_from([None, HOUR]),
    status=st.sampled_from([None, "TENTATIVE", "CONFIRMED"]),
    organizer_is_owner=st.sampled_from([None, True]),
)


@given(feeds(odd=True), st.lists(_rules, max_size=3))
def test_the_shortcuts_are_invisible_under_rules(body: bytes, rules: list[Rule]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(select, "WORTHWHILE", 0)
        policy = BusyPolicy(rules=rules)
        short, long = (
            extcal.expand(body, START, END, policy=policy, owner=ME, sieve=sieve)
            for sieve in (True, False)
        )
        busy = extcal.free_busy(body, START, END, policy=policy, owner=ME)
    assert (short.events, short.free_busy, short.complete) == (
        long.events,
        long.free_busy,
        long.complete,
    )
    assert busy == short.free_busy


# --- the value ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"outcome": "MAYBE"}, ValueError),
        ({"outcome": "free"}, ValueError),
        ({"title": "x" * 201}, ValueError),
        ({"title_word": " "}, ValueError),
        ({"category": 3}, TypeError),
        ({"all_day": 1}, TypeError),
        ({"longer_than": 60}, TypeError),
        ({"shorter_than": -HOUR}, ValueError),
    ],
)
def test_a_rule_takes_its_bounds(options: dict[str, object], error: type[Exception]) -> None:
    with pytest.raises(error):
        Rule(**{"outcome": "FREE", **options})  # type: ignore[arg-type]


def test_a_policy_takes_a_hundred_rules() -> None:
    assert len(BusyPolicy(rules=[Rule("FREE", title="x" * 200)] * 100).rules) == 100
    with pytest.raises(ValueError, match="up to 100"):
        BusyPolicy(rules=[Rule("FREE")] * 101)
    with pytest.raises(TypeError):
        BusyPolicy(rules=Rule("FREE"))  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        BusyPolicy(rules=["FREE"])  # type: ignore[list-item]


def test_a_policy_is_a_value() -> None:
    rules = [Rule(str(FBType.FREE), title="a", longer_than=HOUR)]
    policy = BusyPolicy(rules=rules)
    assert policy == BusyPolicy(rules=(Rule("FREE", title="a", longer_than=HOUR),))
    assert pickle.loads(pickle.dumps(policy)) == policy
    assert hash(policy) == hash(BusyPolicy(rules=tuple(rules)))
    assert repr(rules[0]) == "Rule('FREE', title='a', longer_than=datetime.timedelta(seconds=3600))"


def test_rules_are_part_of_the_identity_of_a_feed_and_no_rules_change_nothing() -> None:
    """Readings that were stored before there were rules keep their key."""
    url = "https://calendar.example.org/a.ics"
    plain = Feed(url, policy=BusyPolicy(all_day="free")).identity()
    assert plain.endswith(
        b'[null,[],[["all_day","free"],["unanswered","tentative"],'
        b'["working_elsewhere","as-marked"]],"events",null]'
    )
    policies = [
        BusyPolicy(all_day="free"),
        BusyPolicy(all_day="free", rules=[Rule("FREE")]),
        BusyPolicy(all_day="free", rules=[Rule("BUSY")]),
        BusyPolicy(all_day="free", rules=[Rule("FREE", title="a"), Rule("BUSY")]),
        BusyPolicy(all_day="free", rules=[Rule("BUSY"), Rule("FREE", title="a")]),
        BusyPolicy(all_day="free", rules=[Rule("FREE", title_word="a")]),
        BusyPolicy(all_day="free", rules=[Rule("FREE", longer_than=HOUR)]),
        BusyPolicy(all_day="free", rules=[Rule("FREE", longer_than=2 * HOUR)]),
    ]
    assert len({Feed(url, policy=policy).identity() for policy in policies}) == len(policies)
