"""The oddities of a feed and of a source's answer, in words: what it is, and what was done.

In: a key of :data:`PROBLEMS`, and the parameters that its texts name. Out: the code, message and
action of a :class:`~extcal.errors.Problem`.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from extcal.messages import kind_of

__all__ = ["PROBLEMS", "problem"]

PROBLEMS: Final[MappingProxyType[str, tuple[str, str]]] = MappingProxyType(
    {
        # What only somebody sees who remembers the calendar, or who saw the answer.
        "chunked_twice": (
            "the source says more than once that the answer comes in chunks",
            "read as said once",
        ),
        "encoding_unknown": (
            "the source says that the calendar is compressed, in a way that is none",
            "read as it is",
        ),
        "ended_early": (
            "the connection ended before the source said it would; the calendar is whole",
            "read",
        ),
        "gzip_unannounced": (
            "the calendar is compressed, and the source does not say so",
            "read",
        ),
        "last_line_cut": (
            "the source announced too few bytes, and the last line is cut; the calendar is whole",
            "read",
        ),
        "moved_permanently": (
            "the source says that the calendar has moved for good, to the address #{moved_to}",
            "followed this once",
        ),
        "no_source": ("nobody says when this person is busy", "unknown"),
        "old_copy": (
            "the source was asked, and a cache on the way to it had nothing newer than this",
            "served as STALE, and asked again",
        ),
        "other_rules": (
            "this was read with other time zone data, or by another version of extcal, and is read"
            " again within half an hour",
            "served as STALE until then",
        ),
        "outside_horizon": (
            "the time asked for lies outside what a calendar is known for",
            "unknown",
        ),
        "suddenly_empty": (
            "the calendar had events and now has none at all; is it still the right one?",
            "taken at its word",
        ),
        "suddenly_empty/one": (
            "a calendar had events and now has none at all",
            "taken at its word",
        ),
    }
)
"""Message and action by key; the action ``"unknown"`` says that time became unknown."""


def problem(key: str, **parameters: object) -> tuple[str, str, str]:
    """The code, message and action of the oddity ``key``."""
    message, action = PROBLEMS[key]
    return kind_of(key), message.format(**parameters), action.format(**parameters)
