"""Checks of arguments, so that the same mistake always gets the same message.

A value in, the value out; or a TypeError or ValueError that names the argument and says what it
takes. The value itself is not shown, because some arguments are secret.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import TypeVar

__all__ = ["call_of", "count_of", "flag_of", "length_of", "one_of_type", "several"]

_Value = TypeVar("_Value")
_ZERO = timedelta(0)


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


def several(name: str, values: Iterable[_Value], takes: str) -> tuple[_Value, ...]:
    """``values`` as a tuple; one str or bytes is refused, because its items would be letters."""
    if isinstance(values, (str, bytes, bytearray)) or not isinstance(values, Iterable):
        raise _wrong(name, values, takes)
    return tuple(values)


def _wrong(name: str, value: object, takes: str) -> TypeError:
    return TypeError(f"{name} takes {takes}, not {type(value).__name__}")
