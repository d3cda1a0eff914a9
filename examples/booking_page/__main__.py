"""Start the example: ``make booking``, or ``python examples/booking_page [--port 8001]``.

A demo: the owner's two calendars are served by this machine, and everything is gone at the end.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from datetime import date, timedelta
from pathlib import Path

if __name__ == "__main__" and not __package__:
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

import extcal
from booking_page.owner import Owner
from extcal.testing import event, feed_text
from extcal.testing.server import FeedServer

__all__ = ["demo"]

BERLIN = "Europe/Berlin"
WORK, PRIVATE = "/calendars/work-5ec2e7.ics", "/calendars/private-5ec2e7.ics"


def demo(server: FeedServer, monday: date) -> Owner:
    """Ada, with two calendars on ``server``: work, and private with rules."""

    def at(day: int, time: str) -> str:
        return f"{monday + timedelta(days=day)}T{time}"

    server.serve(
        WORK,
        feed_text(
            event(at(0, "09:00"), "PT1H", summary="Stand-up", rrule="FREQ=DAILY", tz=BERLIN),
            event(at(1, "13:00"), "PT3H", summary="Workshop", tz=BERLIN),
        ),
    )
    server.serve(
        PRIVATE,
        feed_text(
            event(str(monday + timedelta(days=2)), summary="Bob's birthday"),
            event(at(3, "14:00"), "PT90M", summary="Dentist", tz=BERLIN),
        ),
    )
    birthdays = extcal.BusyPolicy(rules=(extcal.Rule("FREE", title_suffix="birthday"),))
    return Owner(
        name="Ada",
        timezone=BERLIN,
        calendars=(
            extcal.Feed(server.url(WORK), timezone=BERLIN, detail="busy"),
            extcal.Feed(server.url(PRIVATE), timezone=BERLIN, detail="busy", policy=birthdays),
        ),
        hours=extcal.WorkingHours("MO-FR", "09:00", "17:00", BERLIN),
    )


def main() -> int:
    """Run until it is interrupted; returns the exit code."""
    import uvicorn

    from booking_page.app import create_app

    parser = argparse.ArgumentParser(prog="booking_page", description="A booking page.")
    parser.add_argument("--port", type=int, default=8001, help="of 127.0.0.1 (8001)")
    port = parser.parse_args().port
    today = extcal.system_clock().date()
    with tempfile.TemporaryDirectory(prefix="booking-") as folder, FeedServer() as server:
        owner = demo(server, today - timedelta(days=today.weekday()))
        cache = extcal.CalendarCache(fetcher=extcal.HttpFetcher(allow_networks=server.networks))
        app = create_app(owner, Path(folder), cache, extcal.system_clock)
        print(f"\n  Open http://127.0.0.1:{port}/   (Ctrl-C ends it)\n", flush=True)
        uvicorn.run(app, host="127.0.0.1", port=port, log_level="warning", server_header=False)
    return 0


if __name__ == "__main__":
    sys.exit(main())
