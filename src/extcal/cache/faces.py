"""What the faces of the cache share: a method has its arguments and its docstring in one place.

The place is CalendarCache, which documents each method. A method of AsyncCalendarCache that does
the same takes both from there: type checkers see the arguments, and ``help()`` shows the text.
"""

from __future__ import annotations

from collections.abc import Callable
from inspect import signature
from typing import Any, Concatenate, ParamSpec, TypeVar

__all__ = ["arguments_of", "like"]

_Arguments = ParamSpec("_Arguments")
_Face = TypeVar("_Face")
_Found = TypeVar("_Found")


def like(
    method: Callable[Concatenate[Any, _Arguments], object],
) -> Callable[
    [Callable[Concatenate[_Face, _Arguments], _Found]],
    Callable[Concatenate[_Face, _Arguments], _Found],
]:
    """Decorate a method that takes the arguments of ``method``, and has its docstring."""

    def decorate(
        own: Callable[Concatenate[_Face, _Arguments], _Found],
    ) -> Callable[Concatenate[_Face, _Arguments], _Found]:
        own.__doc__ = method.__doc__
        taken, given = signature(method), signature(own)
        changed = taken.replace(return_annotation=given.return_annotation)
        setattr(own, "__signature__", changed)  # noqa: B010 - a Callable has no such attribute
        return own

    return decorate


def arguments_of(
    method: Callable[..., object], args: tuple[Any, ...], options: dict[str, Any]
) -> dict[str, Any]:
    """The arguments of one call of ``method``, by name and with its defaults, but for ``self``.

    Raises TypeError for wrong ones.
    """
    bound = signature(method).bind(None, *args, **options)
    bound.apply_defaults()
    return dict(list(bound.arguments.items())[1:])
