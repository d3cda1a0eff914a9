"""What every harness is made of: one function that takes bytes, seeds, words, and what it counts.

A harness reads any bytes and asserts laws. Whatever it raises is a finding, and the bytes are kept
as a file. So everything about a case follows from its bytes: there is no clock and no chance in it.
"""

from __future__ import annotations

import pkgutil
import random
import sys
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path

__all__ = ["FOUND", "HERE", "SEEDS", "Harness", "import_all", "words_of"]

HERE = Path(__file__).resolve().parent
SEEDS, FOUND = HERE / "seeds", HERE / "found"
Bend = Callable[[bytes, random.Random], bytes]


@dataclass
class Harness:
    """``one`` reads some bytes and raises if a law is broken; ``sources`` yields possible seeds.

    ``words``: what a mutation may insert. ``bends``: mutations for this kind of bytes only.
    ``made``: a new input from a grammar, to be tried as it is or to be mutated like a seed.
    ``counts``: what was tried, such as readings. ``sampled``: how many inputs there are for each
    one to which the expensive oracles are applied.
    """

    name: str
    one: Callable[[bytes], None]
    sources: Callable[[], Iterator[bytes]]
    words: list[bytes]
    counts: Counter[str]
    bends: list[Bend] = field(default_factory=list)
    made: Callable[[random.Random], bytes] | None = None

    def seeds(self) -> list[bytes]:
        """The seeds that are kept, and what was found before."""
        folders = (SEEDS / self.name, FOUND / self.name)
        paths = [path for folder in folders for path in sorted(folder.glob("*"))]
        return [path.read_bytes() for path in paths]


def chance_of(data: bytes) -> random.Random:
    """Random numbers that follow from ``data``."""
    return random.Random(zlib.crc32(data))


def is_sampled(data: bytes, one_in: int) -> bool:
    """Whether ``data`` is one of those few that an expensive oracle looks at."""
    return one_in == 1 or (zlib.crc32(data) >> 4) % one_in == 0


def words_of(section: str) -> list[bytes]:
    """The words of a section of ``dictionary.txt``, which libFuzzer reads, too."""
    found, inside = [], False
    for line in (HERE / "dictionary.txt").read_text("ascii").splitlines():
        if line.startswith("#"):
            inside = line == f"# -- {section}" or (inside and not line.startswith("# -- "))
        elif inside and line:
            found.append(unescaped(line.strip()[1:-1]))
    return found


def unescaped(text: str) -> bytes:
    """libFuzzer's escapes: ``\\xAB``, ``\\\\`` and ``\\"``."""
    return text.encode("ascii").decode("unicode_escape").encode("latin-1")


def load_all() -> dict[str, Harness]:
    """Every harness by its name."""
    if str(HERE) not in sys.path:
        sys.path.insert(0, str(HERE))
    import fuzz_address
    import fuzz_cell
    import fuzz_feed
    import fuzz_http

    modules = (fuzz_feed, fuzz_cell, fuzz_http, fuzz_address)
    return {module.HARNESS.name: module.HARNESS for module in modules}


def import_all() -> None:
    """Import what the harnesses read with, and what is imported there only when it is needed.

    atheris sees into modules that are imported while it watches imports, and into no others.
    """
    import h11  # noqa: F401

    for name in ("extcal.intervals", "extcal.ical", "extcal.fetch", "extcal.cache"):
        for module in pkgutil.walk_packages(import_module(name).__path__, f"{name}."):
            with suppress(ImportError):  # such as that of a store whose library is not installed
                import_module(module.name)
