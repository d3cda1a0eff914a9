"""FreeBusy by example: what it is made of, what it answers, and what it refuses."""

from __future__ import annotations

import dataclasses
import pickle
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from extcal.intervals import BLOCKING, BusyPeriod, FBType, FreeBusy, Period, epoch


def at(hour: int, minute: int = 0, day: int = 4) -> datetime:
    return datetime(2027, 1, day, hour, minute, tzinfo=UTC)


DAY = Period(at(0), at(0, day=5))

EXAMPLE = FreeBusy.from_periods(
    DAY,
    [
        BusyPeriod(at(9), at(10), FBType.BUSY),
        BusyPeriod(at(9, 30), at(11), FBType.BUSY_TENTATIVE),
        BusyPeriod(at(14), at(16), FBType.WORKING_ELSEWHERE),
        BusyPeriod(at(18), at(19), FBType.BUSY_UNAVAILABLE),
    ],
    unknown=[(at(18, 30), at(20))],
)


def test_overlaps_flatten_to_the_strongest_type() -> None:
    """A tentative event never punches a hole into a confirmed one."""
    assert EXAMPLE.periods == (
        BusyPeriod(at(9), at(10), FBType.BUSY),
        BusyPeriod(at(10), at(11), FBType.BUSY_TENTATIVE),
        BusyPeriod(at(14), at(16), FBType.WORKING_ELSEWHERE),
        BusyPeriod(at(18), at(19), FBType.BUSY_UNAVAILABLE),
    )
    assert EXAMPLE.periods is EXAMPLE.periods
    assert list(EXAMPLE) == list(EXAMPLE.periods)
    assert EXAMPLE.unknown == (Period(at(18, 30), at(20)),)
    assert EXAMPLE.window == DAY


def test_a_stronger_type_inside_a_weaker_one_cuts_it_in_two() -> None:
    """Flattening is the maximum at every instant."""
    value = FreeBusy.from_periods(
        DAY,
        [
            (at(9), at(12), FBType.BUSY_TENTATIVE),
            (at(10), at(11), FBType.BUSY_UNAVAILABLE),
            (at(10, 30), at(10, 45), FBType.WORKING_ELSEWHERE),
        ],
    )
    assert [(p.start, p.end, p.fbtype) for p in value] == [
        (at(9), at(10), FBType.BUSY_TENTATIVE),
        (at(10), at(11), FBType.BUSY_UNAVAILABLE),
        (at(11), at(12), FBType.BUSY_TENTATIVE),
    ]


def test_periods_come_in_many_forms() -> None:
    """BusyPeriods, Periods and pairs (BUSY), and triples; FREE says nothing."""
    window = (DAY.start, DAY.end)
    value = FreeBusy.from_periods(
        window,
        [
            Period(at(9), at(10)),
            (at(10), at(11)),
            (at(11), at(12), FBType.BUSY),
            BusyPeriod(at(8), at(23), FBType.FREE),
        ],
        unknown=[Period(at(1), at(2)), (at(2), at(3))],
    )
    assert value.periods == (BusyPeriod(at(9), at(12)),)
    assert value.unknown == (Period(at(1), at(3)),)
    assert FreeBusy.from_periods(window, iter(value), iter(value.unknown)) == value


def test_what_lies_outside_the_window_is_cut_off() -> None:
    """Both busy and unknown time."""
    value = FreeBusy.from_periods(
        (at(9), at(10)),
        [(at(8), at(9, 15)), (at(9, 45), at(12)), (at(10), at(11)), (at(7), at(9))],
        [(at(8), at(9)), (at(9, 50), at(13))],
    )
    assert [(p.start, p.end) for p in value] == [(at(9), at(9, 15)), (at(9, 45), at(10))]
    assert value.unknown == (Period(at(9, 50), at(10)),)


def test_epochs_are_the_same_in_integers() -> None:
    """What other rooms read: plain integers, the same content."""
    lo = epoch(at(0))
    assert EXAMPLE.window_epochs == (lo, lo + 86_400)
    assert EXAMPLE.epochs[0] == (lo + 9 * 3600, lo + 10 * 3600, 3)
    assert EXAMPLE.unknown_epochs == ((lo + 18 * 3600 + 1800, lo + 20 * 3600),)
    assert all(type(part) is int for span in EXAMPLE.epochs for part in span)
    again = FreeBusy.from_epochs(*EXAMPLE.window_epochs, EXAMPLE.epochs, EXAMPLE.unknown_epochs)
    assert again == EXAMPLE
    enumerated = FreeBusy.from_epochs(0, 10, [(1, 2, FBType.BUSY)])
    assert type(enumerated.epochs[0][2]) is int


def test_epochs_may_be_empty_free_and_far_away() -> None:
    """Empty and FREE ones fall away; the window is cut to years 1 to 9999."""
    value = FreeBusy.from_epochs(-(10**15), 10**15, [(5, 5, 3), (7, 6, 3), (1, 9, 0)], [(4, 4)])
    assert value.epochs == ()
    assert value.unknown == ()
    assert value.window == Period(
        datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
    )
    assert value.free() == (value.window,)
    for nonsense in (-1, 5):
        with pytest.raises(ValueError, match=f"{nonsense} is not the code of a FBType"):
            FreeBusy.from_epochs(0, 10, [(20, 30, nonsense)])
    with pytest.raises(ValueError, match="must begin before it ends"):
        FreeBusy.from_epochs(10, 10)


@pytest.mark.parametrize(
    ("instant", "expected"),
    [
        (at(8, 59), FBType.FREE),
        (at(9), FBType.BUSY),
        (at(10), FBType.BUSY_TENTATIVE),
        (at(11), FBType.FREE),
        (at(15), FBType.WORKING_ELSEWHERE),
        (at(18, 45), FBType.BUSY_UNAVAILABLE),
        (at(19), None),
        (at(20), FBType.FREE),
        (at(23, day=3), None),
        (at(0, day=5), None),
    ],
)
def test_at(instant: datetime, expected: FBType | None) -> None:
    """The type if above FREE, else None where unknown, else FREE; the window is half-open."""
    assert EXAMPLE.at(instant) is expected


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        (at(8), at(9), FBType.FREE),
        (at(8), at(9, 1), FBType.BUSY),
        (at(10), at(12), FBType.BUSY_TENTATIVE),
        (at(12), at(15), FBType.WORKING_ELSEWHERE),
        (at(9), at(22), FBType.BUSY_UNAVAILABLE),
        (at(19), at(22), None),
        (at(15), at(16, day=5), FBType.BUSY_UNAVAILABLE),
        (at(20), at(1, day=5), None),
        (at(22, day=3), at(1), None),
        (at(10, day=5), at(11, day=5), None),
    ],
)
def test_status(start: datetime, end: datetime, expected: FBType | None) -> None:
    """The strongest blocking type touching it, else None if any part is unknown, else the rest."""
    assert EXAMPLE.status(start, end) is expected


def test_status_of_unknown_time_is_not_the_weak_type_in_it() -> None:
    """Working elsewhere does not block, so it cannot vouch for time that is unknown."""
    value = FreeBusy.from_periods(
        DAY, [(at(9), at(10), FBType.WORKING_ELSEWHERE)], [(at(9, 30), at(10))]
    )
    assert value.at(at(9, 45)) is FBType.WORKING_ELSEWHERE
    assert value.status(at(9), at(10)) is None
    assert value.status(at(9), at(9, 30)) is FBType.WORKING_ELSEWHERE


def test_is_free() -> None:
    """Known, and nothing that blocks; what blocks belongs to the question."""
    assert EXAMPLE.is_free(at(11), at(18))
    assert not EXAMPLE.is_free(at(10), at(11))
    assert EXAMPLE.is_free(at(10), at(11), blocks={FBType.BUSY})
    assert not EXAMPLE.is_free(at(14), at(15), blocks=[*BLOCKING, FBType.WORKING_ELSEWHERE])
    assert not EXAMPLE.is_free(at(19), at(20))
    assert not EXAMPLE.is_free(at(23), at(1, day=5))
    assert not EXAMPLE.is_free(at(23, day=3), at(1))
    assert not EXAMPLE.is_free(at(19), at(20), blocks=())


def test_free() -> None:
    """The gaps between blocked and unknown time, at least so long; all of them by default."""
    all_gaps = (Period(at(0), at(9)), Period(at(11), at(18)), Period(at(20), at(0, day=5)))
    assert EXAMPLE.free() == all_gaps
    assert EXAMPLE.free(duration=timedelta(hours=7)) == all_gaps[:2]
    assert EXAMPLE.free(timedelta(hours=7, microseconds=1)) == all_gaps[:1]
    assert EXAMPLE.free(timedelta(hours=9, seconds=1)) == ()
    assert EXAMPLE.free(timedelta(hours=9), blocks={FBType.BUSY_UNAVAILABLE}) == (
        Period(at(0), at(18)),
    )


def test_clip() -> None:
    """Intersection with the window; periods that reach over the edge are cut."""
    clipped = EXAMPLE.clip(at(9, 30), at(18, 45))
    assert clipped.window == Period(at(9, 30), at(18, 45))
    assert [(p.start, p.end) for p in clipped] == [
        (at(9, 30), at(10)),
        (at(10), at(11)),
        (at(14), at(16)),
        (at(18), at(18, 45)),
    ]
    assert clipped.unknown == (Period(at(18, 30), at(18, 45)),)
    assert EXAMPLE.clip(at(0, day=1), at(0, day=9)) == EXAMPLE
    with pytest.raises(
        ValueError, match="01-05 00:00 to 10:00 UTC does not overlap the window, 2027-01-04 00:00"
    ):
        EXAMPLE.clip(at(0, day=5), at(10, day=5))
    with pytest.raises(ValueError, match="does not overlap"):
        EXAMPLE.clip(at(23, day=3), at(0))


def test_join_of_disjoint_windows_knows_nothing_of_either() -> None:
    """The hull is the window; each part is unknown to the other; busy time stays busy."""
    monday = FreeBusy.from_periods((at(0), at(12)), [(at(9), at(10))])
    tuesday = FreeBusy.from_periods((at(0, day=5), at(12, day=5)), [(at(9, day=5), at(10, day=5))])
    joined = monday | tuesday
    assert joined.window == Period(at(0), at(12, day=5))
    assert joined.unknown == (joined.window,)
    assert [p.start for p in joined] == [at(9), at(9, day=5)]
    assert joined.free() == ()


def test_join_keeps_what_both_know() -> None:
    """Overlapping windows: the common part stays known."""
    left = FreeBusy.from_periods((at(8), at(12)), [(at(9), at(10), FBType.BUSY_TENTATIVE)])
    right = FreeBusy.from_periods((at(9), at(13)), [(at(9, 30), at(11))], [(at(11), at(11, 30))])
    joined = FreeBusy.join([left, right])
    assert joined == left | right
    assert joined.unknown == (
        Period(at(8), at(9)),
        Period(at(11), at(11, 30)),
        Period(at(12), at(13)),
    )
    assert joined.periods == (
        BusyPeriod(at(9), at(9, 30), FBType.BUSY_TENTATIVE),
        BusyPeriod(at(9, 30), at(11), FBType.BUSY),
    )


def test_join_refuses_what_it_cannot_join() -> None:
    """Nothing at all is a ValueError, anything but FreeBusy a TypeError."""
    with pytest.raises(ValueError, match="join needs at least one FreeBusy"):
        FreeBusy.join([])
    with pytest.raises(TypeError, match="join takes several FreeBusy"):
        FreeBusy.join([EXAMPLE, "busy"])  # type: ignore[list-item]
    with pytest.raises(TypeError, match="join takes several FreeBusy"):
        FreeBusy.join(EXAMPLE)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        EXAMPLE | None  # type: ignore[operator]


NAIVE = datetime(2027, 1, 4, 9)


@pytest.mark.parametrize(
    "ask",
    [
        lambda: EXAMPLE.at(NAIVE),
        lambda: EXAMPLE.status(NAIVE, at(10)),
        lambda: EXAMPLE.is_free(at(8), NAIVE),
        lambda: EXAMPLE.clip(NAIVE, at(10)),
        lambda: FreeBusy.from_periods((NAIVE, at(10)), []),
        lambda: FreeBusy.from_periods(DAY, [(NAIVE, at(10))]),
        lambda: FreeBusy.from_periods(DAY, [(NAIVE, at(10), FBType.BUSY)]),
        lambda: FreeBusy.from_periods(DAY, [], [(at(8), NAIVE)]),
    ],
)
def test_naive_datetimes_never_pass(ask: Callable[[], object]) -> None:
    """A naive datetime is a TypeError that says what to pass, at every door."""
    with pytest.raises(TypeError, match="pass an aware datetime"):
        ask()


@pytest.mark.parametrize(
    "ask",
    [
        lambda: EXAMPLE.status(at(10), at(10)),
        lambda: EXAMPLE.is_free(at(10), at(9)),
        lambda: EXAMPLE.clip(at(10), at(9)),
        lambda: FreeBusy.from_periods((at(10), at(9)), []),
        lambda: FreeBusy.from_periods(DAY, [(at(10), at(10))]),
        lambda: FreeBusy.from_periods(DAY, [], [(at(10), at(9))]),
    ],
)
def test_start_must_be_before_end(ask: Callable[[], object]) -> None:
    """start >= end is a ValueError, at every door."""
    with pytest.raises(ValueError, match="start must be before end"):
        ask()


@pytest.mark.parametrize("strange", ["ab", at(9), (at(9),), (1, 2, 3, 4), None])
def test_a_period_is_a_period_or_a_pair(strange: object) -> None:
    """Anything else is a TypeError."""
    with pytest.raises(TypeError):
        FreeBusy.from_periods(strange, [])  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        FreeBusy.from_periods(DAY, [strange])  # type: ignore[list-item]


@pytest.mark.parametrize(
    ("blocks", "error", "message"),
    [
        (FBType.BUSY, TypeError, r"pass \{<FBType.BUSY: 'BUSY'>\}, a set"),
        ("BUSY", TypeError, "blocks takes several types"),
        (["BUSY"], TypeError, "blocks takes FBTypes such as FBType.BUSY, not 'BUSY'"),
        ([3], TypeError, "blocks takes FBTypes"),
        ([FBType.FREE], ValueError, "FREE time cannot block"),
    ],
)
def test_blocks_are_several_types(blocks: object, error: type[Exception], message: str) -> None:
    """What blocks is a set of types, and FREE is none of them."""
    with pytest.raises(error, match=message):
        EXAMPLE.is_free(at(9), at(10), blocks)  # type: ignore[arg-type]
    with pytest.raises(error, match=message):
        EXAMPLE.free(blocks=blocks)  # type: ignore[arg-type]


@pytest.mark.parametrize("duration", [timedelta(0), timedelta(microseconds=-1)])
def test_a_duration_is_positive(duration: timedelta) -> None:
    """Nothing or less is a ValueError, and a number is no duration."""
    with pytest.raises(ValueError, match="duration must be positive"):
        EXAMPLE.free(duration)
    with pytest.raises(TypeError, match="duration takes a timedelta, not int"):
        EXAMPLE.free(30)  # type: ignore[arg-type]


def test_it_is_a_value() -> None:
    """Immutable, slotted, hashable, picklable; equal by content; made by its classmethods only."""
    twin = FreeBusy.from_periods(DAY, EXAMPLE.periods[::-1], EXAMPLE.unknown)
    assert twin == EXAMPLE
    assert {twin: 1}[EXAMPLE] == 1
    assert EXAMPLE.clip(at(0), at(23)) != EXAMPLE
    assert EXAMPLE != "free"
    assert pickle.loads(pickle.dumps(EXAMPLE)) == EXAMPLE
    assert not hasattr(EXAMPLE, "__dict__")
    with pytest.raises(dataclasses.FrozenInstanceError, match="FreeBusy is a value"):
        EXAMPLE._lo = 0
    with pytest.raises(dataclasses.FrozenInstanceError, match="FreeBusy is a value"):
        del EXAMPLE._lo
    with pytest.raises(TypeError, match="from_periods"):
        FreeBusy()


def test_repr_reads_aloud() -> None:
    """The window, how much of each type, strongest first, and how much is unknown."""
    assert repr(EXAMPLE) == (
        "<FreeBusy 2027-01-04 00:00 to 2027-01-05 00:00 UTC: "
        "1 BUSY-UNAVAILABLE, 1 BUSY, 1 BUSY-TENTATIVE, 1 WORKING-ELSEWHERE, 1 unknown>"
    )
    empty = FreeBusy.from_periods((at(9), at(10)))
    assert repr(empty) == "<FreeBusy 2027-01-04 09:00 to 10:00 UTC: all free>"


# -- traps ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "wrong", [at(9), at(9).date(), Period(at(9), at(10)), (at(9), at(10)), "BUSY", FBType.BUSY, 9]
)
def test_only_a_busy_period_can_be_in_it(wrong: object) -> None:
    """`now in busy` would be False at a busy time: it is a TypeError that names what to ask."""
    busy = FreeBusy.from_periods((at(0), at(12)), [(at(9), at(10))])
    with pytest.raises(TypeError, match=r"\.at\(.*\.is_free\(.*\.periods"):
        assert wrong in busy  # type: ignore[operator]
    assert BusyPeriod(at(9), at(10)) in busy
    assert BusyPeriod(at(9), at(10), FBType.BUSY_TENTATIVE) not in busy


@pytest.mark.parametrize("ask", [bool, lambda busy: not busy, lambda busy: busy and 1])
def test_it_is_neither_true_nor_false(ask: Callable[[FreeBusy], object]) -> None:
    """Whether `if busy:` asks for known or for busy would be a guess."""
    for periods in ([], [(at(9), at(10))]):
        with pytest.raises(TypeError, match=r"\.at\(.*\.is_free\(.*\.periods"):
            ask(FreeBusy.from_periods((at(0), at(12)), periods))
