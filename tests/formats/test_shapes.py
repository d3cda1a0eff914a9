"""Google's and Microsoft's shapes: what their clients read, and unknown time that is never free."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import extcal
from extcal.formats import availability_view, to_google_freebusy, to_graph_schedules
from extcal.intervals import BLOCKING, FBType, FreeBusy
from extcal.testing import strategies

DAY = datetime(2027, 1, 4, tzinfo=UTC)
THREE_DAYS = extcal.Period(DAY, DAY + timedelta(days=3))


def at(hour: int, minute: int = 0) -> datetime:
    return DAY + timedelta(hours=hour, minutes=minute)


ADA = FreeBusy.from_periods(
    (at(8), at(12)),
    [
        (at(9), at(10)),
        (at(10), at(10, 30), FBType.BUSY_TENTATIVE),
        (at(11), at(11, 30), FBType.WORKING_ELSEWHERE),
    ],
)
EVE = FreeBusy.from_periods((at(8), at(12)), [(at(9), at(10))], unknown=[(at(9, 30), at(11))])


class TestGoogle:
    def test_the_shape_of_freebusy_query(self) -> None:
        """Touching stretches that block are one; working elsewhere is not busy."""
        assert to_google_freebusy({"ada@example.org": ADA}) == {
            "kind": "calendar#freeBusy",
            "timeMin": "2027-01-04T08:00:00Z",
            "timeMax": "2027-01-04T12:00:00Z",
            "calendars": {
                "ada@example.org": {
                    "busy": [{"start": "2027-01-04T09:00:00Z", "end": "2027-01-04T10:30:00Z"}]
                }
            },
        }

    def test_unknown_time_is_busy_and_an_error_that_clients_know(self) -> None:
        found = to_google_freebusy({"eve": EVE})["calendars"]["eve"]
        assert found.get("errors") == [{"domain": "global", "reason": "internalError"}]
        assert found["busy"] == [{"start": "2027-01-04T09:00:00Z", "end": "2027-01-04T11:00:00Z"}]

    def test_times_carry_the_offset_of_the_zone_asked_for(self) -> None:
        found = to_google_freebusy({"ada": ADA}, timezone="Europe/Berlin")
        assert found["timeMin"] == "2027-01-04T09:00:00+01:00"
        assert to_google_freebusy({"ada": ADA}, timezone=UTC)["timeMin"].endswith("00Z")

    def test_blocks_belongs_to_the_question(self) -> None:
        found = to_google_freebusy({"ada": ADA}, blocks={FBType.WORKING_ELSEWHERE})
        assert found["calendars"]["ada"]["busy"] == [
            {"start": "2027-01-04T11:00:00Z", "end": "2027-01-04T11:30:00Z"}
        ]


class TestGraph:
    def test_the_shape_of_get_schedule(self) -> None:
        """Digits for half hours, items with status, times in dateTimeTimeZone; no subject."""
        berlin = {"timeZone": "Europe/Berlin"}
        assert to_graph_schedules({"ada@example.org": ADA}, timezone="Europe/Berlin") == {
            "value": [
                {
                    "scheduleId": "ada@example.org",
                    "availabilityView": "00221040",
                    "scheduleItems": [
                        {
                            "status": "busy",
                            "start": {"dateTime": "2027-01-04T10:00:00.0000000", **berlin},
                            "end": {"dateTime": "2027-01-04T11:00:00.0000000", **berlin},
                        },
                        {
                            "status": "tentative",
                            "start": {"dateTime": "2027-01-04T11:00:00.0000000", **berlin},
                            "end": {"dateTime": "2027-01-04T11:30:00.0000000", **berlin},
                        },
                        {
                            "status": "workingElsewhere",
                            "start": {"dateTime": "2027-01-04T12:00:00.0000000", **berlin},
                            "end": {"dateTime": "2027-01-04T12:30:00.0000000", **berlin},
                        },
                    ],
                }
            ]
        }

    def test_unknown_time_is_busy_in_the_view_and_unknown_among_the_items(self) -> None:
        (eve,) = to_graph_schedules({"eve": EVE})["value"]
        assert eve["availabilityView"] == "00222200"
        assert [item["status"] for item in eve["scheduleItems"]] == ["busy", "unknown"]
        assert "error" not in eve

    def test_somebody_of_whom_nothing_is_known_is_an_error_and_busy(self) -> None:
        nobody = FreeBusy.from_periods((at(8), at(9)), unknown=[(at(8), at(9))])
        (found,) = to_graph_schedules({"x": nobody})["value"]
        assert found["availabilityView"] == "22"
        assert found.get("error", {}).get("responseCode") == "ErrorFreeBusyGenerationFailed"

    def test_out_of_office_is_the_strongest(self) -> None:
        away = FreeBusy.from_periods(
            (at(8), at(9)), [(at(8), at(8, 1), FBType.BUSY_UNAVAILABLE)], unknown=[(at(8), at(9))]
        )
        assert availability_view(away) == "32"

    def test_working_elsewhere_may_be_written_as_graph_does(self) -> None:
        assert availability_view(ADA, elsewhere="0") == "00221000"

    def test_an_interval_that_reaches_beyond_the_window_is_not_free(self) -> None:
        """Nobody can answer for the end of it."""
        free = FreeBusy.from_periods((at(8), at(9)))
        assert availability_view(free, timedelta(minutes=25)) == "002"

    @pytest.mark.parametrize("minutes", [0, 4, 5.5, 1441])
    def test_graphs_bounds_of_the_interval(self, minutes: float) -> None:
        with pytest.raises(ValueError, match="minutes"):
            availability_view(ADA, timedelta(minutes=minutes))

    def test_an_interval_is_a_timedelta(self) -> None:
        with pytest.raises(TypeError, match="timedelta"):
            availability_view(ADA, 30)  # type: ignore[arg-type]


SHAPES = [to_google_freebusy, to_graph_schedules]


@pytest.mark.parametrize("shape", SHAPES)
def test_what_lies_outside_somebodys_window_is_unknown(shape: Any) -> None:
    late = FreeBusy.from_periods((at(10), at(14)))
    found = json.dumps(shape({"ada": ADA, "late": late}))
    assert ("internalError" in found) or ('"unknown"' in found)


@pytest.mark.parametrize("shape", SHAPES)
def test_an_availability_is_people_by_name(shape: Any) -> None:
    calendars = extcal.CalendarCache()
    assert shape(calendars.availability({"Ada": ADA}, at(8), at(12))) == shape({"Ada": ADA})
    assert json.dumps(shape(calendars.availability({}, at(8), at(12))))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("wrong", [ADA, {"Ada": [ADA]}, {3: ADA}])
def test_anything_else_is_a_type_error(shape: Any, wrong: Any) -> None:
    with pytest.raises(TypeError):
        shape(wrong)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("options", [{}, {"timezone": "Mars/Olympus"}])
def test_nobody_and_no_zone_are_value_errors(shape: Any, options: Mapping[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"somebody|time zone"):
        shape({} if not options else {"Ada": ADA}, **options)


def test_a_zone_without_a_name_is_written_as_it_calls_itself() -> None:
    zone = timezone(timedelta(hours=-3))
    (found,) = to_graph_schedules({"ada": ADA}, timezone=zone)["value"]
    assert found["scheduleItems"][0]["start"]["timeZone"] == "UTC-03:00"


@given(strategies.free_busies(THREE_DAYS), st.sampled_from([20, 30, 45, 1440]))
def test_what_a_digit_calls_free_is_free(free_busy: FreeBusy, minutes: int) -> None:
    """Unknown is never free: a 0 is an interval that is_free says yes to, a 4 is one in which
    nothing blocks."""
    interval = timedelta(minutes=minutes)
    for index, digit in enumerate(availability_view(free_busy, interval)):
        start = free_busy.window.start + index * interval
        assert (digit in "04") == free_busy.is_free(start, start + interval)


@given(strategies.free_busies())
def test_what_google_is_told_is_what_is_not_free(free_busy: FreeBusy) -> None:
    calendar = to_google_freebusy({"x": free_busy})["calendars"]["x"]
    edges = {
        datetime.fromisoformat(edge) for period in calendar["busy"] for edge in period.values()
    }  # type: ignore[arg-type]
    free = free_busy.free()
    told = {edge for gap in free for edge in (gap.start, gap.end)}
    window = {free_busy.window.start, free_busy.window.end}
    assert edges - window == told - window
    assert ("errors" in calendar) == bool(free_busy.unknown)
    assert BLOCKING
