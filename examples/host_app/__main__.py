"""Start the example: ``make host``, or ``python examples/host_app [--port 8000] [--data FOLDER]
[--locale de]``.

Without --data it is a demo: its data is in a folder that is deleted at the end, and this machine
serves two calendars whose addresses can be pasted. With --data it keeps its data, and reads
calendars on the public internet only.
"""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

if __name__ == "__main__" and not __package__:
    # A folder that is started by its path is not a package; this makes the imports work.
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

_MISSING = """\
The example needs a few libraries more: {}
    make host
or  python -m pip install -e ".[examples]"   in a clone of extcal"""


def main() -> int:
    """Run until it is interrupted; returns the exit code."""
    parser = argparse.ArgumentParser(prog="host_app", description="A small host of extcal.")
    parser.add_argument("--port", type=int, default=8000, help="of 127.0.0.1 (8000)")
    parser.add_argument("--data", type=Path, metavar="FOLDER", help="keep everything there")
    parser.add_argument("--locale", help="such as de or en-US: words, dates and the clock")
    arguments = parser.parse_args()
    try:
        import uvicorn

        from host_app.app import Settings, create_app
    except ImportError as error:
        print(_MISSING.format(error), file=sys.stderr)
        return 1
    import extcal
    from extcal.testing.server import FeedServer
    from host_app import demo

    today = extcal.system_clock().date()
    monday = today + timedelta(
        days=-today.weekday() if today.weekday() < 4 else 7 - today.weekday()
    )
    # "kill" ends it like Ctrl-C, so that the demo's data is deleted in both cases.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(0))
    with ExitStack() as stack:
        if arguments.data is None:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="host-")))
            server = stack.enter_context(FeedServer())
            found = demo.addresses(server, monday)
            # The demo's calendars are on this machine. Your own application must not allow
            # networks.
            app = create_app(
                Settings(
                    folder,
                    https=False,
                    locale=arguments.locale,
                    allow_networks=server.networks,
                    addresses=found,
                )
            )
            demo.fill(app, monday, found["Outlook-like"])
            print(
                "\n  A demo; all it keeps is gone when it ends. Addresses to paste in My Profile:"
            )
            for name, address in found.items():
                print(f"    {name:<13} {address}")
        else:
            app = create_app(Settings(arguments.data, https=False, locale=arguments.locale))
            demo.fill(app, monday)
        print(f"\n  Open http://127.0.0.1:{arguments.port}/   (Ctrl-C ends it)\n", flush=True)
        uvicorn.run(
            app, host="127.0.0.1", port=arguments.port, log_level="warning", server_header=False
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
