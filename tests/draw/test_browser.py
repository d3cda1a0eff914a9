"""What a reader gets: the pictures in a real browser."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import axe
import pytest

from extcal.cli.output.written import page_of
from extcal.draw import DateMark, Mark, Row, grid_html, grid_svg

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

BERLIN = ZoneInfo("Europe/Berlin")
PAGE = (
    '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>x</title>'
    '<meta name="viewport" content="width=device-width"></head><body>{}</body></html>'
)
Show = Callable[..., "Page"]


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=BERLIN).timestamp())


def people(count: int) -> list[Row]:
    names = ["Ada", "Wolfeschlegelsteinhausenbergerdorff" * 4, "דניאל כהן", "<b>Bob</b>"]
    names += [f"Person {number}" for number in range(count)]
    busy = [
        (at("2027-01-04T09:00"), at("2027-01-04T10:30"), "BUSY"),
        (at("2027-01-05T09:00"), at("2027-01-05T10:30"), "BUSY-TENTATIVE"),
        (at("2027-01-06"), at("2027-01-08"), "BUSY-UNAVAILABLE"),
    ]
    unknown = [(at("2027-01-05T12:00"), at("2027-01-09"))]
    return [Row(name, busy, unknown if index == 1 else ()) for index, name in enumerate(names)][
        :count
    ]


def fragment(count: int = 5, until: str = "2027-01-09") -> str:
    hours = [(at(f"2027-01-0{day}T09:00"), at(f"2027-01-0{day}T17:00")) for day in range(4, 9)]
    slots = [(at("2027-01-04T11:00"), at("2027-01-04T12:00"))]
    window = {"lo": at("2027-01-04"), "hi": at(until), "zone": BERLIN}
    return grid_html(people(count), hours=hours, slots=slots, title="Week", **window)


@pytest.fixture(scope="module")
def tab(browser: Browser) -> tuple[Page, list[str]]:
    """One page for the file, and what it said and asked for: a page of its own is a process."""
    page = browser.new_context().new_page()
    seen: list[str] = []
    page.on("console", lambda message: seen.append(message.text))
    page.on("pageerror", lambda error: seen.append(str(error)))
    page.on("request", lambda request: seen.append(request.url))
    return page, seen


@pytest.fixture
def show(tab: tuple[Page, list[str]], tmp_path: Path) -> Iterator[Show]:
    """Opens a fragment in a page of a width; afterwards: no console message, no request."""
    page, seen = tab
    seen.clear()
    file = tmp_path / "page.html"

    def open_page(
        body: str, width: int = 1280, color_scheme: Any = "light", forced_colors: Any = "none"
    ) -> Page:
        page.set_viewport_size({"width": width, "height": 800})
        page.emulate_media(color_scheme=color_scheme, forced_colors=forced_colors)
        file.write_text(PAGE.replace("{}", body), "utf-8")
        page.goto(file.as_uri())
        assert seen.pop(0) == file.as_uri()
        return page

    yield open_page
    assert seen == []


@pytest.mark.parametrize(
    ("count", "until"),
    [
        *((1, "2027-01-05"), (5, "2027-01-09"), (50, "2027-01-09")),
        *((1, "2027-04-06"), (5, "2027-04-06"), (50, "2027-02-04")),
    ],
)
def test_nothing_overflows_sideways(show: Show, count: int, until: str) -> None:
    """From a small phone to a desktop, a day to three months, one person to fifty."""
    page = show(fragment(count, until))
    for width in (1280, 800, 390, 320):
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.evaluate(OVERLONG, width) == 0


OVERLONG = """width => [...document.querySelectorAll('.name, .col b, .cell, .cell i')]
    .filter(one => one.getBoundingClientRect().right > width).length"""


def test_it_is_a_table_to_a_screen_reader(show: Show) -> None:
    """Rows and columns have headers, cells have words, and nothing drawn is read twice."""
    tree = show(fragment(1)).locator("figure").aria_snapshot()
    assert (
        'table "Week. Availability of Ada, Mon 4 Jan to Fri 8 Jan, times in Europe/Berlin."' in tree
    )
    assert '- columnheader "Mon 4 Jan"' in tree
    assert '- rowheader "Free slots"' in tree
    assert '- rowheader "Ada"' in tree
    assert '- cell "Free slot, 11:00–12:00"' in tree
    assert '- cell "Busy, 09:00–10:30"' in tree
    assert '- cell "Tentative, 09:00–10:30"' in tree
    assert '- cell "Unavailable, Wed 6 Jan – Thu 7 Jan, all day"' in tree
    assert tree.count('- cell "Free"') == 1


@pytest.mark.parametrize("width", [390, 1280])
def test_it_stays_the_same_table_at_every_width(show: Show, width: int) -> None:
    """Where days stand below each other, names are repeated for the eye only."""
    tree = show(fragment(2), width).locator("figure").aria_snapshot()
    assert tree.count("rowheader") == 3
    assert tree.count("columnheader") == 6


@pytest.mark.parametrize("draw", [grid_html, grid_svg])
def test_dark_is_dark(show: Show, draw: Callable[..., str]) -> None:
    """The reader's setting changes what is painted."""
    window = {"lo": at("2027-01-04"), "hi": at("2027-01-05"), "zone": BERLIN}
    body = draw(people(1), **window)

    def colours(scheme: str) -> tuple[Any, bytes]:
        page = show(body, color_scheme=scheme)
        ask = "getComputedStyle(document.querySelector('figure, svg')).getPropertyValue('--back')"
        return page.evaluate(ask), page.screenshot()

    light, dark = colours("light"), colours("dark")
    assert (light[0], dark[0]) == ("#ffffff", "#171b22")
    assert light[1] != dark[1]


@pytest.mark.parametrize("page_says", ["data-jp-theme-light=false", "data-theme=dark"])
def test_a_dark_page_is_followed(show: Show, page_says: str) -> None:
    """A notebook in a dark theme on a light system."""
    page = show(f"<div {page_says}>{fragment(1)}</div>", color_scheme="light")
    assert _ground(page) == "rgb(23, 27, 34)"
    page = show(f"<div data-theme=light>{fragment(1)}</div>", color_scheme="dark")
    assert _ground(page) == "rgb(255, 255, 255)"


def _ground(page: Page) -> object:
    return page.evaluate("getComputedStyle(document.querySelector('figure')).backgroundColor")


def test_forced_colours_keep_patterns(show: Show) -> None:
    """High contrast: the system's colours, and types still told apart by pattern."""
    page = show(fragment(2), forced_colors="active")
    looks = [
        page.locator(f".cell .{name}").first.evaluate(
            "bar => getComputedStyle(bar).backgroundImage + getComputedStyle(bar).backgroundColor"
        )
        for name in ("busy", "tent", "away", "unknown")
    ]
    assert len(set(looks)) == 4


def test_the_text_can_be_shown_with_the_keyboard(show: Show) -> None:
    """Without hovering: the disclosure turns the picture into the plain table, and back."""
    page = show(fragment(2), 390)
    words = page.get_by_text("Busy, 09:00–10:30").first
    assert _area(words) <= 1
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert _area(words) > 500
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.keyboard.press("Enter")
    assert _area(words) <= 1


def _area(found: Any) -> float:
    box = found.bounding_box()
    return float(box["width"] * box["height"])


def test_bars_lie_where_their_times_are(show: Show) -> None:
    """09:00 to 10:30 begins at the mark of nine, and is one and a half hours wide."""
    rows = [Row("A", [(at("2027-01-04T09:00"), at("2027-01-04T10:30"), "BUSY")])]
    body = grid_html(rows, lo=at("2027-01-04T08:00"), hi=at("2027-01-04T18:00"), zone=BERLIN)
    page = show(body)
    cell, bar = (page.locator(name).bounding_box() for name in (".cell", ".cell .busy"))
    assert cell is not None
    assert bar is not None
    hour = cell["width"] / 10
    assert bar["x"] - cell["x"] == pytest.approx(hour, abs=2)
    assert bar["width"] == pytest.approx(1.5 * hour, abs=2)


def test_words_stay_inside_their_room(show: Show) -> None:
    """Titles stand on their mark or in the empty space beside it, never over the next one."""
    marks = [
        Mark(at("2027-01-04T09:00"), at("2027-01-04T09:30"), "BUSY", "A very long title " * 5),
        Mark(at("2027-01-04T13:30"), at("2027-01-04T14:00"), "BUSY", "Another"),
    ]
    dates = [DateMark(date(2027, 1, 4), date(2027, 1, 4), "FREE", "Birthday")]
    rows = [Row("All day", dates=dates), Row("Events", marks=marks)]
    page = show(grid_html(rows, lo=at("2027-01-04"), hi=at("2027-01-05"), zone=BERLIN))
    title = page.get_by_text("A very long title").first.bounding_box()
    following = page.locator(".mark").last.bounding_box()
    assert title is not None
    assert following is not None
    assert title["x"] + title["width"] <= following["x"] + 1


NOTEBOOK = """<style>
.notebook:not(.other) :is(td,th,tr) {text-align:right; padding:2em; border:3px solid; margin:1em}
.notebook:not(.other) tbody tr:nth-child(odd) {background:red}
.notebook table {margin:3em auto; table-layout:fixed; font-size:30px; color:red}
.notebook th {font-weight:900; white-space:normal; vertical-align:bottom}
.notebook :is(p,figure,figcaption,details) {font-size:12px}
</style>"""


@pytest.mark.parametrize("width", [390, 1280])
def test_a_page_with_rules_for_tables_does_not_change_it(show: Show, width: int) -> None:
    """Notebooks and frameworks style every table; this one looks the same inside of them."""

    def places(before: str) -> object:
        page = show(f"<style>div{{margin:0}}</style>{before}{fragment(3)}</div>", width)
        return page.evaluate(PLACES)

    assert places(f'{NOTEBOOK}<div class="notebook">') == places("<div>")


PLACES = """() => [...document.querySelectorAll('figure :is(th, td, i, bdi)')].map(one => {
    const box = one.getBoundingClientRect(), style = getComputedStyle(one);
    return [box.x, box.y, box.width, box.height, style.color, style.textAlign];
})"""


def test_an_image_and_a_table_leave_each_other_alone(show: Show) -> None:
    """Both on one page, as in a notebook: each as large as alone."""
    window = {"lo": at("2027-01-04"), "hi": at("2027-01-05"), "zone": BERLIN}
    image, body = grid_svg(people(1), **window), grid_html(people(1), **window)

    def sizes(page: Page) -> dict[str, tuple[float, float]]:
        found = {}
        for name in ("figure", "svg"):
            for box in (one.bounding_box() for one in page.locator(name).all()):
                assert box is not None
                found[name] = (box["width"], box["height"])
        return found

    assert sizes(show(image + body)) == {**sizes(show(image)), **sizes(show(body))}


def test_without_style_sheets_it_is_a_table_of_words(show: Show) -> None:
    """Where a page strips styles, as code hosts do, the words remain in their cells."""
    page = show(fragment(1))
    page.evaluate("document.querySelectorAll('style').forEach(style => style.remove())")
    page.evaluate("document.querySelectorAll('[style]').forEach(e => e.removeAttribute('style'))")
    words = page.get_by_role("cell", name="Busy, 09:00–10:30").first.bounding_box()
    assert words is not None
    assert words["width"] > 50


def test_words_alone_do_not_run_together(show: Show) -> None:
    """What is copied, or read where no style sheet is, has spaces between its words."""
    busy = [(at(f"2027-01-04T{a}:00"), at(f"2027-01-04T{a + 1}:00"), "BUSY") for a in (10, 14)]
    window = {"lo": at("2027-01-04"), "hi": at("2027-01-05"), "zone": BERLIN}
    page = show(grid_html([Row("Ada", busy)], title="Monday", **window))
    page.evaluate("document.querySelectorAll('style').forEach(style => style.remove())")
    text = " ".join((page.locator("figure").text_content() or "").split())
    assert "Monday Times in Europe/Berlin" in text
    assert "Busy, 10:00–11:00 Busy, 14:00–15:00" in text


def test_under_a_strict_policy_an_image_keeps_its_styles(browser: Browser) -> None:
    """A page that allows no inline styles shows the SVG in an ``<img>``, as it is."""
    window = {"lo": at("2027-01-04"), "hi": at("2027-01-05"), "zone": BERLIN}
    image = grid_svg(people(1), **window)
    bodies = {
        "/": ("text/html", '<!doctype html><title>x</title><img src="/a.svg" alt="">'),
        "/a.svg": ("image/svg+xml", image),
    }
    found = []
    for policy in ("default-src 'none'; img-src 'self'", "default-src * 'unsafe-inline'"):

        def answer(route: Any, policy: str = policy) -> None:
            kind, body = bodies["/" + route.request.url.rpartition("/")[2]]
            headers = {"Content-Security-Policy": policy}
            route.fulfill(body=body, content_type=kind, headers=headers)

        context = browser.new_context(viewport={"width": 1000, "height": 400})
        context.route("**/*", answer)
        page = context.new_page()
        page.goto("https://host.test/")
        assert page.evaluate("document.images[0].naturalWidth") > 100
        found.append(page.screenshot())
        context.close()
    strict, lenient = found
    assert strict == lenient


@pytest.mark.parametrize("state", ["closed", "open"])
def test_axe_finds_nothing(show: Show, state: str) -> None:
    """In a fragment, in a page of an image, and in a page with both; as a picture and as text."""
    if axe.source() is None:
        pytest.skip("looking at pages with axe needs axe-core: sh tools/axe.sh .venv")
    window = {"lo": at("2027-01-04"), "hi": at("2027-01-09"), "zone": BERLIN}
    image = grid_svg(people(3), title="Week", now=at("2027-01-05T10:00"), **window)
    page = show(f"<main><h1>Availability</h1>{fragment(3)}{image}</main>", 390)
    if state == "open":
        page.locator("details").first.evaluate("one => one.open = true")
    assert axe.found(page) == []


def test_axe_finds_nothing_on_a_page_of_its_own(show: Show) -> None:
    """What `extcal show --html` writes."""
    if axe.source() is None:
        pytest.skip("looking at pages with axe needs axe-core: sh tools/axe.sh .venv")
    page = show("")
    page.set_content(page_of("Week", fragment(3)))
    assert axe.found(page) == []
