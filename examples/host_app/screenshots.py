"""Make docs/images/host-*.png again: `make screenshots`.

It uses the application in the system's Chromium, on a fixed day, and takes pictures of its pages at
desktop and phone width, light and dark. Needs Playwright's Python package.
"""

from __future__ import annotations

import argparse
import os
import shutil
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

if __name__ == "__main__" and not __package__:
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

import uvicorn

from extcal.testing import ManualClock
from extcal.testing.server import FeedServer
from host_app import demo
from host_app.app import Settings, create_app

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

ROOT = Path(__file__).resolve().parent.parent.parent
MONDAY = date(2027, 1, 4)
ARGUMENTS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *(
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
    ),
]
SIZES = {"desktop": (1180, 860), "phone": (390, 844)}


@contextmanager
def site(clock: ManualClock) -> Iterator[tuple[str, FeedServer, dict[str, str]]]:
    """The demo on a free port: its address, the server of its calendars, their addresses."""
    with (
        tempfile.TemporaryDirectory(prefix="host-") as folder,
        FeedServer() as feeds,
        socket.socket() as listening,
    ):
        found = demo.addresses(feeds, MONDAY)
        app = create_app(
            Settings(Path(folder), https=False, clock=clock, allow_networks=feeds.networks)
        )
        demo.fill(app, MONDAY, found["Outlook-like"])
        listening.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", ws="none"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            while not server.started and thread.is_alive():
                time.sleep(0.01)
            yield f"http://127.0.0.1:{listening.getsockname()[1]}", feeds, found
        finally:
            server.should_exit = True
            thread.join()


def walk(page: Page, url: str, address: str, take: Callable[[str], None]) -> None:
    """The steps of a person who uses the application for the first time."""
    page.goto(f"{url}/sign-in")
    page.get_by_role("button", name="Ada Byron").click()
    page.goto(f"{url}/profile")
    if page.get_by_text("Remove …").count() == 0:
        page.get_by_label("External Calendar URL").fill(
            "https://calendar.google.com/calendar/embed"
        )
        page.get_by_role("button", name="Save", exact=True).click()
        take("profile-advice")
        page.get_by_label("External Calendar URL").fill(address)
        page.get_by_role("button", name="Save", exact=True).click()
    take("profile")
    page.goto(f"{url}/calendar/week?day={MONDAY}")
    take("week")
    page.goto(f"{url}/calendar/month?day={MONDAY}")
    take("month")
    page.goto(f"{url}/events/new?day={MONDAY + timedelta(days=1)}")
    page.get_by_label("Title", exact=True).fill("Roadmap")
    page.get_by_label("Bob Aldous").check()
    page.get_by_label("Length", exact=True).select_option("45")
    page.get_by_label("Time", exact=True).fill("11:30")
    page.get_by_label("Time", exact=True).blur()
    page.get_by_role("status").filter(has_text="11:30–12:15: everybody is free").wait_for()
    page.wait_for_function("!document.querySelector('#free-busy[aria-busy]')")
    take("new-event")


def stale(page: Page, url: str, clock: ManualClock, feeds: FeedServer) -> None:
    """The same a little later, with one publisher that cannot be read."""
    clock.advance(timedelta(minutes=47))
    feeds.fail("/owa/calendar/b0b@example.com/5ec2e7/calendar.ics", "500")
    page.goto(f"{url}/events/new?day={MONDAY + timedelta(days=1)}")
    page.get_by_label("Bob Aldous").check()
    page.get_by_text("Stale:").wait_for()


def photograph(browser: Browser, folder: Path, every: bool) -> None:
    """The pictures for the docs; with ``every``, all combinations of width and colours."""
    wanted = {
        "desktop-light": ("profile", "new-event", "week", "month"),
        "desktop-dark": ("new-event", "week"),
        "phone-light": ("new-event", "week", "profile-advice"),
        "phone-dark": ("month",),
    }
    for name, kept in wanted.items():
        width, scheme = name.split("-")
        clock = ManualClock(f"{MONDAY}T08:12Z")
        with site(clock) as (url, feeds, found):
            context = browser.new_context(
                viewport={"width": SIZES[width][0], "height": SIZES[width][1]},
                color_scheme="dark" if scheme == "dark" else "light",
                has_touch=width == "phone",
                reduced_motion="reduce",
            )
            page = context.new_page()

            def take(
                what: str, page: Page = page, name: str = name, kept: tuple[str, ...] = kept
            ) -> None:
                if every or what in kept:
                    file = folder / f"host-{what}-{name}.png"
                    whole = name[:5] + what != "phonemonth"
                    page.screenshot(path=file, full_page=whole, animations="disabled")

            walk(page, url, found["Google-like"], take)
            if every or name == "desktop-light":
                stale(page, url, clock, feeds)
                page.screenshot(path=folder / f"host-stale-{name}.png", full_page=True)
            context.close()


def main() -> int:
    parser = argparse.ArgumentParser(description="Photograph the host application.")
    images = ROOT / "docs" / "images"
    parser.add_argument("--into", type=Path, metavar="FOLDER", default=images)
    parser.add_argument("--every", action="store_true", help="every page, width and colour")
    arguments = parser.parse_args()
    found = os.environ.get("EXTCAL_CHROMIUM") or shutil.which("chromium")
    if found is None:
        print("There is no chromium on PATH: no pictures.", file=sys.stderr)
        return 1
    from playwright.sync_api import sync_playwright

    arguments.into.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=ARGUMENTS)
        photograph(browser, arguments.into, arguments.every)
        browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
