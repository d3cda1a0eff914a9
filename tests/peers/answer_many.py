"""What recurring-ical-events says about many feeds: one JSON per line in, one per line out.

Runs in the peers' own environment, like ``compute.py``. In: ``{"body": text, "window": [from,
to]}``. Out: ``{"busy": [[from, to], ...]}``, or ``{"failed": name}``. Each feed is read in a
process of its own, because icalendar keeps the zones of one feed for the next.
"""

from __future__ import annotations

import json
import multiprocessing
import sys
import warnings
from datetime import datetime
from multiprocessing.connection import Connection

from compute import busy

SECONDS = 20


def answer(asked: dict[str, object], out: Connection) -> None:
    warnings.simplefilter("ignore")
    body, window = asked["body"], asked["window"]
    assert isinstance(body, str)
    assert isinstance(window, list)
    lo, hi = map(datetime.fromisoformat, window)
    try:
        spans = [[start.isoformat(), end.isoformat()] for start, end in busy(body.encode(), lo, hi)]
        out.send({"busy": spans})
    except Exception as error:
        out.send({"failed": type(error).__name__})


def main() -> None:
    # The libraries are imported once; each feed gets a copy of this process.
    import icalendar  # noqa: F401
    import recurring_ical_events  # type: ignore[import-not-found]  # noqa: F401

    context = multiprocessing.get_context("fork")
    for line in sys.stdin:
        here, there = context.Pipe(duplex=False)
        process = context.Process(target=answer, args=(json.loads(line), there))
        process.start()
        there.close()
        found = {"failed": "no answer"}
        try:
            if here.poll(SECONDS):
                found = here.recv()
        except EOFError:
            pass
        process.kill()
        process.join()
        here.close()
        print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main()
