"""Several people side by side."""

from __future__ import annotations

from extcal.cache.availability.table import Availability, Person

__all__ = ["Availability", "Person"]
