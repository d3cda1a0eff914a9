"""The files that commands write: a page, an image, a report."""

from __future__ import annotations

from html import escape
from pathlib import Path

import click

from extcal.cli.output.screen import clean

__all__ = ["page_of", "write_bytes", "write_text"]


def page_of(title: str, fragment: str) -> str:
    """A page of its own that shows ``fragment``."""
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(clean(title))}</title>"
        "<style>body{margin:0;padding:16px}:root{color-scheme:light dark}"
        # The picture shows the title itself; a heading is how screen readers find it.
        "h1{position:absolute;clip-path:inset(50%);width:1px;height:1px;overflow:hidden}</style>"
        f"</head>\n<body><main><h1>{escape(clean(title))}</h1>{fragment}</main></body></html>\n"
    )


def write_text(path: Path, text: str) -> None:
    """Write to ``path``; - is standard output. Raises click.UsageError if that cannot be done."""
    if str(path) == "-":
        click.echo(text, nl=False)
        return
    write_bytes(path, text.encode())


def write_bytes(path: Path, data: bytes) -> None:
    """The same for bytes, and a file only."""
    try:
        path.write_bytes(data)
    except OSError as error:
        raise click.UsageError(f"{path}: {error.strerror or 'cannot be written'}.") from None
