"""TEXT values (RFC 5545 section 3.3.11)."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        (r"a\, b\; c", "a, b; c"),
        (r"one\ntwo\Nthree", "one\ntwo\nthree"),
        (r"back\\slash \\n", "back\\slash \\n"),
        (r"unknown \x stays", r"unknown \x stays"),
        ("  blank  ", "blank"),
        ("", None),
        ("colon: and; semicolon", "colon: and; semicolon"),
        ("a\u2028 and \x85 are text", "a\u2028 and \x85 are text"),
    ],
)
def test_escapes(corridor: Any, written: str, shown: str | None) -> None:
    """ "A BACKSLASH character in a TEXT property value MUST be escaped with another BACKSLASH"."""
    event = corridor.event("DTSTART:20270104T080000Z", f"SUMMARY:{written}", f"LOCATION:{written}")
    (found,) = corridor.expand(event).events
    assert (found.summary, found.location) == (shown, shown)


def test_uids_are_case_sensitive(corridor: Any) -> None:
    """ "all other property values are case-sensitive" (section 2)."""
    events = [corridor.event("DTSTART:20270104T080000Z", uid=uid) for uid in ("Ab", "aB")]
    assert [event.uid for event in corridor.expand(*events).events] == ["Ab", "aB"]
