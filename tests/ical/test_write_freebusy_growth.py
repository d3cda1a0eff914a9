"""Writing free/busy costs as much as there is to write, however often it is interrupted."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

import extcal
from extcal.ical.answer import vfreebusy

START = datetime(2027, 1, 4, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def interrupted(count: int) -> extcal.FreeBusy:
    """Every four minutes one is busy, and another unknown."""
    starts = [START + 4 * number * MINUTE for number in range(count)]
    return extcal.FreeBusy.from_periods(
        extcal.Period(START, START + 4 * count * MINUTE),
        [extcal.BusyPeriod(start, start + MINUTE, extcal.FBType.BUSY) for start in starts],
        [extcal.Period(start + 2 * MINUTE, start + 3 * MINUTE) for start in starts],
    )


def test_what_is_interrupted_comes_back_whole() -> None:
    free_busy = interrupted(50)
    written = extcal.write_freebusy(free_busy, uid="u", dtstamp=START)
    assert written.count(b"BEGIN:VFREEBUSY") == 51
    assert extcal.read_freebusy(written) == free_busy


def test_a_stretch_looks_at_its_own_periods_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not at all of them: there may be as many stretches as periods."""
    looked: list[int] = []

    class Counted(tuple[tuple[int, int, int], ...]):
        def __getitem__(self, index: int) -> tuple[int, int, int]:  # type: ignore[override]
            looked.append(index)
            return super().__getitem__(index)

        def __iter__(self) -> Iterator[tuple[int, int, int]]:
            looked.extend(range(len(self)))
            return super().__iter__()

    free_busy = interrupted(1_000)
    epochs = Counted(free_busy.epochs)
    monkeypatch.setattr(extcal.FreeBusy, "epochs", property(lambda self: epochs))
    found = [list(vfreebusy._blocking(free_busy, *known)) for known in vfreebusy._known(free_busy)]
    assert sum(map(len, found)) == 1_000
    assert 1_000 < len(looked) < 20_000
