"""The options that several commands share, and the conversion of their values."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass, fields
from datetime import date, datetime, time, timedelta
from functools import partial, wraps
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo, available_timezones

import click
from click.shell_completion import CompletionItem

import extcal
from extcal.cli.input.gather import CommandQuestion
from extcal.cli.input.sources import MOST_BYTES, Given, Reader
from extcal.cli.input.words import day_of, hours_of, local_zone, zone_of
from extcal.cli.output.screen import fail
from extcal.fetch import Feed, Fetcher

__all__ = [
    "HOURS",
    "LENGTH",
    "UTC_ZONE",
    "ZONE",
    "Setting",
    "SourceOptions",
    "Sources",
    "WindowOptions",
    "read_sources",
    "setting_of",
    "shown_zone",
    "source_options",
    "today",
    "window_of",
    "window_options",
]

if TYPE_CHECKING:
    _ZoneType = click.ParamType[ZoneInfo]
    _LengthType = click.ParamType[timedelta]
    _HoursType = click.ParamType[tuple[str, str, str]]
else:  # a class without parameters, in older versions of click
    _ZoneType = _LengthType = _HoursType = click.ParamType

_Command = Callable[..., Any]
_PIECE = re.compile(r"(\d+)\s*([dhms]?)", re.IGNORECASE)
_UNITS = {"d": "days", "h": "hours", "m": "minutes", "s": "seconds", "": "minutes"}


@dataclass(frozen=True, slots=True)
class Setting:
    """The clock, the network and the local zone of the commands; a test passes its own."""

    clock: Callable[[], datetime] | None = None
    fetcher: Fetcher | None = None
    zone: ZoneInfo | None = None

    def now(self) -> datetime:
        """The current time."""
        return (self.clock or extcal.system_clock)()

    def local(self) -> ZoneInfo:
        """The zone of this computer; UTC if it cannot be told."""
        return self.zone or local_zone() or UTC_ZONE


def setting_of(context: click.Context) -> Setting:
    """The setting of this call."""
    return context.find_object(Setting) or Setting()


class _Zone(_ZoneType):
    name = "zone"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> ZoneInfo:
        if isinstance(value, ZoneInfo):
            return value
        try:
            return zone_of(str(value))
        except ValueError as error:
            self.fail(f"{error}.", param, ctx)

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        begun = incomplete.lower()
        names = sorted(available_timezones())
        return [CompletionItem(name) for name in names if name.lower().startswith(begun)]


class _Length(_LengthType):
    name = "length"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> timedelta:
        if isinstance(value, timedelta):
            return value
        text = str(value).strip()
        pieces = _PIECE.findall(text)
        if not pieces or _PIECE.sub("", text).strip():
            self.fail(f"{value!r} is not a length, such as 45m, 1h30m or 90 (minutes).", param, ctx)
        try:
            return sum(
                (timedelta(**{_UNITS[unit.lower()]: int(count)}) for count, unit in pieces),
                timedelta(0),
            )
        except OverflowError:
            self.fail(f"{value!r} is too long.", param, ctx)


class _Hours(_HoursType):
    name = "hours"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, str, str]:
        if isinstance(value, tuple):
            return value
        try:
            found = hours_of(str(value))
            extcal.WorkingHours(*found, "UTC")
        except ValueError as error:
            self.fail(f"{error}.", param, ctx)
        return found


UTC_ZONE = ZoneInfo("UTC")
ZONE, LENGTH, HOURS = _Zone(), _Length(), _Hours()


def _variables(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    return [CompletionItem(name) for name in sorted(os.environ) if name.startswith(incomplete)]


_SOURCES: tuple[Callable[[_Command], _Command], ...] = (
    click.argument("sources", nargs=-1, metavar="[[NAME=]FILE]..."),
    click.option(
        "--address-env", "variables", multiple=True, metavar="[NAME=]VARIABLE",
        shell_complete=_variables,
        help="Read an address from this environment variable; may be used several times.",
    ),
    click.option(
        "-z", "--timezone", "zone", type=ZONE, metavar="ZONE", envvar="EXTCAL_TIMEZONE",
        show_envvar=True,
        help="The owner's zone: for times without a zone, and for showing times. "
        "[the calendar's own, shown in this computer's]",
    ),
    click.option(
        "-o", "--owner", multiple=True, metavar="EMAIL",
        help="The owner's e-mail address: what the owner declined is left out.",
    ),
    click.option(
        "--allow-network", "networks", multiple=True, metavar="CIDR",
        help="A private network that is allowed, such as 10.1.0.0/16.",
    ),
    click.option("-j", "--json", "wants_json", is_flag=True, help="Print one JSON object."),
)  # fmt: skip

_WINDOW: tuple[Callable[[_Command], _Command], ...] = (
    click.option(
        "-f", "--from", "first", metavar="DAY", default="today", show_default=True,
        help="First day: today, tomorrow, a weekday (the next one, or today), or 2027-01-04.",
    ),
    click.option("-t", "--to", "last", metavar="DAY", help="Last day, instead of --days."),
    click.option(
        "-d", "--days", type=click.IntRange(1, 366), metavar="COUNT",
        help="How many days.  [default: 7]",
    ),
    click.option(
        "--progress/--no-progress", default=None,
        help="Show the progress on standard error. [on a terminal, for several feeds]",
    ),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class SourceOptions:
    """What every command is given: what to read, and how. Named as in ``_SOURCES``."""

    sources: tuple[str, ...]
    variables: tuple[str, ...]
    zone: ZoneInfo | None
    owner: tuple[str, ...]
    networks: tuple[str, ...]
    wants_json: bool


@dataclass(frozen=True, slots=True)
class WindowOptions:
    """The days to look at. Named as in ``_WINDOW``."""

    first: str
    last: str | None
    days: int | None
    progress: bool | None


def source_options(command: _Command) -> _Command:
    """Add the options of every command. It gets them as ``given``, a :class:`SourceOptions`."""
    return _add(_SOURCES, "given", SourceOptions, command)


def window_options(command: _Command) -> _Command:
    """Add the options for the days. The command gets them as ``window``."""
    return _add(_WINDOW, "window", WindowOptions, command)


def _add(
    options: tuple[Callable[[_Command], _Command], ...],
    argument: str,
    kind: type[SourceOptions | WindowOptions],
    command: _Command,
) -> _Command:
    names = [field.name for field in fields(kind)]

    @wraps(command)
    def called(**values: Any) -> Any:
        together = kind(**{name: values.pop(name) for name in names})
        return command(**values, **{argument: together})

    added: _Command = called
    for option in reversed(options):
        added = option(added)
    return added


@dataclass(frozen=True, slots=True)
class Sources:
    """The calendars that the command line names, and the fetcher for their feeds."""

    givens: list[Given]
    fetcher: Fetcher


def read_sources(context: click.Context, given: SourceOptions, detail: extcal.Detail) -> Sources:
    """Read the named sources; ends the process if an address is wrong."""
    try:
        fetcher = setting_of(context).fetcher or extcal.HttpFetcher(allow_networks=given.networks)
        feed = partial(Feed.from_user_input, timezone=given.zone, owner=given.owner, detail=detail)
        reader = Reader(os.environ, standard_input, feed)
        return Sources(reader.read(given.sources, given.variables), fetcher)
    except extcal.FeedUrlError as error:
        fail(error)
    except ValueError as error:
        raise click.UsageError(f"{error}.") from None


def standard_input() -> bytes:
    """The content of a pipe; or, on a terminal, one address, which is not shown."""
    if not sys.stdin.isatty():
        return sys.stdin.buffer.read(MOST_BYTES + 1)
    text: str = click.prompt("Address of the calendar (not shown)", hide_input=True, err=True)
    return text.encode()


def window_of(
    context: click.Context, given: SourceOptions, window: WindowOptions, detail: extcal.Detail
) -> CommandQuestion:
    """The local days asked for, from midnight to midnight."""
    shown = shown_zone(context, given.zone)
    first, last, days = window.first, window.last, window.days
    if last is not None and days is not None:
        raise click.UsageError("--to and --days both say where to end.")
    now = today(context, shown)
    start = _day("--from", first, now)
    try:
        # A weekday after --to is the next one from the first day on.
        end = start + timedelta(days=days or 7) if last is None else None
        end = end or _day("--to", last or "", max(start, now)) + timedelta(days=1)
    except OverflowError:
        raise click.UsageError("--from takes a day before the year 9999.") from None
    if end <= start:
        raise click.UsageError("--to is before --from.")
    first_midnight, last_midnight = (datetime.combine(day, time(), shown) for day in (start, end))
    return CommandQuestion(first_midnight, last_midnight, given.zone, shown, given.owner, detail)


def _day(option: str, words: str, today: date) -> date:
    try:
        return day_of(words, today)
    except ValueError:
        raise click.UsageError(
            f"{option} takes a day, such as tomorrow, monday or 2027-01-04."
        ) from None


def shown_zone(context: click.Context, zone: ZoneInfo | None) -> ZoneInfo:
    """The zone in which times are shown: the one that was named, else that of this computer."""
    return zone or setting_of(context).local()


def today(context: click.Context, zone: ZoneInfo) -> date:
    """The current date in ``zone``."""
    return setting_of(context).now().astimezone(zone).date()
