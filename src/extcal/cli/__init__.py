"""The command line: ``extcal check``, ``busy``, ``events``, ``slots`` and ``show``.

It needs the ``cli`` extra; importing this module does not. Addresses are secret. They come from
standard input, a file or an environment variable, never from the command line, because the
shell's history and the process list would show them.
"""

from __future__ import annotations

import io
import os
import sys

from extcal.arguments import discreet

__all__ = ["main"]


@discreet
def main() -> None:
    """Run the command line; ends the process with its exit code.

    0: answered; 1: nothing could be read; 2: wrong arguments; 3: answered, but part of the time
    is unknown.
    """
    try:
        import click
        import rich
    except ModuleNotFoundError as error:
        if error.name not in ("click", "rich"):
            raise
        print("The command line needs an extra: pip install 'extcal[cli]'", file=sys.stderr)
        raise SystemExit(1) from None
    del click, rich
    from extcal.cli.app import app

    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A title may hold what the locale's encoding has no sign for: it shows as "?".
            stream.reconfigure(errors="replace")
    try:
        try:
            app(prog_name="extcal")
        finally:
            sys.stdout.flush()
    except BrokenPipeError:
        # Whoever read the answer, such as ``head``, has seen enough. Python would flush again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(0) from None
