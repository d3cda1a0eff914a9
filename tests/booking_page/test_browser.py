"""The booking page in a real browser, at the width of a phone."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
import uvicorn

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page


@pytest.fixture
def url(site: Any) -> Iterator[str]:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(site.app, log_level="warning", ws="none"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            while not server.started and thread.is_alive():
                time.sleep(0.01)
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


@pytest.fixture
def phone(browser: Browser) -> Iterator[tuple[Page, list[str]]]:
    complaints: list[str] = []
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True)
    context.set_default_timeout(10_000)
    page = context.new_page()
    page.on("console", lambda said: complaints.append(said.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield page, complaints
    context.close()


def picture(page: Page, name: str) -> None:
    folder = os.environ.get("EXTCAL_PICTURES")
    if folder:
        page.screenshot(path=f"{folder}/{name}.png", full_page=False)


def test_a_visitor_books_moves_and_cancels_on_a_phone(
    phone: tuple[Page, list[str]], url: str
) -> None:
    """Everything fits, is large enough for a finger, and says what happened."""
    page, complaints = phone
    page.goto(url)
    picture(page, "booking-offer-phone")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    for target in page.locator("nav a, .slots span, button, input:not([type=radio])").all():
        if target.is_visible():
            box = target.bounding_box()
            assert box is not None
            assert box["height"] >= 43
    page.get_by_role("radio", name="11:00").first.check(force=True)
    page.get_by_label("Your name").fill("Bob")
    page.get_by_label("Your e-mail address").fill("bob@example.org")
    page.get_by_role("button", name="Book").click()
    page.wait_for_url("**/booking/*")
    assert page.get_by_role("heading").inner_text() == "Bob meets Ada"
    assert "Monday, 4 January 2027, 11:00" in page.locator(".when").inner_text()
    picture(page, "booking-booked-phone")
    page.get_by_text("Move it").click()
    page.get_by_role("radio", name="12:00").first.check(force=True)
    page.get_by_role("button", name="Move").click()
    page.locator(".when", has_text="12:00").wait_for()
    page.emulate_media(color_scheme="dark")
    page.get_by_text("Move it").click()
    picture(page, "booking-move-phone-dark")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.get_by_text("Cancel it").click()
    page.get_by_role("button", name="Yes, cancel the booking").click()
    assert "cancelled" in page.get_by_role("main").inner_text()
    assert complaints == []
