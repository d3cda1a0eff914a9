"""Promises of the pictures: nothing hidden, nothing unescaped, a word for every stretch."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime
from html.parser import HTMLParser
from xml.etree import ElementTree
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extcal.draw import DateMark, Mark, Row, grid_html, grid_svg
from extcal.draw.layout import ColumnBar, Span, beside, grid, local
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


def test_the_html_is_one_balanced_fragment_and_a_real_table() -> None:
    """Rows are people, columns are days, and every cell says in words what is drawn in it."""
    text = grid_html([Row("Ada", [MEETING]), Row("Bob", [])], title="Next week", **MONDAY)
    outline = Outline()
    outline.feed(text)
    assert outline.open == []
    tags = [tag for tag, _ in outline.seen]
    assert tags[0] == "figure"
    assert {"details", "summary", "table", "thead", "tbody"} <= set(tags)
    assert not {"script", "link", "img", "iframe"} & set(tags)
    table = next(attributes for tag, attributes in outline.seen if tag == "table")
    assert "Next week. Availability of Ada, Bob, Mon 4 Jan" in (table["aria-label"] or "")
    assert [a["role"] for tag, a in outline.seen if tag == "th"] == [
        *("columnheader", "columnheader", "rowheader", "rowheader")
    ]
    assert "<b>Busy, 09:00–10:30</b>" in text
    assert '<span class="say">Free</span>' in text
    assert not any("id" in attributes for _, attributes in outline.seen)


@pytest.mark.parametrize("words", ["url(", "@import", "http:", "https:", "animation", "transition"])
@both
def test_nothing_is_fetched_and_nothing_moves(draw: Draw, words: str) -> None:
    """The fragment refers to nothing outside of itself, and has no motion to reduce."""
    text = draw([Row("A", [MEETING], unknown=[(MONDAY["lo"], MONDAY["hi"])])], **MONDAY)
    text = text.replace("http://www.w3.org/2000/svg", "").replace("url(#extcal-", "")
    assert words not in text


@pytest.mark.parametrize(
    "attribute", ["data-jp-theme-light=false", "data-theme=dark", "data-bs-theme=dark"]
)
@both
def test_dark_pages_are_asked_before_the_system(draw: Draw, attribute: str) -> None:
    """A notebook may be dark where the system is light, and the other way round."""
    text = draw([Row("A", [])], **MONDAY)
    assert f"[{attribute}]" in text
    assert text.index("prefers-color-scheme:dark") < text.index("[data-theme=light]")


@both
def test_light_and_dark_follow_the_reader(draw: Draw) -> None:
    assert "prefers-color-scheme:dark" in draw([Row("A", [])], **MONDAY)


@both
def test_slots_and_working_hours_are_marked_and_explained(draw: Draw) -> None:
    hours = [(at("2027-01-04T09:00"), at("2027-01-04T17:00"))]
    slots = [(at("2027-01-04T11:00"), at("2027-01-04T12:00"))]
    text = draw([Row("A", [MEETING])], hours=hours, slots=slots, **MONDAY)
    assert "Free slot, Mon 4 Jan 11:00–12:00" in text
    assert "Working hours" in text
    plain = draw([Row("A", [MEETING])], **MONDAY)
    assert "Working hours" not in plain
    assert "Free slot" not in plain


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
    assert fortnight.count("<table") == 2


@pytest.mark.parametrize(
    ("last", "tables", "columns"),
    [("2027-01-18", 2, 14), ("2027-01-19", 1, 3), ("2027-02-01", 1, 4), ("2027-04-06", 4, 14)],
)
def test_more_than_a_fortnight_is_a_timeline(last: str, tables: int, columns: int) -> None:
    """A column is a week then, at most four stand in a line, and the hours shown are said."""
    text = grid_html([Row("A", [MEETING])], lo=MONDAY["lo"], hi=at(last), zone=BERLIN)
    assert text.count("<table") == tables
    assert text.count('class="col"') == columns
    assert ("each day 08:00–12:00" in text) == (columns != 14 or tables != 2)
    assert "A: Busy, Mon 4 Jan 09:00–10:30" in text


def test_what_runs_over_midnights_is_one_bar_in_a_timeline() -> None:
    """Two weeks of leave are two bars, one a week, not fourteen."""
    leave = (at("2027-01-06"), at("2027-01-20"), "BUSY-UNAVAILABLE")
    text = grid_html([Row("A", [leave])], lo=MONDAY["lo"], hi=at("2027-02-01"), zone=BERLIN)
    assert text.count('title="A: Unavailable, Wed 6 Jan – Tue 19 Jan, all day"') == 3
    assert 'style="left:28.57%;width:71.43%"' in text


@both
def test_everybody_may_have_working_hours_of_their_own(draw: Draw) -> None:
    """Row.hours shades one row; None takes the picture's hours."""
    nine = [(at("2027-01-04T09:00"), at("2027-01-04T17:00"))]
    three = [(at("2027-01-04T15:00"), at("2027-01-04T23:00"))]
    layout = grid(
        [Row("A"), Row("B", hours=three), Row("C", hours=())], hours=nine, slots=(), **MONDAY
    )
    (day,) = layout.days
    assert [len(spans) for spans in day.hours] == [1, 1, 0]
    assert day.hours[0] != day.hours[1]
    assert "Working hours" in draw([Row("B", hours=three)], **MONDAY)


@both
def test_events_with_words_are_drawn_apart(draw: Draw) -> None:
    """Marks that overlap stand below each other; what does not block is drawn as an outline."""
    start, end, _ = MEETING
    row = Row("Events", marks=[Mark(start, end, "BUSY", "One"), Mark(start, end, "FREE", "Two")])
    layout = grid([row], hours=(), slots=(), **MONDAY)
    assert [bar.lane for bar in layout.days[0].bars[0]] == [0, 1]
    assert layout.kinds == ("BUSY", "FREE")
    text = draw([row], **MONDAY)
    assert "Events: One – Busy, Mon 4 Jan 09:00–10:30" in text
    assert "Events: Two – Does not block, Mon 4 Jan 09:00–10:30" in text


def test_words_stand_where_there_is_room() -> None:
    """After a mark; before it where the next one is too near; nowhere else."""

    def mark(left: float, width: float) -> ColumnBar:
        return ColumnBar(Span(left, width), 0, 1, "BUSY", True, True, "x", None, 0)

    alone, last = mark(0.2, 0.1), mark(0.9, 0.1)
    assert beside(alone, [alone], 0.25) == Span(pytest.approx(0.3), pytest.approx(0.7))
    assert beside(last, [last], 0.25) == Span(pytest.approx(0), pytest.approx(0.9))
    assert beside(alone, [alone, last], 0.25) == Span(pytest.approx(0.3), pytest.approx(0.3))
    assert beside(last, [alone, last], 0.25) == Span(pytest.approx(0.6), pytest.approx(0.3))
    assert beside(last, [alone, last], 0.35) is None
    assert beside(alone, [alone, last], 0.35) == Span(pytest.approx(0.3), pytest.approx(0.6))
    middle, close = mark(0.4, 0.1), mark(0.55, 0.4)
    assert beside(middle, [middle, close], 0.25) == Span(pytest.approx(0), pytest.approx(0.4))


def test_too_many_events_at_once_are_counted() -> None:
    """Thirty lanes are enough for anybody; the rest is said in the row's note."""
    start, end, _ = MEETING
    row = Row("Events", marks=[Mark(start, end, "BUSY", str(n)) for n in range(50)])
    assert "20 more not drawn" in grid_html([row], **MONDAY)


def test_a_row_draws_at_most_a_thousand_events() -> None:
    """A hostile calendar costs its owner a note, not a page of megabytes."""
    start = MONDAY["lo"]
    marks = [Mark(start + 40 * n, start + 40 * n + 40, "BUSY") for n in range(2_000)]
    text = grid_html([Row("Events", marks=marks)], **MONDAY)
    drawn = text.count(" mark") - text.count(" mark{")
    assert drawn == 1_000
    assert "more not drawn" in text


@both
@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "UTC", "Pacific/Niue"])
def test_all_day_events_are_drawn_by_their_dates(draw: Draw, zone: str) -> None:
    """The fifth of January is the fifth of January wherever the reader is."""
    there = ZoneInfo(zone)
    row = Row("All day", dates=[DateMark(date(2027, 1, 5), date(2027, 1, 6), "BUSY", "Fair")])
    window = {"lo": at("2027-01-04", there), "hi": at("2027-01-09", there), "zone": there}
    layout = grid([row], hours=(), slots=(), **window)
    assert [len(day.bars[0]) for day in layout.days] == [0, 1, 1, 0, 0]
    assert layout.days[1].bars[0][0].opens
    assert layout.days[2].bars[0][0].closes
    assert "All day: Fair – Busy, Tue 5 Jan – Wed 6 Jan, all day" in draw([row], **window)


@both
def test_a_label_from_right_to_left_stays_on_its_own_side(draw: Draw) -> None:
    """The times after a Hebrew or Arabic name must not change places with it."""
    text = draw([Row("דניאל", [MEETING])], **MONDAY)
    assert "\u2068דניאל\u2069: Busy, Mon 4 Jan" in text


_texts = st.text(
    st.characters(codec="utf-8") | st.sampled_from("<>&\"'`=/;{}()\\\u202e\u2066\x00"), max_size=40
)


def _skeleton(text: str) -> list[tuple[str, tuple[str, ...]]]:
    outline = Outline()
    outline.feed(text)
    assert outline.open == []
    return [(tag, tuple(attributes)) for tag, attributes in outline.seen]


@given(_texts.filter(str.strip), _texts.filter(str.strip), _texts.filter(str.strip))
def test_no_words_change_the_markup(name: str, words: str, title: str) -> None:
    """Whatever a stranger calls himself or his events: the same elements, the same attributes."""

    def drawn(name: str, words: str, title: str) -> str:
        mark = Mark(MEETING[0], MEETING[0] + 36_000, "BUSY", words)
        day = DateMark(date(2027, 1, 4), date(2027, 1, 4), "BUSY", words)
        row = Row(name, [MEETING], note=name, marks=[mark], dates=[day])
        return grid_html([row], title=title, **MONDAY)

    assert _skeleton(drawn(name, words, title)) == _skeleton(drawn("a", "b", "c"))


@given(_texts, _texts, _texts)
def test_no_words_break_the_svg(name: str, words: str, title: str) -> None:
    """An XML parser reads it, and finds the words as text only."""
    mark = Mark(MEETING[0], MEETING[0] + 36_000, "BUSY", words)
    root = ElementTree.fromstring(grid_svg([Row(name, marks=[mark])], title=title, **MONDAY))
    allowed = {"svg", "style", "desc", "defs", "pattern", "rect", "path", "circle", "text", "g"}
    assert {element.tag.removeprefix(SVG) for element in root.iter()} <= allowed | {"title"}
    attributes = {key for element in root.iter() for key in element.attrib}
    assert not any(key.lower().startswith("on") or "href" in key for key in attributes)


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


@both
@pytest.mark.parametrize(("days", "hours"), [(1, [3, 6, 9, 12, 15, 18, 21]), (2, [6, 12, 18])])
def test_a_day_alone_has_room_for_more_hours(draw: Draw, days: int, hours: list[int]) -> None:
    """Few enough are labelled to be told apart; where there is one day only, every third hour."""
    row = Row("Ada", [(at("2027-01-04T01:00"), at("2027-01-04T23:00"), "BUSY")])
    text = draw([row], lo=at("2027-01-04"), hi=at(f"2027-01-0{4 + days}"), zone=BERLIN)
    labels = re.findall(r">(\d{1,2})</(?:span|text)>", text)
    assert labels == [str(hour) for hour in hours] * days


@both
def test_how_old_a_row_is_stays_whole(draw: Draw) -> None:
    """The time is what a note is for: it is not cut away."""
    text = draw([Row("Ada", [MEETING], note="as of Wed 24 Feb 09:00")], **MONDAY)
    assert ">as of Wed 24 Feb 09:00</" in text
