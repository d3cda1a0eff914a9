"""The commands. ``input`` reads what they are given; ``check`` and ``output`` answer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import NoReturn
from zoneinfo import ZoneInfo

import click
from rich.text import Text

import extcal
from extcal.cli.check.canary import AddressRecord, canary, record_json, record_text
from extcal.cli.check.inspect import Checked, checked_json, checked_text, reads_the_same
from extcal.cli.check.inspect import check as check_one
from extcal.cli.check.redact import redacted
from extcal.cli.input.gather import CommandQuestion, Gathered, gather
from extcal.cli.input.options import (
    HOURS,
    LENGTH,
    UTC_ZONE,
    Setting,
    SourceOptions,
    Sources,
    WindowOptions,
    read_sources,
    setting_of,
    shown_zone,
    source_options,
    today,
    window_of,
    window_options,
)
from extcal.cli.output.report import (
    as_json,
    busy_json,
    busy_text,
    days_text,
    events_json,
    events_text,
    problem_lines,
    slots_json,
    zone_text,
)
from extcal.cli.output.screen import (
    NOTHING_READ,
    PARTLY_UNKNOWN,
    clean,
    counted,
    error_lines,
    fail,
    note,
    say,
    terminal_width,
)
from extcal.cli.output.timeline import timeline
from extcal.cli.output.written import page_of, write_bytes, write_text

__all__ = ["Setting", "app"]


_EXAMPLES = {
    "check": (
        "extcal check ada.ics",
        "extcal check < address.txt",
        "extcal check --canary < address.txt",
        "extcal check --report report.ics ada.ics",
    ),
    "busy": (
        "extcal busy ada.ics",
        "extcal busy --from monday --days 5 -z Europe/Berlin Ada=ada.ics Bob=bob.ics",
    ),
    "events": (
        "extcal events --from tomorrow --days 1 ada.ics",
        "extcal events --why --json ada.ics",
    ),
    "slots": (
        "extcal slots --duration 45m --hours 9-17 ada.ics bob.ics",
        "extcal slots --from monday --to friday --hours 'Mon-Thu 9:30-16' ada.ics bob.ics",
    ),
    "show": (
        "extcal show --hours 9-17 --duration 1h ada.ics bob.ics",
        "extcal show --html week.html --from monday --days 5 ada.ics",
    ),
}


def _examples(command: str) -> str:
    # After \b, click leaves lines as they are.
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in _EXAMPLES[command])


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(extcal.__version__, prog_name="extcal")
def app() -> None:
    """When is this person busy, according to the calendar they keep elsewhere?

    Every command reads calendars from files, or their addresses from standard input, from files
    with one address per line, or from environment variables. An address is as sensitive as a
    password: it is never taken from the command line, and never shown.

    Exit codes: 0 answered, 1 nothing could be read, 2 wrong arguments, 3 answered, but part of
    the time is unknown.
    """


@app.command(epilog=_examples("check"))
@source_options
@click.option(
    "--canary",
    "wants_record",
    is_flag=True,
    help="Ask the publisher once with each User-Agent, and print a record to send in.",
)
@click.option(
    "--report",
    type=click.Path(dir_okay=False, path_type=Path, allow_dash=True),
    metavar="FILE",
    help="Write the calendar without titles, names, addresses and UIDs, to send in; - is standard "
    "output.",
)
@click.pass_context
def check(
    context: click.Context,
    given: SourceOptions,
    wants_record: bool,
    report: Path | None,
) -> None:
    """Say whether a calendar can be used, and where it differs from the standard.

    Prints who publishes it, its size and how long it took, the zones of its times, what is in
    the next three months, and every problem.

    With --canary: how its publisher treats each User-Agent that extcal has. The record contains
    statuses, sizes and times, but no address and no title.

    With --report: one calendar is also written to FILE, in which every title, name, address and
    UID is replaced, and which still shows what is odd. Read it before you send it.
    """
    from dateutil.relativedelta import relativedelta

    read = read_sources(context, given, "busy")
    if wants_record:
        _record(context, read, given.wants_json)
    shown = shown_zone(context, given.zone)
    start = datetime.combine(today(context, shown), time(), shown)
    end = start + relativedelta(months=3)
    with counted(read.fetcher, len(read.givens), None) as fetcher:
        found = [
            check_one(one, start, end, given.zone, given.owner, fetcher) for one in read.givens
        ]
    if report is not None:
        _report(report, found, given.zone)
    if given.wants_json:
        say(as_json({"calendars": [checked_json(each) for each in found]}))
    for index, each in enumerate(found):
        if not given.wants_json and str(report) != "-":
            say(*([""] if index else []), *checked_text(each))
        if each.error is not None:
            note(*error_lines(each.error))
    if all(each.error is not None for each in found):
        context.exit(NOTHING_READ)
    doubtful = any(each.unknown or each.error is not None for each in found)
    context.exit(PARTLY_UNKNOWN if doubtful else 0)


@app.command(epilog=_examples("busy"))
@source_options
@window_options
@click.pass_context
def busy(
    context: click.Context,
    given: SourceOptions,
    window: WindowOptions,
) -> None:
    """Print when somebody is busy: types and times, no titles.

    Several calendars with one NAME belong to one person.
    """
    read = read_sources(context, given, "busy")
    question = window_of(context, given, window, "busy")
    gathered = _gather(context, read, question, window.progress)
    if given.wants_json:
        say(as_json(busy_json(gathered, question.shown)))
    else:
        say(*_by_name(gathered, question))
    _end(context, gathered, unknown=gathered.unknown)


@app.command(epilog=_examples("events"))
@source_options
@window_options
@click.option("--why", is_flag=True, help="Say which property decided about each event.")
@click.option("--no-titles", is_flag=True, help="Times and types only.")
@click.pass_context
def events(
    context: click.Context,
    given: SourceOptions,
    window: WindowOptions,
    why: bool,
    no_titles: bool,
) -> None:
    """Print the events of a calendar, for its owner.

    Every occurrence on the days asked for, with its title, its place and its type.
    """
    detail: extcal.Detail = "busy" if no_titles else "events"
    read = read_sources(context, given, detail)
    question = window_of(context, given, window, detail)
    gathered = _gather(context, read, question, window.progress)
    if given.wants_json:
        say(as_json(events_json(gathered, question.shown)))
    else:
        found = [event for each in gathered.found for event in each.events]
        say(*events_text(found, question.shown, why=why))
        if not all(event.all_day for event in found):
            say(zone_text(question))
    whole = all(each.events_complete for each in gathered.found)
    if not whole:
        note("There are more events than are listed; free/busy time has them all.")
    _end(context, gathered, unknown=gathered.unknown or not whole)


@app.command(epilog=_examples("slots"))
@source_options
@window_options
@click.option(
    "-l",
    "--duration",
    type=LENGTH,
    default="30m",
    show_default=True,
    metavar="LENGTH",
    help="How long to meet, such as 45m or 1h30m.",
)
@click.option(
    "-H",
    "--hours",
    type=HOURS,
    multiple=True,
    metavar="'MO-FR 09:00-17:00'",
    help="Working hours, such as 9-17 (Monday to Friday); several are joined.",
)
@click.option("--step", type=LENGTH, metavar="LENGTH", help="Slots start on multiples of this.")
@click.option(
    "--buffer",
    type=LENGTH,
    default="0m",
    metavar="LENGTH",
    help="Free time to keep before and after.",
)
@click.option(
    "--optional", multiple=True, metavar="NAME", help="A person who does not have to be free."
)
@click.option(
    "--assume-free",
    multiple=True,
    metavar="NAME",
    help="A person whose unknown time counts as free.",
)
@click.pass_context  # fmt: skip
def slots(
    context: click.Context,
    given: SourceOptions,
    window: WindowOptions,
    duration: timedelta,
    hours: tuple[tuple[str, str, str], ...],
    step: timedelta | None,
    buffer: timedelta,
    optional: tuple[str, ...],
    assume_free: tuple[str, ...],
) -> None:
    """Print when everybody is free.

    Ends with 3 if somebody's unknown time removed slots; standard error says whose.
    """
    read = read_sources(context, given, "busy")
    question = window_of(context, given, window, "busy")
    gathered = _gather(context, read, question, window.progress)
    try:
        found = gathered.table.common_free(
            duration,
            hours=_hours(hours, question.shown),
            optional=optional,
            assume_free=assume_free,
            step=step,
            buffer=buffer,
            timezone=question.shown,
        )
    except ValueError as error:
        raise click.UsageError(f"{error}.") from None
    if given.wants_json:
        say(as_json(slots_json(gathered, found, duration, question.shown)))
    elif found.slots:
        stretches = [(slot.start, slot.end, "") for slot in found.slots]
        say(*days_text(stretches, question.shown), zone_text(question))
    else:
        say("No time in which everybody is free.")
    if found.limited_by:
        names = ", ".join(clean(name) for name in found.limited_by)
        note(f"There may be more: part of the time of {names} is unknown.")
    _end(context, gathered, unknown=bool(found.limited_by))


@app.command(epilog=_examples("show"))
@source_options
@window_options
@click.option(
    "--html",
    type=click.Path(dir_okay=False, path_type=Path, allow_dash=True),
    metavar="FILE",
    help="Write a page that shows it; - is standard output.",
)
@click.option(
    "--svg",
    type=click.Path(dir_okay=False, path_type=Path, allow_dash=True),
    metavar="FILE",
    help="Write an image of it.",
)
@click.option("--title", default="Availability", show_default=True)
@click.option(
    "-H",
    "--hours",
    type=HOURS,
    multiple=True,
    metavar="'MO-FR 09:00-17:00'",
    help="Working hours to shade, such as 9-17 (Monday to Friday).",
)
@click.option(
    "-l",
    "--duration",
    type=LENGTH,
    metavar="LENGTH",
    help="Mark when all are free for so long.",
)
@click.pass_context  # fmt: skip
def show(
    context: click.Context,
    given: SourceOptions,
    window: WindowOptions,
    html: Path | None,
    svg: Path | None,
    title: str,
    hours: tuple[tuple[str, str, str], ...],
    duration: timedelta | None,
) -> None:
    """Draw who is busy when: in the terminal, as a page or as an image.

    Types and times, no titles. The page is one file without scripts.
    """
    read = read_sources(context, given, "busy")
    question = window_of(context, given, window, "busy")
    gathered = _gather(context, read, question, window.progress)
    table, working = gathered.table, _hours(hours, question.shown)
    marked = table.common_free(duration, hours=working).slots if duration else ()
    if html is not None:
        write_text(html, page_of(title, table.to_html(question.shown, working, marked, title)))
    if svg is not None:
        write_text(svg, table.to_svg(question.shown, working, marked, title))
    if given.wants_json:
        say(as_json(busy_json(gathered, question.shown)))
    elif html is None and svg is None:
        shown = marked if duration else None
        say(*timeline(table, question, working, shown, terminal_width()))
    _end(context, gathered, unknown=gathered.unknown)


def _record(context: click.Context, read: Sources, wants_json: bool) -> NoReturn:
    feeds = [given.data for given in read.givens if isinstance(given.data, extcal.Feed)]
    fetcher = read.fetcher
    if len(feeds) < len(read.givens) or not isinstance(fetcher, extcal.HttpFetcher):
        raise click.UsageError("--canary takes addresses on the web, not calendars in files.")
    records: list[AddressRecord] = []
    for feed in feeds:
        record = canary(feed, fetcher, today(context, UTC_ZONE))
        if not wants_json:
            # At once: if the next publisher takes minutes, somebody may not wait for it.
            say(*([""] if records else []), *record_text(record))
        if record.error is not None:
            note(*error_lines(record.error))
        records.append(record)
    if wants_json:
        say(as_json({"records": [record_json(each) for each in records]}))
    if all(each.error is not None for each in records):
        context.exit(NOTHING_READ)
    context.exit(PARTLY_UNKNOWN if any(each.error is not None for each in records) else 0)


def _report(path: Path, found: Sequence[Checked], zone: ZoneInfo | None) -> None:
    if len(found) != 1:
        raise click.UsageError("--report takes one calendar.")
    if not found[0].data:
        return  # it could not be read, which is said
    report = redacted(found[0].data)
    if str(path) == "-":
        click.echo(report, nl=False)
    else:
        write_bytes(path, report)
    if reads_the_same(found[0], report, zone):
        note("The report has the same times and problems. Read it before you send it.")
    else:
        note("The report reads differently from the calendar: what is odd is in what was replaced.")


# -- what they share ------------------------------------------------------------------------------


def _gather(
    context: click.Context, read: Sources, question: CommandQuestion, progress: bool | None
) -> Gathered:
    now = setting_of(context).now().astimezone(UTC)
    try:
        gathered = gather(read.givens, question, lambda: now, read.fetcher, progress)
    except extcal.OutsideHorizon as error:
        raise click.UsageError(str(error)) from None
    alone = len(gathered.found) == 1
    for each in gathered.found:
        if each.error is not None and alone:
            fail(each.error)
        if each.error is not None:
            note(*error_lines(each.error, each.name))
    if gathered.nothing:
        context.exit(NOTHING_READ)
    return gathered


def _end(context: click.Context, gathered: Gathered, *, unknown: bool) -> NoReturn:
    alone = len(gathered.found) == 1
    for each in gathered.found:
        note(*problem_lines(each.problems, "" if alone else each.name))
    context.exit(PARTLY_UNKNOWN if unknown else 0)


def _by_name(gathered: Gathered, question: CommandQuestion) -> Iterator[str | Text]:
    for index, (name, free_busy) in enumerate(gathered.table.items()):
        if len(gathered.table) > 1:
            yield from [""] if index else []
            yield Text(clean(name), style="bold underline")
        yield from busy_text(free_busy, question.shown)
    if any(free_busy.periods or free_busy.unknown for free_busy in gathered.table.values()):
        yield zone_text(question)


def _hours(hours: Iterable[tuple[str, str, str]], zone: ZoneInfo) -> extcal.WorkingHours | None:
    joined: extcal.WorkingHours | None = None
    for days, start, end in hours:
        one = extcal.WorkingHours(days, start, end, zone)
        joined = one if joined is None else joined | one
    return joined
