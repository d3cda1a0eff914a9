"""Everybody can tell it apart: contrasts measured as WCAG 2.2 does."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from extcal.draw.colours import DARK, FORCED, LIGHT

schemes = pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])

TEXT = [
    *[("text", ground) for ground in ("back", "paper", "dim", "outside")],
    ("soft", "back"),
    ("soft", "paper"),
    ("busy-text", "busy"),
    ("away-text", "away"),
    ("tent-text", "tent-back"),
    ("else-text", "else-back"),
    ("text", "paper"),
]
SHAPES = [
    *[(name, ground) for name in ("busy", "away", "tent", "else") for ground in ("paper", "dim")],
    ("away", "away-line"),
    ("tent", "tent-back"),
    ("else", "else-back"),
    ("unknown", "unknown-back"),
    ("free", "paper"),
    ("free", "dim"),
    ("soft", "paper"),
]


def luminance(colour: str) -> float:
    """Relative luminance, as WCAG 2.2 defines it for sRGB."""
    channels = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def test_black_on_white_is_the_most_there_is() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)


@schemes
@pytest.mark.parametrize(("words", "ground"), TEXT)
def test_text_can_be_read(colours: Mapping[str, str], words: str, ground: str) -> None:
    """1.4.3: at least 4.5 to 1."""
    assert contrast(colours[words], colours[ground]) >= 4.5


@schemes
@pytest.mark.parametrize(("shape", "ground"), SHAPES)
def test_shapes_and_their_patterns_can_be_seen(
    colours: Mapping[str, str], shape: str, ground: str
) -> None:
    """1.4.11: at least 3 to 1, of a bar to what it lies on, and of a pattern to its ground."""
    assert contrast(colours[shape], colours[ground]) >= 3


def test_every_scheme_has_every_colour() -> None:
    assert set(LIGHT) == set(DARK) == set(FORCED)


def test_forced_colours_are_the_systems_own() -> None:
    assert set(FORCED.values()) <= {"Canvas", "CanvasText", "GrayText", "Highlight"}
