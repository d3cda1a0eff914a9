"""What a source's answer seems to be, if it is no calendar: the sentence of a failed fetch.

In: a key of :data:`HINTS`. Out: the sentence for ``Failed.looks_like``. Most are followed by advice
of :mod:`extcal.messages.unavailable`; a text of two sentences brings its own.
"""

from __future__ import annotations

from types import MappingProxyType

__all__ = ["HINTS"]

_SET_ANOTHER = "The operator can set other ones with HttpFetcher(user_agents=...)."

HINTS: MappingProxyType[str, str] = MappingProxyType(
    {
        # Where the request could not go.
        "blocked_address": "The connection led to an IP address that was not checked.",
        "blocked_url/file": "Only file: addresses are read here.",
        "blocked_url/length": "The address is longer than the limit.",
        "blocked_url/root": "The file is not inside the directory that may be read.",
        "connect": "The server cannot be reached.",
        "connect/closed": "The server closed the connection without an answer.",
        "connect/proxy": "The proxy does not connect to the server.",
        "dns": "The name of the server is not known.",
        "dns/slow": "The name of the server could not be looked up in time.",
        "not_found_file": "There is no such file, or it cannot be read.",
        "timeout": "It took too long to get an answer.",
        "tls": "No encrypted connection to the server could be made.",
        "tls/certificate": "The server's certificate cannot be trusted.",
        # What the server answered instead of a body.
        "client_refused": "Microsoft's servers refuse programs whose User-Agent they do not know;"
        f" the calendar itself may be fine. {_SET_ANOTHER}",
        "protocol": "The server's answer is not HTTP.",
        "protocol/unasked": "The server's answer does not fit the request.",
        "redirect_refused/http": "The server redirects to plain http.",
        "redirect_refused/no-address": "The server redirects, but not to a web address.",
        "redirect_refused/nowhere": "The server redirects, but names no new address.",
        "redirect_refused/policy": "The server redirects to an address that is not allowed.",
        "redirect_refused/several": "The server redirects, but not to exactly one address.",
        "server_error": "The server has a fault of its own.",
        "server_error/microsoft": "Microsoft's server has a fault of its own, or refuses this"
        f" program because of its User-Agent without saying so. {_SET_ANOTHER}",
        "too_many_redirects": "The server redirects again and again.",
        # What the body is.
        "bad_encoding": "The answer is compressed in a way that cannot be read.",
        "bad_encoding/unasked": "The answer is compressed in a way that was not requested.",
        "empty": "The answer is empty.",
        "html": "The address leads to a web page, not to a calendar feed.",
        "html/google": "This is Google's sign-in page: the address is not the calendar's secret"
        " address, or the secret was reset.",
        "html/outlook": "This is Outlook's sign-in page: the calendar is no longer published.",
        "html/sign-in": "This is a sign-in page: the calendar is not, or no longer, published.",
        "json": "The server answered with data for programs, most likely an error message.",
        "not_a_calendar": "The address leads to something that is no calendar.",
        "not_a_calendar/contacts": "The address leads to an address book, not to a calendar.",
        "not_a_calendar/part": "The answer is only a part of a calendar.",
        "not_a_calendar/pdf": "The address leads to a PDF document, not to a calendar.",
        "not_a_calendar/xml": "The address leads to an XML document, not to a calendar feed.",
        "not_a_calendar/zip": "The address leads to a zip archive, not to a calendar feed.",
        "too_large": "The calendar is larger than the limit.",
        "too_large/answer": "The answer is larger than the limit.",
        "truncated": "The answer ended too early.",
    }
)
"""By key: what the answer seems to be, and for some what to do about it."""
