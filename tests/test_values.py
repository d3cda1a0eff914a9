"""Values and named tuples are what the standard library makes of the same declarations.

Patterns are what ``re`` makes.

Each declaration is given to both, and all that an application can see is compared.
"""

from __future__ import annotations

import copy
import dataclasses
import inspect
import pickle
import re
import sys
import typing
from collections.abc import Callable
from dataclasses import KW_ONLY
from typing import Any

import pytest

import extcal
from extcal import patterns, values


def declared(dataclass: Any, field: Any) -> dict[str, Any]:
    """Classes of every kind that extcal has, as ``dataclass`` and ``field`` make them."""

    @dataclass(frozen=True, slots=True)
    class Plain:
        """A value."""

        one: int
        two: str = "two"
        three: list[int] = field(default_factory=list)

    @dataclass(frozen=True, slots=True, kw_only=True)
    class Named:
        """Only keywords; one field that is neither shown nor compared, one that is not given."""

        one: int
        two: str = field(default="two", compare=False, repr=False)
        three: int | None = field(default=None, init=False)

    @dataclass(frozen=True, slots=True)
    class Mixed:
        """Checked when it is made; keywords from a line on."""

        one: int
        _: KW_ONLY
        two: int = 2

        def __post_init__(self) -> None:
            if self.one < 0:
                raise ValueError("one is negative")

    @dataclass(slots=True)
    class Changing:
        """No value: it changes."""

        one: int = 1

    @dataclass(frozen=True, slots=True, eq=False, repr=False)
    class Own:
        """Equal and shown as it says itself."""

        one: int = 1

        def __eq__(self, other: object) -> bool:
            return isinstance(other, Own)

        __hash__ = None  # type: ignore[assignment]

        def __repr__(self) -> str:
            return "<own>"

    @dataclass(frozen=True, slots=True, init=False)
    class Made:
        """With a constructor of its own, and equal as a value all the same."""

        one: int

        def __init__(self, text: str) -> None:
            object.__setattr__(self, "one", int(text))

        def __eq__(self, other: object) -> bool:
            return isinstance(other, Made) and other.one % 10 == self.one % 10

    @dataclass(frozen=True, slots=True)
    class Derived(Plain):
        """With a field more."""

        four: int = 4

    found = (Plain, Named, Mixed, Changing, Own, Made, Derived)
    return {each.__name__: each for each in found}


OURS = declared(values.dataclass, values.field)
THEIRS = declared(dataclasses.dataclass, dataclasses.field)
GIVEN: dict[str, tuple[list[Any], dict[str, Any]]] = {
    "Plain": ([1], {"two": "2"}),
    "Named": ([], {"one": 1, "two": "II"}),
    "Mixed": ([3], {"two": 4}),
    "Changing": ([5], {}),
    "Own": ([], {}),
    "Made": (["17"], {}),
    "Derived": ([1, "2"], {"four": 5}),
}
TRAITS = "name type default default_factory init repr compare kw_only".split()
each_kind = pytest.mark.parametrize("name", OURS)


def seen(call: Callable[[], object]) -> object:
    """What ``call`` returns or raises, as text."""
    try:
        return re.sub(" at 0x[0-9a-f]+", "", repr(call()))
    except Exception as error:
        return f"{type(error).__name__}: {error}"


def looks(cls: Any, name: str) -> dict[str, object]:
    """All that can be seen of a class, and of its objects."""
    args, options = GIVEN[name]

    def made(**changes: object) -> Any:
        return cls(*args, **{**options, **changes})

    value, same = made(), made()
    return {
        "signature": str(inspect.signature(cls)).replace("'", ""),
        "wrong": seen(lambda: cls(*args, **options, more=1)),
        "refused": seen(lambda: cls(-1)),
        "slots": cls.__slots__,
        "no dict": not hasattr(value, "__dict__"),
        "match": cls.__match_args__,
        "fields": [[getattr(each, trait) for trait in TRAITS] for each in dataclasses.fields(cls)],
        "is one": (dataclasses.is_dataclass(cls), dataclasses.is_dataclass(value)),
        "frozen": cls.__dataclass_params__.frozen,
        "dict": dataclasses.asdict(value),
        "repr": repr(value),
        "equal": (value == same, value == 1, value != same),
        "hash": seen(lambda: hash(value) == hash(same)),
        "set": seen(lambda: setattr(value, "one", 1)),
        "deleted": seen(lambda: delattr(value, "one")),
        "replaced": seen(lambda: dataclasses.replace(value, one=7)),
        "not given": seen(lambda: dataclasses.replace(value, three=7)),
        "copied": seen(lambda: copy.copy(value) == value),
        "deep": seen(lambda: copy.deepcopy(value) == value),
        "state": seen(lambda: value.__getstate__()),
        "docs": cls.__doc__,
        "names": (cls.__name__, cls.__qualname__, cls.__init__.__qualname__, cls.__module__),
    }


@each_kind
def test_a_value_is_what_the_standard_library_makes(name: str) -> None:
    ours, theirs = looks(OURS[name], name), looks(THEIRS[name], name)
    for what, said in theirs.items():
        assert ours[what] == said, what


@each_kind
@pytest.mark.parametrize("field", ["one", "three", "other"])
def test_replace_does_what_the_standard_library_does(name: str, field: str) -> None:
    args, options = GIVEN[name]
    ours, theirs = OURS[name](*args, **options), THEIRS[name](*args, **options)
    said = seen(lambda: dataclasses.replace(theirs, **{field: 7}))
    if sys.version_info < (3, 13) and isinstance(said, str):
        said = said.replace("ValueError: ", "TypeError: ")  # as from 3.13 on
    assert seen(lambda: values.replace(ours, **{field: 7})) == said


def test_a_public_value_can_be_pickled_replaced_and_described() -> None:
    limits = extcal.Limits(max_steps=5)
    assert pickle.loads(pickle.dumps(limits)) == limits
    assert dataclasses.replace(limits, max_steps=6) == extcal.Limits(max_steps=6)
    assert "max_steps" in inspect.signature(extcal.Limits).parameters
    assert {each.name for each in dataclasses.fields(limits)} == {*extcal.Limits.__annotations__}


def recorded(base: Any) -> Any:
    """A named tuple with defaults, a method and a property."""

    class Record(base):  # type: ignore[misc]
        """A record."""

        one: int
        two: str | None = None
        three: tuple[int, ...] = ()

        @property
        def shown(self) -> str:
            return f"{self.one}"

        def more(self) -> Any:
            return self._replace(one=self.one + 1)

    return Record


def test_a_named_tuple_is_what_typing_makes() -> None:
    ours, theirs = recorded(values.NamedTuple), recorded(typing.NamedTuple)

    def told(cls: Any) -> dict[str, object]:
        value = cls(1, two="2")
        return {
            "repr": repr(value),
            "tuple": tuple(value),
            "fields": (cls._fields, cls._field_defaults, cls.__match_args__, cls.__bases__),
            "hints": typing.get_type_hints(cls),
            "names": (cls.__name__, cls.__qualname__, cls.__module__, cls.__doc__),
            "more": value.more().shown,
            "wrong": seen(lambda: cls()),
            "set": seen(lambda: setattr(value, "one", 2)),
            "dict": value._asdict(),
        }

    assert told(ours) == told(theirs)
    assert str(inspect.signature(ours)).replace("'", "") == (
        "(one: int, two: str | None = None, three: tuple[int, ...] = ())"
    )


def test_a_pattern_is_what_re_compiles() -> None:
    late, now = patterns.pattern(r"(a+)B", re.IGNORECASE), re.compile(r"(a+)B", re.IGNORECASE)
    for _ in range(2):
        assert late.pattern == now.pattern
        assert late.flags == now.flags
        assert late.sub(r"<\1>", "aab") == now.sub(r"<\1>", "aab")
        assert late.split("xaaby") == now.split("xaaby")
        assert [found.span() for found in late.finditer("ab AB")] == [(0, 2), (3, 5)]
        found = late.fullmatch("aaB")
        assert found is not None
        assert found[1] == "aa"


def test_a_wrong_pattern_is_told_at_its_first_use() -> None:
    wrong = patterns.pattern("(")
    with pytest.raises(re.error, match="missing"):
        wrong.match("")
