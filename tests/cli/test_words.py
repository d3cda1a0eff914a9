"""What people type: days, hours and zones; files of one name; the terminal's width; a report."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import Result

import extcal
from extcal.cli.app import app
from extcal.cli.check.redact import redacted
from extcal.cli.input.words import day_of, hours_of, local_zone, zone_of
from extcal.testing import ODD_FEEDS, event, feed_text

Run = Callable[..., Result]
BERLIN = ("-z", "Europe/Berlin")
MONDAY = date(2027, 1, 4)


@pytest.mark.parametrize(
    ("words", "days"),
    [
        ("today", 0),
        ("Tomorrow", 1),
        ("yesterday", -1),
        ("monday", 0),
        ("TUE", 1),
        ("sun", 6),
        (" Friday ", 4),
        ("2027-01-09", 5),
        ("20270109", 5),
    ],
)
def test_a_day_in_words(words: str, days: int) -> None:
    assert day_of(words, MONDAY) == MONDAY + timedelta(days=days)


@pytest.mark.parametrize("words", ["", "mo", "next week", "mondays", "2027-02-30", "9"])
def test_what_is_no_day(words: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        day_of(words, MONDAY)


@pytest.mark.parametrize(
    ("words", "hours"),
    [
        ("9-17", ("MO-FR", "09:00", "17:00")),
        ("9:30 – 17", ("MO-FR", "09:30", "17:00")),
        ("0-24", ("MO-FR", "00:00", "24:00")),
        ("Mon-Fri 9-17", ("MO-FR", "09:00", "17:00")),
        ("monday, wed 08.15-12.45", ("MO,WE", "08:15", "12:45")),
        ("MO-FR 09:00-17:00", ("MO-FR", "09:00", "17:00")),
        ("sa - su 10-14", ("SA-SU", "10:00", "14:00")),
    ],
)
def test_hours_in_words(words: str, hours: tuple[str, str, str]) -> None:
    assert hours_of(words) == hours
    extcal.WorkingHours(*hours, "UTC")


@pytest.mark.parametrize("words", ["", "9", "nine to five", "Foo 9-17", "9-17-18", "MO-FR"])
def test_what_are_no_hours(run: Run, words: str) -> None:
    result = run("slots", "ada.ics", "--hours", words)
    assert result.exit_code == 2


@pytest.mark.parametrize(
    ("words", "key"),
    [
        ("europe/berlin", "Europe/Berlin"),
        ("AMERICA/NEW_YORK", "America/New_York"),
        ("utc", "UTC"),
        ("W. Europe Standard Time", "Europe/Berlin"),
        ("eastern standard time", "America/New_York"),
    ],
)
def test_a_zone_in_any_case_and_by_its_windows_name(words: str, key: str) -> None:
    assert zone_of(words).key == key


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        ("Europe/Berln", "did you mean Europe/Berlin"),
        ("Amsterdm", "did you mean Europe/Amsterdam"),
        ("new york", "did you mean America/New_York"),
        ("Mars/Olympus", "such as Europe/Berlin"),
        ("+02:00", "such as Europe/Berlin"),
    ],
)
def test_a_zone_that_is_none_is_answered_with_one_that_is_close(
    run: Run, words: str, hint: str
) -> None:
    result = run("busy", "ada.ics", "--timezone", words)
    assert result.exit_code == 2
    assert hint in re.sub(r"\s+", " ", result.stderr)


def test_the_local_zone_is_used_and_said(run: Run) -> None:
    here = run("busy", "ada.ics", "-d", "1", local="Asia/Tokyo").stdout
    assert "17:30–18:30  BUSY" in here
    assert here.endswith("Times in Asia/Tokyo (this computer's zone; -z names another).\n")
    named = run("busy", "ada.ics", "-d", "1", *BERLIN, local="Asia/Tokyo").stdout
    assert named.endswith("Times in Europe/Berlin.\n")


def test_the_local_zone_does_not_read_a_calendar(run: Run) -> None:
    """Times without a zone are the calendar's, not those of whoever looks."""
    floating = feed_text(event("2027-01-04T09:00", "PT1H"), extra="X-WR-TIMEZONE:Europe/Berlin")
    assert "17:00–18:00" in run("busy", stdin=floating, local="Asia/Tokyo").stdout


def test_this_computer_has_a_zone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "America/Chicago")
    found = local_zone()
    assert found is not None
    assert found.key == "America/Chicago"


@pytest.mark.parametrize(
    ("options", "days"),
    [
        (("--from", "tomorrow", "--days", "1"), ("2027-01-05", "2027-01-06")),
        (("-f", "wed", "-t", "friday"), ("2027-01-06", "2027-01-09")),
        (("--to", "2027-01-04"), ("2027-01-04", "2027-01-05")),
        ((), ("2027-01-04", "2027-01-11")),
        (("--from", "2027-01-08", "--to", "monday"), ("2027-01-08", "2027-01-12")),
    ],
)
def test_from_to_and_days(run: Run, options: tuple[str, ...], days: tuple[str, str]) -> None:
    window = json.loads(run("busy", "ada.ics", "-j", *BERLIN, *options).stdout)["window"]
    assert (window["start"][:10], window["end"][:10]) == days


class TestShow:
    def rows(self, run: Run, *options: str, width: int = 80) -> list[str]:
        result = run("show", "ada.ics", "bob.ics", "-d", "1", *BERLIN, *options, columns=width)
        assert result.exit_code == 0, result.output
        return result.stdout.splitlines()

    def test_hours_are_obeyed(self, run: Run) -> None:
        rows = self.rows(run, "--hours", "9-12")
        assert rows[1].split() == ["9", "12", "15"]
        assert rows[2].split() == ["ada", "··████······", "░░░░"]

    def test_duration_marks_when_all_are_free(self, run: Run) -> None:
        rows = self.rows(run, "--hours", "9-17", "--duration", "4h")
        assert rows[4].split() == ["all", "free", "=================="]
        none = self.rows(run, "--hours", "9-17", "--duration", "9h")
        assert "No time in which everybody is free." in none

    @pytest.mark.parametrize(("width", "cells"), [(60, 48), (120, 96), (40, 24), (20, 24)])
    def test_the_width_is_used(self, run: Run, width: int, cells: int) -> None:
        rows = self.rows(run, width=width)
        assert len(rows[2].split()[1]) == cells

    def test_a_long_name_keeps_a_third(self, run: Run, tmp_path: Path) -> None:
        name = "Wolfgang Amadeus Theophilus Mozart"
        result = run("show", f"{name}=ada.ics", "-d", "1", *BERLIN, columns=80)
        assert "Wolfgang Amadeus Theophil…" in result.stdout
        assert name in run("show", f"{name}=ada.ics", "-d", "1", *BERLIN, columns=140).stdout


def test_two_files_of_one_name_are_two_people(run: Run, tmp_path: Path) -> None:
    for path, file in (("ada", "ada.ics"), ("bob", "bob.ics")):
        (tmp_path / path).mkdir()
        (tmp_path / path / "basic.ics").write_bytes((tmp_path / file).read_bytes())
    said = json.loads(run("busy", "ada/basic.ics", "bob/basic.ics", "-j").stdout)
    assert [each["name"] for each in said["people"]] == ["ada/basic", "bob/basic"]
    one = json.loads(run("busy", "ada/basic.ics", "./ada/basic.ics", "-j").stdout)
    assert [each["name"] for each in one["people"]] == ["basic"]
    named = json.loads(run("busy", "Eve=ada/basic.ics", "Eve=bob/basic.ics", "-j").stdout)
    assert [each["name"] for each in named["people"]] == ["Eve"]
    here = json.loads(run("busy", "ada/basic.ics", "ada.ics", "-j").stdout)
    assert [each["name"] for each in here["people"]] == ["basic", "ada"]


@pytest.mark.parametrize("command", sorted(app.commands))
def test_every_help_has_an_example_that_runs(run: Run, command: str) -> None:
    text = run(command, "--help").stdout
    examples = re.findall(rf"^ +extcal {command} (.*)$", text, re.MULTILINE)
    assert len(examples) >= 2
    for options in re.findall(r"^ +(-\w), --\w", text, re.MULTILINE):
        assert options in ("-z", "-o", "-j", "-f", "-t", "-d", "-H", "-l", "-h")


def test_a_closed_pipe_ends_quietly_with_0(tmp_path: Path) -> None:
    """``extcal events ada.ics | head -1``."""
    many = feed_text(event("2027-01-04T09:00Z", "PT1H", rrule="FREQ=DAILY", summary="x" * 900))
    (tmp_path / "many.ics").write_text(many, "utf-8")
    command = [sys.executable, "-m", "extcal.cli", "events", "-f", "2027-01-04", "-d", "300"]
    with subprocess.Popen(
        [*command, "many.ics"], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        errors = process.stderr.read()
    assert (process.returncode, errors) == (0, b"")


def test_the_program_that_wrote_it_is_unescaped(run: Run) -> None:
    feed = feed_text(event("2027-01-04T09:00Z", "PT1H"), prodid="-//Acme, Inc.//Cal;endar//EN")
    assert "Written by  -//Acme, Inc.//Cal;endar//EN" in run("check", stdin=feed).stdout


SECRET = """BEGIN:VCALENDAR\r
VERSION:2.0\r
PRODID:-//Acme//Calendar//EN\r
X-WR-CALNAME:s3cret one\r
BEGIN:VEVENT\r
UID:s3cret-two@example.org\r
DTSTAMP:20260101T000000Z\r
DTSTART;TZID=Europe/Berlin:20270105T171145975\r
DTEND;TZID=Europe/Berlin;X-NOTE=s3cret:20270105T180000\r
RRULE:FREQ=WEEKLY;BYDAY=TU;COUNT=4;X-WHO=s3cret\r
EXDATE;TZID=Europe/Berlin:20270112T171145,s3cret\r
SUMMARY;LANGUAGE=en;ALTREP="cid:s3cret":Board s3cr\r
 et three\\, four\r
X-ALT-DESC;FMTTYPE=text/html:<b>s3cret</b>\r
LOCATION:s3cret\r
GEO:48.85;2.35\r
ATTACH:https://s3cret.example/x\r
CONFERENCE;VALUE=URI;LABEL=s3cret:https://s3cret.example\r
COMMENT:s3cret\r
CATEGORIES:s3cret,WORK\r
X-S3CRET-NAME:yes\r
ORGANIZER;CN="s3cret; Bob";SENT-BY="mailto:s3cret@x.org";X-S3CRET=1:mailto:s3cret@x.org\r
ATTENDEE;DIR="ldap://s3cret";PARTSTAT=DECLINED;CN=s3cret:MAILTO:S3cret@example.org\r
STATUS:s3cret words\r
BEGIN:X-S3CRET\r
END:X-S3CRET\r
END:VEVENT\r
s3cret line without a colon\r
s3cret name: with one\r
END:VCALENDAR\r
"""


class TestReport:
    def test_no_word_of_a_person_is_left(self) -> None:
        report = redacted(SECRET.encode()).decode().lower()
        joined = report.replace("\r\n ", "")
        for secret in (
            "s3cret",
            "board",
            "three",
            "48.85",
            "work",
            "example",
            "x.org",
            "ldap",
            "html>",
        ):
            assert secret not in joined
        assert "freq=weekly;byday=tu;count=4;" in joined
        assert "dtstart;tzid=europe/berlin:20270105t171145975" in joined
        assert "partstat=declined" in joined

    def test_the_structure_stays(self) -> None:
        report = redacted(SECRET.encode())
        assert report.count(b"\r\n") == SECRET.count("\r\n")
        assert report.count(b"\r\n ") == 1
        assert [len(line) for line in report.split(b"\r\n") if line.startswith(b"LOC")] == [15]

    def test_equal_values_stay_equal(self) -> None:
        two = feed_text(
            event("2027-01-04T09:00Z", "PT1H", uid="a", summary="x", rrule="FREQ=DAILY;COUNT=3"),
            event("2027-01-04T09:00Z", "PT1H", uid="b", summary="x"),
        )
        report = redacted(two.encode()).decode()
        uids = re.findall(r"^UID:(.*)$", report, re.MULTILINE)
        titles = re.findall(r"^SUMMARY:(.*)$", report, re.MULTILINE)
        assert len(set(uids)) == 2
        assert len(set(titles)) == 1

    @pytest.mark.parametrize("name", sorted(ODD_FEEDS))
    def test_what_is_odd_shows_in_the_report(self, name: str) -> None:
        odd = ODD_FEEDS[name]
        data = odd if isinstance(odd, bytes) else str(odd).encode()
        window = datetime(2027, 1, 1, tzinfo=UTC), datetime(2027, 4, 1, tzinfo=UTC)
        before, after = (extcal.expand(each, *window) for each in (data, redacted(data)))
        assert after.free_busy == before.free_busy
        assert [each.code for each in after.problems] == [each.code for each in before.problems]

    def test_it_is_written_and_compared(self, run: Run, tmp_path: Path) -> None:
        result = run("check", "ada.ics", "--report", "report.ics")
        assert result.exit_code == 0, result.output
        assert "The report has the same times and problems." in result.stderr
        report = (tmp_path / "report.ics").read_text("utf-8")
        assert "Planning" not in report
        assert run("busy", "report.ics").stdout == run("busy", "ada.ics").stdout
        printed = run("check", "ada.ics", "--report", "-")
        assert printed.stdout.replace("\r", "") == report.replace("\r", "")

    def test_one_calendar_at_a_time(self, run: Run) -> None:
        assert run("check", "ada.ics", "bob.ics", "--report", "-").exit_code == 2

    def test_what_is_no_calendar_has_no_report(self, run: Run, tmp_path: Path) -> None:
        result = run("check", "--report", "report.ics", stdin="<html>")
        assert result.exit_code == 1
        assert not (tmp_path / "report.ics").exists()
