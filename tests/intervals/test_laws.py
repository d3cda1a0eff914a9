"""The laws of the algebra, and its answers compared with counting second by second."""

from __future__ import annotations

import copy
import functools
import pickle
import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from extcal.intervals import (
    BLOCKING,
    BusyPeriod,
    FBType,
    FreeBusy,
    Period,
    WorkingHours,
    common_free,
    epoch,
    instant,
)

HORIZON = 48
seconds = st.integers(-4, HORIZON + 4)
codes = st.integers(0, 4)
# The join keeps only the strongest type, so its free time is everybody's only for "this and above".
blocking_from = st.sampled_from(list(FBType)[1:]).map(
    lambda weakest: frozenset(fbtype for fbtype in FBType if fbtype >= weakest)
)
blocking_sets = st.frozensets(st.sampled_from(list(FBType)[1:]))


def ordered(low: int, high: int) -> st.SearchStrategy[tuple[int, int]]:
    return st.lists(st.integers(low, high), min_size=2, max_size=2, unique=True).map(
        lambda pair: (min(pair), max(pair))
    )


windows = ordered(0, HORIZON)
busy_lists = st.lists(st.tuples(seconds, seconds, codes), max_size=7)
unknown_lists = st.lists(st.tuples(seconds, seconds), max_size=3)


@st.composite
def free_busies(draw: st.DrawFn) -> FreeBusy:
    return FreeBusy.from_epochs(*draw(windows), draw(busy_lists), draw(unknown_lists))


class Counted:
    """Free/busy time as one entry per second: what the library must never be cleverer than."""

    def __init__(
        self,
        window: tuple[int, int],
        busy: list[tuple[int, int, int]],
        unknown: list[tuple[int, int]],
    ) -> None:
        self.window = range(*window)
        self.codes = {
            second: max((code for lo, hi, code in busy if lo <= second < hi), default=0)
            for second in self.window
        }
        self.unknown = {
            second for second in self.window if any(lo <= second < hi for lo, hi in unknown)
        }

    def known(self, second: int) -> bool:
        return second in self.window and second not in self.unknown


def counted(value: FreeBusy) -> Counted:
    return Counted(value.window_epochs, list(value.epochs), list(value.unknown_epochs))


def runs(good: Callable[[int], bool], candidates: range) -> list[tuple[int, int]]:
    """Return the maximal runs of ``candidates`` that are ``good``."""
    found: list[tuple[int, int]] = []
    for second in candidates:
        if good(second):
            if found and found[-1][1] == second:
                found[-1] = (found[-1][0], second + 1)
            else:
                found.append((second, second + 1))
    return found


def in_epochs(periods: tuple[Period, ...]) -> list[tuple[int, int]]:
    return [(epoch(period.start), epoch(period.end, ceil=True)) for period in periods]


# -- join -----------------------------------------------------------------------------------------


@given(free_busies(), free_busies())
def test_join_commutes(a: FreeBusy, b: FreeBusy) -> None:
    """a | b == b | a, wherever the windows lie."""
    assert a | b == b | a


@given(free_busies(), free_busies(), free_busies())
def test_join_is_associative(a: FreeBusy, b: FreeBusy, c: FreeBusy) -> None:
    """(a | b) | c == a | (b | c), wherever the windows lie."""
    assert (a | b) | c == a | (b | c)


@given(free_busies(), free_busies())
def test_join_is_idempotent(a: FreeBusy, b: FreeBusy) -> None:
    """a | a == a, and joining what was already joined changes nothing."""
    assert a | a == a
    assert (a | b) | b == a | b


@given(st.lists(free_busies(), min_size=1, max_size=5))
def test_one_merge_equals_many_joins(parts: list[FreeBusy]) -> None:
    """FreeBusy.join(parts) is parts[0] | parts[1] | ..."""
    assert FreeBusy.join(parts) == functools.reduce(lambda a, b: a | b, parts)


@given(free_busies(), free_busies())
def test_join_counted(a: FreeBusy, b: FreeBusy) -> None:
    """Strongest type, union of unknown, hull of windows; outside its own window all is unknown."""
    joined, left, right = counted(a | b), counted(a), counted(b)
    windows = (a.window_epochs, b.window_epochs)
    assert joined.window == range(min(lo for lo, _ in windows), max(hi for _, hi in windows))
    for second in joined.window:
        assert joined.codes[second] == max(left.codes.get(second, 0), right.codes.get(second, 0))
        assert joined.known(second) == (left.known(second) and right.known(second))


# -- canonical form -------------------------------------------------------------------------------


@given(windows, busy_lists, unknown_lists)
def test_the_form_is_canonical(
    window: tuple[int, int],
    busy: list[tuple[int, int, int]],
    unknown: list[tuple[int, int]],
) -> None:
    """Periods are sorted, disjoint, coalesced, within the window and above FREE; unknown merged."""
    value = FreeBusy.from_epochs(*window, busy, unknown)
    lo, hi = value.window_epochs
    assert all(lo <= start < end <= hi and code for start, end, code in value.epochs)
    assert all(lo <= start < end <= hi for start, end in value.unknown_epochs)
    for (_, end, code), (start, _, following) in zip(value.epochs, value.epochs[1:], strict=False):
        assert end < start or (end == start and code != following)
    ends_and_starts = zip(value.unknown_epochs, value.unknown_epochs[1:], strict=False)
    assert all(before[1] < after[0] for before, after in ends_and_starts)

    oracle = Counted(window, busy, unknown)
    assert counted(value).codes == oracle.codes
    assert counted(value).unknown == oracle.unknown


@given(windows, busy_lists, unknown_lists, st.randoms(use_true_random=False), seconds)
def test_order_overlap_and_cuts_do_not_matter(
    window: tuple[int, int],
    busy: list[tuple[int, int, int]],
    unknown: list[tuple[int, int]],
    shuffler: random.Random,
    cut: int,
) -> None:
    """Shuffled, repeated and cut in two, the same time is the same value."""
    pieces = [part for lo, hi, code in busy for part in ((lo, cut, code), (cut, hi, code))]
    pieces = [(max(lo, a), min(hi, b), c) for lo, hi, c in busy for a, b, _ in pieces if a < b]
    shuffled = busy + busy + [piece for piece in pieces if piece[0] < piece[1]]
    shuffler.shuffle(shuffled)
    again = unknown + unknown
    shuffler.shuffle(again)
    expected = FreeBusy.from_epochs(*window, busy, unknown)
    assert FreeBusy.from_epochs(*window, shuffled, again) == expected


@given(free_busies(), st.randoms(use_true_random=False))
def test_datetimes_lead_back(value: FreeBusy, shuffler: random.Random) -> None:
    """from_periods of what a value shows is the value, in any order and form of period."""
    periods: list[BusyPeriod | tuple[datetime, datetime, FBType]] = [
        period if shuffler.random() < 0.5 else (period.start, period.end, period.fbtype)
        for period in value
    ]
    shuffler.shuffle(periods)
    assert FreeBusy.from_periods(value.window, periods, value.unknown) == value
    window = (value.window.start, value.window.end)
    assert FreeBusy.from_periods(window, value.periods, value.unknown) == value


@given(free_busies(), free_busies())
def test_equal_values_hash_and_pickle_alike(a: FreeBusy, b: FreeBusy) -> None:
    """Equality is by content; hash follows it; pickles and copies are equal."""
    assert (a == b) == (counted(a).__dict__ == counted(b).__dict__)
    for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
        assert pickle.loads(pickle.dumps(a, protocol)) == a
    for twin in (pickle.loads(pickle.dumps(a)), copy.deepcopy(a), copy.copy(a)):
        assert twin == a
        assert hash(twin) == hash(a)
        assert repr(twin) == repr(a)


# -- questions ------------------------------------------------------------------------------------


@given(free_busies(), seconds, st.integers(0, 999_999))
def test_at_counted(value: FreeBusy, second: int, fraction: int) -> None:
    """The type if above FREE, else None where unknown or outside the window, else FREE."""
    oracle = counted(value)
    moment = instant(second) + timedelta(microseconds=fraction)
    code = oracle.codes.get(second, 0)
    expected = FBType(code) if code or oracle.known(second) else None
    assert value.at(moment) is expected


@given(free_busies(), ordered(-4, HORIZON + 4))
def test_status_counted(value: FreeBusy, asked: tuple[int, int]) -> None:
    """The strongest blocking type, else None if any part is unknown, else the strongest other."""
    oracle = counted(value)
    strongest = max(oracle.codes.get(second, 0) for second in range(*asked))
    expected: FBType | None = FBType(strongest)
    if expected not in BLOCKING and not all(oracle.known(second) for second in range(*asked)):
        expected = None
    assert value.status(instant(asked[0]), instant(asked[1])) is expected


@given(free_busies(), ordered(-4, HORIZON + 4), blocking_sets)
def test_is_free_counted(
    value: FreeBusy, asked: tuple[int, int], blocks: frozenset[FBType]
) -> None:
    """Every second known and none of a type that blocks."""
    oracle = counted(value)
    expected = all(
        oracle.known(second) and FBType(oracle.codes[second]) not in blocks
        for second in range(*asked)
    )
    assert value.is_free(instant(asked[0]), instant(asked[1]), blocks) == expected


@given(free_busies(), st.integers(1, 12), blocking_sets)
def test_free_counted(value: FreeBusy, duration: int, blocks: frozenset[FBType]) -> None:
    """The maximal runs of known, unblocked seconds that are long enough; each of them is_free."""
    oracle = counted(value)

    def open_second(second: int) -> bool:
        return oracle.known(second) and FBType(oracle.codes[second]) not in blocks

    gaps = value.free(timedelta(seconds=duration), blocks)
    expected = [(lo, hi) for lo, hi in runs(open_second, oracle.window) if hi - lo >= duration]
    assert in_epochs(gaps) == expected
    assert all(value.is_free(gap.start, gap.end, blocks) for gap in gaps)


@given(free_busies(), ordered(-4, HORIZON + 4))
def test_clip_counted(value: FreeBusy, asked: tuple[int, int]) -> None:
    """Clipping is intersection; where nothing overlaps it is a ValueError."""
    start, end = instant(asked[0]), instant(asked[1])
    lo, hi = value.window_epochs
    inside = range(max(lo, asked[0]), min(hi, asked[1]))
    if not inside:
        with pytest.raises(ValueError, match="does not overlap"):
            value.clip(start, end)
        return
    clipped, whole = counted(value.clip(start, end)), counted(value)
    assert clipped.window == inside
    assert clipped.codes == {second: whole.codes[second] for second in inside}
    assert clipped.unknown == whole.unknown & set(inside)
    rebuilt = FreeBusy.from_epochs(inside.start, inside.stop, value.epochs, value.unknown_epochs)
    assert value.clip(start, end) == rebuilt


@given(free_busies(), st.integers(0, HORIZON))
def test_splitting_a_window_loses_nothing(value: FreeBusy, cut: int) -> None:
    """The two halves of a window say together what the whole says.

    Joined, their periods are the whole's; each half is unknown to the other, so what they know is
    the union of what each of them knows within its own window.
    """
    lo, hi = value.window_epochs
    assume(lo < cut < hi)
    left = value.clip(instant(lo), instant(cut))
    right = value.clip(instant(cut), instant(hi))
    assert (left | right).periods == value.periods
    assert (left | right).window == value.window
    assert (left | right).unknown == (value.window,)
    pieces = left.unknown_epochs + right.unknown_epochs
    assert FreeBusy.from_epochs(lo, hi, left.epochs + right.epochs, pieces) == value


# -- common_free ----------------------------------------------------------------------------------


@given(st.lists(free_busies(), min_size=1, max_size=4), st.integers(1, 8), blocking_from)
def test_common_free_is_the_free_time_of_the_join(
    people: list[FreeBusy], duration: int, blocks: frozenset[FBType]
) -> None:
    """Without hours and buffer, the time everybody is free is the time their join is free."""
    length = timedelta(seconds=duration)
    everybody = common_free(people, length, blocks=blocks)
    assert everybody == FreeBusy.join(people).free(length, blocks)
    assert everybody == common_free(iter(reversed(people)), length, blocks=blocks)
    assert everybody == common_free(people + people, length, blocks=blocks)


@given(
    st.lists(free_busies(), min_size=1, max_size=3),
    st.integers(1, 6),
    st.integers(0, 5),
    blocking_sets,
    st.one_of(st.none(), st.integers(1, 11)),
)
def test_common_free_counted(
    people: list[FreeBusy],
    duration: int,
    buffer: int,
    blocks: frozenset[FBType],
    step: int | None,
) -> None:
    """Open seconds are known and unblocked, and keep the buffer; gaps and slots follow."""
    oracles = [counted(person) for person in people]

    def kept_clear(oracle: Counted, second: int) -> bool:
        near = range(second - buffer, second + buffer + 1)
        return not any(
            other in oracle.unknown or FBType(oracle.codes.get(other, 0)) in blocks
            for other in near
        )

    def open_second(second: int) -> bool:
        return all(second in o.window and kept_clear(o, second) for o in oracles)

    expected = [(lo, hi) for lo, hi in runs(open_second, range(HORIZON + 1)) if hi - lo >= duration]
    if step is not None:
        expected = [
            (start, start + duration)
            for lo, hi in expected
            for start in range(lo, hi - duration + 1)
            if start % step == 0
        ]
    found = common_free(
        people,
        timedelta(seconds=duration),
        buffer=timedelta(seconds=buffer),
        blocks=blocks,
        step=None if step is None else timedelta(seconds=step),
    )
    assert in_epochs(found) == expected


# -- clock changes: quarters of an hour, counted with datetimes -----------------------------------

QUARTER = 900
DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")

# Noon, UTC, of days whose clocks change (or that are skipped, or are like any other).
CHANGES = {
    "Europe/Berlin": [datetime(2027, 3, 28, 12), datetime(2027, 10, 31, 12)],
    "America/New_York": [datetime(2027, 3, 14, 12), datetime(2027, 11, 7, 12)],
    "Australia/Lord_Howe": [datetime(2027, 4, 3, 12), datetime(2027, 10, 2, 12)],
    "Pacific/Apia": [datetime(2011, 12, 30, 12)],
    "America/Sao_Paulo": [datetime(2018, 11, 4, 12), datetime(2018, 2, 18, 12)],
    "Asia/Kathmandu": [datetime(2027, 6, 1, 12)],
}
places = st.sampled_from([(name, day) for name, days in CHANGES.items() for day in days])


def quarter(text_seconds: int) -> str:
    minutes = text_seconds // 60
    return f"{minutes // 60:02}:{minutes % 60:02}"


@st.composite
def shifts(draw: st.DrawFn) -> tuple[frozenset[int], int, int]:
    days = draw(st.frozensets(st.integers(0, 6), min_size=3))
    start = draw(st.integers(0, 95)) * QUARTER
    end = draw(st.integers(1, 96)) * QUARTER
    assume(start != end)
    return days, start, end


def as_hours(zone: str, shift: tuple[frozenset[int], int, int]) -> WorkingHours:
    days, start, end = shift
    return WorkingHours(",".join(DAYS[day] for day in days), quarter(start), quarter(end), zone)


def local_time(second: int, zone: str) -> datetime:
    return instant(second).astimezone(ZoneInfo(zone)).replace(tzinfo=None)


def quarters_shown(second: int, zone: str) -> int:
    local = local_time(second, zone)
    return local.hour * 4 + local.minute // 15


def counted_hours(zone: str, shift: tuple[frozenset[int], int, int], window: range) -> set[int]:
    """Return the quarters within the hours, by looking at the clock in each of them."""
    days, start, end = shift
    around = range(window.start - 4 * 86_400, window.stop + 4 * 86_400, QUARTER)
    shown = [(second, local_time(second, zone)) for second in around]

    def reached(when: datetime) -> int:
        return next((second for second, local in shown if local >= when), around.stop)

    found: set[int] = set()
    first = shown[0][1].replace(hour=0, minute=0)
    for further in range(1, (around.stop - around.start) // 86_400):
        day = first + timedelta(days=further)
        if day.weekday() in days:
            opens = reached(day + timedelta(seconds=start))
            closes = reached(day + timedelta(seconds=end + (86_400 if end <= start else 0)))
            found.update(range(opens, closes, QUARTER))
    return found & set(window)


def window_around(noon: datetime, before: int, after: int) -> range:
    middle = epoch(noon.replace(tzinfo=UTC))
    return range(middle - before * QUARTER, middle + after * QUARTER, QUARTER)


def joined_quarters(quarters: set[int]) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    for second in sorted(quarters):
        if found and found[-1][1] == second:
            found[-1] = (found[-1][0], second + QUARTER)
        else:
            found.append((second, second + QUARTER))
    return found


@given(places, shifts(), st.integers(0, 120), st.integers(1, 120))
@example(
    ("Pacific/Apia", datetime(2011, 12, 30, 12)), (frozenset({0, 1, 2, 3, 4}), 32400, 61200), 96, 96
)
@example(("Europe/Berlin", datetime(2027, 10, 31, 12)), (frozenset(range(7)), 9000, 36000), 47, 40)
def test_working_hours_counted(
    place: tuple[str, datetime],
    shift: tuple[frozenset[int], int, int],
    before: int,
    after: int,
) -> None:
    """Hours open when the local clock first shows the start, and close when it shows the end."""
    zone, noon = place
    window = window_around(noon, before, after)
    expected = joined_quarters(counted_hours(zone, shift, window))
    hours = as_hours(zone, shift)
    assert hours.epochs(window.start, window.stop) == expected
    periods = hours.periods(instant(window.start), instant(window.stop))
    assert in_epochs(periods) == expected


@given(places, shifts(), st.integers(0, 86_400))
def test_hours_that_meet_by_the_clock_meet_in_fact(
    place: tuple[str, datetime], shift: tuple[frozenset[int], int, int], cut: int
) -> None:
    """Cutting hours at any local time and joining the halves changes nothing, in gaps and folds."""
    zone, noon = place
    days, start, end = shift
    assume(start < end)
    middle = start + (cut // 60 * 60) % (end - start)
    assume(start < middle < end)
    window = window_around(noon, 130, 130)
    whole = as_hours(zone, shift)
    halves = as_hours(zone, (days, start, middle)) | as_hours(zone, (days, middle, end))
    assert halves.epochs(window.start, window.stop) == whole.epochs(window.start, window.stop)


@given(places, shifts(), shifts(), places, st.integers(-90_000, 90_000))
def test_splitting_the_window_of_hours_loses_nothing(
    place: tuple[str, datetime],
    shift: tuple[frozenset[int], int, int],
    another: tuple[frozenset[int], int, int],
    elsewhere: tuple[str, datetime],
    cut: int,
) -> None:
    """Hours of a window are the hours of its parts, wherever it is cut; `|` is their union."""
    zone, noon = place
    middle = epoch(noon.replace(tzinfo=UTC))
    lo, hi, cut = middle - 100_000, middle + 100_000, middle + cut
    first, second = as_hours(zone, shift), as_hours(elsewhere[0], another)
    both = first | second

    def as_freebusy(*spans: list[tuple[int, int]]) -> FreeBusy:
        return FreeBusy.from_epochs(lo, hi, (), [span for part in spans for span in part])

    assert as_freebusy(both.epochs(lo, cut), both.epochs(cut, hi)) == as_freebusy(
        both.epochs(lo, hi)
    )
    assert as_freebusy(first.epochs(lo, hi), second.epochs(lo, hi)) == as_freebusy(
        both.epochs(lo, hi)
    )


@given(places, shifts(), shifts(), shifts())
def test_joining_hours_is_a_semilattice(
    place: tuple[str, datetime],
    one: tuple[frozenset[int], int, int],
    two: tuple[frozenset[int], int, int],
    three: tuple[frozenset[int], int, int],
) -> None:
    """`|` of hours commutes, is associative and idempotent; pickling keeps equality and hash."""
    a, b, c = (as_hours(place[0], shift) for shift in (one, two, three))
    assert a | b == b | a
    assert (a | b) | c == a | (b | c)
    assert a | a == a
    assert hash(a | b) == hash(b | a)
    again = pickle.loads(pickle.dumps(a | b))
    assert again == a | b
    assert hash(again) == hash(a | b)
    assert eval(repr(a | b), {"WorkingHours": WorkingHours}) == a | b


@given(
    places,
    st.lists(
        st.tuples(
            st.lists(
                st.tuples(st.integers(0, 240), st.integers(1, 20), st.integers(1, 4)), max_size=5
            ),
            st.lists(st.tuples(st.integers(0, 240), st.integers(1, 8)), max_size=2),
            st.one_of(st.none(), shifts()),
        ),
        min_size=1,
        max_size=3,
    ),
    st.integers(1, 8),
    st.integers(0, 4),
    st.one_of(st.none(), st.integers(1, 40), st.sampled_from([96, 120])),
)
def test_common_free_with_hours_counted(
    place: tuple[str, datetime],
    described: list[
        tuple[
            list[tuple[int, int, int]],
            list[tuple[int, int]],
            tuple[frozenset[int], int, int] | None,
        ]
    ],
    duration: int,
    buffer: int,
    step: int | None,
) -> None:
    """Hours, buffer and local steps on days of clock changes, quarter by quarter."""
    zone, noon = place
    window = window_around(noon, 120, 120)
    open_quarters = set(window)
    people: list[FreeBusy] = []
    hours: list[WorkingHours | None] = []
    for busy, unknown, shift in described:
        taken = [
            (window.start + start * QUARTER, window.start + (start + length) * QUARTER)
            for start, length in (
                *((start, length) for start, length, code in busy if FBType(code) in BLOCKING),
                *unknown,
            )
        ]
        people.append(
            FreeBusy.from_epochs(
                window.start,
                window.stop,
                [
                    (window.start + start * QUARTER, window.start + (start + n) * QUARTER, code)
                    for start, n, code in busy
                ],
                [
                    (window.start + start * QUARTER, window.start + (start + n) * QUARTER)
                    for start, n in unknown
                ],
            )
        )
        for lo, hi in taken:
            inside = range(max(lo, window.start), min(hi, window.stop))
            if inside:
                margin = buffer * QUARTER
                open_quarters -= set(range(lo - margin, inside.stop + margin, QUARTER))
        hours.append(None if shift is None else as_hours(zone, shift))
        if shift is not None:
            open_quarters &= counted_hours(zone, shift, window)
    expected = [
        (lo, hi) for lo, hi in joined_quarters(open_quarters) if hi - lo >= duration * QUARTER
    ]
    if step is not None:
        expected = [
            (start, start + duration * QUARTER)
            for lo, hi in expected
            for start in range(lo, hi - duration * QUARTER + 1, QUARTER)
            if quarters_shown(start, zone) % step == 0
        ]
    found = common_free(
        people,
        timedelta(minutes=15 * duration),
        hours=hours,
        step=None if step is None else timedelta(minutes=15 * step),
        buffer=timedelta(minutes=15 * buffer),
        timezone=zone,
    )
    assert in_epochs(found) == expected


# -- instants -------------------------------------------------------------------------------------

aware = st.datetimes(
    timezones=st.sampled_from(
        [UTC, ZoneInfo("Europe/Berlin"), ZoneInfo("Pacific/Apia"), ZoneInfo("Asia/Kathmandu")]
    ),
    allow_imaginary=True,
)


@given(aware)
@example(datetime.min.replace(tzinfo=UTC))
@example(datetime.max.replace(tzinfo=UTC))
@example(datetime.min.replace(tzinfo=ZoneInfo("Pacific/Apia")))
@example(datetime.max.replace(tzinfo=ZoneInfo("America/New_York")))
def test_instants_widen_outward(moment: datetime) -> None:
    """Floor and ceiling enclose the instant within a second, for every year a datetime can hold."""
    floor, ceiling = epoch(moment), epoch(moment, ceil=True)
    assert ceiling - floor in (0, 1)
    assert epoch(instant(floor)) == floor
    assert epoch(instant(ceiling), ceil=True) == ceiling
    since = moment - datetime(1970, 1, 1, tzinfo=UTC)
    if -62_135_596_800 <= since.total_seconds() <= 253_402_300_799:
        assert timedelta(seconds=floor) <= since <= timedelta(seconds=ceiling)
