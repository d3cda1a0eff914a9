"""The header field User-Agent of requests (RFC 9110 section 10.1.5).

Every string names extcal. Microsoft's hosts get another string than all others, because since the
summer of 2025 they refuse programs that they do not know. If this string is refused, too, there is
one like a browser's. :mod:`~extcal.fetch.http.exchange` decides which one is sent. Pure data.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from importlib import import_module

from extcal.arguments import made_discreetly
from extcal.fetch.address.providers import MICROSOFT_CLOUDS

__all__ = ["ABOUT", "CHROME", "UserAgents", "read_user_agent"]

ABOUT = "extcal"
"""Where a publisher who finds extcal in their logs can read about it: the project's repository.

It is the name alone as long as the repository has no public address; ``tools/repository.py`` writes
the address here, and into pyproject.toml.
"""
CHROME = 156
"""The version of Chrome that is named to Microsoft: the current one on 2026-11-30.

Raise it with every release of extcal, to the version that is current then, and write the new date
above. Versions of years ago were refused by some of Microsoft's hosts; a new one appears every few
weeks.
"""


def _name() -> str:
    # By name: extcal imports this package, so an import statement here would be a cycle.
    return f"extcal/{import_module('extcal').__version__}"


def _default() -> str:
    return f"{_name()} (+{ABOUT})"


def _microsoft() -> str:
    return f"{_name()} (Linux; +{ABOUT}) like Chrome/{CHROME}"


def _browser() -> str:
    return (
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)"
        f" Chrome/{CHROME}.0.0.0 Safari/537.36 {_name()}"
    )


@made_discreetly
@dataclass(frozen=True, slots=True)
class UserAgents:
    """The User-Agent strings of a fetcher; each is one line of printable ASCII.

    ``default``: for all hosts but Microsoft's: extcal's name, version and address.
    ``microsoft``: for the hosts on which Microsoft itself publishes calendars, which refuse
    programs that they do not know: the same, with a platform and ``like Chrome/`` and a version.
    ``browser``: if one of these was refused because of the User-Agent, the same fetch asks once
    more with this one, a browser's string that ends in extcal's name. None: it does not ask again.

    Raises TypeError for a value that is not a str, and ValueError for one that is not allowed in a
    header.
    """

    default: str = field(default_factory=_default)
    microsoft: str = field(default_factory=_microsoft)
    browser: str | None = field(default_factory=_browser)

    def __post_init__(self) -> None:
        for name in (each.name for each in fields(self)):
            given = getattr(self, name)
            if name != "browser" or given is not None:
                object.__setattr__(self, name, read_user_agent(name, given))

    @classmethod
    def only(cls, user_agent: str) -> UserAgents:
        """One string for all hosts, without a second attempt."""
        return cls(user_agent, user_agent, None)

    def to(self, host: str, *, as_browser: bool) -> str:
        """The string for ``host``, a canonical host name."""
        if as_browser and self.browser is not None:
            return self.browser
        return self.microsoft if host in MICROSOFT_CLOUDS else self.default


def read_user_agent(name: str, user_agent: object) -> str:
    """``user_agent`` if it can stand in a header, without the blanks around it."""
    if not isinstance(user_agent, str):
        raise TypeError(f"{name} takes a str, not {type(user_agent).__name__}")
    user_agent = user_agent.strip()
    if not user_agent or not user_agent.isascii() or not user_agent.isprintable():
        raise ValueError(f"{name} takes one line of printable ASCII")
    return user_agent
