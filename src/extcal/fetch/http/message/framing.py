"""The frame of an answer as bytes, before HTTP is parsed: is it exact, or is an oddity corrected.

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
# The line before a chunk (RFC 9112 section 7.1): group 1 is its size, group 2 an extension or a
# blank. Matches "1F\r\n", "1F \r\n", "1F;a=b\r\n"; not "1F\n", "1G\r\n".
_CHUNK = re.compile(rb"([0-9A-Fa-f]{1,15})([ \t]*|;[\t -~]*)\r\n")
_CHUNK_LINE = 512  # bytes at most


class HeadReader:
    """Takes the bytes that arrive, and returns them with corrected heads and joined chunks.

    ``waiting``: the head has not been read to its end. ``odd``: a head was corrected.
    """

    __slots__ = ("_begun", "_chunks", "_framing", "_held", "odd", "waiting")

    def __init__(self) -> None:
        self._held = b""
        self._begun = False
        self._framing: str | None = None
        self._chunks: _Chunks | None = None
        self.waiting = True
        self.odd = False

    @property
    def exact(self) -> bool:
        """Of an answer that was read: whether it said without doubt where it ends.

        It has one head, and nothing in the head or between chunks needed leniency.
        """
        if self._framing == "chunked":
            return self._chunks is not None and self._chunks.ended
        return self._framing in ("length", "bodiless")

    @property
    def chunks(self) -> int:
        """How many chunks of the body have come."""
        return 0 if self._chunks is None else self._chunks.size

    def take(self, data: bytes) -> bytes:
        """The bytes that may be passed on now; a head is passed on as a whole."""
        if not self.waiting:
            return data if self._chunks is None else self._chunks.take(data)
        # Only new bytes are searched, and the three before them, where a blank line may begin.
        at = max(len(self._held) - 3, 0)
        self._held += data
        passed = b""
        while self.waiting:
            end, at = _END.search(self._held, at), 0
            if end is None:
                break
            head, self._held = self._held[: end.end()], self._held[end.end() :]
            self._framing = None if self._begun else _framing(head)
            self._begun = True
            passed += self._put_right(head)
            self.waiting = _INTERIM.match(head) is not None
        if not self.waiting and self._framing == "chunked":
            self._chunks = _Chunks()
            self._held = self._chunks.take(self._held)
        if not self.waiting or not data or len(self._held) > _MOST or not self._is_head():
            passed, self._held = passed + self._held, b""
            # Bytes that are not a head are passed on at once: there is no blank line to wait for.
            self.waiting = self.waiting and not passed
        return passed

    def _is_head(self) -> bool:
        begun = self._held[: len(_STATUS_LINE)]
        return begun == _STATUS_LINE[: len(begun)]

    def _put_right(self, head: bytes) -> bytes:
        if not head.startswith(_STATUS_LINE):
            return head  # where it came in pieces, its first lines have been passed on
        found = _CODING.findall(head)
        codings = [word.strip().lower() for value in found for word in value.split(b",")]
        if len(codings) < 2 or not {b"chunked"} <= set(codings) <= {b"chunked", b"identity"}:
            return head
        self.odd = True
        lines = [line for line in head.splitlines(keepends=True) if not _CODING.match(line)]
        return b"".join([lines[0], b"Transfer-Encoding: chunked\r\n", *lines[1:]])


class _Chunks:
    """Follows the chunks of a body, and joins those that are small.

    ``ended``: all of it was exact, and the last chunk has come. A chunk extension is not exact: RFC
    9112 allows it, but no client needs one. ``size``: how many chunks have come.

    An HTTP library needs twenty microseconds for each chunk, so a body in chunks of one byte would
    hold the processor until the deadline.
    """

    __slots__ = ("_exact", "_last", "_left", "_line", "_lost", "ended", "size")

    def __init__(self) -> None:
        self._line = b""
        self._left = 0  # bytes of the chunk, and of the end of line after it
        self._last = False
        self._exact = True
        self._lost = False  # a line was none of a chunk: the HTTP library will say what it is
        self.ended = False
        self.size = 0

    def take(self, data: bytes) -> bytes:
        """Follow the next bytes of the body; return them with whole chunks joined to one."""
        passed: list[bytes] = []
        at = 0
        while not self._lost and at < len(data):
            begun = at
            if self._left:
                at = min(at + self._left, len(data))
                self._left -= at - begun
            else:
                at = begun if self._line or self._last else self._join(data, at, passed)
                begun = at
                most = at + _CHUNK_LINE
                at = data.find(b"\n", at, most) + 1 or min(most, len(data))
                self._line += data[begun:at]
                if self._line.endswith(b"\n") or len(self._line) >= _CHUNK_LINE:
                    self._take_line()
            passed.append(data[begun:at])
        if not passed:
            return data
        passed.append(data[at:])
        return b"".join(passed)

    def _join(self, data: bytes, at: int, passed: list[bytes]) -> int:
        """Pass on the chunks that ``data`` holds whole from ``at`` on, as one; return their end."""
        texts: list[bytes] = []
        start = at
        while (line := _CHUNK.match(data, at, at + _CHUNK_LINE)) is not None:
            begin = line.end()
            end = begin + int(line[1], 16)
            if begin == end or data[end : end + 2] != b"\r\n":
                break  # the last chunk, one that is not whole yet, or one that ends in a wrong way
            texts.append(data[begin:end])
            self._exact = self._exact and not line[2]
            at = end + 2
        self.size += len(texts)
        if len(texts) > 1:
            text = b"".join(texts)
            passed.append(b"%x\r\n%b\r\n" % (len(text), text))
        else:
            passed.append(data[start:at])
        return at

    def _take_line(self) -> None:
        line, self._line = self._line, b""
        if self._last:
            # The blank line after the last chunk; then nothing comes, and no trailer before it.
            self.ended = self._exact = self._exact and line == b"\r\n" and not self.ended
            self._lost = not self._exact
            return
        chunk = _CHUNK.fullmatch(line)
        if chunk is None:
            self._exact, self._lost = False, True
            return
        self.size += 1
        self._exact = self._exact and not chunk[2]
        size = int(chunk[1], 16)
        self._left = size + 2 if size else 0
        self._last = not size


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
