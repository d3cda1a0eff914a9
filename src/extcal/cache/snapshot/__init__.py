"""What is known of one feed at one time: how it is read, stored as bytes, queried and drawn."""

from __future__ import annotations

from extcal.cache.snapshot.snapshot import Reading, Snapshot

__all__ = ["Reading", "Snapshot"]
