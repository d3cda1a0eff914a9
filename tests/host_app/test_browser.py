"""The host application as people use it: in a real browser, with a keyboard, on a phone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import axe
import pytest
from hosting import GOOGLE, OUTLOOK, YEAR, Site, served

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

expect = pytest.importorskip("playwright.sync_api", reason="needs Playwright's package").expect

SCHEMES: tuple[Any, ...] = ("dark", "light")
EMBED = "https://calendar.google.com/calendar/embed?src=ada%40example.org"


@pytest.fixture
def url(site: Site) -> Iterator[str]:
    with served(site) as found:
        yield found


def open_context(browser: Browser, **options: Any) -> BrowserContext:
    context = browser.new_context(reduced_motion="reduce", **options)
    context.set_default_timeout(10_000)
    return context


@pytest.fixture(scope="module")
def tab(browser: Browser) -> tuple[Page, list[str]]:
    """One page for the file, and what went wrong on it: a page of its own is a process."""
    found = open_context(browser).new_page()
    complaints: list[str] = []
    found.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    found.on("pageerror", lambda error: complaints.append(str(error)))
    return found, complaints


@pytest.fixture
def page(tab: tuple[Page, list[str]], url: str) -> Iterator[Page]:
    """A page on which nothing went wrong: no error in its console, no policy violated."""
    found, complaints = tab
    complaints.clear()
    found.context.clear_cookies()
    found.set_viewport_size({"width": 1280, "height": 720})
    found.emulate_media(color_scheme="light")
    yield found
    found.goto("about:blank")
    # What the host refuses on purpose (a form with a mistake) is no complaint.
    assert [each for each in complaints if "status of 4" not in each] == []


def sign_in(page: Page, url: str, name: str) -> None:
    page.goto(f"{url}/sign-in")
    page.get_by_role("button", name=name).click()
    page.wait_for_url("**/calendar/week")


def sign_out(page: Page) -> None:
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/sign-in")


def paste(page: Page, url: str, address: str) -> None:
    page.goto(f"{url}/profile")
    page.get_by_label("External Calendar URL").fill(address)
    page.get_by_role("button", name="Save", exact=True).click()
    page.locator(".said, #calendar-error").wait_for()


def new_event(page: Page, url: str, day: str = "2027-01-05") -> None:
    page.goto(f"{url}/events/new?day={day}")
    page.get_by_label("Title", exact=True).fill("Roadmap")
    page.get_by_role("checkbox", name="Bob Aldous").check()
    page.get_by_label("Length", exact=True).select_option("45")


def said(page: Page) -> Any:
    return page.locator("#free-busy-status")


def test_the_whole_story(site: Site, page: Page, url: str) -> None:
    """Paste, be advised, paste again; see both people's time; find a slot, book it; break the feed
    and see that it is stale."""
    sign_in(page, url, "Ada Byron")
    paste(page, url, EMBED)
    advice = page.locator("#calendar-error")
    expect(advice).to_contain_text("copy the 'Secret address in iCal format'")
    expect(page.get_by_label("External Calendar URL")).to_be_focused()
    expect(page.get_by_label("External Calendar URL")).to_have_value("")
    paste(page, url, site.google)
    expect(page.get_by_text("Your calendar could be read")).to_be_visible()
    expect(page.get_by_text(re.compile(r"127\.0\.0\.1 · #[0-9a-f]{8}"))).to_be_visible()
    assert "private-5ec2e7" not in page.content()
    sign_out(page)

    sign_in(page, url, "Bob Aldous")
    paste(page, url, site.outlook.replace("calendar.ics", "calendar.html"))
    expect(page.get_by_text("Your calendar could be read")).to_be_visible()
    sign_out(page)

    sign_in(page, url, "Ada Byron")
    new_event(page, url)
    expect(said(page)).to_have_text("Choose a time to see who is free.")
    page.get_by_label("Time", exact=True).fill("10:00")
    page.get_by_label("Time", exact=True).blur()
    expect(said(page)).to_have_text(
        "Tue 5 Jan, 10:00–10:45: Ada Byron is busy, Bob Aldous is busy."
    )
    picture = page.locator(".extcal-grid")
    expect(picture).to_contain_text("Ada Byron")
    expect(picture).to_contain_text("Bob Aldous")
    assert "Project review" not in page.content()
    expect(page.get_by_text("last refreshed just now")).to_have_count(2)

    page.get_by_role("button", name="Take Tue 5 Jan, 11:30 to 12:15").click()
    expect(said(page)).to_have_text("Tue 5 Jan, 11:30–12:15: everybody is free.")
    expect(page.get_by_label("Time", exact=True)).to_have_value("11:30")
    page.get_by_role("button", name="Book", exact=True).click()
    expect(page.get_by_text("Booked.")).to_be_visible()
    expect(page.get_by_role("heading", name="Roadmap")).to_be_visible()

    site.clock.advance(timedelta(minutes=47))
    site.server.fail(OUTLOOK, "500")
    new_event(page, url)
    expect(page.get_by_text("Stale: a calendar could not be read")).to_be_visible()
    expect(page.get_by_text("last refreshed 47 minutes ago")).to_be_visible()
    site.clock.advance(timedelta(hours=24))
    page.get_by_role("button", name="Refresh now").click()
    expect(page.get_by_text("Unknown: a calendar could not be read")).to_be_visible()
    expect(page.get_by_text("the time of Bob Aldous is unknown")).to_be_visible()
    expect(page.locator(".slot")).to_have_count(0)


def test_external_events_can_be_neither_opened_nor_edited(site: Site, page: Page, url: str) -> None:
    """A click on one does nothing, no key gets to one, and nothing in one can be pressed."""
    sign_in(page, url, "Ada Byron")
    paste(page, url, site.google)
    for view in ("week", "month"):
        page.goto(f"{url}/calendar/{view}?day=2027-01-06")
        where = page.url
        external = page.locator(".item.external", has_text="Focus time")
        expect(external).to_be_visible()
        external.click()
        external.dblclick()
        assert page.url == where
        assert page.locator(".external :is(a, button, input, [tabindex], [role])").count() == 0
        page.goto(where)
        stops = tab_through(page)
        assert any("Design review" in stop for stop in stops)
        assert not any("Focus time" in stop for stop in stops)
        page.get_by_role("link", name="Design review").click()
        expect(page.get_by_role("link", name="Change or move")).to_be_visible()


def tab_through(page: Page) -> list[str]:
    """What the Tab key reaches, in order, as text or name; once around."""
    found: list[str] = []
    for _ in range(120):
        page.keyboard.press("Tab")
        name = page.evaluate(
            """() => {
                const here = document.activeElement;
                if (!here || here === document.body) return null;
                return here.getAttribute("aria-label") || here.name || here.textContent.trim();
            }"""
        )
        if name is None or (len(found) > 3 and name == found[0]):
            break
        found.append(name)
    return found


def test_everything_is_reached_in_the_order_it_is_read(page: Page, url: str) -> None:
    """Skip link first, then the page's links, then the form from its title to its buttons."""
    sign_in(page, url, "Ada Byron")
    page.goto(f"{url}/events/new?day=2027-01-05")
    stops = list(dict.fromkeys(tab_through(page)))
    wanted = [
        *("Skip to the content", "Host", "Calendar", "New event", "My Profile", "Sign out"),
        *("title", "people", "day", "at", "minutes", "Book", "Show free / busy"),
    ]
    assert stops[: len(wanted)] == wanted
    assert stops[len(wanted)].startswith("Take Mon 4 Jan")
    page.goto(f"{url}/profile")
    stops = list(dict.fromkeys(tab_through(page)))
    assert stops[6:] == [
        *("name", "email", "timezone", "opens", "closes"),
        *("calendar", "Where do I find it?", "Save"),
    ]


def test_what_has_the_focus_shows_it(page: Page, url: str) -> None:
    """An outline of at least two pixels around every stop of the Tab key."""
    sign_in(page, url, "Ada Byron")
    for path in ("/events/new", "/profile", "/calendar/week", "/calendar/month"):
        page.goto(f"{url}{path}")
        for _ in range(14):
            page.keyboard.press("Tab")
            style = page.evaluate(
                """() => {
                    const style = getComputedStyle(document.activeElement);
                    const here = document.activeElement.id || document.activeElement.textContent;
                    return [here, style.outlineStyle, parseFloat(style.outlineWidth)];
                }"""
            )
            assert style[1] == "solid", (path, style)
            assert style[2] >= 2, (path, style)


def test_booking_without_a_mouse(site: Site, page: Page, url: str) -> None:
    """Title, attendee, length, a slot, and Book: Tab, Space, arrows and Enter are enough."""
    sign_in(page, url, "Ada Byron")
    page.goto(f"{url}/events/new?day=2027-01-05")
    press = page.keyboard.press
    press("Tab")
    press("Enter")  # the skip link
    assert page.evaluate("document.activeElement.id") == "main"
    press("Tab")
    page.keyboard.type("By keyboard")
    press("Tab")
    press("Space")  # Bob
    expect(page.locator(".standings")).to_contain_text("Bob Aldous")
    page.get_by_label("Length", exact=True).focus()
    press("ArrowDown")
    expect(page.get_by_label("Length", exact=True)).to_have_value("45")
    slot = page.get_by_role("button", name="Take Wed 6 Jan, 10:00 to 10:45")
    expect(slot).to_be_visible()
    for _ in range(60):
        press("Tab")
        name = page.evaluate("document.activeElement.getAttribute('aria-label')")
        if name == "Take Wed 6 Jan, 10:00 to 10:45":
            break
    press("Enter")
    expect(said(page)).to_have_text("Wed 6 Jan, 10:00–10:45: everybody is free.")
    expect(page.get_by_role("button", name="Book", exact=True)).to_be_focused()
    press("Enter")
    expect(page.get_by_text("Booked.")).to_be_visible()
    (booked,) = [e for e in site.host.database.events(2, *YEAR) if e.title == "By keyboard"]
    assert booked.organiser == 1


def test_enter_in_a_field_looks_and_does_not_book(site: Site, page: Page, url: str) -> None:
    """Nobody books by accident."""
    before = site.host.database.events(1, *YEAR)
    sign_in(page, url, "Ada Byron")
    new_event(page, url)
    page.get_by_label("Title", exact=True).press("Enter")
    page.wait_for_url("**/events/preview")
    expect(page.get_by_label("Title", exact=True)).to_have_value("Roadmap")
    assert site.host.database.events(1, *YEAR) == before


def test_changes_are_announced(site: Site, page: Page, url: str) -> None:
    """The sentence about the chosen time is a live region that stays when the rest is replaced."""
    sign_in(page, url, "Ada Byron")
    new_event(page, url)
    page.evaluate("document.getElementById('free-busy-status').marked = true")
    expect(said(page)).to_have_attribute("aria-live", "polite")
    expect(said(page)).to_have_attribute("role", "status")
    page.get_by_label("Date", exact=True).fill("2027-01-04")
    page.get_by_label("Time", exact=True).fill("11:15")
    page.get_by_label("Time", exact=True).blur()
    expect(said(page)).to_contain_text("Ada Byron is busy, Bob Aldous is busy.")
    assert page.evaluate("document.getElementById('free-busy-status').marked")


def test_a_page_that_stays_open_keeps_the_promise(site: Site, page: Page, url: str) -> None:
    """After half an hour the area is brought up to date by itself, and not before."""
    sign_in(page, url, "Ada Byron")
    paste(page, url, site.google)
    page.clock.install()
    new_event(page, url)
    settled(page)
    expect(page.locator(".standings")).to_contain_text("just now (11:00)")
    site.clock.advance(timedelta(minutes=29))
    page.clock.fast_forward("29:00")
    page.clock.run_for(1_000)
    expect(page.locator(".standings")).to_contain_text("just now (11:00)")
    site.clock.advance(timedelta(minutes=2))
    page.clock.fast_forward("02:00")
    expect(page.locator(".standings")).to_contain_text("just now (11:31)")
    assert site.asked(GOOGLE) == 2


def test_an_area_that_cannot_be_brought_up_to_date_says_so(
    site: Site, browser: Browser, url: str
) -> None:
    """Without the host there is no news, and nothing that looks like some."""
    context = open_context(browser)
    page = context.new_page()
    sign_in(page, url, "Ada Byron")
    page.goto(f"{url}/events/new?day=2027-01-05")
    page.route("**/free-busy", lambda route: route.abort())
    page.get_by_label("Length", exact=True).select_option("60")
    expect(said(page)).to_have_text("Free / busy could not be brought up to date. Use the button.")
    page.unroute("**/free-busy")
    page.get_by_label("Length", exact=True).select_option("30")
    expect(said(page)).to_have_text("Choose a time to see who is free.")
    context.close()


def test_what_cannot_be_undone_is_asked_twice(site: Site, page: Page, url: str) -> None:
    """Cancelling an event and forgetting a calendar take two presses, by keyboard too."""
    sign_in(page, url, "Ada Byron")
    paste(page, url, site.google)
    page.get_by_text("Remove …").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Nothing of that calendar is kept.")).to_be_visible()
    page.goto(f"{url}/events/1")
    page.get_by_text("Cancel the event …").click()
    page.get_by_role("button", name="Yes, cancel it for everybody").click()
    expect(page.get_by_text("“Design review” is cancelled.")).to_be_visible()
    assert site.host.database.event(1) is None


def test_without_scripts(site: Site, browser: Browser, url: str) -> None:
    """The essentials need none: save an address, look, take a slot, book, refresh, move."""
    context = open_context(browser, java_script_enabled=False)
    page = context.new_page()
    sign_in(page, url, "Ada Byron")
    paste(page, url, site.google)
    expect(page.get_by_text("Your calendar could be read")).to_be_visible()
    new_event(page, url)
    page.get_by_role("button", name="Show free / busy").last.click()
    page.get_by_role("button", name="Take Wed 6 Jan, 10:00 to 10:45").click()
    expect(said(page)).to_have_text("Wed 6 Jan, 10:00–10:45: everybody is free.")
    expect(page.get_by_role("checkbox", name="Bob Aldous")).to_be_checked()
    page.get_by_role("button", name="Refresh now").click()
    page.get_by_role("button", name="Book", exact=True).click()
    expect(page.get_by_text("Booked.")).to_be_visible()
    page.get_by_role("link", name="Change or move").click()
    expect(said(page)).to_have_text("Wed 6 Jan, 10:00–10:45: everybody is free.")
    page.get_by_label("Time", exact=True).fill("10:15")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("10:15–11:00")).to_be_visible()
    assert site.asked(GOOGLE) == 1
    context.close()


def test_a_second_thought_is_asked_for(site: Site, page: Page, url: str) -> None:
    """Where somebody is busy, booking takes a tick, and the tick has the focus."""
    sign_in(page, url, "Ada Byron")
    new_event(page, url, "2027-01-04")
    page.get_by_label("Time", exact=True).fill("11:15")
    page.get_by_role("button", name="Book", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("Not booked yet.")
    tick = page.get_by_label("Book it nevertheless")
    expect(tick).to_be_focused()
    tick.check()
    page.get_by_role("button", name="Book", exact=True).click()
    expect(page.get_by_text("Booked.")).to_be_visible()


def test_pages_fit(site: Site, page: Page, url: str) -> None:
    """Nothing is wider than the window, from the narrowest phone on, and dark is dark."""
    sign_in(page, url, "Ada Byron")
    paste(page, url, site.google)
    for path in (
        *("/profile", "/events/1", "/events/1/edit", "/sign-in"),
        *("/calendar/week?day=2027-01-05", "/calendar/month?day=2027-01-05"),
        "/events/new?day=2027-01-05",
    ):
        page.goto(f"{url}{path}")
        for width in (320, 390, 800, 1000, 1180):
            page.set_viewport_size({"width": width, "height": 800})
            assert page.evaluate("document.documentElement.scrollWidth") <= width, path
            assert page.evaluate(STICKING_OUT) == [], (path, width)
        for scheme in SCHEMES:
            page.emulate_media(color_scheme=scheme)
            ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
            assert (int(re.findall(r"\d+", ground)[0]) < 60) == (scheme == "dark")


def test_words_can_be_read(site: Site, page: Page, url: str) -> None:
    """At least 4.5 to 1 between every text and what is behind it (WCAG 2.2, 1.4.3), both ways."""
    sign_in(page, url, "Ada Byron")
    page.evaluate("document.querySelector('h1').style.color = '#999'")
    (heading,) = page.evaluate(FAINT)
    assert heading.startswith("2.61 28 Dec")
    paste(page, url, EMBED)
    assert faint(page) == []
    paste(page, url, site.google)
    assert faint(page) == []
    for view in ("week", "month"):
        page.goto(f"{url}/calendar/{view}?day=2027-01-05")
        assert faint(page) == []
    new_event(page, url)
    settled(page)
    assert faint(page) == []
    page.get_by_label("Time", exact=True).fill("14:00")
    page.get_by_label("Time", exact=True).blur()
    expect(said(page)).to_contain_text("Ada Byron is busy")
    settled(page)
    assert faint(page) == []


def settled(page: Page) -> None:
    """What is being brought up to date is shown faintly until it is there."""
    expect(page.locator("#free-busy[aria-busy]")).to_have_count(0)


def faint(page: Page) -> list[str]:
    found = []
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme)
        found += page.evaluate(FAINT)
    return found


# What is wider than the day or the card that it stands in.
STICKING_OUT = """() => [...document.querySelectorAll(".day *, .month td *, .card *")].filter(
  (each) => {
    if (each.closest(".extcal-grid, .sr, .till, .item *, details:not([open])")) return false;
    const around = each.closest(".day, .month td, .card").getBoundingClientRect();
    const box = each.getBoundingClientRect();
    const shown = box.width > 0 && !(each.tabIndex < 0 && box.right < 0);
    return shown && (box.right > around.right + 1 || box.left < around.left - 1);
  }).map((each) => each.className + ": " + each.textContent.trim())"""

# Every text whose colour is too near to that of the nearest ground behind it. extcal's picture has
# tests of its own.
FAINT = """() => {
  const parts = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => {
    const [x, y, z] = [r, g, b].map((c) => (c /= 255) <= 0.04045 ? c / 12.92
      : ((c + 0.055) / 1.055) ** 2.4);
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const ground = (element) => {
    for (let each = element; each; each = each.parentElement) {
      const found = parts(getComputedStyle(each).backgroundColor);
      if (found.length < 4 || found[3] === 1) return found;
    }
    return [255, 255, 255];
  };
  const faint = [];
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    if (!texts.currentNode.data.trim()) continue;
    const element = texts.currentNode.parentElement;
    if (element.closest(".extcal-grid, script, datalist")) continue;
    const style = getComputedStyle(element), box = element.getBoundingClientRect();
    if (box.width < 2 || style.visibility === "hidden") continue;
    let opacity = 1;
    for (let each = element; each; each = each.parentElement)
      opacity *= Number(getComputedStyle(each).opacity);
    const back = ground(element);
    const over = (c, i) => c * opacity + back[i] * (1 - opacity);
    const front = parts(style.color).slice(0, 3).map(over);
    const [a, b] = [light(front), light(back)].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < 4.5) faint.push(`${ratio.toFixed(2)} ${texts.currentNode.data.trim()}`);
  }
  return [...new Set(faint)];
}"""


PAGES = ("/calendar/week", "/calendar/month", "/profile", "/events/new?day=2027-01-05", "/events/1")


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 390)])
def test_axe_finds_nothing(site: Site, browser: Browser, url: str, scheme: Any, width: int) -> None:
    """On any page, on a desktop in the light and on a phone in the dark."""
    if axe.source() is None:
        pytest.skip("looking at pages with axe needs axe-core: sh tools/axe.sh .venv")
    context = open_context(browser, color_scheme=scheme, viewport={"width": width, "height": 900})
    page = context.new_page()
    page.goto(f"{url}/sign-in")
    said = axe.found(page)
    sign_in(page, url, "Ada Byron")
    paste(page, url, site.google)
    for path in PAGES:
        page.goto(url + path)
        said += [f"{path}: {line}" for line in axe.found(page)]
    context.close()
    assert said == []


def test_a_month_opens_at_today_on_a_phone(site: Site, browser: Browser, url: str) -> None:
    """Its days stand below each other there, and those that are over come first."""
    site.clock.set("2027-01-25T10:00Z")
    for width, at_today in ((390, True), (1280, False)):
        context = open_context(browser, viewport={"width": width, "height": 500})
        page = context.new_page()
        sign_in(page, url, "Ada Byron")
        paste(page, url, site.google)
        page.goto(f"{url}/calendar/month")
        top = page.locator("#today").evaluate("one => one.getBoundingClientRect().top")
        assert (0 <= top < 250) == at_today
        context.close()
