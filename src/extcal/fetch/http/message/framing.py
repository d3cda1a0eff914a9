"""The head of an answer as bytes, before HTTP is parsed: is it exact, or is one oddity corrected.

Pure.

RFC 9112 section 6.1: a sender applies the chunked transfer coding only once. If an application and
the server in front of it both announce it, the head has the field twice, although the body is
chunked once. HTTP libraries refuse such an answer; browsers read it.
"""

from __future__ import annotations

import re

__all__ = ["HeadReader"]

_MOST = 65_536  # a longer head is passed on as it is: the HTTP library has a limit of its own
# The blank line that ends a head: "\r\n\r\n", and "\n\n", which RFC 9112 section 2.2 tolerates.
_END = re.compile(rb"\r?\n\r?\n")
_STATUS_LINE = b"HTTP/"
_INTERIM = re.compile(rb"HTTP/1\.[0-9] 1[0-9][0-9]\b")  # 103 Early Hints: another head follows
_CODING = re.compile(rb"(?i)transfer-encoding[ \t]*:([^\r\n]*)")
# A head that needs no leniency (RFC 9112 sections 4 and 5): every line ends with "\r\n", no line is
# folded, no blank before a colon. Matches "HTTP/1.1 200 OK\r\nETag: 1\r\n\r\n"; not "ETag : 1".
_STRICT = re.compile(
    rb"HTTP/1\.1 ([2-5][0-9]{2}) [^\r\n\0]*\r\n(?:[!#$%&'*+.^_`|~0-9A-Za-z-]+:[^\r\n\0]*\r\n)*\r\n"
)
_FRAMING = re.compile(rb"(?i)\n(content-length|transfer-encoding):[ \t]*([^\r\n]*?)[ \t]*(?=\r)")
_LENGTH = re.compile(rb"[0-9]{1,15}")
_BODILESS = frozenset({b"204", b"304"})


class HeadReader:
    """Takes the bytes that arrive, and returns them with corrected heads.

    ``waiting``: the head has not been read to its end. ``odd``: a head was corrected. ``framing``:
    how the head says where the body ends (``"length"``, ``"chunked"`` or ``"bodiless"``), if it is
    the only head and needed no leniency; else None.
    """

    __slots__ = ("_begun", "_held", "framing", "odd", "waiting")

    def __init__(self) -> None:
        self._held = b""
        self._begun = False
        self.framing: str | None = None
        self.waiting = True
        self.odd = False

    def take(self, data: bytes) -> bytes:
        """The bytes that may be passed on now; a head is passed on as a whole."""
        if not self.waiting:
            return data
        # Only new bytes are searched, and the three before them, where a blank line may begin.
        at = max(len(self._held) - 3, 0)
        self._held += data
        passed = b""
        while self.waiting:
            end, at = _END.search(self._held, at), 0
            if end is None:
                break
            head, self._held = self._held[: end.end()], self._held[end.end() :]
            self.framing = None if self._begun else _framing(head)
            self._begun = True
            passed += self._put_right(head)
            self.waiting = _INTERIM.match(head) is not None
        if not self.waiting or not data or len(self._held) > _MOST or not self._is_head():
            passed, self._held = passed + self._held, b""
            # Bytes that are not a head are passed on at once: there is no blank line to wait for.
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


def _framing(head: bytes) -> str | None:
    """How ``head`` says where the body ends, if that is certain: by one field, and one value.

    An answer 204 or 304 has no body. There, a length is allowed, and a transfer coding is not: a
    server that announces one may send a body after all.
    """
    strict = _STRICT.fullmatch(head)
    fields = [] if strict is None else _FRAMING.findall(head)
    if strict is None or len(fields) > 1:
        return None
    name, value = fields[0] if fields else (b"", b"")
    if name.lower() == b"transfer-encoding":
        chunked = value.lower() == b"chunked" and strict[1] not in _BODILESS
        return "chunked" if chunked else None
    if strict[1] in _BODILESS:
        return "bodiless"
    return "length" if _LENGTH.fullmatch(value) else None
