"""What the threads of one cache share: counts, the health of hosts, and what was decoded."""

from __future__ import annotations
