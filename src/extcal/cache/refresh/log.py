"""What a cache reports to the application: log records, and a :class:`Refresh` for each attempt.

The logger is ``extcal.cache``. Every record has the same shape: a constant word for what happened,
the feed as its repr shows it (server and fingerprint, never the address), and ``record.extcal``, a
dict whose keys are a closed list. It contains no text of a server: a kind is one of extcal's words,
or the type of what the application's own fetcher or callback raised. The rest are numbers.
"""

from __future__ import annotations

from datetime import datetime

from extcal.arguments import safe_repr
from extcal.cache.snapshot.snapshot import Snapshot
from extcal.fetch.feed import Feed
from extcal.fetch.protocol import FetchRequest
from extcal.logs import ERROR, WARNING, is_listened_to, logger
from extcal.values import dataclass

__all__ = ["FIELDS", "Refresh", "callback_failed", "fetcher_failed", "tell"]

FIELDS = (
    "event",
    "host",
    "feed",
    "outcome",
    "kind",
    "status",
    "failures",
    "seconds",
    "bytes",
    "events",
    "complete",
    "next_try",
)
"""All that a record may say; ``feed`` is the fingerprint."""

_Value = str | int | float | bool | datetime | None


@safe_repr
@dataclass(frozen=True, slots=True)
class Refresh:
    """The result of asking a source once.

    ``snapshot``: what is served now, or None if nothing is. ``previous``: what was known before, or
    None; ``snapshot.diff(previous)`` says what changed.
    ``error``: the kind of failure, None if the source was read or said that nothing changed.
    ``seconds``: how long it took to answer.
    """

    feed: Feed
    snapshot: Snapshot | None
    previous: Snapshot | None
    error: str | None
    seconds: float


def tell(level: int, event: str, feed: Feed, **fields: _Value) -> None:
    """Log that ``event`` happened to ``feed``; fields that are None are left out."""
    if not is_listened_to():
        return
    log = logger("extcal.cache")
    if not log.isEnabledFor(level):
        return
    strange = fields.keys() - set(FIELDS)
    if strange:
        raise AssertionError(f"not on the list of what is logged: {sorted(strange)}")
    said = {name: value for name, value in fields.items() if value is not None}
    words = "".join(f" {name}={_spoken(value)}" for name, value in said.items())
    record = {"event": event, "host": feed.host, "feed": feed.fingerprint, **said}
    # As text: a handler that pickles records must not pickle the feed with its address.
    log.log(level, "%s %s%s", event, repr(feed), words, extra={"extcal": record})


def callback_failed(refresh: Refresh, error: BaseException) -> None:
    """Log that the application's ``on_refresh`` failed."""
    # The error's message could contain data of the calendar, so only its type is logged.
    tell(ERROR, "callback_failed", refresh.feed, kind=type(error).__name__)


def fetcher_failed(request: FetchRequest, error: BaseException) -> None:
    """Log that the application's own fetcher raised."""
    # The error's message could contain the address, so only its type is logged.
    tell(WARNING, "fetcher_failed", request.feed, kind=type(error).__name__)


def _spoken(value: _Value) -> str:
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%dT%H:%M:%SZ}"
    return f"{value:.3f}" if isinstance(value, float) else str(value)
