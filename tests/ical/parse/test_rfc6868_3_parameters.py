"""Parameter values (RFC 6868 section 3, RFC 5545 section 3.2)."""

from __future__ import annotations

import pytest

from extcal.ical.budget import Work
from extcal.ical.parse.content_lines import Names, logical_lines


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("George Herman ^'Babe^' Ruth", 'George Herman "Babe" Ruth'),
        ('"Pittsburgh Pirates^n115 Federal St"', "Pittsburgh Pirates\n115 Federal St"),
        ("^^n", "^n"),
        ("^^^n", "^\n"),
        ("^x ^N ^", "^x ^N ^"),
        ('"a;b:c,d"', "a;b:c,d"),
        ('"a","b"', "a,b"),
        ("", ""),
        ("back\\nslash", "back\\nslash"),
    ],
)
def test_carets(written: str, meant: str) -> None:
    """ "^n" is a line break, "^^" a caret, "^'" a quote; before anything else "parsers MUST leave
    both the ^ and the following character in place"."""
    raw = f"ATTENDEE;CN={written};PARTSTAT=DECLINED:mailto:babe@example.com\r\n".encode()
    (line,) = logical_lines(raw, (0, len(raw)), Names({b"ATTENDEE": "ATTENDEE"}), Work())
    assert line.params == {"CN": meant, "PARTSTAT": "DECLINED"}
    assert line.value == "mailto:babe@example.com"
