"""Limits are a host's to set, within reason, and a slip is seen where it is made."""

from __future__ import annotations

import math
import pickle
from dataclasses import asdict

import pytest

from extcal import Feed, FeedUrlError, Limits
from extcal.limits import MAXIMA

SECONDS = {"fetch_deadline", "connect_timeout", "tls_timeout", "idle_timeout"}


def test_the_limits_that_people_were_told() -> None:
    """Each by its value: a digit too many would endanger a host, one too few the largest feeds."""
    mib = 1_048_576
    assert {name: most for name, (most, _) in MAXIMA.items()} == {
        "fetch_deadline": 120, "max_redirects": 10, "max_url_length": 4096,
        "max_wire_bytes": 64 * mib, "max_decoded_bytes": 256 * mib, "max_lines": 8_000_000,
        "max_work": 1_000_000, "max_steps": 1_000_000,
        "max_occurrences_per_series": 1_000_000, "max_occurrences": 1_000_000,
    }  # fmt: skip
    assert Limits() == Limits(
        fetch_deadline=20.0, connect_timeout=5.0, tls_timeout=5.0, idle_timeout=10.0,
        max_redirects=5, max_url_length=4096, max_wire_bytes=32 * mib, max_decoded_bytes=64 * mib,
        max_vevents=200_000, max_line_bytes=mib, max_nesting=8, max_dates_per_series=10_000,
        max_dates=100_000, max_overrides_per_series=5_000, max_overrides=50_000,
        max_versions=2_000, max_timezones=200, max_tzids=2_000, max_observances=500,
        max_transitions=2_000, max_availability=1_000, max_steps=100_000,
        max_occurrences_per_series=5_000, max_occurrences=50_000, max_problems=1_000,
        first_year=1900, last_year=2200, max_lines=2_000_000, max_work=120_000,
    )  # fmt: skip


def test_every_default_is_within_its_maximum() -> None:
    assert MAXIMA.keys() <= asdict(Limits()).keys()
    for name, (most, _) in MAXIMA.items():
        assert getattr(Limits(), name) <= most


@pytest.mark.parametrize("name", MAXIMA)
def test_no_host_can_pass_a_maximum(name: str) -> None:
    """The maximum itself is taken; one more is refused, and the message says the most and why."""
    most, reason = MAXIMA[name]
    assert getattr(Limits(**{name: most}), name) == most  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=name) as raised:
        Limits(**{name: most + 1})  # type: ignore[arg-type]
    assert f"{most:,} at most" in str(raised.value)
    assert reason in str(raised.value)


def test_an_endless_deadline_is_refused() -> None:
    with pytest.raises(ValueError, match="fetch_deadline is 120 at most"):
        Limits(fetch_deadline=math.inf)
    with pytest.raises(ValueError, match="fetch_deadline"):
        Limits(fetch_deadline=math.nan)


@pytest.mark.parametrize("name", asdict(Limits()))
def test_what_is_no_number_of_its_kind_is_refused(name: str) -> None:
    """Counts and sizes are whole; seconds may be parts of one; nothing is negative."""
    wrong: object
    for wrong in ("10", None, True, -1, 1.5):
        if name in SECONDS and wrong == 1.5:
            assert getattr(Limits(**{name: wrong}), name) == wrong  # type: ignore[arg-type]
            continue
        expected = ValueError if wrong == -1 else TypeError
        with pytest.raises(expected, match=name):
            Limits(**{name: wrong})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("years", "fine"),
    [((1, 9000), True), ((5, 5), True), ((0, 5), False), ((5, 9001), False), ((6, 5), False)],
)
def test_years_are_in_order(years: tuple[int, int], fine: bool) -> None:
    first, last = years
    if fine:
        assert Limits(first_year=first, last_year=last).last_year == last
        return
    with pytest.raises(ValueError, match="first_year and last_year"):
        Limits(first_year=first, last_year=last)


def test_a_pickle_of_fewer_fields_has_the_defaults_of_the_others() -> None:
    """One of an earlier version; the values are in the order of the fields."""
    given = Limits(fetch_deadline=7.0, max_work=5)
    assert pickle.loads(pickle.dumps(given)) == given
    earlier = Limits()
    earlier.__setstate__(list(asdict(given).values())[:-1])
    assert earlier == Limits(fetch_deadline=7.0)


def test_the_longest_address_is_what_a_feed_holds() -> None:
    """Why max_url_length cannot be more: no Feed would hold it."""
    most, _ = MAXIMA["max_url_length"]
    start = "https://calendar.example.org/"
    assert len(Feed(start + "a" * (most - len(start))).reveal()) == most
    with pytest.raises(FeedUrlError) as raised:
        Feed(start + "a" * (most + 1 - len(start)))
    assert raised.value.kind == "too-long"
