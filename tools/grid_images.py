"""Make docs/images/grid-*.png, the pictures of availability: `make screenshots`.

Draws a fixed week of made-up people in the system's Chromium, at desktop and phone width, light
and dark. Needs Playwright's Python package.

    python tools/grid_images.py [--into FOLDER]
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import sys
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import extcal
from extcal.testing import FakeFetcher, ManualClock, event, feed_text

if TYPE_CHECKING:
    from playwright.sync_api import Browser

ROOT = Path(__file__).resolve().parent.parent
ZONE = ZoneInfo("Europe/Berlin")
MONDAY = datetime(2027, 1, 4, tzinfo=ZONE)
HOURS = extcal.WorkingHours("MO-FR", "09:00", "17:00", "Europe/Berlin")
NEW_YORK = extcal.WorkingHours("MO-FR", "09:00", "17:00", "America/New_York")
NAMES = ("Ada", "Bob", "Chidi", "דניאל", "Esra")
TITLES = ("Stand-up", "Planning", "Review", "Dentist", "Interview", "1:1", "Lunch with Bob")
STATUS = "X-MICROSOFT-CDO-BUSYSTATUS:"
ARGUMENTS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update"),
]
PAGE = (
    '<!doctype html><html lang="en"><head><meta charset="utf-8">'
    '<meta name="viewport" content="width=device-width,initial-scale=1"><style>'
    ":root{{color-scheme:light dark}}body{{margin:12px}}</style></head><body>{}</body></html>"
)


def calendar(chance: random.Random, days: int) -> str:
    """An invented person's feed: meetings on weekdays, and sometimes a day away."""
    found = []
    for number in range(days):
        day = date(2027, 1, 4) + timedelta(days=number)
        if day.weekday() > 4:
            continue
        for hour in sorted(chance.sample((9, 10, 11, 13, 14, 15, 16), chance.randint(0, 2))):
            kind = chance.choice(["BUSY"] * 5 + ["TENTATIVE", "OOF", "WORKINGELSEWHERE"])
            length = chance.choice(["PT30M", "PT1H", "PT90M"])
            start, title = f"{day}T{hour:02}:00", chance.choice(TITLES)
            found.append(
                event(start, length, tz="Europe/Berlin", summary=title, extra=STATUS + kind)
            )
        if chance.random() < 0.04:
            end = str(day + timedelta(days=chance.randint(1, 3)))
            found.append(event(str(day), end, summary="Holiday", extra=STATUS + "OOF"))
    found.append(event("2027-01-06", summary="Birthday of Ada", transparent=True))
    return feed_text(*found, prodid="-//Microsoft Corporation//Outlook//EN")


def calendars(names: tuple[str, ...], days: int, broken: str = "") -> extcal.CalendarCache:
    """A cache that reads these people's calendars; ``broken`` names one that cannot be read."""
    answers: dict[str | extcal.Feed, str] = {}
    for number, name in enumerate(names):
        body = calendar(random.Random(number + 4), days)
        answers[address(name)] = "<html>Sign in</html>" if name == broken else body
    clock = ManualClock(datetime(2027, 1, 3, 23, 30, tzinfo=ZoneInfo("UTC")))
    return extcal.CalendarCache(fetcher=FakeFetcher(answers), clock=clock)


def address(name: str) -> str:
    return f"https://calendars.example/{NAMES.index(name) if name in NAMES else name[7:]}.ics"


def table(names: tuple[str, ...], days: int, broken: str = "") -> extcal.Availability:
    people = {name: extcal.Feed(address(name), timezone="Europe/Berlin") for name in names}
    cache = calendars(names, days, broken)
    return cache.availability(people, MONDAY, MONDAY + timedelta(days=days))


def week() -> str:
    """Five people, one of them in New York, one unknown, and common slots of the others."""
    found = table(NAMES, 5, broken="Chidi")
    hours = {**dict.fromkeys(NAMES, HOURS), "Esra": NEW_YORK}
    slots = found.common_free(timedelta(minutes=30), hours=hours, assume_free=["Chidi"]).slots
    return found.to_html("Europe/Berlin", hours, slots, "Who is free?")


def fifty() -> str:
    names = NAMES + tuple(f"Person {number}" for number in range(6, 51))
    return table(names, 5).to_html("Europe/Berlin", HOURS, (), "A whole department")


def quarter() -> str:
    return table(NAMES, 91).to_html("Europe/Berlin", HOURS, (), "Three months")


def owner() -> str:
    snapshot = calendars(("Ada",), 28).get(extcal.Feed(address("Ada"), timezone="Europe/Berlin"))
    return snapshot.to_html("Europe/Berlin", HOURS, "Ada's calendar, as Ada sees it")


def photograph(browser: Browser, folder: Path) -> None:
    """One picture each, cut to the figure."""
    wanted = (
        ("desktop-light", week(), 1180, "light"),
        ("desktop-dark", week(), 1180, "dark"),
        ("phone", week(), 390, "light"),
        ("fifty", fifty(), 1180, "light"),
        ("months", quarter(), 1180, "light"),
        ("owner", owner(), 1180, "light"),
    )
    for name, drawn, width, scheme in wanted:
        context = browser.new_context(
            viewport={"width": width, "height": 800},
            color_scheme="dark" if scheme == "dark" else "light",
        )
        page = context.new_page()
        page.set_content(PAGE.format(drawn))
        page.locator("figure").screenshot(path=folder / f"grid-{name}.png")
        context.close()


def main() -> int:
    parser = argparse.ArgumentParser(description="Photograph the pictures of availability.")
    folder = ROOT / "docs" / "images"
    parser.add_argument("--into", type=Path, metavar="FOLDER", default=folder)
    into: Path = parser.parse_args().into
    found = os.environ.get("EXTCAL_CHROMIUM") or shutil.which("chromium")
    if found is None:
        print("There is no chromium on PATH: no pictures.", file=sys.stderr)
        return 1
    from playwright.sync_api import sync_playwright

    into.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=ARGUMENTS)
        photograph(browser, into)
        browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
