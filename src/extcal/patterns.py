"""Regular expressions that are compiled when they are first used.

A process that has just started and reads one calendar uses half of them, and to compile all of them
takes longer than to read that calendar.
"""

from __future__ import annotations

import re

__all__ = ["pattern"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from re import compile as pattern
else:
    _METHODS = ("finditer", "findall", "fullmatch", "match", "search", "split", "sub", "subn")

    class _Pattern:
        """Becomes the pattern at the first call of a method; from then on a call costs the same."""

        def __init__(self, source, flags):
            self._source, self._flags = source, flags

        def __getattr__(self, name):
            compiled = re.compile(self._source, self._flags)
            for method in _METHODS:
                setattr(self, method, getattr(compiled, method))
            return getattr(compiled, name)

    def pattern(source, flags=0):
        """See ``re.compile``; what it would raise is raised at the first use."""
        return _Pattern(source, flags)
