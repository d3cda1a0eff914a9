"""The generated table of Windows names: what it is made of, and that it is up to date."""

from __future__ import annotations

import importlib.util
import zoneinfo
from importlib.metadata import version
from pathlib import Path
from types import ModuleType

import pytest

from extcal.ical.zones import _windows
from extcal.ical.zones._windows import PLACES, WINDOWS_ZONES
from extcal.ical.zones.names import places

SCRIPT = Path(__file__).resolve().parents[3] / "scripts" / "make_windows_zones.py"
CURRENT = f"from icalendar {version('icalendar')}." in (_windows.__doc__ or "")


@pytest.fixture(scope="module")
def script() -> ModuleType:
    if not SCRIPT.is_file():
        pytest.skip("the generator is not part of this distribution")
    spec = importlib.util.spec_from_file_location("make_windows_zones", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_holds_every_name_that_icalendar_knows(script):
    """A superset of icalendar's table; a target that differs has a note in the script."""
    from icalendar.timezone.windows_to_olson import WINDOWS_TO_OLSON

    explained = {name.casefold() for name, _, note in script.EXTRA_ROWS if note}
    for name, zone in WINDOWS_TO_OLSON.items():
        key = name.casefold()
        assert key in WINDOWS_ZONES
        # Governments move zones, so another release of icalendar may name another target.
        assert WINDOWS_ZONES[key] == zone or key in explained or not CURRENT


def test_every_target_is_in_tzdata():
    known = zoneinfo.available_timezones()
    assert set(WINDOWS_ZONES.values()) <= known
    assert {zone for zones in PLACES.values() for zone in zones} <= known


def test_the_file_is_what_the_script_writes(script, capsys):
    if not CURRENT:
        pytest.skip("another icalendar than the table was made from is installed")
    assert script.main(["--check"]) == 0


def test_a_stale_file_is_noticed(script, tmp_path, monkeypatch, capsys):
    stale = tmp_path / "_windows.py"
    monkeypatch.setattr(script, "TARGET", stale)
    assert script.main(["--check"]) == 1
    assert script.main(["--date", "2026-11-22"]) == 0
    assert script.main(["--check"]) == 0
    stale.write_text(stale.read_text("utf-8").replace("Europe/Paris", "Europe/Rome"), "utf-8")
    assert script.main(["--check"]) == 1
    assert "run it again" in capsys.readouterr().err


def test_keys_are_written_as_they_are_looked_up():
    for key in WINDOWS_ZONES:
        assert key == " ".join(key.casefold().split())
    for key in PLACES:
        assert places(key) == [key]


def test_every_display_name_means_one_zone(script):
    """Each row of display names can be told from all the others."""
    for name, *displays in script.DISPLAY_NAMES:
        for display in displays:
            zones = [set(PLACES[place]) for place in places(display)]
            assert set.intersection(*zones) == {WINDOWS_ZONES[name.casefold()]}, display
