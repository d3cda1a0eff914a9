"""One job per key at a time, and everybody who waits for it."""

from __future__ import annotations
