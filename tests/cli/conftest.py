"""Two calendars as files, and the command line at a time that the tests know."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from click.testing import CliRunner, Result

from extcal.cli.app import Setting, app
from extcal.testing import FakeFetcher, ManualClock, event, feed_text

Run = Callable[..., Result]

ADA = feed_text(
    event(
        "2026-12-07T09:30", "PT1H", tz="Europe/Berlin", summary="Stand-up", location="Room 1",
        rrule="FREQ=WEEKLY;BYDAY=MO,WE",
    ),
    event("2027-01-04T15:00", "PT1H", tz="Europe/Berlin", summary="Planning", status="TENTATIVE"),
    event("2027-01-05", summary="Epiphany eve", transparent=True),
    event("2027-01-06T23:00", "PT2H", tz="Europe/Berlin", summary="Pay", extra="CLASS:PRIVATE"),
)  # fmt: skip
BOB = feed_text(
    event("2027-01-05T14:00", "PT1H", tz="W. Europe Standard Time", summary="Interview"),
    prodid="Microsoft Exchange Server 2010",
)


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """``run("busy", "ada.ics")``, in a directory that holds ada.ics and bob.ics."""
    (tmp_path / "ada.ics").write_bytes(ADA.encode())
    (tmp_path / "bob.ics").write_bytes(BOB.encode())
    monkeypatch.chdir(tmp_path)

    def run(
        *words: str,
        stdin: str | bytes = b"",
        fetcher: FakeFetcher | None = None,
        local: str = "UTC",
        columns: int = 80,
    ) -> Result:
        clock = ManualClock("2027-01-04T08:00Z")
        setting = Setting(clock=clock, fetcher=fetcher, zone=ZoneInfo(local))
        return CliRunner(env={"COLUMNS": str(columns)}).invoke(
            app, list(words), input=stdin, obj=setting
        )

    return run
