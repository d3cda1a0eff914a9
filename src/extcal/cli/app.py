"""The commands. Everything that is read, shown or decided lies in the modules beside this one."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from typing import NoReturn
from zoneinfo import ZoneInfo

import click

import extcal
from extcal.cli.report import as_json, as_text, problem_lines
from extcal.cli.sources import read_source

__all__ = ["Setting", "app"]

NOTHING_READ = 1
PARTLY_UNKNOWN = 3


@dataclass(frozen=True, slots=True)
class Setting:
    """What the commands take from outside; a test brings its own."""

    clock: Callable[[], datetime] | None = None
    fetcher: extcal.Fetcher | None = None


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(extcal.__version__, prog_name="extcal")
def app() -> None:
    """When is this person busy, according to the calendar they keep elsewhere?"""


@app.command()
@click.argument("source", default="-", metavar="[FILE]")
@click.option("--address-env", metavar="NAME", help="Read the address from this variable.")
@click.option("--from", "first", metavar="DATE", help="First day, such as 2027-01-04. [today]")
@click.option("--days", default=7, show_default=True, type=click.IntRange(1, 366))
@click.option(
    "--timezone", default="UTC", show_default=True, metavar="ZONE",
    help="The owner's zone, for floating times; also the one to show times in.",
)  # fmt: skip
@click.option("--owner", multiple=True, metavar="EMAIL", help="Whose declined events are absent.")
@click.option("--json", "wants_json", is_flag=True, help="Print one JSON object.")
@click.pass_context
def busy(
    context: click.Context,
    source: str,
    address_env: str | None,
    first: str | None,
    days: int,
    timezone: str,
    owner: tuple[str, ...],
    wants_json: bool,
) -> None:
    """Print merged free/busy of one calendar.

    FILE is an .ics file. Without it, or as -, standard input is read: a calendar, or the address of
    one. Exit codes: 0 answered, 1 nothing could be read, 2 called wrongly, 3 partly unknown.
    """
    setting = context.find_object(Setting) or Setting()
    zone = _zone(timezone)
    start, end = _window(first, days, zone, setting)
    try:
        found = read_source(
            source, address_env, os.environ, _standard_input, timezone=timezone, owner=owner
        )
        free_busy, problems = _read(found, start, end, zone, owner, setting)
    except extcal.OutsideHorizon as error:
        raise click.UsageError(str(error)) from None
    except extcal.ExtcalError as error:
        _nothing(error)
    if wants_json:
        click.echo(as_json(free_busy, zone, problems))
    else:
        click.echo("\n".join(as_text(free_busy, zone)))
    for line in problem_lines(problems):
        click.echo(line, err=True)
    context.exit(PARTLY_UNKNOWN if free_busy.unknown else 0)


def _standard_input() -> bytes:
    if sys.stdin.isatty():
        click.echo("Paste the address, then press Enter and Ctrl-D:", err=True)
    return sys.stdin.buffer.read()


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise click.UsageError(f"{name!r} is no IANA time zone, such as Europe/Berlin.") from None


def _window(
    first: str | None, days: int, zone: tzinfo, setting: Setting
) -> tuple[datetime, datetime]:
    try:
        day = date.fromisoformat(first) if first else _today(zone, setting)
        last = day + timedelta(days=days)
    except (ValueError, OverflowError):
        raise click.UsageError("--from takes a date, such as 2027-01-04.") from None
    return datetime.combine(day, time(), zone), datetime.combine(last, time(), zone)


def _today(zone: tzinfo, setting: Setting) -> date:
    return (setting.clock or extcal.system_clock)().astimezone(zone).date()


def _read(
    found: bytes | extcal.Feed,
    start: datetime,
    end: datetime,
    zone: tzinfo,
    owner: tuple[str, ...],
    setting: Setting,
) -> tuple[extcal.FreeBusy, Sequence[extcal.Problem]]:
    if isinstance(found, bytes):
        result = extcal.expand(found, start, end, timezone=zone, owner=owner, detail="busy")
        return result.free_busy, result.problems
    calendars = extcal.CalendarCache(
        clock=setting.clock or extcal.system_clock, fetcher=setting.fetcher or extcal.HttpFetcher()
    )
    return calendars.free_busy(found, start, end), calendars.get(found).problems


def _nothing(error: extcal.ExtcalError) -> NoReturn:
    click.echo(f"extcal: {error}", err=True)
    raise SystemExit(NOTHING_READ)
