"""Dates of one event that are written alike are read alike; one by one they are the same."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

import extcal
from extcal.ical.budget import Work
from extcal.ical.events.rdate_exdate import Dates
from extcal.ical.events.times import Extent, parse_duration, parse_moment
from extcal.ical.parse.components import Stream
from extcal.ical.parse.content_lines import Line
from extcal.ical.zones.resolve import Zones

LO, HI = 1_798_761_600, 1_798_761_600 + 90 * 86_400  # from 2027-01-01 on
VALUES = st.sampled_from(
    [
        "20270105T090000Z", "20270105T090000", "20270328T023000", "20270105T240000",
        "20270105T235960Z", "20270105T250000", "20270231T090000", "20270105", "20270105T000000",
        "20270105T000000Z", "2027-W01T090000", "20270105T0900", "2027-01-05T09:00:00Z",
        "00000105T090000", "20270105T090000+0100", "20270105t090000z", " 20270105T090000",
        "20270105T090000Z/PT30M", "20270105T090000Z/20270105T100000Z", "20270105T090000/P1DT1H",
        "20270105T090000/20270105T080000", "20270105T090000/PT", "20270105T090000/", "x/PT1H",
        "20270105T090000/x", "20270105T090000/PT30M/PT40M", "99991231T235959/P1D", "",
    ]
)  # fmt: skip
PARAMS = st.sampled_from(
    [{}, {"TZID": "Europe/Berlin"}, {"TZID": "none"}, {"VALUE": "DATE"}, {"VALUE": "PERIOD"}]
)


@given(st.lists(st.tuples(PARAMS, st.lists(VALUES, max_size=4)), max_size=6))
def test_each_date_is_what_it_is_alone(lines: list[tuple[dict[str, str], list[str]]]) -> None:
    zones = Zones(Stream(), LO, HI, "America/New_York", Work())
    series = zones.resolve("Europe/Paris", 0)
    dates = Dates(0, series, zones)
    for params, values in lines:
        line = Line(0, "RDATE", params, ",".join(values))
        for value, found in zip(values, dates.of(line, values), strict=True):
            begin, _, rest = value.partition("/")
            moment = parse_moment(line._replace(value=begin), 0, zones, series=series)
            if moment is None:
                assert found is None
                continue
            extent = None
            duration = parse_duration(rest)
            end = parse_moment(line._replace(value=rest), 0, zones, series=series)
            if end is not None and end.floating and not (end.is_date or moment.floating):
                end = end._replace(zone=moment.zone)
            if duration is not None and not duration.empty:
                extent = duration.extent
            elif end is not None and end.epoch >= moment.epoch:
                extent = Extent(0, end.epoch - moment.epoch)
            elif rest:  # what cannot be read, or lies before the start, blocks the day
                midnight = moment.local - moment.local % 86_400
                moment, extent = moment._replace(local=midnight), Extent(1, 0)
            assert found == (moment, extent)


def test_periods_of_a_series_come_as_they_are() -> None:
    """Each has its own length; those in another zone, and the series' own instances, too."""
    body = (
        "BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:u\nDTSTART;TZID=Europe/Berlin:20270104T090000\n"
        "DURATION:PT1H\n"
        "RDATE;TZID=Europe/Berlin;VALUE=PERIOD:20270106T120000/PT2H,20270105T120000/PT30M\n"
        "RDATE;VALUE=PERIOD:20270107T120000Z/PT3H,20270105T110000Z/PT10M\n"
        "EXDATE:20270106T110000Z\nEND:VEVENT\nEND:VCALENDAR\n"
    )
    start = datetime(2027, 1, 1, tzinfo=UTC)
    found = extcal.expand(body, start, start + timedelta(days=30), timezone="UTC")
    told = [(f"{e.start:%d %H:%M}", (e.end - e.start).seconds // 60) for e in found.events]
    assert told == [("04 08:00", 60), ("05 11:00", 30), ("07 12:00", 180)]
    assert [event.recurrence_id for event in found.events] == [e.start for e in found.events]
