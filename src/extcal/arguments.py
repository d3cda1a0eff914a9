"""Checks of arguments, so that the same mistake always gets the same message.

A value in, the value out; or a TypeError or ValueError that names the argument and says what it
takes. The value itself is not shown, because some arguments are secret.

An error reporter sends the local variables of every frame, too. So public callables are decorated
with :func:`discreet`, and classes with :func:`made_discreetly`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from functools import wraps
from zoneinfo import ZoneInfo

from extcal.patterns import pattern

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, ParamSpec, TypeVar

    _Value = TypeVar("_Value")
    _Class = TypeVar("_Class", bound=type)
    _Arguments = ParamSpec("_Arguments")

__all__ = [
    "call_of",
    "clear_frames",
    "count_of",
    "discreet",
    "flag_of",
    "is_async",
    "length_of",
    "made_discreetly",
    "one_of_type",
    "safe_repr",
    "several",
    "word_of",
    "zone_named",
]

_ADDRESS = pattern(r"[^\s'\"(\[{]*://[^\s'\"]*")
# What extcal calls, apart from the standard library.
_LIBRARIES = frozenset({"dateutil", "extcal", "httpcore2", "icalendar", "redis"})
_ZERO = timedelta(0)
_COROUTINE = 0x80  # inspect.CO_COROUTINE; to import inspect takes longer than to read a small feed


def one_of_type(name: str, value: _Value, kinds: type | tuple[type, ...], takes: str) -> _Value:
    """``value`` if it is of ``kinds``; ``takes`` says in words what those are."""
    if not isinstance(value, kinds):
        raise _wrong(name, value, takes)
    return value


def call_of(name: str, value: _Value, takes: str, *methods: str) -> _Value:
    """``value`` if it can be called, or has all ``methods``."""
    parts = [getattr(value, method, None) for method in methods] if methods else [value]
    if not all(map(callable, parts)):
        raise _wrong(name, value, takes)
    return value


def flag_of(name: str, value: bool) -> bool:
    """``value`` if it is True or False; what another value means would be a guess."""
    if not isinstance(value, bool):
        raise _wrong(name, value, "True or False")
    return value


def count_of(name: str, value: int, *, least: int = 1) -> int:
    """``value`` if it is a whole number of at least ``least``."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise _wrong(name, value, "a whole number")
    if value < least:
        raise ValueError(f"{name} must be {least} at least, it was {value}")
    return value


def length_of(name: str, value: timedelta) -> timedelta:
    """``value`` if it is a timedelta that is not negative."""
    if not isinstance(value, timedelta):
        raise _wrong(name, value, "a timedelta such as timedelta(minutes=30)")
    if value < _ZERO:
        raise ValueError(f"{name} cannot be negative")
    return value


def word_of(name: str, value: _Value, words: Sequence[str]) -> _Value:
    """``value`` if it is one of ``words``."""
    if value not in words:
        raise ValueError(f"{name} is one of {', '.join(map(repr, words))}, not {value!r}")
    return value


def several(name: str, values: Iterable[_Value], takes: str) -> tuple[_Value, ...]:
    """``values`` as a tuple; one str or bytes is refused, because its items would be letters."""
    if isinstance(values, (str, bytes, bytearray)) or not isinstance(values, Iterable):
        raise _wrong(name, values, takes)
    return tuple(values)


def _wrong(name: str, value: object, takes: str) -> TypeError:
    return TypeError(f"{name} takes {takes}, not {type(value).__name__}")


def is_async(call: object) -> bool:
    """Whether ``call``, a function, a method or a partial, is an ``async def``."""
    code = getattr(getattr(call, "func", call), "__code__", None)
    return bool(getattr(code, "co_flags", 0) & _COROUTINE)


def discreet(call: Callable[_Arguments, _Value]) -> Callable[_Arguments, _Value]:
    """Decorate a public callable: if it fails, no frame of extcal holds what was passed to it.

    Any argument may be the address of a feed, or contain it, and be it by mistake. The error keeps
    its traceback, but the frames of extcal in it lose their local variables.
    """
    if is_async(call):
        coroutine_of: Any = call

        @wraps(call)
        async def awaited(*args: Any, **options: Any) -> Any:
            try:
                return await coroutine_of(*args, **options)
            except BaseException as error:
                clear_frames(error, (args, options))
                del args, options
                raise

        return awaited  # type: ignore[return-value]

    @wraps(call)
    def called(*args: _Arguments.args, **options: _Arguments.kwargs) -> _Value:
        try:
            return call(*args, **options)
        except BaseException as error:
            clear_frames(error, (args, options))
            del args, options
            raise

    return called


def made_discreetly(cls: _Class) -> _Class:
    """Decorate a public class: the same for its constructor; and see :func:`safe_repr`."""
    cls.__init__ = discreet(cls.__init__)  # type: ignore[misc]
    return safe_repr(cls)


def safe_repr(cls: _Class) -> _Class:
    """Decorate a public class: its objects have a repr even if they were never initialised.

    Debuggers and error reporters show an object whose constructor has just failed.
    """
    for name in ("__repr__", "__str__"):
        shown = vars(cls).get(name)
        if shown is not None:
            setattr(cls, name, _safe(shown))
    return cls


def _safe(shown: Callable[[Any], str]) -> Callable[[Any], str]:
    @wraps(shown)
    def safe(self: Any) -> str:
        try:
            return shown(self)
        except AttributeError:
            return f"<{type(self).__name__}, not initialised>"

    return safe


def clear_frames(error: BaseException, given: object) -> None:
    """Clear the frames of extcal and of what it calls, and take addresses out of messages.

    ``given``: the arguments; an address that a message has from elsewhere is an example. Frames of
    the application, such as those of its own store, stay as they are.
    """
    from contextlib import suppress  # on demand: it takes longer than most of this module

    seen: set[int] = set()
    todo: list[BaseException | None] = [error]
    while todo:
        one = todo.pop()
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        todo += [one.__cause__, one.__context__]
        if type(one) in (TypeError, ValueError):
            one.args = tuple([_told(said, given) for said in one.args])
        trace = one.__traceback__
        while trace is not None:
            frame, trace = trace.tb_frame, trace.tb_next
            name = str(frame.f_globals.get("__name__", "")).partition(".")[0]
            if name in _LIBRARIES or name in sys.stdlib_module_names:
                with suppress(RuntimeError):  # it is still running
                    frame.clear()


def _told(said: object, given: object) -> object:
    if not isinstance(said, str) or "://" not in said:
        return said
    try:
        passed = repr(given)
    except Exception:
        passed = said  # an argument has no repr: none of the addresses is shown
    return _ADDRESS.sub(lambda found: "<address>" if found[0] in passed else found[0], said)


def zone_named(name: str) -> ZoneInfo | None:
    """Return the zone of tzdata with an IANA name, as every ``timezone`` argument takes it.

    None for other names, such as Windows names, which feeds may use, and names of the machine's
    own zone, which some systems keep beside the real ones.
    """
    try:
        return None if name.lower() in ("localtime", "posixrules") else ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # not there; not a name; a folder
        return None
