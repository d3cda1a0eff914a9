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
from functools import cached_property
from types import MappingProxyType

from extcal.ical.budget import Work
from extcal.ical.parse.spans import STRETCH, Span, line_end
from extcal.messages.problems import oddity, unknown
from extcal.patterns import pattern
from extcal.values import NamedTuple

__all__ = ["CONTROL", "FOLD", "NO_PARAMS", "Line", "Names", "logical_lines", "parse_line"]


class Line(NamedTuple):
    """One logical line. ``name`` and parameter names are in upper case, values as written."""

    offset: int  # of its first byte in the feed
    name: str
    params: Mapping[str, str]  # several values of one parameter stay joined by ","; unquoted
    value: str


NO_PARAMS: Mapping[str, str] = MappingProxyType({})

# Lines whose names begin unlike those that are asked for and lines of nothing but control bytes,
# and then one line (group 1) with all its folds (the last of them is group 2), in one match:
# "URL:x\r\nUID:a\r\n b" and "\0\r\nUID:a" are one. Blank lines may stand before a fold. Where no
# line is left, group 1 is not set. No group repeats without end, because the engine keeps about a
# kilobyte for each repetition until the group ends.
_FOLDS = rb"(?>([\r\n]++[ \t][^\r\n]*+){,%d})"
_MOST_FOLDS = 1_000
_LONG = 65_536  # bytes; a line of this length costs work by itself
CONTROL = bytes([*range(9), *range(11, 13), *range(14, 32), 127])
_CONTROLS = re.escape(CONTROL)
# Without the control bytes and a byte order mark nothing but blanks is left. It has no fold.
_NOTHING = rb"(?=[^ \t\r\n])[#]*+(?>(?:\xef\xbb\xbf)?)[# \t]*+(?![^\r\n]|[\r\n]++[ \t])"
_NOTHING = _NOTHING.replace(b"#", _CONTROLS)
_LINES = (
    rb"[\r\n]*+(?>(?:(?:(?!%b)[A-Z][A-Z0-9_-]*+[;:][^\r\n]*+"
    + (_FOLDS % _MOST_FOLDS).replace(b"(?>(", b"(?>(?:")
    + rb"|%b)(?:[\r\n]++|\Z)){,999})([^\r\n]++"
    + _FOLDS % _MOST_FOLDS
    + rb")?"
)
_MORE_FOLDS = pattern(_FOLDS % _MOST_FOLDS)
_PHYSICAL = pattern(rb"[^\r\n]+")
# A fold. The lookbehind lets it start only at the first of several newlines. Otherwise the search
# would start anew at each newline of a megabyte of them.
FOLD = pattern(rb"(?<![\r\n])[\r\n]++[ \t]")
_NEWLINE = pattern(rb"[\r\n]")
# Possessive: in a line of 900,000 blanks each of them would be given back and tried again.
_NAME = pattern(rb"[ \t]*+([A-Za-z][A-Za-z0-9_-]*+)[ \t]*+[;:]")
_WHITE = b" \t"
_HAS_CONTROL = pattern(b"[" + _CONTROLS + b"]")
# param = param-name "=" param-value *("," param-value); a quoted value may hold ";" ":" ","
# A parameter without a value or a name (";TZID;X=1", ";=a") must not hide the ones behind it.
_PARAM = pattern(r';([^=;:"]*+)(?:=((?>(?:"[^"]*+"|[^";:]++){,999})))?')
_PARAMS = pattern(r'(?>(?:;[^=;:"]*+(?:=(?>(?:"[^"]*+"|[^";:]++){,999}))?){1,999})')
_DATE_NAMES = frozenset({"DTSTART", "DTEND", "RECURRENCE-ID", "EXDATE", "RDATE"})
_DATE_AHEAD = pattern(r"\s*\d{8}")
# A quote that was opened before the zone's name may close behind the date: TZID="A:20270105".
_DATE_AFTER_COLON = pattern(r":(?=\s*+\d{8}[\dTtZzPpWDHMS/,+\s-]*+\"?+\s*+$)")
_MAX_PARAMS = 64  # with different names
_PARAMS_OF_A_UNIT = 3  # of 2
_MOST_PARAMS = 1_000  # in all; behind them only the value is looked for
# A cut EXDATE leaves instances busy, which is safe. A cut line of another name could hide busy
# time.
_MAY_BE_CUT = frozenset({"SUMMARY", "LOCATION", "EXDATE"})


def logical_lines(raw: bytes, span: Span, names: Names, work: Work) -> Iterator[Line]:
    """Yield the logical lines of ``raw[span]`` whose upper-case name is a key of ``names``.

    A fold is CRLF and one white space (section 3.1), and may split a UTF-8 sequence or a name:
    bytes are joined first and decoded after. Reads at most ``limits.max_line_bytes`` of one line.
    """
    limit = work.limits.max_line_bytes
    pattern = names.pattern
    for stretch in _stretches(raw, span, limit) if span[1] - span[0] > STRETCH else (span,):
        others = 0
        near = stretch[1] - 3
        for match in pattern.finditer(raw, *stretch):
            start, end = match.span(1)
            if end < 0:
                continue
            name = _NAME.match(raw, start, end)
            known = None if name is None else names.get(name[1].upper())
            if known is None and name is not None:
                others += 1
                continue
            if raw[start] in _WHITE and (span[0] or not _is_first(raw, start)):
                continue  # a fold of a line before; only the body's first line may be indented
            text, fold = match.groups()
            size = end - start
            if size > _MOST_FOLDS or end > near:
                more = _end_of_folds(raw, end, min(span[1], start + 4 * limit + STRETCH))
                if more > end:
                    text = fold = raw[start:more]
            if size > _LONG and not work.spend(size >> 6):
                return
            if fold is not None:
                size, text = _unfolded(text, limit)
            if known is None or name is None or size > limit or _has_control(text):
                line = _finish(start, text[:limit], size, names, work)
                if line is not None:
                    yield line
                else:
                    others += 2
            else:
                line = parse_line(start, known, _decode(text, start, work), name.end() - start)
                if line.params:  # however often one is repeated
                    work.left -= text.count(b";") >> _PARAMS_OF_A_UNIT
                yield line
        if others and not work.spend(others // 2):
            return


def _stretches(raw: bytes, span: Span, limit: int) -> Iterator[Span]:
    """A span in stretches that end at a line end; of a line longer than ``limit`` only the start.

    CR, LF and CRLF are line ends; one that is cut in two is a blank line more, which is skipped.
    """
    start, end = span
    while end - start > STRETCH:
        stop = min(end, start + 2 * STRETCH + limit)
        cut = _NEWLINE.search(raw, start + STRETCH, stop)
        yield start, stop if cut is None else cut.end()
        start = stop if cut is None else cut.end()
        while cut is None and start < end:
            cut = _NEWLINE.search(raw, start, min(end, start + STRETCH))
            start = min(end, start + STRETCH) if cut is None else cut.start()
    if start < end:
        yield start, end


class Names(dict[bytes, str]):
    """Names of the properties that are read, in upper case: as bytes, and as text."""

    @cached_property
    def pattern(self) -> re.Pattern[bytes]:
        """The pattern ``_LINES`` for these names, by their first three letters: with whole names
        it would take three times as long to compile, and it is faster on few feeds."""
        thirds: dict[bytes, set[bytes]] = {}
        for name in self:
            thirds.setdefault(name[:2], set()).add(name[2:3])
        wanted = b"|".join(two + b"[%b]" % b"".join(sorted(third)) for two, third in thirds.items())
        return re.compile(_LINES % (wanted, _NOTHING))


def _has_control(text: bytes) -> bool:
    """Whether a line holds control bytes; in a long one ``translate`` finds them sooner."""
    if len(text) > _LONG:
        return len(text.translate(None, CONTROL)) < len(text)
    return _HAS_CONTROL.search(text) is not None


def _is_first(raw: bytes, start: int) -> bool:
    """Whether nothing but line ends stands before ``start``."""
    first = _PHYSICAL.search(raw)
    return first is not None and first.start() == start


def _end_of_folds(raw: bytes, end: int, most: int) -> int:
    """Where the folds of a line end that has more of them, or reaches beyond its stretch."""
    while end < most:
        bound = min(most, end + STRETCH)
        more = _MORE_FOLDS.match(raw, end, bound)
        if (more is None or more.end() == end) and bound < most:
            more = _MORE_FOLDS.match(raw, end, most)  # many blank lines
        if more is None or more.end() == end:
            break
        end = more.end()
        while end == bound < most:  # perhaps in the middle of a line
            bound = min(most, end + STRETCH)
            newline = _NEWLINE.search(raw, end, bound)
            end = bound if newline is None else newline.start()
    return end


def _unfolded(text: bytes, limit: int) -> tuple[int, bytes]:
    """The length of a folded line without line ends, and the line, cut to about ``limit`` bytes."""
    if len(text) > STRETCH:
        return _unfolded_in_pieces(text, limit)
    size = len(text.translate(None, b"\r\n"))
    if size > limit:
        return size, _cut(text, limit)
    fold = b"\r\n " if b"\r" in text else b"\n "
    if text.count(fold) * (len(fold) - 1) == len(text) - size:  # all folds are written alike
        return size, text.replace(fold, b"")
    return size, FOLD.sub(b"", text)


def _unfolded_in_pieces(text: bytes, limit: int) -> tuple[int, bytes]:
    """The same for a long line, in pieces that end in the middle of a physical line or at its end.

    So no piece ends in a fold.
    """
    size = start = 0
    parts: list[bytes] = []
    while start < len(text):
        end = min(len(text), start + STRETCH // 2)
        if _NEWLINE.search(text, end - 1, end + 1) is not None:
            end = line_end(text, end, len(text))
        piece = text[start:end]
        length = len(piece.translate(None, b"\r\n"))
        if size + length <= limit:
            parts.append(FOLD.sub(b"", piece))
        elif size <= limit:
            parts.append(_cut(piece, limit - size, first=piece[0] not in b"\r\n"))
        size += length
        start = end
    return size, b"".join(parts)


def _cut(text: bytes, limit: int, *, first: bool = True) -> bytes:
    """The beginning of a folded line; ``first``: of its first physical line, which is no fold."""
    parts: list[bytes] = []
    taken = 0
    for part in _PHYSICAL.findall(text):
        taken += len(part)
        if not parts and first:
            parts.append(part[:limit])
        elif taken > limit:
            # The name is read in any case: "RR" is one that nobody looks for.
            if _NAME.match(b"".join(parts)) is None:
                parts.append(part[1:][:limit])
            break
        else:
            parts.append(part[1:])
    return b"".join(parts)


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
    looked_at = 0
    while (match := _PARAM.match(text, position)) is not None:
        position = match.end()
        if len(params) < _MAX_PARAMS:
            params.setdefault(match.group(1).strip().upper(), _param_value(match.group(2)))
        looked_at += 1
        if looked_at == _MOST_PARAMS:
            while (match := _PARAMS.match(text, position)) is not None:
                position = match.end()
            break
    colon = text.find(":", position)
    value = text[colon + 1 :] if colon >= 0 else ""
    if name in _DATE_NAMES and (colon != position or not _DATE_AHEAD.match(value)):
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
