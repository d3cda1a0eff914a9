"""The command line: what it prints, what it refuses, and how it ends."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from click.testing import CliRunner, Result

from extcal.cli.app import Setting, app
from extcal.fetch import Failed, Refused
from extcal.testing import FakeFetcher, ManualClock, event, feed_text

ADDRESS = "https://calendar.google.com/calendar/ical/ada/private-5ec2e7/basic.ics"
FEED = feed_text(
    event("2027-01-04T09:00", "PT1H", tz="Europe/Berlin"),
    event("2027-01-05T23:00", "PT2H", tz="Europe/Berlin"),
)

HERE = "Times in UTC (this computer's zone; -z names another)."


def run(*arguments: str, stdin: str | bytes = b"", fetcher: FakeFetcher | None = None) -> Result:
    setting = Setting(ManualClock("2027-01-04T08:00Z"), fetcher, ZoneInfo("UTC"))
    return CliRunner().invoke(app, ["busy", *arguments], input=stdin, obj=setting)


def busy_of(result: Result) -> dict[str, list[str]]:
    """The periods by name."""
    people = json.loads(result.stdout)["people"]
    return {
        person["name"]: [period["start"][11:16] for period in person["periods"]]
        for person in people
    }


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
        "Times in Europe/Berlin.",
    ]


def test_standard_input_may_hold_the_calendar_itself() -> None:
    result = run("--days", "1", stdin=FEED)
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines() == [
        "Mon 4 Jan 2027",
        "  08:00–09:00  BUSY",
        HERE,
    ]


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
    assert said == {
        "window": {"start": "2027-01-04T00:00:00+01:00", "end": "2027-01-05T00:00:00+01:00"},
        "people": [
            {
                "name": "calendar",
                "periods": [
                    {
                        "start": "2027-01-04T09:00:00+01:00",
                        "end": "2027-01-04T10:00:00+01:00",
                        "fbtype": "BUSY",
                    }
                ],
                "unknown": [],
                "calendars": [{"state": None, "fetched_at": None, "problems": []}],
            }
        ],
    }


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


@pytest.mark.parametrize(
    "arguments",
    [
        (ADDRESS,),
        (ADDRESS.removeprefix("https://"),),
        ("webcal:example.org/secret/x.ics",),
        (f"Ada={ADDRESS}",),
        ("--address-env", ADDRESS),
        ("--address-env", f"Ada={ADDRESS}"),
    ],
)
def test_an_address_on_the_command_line_is_refused_and_not_repeated(
    arguments: tuple[str, ...],
) -> None:
    """It would stay in the shell's history and in the process list."""
    result = run(*arguments)
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
        ("--from", "someday"),
        ("--from", "mo"),
        ("--to", "2027-01-09", "--days", "3"),
        ("--from", "2027-01-09", "--to", "2027-01-04"),
        ("--days", "0"),
        ("--address-env", "EXTCAL_TEST_NOT_SET"),
        ("--from", "2020-01-01", "--days", "400"),
        ("--from", "2040-01-01"),
        ("--allow-network", "everywhere"),
    ],
)
def test_calling_it_wrongly_ends_with_2(arguments: tuple[str, ...]) -> None:
    result = run(*arguments)
    assert result.exit_code == 2, result.output
    assert not result.stdout


BOB = "https://outlook.live.com/owa/calendar/5ec2e7/bob/calendar.ics"
LIST = f"# the team\n\nAda = {ADDRESS}\nBob={BOB}\n"
TEAM = {ADDRESS: FEED, BOB: feed_text(event("2027-01-04T15:00Z", "PT1H"))}


def test_several_calendars_are_read_at_once_and_told_apart(tmp_path: Path) -> None:
    """Addresses one a line, named; files beside them; two of one name are one person's."""
    (tmp_path / "team.txt").write_text(LIST, "utf-8")
    (tmp_path / "private.ics").write_text(feed_text(event("2027-01-04T20:00Z", "PT1H")), "utf-8")
    fetcher = FakeFetcher(TEAM)
    options = ("--json", "--days", "1")
    paths = (str(tmp_path / "team.txt"), f"Ada={tmp_path / 'private.ics'}")
    result = run(*paths, *options, fetcher=fetcher)
    assert result.exit_code == 0, result.output
    assert busy_of(result) == {"Ada": ["08:00", "20:00"], "Bob": ["15:00"]}
    assert fetcher.count() == 2
    text = run(*paths, "--days", "1", fetcher=fetcher)
    assert text.stdout.splitlines()[-4:-1] == ["Bob", "Mon 4 Jan 2027", "  15:00–16:00  BUSY"]


def test_environment_variables_may_be_named_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CAL_1", ADDRESS)
    monkeypatch.setenv("CAL_2", BOB)
    named = ("--address-env", "Ada=CAL_1", "--address-env", "CAL_2")
    result = run(*named, "--json", "--days", "1", fetcher=FakeFetcher(TEAM))
    assert busy_of(result) == {"Ada": ["08:00"], "CAL_2": ["15:00"]}


def test_addresses_without_names_are_numbered() -> None:
    result = run("--json", "--days", "1", stdin=f"{ADDRESS}\n{BOB}", fetcher=FakeFetcher(TEAM))
    assert list(busy_of(result)) == ["calendar 1", "calendar 2"]


def test_one_that_cannot_be_read_costs_no_other() -> None:
    """Its person is unknown, what to do is said, and the exit code is 3."""
    fetcher = FakeFetcher({ADDRESS: FEED, BOB: Refused(404)})
    result = run("--json", "--days", "1", stdin=LIST, fetcher=fetcher)
    assert result.exit_code == 3, result.output
    ada, bob = json.loads(result.stdout)["people"]
    assert (len(ada["periods"]), len(bob["unknown"])) == (1, 1)
    assert bob["calendars"][0]["error"]["kind"] == "not_found"
    assert "Bob" in result.stderr
    assert "paste it once more" in result.stderr
    assert fetcher.count(BOB) == 1


def test_when_none_can_be_read_it_ends_with_1() -> None:
    result = run(stdin=LIST, fetcher=FakeFetcher())
    assert result.exit_code == 1
    assert result.stdout == ""
    assert "5ec2e7" not in result.output


def test_a_bad_address_among_many_is_found_by_its_number() -> None:
    result = run(stdin=f"{ADDRESS}\nftp://example.org/5ec2e7\n", fetcher=FakeFetcher(TEAM))
    assert result.exit_code == 1
    assert "Address 2 of 2" in result.stderr
    assert "5ec2e7" not in result.output


def test_progress_is_on_standard_error_when_it_is_wanted() -> None:
    """A line for each feed where nobody watches; by default nothing there."""
    quiet = run("--days", "1", stdin=LIST, fetcher=FakeFetcher(TEAM))
    assert quiet.stderr == ""
    told = run("--progress", "--days", "1", stdin=LIST, fetcher=FakeFetcher(TEAM))
    assert sorted(told.stderr.splitlines()) == [
        "read calendar.google.com (2 in all)",
        "read outlook.live.com (2 in all)",
    ]
    assert told.stdout == quiet.stdout


def test_any_days_within_ten_years_can_be_asked_for() -> None:
    """The three months are the cache's promise, not the command line's limit."""
    old = feed_text(event("2021-03-01T09:00Z", "PT1H"))
    result = run("--from", "2021-03-01", stdin=ADDRESS, fetcher=FakeFetcher({ADDRESS: old}))
    assert result.stdout.splitlines() == [
        "Mon 1 Mar 2021",
        "  09:00–10:00  BUSY",
        HERE,
    ]


def test_the_zone_may_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXTCAL_TIMEZONE", "Europe/Berlin")
    assert "  09:00–10:00  BUSY" in run(stdin=FEED).stdout


@pytest.mark.parametrize("missing", ["click", "rich"])
def test_without_its_libraries_it_names_the_extra(missing: str) -> None:
    """``extcal.cli`` imports without them, and ``extcal`` says what to install."""
    code = f"import sys; sys.modules[{missing!r}] = None; from extcal.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 1
    assert done.stderr == "The command line needs an extra: pip install 'extcal[cli]'\n"
