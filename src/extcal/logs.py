"""The loggers of extcal: a library logs nothing until the application configures logging."""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from logging import Logger

__all__ = ["ERROR", "INFO", "WARNING", "is_listened_to", "logger"]

INFO, WARNING, ERROR = 20, 30, 40
"""The levels, as in ``logging``."""


def logger(name: str) -> Logger:
    """The logger ``name``, without output of its own."""
    import logging

    library = logging.getLogger("extcal")
    if not library.handlers:
        library.addHandler(logging.NullHandler())
    return logging.getLogger(name)


def is_listened_to() -> bool:
    """Whether a record can reach anybody: not before the application has imported ``logging``.

    To import it takes a tenth of the time until a new process has its first answer.
    """
    return "logging" in sys.modules
