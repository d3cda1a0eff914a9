"""The arguments of both HTTP fetchers, and what a fetch begins with: a journey and a deadline.

Nothing here waits or connects; ssl is imported at the first fetch over https.
"""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Callable, Iterable, Mapping
from random import random
from typing import TYPE_CHECKING

from extcal.arguments import call_of, count_of, made_discreetly, one_of_type
from extcal.fetch.address.networks import Network
from extcal.fetch.address.proxy import Proxy, read_proxy
from extcal.fetch.feed import Feed
from extcal.fetch.forks import wait_for_imports
from extcal.fetch.http.body_room import BodyRoom
from extcal.fetch.http.connect.dns import Lookup, Resolver, SharedTurns, system_resolver
from extcal.fetch.http.deadline import Deadline
from extcal.fetch.http.exchange import MOST_BROWSER_HOSTS, Ask, Journey, Step
from extcal.fetch.http.pool import ConnectionPool
from extcal.fetch.policy import AddressPolicy, UrlPolicy
from extcal.fetch.protocol import (
    Failed,
    FetchRequest,
)
from extcal.fetch.user_agents import UserAgents, read_user_agent
from extcal.limits import Limits
from extcal.logs import logger

if TYPE_CHECKING:
    import ssl

__all__ = ["LOG", "HttpOptions", "mistake"]

LOG = logger("extcal.fetch")


@made_discreetly
class HttpOptions:
    """The arguments of HttpFetcher and AsyncHttpFetcher."""

    # For repr() if the arguments are refused: a traceback may show local variables, and so repr().
    _user_agents = UserAgents.only("refused")

    def __init__(
        self,
        *,
        policy: UrlPolicy | None = None,
        allow_networks: str | Network | Iterable[str | Network] = (),
        deny_networks: str | Network | Iterable[str | Network] = (),
        allow_http: bool = False,
        allow_ip_literals: bool = False,
        allow_nat64: bool = False,
        ports: int | Iterable[int] | None = None,
        allow_hosts: str | Iterable[str] = (),
        address_policy: AddressPolicy | None = None,
        user_agent: str | None = None,
        user_agents: UserAgents | None = None,
        limits: Limits | None = None,
        max_fetches: int = 32,
        max_fetches_per_host: int = 4,
        proxy: str | None = None,
        resolver: Resolver | None = None,
        headers: Callable[[Feed], Mapping[str, str]] | None = None,
        ssl_context: ssl.SSLContext | None = None,
        jitter: Callable[[], float] = random,
    ) -> None:
        sealed = read_proxy(proxy)
        # A traceback may show local variables, and must not show the proxy's password.
        del proxy
        self._require()
        if isinstance(sealed, Exception):
            raise sealed
        self._proxy: Proxy | None = sealed
        fields = UrlPolicy(
            allow_networks=allow_networks,
            deny_networks=deny_networks,
            allow_http=allow_http,
            allow_ip_literals=allow_ip_literals,
            allow_nat64=allow_nat64,
            ports=ports,
            allow_hosts=allow_hosts,
            address_policy=address_policy,
        )
        if policy is not None and fields != UrlPolicy():
            raise TypeError("pass either policy or its fields as keywords, not both")
        if policy is not None:
            fields = one_of_type("policy", policy, UrlPolicy, "a UrlPolicy")
        self._policy = fields
        self._user_agents = _read_user_agents(user_agent, user_agents)
        self._browser_hosts: dict[str, None] = {}
        if limits is not None:
            one_of_type("limits", limits, Limits, "Limits")
        self._limits = limits
        self._turns = SharedTurns(
            count_of("max_fetches", max_fetches),
            count_of("max_fetches_per_host", max_fetches_per_host),
        )
        if resolver is not None:
            call_of("resolver", resolver, "a callable of a host name and a port")
        self._pool = ConnectionPool()
        self._room = BodyRoom()
        self._lookup = Lookup(system_resolver if resolver is None else resolver)
        if headers is not None:
            call_of("headers", headers, "a callable of a Feed that returns header fields")
        self._headers = headers
        if ssl_context is not None:
            # Checked by its methods and not by its class, because that would import ssl.
            call_of("ssl_context", ssl_context, "an ssl.SSLContext", "wrap_socket", "wrap_bio")
        self._ssl_context = ssl_context
        self._gates: dict[int, threading.Lock] = {}
        self._jitter = call_of("jitter", jitter, "a callable that returns a number in [0, 1)")
        wait_for_imports()

    @property
    def policy(self) -> UrlPolicy:
        """Where this fetcher may go; ``policy.check(feed)`` judges an address when it is pasted."""
        return self._policy

    @property
    def shares_answers(self) -> bool:
        """Whether feeds of equal URL and ``auth`` share a request, and its answer.

        False with ``headers``, which may send another identity for each feed.
        """
        return self._headers is None

    def close(self) -> None:
        """Close the connections that are kept. A later fetch opens new ones."""
        self._pool.close()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._user_agents.default.partition(' ')[0]}>"

    def _require(self) -> None:
        """Raise ImportError if what this fetcher needs is not installed."""

    def _begin(self, request: FetchRequest) -> tuple[Journey, Deadline]:
        limits = request.limits if self._limits is None else self._limits
        deadline = Deadline(min(request.deadline, limits.fetch_deadline))
        browser_hosts = frozenset(self._browser_hosts)
        return Journey(request, self._policy, limits, self._user_agents, browser_hosts), deadline

    def _own_fields(self, journey: Journey, ask: Ask) -> Mapping[str, str]:
        """The fields that the application's ``headers`` adds; raises whatever it raises."""
        if self._headers is None or not journey.is_own(ask.url):
            return {}
        return read_fields(self._headers(journey.request.feed))

    def _learn(self, journey: Journey, ask: Ask, step: Step) -> None:
        # Without a lock, because after a fork the child could find it locked for ever. Each change
        # is one atomic step of a dict, so threads that learn at the same time lose nothing.
        for host, as_browser in journey.learnt(ask, step).items():
            if as_browser:
                self._browser_hosts[host] = None
            else:
                self._browser_hosts.pop(host, None)
        # If there are too many, the oldest are dropped; each then needs one more request.
        for host in list(self._browser_hosts)[:-MOST_BROWSER_HOSTS]:
            self._browser_hosts.pop(host, None)

    def _gate(self) -> threading.Lock:
        """The lock that a thread holds while it is not waiting; each process has its own.

        Only one thread of an interpreter runs at a time. If many threads send requests, read heads
        or decompress bodies, every thread waits for all others, also that of an event loop. With
        this lock only one of them competes for the processor.
        """
        process = os.getpid()
        return self._gates.get(process) or self._gates.setdefault(process, threading.Lock())

    def _trust(self) -> ssl.SSLContext:
        """The TLS context. It is built once, because reading the system's certificates takes time.

        Two threads may both build it; the last one is kept, and they are equal.
        """
        if self._ssl_context is None:
            from extcal.fetch.http.connect.trust import new_ssl_context

            self._ssl_context = new_ssl_context()
        return self._ssl_context


# Fields that an application may not set: they decide where a request goes, how it is framed, or
# what its answer means.
_NOT_OURS_TO_GIVE = frozenset(
    {"accept-encoding", "connection", "content-length", "expect", "host", "if-match"}
    | {"if-modified-since", "if-none-match", "if-range", "if-unmodified-since", "keep-alive"}
    | {"proxy-authorization", "range", "te", "trailer", "transfer-encoding", "upgrade"}
    | {"user-agent"}
)
# RFC 9110 section 5.6.2, and visible ASCII with blanks inside.
_FIELD_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,256}")
_FIELD_VALUE = re.compile(r"[!-~](?:[ \t!-~]{0,16382}[!-~])?")


def read_fields(secret_fields: object) -> dict[str, str]:
    """The fields that ``headers`` returned. Raises TypeError or ValueError for wrong ones."""
    # The messages of the errors repeat no name or value, because they may be secret.
    if not isinstance(secret_fields, Mapping):
        raise TypeError("headers returns a mapping of names and values")
    found: dict[str, str] = {}
    for name, value in secret_fields.items():
        if not isinstance(name, str) or not isinstance(value, str):
            raise TypeError("headers returns names and values as str")
        if not _FIELD_NAME.fullmatch(name) or not _FIELD_VALUE.fullmatch(value):
            raise ValueError("headers returned what cannot stand in a header")
        if name.lower() in _NOT_OURS_TO_GIVE:
            raise ValueError("headers returned a field that the transport writes itself")
        found[name] = value
    return found


def mistake(request: FetchRequest, error: Exception) -> Failed:
    """The answer for a bug in extcal, or in a callable that the application passed in."""
    # The error's message could contain the address, so only its type is logged.
    LOG.error("%r: fetcher failed with %s", request.feed, type(error).__name__)
    return Failed("fetcher_error")


def _read_user_agents(user_agent: str | None, user_agents: UserAgents | None) -> UserAgents:
    if user_agents is not None:
        one_of_type("user_agents", user_agents, UserAgents, "UserAgents")
    if user_agent is not None:
        return UserAgents.only(read_user_agent("user_agent", user_agent))
    return UserAgents() if user_agents is None else user_agents
