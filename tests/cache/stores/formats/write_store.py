"""A store as a release leaves it behind: feeds that are well, and some that are not.

``python tests/cache/stores/formats/write_store.py 0.1.0`` writes ``0.1.0.sqlite`` beside this
file with the extcal that is installed, through its public interface only. What has been written
once is never written anew: it stands for what hosts have on their disks. A release writes its own.

Everything happens in the morning of Monday, 4 January 2027: read at 08:00, asked again at 08:45.
"""

from __future__ import annotations

import contextlib
import shutil
import sys
import tempfile
from pathlib import Path

import extcal
from extcal.testing import FakeFetcher, ManualClock, event, feed_text

FOLDER = Path(__file__).parent
SECRET = "a long random text of the host's"
READ_AT, ASKED_AT = "2027-01-04T08:00Z", "2027-01-04T08:45Z"
HOST = "https://calendar.example.org/"

FAILURES = {
    "down": extcal.Failed("timeout"),
    "patient": extcal.Refused(429, retry_after=4 * 3600),
    "refused": extcal.Refused(403),
    "gone": extcal.Gone(410),
}
"""What each of these addresses answered at 08:45, after it had been read at 08:00."""


def address(name: str) -> str:
    return f"{HOST}{name}.ics"


def feeds() -> dict[str, extcal.Feed]:
    """By name: every way of reading ``well``, and one feed for each kind of failure."""
    well = address("well")
    found = {
        "well": extcal.Feed(well),
        "well in Berlin": extcal.Feed(well, timezone="Europe/Berlin", owner="ada@example.org"),
        "well, busy": extcal.Feed(well, detail="busy"),
        "never read": extcal.Feed(address("never")),
    }
    return found | {name: extcal.Feed(address(name)) for name in FAILURES}


def body(name: str) -> str:
    return feed_text(
        event("2027-01-04T09:00Z", "PT1H", uid=f"{name}-utc", summary="Planning"),
        event("2027-01-05T09:00", "PT1H", uid=f"{name}-floating"),
        event("2027-01-06T09:00", "PT1H", uid=f"{name}-berlin", tz="Europe/Berlin"),
        event("2027-01-07", "P1D", uid=f"{name}-day"),
    )


def cache(
    store: extcal.Store, fetcher: object, clock: ManualClock, secret: str | None = None
) -> extcal.CalendarCache:
    """A cache over ``store`` whose back-off is at its longest."""
    return extcal.CalendarCache(
        store=store,
        fetcher=fetcher,  # type: ignore[arg-type]
        clock=clock,
        secret=secret,
        jitter=lambda: 1.0,
    )


def write(path: Path) -> None:
    """Fill a new store at ``path``."""
    clock = ManualClock(READ_AT)
    answers = {address(name): body(name) for name in ("well", *FAILURES)}
    web = FakeFetcher(answers, etags=True)
    web.set(address("never"), extcal.Failed("dns"))
    with extcal.SQLiteStore(path) as store:
        for secret in (None, SECRET):
            calendars = cache(store, web, clock, secret)
            for name, feed in feeds().items():
                if name != "never read":
                    calendars.get(feed)
        clock.set(ASKED_AT)
        for name, failure in FAILURES.items():
            web.set(address(name), failure)
        for secret in (None, SECRET):
            calendars = cache(store, web, clock, secret)
            for name in ("never read", *FAILURES):
                with contextlib.suppress(extcal.Unavailable):
                    calendars.get(feeds()[name])


if __name__ == "__main__":
    written = FOLDER / f"{sys.argv[1]}.sqlite"
    if written.exists():
        raise SystemExit(f"{written.name} was written by that release, and stays as it is")
    with tempfile.TemporaryDirectory() as directory:
        new = Path(directory) / "cells.db"
        write(new)
        # The last connection to close has written the log into the file.
        assert not new.with_name("cells.db-wal").exists()
        shutil.copyfile(new, written)
    print(f"{written.name}: {written.stat().st_size} bytes, by extcal {extcal.__version__}")
