"""Silences the debug log of the HTTP library during a fetch, because it could show an address.

httpcore2 logs response heads at DEBUG, and a Location header is as secret as an address. While a
fetch of extcal's runs in this context, and only then, the loggers of httpcore2 drop all records.
Those of the application's own clients are still logged.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

__all__ = ["quiet_transport"]

_FETCHING: ContextVar[bool] = ContextVar("extcal_fetching", default=False)
_LOGGERS = ("httpcore2.connection", "httpcore2.http11", "httpcore2.proxy")


def _let_pass(record: logging.LogRecord) -> bool:
    return not _FETCHING.get()


@contextmanager
def quiet_transport() -> Iterator[None]:
    """Silence the transport's loggers for this context."""
    for name in _LOGGERS:
        # addFilter knows a filter it already has.
        logging.getLogger(name).addFilter(_let_pass)
    token = _FETCHING.set(True)
    try:
        yield
    finally:
        _FETCHING.reset(token)
