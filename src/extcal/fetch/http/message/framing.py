"""The head of an answer as bytes, before anything reads it: one odd framing is put right. Pure.

RFC 9112 section 6.1: a sender applies the chunked transfer coding once. Where an application and
the server in front of it both announce it, the field stands there twice, and the body is chunked
once all the same. HTTP libraries refuse such an answer; browsers read it.
"""

from __future__ import annotations

import re

__all__ = ["HeadReader"]

_MOST = 65_536  # a longer head is passed on as it is: whoever reads it has a limit of its own
# The blank line that ends a head: "\r\n\r\n", and "\n\n", which RFC 9112 section 2.2 tolerates.
_END = re.compile(rb"\r?\n\r?\n")
_STATUS_LINE = b"HTTP/"
_INTERIM = re.compile(rb"HTTP/1\.[0-9] 1[0-9][0-9]\b")  # 103 Early Hints: another head follows
_CODING = re.compile(rb"(?i)transfer-encoding[ \t]*:([^\r\n]*)")


class HeadReader:
    """Takes what arrives, and gives it back with the heads put right.

    ``waiting``: the head has not been read to its end. ``odd``: a head was put right.
    """

    __slots__ = ("_held", "odd", "waiting")

    def __init__(self) -> None:
        self._held = b""
        self.waiting = True
        self.odd = False

    def take(self, data: bytes) -> bytes:
        """The bytes that may be passed on now; a head is passed on as a whole."""
        if not self.waiting:
            return data
        # What was searched before is not searched again, but for a blank line in two pieces.
        at = max(len(self._held) - 3, 0)
        self._held += data
        passed = b""
        while self.waiting:
            end, at = _END.search(self._held, at), 0
            if end is None:
                break
            head, self._held = self._held[: end.end()], self._held[end.end() :]
            passed += self._put_right(head)
            self.waiting = _INTERIM.match(head) is not None
        if not self.waiting or not data or len(self._held) > _MOST or not self._is_head():
            passed, self._held = passed + self._held, b""
            # Nobody will ever see the end of what is no head.
            self.waiting = self.waiting and not passed
        return passed

    def _is_head(self) -> bool:
        begun = self._held[: len(_STATUS_LINE)]
        return begun == _STATUS_LINE[: len(begun)]

    def _put_right(self, head: bytes) -> bytes:
        found = _CODING.findall(head)
        codings = [word.strip().lower() for value in found for word in value.split(b",")]
        if len(codings) < 2 or not {b"chunked"} <= set(codings) <= {b"chunked", b"identity"}:
            return head
        self.odd = True
        lines = [line for line in head.splitlines(keepends=True) if not _CODING.match(line)]
        return b"".join([lines[0], b"Transfer-Encoding: chunked\r\n", *lines[1:]])
