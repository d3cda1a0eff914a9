"""The pytest plugin, as a host's test run meets it: installed, found, cheap, in nobody's way."""

from __future__ import annotations

from importlib.metadata import entry_points

import pytest

pytest_plugins = ["pytester"]


@pytest.fixture
def run(pytester: pytest.Pytester) -> pytest.Pytester:
    """A project of its own, with warnings as errors."""
    (plugin,) = [found for found in entry_points(group="pytest11") if found.name == "extcal"]
    assert plugin.value == "extcal.testing.plugin"
    pytester.makeini("[pytest]\nfilterwarnings = error\naddopts = -p no:cacheprovider\n")
    return pytester


def test_the_fixtures_work_together(run: pytest.Pytester) -> None:
    """One clock, one fetcher, one cache; the 30 minutes are one line."""
    run.makepyfile(
        """
        from datetime import timedelta

        import extcal
        from extcal.testing import event, feed_text

        URL = "https://example.org/ada.ics"

        def test_half_an_hour(extcal_clock, extcal_feeds, extcal_cache):
            extcal_feeds.set(URL, feed_text(event("2027-01-04T09:00Z", "PT1H")))
            assert extcal_cache.get(URL).free_busy.periods
            extcal_clock.advance(timedelta(minutes=30))
            extcal_cache.get(URL)
            assert extcal_feeds.count(URL) == 1
            extcal_clock.advance(timedelta(seconds=1))
            assert extcal_cache.get(URL).state is extcal.State.FRESH
            assert extcal_feeds.count(URL) == 2

        def test_nothing_is_left_of_the_test_before(extcal_clock, extcal_feeds, extcal_cache):
            assert extcal_clock().hour == 8
            assert extcal_feeds.count() == 0
            assert extcal_cache.last_refreshed(URL) is None
        """
    )
    run.runpytest_inprocess().assert_outcomes(passed=2)


def test_the_server_is_real_and_ends_with_its_test(run: pytest.Pytester) -> None:
    run.makepyfile(
        """
        import threading

        import extcal
        import pytest

        def test_a_feed_over_http(extcal_server):
            address = extcal_server.serve("a.ics", "BEGIN:VCALENDAR\\r\\nEND:VCALENDAR\\r\\n")
            fetcher = extcal.HttpFetcher(allow_networks=extcal_server.networks)
            calendars = extcal.CalendarCache(fetcher=fetcher)
            assert calendars.get(address).free_busy.periods == ()
            extcal_server.fail("b.ics", "sign-in page")
            with pytest.raises(extcal.Unavailable):
                calendars.get(extcal_server.url("b.ics"))

        def test_nothing_runs_any_more():
            assert not [one for one in threading.enumerate() if "serve_forever" in one.name]
        """
    )
    run.runpytest_subprocess().assert_outcomes(passed=2)


def test_unused_it_costs_next_to_nothing(run: pytest.Pytester) -> None:
    """Neither a room of extcal nor a library it stands on is imported before a fixture is used."""
    run.makepyfile(
        """
        import sys

        HEAVY = {"dateutil", "h11", "hypothesis", "icalendar"}

        def test_what_is_loaded():
            ours = {name for name in sys.modules if name.partition(".")[0] == "extcal"}
            ours -= {"extcal._former_modules", "extcal.lazy"}
            assert ours <= {"extcal", "extcal.testing", "extcal.testing.plugin"}
            assert not HEAVY & sys.modules.keys()

        def test_a_clock_is_a_clock_and_nothing_more(extcal_clock):
            assert "extcal.cache" not in sys.modules
            assert "extcal.fetch" not in sys.modules
        """
    )
    run.runpytest_subprocess("-p", "no:hypothesispytest", "-p", "no:anyio").assert_outcomes(
        passed=2
    )


def test_a_host_may_have_fixtures_of_any_other_name_and_override_ours(run: pytest.Pytester) -> None:
    run.makeconftest(
        """
        import pytest
        from extcal.testing import ManualClock

        @pytest.fixture
        def clock():
            return "the host's own"

        @pytest.fixture
        def extcal_clock():
            return ManualClock("2030-06-01T12:00Z")
        """
    )
    run.makepyfile(
        """
        def test_both(clock, extcal_clock, extcal_cache):
            assert clock == "the host's own"
            assert extcal_clock().year == 2030
        """
    )
    run.runpytest_inprocess("--strict-markers", "--strict-config").assert_outcomes(passed=1)


def test_it_can_be_switched_off(run: pytest.Pytester) -> None:
    run.makepyfile("def test_it(extcal_clock): pass")
    run.runpytest_inprocess("-p", "no:extcal").assert_outcomes(errors=1)


def test_the_fixtures_are_listed_with_what_they_are(run: pytest.Pytester) -> None:
    """``pytest --fixtures`` is where people look."""
    found = run.runpytest_inprocess("--fixtures")
    for name in ("extcal_cache", "extcal_clock", "extcal_feeds", "extcal_server"):
        found.stdout.fnmatch_lines(f"{name} -- *")
