"""A feed: a secret address, and how its calendar is to be read.

Text in, a frozen value out, or :class:`~extcal.errors.FeedUrlError` with advice. The address is
sealed: it is in no repr, str, format, error or ``asdict``; only :meth:`Feed.reveal` returns it.
Only syntax is checked here; the fetcher's policy decides whether an address may be *reached*.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from datetime import UTC, timedelta, tzinfo
from functools import wraps
from hashlib import sha256

from extcal.arguments import (
    clear_frames,
    discreet,
    is_async,
    made_discreetly,
    several,
    word_of,
    zone_named,
)
from extcal.errors import FeedUrlError
from extcal.fetch.address.credentials import (
    IN_CLEAR,
    Auth,
    authorization,
    read_auth,
    split_userinfo,
)
from extcal.fetch.address.providers import provider_of
from extcal.fetch.address.url import Refusal, Url, fold_at_sign, read_url
from extcal.policy import DETAILS, BusyPolicy, Rule
from extcal.values import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, TypeVar

    from extcal.choices import Detail

    _Method = TypeVar("_Method", bound=Callable[..., Any])

__all__ = [
    "Feed",
    "SealedUrl",
    "accepted",
    "as_feed",
    "fingerprint_of",
    "read_feed",
    "takes_feed",
]


def fingerprint_of(url: Url) -> str:
    """Eight hexadecimal digits, to tell addresses apart in logs without showing them."""
    return sha256(b"extcal fingerprint\0" + url_key(url)).hexdigest()[:8]


def url_key(url: Url) -> bytes:
    """The canonical address as key material: spellings that lead to one feed give one key."""
    target = fold_at_sign(url.target)
    if target != url.target and provider_of(url) not in ("google", "outlook", "exchange"):
        target = url.target
    return f"{url.scheme}://{url.authority}{target}".encode("ascii")


# Plain values, because tools that list the objects of this package do not look into them.
_Parts = tuple[tuple[str, str, int, str], Auth | None]


class SealedUrl:
    """A canonical address, and the name and password that go with it, if there are any.

    It shows nothing of itself; only :class:`Feed` and the transport open it.
    """

    # A closure, because tools that list attributes (debuggers, error reporters) do not look
    # into it.
    __slots__ = ("_parts",)

    def __init__(self, url: Url, secret_auth: Auth | None = None) -> None:
        parts = ((url.scheme, url.host, url.port, url.target), secret_auth)
        self._parts: Callable[[], _Parts] = lambda: parts

    def open(self) -> Url:
        """The address; only for the code of extcal."""
        return Url(*self._parts()[0])

    def open_auth(self) -> Auth | None:
        """The name and password; only for the code of extcal."""
        return self._parts()[1]

    def authorization(self) -> str | None:
        """The value of the field Authorization for the origin of the address, or None."""
        auth = self._parts()[1]
        return None if auth is None else authorization(auth)

    def __repr__(self) -> str:
        return "<sealed address>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SealedUrl) and self._parts() == other._parts()

    def __hash__(self) -> int:
        return hash(self._parts())

    def __copy__(self) -> SealedUrl:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> SealedUrl:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        auth = self._parts()[1]
        return SealedUrl, (self.open(),) if auth is None else (self.open(), auth)


@made_discreetly
@dataclass(frozen=True, slots=True, init=False, repr=False)
class Feed:
    """One external calendar, and how it is to be read.

    ``url``: the address (``https``, ``webcal`` or ``webcals``; ``http`` and ``file`` only if the
    fetcher's policy agrees). ``https://name:password@...`` is read as the address without them, and
    ``auth``. ``timezone``: the owner's zone, for times without one: an IANA name, a tzinfo, or
    None. ``owner``: the owner's e-mail address, or several; ``""`` and None are nobody, and without
    an owner a declined invitation stays
    busy. ``policy``: how events count. ``detail``: ``"events"``, or ``"busy"`` for no titles at
    all. ``published_ahead``: how far ahead the publisher publishes, if it leaves out later events
    (Outlook does); later time is unknown. ``auth``: the name and password for servers that need a
    login (Basic, RFC 7617), over https only. They are sent only to the origin of the address, and
    are never shown, like the address.

    Raises :class:`~extcal.errors.FeedUrlError` for an address that cannot be one (RFC 3986), and
    TypeError or ValueError for the other arguments.
    """

    url: SealedUrl
    timezone: str | tzinfo | None
    owner: tuple[str, ...]
    policy: BusyPolicy
    detail: Detail
    published_ahead: timedelta | None

    def __init__(
        self,
        url: str | SealedUrl,
        timezone: str | tzinfo | None = None,
        owner: str | Iterable[str] | None = None,
        policy: BusyPolicy | None = None,
        detail: Detail = "events",
        published_ahead: timedelta | None = None,
        auth: Auth | None = None,
    ) -> None:
        sealed = _with_auth(url if isinstance(url, SealedUrl) else _seal(url), auth)
        # Tracebacks may include local variables, and must not include the address.
        del url, auth
        object.__setattr__(self, "url", _accepted(sealed))
        if policy is not None and not isinstance(policy, BusyPolicy):
            raise TypeError(f"policy takes a BusyPolicy, not {type(policy).__name__}")
        word_of("detail", detail, DETAILS)
        object.__setattr__(self, "timezone", _read_timezone(timezone))
        object.__setattr__(self, "owner", _read_owner(owner))
        object.__setattr__(self, "policy", BusyPolicy() if policy is None else policy)
        object.__setattr__(self, "detail", detail)
        object.__setattr__(self, "published_ahead", _read_published_ahead(published_ahead))

    @classmethod
    @discreet
    def from_user_input(
        cls,
        text: str,
        *,
        timezone: str | tzinfo | None = None,
        owner: str | Iterable[str] | None = None,
        policy: BusyPolicy | None = None,
        detail: Detail = "events",
        published_ahead: timedelta | None = None,
        auth: Auth | None = None,
    ) -> Feed:
        """Make a feed of what a person pasted into a form.

        ``text``: an address, also with other text around it (spaces, brackets, quotes, the prefix
        of a QR code), without its scheme, as ``webcal:``, or as the address of a page from which
        the feed's address follows for certain (Outlook's HTML link, a Nextcloud share, Google's
        ``?cid=``). The other arguments are those of the constructor. Raises
        :class:`~extcal.errors.FeedUrlError`, whose
        ``advice`` says where the right address is found and never repeats what was pasted.
        """
        if not isinstance(text, str):
            raise TypeError(f"what was pasted is a str, not {type(text).__name__}")
        from extcal.fetch.address.paste import read_paste  # only forms need it

        read = read_paste(text)
        del text
        if not isinstance(read, Refusal) and read[0].scheme == "file":
            read = Refusal.of("scheme/file")
        sealed = _with_auth(read if isinstance(read, Refusal) else SealedUrl(*read), auth)
        del auth, read
        return cls(_accepted(sealed), timezone, owner, policy, detail, published_ahead)

    def __repr__(self) -> str:
        if not hasattr(self, "url"):
            # A traceback may show a feed whose address was just refused.
            return "<Feed refused>"
        return f"<Feed {self.host or 'file'} #{self.fingerprint}>"

    @property
    def host(self) -> str:
        """The server's name in lower case; empty for a ``file:`` feed."""
        return self.url.open().host

    @property
    def provider(self) -> str | None:
        """``"google"``, ``"outlook"``, ``"icloud"``, ``"nextcloud"``... or None if unknown."""
        return provider_of(self.url.open())

    @property
    def fingerprint(self) -> str:
        """Eight hexadecimal digits for logs: the same address gives the same ones."""
        return fingerprint_of(self.url.open())

    def reveal(self) -> str:
        """The canonical address, in clear and without ``auth``. For transports only."""
        return self.url.open().text

    def reveal_auth(self) -> tuple[str, str] | None:
        """The name and password, in clear, or None. For transports only."""
        return self.url.open_auth()

    def url_identity(self) -> bytes:
        """Key material for what belongs to the address and ``auth``. As secret as they are."""
        return b"extcal url 1\0" + self._key()

    def identity(self) -> bytes:
        """Key material for what belongs to the address, ``auth`` and the reading together.

        As secret as the address.

        Feeds whose readings could differ in anything never share an identity.
        """
        ahead = self.published_ahead
        reading = [
            _timezone_key(self.timezone),
            sorted({address.casefold() for address in self.owner}),
            _policy_key(self.policy),
            self.detail,
            None if ahead is None else ahead // timedelta(microseconds=1),
        ]
        text = json.dumps(reading, separators=(",", ":"), ensure_ascii=True)
        return b"extcal feed 1\0" + self._key() + b"\0" + text.encode("ascii")

    def _key(self) -> bytes:
        auth = self.url.open_auth()
        key = url_key(self.url.open())
        if auth is None:
            return key
        # An address has no blank, so no address without auth has this key.
        return key + b" " + json.dumps(auth, ensure_ascii=True).encode("ascii")


@discreet
def as_feed(feed: Feed | str) -> Feed:
    """``feed`` itself, or the feed of an address that was passed as text."""
    found = read_feed(feed)
    del feed
    if isinstance(found, FeedUrlError):
        raise found
    return found


def read_feed(feed: Feed | str) -> Feed | FeedUrlError:
    """The same, but a refusal is returned: its caller can delete the address before it raises.

    After ``feed = read_feed(feed)`` no frame holds the address as text.
    """
    if isinstance(feed, Feed):
        return feed
    if not isinstance(feed, str):
        raise TypeError(f"a feed is a Feed or an address as str, not {type(feed).__name__}")
    sealed = _seal(feed)
    return _error(sealed) if isinstance(sealed, Refusal) else Feed(sealed)


def takes_feed(method: _Method) -> _Method:
    """Decorate a method whose first argument is a feed: it gets a Feed, or FeedUrlError is raised.

    An address is sealed before anything can fail, because tracebacks may show local variables.
    ``method`` is always called with a Feed.
    """
    if is_async(method):

        @wraps(method)
        async def awaited(self: object, feed: Feed | str, *args: object, **options: object) -> Any:
            opened = read_feed(feed)
            del feed  # a refused address must not stay in this frame
            return await method(self, accepted(opened), *args, **options)

        return discreet(awaited)  # type: ignore[return-value]

    # As discreet does it, without a further call for each answer that is known already.
    @wraps(method)
    def called(self: object, feed: Feed | str, *args: object, **options: object) -> Any:
        try:
            return method(self, accepted(read_feed(feed)), *args, **options)
        except BaseException as error:
            clear_frames(error, (feed, args, options))
            del feed, args, options
            raise

    return called  # type: ignore[return-value]


def accepted(read: Feed | FeedUrlError) -> Feed:
    """What :func:`read_feed` returned, if that is a feed; raises it if it is a refusal."""
    if isinstance(read, FeedUrlError):
        raise read
    return read


def _accepted(sealed: SealedUrl | Refusal | Exception) -> SealedUrl:
    if isinstance(sealed, Refusal):
        raise _error(sealed)
    if isinstance(sealed, Exception):
        raise sealed
    return sealed


def _error(refusal: Refusal) -> FeedUrlError:
    return FeedUrlError(refusal.message, kind=refusal.kind, advice=refusal.advice)


def _seal(url: str) -> SealedUrl | Refusal:
    if not isinstance(url, str):
        raise TypeError(f"the address of a feed is a str, not {type(url).__name__}")
    split = split_userinfo(url)
    if isinstance(split, Refusal):
        return split
    read = read_url(split[0])
    return read if isinstance(read, Refusal) else SealedUrl(read, split[1])


def _with_auth(
    sealed: SealedUrl | Refusal, secret_auth: Auth | None
) -> SealedUrl | Refusal | Exception:
    """The same address with ``auth``, or what is wrong with that; raises nothing."""
    auth = read_auth(secret_auth)
    if isinstance(sealed, Refusal) or auth is None:
        return sealed
    if isinstance(auth, Exception):
        return auth
    url = sealed.open()
    if url.scheme != "https":
        return IN_CLEAR
    if sealed.open_auth() not in (None, auth):
        return ValueError("auth says something else than the name and password in the address")
    return SealedUrl(url, auth)


def _read_timezone(zone: str | tzinfo | None) -> str | tzinfo | None:
    """An IANA name wherever there is one, so that equal zones make equal feeds."""
    if zone is None:
        return None
    if isinstance(zone, tzinfo):
        if zone is UTC:
            return "UTC"
        # ZoneInfo calls its name "key", pytz "zone".
        name = getattr(zone, "key", None) or getattr(zone, "zone", None)
        if isinstance(name, str) and zone_named(name) is not None:
            return name
        if type(zone).__repr__ is object.__repr__:
            raise TypeError(
                f"timezone: a {type(zone).__name__} cannot be told apart from others of its kind;"
                " pass an IANA name like 'Europe/Berlin'"
            )
        return zone
    if not isinstance(zone, str):
        raise TypeError(f"timezone takes an IANA name, a tzinfo or None, not {type(zone).__name__}")
    if zone_named(zone) is None:
        raise ValueError(f"timezone takes an IANA name like 'Europe/Berlin', not {zone!r}")
    return zone


def _timezone_key(zone: str | tzinfo | None) -> list[str] | None:
    if zone is None:
        return None
    if isinstance(zone, str):
        return ["iana", zone]
    return ["tzinfo", type(zone).__module__, type(zone).__qualname__, repr(zone)]


def _policy_key(policy: BusyPolicy) -> list[object]:
    """Rules are added only where there are any, so that other feeds keep the key of 0.1.0."""
    marks = {name: getattr(policy, name) for name in BusyPolicy.__annotations__ if name != "rules"}
    key: list[object] = [*sorted(marks.items())]
    if policy.rules:
        key.append(["rules", [_rule_key(rule) for rule in policy.rules]])
    return key


def _rule_key(rule: Rule) -> list[object]:
    conditions = (
        (name, value // timedelta(microseconds=1) if isinstance(value, timedelta) else value)
        for name, value in rule.conditions().items()
    )
    return [rule.outcome, *conditions]


def _read_owner(owner: str | Iterable[str] | None) -> tuple[str, ...]:
    if owner is None:
        return ()
    takes = "an e-mail address or several"
    given = (owner,) if isinstance(owner, str) else several("owner", owner, takes)
    found: dict[str, None] = {}
    for address in given:
        if not isinstance(address, str):
            raise TypeError(f"owner takes e-mail addresses as str, not {type(address).__name__}")
        address = address.strip()
        if address[:7].lower() == "mailto:":
            address = address[7:].strip()
        if address:  # forms and databases write "nobody" as ""
            found[address] = None
    return tuple(found)


def _read_published_ahead(ahead: timedelta | None) -> timedelta | None:
    if ahead is None:
        return None
    if not isinstance(ahead, timedelta):
        raise TypeError(f"published_ahead takes a timedelta or None, not {type(ahead).__name__}")
    if ahead <= timedelta(0):
        raise ValueError("published_ahead must be more than zero")
    return ahead
