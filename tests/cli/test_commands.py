"""check, events, slots and show: what they print, and how they end."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from extcal.fetch import Failed, Fetched, Gone, NotModified, Refused
from extcal.testing import FakeFetcher, event, feed_text

Run = Callable[..., Result]

ADDRESS = "https://calendar.google.com/calendar/ical/ada/private-5ec2e7/basic.ics"
BERLIN = ("--timezone", "Europe/Berlin")

HERE = "Times in UTC (this computer's zone; -z names another)."


class TestCheck:
    def test_it_tells_everything_in_lines(self, run: Run) -> None:
        """Provider, size, speed, writer, events, zones, problems and a verdict; no address."""
        body = (
            b"BEGIN:VCALENDAR\r\nPRODID:-//Google Inc//Google Calendar 70.9054//EN\r\n"
            b"BEGIN:VEVENT\r\nUID:1\r\nDTSTART;TZID=W. Europe Standard Time:20270104T090000\r\n"
            b"DURATION:PT1H\r\nRRULE:FREQ=DAILY;COUNT=3\r\nEND:VEVENT\r\n"
            b"BEGIN:VEVENT\r\nUID:2\r\nDTSTART:20270105T090000Z\r\nDTEND:20270105T080000Z\r\n"
            b"END:VEVENT\r\nEND:VCALENDAR\r\n"
        )
        fetcher = FakeFetcher({ADDRESS: Fetched(body, etag='"1"')})
        result = run("check", stdin=ADDRESS, fetcher=fetcher)
        assert result.exit_code == 0, result.output
        lines = {line[:12].strip(): line[12:] for line in result.stdout.splitlines()}
        assert lines["Provider"].startswith("Google Calendar (calendar.google.com, #")
        assert lines["Came"].startswith(f"{len(body)} bytes in ")
        assert lines["Came"].endswith("asks for changes only")
        assert lines["Written by"] == "-//Google Inc//Google Calendar 70.9054//EN"
        assert lines["Events"].startswith("2 in the feed; 4 from Mon 4 Jan 2027 to Sun 4 Apr 2027")
        zone = "W. Europe Standard Time → Europe/Berlin: 1 time, Windows name"
        assert zone in result.stdout
        assert int(lines["Problems"]) >= 1
        assert re.search(r"line \d+: .*end_before_start", result.stdout)
        assert "5ec2e7" not in result.output
        assert fetcher.count() == 1

    def test_it_tells_programs_the_same(self, run: Run) -> None:
        result = run("check", "ada.ics", "bob.ics", "--json", *BERLIN)
        assert result.exit_code == 0, result.output
        ada, bob = json.loads(result.stdout)["calendars"]
        assert (ada["name"], ada["provider"], ada["fetch_seconds"]) == ("ada", None, None)
        assert (ada["vevents"], ada["complete"], ada["empty"]) == (4, True, False)
        assert ada["occurrences"]["BUSY-TENTATIVE"] == 1
        assert {zone["source"] for zone in ada["zones"]} == {"iana", "argument"}
        assert bob["prodids"] == ["Microsoft Exchange Server 2010"]
        (zone,) = bob["zones"]
        assert (zone["tzid"], zone["name"]) == ("W. Europe Standard Time", "Europe/Berlin")

    @pytest.mark.parametrize(
        ("answer", "words"),
        [
            (Refused(404), "paste it once more"),
            (Gone(), "no longer published"),
            (Failed("html", looks_like="The address leads to a sign-in page."), "sign-in page"),
            (NotModified(), "proper HTTP"),
            (Failed("blocked_address"), "--allow-network"),
            (Failed("blocked_url"), "--allow-network"),
        ],
    )
    def test_what_cannot_be_fetched_ends_with_1_and_advice(
        self, run: Run, answer: Any, words: str
    ) -> None:
        result = run("check", stdin=ADDRESS, fetcher=FakeFetcher({ADDRESS: answer}))
        assert result.exit_code == 1
        assert "Google Calendar" in result.stdout
        assert words in result.stderr
        assert "5ec2e7" not in result.output

    def test_what_is_no_calendar_says_so_to_programs_too(self, run: Run) -> None:
        result = run("check", "--json", stdin="<html></html>")
        assert result.exit_code == 1
        (said,) = json.loads(result.stdout)["calendars"]
        assert said["error"]["kind"] == "not_a_calendar"

    def test_one_of_two_that_cannot_be_read_ends_with_3(self, run: Run) -> None:
        Path("page.ics").write_text("<html></html>", "utf-8")
        assert run("check", "ada.ics", "page.ics").exit_code == 3

    def test_a_calendar_that_says_where_it_is_needs_no_option(self, run: Run) -> None:
        """Without --timezone a day begins where X-WR-TIMEZONE says; without both, that is said."""
        day = event("2027-01-05", summary="Holiday")
        told = run("busy", stdin=feed_text(day, timezone="Asia/Tokyo"))
        assert told.stdout.splitlines()[:2] == ["Mon 4 Jan 2027", "  15:00–24:00  BUSY"]
        assert told.stderr == ""
        assert "pass --timezone" in run("check", stdin=feed_text(day)).stdout.splitlines()[-1]
        assert "pass --timezone" in run("busy", stdin=feed_text(day)).stderr

    @pytest.mark.parametrize(
        ("body", "words", "code"),
        [
            (feed_text(), "is it the right calendar?", 0),
            (feed_text(event("2027-02-01T09:00Z")), "Good: it can be used.", 0),
            (feed_text(event("2027-02-01T09:00Z")).partition("END:VCAL")[0], "Incomplete", 3),
        ],
    )
    def test_the_verdict(self, run: Run, body: str, words: str, code: int) -> None:
        result = run("check", stdin=body)
        assert result.exit_code == code
        assert words in result.stdout.splitlines()[-1]


class TestEvents:
    def test_they_are_listed_by_day_with_titles(self, run: Run) -> None:
        result = run("events", "ada.ics", "--days", "3", *BERLIN)
        assert result.exit_code == 0, result.output
        assert result.stdout.splitlines() == [
            "Mon 4 Jan 2027",
            "  09:30–10:30  BUSY             Stand-up (Room 1)",
            "  15:00–16:00  BUSY-TENTATIVE   Planning",
            "Tue 5 Jan 2027",
            "  all day      FREE             Epiphany eve",
            "Wed 6 Jan 2027",
            "  09:30–10:30  BUSY             Stand-up (Room 1)",
            "  23:00–01:00 +1  BUSY             (private)",
            "Times in Europe/Berlin.",
        ]

    def test_why_names_the_property_that_decided(self, run: Run) -> None:
        result = run("events", "ada.ics", "--days", "1", "--why", *BERLIN)
        assert result.stdout.splitlines()[2].endswith("Planning  [STATUS:TENTATIVE]")

    def test_titles_can_be_left_out(self, run: Run) -> None:
        result = run("events", "ada.ics", "--no-titles")
        assert "Stand-up" not in result.stdout
        assert "BUSY" in result.stdout

    def test_json_has_every_field(self, run: Run) -> None:
        result = run("events", "ada.ics", "--json", "--days", "2", *BERLIN)
        (calendar,) = json.loads(result.stdout)["calendars"]
        first, _, day = calendar["events"]
        assert first["summary"] == "Stand-up"
        assert first["recurrence_id"] == "2027-01-04T09:30:00+01:00"
        assert first["start"] == "2027-01-04T09:30:00+01:00"
        assert first["zone_source"] == "iana"
        assert (day["first_day"], day["last_day"], day["all_day"]) == (
            "2027-01-05", "2027-01-05", True,
        )  # fmt: skip

    def test_an_address_brings_titles_too(self, run: Run) -> None:
        feed = feed_text(event("2027-01-04T09:00Z", summary="Dentist"))
        result = run("events", stdin=ADDRESS, fetcher=FakeFetcher({ADDRESS: feed}))
        assert "Dentist" in result.stdout

    def test_a_title_cannot_drive_the_terminal(self, run: Run) -> None:
        """Control characters and bidirectional overrides of a stranger are not passed on."""
        feed = feed_text(event("2027-01-04T09:00Z", summary="\x1b]0;owned\x07\u202eevil[red]"))
        result = run("events", stdin=feed)
        assert "\x1b" not in result.stdout
        assert "\u202e" not in result.stdout
        assert "evil[red]" in result.stdout

    def test_nor_can_it_in_json_and_programs_still_get_it_whole(self, run: Run) -> None:
        feed = feed_text(event("2027-01-04T09:00Z", summary="a\u009b31mb\u202ec"))
        result = run("events", "--json", stdin=feed)
        assert not set(result.stdout) & {"\u009b", "\u202e"}
        (found,) = json.loads(result.stdout)["calendars"][0]["events"]
        assert found["summary"] == "a\u009b31mb\u202ec"

    def test_whole_days_are_of_no_zone(self, run: Run) -> None:
        """Whose local time it is, is said where there are times."""
        days = feed_text(event("2027-01-04", summary="Fair"))
        assert "Times in" not in run("events", stdin=days).stdout
        assert HERE in run("busy", stdin=days).stdout

    @pytest.mark.parametrize("zone", ["Asia/Tokyo", "America/Los_Angeles"])
    def test_events_reach_to_the_ends_of_time(self, run: Run, zone: str) -> None:
        """A stranger's event "for ever" ends no command."""
        head = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VEVENT\r\nUID:x\r\n"
        times = "DTSTAMP:20270101T000000Z\r\nDTSTART:00010101T000000Z\r\nDTEND:99991231T235959Z"
        body = f"{head}{times}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
        for options in ([], ["--json"]):
            result = run("events", "--timezone", zone, *options, stdin=body)
            assert result.exit_code == 0, result.output

    def test_an_empty_week_says_so(self, run: Run) -> None:
        assert run("events", stdin=feed_text()).stdout == "No events.\n"


class TestSlots:
    def test_when_both_are_free_within_hours(self, run: Run) -> None:
        hours = ("--hours", "MO-FR 09:00-17:00")
        result = run(
            "slots", "ada.ics", "bob.ics", "--duration", "3h", "--days", "2", *hours, *BERLIN
        )
        assert result.exit_code == 0, result.output
        assert result.stdout.splitlines() == [
            "Mon 4 Jan 2027",
            "  10:30–15:00",
            "Tue 5 Jan 2027",
            "  09:00–14:00",
            "Times in Europe/Berlin.",
        ]

    def test_steps_buffers_and_optional_people(self, run: Run) -> None:
        options = ("--step", "1h", "--buffer", "30m", "--optional", "ada", "--json", "--days", "2")
        result = run("slots", "ada.ics", "bob.ics", *options, "--hours", "TU 12:00-17:00", *BERLIN)
        said = json.loads(result.stdout)
        assert said["duration"] == 1800
        assert said["people"] == ["ada", "bob"]
        assert [slot["start"][11:16] for slot in said["slots"]] == ["12:00", "13:00", "16:00"]

    def test_none_is_an_answer(self, run: Run) -> None:
        result = run("slots", "ada.ics", "--duration", "8d")
        assert (result.exit_code, result.stdout) == (0, "No time in which everybody is free.\n")

    def test_unknown_time_that_removed_slots_is_told_and_can_be_assumed_free(
        self, run: Run
    ) -> None:
        fetcher = FakeFetcher({})
        words = ("slots", "ada.ics", "-")
        doubtful = run(*words, stdin=ADDRESS, fetcher=fetcher)
        assert doubtful.exit_code == 3
        assert "part of the time of calendar is unknown" in doubtful.stderr
        sure = run(*words, "--assume-free", "calendar", stdin=ADDRESS, fetcher=fetcher)
        assert sure.exit_code == 0
        assert sure.stdout.startswith("Mon 4 Jan 2027")

    @pytest.mark.parametrize(
        "wrong",
        [
            ("--duration", "soon"),
            ("--duration", "0m"),
            ("--duration", "99999999999d"),
            ("--hours", "always"),
            ("--hours", "XX 09:00-17:00"),
            ("--optional", "nobody"),
        ],
    )
    def test_wrong_words_end_with_2(self, run: Run, wrong: tuple[str, ...]) -> None:
        assert run("slots", "ada.ics", *wrong).exit_code == 2


class TestShow:
    def test_a_page_without_titles_or_scripts(self, run: Run) -> None:
        result = run(
            "show", "ada.ics", "bob.ics", "--html", "out.html", "--svg", "out.svg",
            "--hours", "MO-FR 09:00-17:00", "--duration", "1h", "--title", "<Team>", *BERLIN,
        )  # fmt: skip
        assert (result.exit_code, result.stdout) == (0, ""), result.output
        page, image = Path("out.html").read_text("utf-8"), Path("out.svg").read_text("utf-8")
        assert page.startswith("<!DOCTYPE html>")
        assert "<title>&lt;Team&gt;</title>" in page
        assert "Tentative" in page
        assert "Free slot" in page
        assert "<script" not in page
        assert image.startswith("<svg")
        assert "Stand-up" not in page + image

    def test_standard_output_takes_it_too(self, run: Run) -> None:
        assert run("show", "ada.ics", "--svg", "-").stdout.startswith("<svg")

    def test_in_the_terminal_a_row_of_half_hours(self, run: Run) -> None:
        result = run("show", "ada.ics", "bob.ics", "--days", "1", *BERLIN)
        assert result.stdout.splitlines()[:4] == [
            "Mon 4 Jan 2027",
            "     0     3     6     9     12    15    18    21",
            "ada  ···················██·········░░················",
            "bob  ················································",
        ]

    def test_a_page_that_cannot_be_written(self, run: Run) -> None:
        result = run("show", "ada.ics", "--html", "no/such/place.html")
        assert result.exit_code == 2
        assert "no/such/place.html" in result.stderr


@pytest.mark.parametrize("command", ["busy", "check", "events", "show", "slots"])
def test_every_command_has_help_and_reads_json(run: Run, command: str) -> None:
    assert "--json" in run(command, "--help").stdout
    assert json.loads(run(command, "ada.ics", "--json").stdout)
