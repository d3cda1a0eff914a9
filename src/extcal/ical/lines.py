"""Content lines (RFC 5545 section 3.1): bytes in, unfolded and decoded lines out."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["Line"]


class Line(NamedTuple):
    """One logical line. ``name`` and parameter names are in upper case, values as written."""

    offset: int  # of its first byte in the feed
    name: str
    params: dict[str, str]  # several values of one parameter stay joined by ","; quotes removed
    value: str
