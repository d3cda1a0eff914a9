"""docs/security.md says the numbers that hold (its code is run with that of the other pages)."""

from __future__ import annotations

import inspect
import re
from dataclasses import asdict
from pathlib import Path

from extcal.fetch import AsyncHttpFetcher, HttpFetcher, body, policy
from extcal.fetch.http import exchange
from extcal.fetch.http.connect import dns, guard
from extcal.limits import MAXIMA, Limits

PAGE = (Path(__file__).parents[2] / "docs" / "security.md").read_text("utf-8")
ROW = re.compile(r"^\| `(\w+)` \| ([\d,.]+)(?: (s|MiB))? \|", re.MULTILINE)
MOST = re.compile(r"^\| `(\w+)` \| [^|]+ \| ([\d,.]+)(?: (s|MiB))? \|", re.MULTILINE)
UNITS = {"": 1, "s": 1, "MiB": 1024 * 1024}


def numbers(rows: re.Pattern[str] = ROW) -> dict[str, float]:
    return {
        name: float(number.replace(",", "")) * UNITS[unit or ""]
        for name, number, unit in rows.findall(PAGE)
    }


def test_every_limit_stands_there_with_its_default() -> None:
    limits = asdict(Limits())
    found = numbers()
    assert {name: found.get(name) for name in limits} == limits


def test_every_maximum_stands_there() -> None:
    assert numbers(MOST) == {name: most for name, (most, _) in MAXIMA.items()}


def test_so_do_the_numbers_of_the_fetchers() -> None:
    held = {
        name: getattr(module, name)
        for module in (body, exchange, dns, policy, guard)
        for name in numbers()
        if hasattr(module, name)
    }
    for fetcher in (HttpFetcher, AsyncHttpFetcher):
        parameters = inspect.signature(fetcher).parameters
        held |= {name: parameters[name].default for name in numbers() if name in parameters}
    found = numbers()
    assert held.keys() == found.keys() - asdict(Limits()).keys()
    assert held == {name: found[name] for name in held}
