"""Who has to be free: arguments in, conditions by name out.

A condition is a number and names: so many of these people. "Everybody" is a condition, too, kept
apart because all of it is answered in one merge.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from extcal.arguments import count_of, several
from extcal.values import NamedTuple

__all__ = ["Conditions", "Groups", "names_of", "read_conditions"]

Groups = Iterable[tuple[int, Collection[str]]]
"""Each is a number and names: so many of these people have to be free."""

_TAKES = "several (number, names), such as [(1, support), (2, design)]"


class Conditions(NamedTuple):
    """``required``: everybody of them. ``counted``: so many of each group of names."""

    required: tuple[str, ...]
    counted: tuple[tuple[int, tuple[str, ...]], ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Everybody who is named, once."""
        counted = [name for _, names in self.counted for name in names]
        return tuple(dict.fromkeys([*self.required, *counted]))

    def with_all(self, names: Iterable[str]) -> Conditions:
        """The same, with some more who are required."""
        return self._replace(required=tuple(dict.fromkeys([*self.required, *names])))


def read_conditions(
    people: Mapping[str, object],
    required: Collection[str] | None,
    optional: Collection[str],
    at_least: int | None,
    groups: Groups,
) -> Conditions:
    """Read who of ``people`` has to be free.

    Without ``required``, these are all people who are neither optional nor in a group; with
    ``at_least`` it is nobody, but so many of all who are not optional.

    Raises ``ValueError`` for a name that is not among ``people``, for a number that is greater than
    its group, for somebody who is both required and optional, and if nobody has to be free.
    """
    spared = names_of(people, optional, "optional")
    counted = [
        (count_of("the number of a group", count), tuple(dict.fromkeys(names)))
        for count, names in _pairs(people, groups)
    ]
    if at_least is not None:
        those = tuple([name for name in people if name not in spared])
        counted.append((count_of("at_least", at_least), those))
    in_groups = {name for _, names in counted for name in names}
    if required is None:
        found = tuple([name for name in people if name not in spared and name not in in_groups])
    else:
        found = tuple(dict.fromkeys(names_of(people, required, "required")))
        both = spared.keys() & found
        if both:
            raise ValueError(f"both required and optional: {sorted(both)}")
    for count, names in counted:
        if count > len(names):
            raise ValueError(f"{count} of {len(names)} people cannot be free")
    if not found and not counted:
        raise ValueError("common_free needs somebody who is not optional")
    # All of a group is the same as each of them being required, and quicker to find.
    whole = [name for count, names in counted if count == len(names) for name in names]
    counted = [(count, names) for count, names in counted if count < len(names)]
    return Conditions(tuple(dict.fromkeys([*found, *whole])), tuple(counted))


def names_of(
    people: Mapping[str, object], names: Collection[str], argument: str
) -> dict[str, None]:
    """``names`` in their order; ValueError for one that is not among ``people``."""
    if isinstance(names, str):
        raise TypeError(f"{argument} takes several names: pass ({names!r},)")
    found = dict.fromkeys(several(argument, names, "names of people"))
    strangers = sorted(found.keys() - people.keys())
    if strangers:
        raise ValueError(f"{argument} names people who are not in the table: {strangers}")
    return found


def _pairs(people: Mapping[str, object], groups: Groups) -> list[tuple[int, dict[str, None]]]:
    found = []
    for group in several("groups", groups, _TAKES):
        try:
            count, names = group
        except (TypeError, ValueError):
            raise TypeError(f"groups takes {_TAKES}, not {group!r}") from None
        found.append((count, names_of(people, names, "groups")))
    return found
