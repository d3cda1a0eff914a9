"""Promises of the pictures: nothing hidden, nothing unescaped, a word for every stretch."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from html.parser import HTMLParser
from xml.etree import ElementTree
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extcal.draw import Row, grid_html, grid_svg
from extcal.draw.layout import grid, local
from extcal.draw.words import span

BERLIN = ZoneInfo("Europe/Berlin")
SVG = "{http://www.w3.org/2000/svg}"
Draw = Callable[..., str]
both = pytest.mark.parametrize("draw", [grid_html, grid_svg])


def at(text: str, zone: ZoneInfo = BERLIN) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=zone).timestamp())


MONDAY = {"lo": at("2027-01-04"), "hi": at("2027-01-05"), "zone": BERLIN}
MEETING = (at("2027-01-04T09:00"), at("2027-01-04T10:30"), "BUSY")


@both
def test_every_stretch_has_its_person_type_and_times(draw: Draw) -> None:
    """Hovering over a stretch says whose it is, what it is, and when, in the zone asked for."""
    text = draw([Row("Ada", [MEETING])], **MONDAY)
    assert "Ada: Busy, Mon 4 Jan 09:00–10:30" in text
    assert "Europe/Berlin" in text


@both
@pytest.mark.parametrize(
    ("token", "word"),
    [
        ("BUSY", "Busy"),
        ("BUSY-TENTATIVE", "Tentative"),
        ("BUSY-UNAVAILABLE", "Unavailable"),
        ("WORKING-ELSEWHERE", "Working elsewhere"),
        ("X-SOMETHING", "Busy"),
        ("UNKNOWN", "Busy"),
    ],
)
def test_types_are_told_apart_in_words(draw: Draw, token: str, word: str) -> None:
    """Each FBTYPE has its word; a token nobody knows counts as busy."""
    assert f"A: {word}, " in draw([Row("A", [(*MEETING[:2], token)])], **MONDAY)


@both
def test_free_is_not_drawn(draw: Draw) -> None:
    assert "A: " not in draw([Row("A", [(*MEETING[:2], "FREE")])], **MONDAY)


@both
def test_unknown_is_shown_as_unknown(draw: Draw) -> None:
    """Unknown time is marked, also where something is known to be busy in it."""
    row = Row("Ada", [MEETING], unknown=[(MONDAY["lo"], MONDAY["hi"])])
    text = draw([row], **MONDAY)
    assert "Ada: Unknown, Mon 4 Jan, all day" in text
    assert text.index("Ada: Unknown,") < text.rindex("Ada: Busy,")


@both
@pytest.mark.parametrize(
    "hostile",
    [
        "<script>alert(1)</script>",
        '"><img src=x onerror=alert(1)>',
        "' onmouseover='alert(1)",
        "]]></style><script>",
        "a\x00b\x1b[31m\ud800",
        "\u202egnp.exe",
    ],
)
def test_hostile_labels_notes_and_titles_stay_text(draw: Draw, hostile: str) -> None:
    """A label is a stranger's words: it may not open an element or an attribute, or reorder."""
    text = draw([Row(hostile, [MEETING], note=hostile)], title=hostile, **MONDAY)
    assert "<script" not in text
    assert "<img" not in text
    assert not re.search(r"<[^>]*\son\w+=", re.sub(r'"[^"]*"', '""', text))
    assert not set(text) & set("\x00\x1b\ud800\u202e")
    text.encode("utf-8")


def test_the_svg_is_well_formed_and_stands_alone() -> None:
    """One document that an XML parser accepts, with no reference to anything outside."""
    text = grid_svg([Row("A & <B>", [MEETING], note="“x”")], title='"T" & <t>', **MONDAY)
    root = ElementTree.fromstring(text)
    assert root.tag == f"{SVG}svg"
    assert root.get("role") == "img"
    assert "A & <B>" in (root.get("aria-label") or "")
    assert not list(root.iter(f"{SVG}script"))
    assert "http" not in text.replace("http://www.w3.org/2000/svg", "")
    described = root.find(f"{SVG}desc")
    assert described is not None
    assert described.text == "A & <B>: Busy, Mon 4 Jan 09:00–10:30."


class Outline(HTMLParser):
    """Collects the tags and checks that they close in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open.append(tag)
        self.seen.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_html_is_one_balanced_fragment_with_a_table_behind_it() -> None:
    """Screen readers get a label for the picture and a real table with the same facts."""
    text = grid_html([Row("Ada", [MEETING]), Row("Bob", [])], title="Next week", **MONDAY)
    outline = Outline()
    outline.feed(text)
    assert outline.open == []
    tags = [tag for tag, _ in outline.seen]
    assert tags[0] == "figure"
    assert {"details", "summary", "table", "thead", "tbody"} <= set(tags)
    assert "script" not in tags
    assert "link" not in tags
    image = next(attributes for _, attributes in outline.seen if attributes.get("role") == "img")
    assert "Next week. Availability of Ada, Bob, Mon 4 Jan" in (image["aria-label"] or "")
    row = "<td><bdi>Ada</bdi></td><td>Busy</td><td>Mon 4 Jan 09:00–10:30</td>"
    assert row in text
    assert not any("id" in attributes for _, attributes in outline.seen)


@both
def test_light_and_dark_follow_the_reader(draw: Draw) -> None:
    assert "prefers-color-scheme:dark" in draw([Row("A", [])], **MONDAY)


@both
def test_slots_and_working_hours_are_marked_and_explained(draw: Draw) -> None:
    hours = [(at("2027-01-04T09:00"), at("2027-01-04T17:00"))]
    slots = [(at("2027-01-04T11:00"), at("2027-01-04T12:00"))]
    text = draw([Row("A", [MEETING])], hours=hours, slots=slots, **MONDAY)
    assert "Free for all, Mon 4 Jan 11:00–12:00" in text
    assert "Working hours" in text
    plain = draw([Row("A", [MEETING])], **MONDAY)
    assert "Working hours" not in plain
    assert "Free for all" not in plain


@both
def test_a_window_must_hold_something(draw: Draw) -> None:
    with pytest.raises(ValueError, match="empty"):
        draw([], lo=10, hi=10, zone=BERLIN)
    with pytest.raises(ValueError, match="at most 400 days"):
        draw([], lo=0, hi=500 * 86_400, zone=BERLIN)


@both
def test_nobody_and_nothing_draw_too(draw: Draw) -> None:
    assert "nobody" in draw([], **MONDAY)


def test_days_are_those_of_the_zone() -> None:
    """The same window has other days elsewhere; more than seven go to a second line."""
    tokyo = ZoneInfo("Asia/Tokyo")
    assert "Mon 4 Jan" in grid_html([], **MONDAY)
    text = grid_html([], lo=MONDAY["lo"], hi=MONDAY["hi"], zone=tokyo)
    assert "Mon 4 Jan" in text
    assert "Tue 5 Jan" in text
    fortnight = grid_html([Row("A", [])], lo=MONDAY["lo"], hi=at("2027-01-18"), zone=BERLIN)
    assert fortnight.count('class="extcal-week of7"') == 2


def test_all_days_show_the_hours_that_matter() -> None:
    """A stretch at night widens every day, so that nothing is cut off; a midnight does not."""
    night = (at("2027-01-04T22:00"), at("2027-01-04T23:15"), "BUSY")
    whole = (at("2027-01-04"), at("2027-01-05"), "BUSY-UNAVAILABLE")

    def shown(*busy: tuple[int, int, str]) -> tuple[int, int]:
        layout = grid([Row("A", busy)], hours=(), slots=(), **MONDAY)
        return layout.first_hour, layout.last_hour

    assert shown() == (8, 18)
    assert shown(whole) == (8, 18)
    assert shown(MEETING) == (8, 12)
    assert shown(MEETING, night) == (8, 24)


@both
@pytest.mark.parametrize(
    ("lo", "hi", "hours"),
    [
        ("2027-01-04T08:00", "2027-01-07T08:00", (7, 18)),  # three days from a morning on
        ("2027-01-04T20:00", "2027-01-05T20:00", (8, 21)),
        ("2027-01-04T20:15", "2027-01-04T22:00", (8, 22)),  # an evening only
        ("2027-01-04T09:00", "2027-01-04T17:00", (8, 18)),
        ("2027-01-04T05:00", "2027-01-05T00:30", (0, 18)),
    ],
)
def test_what_nobody_asked_for_does_not_look_free(
    draw: Draw, lo: str, hi: str, hours: tuple[int, int]
) -> None:
    """A day that the window cuts shows some of the window, and marks the rest as outside of it."""
    window = {"lo": at(lo), "hi": at(hi), "zone": BERLIN}
    rows = [Row("A", [], unknown=[(at(lo), at(hi))])]
    layout = grid(rows, hours=(), slots=(), **window)
    assert (layout.first_hour, layout.last_hour) == hours
    assert layout.has_outside
    for day in layout.days:
        assert day.bars[0]
        shown = sum(bar.span.width for bar in day.bars[0]) + sum(p.width for p in day.outside)
        assert shown == pytest.approx(1)
    assert "Not asked for" in draw(rows, **window)
    assert "Not asked for" not in draw(rows, **MONDAY)


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [("Europe/Berlin", "2027-03-28", 23), ("Europe/Berlin", "2027-10-31", 25)],
)
def test_a_day_with_a_dst_change_is_drawn_as_long_as_it_is(zone: str, day: str, hours: int) -> None:
    there = ZoneInfo(zone)
    lo, hi = at(day, there), at(day, there) + hours * 3600
    busy = [(lo, lo + 1800, "BUSY"), (hi - 1800, hi - 60, "BUSY")]
    layout = grid([Row("A", busy)], lo=lo, hi=hi, zone=there, hours=(), slots=())
    assert (layout.first_hour, layout.last_hour) == (0, 24)
    (today,) = layout.days
    assert today.bars[0][0].span.width == pytest.approx(0.5 / hours)
    assert len(today.ticks) == (22 if hours == 23 else 23)


def test_a_zone_that_skipped_a_day_still_draws() -> None:
    """Samoa had no 30 December 2011."""
    apia = ZoneInfo("Pacific/Apia")
    lo, hi = at("2011-12-29", apia), at("2012-01-01", apia)
    assert "Fri 30 Dec" in grid_html([Row("A", [(lo, hi, "BUSY")])], lo=lo, hi=hi, zone=apia)


@pytest.mark.parametrize(
    ("start", "end", "words"),
    [
        ("2027-01-04T09:00", "2027-01-04T10:00", "Mon 4 Jan 09:00–10:00"),
        ("2027-01-04T00:00", "2027-01-05T00:00", "Mon 4 Jan, all day"),
        ("2027-01-04T00:00", "2027-01-06T00:00", "Mon 4 Jan – Tue 5 Jan, all day"),
        ("2027-01-04T22:00", "2027-01-05T00:00", "Mon 4 Jan 22:00–24:00"),
        ("2027-01-04T22:00", "2027-01-05T06:00", "Mon 4 Jan 22:00 – Tue 5 Jan 06:00"),
    ],
)
def test_times_in_words(start: str, end: str, words: str) -> None:
    assert span(at(start), at(end), BERLIN) == words


_seconds = st.integers(min_value=at("2027-01-01"), max_value=at("2027-01-20"))
_tokens = st.sampled_from(["BUSY", "BUSY-TENTATIVE", "BUSY-UNAVAILABLE", "WORKING-ELSEWHERE"])


@given(
    st.lists(st.tuples(_seconds, _seconds, _tokens), max_size=8),
    st.sampled_from(["UTC", "Europe/Berlin", "Asia/Kathmandu", "America/St_Johns"]),
    st.integers(0, 86_399),
)
def test_nothing_in_the_window_is_hidden(
    busy: list[tuple[int, int, str]], name: str, shift: int
) -> None:
    """Every stretch that touches the window has a bar on at least one day, inside its column."""
    zone = ZoneInfo(name)
    lo, hi = at("2027-01-04", zone) + shift, at("2027-01-16", zone) + shift
    layout = grid([Row("A", busy)], lo=lo, hi=hi, zone=zone, hours=(), slots=())
    shown = set()
    for day in layout.days:
        for bar in day.bars[0]:
            shown.add((bar.start, bar.end, bar.kind))
            assert bar.span.left >= 0
            assert bar.span.width > 0
            assert bar.span.left + bar.span.width <= 1.000001
            assert local(bar.start, zone).date() <= day.date
    wanted = {(max(a, lo), min(b, hi), kind) for a, b, kind in busy if max(a, lo) < min(b, hi)}
    assert shown == wanted
