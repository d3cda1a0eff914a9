"""The command line: what it prints, what it refuses, and how it ends."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from extcal.cli.app import Setting, app
from extcal.fetch import Failed
from extcal.testing import FakeFetcher, ManualClock, event, feed_text

ADDRESS = "https://calendar.google.com/calendar/ical/ada/private-5ec2e7/basic.ics"
FEED = feed_text(
    event("2027-01-04T09:00", "PT1H", tz="Europe/Berlin"),
    event("2027-01-05T23:00", "PT2H", tz="Europe/Berlin"),
)


def run(*arguments: str, stdin: str | bytes = b"", fetcher: FakeFetcher | None = None) -> Result:
    setting = Setting(clock=ManualClock("2027-01-04T08:00Z"), fetcher=fetcher)
    return CliRunner().invoke(app, ["busy", *arguments], input=stdin, obj=setting)


def as_bytes(text: str | bytes) -> bytes:
    return text.encode() if isinstance(text, str) else text


def test_a_file_is_read_and_shown_by_local_day(tmp_path: Path) -> None:
    """A stretch over midnight is shown on both of its days."""
    file = tmp_path / "ada.ics"
    file.write_bytes(as_bytes(FEED))
    result = run(str(file), "--timezone", "Europe/Berlin")
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines() == [
        "Mon 4 Jan 2027",
        "  09:00–10:00  BUSY",
        "Tue 5 Jan 2027",
        "  23:00–24:00  BUSY",
        "Wed 6 Jan 2027",
        "  00:00–01:00  BUSY",
    ]


def test_standard_input_may_hold_the_calendar_itself() -> None:
    result = run("--days", "1", stdin=FEED)
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines() == ["Mon 4 Jan 2027", "  08:00–09:00  BUSY"]


def test_standard_input_may_hold_the_address() -> None:
    result = run("--days", "1", stdin=f" {ADDRESS}\n", fetcher=FakeFetcher({ADDRESS: FEED}))
    assert result.exit_code == 0, result.output
    assert "08:00–09:00  BUSY" in result.stdout


def test_the_environment_may_hold_the_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ADA_CALENDAR", ADDRESS)
    fetcher = FakeFetcher({ADDRESS: FEED})
    result = run("--address-env", "ADA_CALENDAR", "--days", "1", fetcher=fetcher)
    assert result.exit_code == 0, result.output
    assert "08:00–09:00  BUSY" in result.stdout
    assert fetcher.count() == 1


def test_json_is_for_programs() -> None:
    result = run("--json", "--days", "1", "--timezone", "Europe/Berlin", stdin=FEED)
    assert result.exit_code == 0, result.output
    said = json.loads(result.stdout)
    assert said["window"]["start"] == "2027-01-04T00:00:00+01:00"
    assert said["periods"] == [
        {
            "start": "2027-01-04T09:00:00+01:00",
            "end": "2027-01-04T10:00:00+01:00",
            "fbtype": "BUSY",
        }
    ]
    assert said["unknown"] == []
    assert said["problems"] == []


def test_a_free_week_says_so() -> None:
    result = run("--from", "2027-06-07", stdin=FEED)
    assert (result.exit_code, result.stdout) == (0, "Free throughout.\n")


def test_unknown_time_ends_with_its_own_code() -> None:
    """A body cut in the middle cannot vouch for anything: exit code 3, and the word unknown."""
    cut = as_bytes(FEED).partition(b"END:VCALENDAR")[0]
    result = run("--days", "1", stdin=cut)
    assert result.exit_code == 3, result.output
    assert "unknown" in result.stdout
    assert result.stderr


@pytest.mark.parametrize("argument", [ADDRESS, "webcal:example.org/secret/x.ics"])
def test_an_address_on_the_command_line_is_refused_and_not_repeated(argument: str) -> None:
    """It would stay in the shell's history and in the process list."""
    result = run(argument)
    assert result.exit_code == 2
    assert "history" in result.stderr
    assert "5ec2e7" not in result.output
    assert "secret" not in result.output


def test_what_is_no_calendar_ends_with_1_and_says_what_it_is() -> None:
    result = run(stdin=b"<!DOCTYPE html><html><body>Sign in</body></html>")
    assert result.exit_code == 1
    assert result.stderr.startswith("extcal: ")


def test_an_unreachable_source_ends_with_1_and_without_the_address() -> None:
    fetcher = FakeFetcher({ADDRESS: Failed("connect")})
    result = run(stdin=ADDRESS, fetcher=fetcher)
    assert result.exit_code == 1
    assert "5ec2e7" not in result.output


def test_a_bad_address_ends_with_1_and_advice() -> None:
    result = run(stdin="https://calendar.google.com/calendar/embed?src=a%40b")
    assert result.exit_code == 1
    assert "iCal" in result.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("no/such/file.ics",),
        ("--timezone", "Mars/Olympus"),
        ("--from", "tomorrow"),
        ("--days", "0"),
        ("--address-env", "EXTCAL_TEST_NOT_SET"),
        ("some.ics", "--address-env", "HOME"),
    ],
)
def test_calling_it_wrongly_ends_with_2(arguments: tuple[str, ...]) -> None:
    result = run(*arguments)
    assert result.exit_code == 2, result.output


def test_without_click_it_names_the_extra() -> None:
    """``extcal.cli`` imports without click, and ``extcal`` says what to install."""
    code = "import sys; sys.modules['click'] = None; from extcal.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 1
    assert done.stderr == "The command line needs an extra: pip install 'extcal[cli]'\n"
