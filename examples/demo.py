"""The main task of extcal from beginning to end, on your own machine: `make demo`.

Two people paste the secret addresses of their external calendars: Ada's is Google-like, Bob's
Outlook-like. Both are served from this machine, on the loopback interface. Bob's server refuses
programs that it does not know, as Microsoft's servers do. The application asks for their
availability, asks again at once, and asks once more 31 minutes later.

    python examples/demo.py [--into FOLDER] [--picture FILE.svg]

With --picture, only the SVG is drawn, for a fixed week, so that it is the same on every day.
"""

from __future__ import annotations

import argparse
import io
import os
import re
import sys
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import extcal
from extcal.testing import ManualClock
from extcal.testing.server import FeedServer

HERE = Path(__file__).resolve().parent
ZONE = ZoneInfo("Europe/Berlin")
HOURS = extcal.WorkingHours("MO-FR", "09:00", "17:00", "Europe/Berlin")
MEETING = timedelta(minutes=45)
WEEKDAYS = ("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")
WORDS = {
    extcal.FBType.BUSY: "busy",
    extcal.FBType.BUSY_TENTATIVE: "tentative",
    extcal.FBType.BUSY_UNAVAILABLE: "unavailable",
    extcal.FBType.WORKING_ELSEWHERE: "working elsewhere",
}


def main() -> None:
    """Run the demo, or only draw its picture."""
    parser = argparse.ArgumentParser(description="Reads two pasted addresses, and draws a picture.")
    parser.add_argument("--picture", type=Path, metavar="FILE.svg", help="only draw a fixed week")
    folder = HERE.parent / "build" / "demo"
    parser.add_argument("--into", type=Path, metavar="FOLDER", default=folder, help="for pictures")
    arguments = parser.parse_args()
    picture: Path | None = arguments.picture
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal may not know every dash
    today = date(2026, 12, 30) if picture else datetime.now(ZONE).date()
    monday = today + timedelta(days=7 - today.weekday())
    with FeedServer() as server:
        clock = ManualClock(datetime.combine(today, time(8), UTC))
        if picture:
            calendars, feeds, _ = look_once(server, clock, monday)
            start, end = week(monday)
            draw(calendars.availability(feeds, start, end), picture)
        else:
            tell(server, clock, monday, arguments.into)


def look_once(
    server: FeedServer, clock: ManualClock, monday: date
) -> tuple[extcal.CalendarCache, dict[str, extcal.Feed], dict[str, str]]:
    """Serve both feeds, and do what a profile form does with the addresses pasted into it."""
    pasted = {
        "Ada": serve(server, "google", monday, "/calendar/ical/ada%40example.org/private-5ec2e7/"),
        "Bob": serve(server, "outlook", monday, "/owa/calendar/b0b@example.com/5ec2e7/"),
    }
    feeds = {
        "Ada": extcal.Feed.from_user_input(f"  <{pasted['Ada']}> ", owner="ada@example.org"),
        "Bob": extcal.Feed.from_user_input(pasted["Bob"], timezone="Europe/London"),
    }
    # Private networks, and so the loopback interface, are refused unless the application allows
    # them.
    fetcher = extcal.HttpFetcher(allow_networks=server.networks)
    return extcal.CalendarCache(fetcher=fetcher, clock=clock), feeds, pasted


def serve(server: FeedServer, template: str, monday: date, path: str) -> str:
    """Fill in a template's dates and serve it; returns the address, which has to stay secret."""
    text = (HERE / "feeds" / f"{template}.ics.in").read_text("utf-8")
    body = re.sub(
        r"\{(" + "|".join(WEEKDAYS) + r")([+-]\d+)?\}",
        lambda found: f"{_day(monday, found[1], int(found[2] or 0)):%Y%m%d}",
        text,
    )
    path += "basic.ics" if template == "google" else "calendar.ics"
    if template == "outlook":
        server.fail(path, "not a browser")
    return server.serve(path, body.replace("\n", "\r\n"), etag=f'"{template}-1"')


def _day(monday: date, weekday: str, offset: int) -> date:
    return monday + timedelta(days=WEEKDAYS.index(weekday) + offset)


def week(monday: date) -> tuple[datetime, datetime]:
    """Monday's first instant and Saturday's, in the zone of the reader."""
    start = datetime.combine(monday, time(), ZONE)
    return start, datetime.combine(monday + timedelta(days=5), time(), ZONE)


def tell(server: FeedServer, clock: ManualClock, monday: date, folder: Path) -> None:
    """The whole demo in five steps; the pictures go into ``folder``."""
    calendars, feeds, pasted = look_once(server, clock, monday)
    start, end = week(monday)

    heading("1", "Two people paste an address into their profile")
    for name, feed in feeds.items():
        kind = "Google-like" if name == "Ada" else "Outlook-like"
        print(f"   {name}  {kind:<13} {len(pasted[name])} characters, kept as {feed!r}")
    print(dim("   The address is secret: no repr, log line or error of extcal shows it."))

    heading("2", f"When are they busy, {words(start)} to {words(end - timedelta(days=1))}?")
    table = calendars.availability(feeds, start, end)
    for day in range(5):
        lines = of_day(table, feeds, start + timedelta(days=day))
        for number, line in enumerate(lines):
            print(
                f"   {bold(words(start + timedelta(days=day))) if not number else ' ' * 10}  {line}"
            )
    print(
        dim("   Declined and cancelled events are absent; free and working elsewhere do not block.")
    )

    heading("3", f"When could they meet for {MEETING.seconds // 60} minutes, within working hours?")
    for slot in table.common_free(MEETING, hours=HOURS).slots:
        print(f"   {green('free')}  {words(slot.start)}  {clock_words(slot.start, slot.end)}")

    heading("4", "For exactly thirty minutes nothing is fetched again")
    twice = len(server.requests) - len(feeds)
    print(f"   first look           {len(feeds)} requests, and {twice} once more as a browser")
    for request in server.requests:
        who = "Bob" if request.path.startswith("/owa/") else "Ada"
        print(dim(f"                        {who}  {request.headers['user-agent']}"))
    print(dim("   Bob's publisher refuses programs. From now on it gets the name it accepts."))
    tell_of_requests(server, calendars, clock, feeds, start, end, timedelta(minutes=0))
    tell_of_requests(server, calendars, clock, feeds, start, end, timedelta(minutes=31))

    heading("5", "The same as a picture")
    for suffix in ("html", "svg"):
        file = folder / f"availability.{suffix}"
        draw(table, file)
        print(f"   {_short(file)}")
    print()


def tell_of_requests(
    server: FeedServer,
    calendars: extcal.CalendarCache,
    clock: ManualClock,
    feeds: Mapping[str, extcal.Feed],
    start: datetime,
    end: datetime,
    later: timedelta,
) -> None:
    """Ask again after ``later``, and print the requests that the publishers got."""
    before = len(server.requests)
    clock.advance(later)
    calendars.availability(feeds, start, end)
    made = server.requests[before:]
    when = f"{later.seconds // 60} minutes later" if later else "looked at again"
    conditional = sum("if-none-match" in request.headers for request in made)
    said = f"{len(made) or 'no'} requests"
    if conditional:
        said += f", {conditional} of them conditional: “has it changed?” – “304 Not Modified”"
    print(f"   {when:<20} {said}")


def of_day(
    table: extcal.Availability, people: Mapping[str, extcal.Feed], day: datetime
) -> list[str]:
    """One day as text, one line per person."""
    lines = []
    for name in people:
        today = table[name].clip(day, day + timedelta(days=1))
        parts = [
            f"{WORDS[period.fbtype]} {clock_words(period.start, period.end)}" for period in today
        ]
        parts += [f"unknown {clock_words(gap.start, gap.end)}" for gap in today.unknown]
        lines.append(f"{name}  {', '.join(parts) or 'free'}")
    return lines


def draw(table: extcal.Availability, file: Path) -> None:
    """Write the picture of ``table`` to ``file``, as its suffix says."""
    slots = table.common_free(MEETING, hours=HOURS).slots
    paint = table.to_html if file.suffix == ".html" else table.to_svg
    drawn = paint(timezone=ZONE, hours=HOURS, slots=slots, title="Who is free next week?")
    if file.suffix == ".html":
        drawn = PAGE.replace("{}", drawn)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(drawn, "utf-8")


PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1"><title>extcal demo</title>
<style>:root{color-scheme:light dark}body{margin:2vmin}</style></head><body>{}</body></html>
"""


def words(moment: datetime) -> str:
    """Such as ``Mon  4 Jan``, whatever the locale."""
    local = moment.astimezone(ZONE)
    month = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()[local.month - 1]
    return f"{WEEKDAYS[local.weekday()].title()} {local.day:>2} {month}"


def clock_words(start: datetime, end: datetime) -> str:
    """Such as ``09:30–09:45``, or ``all day``."""
    first, last = (f"{moment.astimezone(ZONE):%H:%M}" for moment in (start, end))
    if last == "00:00":
        last = "24:00"
    return "all day" if (first, last) == ("00:00", "24:00") else f"{first}–{last}"


def heading(number: str, text: str) -> None:
    print(f"\n{bold(f'{number}. {text}')}")


def bold(text: str) -> str:
    return _painted(text, "1")


def dim(text: str) -> str:
    return _painted(text, "2")


def green(text: str) -> str:
    return _painted(text, "32")


def _painted(text: str, code: str) -> str:
    plain = "NO_COLOR" in os.environ or not sys.stdout.isatty()
    return text if plain else f"\x1b[{code}m{text}\x1b[0m"


def _short(file: Path) -> str:
    return str(file.relative_to(Path.cwd())) if file.is_relative_to(Path.cwd()) else str(file)


if __name__ == "__main__":
    main()
