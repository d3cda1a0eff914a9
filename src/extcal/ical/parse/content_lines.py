"""Content lines (RFC 5545 section 3.1): bytes in, unfolded and decoded lines out.

    contentline = name *(";" param ) ":" value CRLF

Real feeds need more than the grammar allows. CRLF, LF and CR each end a line, blank lines are
skipped, control bytes are removed, a name may be folded, and bytes that are not UTF-8 are read as
Windows-1252. Only lines with the names asked for are decoded. A line that is no content line comes
out with the name ``""``, so that its component can report it. The lines around it are read as
usual.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import NamedTuple

from extcal.ical.budget import Work
from extcal.messages.problems import oddity, unknown

__all__ = ["CONTROL", "FOLD", "NO_PARAMS", "Line", "logical_lines", "parse_line"]


class Line(NamedTuple):
    """One logical line. ``name`` and parameter names are in upper case, values as written."""

    offset: int  # of its first byte in the feed
    name: str
    params: Mapping[str, str]  # several values of one parameter stay joined by ","; unquoted
    value: str


NO_PARAMS: Mapping[str, str] = MappingProxyType({})

# A line with all its folds, in one match: "UID:a\r\n b\r\n c" is one. Blank lines may stand before
# a fold.
_LOGICAL = re.compile(rb"[^\r\n]++(?>([\r\n]++[ \t][^\r\n]*+)*)")
_PHYSICAL = re.compile(rb"[^\r\n]+")
# A fold. The lookbehind lets it start only at the first of several newlines. Otherwise the search
# would start anew at each newline of a megabyte of them.
FOLD = re.compile(rb"(?<![\r\n])[\r\n]++[ \t]")
_NAME = re.compile(rb"[ \t]*([A-Za-z][A-Za-z0-9_-]*)[ \t]*[;:]")
_WHITE = b" \t"
CONTROL = bytes([*range(9), *range(11, 13), *range(14, 32), 127])
_HAS_CONTROL = re.compile(b"[" + re.escape(CONTROL) + b"]")
# param = param-name "=" param-value *("," param-value); a quoted value may hold ";" ":" ","
# A parameter without a value or a name (";TZID;X=1", ";=a") must not hide the ones behind it.
_PARAM = re.compile(r';([^=;:"]*+)(?:=((?>(?:"[^"]*+"|[^";:]++)*)))?')
_DATE_NAMES = frozenset({"DTSTART", "DTEND", "RECURRENCE-ID", "EXDATE", "RDATE"})
_DATE_AHEAD = re.compile(r"\s*\d{8}").match
# A quote that was opened before the zone's name may close behind the date: TZID="A:20270105".
_DATE_AFTER_COLON = re.compile(r":(?=\s*+\d{8}[\dTtZzPpWDHMS/,+\s-]*+\"?+\s*+$)")
_MAX_PARAMS = 64
# A cut EXDATE leaves instances busy, which is safe. A cut line of another name could hide busy
# time.
_MAY_BE_CUT = frozenset({"SUMMARY", "LOCATION", "EXDATE"})


def logical_lines(
    raw: bytes, span: tuple[int, int], names: Mapping[bytes, str], work: Work
) -> Iterator[Line]:
    """Yield the logical lines of ``raw[span]`` whose upper-case name is a key of ``names``.

    A fold is CRLF and one white space (section 3.1), and may split a UTF-8 sequence or a name:
    bytes are joined first and decoded after. Reads at most ``limits.max_line_bytes`` of one line.
    """
    limit = work.limits.max_line_bytes
    for match in _LOGICAL.finditer(raw, *span):
        start, end = match.span()
        name = _NAME.match(raw, start, end)
        known = None if name is None else names.get(name[1].upper())
        if known is None and name is not None:
            continue
        if raw[start] in _WHITE and span[0]:
            continue  # a fold of a line before the span; only the body's first line may be indented
        text = match[0]
        size = end - start
        if match[1] is not None:
            size, text = _unfolded(text, limit)
        if known is None or name is None or size > limit or _HAS_CONTROL.search(text):
            line = _finish(start, text[:limit], size, names, work)
            if line is not None:
                yield line
        else:
            yield parse_line(start, known, _decode(text, start, work), name.end() - start)


def _unfolded(text: bytes, limit: int) -> tuple[int, bytes]:
    """The length of a folded line without line ends, and the line, cut to about ``limit`` bytes."""
    size = len(text.translate(None, b"\r\n"))
    if size > limit:
        first, *others = _PHYSICAL.findall(text)
        parts = [first[:limit]]
        taken = len(first)
        for part in others:
            taken += len(part)
            if taken > limit:
                break
            parts.append(part[1:])
        return size, b"".join(parts)
    fold = b"\r\n " if b"\r" in text else b"\n "
    if text.count(fold) * (len(fold) - 1) == len(text) - size:  # all folds are written alike
        return size, text.replace(fold, b"")
    return size, FOLD.sub(b"", text)


def _finish(
    offset: int, data: bytes, size: int, names: Mapping[bytes, str], work: Work
) -> Line | None:
    data = data.translate(None, CONTROL)
    data = data.removeprefix(codecs.BOM_UTF8)
    match = _NAME.match(data)
    if match is None:
        return Line(offset, "", NO_PARAMS, "") if data.strip() else None
    name = names.get(match[1].upper())
    if name is None:
        return None
    if size > work.limits.max_line_bytes:
        if name in {"EXDATE", "RDATE"}:  # the last date may be cut
            data = data[: max(data.rfind(b",") + 1, match.end())]
        _too_long(name, offset, work, judged=b"CATEGORIES" in names)
    return parse_line(offset, name, _decode(data, offset, work), match.end())


def _too_long(name: str, offset: int, work: Work, *, judged: bool) -> None:
    """``judged``: a policy has rules, so the end of a title may decide what the event counts as."""
    most = work.limits.max_line_bytes
    if name in _MAY_BE_CUT and not (judged and name == "SUMMARY"):
        work.problem(*oddity("max_line_bytes", name=name, most=most), offset=offset)
    else:
        work.exceeded(*unknown("max_line_bytes", name=name, most=most), offset=offset)


def _decode(data: bytes, offset: int, work: Work) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        if work.count("not_utf8") == 1:
            work.problem(
                *oddity("not_utf8"),
                offset=offset,
            )
        return data.decode("cp1252", "replace")


def parse_line(offset: int, name: str, text: str, after_name: int) -> Line:
    """Split one unfolded line at its first colon outside quotes. Never raises.

    ``after_name`` is the index behind the ``:`` or ``;`` that ends the name. In a line of
    dates, an unquoted colon inside a parameter (``TZID=(UTC-05:00) Eastern``) does not begin the
    value.
    """
    if text[after_name - 1] == ":":
        return Line(offset, name, NO_PARAMS, text[after_name:])
    params: dict[str, str] = {}
    position = after_name - 1
    while (match := _PARAM.match(text, position)) is not None:
        position = match.end()
        if len(params) < _MAX_PARAMS:
            params.setdefault(match.group(1).strip().upper(), _param_value(match.group(2)))
    colon = text.find(":", position)
    value = text[colon + 1 :] if colon >= 0 else ""
    if name in _DATE_NAMES and (colon != position or not _DATE_AHEAD(value)):
        return _unquoted_colon(offset, name, text, after_name, params, value)
    return Line(offset, name, params, value)


def _param_value(written: str | None) -> str:
    value = written or ""
    if '"' in value:
        value = value.replace('"', "")
    if "^" in value:  # RFC 6868 section 3.2
        pieces = (piece.replace("^n", "\n").replace("^'", '"') for piece in value.split("^^"))
        value = "^".join(pieces)
    return value


def _unquoted_colon(
    offset: int, name: str, text: str, after_name: int, params: dict[str, str], value: str
) -> Line:
    colons = [match.start() for match in _DATE_AFTER_COLON.finditer(text, after_name)]
    if not colons:
        return Line(offset, name, params, value)
    head = text[after_name : colons[-1]]
    retried: dict[str, str] = {}
    for part in head.split(";"):
        key, equals, written = part.partition("=")
        if equals:
            retried[key.strip().upper()] = written.strip().strip('"')
    return Line(offset, name, retried, text[colons[-1] + 1 :].strip(' \t"'))
