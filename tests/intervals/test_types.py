"""FBType, Period and BusyPeriod: the words of the algebra."""

from __future__ import annotations

import copy
import dataclasses
import json
import operator
import pickle
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest

from extcal.intervals import BLOCKING, BusyPeriod, FBType, Period, epoch, instant

NINE = datetime(2027, 1, 4, 9, tzinfo=UTC)
TEN = datetime(2027, 1, 4, 10, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")


def test_types_are_ordered_by_strength() -> None:
    """FREE < WORKING-ELSEWHERE < BUSY-TENTATIVE < BUSY < BUSY-UNAVAILABLE."""
    assert [str(fbtype) for fbtype in sorted(FBType)] == [
        "FREE",
        "WORKING-ELSEWHERE",
        "BUSY-TENTATIVE",
        "BUSY",
        "BUSY-UNAVAILABLE",
    ]
    assert max(FBType) is FBType.BUSY_UNAVAILABLE
    assert min(FBType.BUSY, FBType.BUSY_TENTATIVE) is FBType.BUSY_TENTATIVE


@pytest.mark.parametrize("compare", [operator.lt, operator.le, operator.gt, operator.ge])
@pytest.mark.parametrize("other", ["BUSY", "A", 3, None, 0.5])
def test_strength_is_compared_with_types_only(
    compare: Callable[[object, object], bool], other: object
) -> None:
    """Text would be compared by the alphabet; either side is a TypeError that names FBType."""
    for one in FBType:
        assert compare(one, one) == (compare in (operator.le, operator.ge))
    with pytest.raises(TypeError, match="FBType"):
        compare(FBType.BUSY, other)
    with pytest.raises(TypeError, match="FBType"):
        compare(other, FBType.BUSY)


@pytest.mark.parametrize("fbtype", FBType)
def test_a_type_is_its_text(fbtype: FBType) -> None:
    """Equal to the token, with its hash; JSON, formatting and matching show the token."""
    token = fbtype.token
    assert (fbtype == token, hash(fbtype) == hash(token)) == (True, True)
    assert {token: 1}[fbtype] == {fbtype: 1}[token] == 1
    assert json.dumps({fbtype: fbtype}) == f'{{"{token}": "{token}"}}'
    assert type(str(fbtype)) is type(f"{fbtype}") is type(token) is str
    assert (str(fbtype), f"{fbtype}", fbtype.value) == (token, token, token)
    match fbtype.token:
        case FBType.BUSY:
            assert fbtype is FBType.BUSY
        case _:
            assert fbtype is not FBType.BUSY
    assert copy.deepcopy(fbtype) is copy.copy(fbtype) is fbtype


def test_free_is_true_like_any_text() -> None:
    """`if fbtype:` no longer asks whether time is taken."""
    assert all(FBType)


def test_a_type_is_made_of_its_token_or_of_its_code() -> None:
    """Codes 0 to 4 are in pickles and stores of 0.1.0; a token is read in any case."""
    assert [FBType(code) for code in range(5)] == list(FBType)
    assert FBType(" busy-tentative ") is FBType.BUSY_TENTATIVE
    for wrong in ("OOF", "", 5, -1, True, 1.0, None):
        with pytest.raises(ValueError, match="is not a valid FBType"):
            FBType(wrong)


def test_blocking_is_tentative_and_stronger() -> None:
    """WORKING-ELSEWHERE does not block."""
    assert frozenset(t for t in FBType if t >= FBType.BUSY_TENTATIVE) == BLOCKING


@pytest.mark.parametrize("fbtype", FBType)
def test_tokens_lead_back(fbtype: FBType) -> None:
    """A token names its type in any case, and is what is printed."""
    assert FBType.from_token(fbtype.token) is fbtype
    assert FBType.from_token(f" {fbtype.token.lower()} ") is fbtype
    assert f"{fbtype:>20}" == f"{fbtype.token:>20}"
    assert pickle.loads(pickle.dumps(fbtype)) is fbtype


@pytest.mark.parametrize("token", ["X-LUNCH", "", "BUSY TENTATIVE", "from_token", "OOF"])
def test_rfc5545_3_2_9_unknown_tokens_are_busy(token: str) -> None:
    """Applications MUST treat values they don't recognize the same way as BUSY."""
    assert FBType.from_token(token) is FBType.BUSY


def test_a_period_shows_utc_whatever_zone_it_was_given() -> None:
    """Equal instants make equal periods; what comes out is UTC."""
    local = Period(NINE.astimezone(BERLIN), TEN.astimezone(timezone(timedelta(hours=-8))))
    assert local == Period(NINE, TEN)
    assert hash(local) == hash(Period(NINE, TEN))
    assert local.start.tzinfo is UTC
    assert local.end.tzinfo is UTC
    assert local.duration == timedelta(hours=1)


def test_fractions_widen_outward() -> None:
    """A start is floored, an end is raised: nothing that was asked about is lost."""
    tick = timedelta(microseconds=1)
    assert Period(NINE + tick, TEN + tick) == Period(NINE, TEN + timedelta(seconds=1))
    assert Period(NINE + tick, NINE + 2 * tick) == Period(NINE, NINE + timedelta(seconds=1))


def test_start_and_end_are_compared_as_instants() -> None:
    """On the day the clocks go back, 02:30 may well be before 02:15."""
    first = datetime(2027, 10, 31, 2, 30, tzinfo=BERLIN)
    second = datetime(2027, 10, 31, 2, 15, fold=1, tzinfo=BERLIN)
    assert Period(first, second).duration == timedelta(minutes=45)
    with pytest.raises(ValueError, match="start must be before end"):
        Period(second, first)


@pytest.mark.parametrize("end", [NINE, NINE - timedelta(microseconds=1)])
def test_an_empty_period_is_refused(end: datetime) -> None:
    """start >= end is a ValueError."""
    with pytest.raises(ValueError, match="start must be before end"):
        Period(NINE, end)
    with pytest.raises(ValueError, match="start must be before end"):
        BusyPeriod(NINE, end, FBType.BUSY)


def test_naive_datetimes_are_told_what_to_pass() -> None:
    """A naive datetime is a TypeError that says what to pass."""
    with pytest.raises(TypeError, match=r"no time zone: pass an aware datetime, with tzinfo="):
        Period(datetime(2027, 1, 4, 9), TEN)
    with pytest.raises(TypeError, match="pass an aware datetime"):
        epoch(datetime(2027, 1, 4, 9))


def test_other_things_are_no_instants() -> None:
    """A date is a day of some zone; text and numbers are nothing at all."""
    with pytest.raises(TypeError, match="the date 2027-01-04 is a day of some zone"):
        epoch(date(2027, 1, 4))  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="pass an aware datetime, not '2027-01-04'"):
        epoch("2027-01-04")  # type: ignore[arg-type]


def test_rfc5545_3_3_5_local_times_of_clock_changes() -> None:
    """A skipped time takes the offset before the gap, one that comes twice is its first pass."""
    skipped = datetime(2027, 3, 28, 2, 30, tzinfo=BERLIN)
    assert instant(epoch(skipped)) == datetime(2027, 3, 28, 1, 30, tzinfo=UTC)
    twice = datetime(2027, 10, 31, 2, 30, tzinfo=BERLIN)
    assert instant(epoch(twice)) == datetime(2027, 10, 31, 0, 30, tzinfo=UTC)
    assert epoch(twice.replace(fold=1)) - epoch(twice) == 3600


def test_all_years_that_a_datetime_holds() -> None:
    """Years 1 to 9999 in any zone; what lies beyond them in UTC is cut to them."""
    east, west = timezone(timedelta(hours=14)), timezone(timedelta(hours=-12))
    everything = Period(datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC))
    wider = Period(datetime.min.replace(tzinfo=east), datetime.max.replace(tzinfo=west))
    assert wider == everything
    assert Period(wider.start, wider.end) == wider
    assert repr(wider) == "<Period 0001-01-01 00:00 to 9999-12-31 23:59:59 UTC>"
    late = datetime.max.replace(tzinfo=west)
    assert Period(late - timedelta(hours=1), late).end == everything.end
    early = datetime.min.replace(tzinfo=east)
    with pytest.raises(ValueError, match="before year 1"):
        Period(early, early + timedelta(hours=1))
    assert instant(-(10**18)) == everything.start
    assert instant(10**18) == everything.end


def test_a_busy_period_has_a_type() -> None:
    """Without FBTYPE it is BUSY (RFC 5545, section 3.2.9); a word or number is not a type."""
    assert BusyPeriod(NINE, TEN).fbtype is FBType.BUSY
    with pytest.raises(TypeError, match="from_token"):
        BusyPeriod(NINE, TEN, "BUSY")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"FBType\.BUSY"):
        BusyPeriod(NINE, TEN, 3)  # type: ignore[arg-type]


def test_a_busy_period_is_a_period_but_never_equal_to_one() -> None:
    """A type says more than none."""
    busy: Period = BusyPeriod(NINE, TEN)
    assert isinstance(busy, Period)
    assert busy != Period(NINE, TEN)
    assert BusyPeriod(NINE, TEN) != BusyPeriod(NINE, TEN, FBType.BUSY_TENTATIVE)


def test_periods_sort_by_time() -> None:
    """Earlier starts first, then earlier ends."""
    later = TEN + timedelta(hours=1)
    assert sorted([Period(TEN, later), Period(NINE, later), Period(NINE, TEN)]) == [
        Period(NINE, TEN),
        Period(NINE, later),
        Period(TEN, later),
    ]


@pytest.mark.parametrize("value", [Period(NINE, TEN), BusyPeriod(NINE, TEN, FBType.BUSY)])
def test_periods_are_values(value: Period) -> None:
    """Frozen, slotted, hashable and picklable."""
    with pytest.raises(dataclasses.FrozenInstanceError):
        value.start = TEN  # type: ignore[misc]
    assert not hasattr(value, "__dict__")
    assert pickle.loads(pickle.dumps(value)) == value
    assert hash(pickle.loads(pickle.dumps(value))) == hash(value)


def test_reprs_read_aloud() -> None:
    """Day and time in UTC; the day once if it stays the same, seconds only if there are any."""
    assert repr(Period(NINE, TEN)) == "<Period 2027-01-04 09:00 to 10:00 UTC>"
    assert (
        repr(BusyPeriod(NINE, NINE + timedelta(days=1, seconds=5), FBType.BUSY_TENTATIVE))
        == "<BusyPeriod BUSY-TENTATIVE 2027-01-04 09:00 to 2027-01-05 09:00:05 UTC>"
    )
