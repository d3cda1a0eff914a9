"""Looks at pages with axe-core: https://github.com/dequelabs/axe-core, from npm (tools/axe.sh).

    python tools/axe.py FOLDER

checks every page of a built site, and prints what axe finds. The browser tests use the functions.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Page

_HERE = Path(sys.prefix) / "axe" / "node_modules" / "axe-core" / "axe.min.js"
_BROWSERS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
_RUN = """async () => {
    const result = await axe.run(document, {resultTypes: ["violations"]});
    return result.violations.flatMap(rule => rule.nodes.map(
        node => `${rule.id}: ${node.target.join(" ")}: ${node.html.slice(0, 120)}`
    ));
}"""


def source() -> str | None:
    """axe as JavaScript; None where it is not installed."""
    path = Path(os.environ.get("EXTCAL_AXE", "") or _HERE)
    return path.read_text("utf-8") if path.is_file() else None


def found(page: Page) -> list[str]:
    """What axe finds on a page that is open: a line for each place."""
    script = source()
    assert script is not None, "axe-core is not installed: sh tools/axe.sh .venv"
    # Not as an element of the page: a page may forbid other scripts, and that is right.
    page.evaluate(script)
    result: list[str] = page.evaluate(_RUN)
    return result


def main(folder: Path) -> int:
    from playwright.sync_api import sync_playwright

    browser = os.environ.get("EXTCAL_CHROMIUM") or next(
        filter(None, map(shutil.which, _BROWSERS)), None
    )
    if source() is None or browser is None:
        print("skipped: looking at the site needs axe-core and a Chromium")
        return 0
    pages = sorted(folder.rglob("*.html"))
    if not pages:
        print(f"there is no page in {folder}")
        return 1
    said: dict[str, list[str]] = {}
    with sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=browser, args=["--no-sandbox"])
        page = started.new_page(viewport={"width": 1280, "height": 900})
        for path in pages:
            page.goto(path.as_uri())
            for line in found(page):
                said.setdefault(line, []).append(path.relative_to(folder).as_posix())
        started.close()
    for line, where in said.items():
        print(f"{line}\n    on {len(where)} pages, such as {where[0]}")
    print(f"{len(pages)} pages, {sum(map(len, said.values()))} findings")
    return 1 if said else 0


if __name__ == "__main__":
    raise SystemExit(main(Path(sys.argv[1]).resolve()))
