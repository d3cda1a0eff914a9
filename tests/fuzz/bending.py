"""Mutations: bytes in, other bytes out. A small mutator of our own, for where atheris is missing.

It knows lines, numbers and the words of a dictionary, and mixes seeds with each other. Where a
harness has a grammar, almost half of all inputs come from it.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence

from harness import Harness

__all__ = ["bend", "mutator"]

_NUMBERS = (0, 1, -1, 2, 7, 99, 255, 256, 65_535, 2**31 - 1, 2**31, 2**32, 2**63, 10**18, 10**30)
_LINE_ENDS = (b"\r\n", b"\r\n", b"\n", b"\r", b"\r\r\n", b"\n\r", b"\r\n\r\n")
_MADE = 0.45  # the share of inputs that a grammar makes
_MOST = 64 * 1024  # bytes: longer inputs only make the fuzzer slow


def bend(data: bytes, chance: random.Random, seeds: Sequence[bytes], harness: Harness) -> bytes:
    """One to eight mutations of ``data``, or an input from the grammar with none to two."""
    counts = (1, 1, 1, 2, 2, 3, 5, 8)
    if harness.made is not None and chance.random() < _MADE:
        data, counts = harness.made(chance), (0, 0, 0, 1, 2)
    for _ in range(chance.choice(counts)):
        kind = chance.random()
        if harness.bends and kind < 0.25:
            data = chance.choice(harness.bends)(data, chance)
        elif kind < 0.45:
            data = _word(data, chance, harness.words)
        elif kind < 0.55:
            data = _mixed(data, chance, seeds)
        else:
            data = chance.choice(_BENDS)(data, chance)
    return data[:_MOST]


def mutator(harness: Harness, seeds: Sequence[bytes]) -> Callable[[bytes, int, int], bytes]:
    """What atheris takes as a mutator: libFuzzer's own makes half of all inputs.

    ``seeds``: what is mixed with the others; without any, an input is mixed with itself.
    """

    def mutated(data: bytes, most: int, number: int) -> bytes:
        chance = random.Random(number)
        if chance.random() < 0.5:
            import atheris  # Mutate is another function once fuzzing has begun

            return bytes(atheris.Mutate(data, most))
        return bend(data, chance, seeds or [data], harness)[:most]

    return mutated


def _spot(data: bytes, chance: random.Random) -> int:
    return chance.randrange(len(data) + 1)


def _flip(data: bytes, chance: random.Random) -> bytes:
    at = _spot(data, chance)
    return data[:at] + bytes([chance.randrange(256)]) + data[at + 1 :]


def _bit(data: bytes, chance: random.Random) -> bytes:
    if not data:
        return data
    at = chance.randrange(len(data))
    return data[:at] + bytes([data[at] ^ (1 << chance.randrange(8))]) + data[at + 1 :]


def _digit(data: bytes, chance: random.Random) -> bytes:
    digits = [match.start() for match in re.finditer(rb"\d", data)]
    if not digits:
        return data
    at = chance.choice(digits)
    return data[:at] + b"%d" % chance.randrange(10) + data[at + 1 :]


def _number(data: bytes, chance: random.Random) -> bytes:
    found = [match.span() for match in re.finditer(rb"-?\d+", data)]
    if not found:
        return data
    start, end = chance.choice(found)
    number = chance.choice(_NUMBERS)
    if chance.random() < 0.5 and end - start < 18:
        number = int(data[start:end]) + chance.choice((-1, 1, 2, 7, 24, 60))
    return data[:start] + b"%d" % number + data[end:]


def _drop(data: bytes, chance: random.Random) -> bytes:
    at = _spot(data, chance)
    return data[:at] + data[at + chance.randrange(1, 40) :]


def _cut(data: bytes, chance: random.Random) -> bytes:
    return data[: _spot(data, chance)]


def _again(data: bytes, chance: random.Random) -> bytes:
    at = _spot(data, chance)
    some = data[at : at + chance.randrange(1, 60)]
    return data[:at] + some * chance.choice((1, 1, 2, 9)) + data[at:]


def _drop_line(data: bytes, chance: random.Random) -> bytes:
    lines = data.split(b"\n")
    del lines[chance.randrange(len(lines))]
    return b"\n".join(lines)


def _again_line(data: bytes, chance: random.Random) -> bytes:
    lines = data.split(b"\n")
    lines.insert(chance.randrange(len(lines)), chance.choice(lines))
    return b"\n".join(lines)


def _shuffle_lines(data: bytes, chance: random.Random) -> bytes:
    lines = data.split(b"\n")
    at = chance.randrange(len(lines))
    some = lines[at : at + 6]
    chance.shuffle(some)
    return b"\n".join([*lines[:at], *some, *lines[at + 6 :]])


def _case(data: bytes, chance: random.Random) -> bytes:
    lines = data.split(b"\n")
    at = chance.randrange(len(lines))
    lines[at] = lines[at].swapcase()
    return b"\n".join(lines)


def _line_ends(data: bytes, chance: random.Random) -> bytes:
    old, new = chance.choice(((b"\r\n", chance.choice(_LINE_ENDS)), (b"\n", b"\r\n")))
    if chance.random() < 0.5:
        return data.replace(old, new)
    return data.replace(old, new, 1)


def _word(data: bytes, chance: random.Random, words: Sequence[bytes]) -> bytes:
    """A word somewhere, as a line of its own, or in place of a word or of a line."""
    word = chance.choice(words)
    kind = chance.random()
    if kind < 0.25:
        at = _spot(data, chance)
        return data[:at] + word + data[at:]
    if kind < 0.5:
        found = [match.span() for match in re.finditer(rb"[A-Za-z0-9-]+", data)]
        start, end = chance.choice(found) if found else (0, 0)
        return data[:start] + word + data[end:]
    lines = data.split(b"\n")
    at = chance.randrange(len(lines))
    end = b"\r" if lines[0].endswith(b"\r") else b""
    lines[at : at + (kind < 0.75)] = [word + end]
    return b"\n".join(lines)


def _mixed(data: bytes, chance: random.Random, seeds: Sequence[bytes]) -> bytes:
    """Some lines, or some bytes, of another seed."""
    other = chance.choice(seeds)
    kind = chance.random()
    if kind < 0.2:
        return data[: _spot(data, chance)] + other[_spot(other, chance) :]
    if kind < 0.3:
        return data + other[1:]
    lines, others = data.split(b"\n"), other.split(b"\n")
    here, there = chance.randrange(len(lines)), chance.randrange(len(others))
    some = others[there : there + chance.choice((1, 2, 4, 8, 16))]
    lines[here : here + chance.choice((0, 0, 1, 2))] = some
    return b"\n".join(lines)


_BENDS = (
    *(_flip, _bit, _digit, _digit, _number, _number, _drop, _cut, _again),
    *(_drop_line, _drop_line, _again_line, _shuffle_lines, _case, _line_ends),
)
