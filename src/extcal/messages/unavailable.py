"""Why a calendar is not available, and what to do about it.

In: a kind, of :data:`extcal.fetch.FAILURE_KINDS` or one of the cache's own. Out: the message and
the advice of an :class:`~extcal.errors.Unavailable`, or the message of a
:class:`~extcal.errors.Problem` where one calendar of several is meant. A kind that is not listed,
such as one of a host's own fetcher, has the words of :data:`OTHER`.
"""

from __future__ import annotations

from datetime import datetime
from types import MappingProxyType

__all__ = [
    "OTHER",
    "REASONS",
    "SERVED_BEFORE",
    "one_not_read",
    "outside_horizon",
    "unavailable",
]

_PASTE_AGAIN = "Copy the address again from the calendar's settings and paste it once more."
_PASTE_ONCE_MORE = " copy the address again from the calendar's settings and paste it once more."
_SOON = "Nothing needs to be done; it is tried again within minutes, and then every half hour."
_LASTS = " If it lasts for more than a day,"
_HOURLY = " It is asked again every hour for a day, because some servers say this for a while."
_RUN_AGAIN = "The operator can start the run again; what was read before is kept."
_ICS = "Paste the address of the ICS feed, not the one of a web page."
_PUBLISHER = (
    "It is tried again every half hour. If it lasts for more than a few hours, only the publisher"
    " of the calendar can repair it: tell them, or publish the calendar again and paste its new"
    " address."
)

UNAVAILABLE = "The calendar is not available: {reason}."
ONE_NOT_READ = "a calendar could not be read: {reason}"
OUTSIDE_HORIZON = (
    "the calendar is known from {first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M} UTC, and the time"
    " asked for lies outside; CalendarCache(horizon=..., history=...) says how far it looks"
)

SERVED_BEFORE = "served the last good reading"
"""The action of a Problem where the last good reading stood in for the calendar."""

REASONS: MappingProxyType[str, tuple[str, str]] = MappingProxyType(
    {
        "bad_encoding": ("the answer is damaged, or compressed in an unknown way", _PUBLISHER),
        "blocked_address": (
            "the address leads to a network that is not allowed",
            "Paste an address that anybody on the internet can open. The operator can allow a"
            " network of their own with HttpFetcher(allow_networks=...), and addresses that a NAT64"
            " translates with allow_nat64=True.",
        ),
        "blocked_url": (
            "the address is not one that is allowed",
            "Paste an address that begins with https:// and that anybody on the internet can open."
            " The operator can allow more with HttpFetcher(policy=...).",
        ),
        "challenge": (
            "the site keeps programs out",
            "The publisher can exempt the address of the feed from the protection of the site;"
            " nobody else can. If the calendar is also published elsewhere, paste that address.",
        ),
        "client_refused": (
            "the provider refuses this program because of its User-Agent",
            "The address may be right. The operator can set other ones with"
            " HttpFetcher(user_agents=...).",
        ),
        "connect": (
            "the server cannot be reached",
            _SOON + _LASTS + " check the address, or ask who runs the server. If many calendars say"
            " this, the operator can check this machine's way to the internet.",
        ),
        "dns": (
            "the server's name cannot be found",
            "Check the name of the server in the address. If it is right, it is tried again within"
            " minutes; the operator can check the name servers of this machine.",
        ),
        "empty": (
            "the answer is empty",
            "It is tried again every half hour." + _LASTS + _PASTE_ONCE_MORE,
        ),
        "fetcher_error": (
            "the fetcher failed",
            "The calendar and its address are not to blame. The operator can find the type of the"
            " error in the log, and the reason in the fetcher or in what was passed to it.",
        ),
        "forbidden": (
            "the server does not allow it (403)",
            "Check that the calendar is still published; then copy its address again and paste it"
            " once more." + _HOURLY,
        ),
        "gone": (
            "it is no longer published",
            "Publish the calendar again in its settings, and paste its new address. The old one is"
            " asked again once a day.",
        ),
        "html": ("the answer is a web page", _ICS),
        "incomplete": ("the answer was cut off", _PUBLISHER),
        "json": ("the answer is data of another kind", _ICS),
        "no_thread": (
            "this machine allows the program no more threads",
            "The operator can raise that limit, or stop what uses the threads; then it is asked"
            " again at once.",
        ),
        "not_a_calendar": ("the answer is not a calendar", _ICS),
        "not_found": (
            "the server does not know it (404)",
            _PASTE_AGAIN,
        ),
        "not_found_file": (
            "the file does not exist",
            "Check its path in the address. The file is looked for again every half hour.",
        ),
        "not_refreshed": ("it was not asked for, because there are no workers left", _RUN_AGAIN),
        "protocol": ("the answer is not proper HTTP", _PUBLISHER),
        "rate_limited": (
            "the server was asked too often and wants to be asked later (429)",
            "Nothing needs to be done; it is asked again when the server allows it, in six hours at"
            " the latest. If many calendars of one provider say this, the operator can have fewer"
            " fetched at a time with HttpFetcher(max_fetches_per_host=...).",
        ),
        "redirect_refused": (
            "it leads to an address that is not allowed",
            _PASTE_AGAIN + " The operator can allow more with HttpFetcher(policy=...).",
        ),
        "refused": (
            "the server refuses the request",
            "It is tried again within minutes, and then every half hour."
            + _LASTS
            + _PASTE_ONCE_MORE,
        ),
        "server_error": (
            "the server failed",
            _SOON + _LASTS + " tell the publisher of the calendar.",
        ),
        "timeout": (
            "it took too long",
            _SOON + _LASTS + " publish a shorter part of the calendar; the operator can allow more"
            " time with Limits(fetch_deadline=...).",
        ),
        "tls": (
            "the connection is not secure",
            "Whoever runs the server has to renew its certificate, or to switch on TLS 1.2 or newer"
            " with forward secrecy. The operator can trust authorities of their own with"
            " HttpFetcher(ssl_context=...).",
        ),
        "too_large": (
            "it is too large",
            "Publish a shorter part of the calendar; the operator can allow more with Limits(...).",
        ),
        "too_many_redirects": (
            "the address redirects too often",
            _PASTE_AGAIN + " If that does not help, tell the publisher of the calendar.",
        ),
        "truncated": ("the answer was cut off", _PUBLISHER),
        "unauthorized": (
            "the server wants a login (401)",
            "Paste the calendar's secret or published address; or put name and password into it"
            " (https://name:password@...)." + _HOURLY,
        ),
        "unreadable": (
            "it could not be read because of an error in extcal",
            "The calendar and its address are not to blame. Please report it.",
        ),
        "wrong_password": (
            "the server does not accept the name and password (401)",
            "Check both and enter them again; where two-factor login is on, the server wants an"
            " app password, which is made in its security settings.",
        ),
        "worker_lost": ("the worker that was to read it is lost", _RUN_AGAIN),
    }
)
"""By kind: the reason, and what to do about it."""

OTHER = ("it cannot be read", _PUBLISHER)
"""The same for every other kind."""


def unavailable(kind: str) -> tuple[str, str]:
    """The message and the advice for a calendar that is not available."""
    reason, advice = REASONS.get(kind, OTHER)
    return UNAVAILABLE.format(reason=reason), advice


def outside_horizon(first: datetime, last: datetime) -> str:
    """The message where a calendar is known from ``first`` to ``last``, and nothing asked for is.

    It is the message of an :class:`~extcal.errors.OutsideHorizon`.
    """
    return OUTSIDE_HORIZON.format(first=first, last=last)


def one_not_read(kind: str) -> str:
    """The message where one calendar of several could not be read."""
    reason, _ = REASONS.get(kind, OTHER)
    return ONE_NOT_READ.format(reason=reason)
