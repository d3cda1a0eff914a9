"""Bytes to an answer: whatever stands in a feed, the reading stays a reading, and its laws hold.

The first byte of an input chooses the window and the options, and the others are the feed.

Laws: nothing is raised but NotACalendar, and no mistake of ours turns up; every stretch is
accounted for by events; with and without shortcuts the answer is the same; so is that of
``free_busy``, of a window in two parts, of components in another order and of other folds and line
ends (the last three where a feed is plainly written); one more series takes no busy time away; and
work is bounded by the bytes: units of the Budget, calls of functions, memory, and CPU. On a
sample, what recurring-ical-events sees as busy is never free without a Problem.
"""

from __future__ import annotations

import json
import random
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from counting import cost_of, peak_of
from harness import HERE, Harness, chance_of, is_sampled, words_of
from made_feeds import more_events, new_feed

import extcal
from extcal import BusyPolicy, Expansion, FBType, FreeBusy, Limits, NotACalendar
from extcal.ical.shortcuts import select

__all__ = ["HARNESS"]

TESTS = HERE.parent
WINTER = datetime(2026, 12, 1, tzinfo=UTC), datetime(2027, 4, 1, tzinfo=UTC)
WINDOWS = [
    *[WINTER] * 9,
    (datetime(2027, 1, 4, 8, 15, tzinfo=UTC), datetime(2027, 1, 14, tzinfo=UTC)),
    (datetime(2026, 12, 7, 9, 30, tzinfo=UTC), datetime(2026, 12, 7, 9, 30, 1, tzinfo=UTC)),
    (datetime(2027, 3, 27, 22, tzinfo=UTC), datetime(2027, 3, 29, tzinfo=UTC)),
    (datetime(1899, 12, 1, tzinfo=UTC), datetime(1900, 2, 1, tzinfo=UTC)),
    (datetime(2200, 12, 1, tzinfo=UTC), datetime(2201, 2, 1, tzinfo=UTC)),
    (datetime(9999, 12, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)),
    (datetime(1, 1, 1, tzinfo=UTC), datetime(1, 2, 1, tzinfo=UTC)),
]
OPTIONS: list[dict[str, Any]] = [
    {"timezone": "UTC"},
    {},
    {"timezone": "Europe/Berlin", "limits": Limits(max_line_bytes=4096)},
    {"timezone": "America/New_York"},
    {"timezone": "Pacific/Apia", "owner": "me@example.invalid"},
    {"policy": BusyPolicy(all_day="busy", unanswered="busy", working_elsewhere="busy")},
    {"timezone": "America/St_Johns", "detail": "busy"},
    {"timezone": "UTC", "exclude": ["a"]},
]
# A feed that none of the laws about form need any leniency for: plain lines, whole components.
# Matches "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nUID:a\r\nEND:VEVENT\r\nEND:VCALENDAR".
_PLAIN_LINE = rb"(?!BEGIN|END)[A-Z][A-Z0-9-]*+[;:][ -~]*+\r\n"
_ONE = rb"BEGIN:VEVENT\r\n(?:%s)*+END:VEVENT\r\n" % _PLAIN_LINE
_EVENT = re.compile(_ONE)
_PLAIN = re.compile(
    rb"BEGIN:VCALENDAR\r\n(?:%s)*+((?:%s)++)END:VCALENDAR(?:\r\n)?" % (_PLAIN_LINE, _ONE)
)
# CPU seconds: the 1.5 that a body may take, three times over, as machines differ and are shared.
SLOW = 4.5
AMPLIFIED = 200_000  # bytes
MEBIBYTE = 1024 * 1024
COUNTS: Counter[str] = Counter()

_WORTHWHILE = 64  # bytes: the sieve leaves small feeds alone, and here it must not


def one(data: bytes) -> None:
    """Hold every law over a feed."""
    kept = select.WORTHWHILE
    select.WORTHWHILE = _WORTHWHILE  # type: ignore[misc]
    try:
        _hold(data, kept)
    finally:
        select.WORTHWHILE = kept  # type: ignore[misc]


def _hold(data: bytes, kept: int) -> None:
    window, options, raw = _question(data)
    began = time.thread_time()
    try:
        result = extcal.expand(raw, *window, **options)
    except NotACalendar:
        _is_no_calendar(raw, window, options)
        return
    finally:
        COUNTS["readings"] += 1
        spent = time.thread_time() - began
        assert spent < SLOW, f"{spent:.1f} s of CPU"
    _is_sound(result, window)
    whole = extcal.expand(raw, *window, sieve=False, **options)
    assert _same(whole, result), "shortcuts"
    if is_sampled(raw, 4) and len(raw) < kept:  # the sieve leaves it alone, so nothing is left out
        select.WORTHWHILE = kept  # type: ignore[misc]
        assert extcal.expand(raw, *window, **options) == whole, "Problems differ"
        select.WORTHWHILE = _WORTHWHILE  # type: ignore[misc]
        COUNTS["readings"] += 1
    simple = {key: value for key, value in options.items() if key != "detail"}
    free_busy = extcal.free_busy(raw, *window, **simple)
    assert free_busy == result.free_busy, "free_busy() and expand() differ"
    _splits(raw, window, simple, free_busy)
    COUNTS["readings"] += 4
    if result.complete and len(raw) < 20_000 and b"METHOD" not in raw:
        _keeps_form(raw, window, simple, free_busy)
    _hides_nothing(raw, window, simple, free_busy)
    if is_sampled(data, 150):
        _is_linear(data, window, options)
    elif is_sampled(data, 25):
        _is_counted(raw, lambda: extcal.expand(raw, *window, **options))
    if result.complete and options == OPTIONS[0] and PEER.wants(data):
        _is_seen(raw, window, result)


def _question(data: bytes) -> tuple[tuple[datetime, datetime], dict[str, Any], bytes]:
    choice = data[0] if data else 0
    return WINDOWS[choice % len(WINDOWS)], OPTIONS[choice // len(WINDOWS) % len(OPTIONS)], data[1:]


def _is_no_calendar(raw: bytes, window: tuple[datetime, datetime], options: dict[str, Any]) -> None:
    try:
        extcal.expand(raw, *window, sieve=False, **options)
    except NotACalendar:
        return
    raise AssertionError("a calendar only without shortcuts")


def _same(one: Expansion, other: Expansion) -> bool:
    return (
        one.free_busy == other.free_busy
        and one.events == other.events
        and (one.complete, one.events_complete, one.empty, one.refresh_interval)
        == (other.complete, other.events_complete, other.empty, other.refresh_interval)
    )


def _is_sound(result: Expansion, window: tuple[datetime, datetime]) -> None:
    """What the events say and what free/busy says is one thing."""
    assert "internal_error" not in {problem.code for problem in result.problems}
    assert result.complete or result.free_busy.unknown
    starts = [(event.start, event.end) for event in result.events]
    assert starts == sorted(starts)
    assert all(start <= end for start, end in starts)
    assert all(start < window[1] and end >= window[0] for start, end in starts)
    for event in result.events:
        assert event.all_day is (event.first_day is not None)
        assert event.reason
    if len(starts) < 100:
        repr(result.events)
    told = FreeBusy.from_periods(
        window,
        [
            (event.start, event.end, event.fbtype)
            for event in result.events
            if event.start < event.end and event.fbtype is not FBType.FREE
        ],
    )
    if result.events_complete:
        assert told.periods == result.free_busy.periods, "events and free/busy differ"
    joined = told | FreeBusy.from_periods(window, result.free_busy.periods)
    assert joined.periods == result.free_busy.periods, "an event is not in free/busy"


def _splits(
    raw: bytes, window: tuple[datetime, datetime], options: dict[str, Any], whole: FreeBusy
) -> None:
    """``[a, b)`` and ``[b, c)`` together are ``[a, c)``."""
    seconds = int((window[1] - window[0]).total_seconds())
    if seconds < 2:
        return
    step = 900 if seconds > 86_400 else 1
    middle = window[0] + timedelta(seconds=chance_of(raw).randrange(1, seconds // step) * step)
    parts = [
        extcal.expand(raw, window[0], middle, **options),
        extcal.expand(raw, middle, window[1], **options),
    ]
    if whole.unknown or not all(part.complete for part in parts):
        return  # a longer window may reach a limit that its parts do not reach
    joined = FreeBusy.from_epochs(
        *whole.window_epochs, [span for part in parts for span in part.free_busy.epochs]
    )
    assert joined == whole, f"split at {middle:%Y-%m-%dT%H:%M:%S}"


def _hides_nothing(
    raw: bytes, window: tuple[datetime, datetime], options: dict[str, Any], full: FreeBusy
) -> None:
    """What a limit hides is unknown, and never free."""
    chance = chance_of(raw)
    name = chance.choice(_TIGHTENED if chance.random() < 0.5 else _OFTEN)
    most = chance.choice((0, 1, 2, 5, 20, 150))
    if name == "max_line_bytes":
        most += 64  # no calendar begins in a shorter line, and UTF-16 takes two bytes a letter
    limited = extcal.free_busy(raw, *window, **options | {"limits": Limits(**{name: most})})
    unknown = [(start, end, 4) for start, end in limited.unknown_epochs]
    told = FreeBusy.from_epochs(*full.window_epochs, [*limited.epochs, *unknown])
    busy = FreeBusy.from_epochs(*full.window_epochs, full.epochs)
    assert (told | busy).periods == told.periods, f"free under {name}={most}"
    COUNTS["readings"] += 1


_OFTEN = ("max_line_bytes", "max_nesting", "max_steps", "max_overrides_per_series", "max_versions")
_TIGHTENED = [
    each.name
    for each in fields(Limits)
    if each.name.startswith("max_") and each.name not in ("max_redirects", "max_url_length")
]


def _keeps_form(
    raw: bytes, window: tuple[datetime, datetime], options: dict[str, Any], before: FreeBusy
) -> None:
    """Order, folds and line ends change nothing; one more series takes no time away."""
    found = _PLAIN.fullmatch(raw)
    if found is None:
        return
    chance = chance_of(raw)
    events = _EVENT.findall(found[1])
    in_order = chance.sample(events, len(events))
    shuffled = b"".join((raw[: found.start(1)], *in_order, raw[found.end(1) :]))
    assert extcal.free_busy(shuffled, *window, **options) == before, "order of events"
    # Of versions that are equally new the greatest by content counts, so its lines decide. These
    # here are not equally new, which must not make the order of lines matter.
    stamped = [_stamped(event, number) for number, event in enumerate(in_order)]
    as_written = b"".join((raw[: found.start(1)], *stamped, raw[found.end(1) :]))
    head = _other_order(raw[: found.start(1)] + b"\r\n", chance)[:-2]
    lines = (_other_order(event, chance) for event in stamped)
    other = extcal.free_busy(b"".join((head, *lines, raw[found.end(1) :])), *window, **options)
    assert other == extcal.free_busy(as_written, *window, **options), "order of lines"
    newline = chance.choice((b"\n", b"\r\n", b"\r", b"\r\n\r\n"))
    width = chance.randrange(3, 60)
    folded = re.sub(rb"([^\r\n]{%d})(?=[^\r\n])" % width, rb"\1\r\n ", raw)
    if newline == b"\r\n\r\n":
        folded = raw
    folded = folded.replace(b"\r\n", newline)
    assert extcal.free_busy(folded, *window, **options) == before, "folds and line ends"
    more = chance.choice(_MORE).replace(b"\n", b"\r\n")
    larger = raw[: found.start(1)] + more + raw[found.start(1) :]
    after = extcal.free_busy(larger, *window, **options)
    assert before | after == after, "one more series took time away"
    COUNTS["readings"] += 5


def _stamped(event: bytes, number: int) -> bytes:
    """A VEVENT that no other one is as new as."""
    end = b"END:VEVENT\r\n"
    return event[: -len(end)] + b"LAST-MODIFIED:20261101T00%02d%02dZ\r\n" % divmod(number, 60) + end


def _other_order(event: bytes, chance: random.Random) -> bytes:
    """The lines of a VEVENT in another order, which the standard gives no meaning."""
    begin, *lines, end = event.splitlines(keepends=True)
    chance.shuffle(lines)
    return b"".join((begin, *lines, end))


_MORE = (
    b"BEGIN:VEVENT\nUID:one-more\nDTSTART:20270105T090000Z\nDURATION:PT1H\nEND:VEVENT\n",
    b"BEGIN:VEVENT\nUID:one-more\nDTSTART;VALUE=DATE:20261230\nRRULE:FREQ=WEEKLY\nEND:VEVENT\n",
    b"BEGIN:VEVENT\nUID:one-more\nDTSTART:20200105T090000Z\nDTEND:20200105T100000Z\nEND:VEVENT\n",
    b"BEGIN:VEVENT\nUID:one-more\nDTSTART:20261205T090000Z\nDURATION:PT1H\n"
    b"RRULE:FREQ=DAILY;COUNT=9\nEXDATE:20261207T090000Z\nEND:VEVENT\n",
)


def _is_linear(data: bytes, window: tuple[datetime, datetime], options: dict[str, Any]) -> None:
    """Some lines of the feed again and again, to 200 kB: it still costs no more than a body may."""
    chance = chance_of(data)
    lines = data[1:].splitlines(keepends=True)
    if not lines:
        return
    at = chance.randrange(len(lines))
    stop = at + chance.choice((1, 1, 2, 3, 5, 8, 20))
    unit = b"".join(lines[at:stop]) or b" "
    repeated = unit * (AMPLIFIED // len(unit) + 1)
    if chance.random() < 0.5:
        pieces = repeated.split(b":")
        repeated = b"".join(b"%s:%d" % (each, number) for number, each in enumerate(pieces))
    body = b"".join(lines[:at]) + repeated[:AMPLIFIED] + b"".join(lines[at:])
    COUNTS["amplified"] += 1

    def read() -> Expansion:
        return extcal.expand(body, *window, **options)

    # Code in C, such as a regular expression, makes no calls that could be counted.
    began = time.thread_time()
    with suppress(NotACalendar):
        read()
    spent = time.thread_time() - began
    assert spent < SLOW, f"{spent:.1f} s of CPU for {unit[:200]!r} repeated"
    if chance.random() < 0.7:
        _is_counted(body, read, unit)
    else:
        COUNTS["readings whose memory was measured"] += 1
        peak = peak_of(read)
        assert peak <= 3 * len(body) + 32 * MEBIBYTE, f"{peak:,} bytes for {unit[:200]!r} repeated"


def _is_counted(raw: bytes, read: Callable[[], Expansion], unit: bytes = b"") -> None:
    """Bytes bound the units of work, and bytes and units bound the calls of functions.

    A unit is a line or a third of an event. The most for its bytes is "BEGIN:VEVENT" and a newline,
    four units for thirteen bytes.
    Whatever makes calls that are no constant for each of these has to ask the Budget first, which
    counts them as units or steps, and whatever is listed was counted, too.
    """
    COUNTS["readings whose calls were counted"] += 1
    listed = 0

    def counted() -> None:
        nonlocal listed
        listed = len(read().events)

    cost = cost_of(counted)
    assert cost.units <= len(raw) // 3 + 200, f"{cost} for {unit[:200]!r} repeated"
    most = 60_000 + 4 * len(raw) + 60 * cost.units + 20 * cost.steps + 100 * listed
    assert cost.calls <= most, f"{cost}, and not {most:,} calls, for {unit[:200]!r} repeated"


# -- recurring-ical-events ------------------------------------------------------------------------


class Peer:
    """recurring-ical-events in a process of its own, which is asked again and again.

    ``one_in``: how many inputs there are for each one that it is asked about; 0 for never.
    """

    def __init__(self) -> None:
        self.python: Path | None = None
        self.one_in = 0
        self._process: subprocess.Popen[str] | None = None

    def wants(self, data: bytes) -> bool:
        """More often where something is counted: no other law sees an instance too few or many."""
        if self.python is None or self.one_in == 0:
            return False
        return is_sampled(data, max(self.one_in // 4, 1) if b";COUNT=" in data else self.one_in)

    def busy(self, raw: bytes, window: tuple[datetime, datetime]) -> FreeBusy | None:
        """What it says, or None if it refuses."""
        if self._process is None or self._process.poll() is not None:
            command = [str(self.python), str(TESTS / "peers" / "answer_many.py")]
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
                env={"PYTHONWARNINGS": "ignore"},
            )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        asked = {
            "body": raw.decode("utf-8", "replace"),
            "window": [edge.isoformat() for edge in window],
        }
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        found = json.loads(self._process.stdout.readline())
        COUNTS["asked of recurring-ical-events"] += 1
        if "failed" in found:
            return None
        spans = [tuple(map(datetime.fromisoformat, span)) for span in found["busy"]]
        return FreeBusy.from_periods(window, spans)  # type: ignore[arg-type]


PEER = Peer()


@cache
def _explained() -> Any:
    sys.path.insert(0, str(TESTS / "peers"))
    from overblock import explained

    return explained


def _is_seen(raw: bytes, window: tuple[datetime, datetime], result: Expansion) -> None:
    if result.problems or window != WINTER or not raw.isascii():
        return
    theirs = PEER.busy(raw, window)
    if theirs is None:
        return
    COUNTS["compared with recurring-ical-events"] += 1
    joined = result.free_busy | theirs
    if sum(end - start for start, end, _ in joined.epochs) > sum(
        end - start for start, end, _ in result.free_busy.epochs
    ):
        case = _explained()(raw.decode("ascii"))
        assert case is not None, f"free here, and busy there: {theirs!r}"
        COUNTS["explained"] += 1


# -- seeds ----------------------------------------------------------------------------------------


def _sources() -> Iterator[bytes]:
    """The feeds of tests/quirks and the cases of tests/engines and tests/real_feeds."""
    for path in sorted((TESTS / "quirks" / "fixtures").glob("*.ics")):
        if path.stat().st_size < 8_000:
            yield b"\0" + path.read_bytes()
    for folder, module in (("engines", "test_engines"), ("real_feeds", "test_cases")):
        sys.path.insert(0, str(TESTS / folder))
        cases = __import__(module)
        found = [*cases.RECURRENCE, *cases.FREEBUSY] if folder == "engines" else cases.CASES
        for number, case in enumerate(found):
            text = case.text() if folder == "engines" else case.body().decode()
            for choice in (0, 9 + number % 7, 16 * (number % len(OPTIONS))):
                yield bytes([choice]) + text.encode()


def _refold(data: bytes, chance: Any) -> bytes:
    width = chance.randrange(2, 30)
    folded = re.sub(rb"([^\r\n]{%d})(?=[^\r\n])" % width, rb"\1\r\n ", data)
    return folded if chance.random() < 0.7 else folded.replace(b"\r\n ", b"\n\t")


def _encode(data: bytes, chance: Any) -> bytes:
    text = data[1:].decode("utf-8", "replace")
    coding = chance.choice(["utf-16", "utf-16-le", "latin-1"])
    return data[:1] + text.encode(coding, "replace")


def _choose(data: bytes, chance: Any) -> bytes:
    """Another window, or other options."""
    return bytes([chance.randrange(128)]) + data[1:]


_COMPONENT = re.compile(rb"BEGIN:(V[A-Z]+|AVAILABLE)\r?\n.*?END:\1\r?\n", re.DOTALL)


def _block(data: bytes, chance: Any) -> bytes:
    """A component again, elsewhere or gone."""
    blocks = [match.span() for match in _COMPONENT.finditer(data[20:])]
    if not blocks:
        return data
    start, end = (20 + edge for edge in chance.choice(blocks))
    other = 20 + chance.choice(blocks)[chance.randrange(2)]
    block = data[start:end]
    kind = chance.random()
    if kind < 0.3:
        return data[:start] + data[end:]
    return data[:other] + block + data[other:]


def _event(data: bytes, chance: random.Random) -> bytes:
    """One to four new events in front of a component, or a calendar of them alone."""
    made = more_events(chance)
    if chance.random() < 0.3:
        return data[:1] + b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\n" + made + b"END:VCALENDAR\r\n"
    places = [match.start() for match in re.finditer(rb"BEGIN:VEVENT|END:VCALENDAR", data)]
    at = chance.choice(places) if places else len(data)
    return data[:at] + made + data[at:]


_BENDS = [*[_event] * 4, _refold, _encode, _choose, _choose, _block, _block]
HARNESS = Harness("feed", one, _sources, words_of("feed"), COUNTS, _BENDS, new_feed)
