"""Frameworks evaluate annotations: ``typing.get_type_hints`` works for every public callable."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

PACKAGES = "extcal extcal.cache extcal.draw extcal.fetch extcal.formats extcal.testing".split()
# In a new process, because reading hints imports what the modules of the package never need.
CODE = """
import enum, importlib, inspect, json, sys, typing

def callables(package):
    for name in package.__all__:
        value = getattr(package, name)
        if inspect.isfunction(value) or isinstance(value, type):
            yield name, value
        if isinstance(value, type) and not issubclass(value, enum.Enum):
            for method, made in inspect.getmembers_static(value):
                made = getattr(made, "fget", None) or getattr(made, "__func__", made)
                ours = inspect.isfunction(made) and str(made.__module__).startswith("extcal")
                if ours and (method == "__init__" or method[0] != "_"):
                    yield f"{name}.{method}", made

wrong, hints = {}, {}
for package in map(importlib.import_module, json.loads(sys.argv[1])):
    for name, value in callables(package):
        name = f"{package.__name__}.{name}"
        try:
            hints[name] = len(typing.get_type_hints(value))
            if inspect.isfunction(value):
                inspect.signature(value, eval_str=True)
        except Exception as error:
            wrong[name] = repr(error)
print(json.dumps([wrong, hints]))
"""


def in_a_new_process(code: str, *arguments: str) -> str:
    ran = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def test_every_public_callable() -> None:
    """Functions, classes, their methods and properties, whichever package they are taken from."""
    wrong, hints = json.loads(in_a_new_process(CODE, json.dumps(PACKAGES)))
    assert wrong == {}
    assert len(hints) > 250
    assert hints["extcal.CalendarCache.__init__"] == 17


@pytest.mark.parametrize("package", PACKAGES)
def test_each_package_alone(package: str) -> None:
    wrong, _ = json.loads(in_a_new_process(CODE, json.dumps([package])))
    assert wrong == {}


def test_they_are_the_types_that_checkers_see() -> None:
    """An alias that is text, an optional dependency, and what is defined for checkers only."""
    code = """
import typing, extcal
data = typing.get_type_hints(extcal.free_busy)["data"]
from extcal.ical.parse.source import SupportsToIcal
assert SupportsToIcal in typing.get_args(data)
import redis
assert typing.get_type_hints(extcal.RedisStore.__init__)["server"] == str | redis.Redis
people = typing.get_type_hints(extcal.CalendarCache.availability)["people"]
assert {extcal.Feed, extcal.FreeBusy, str} < {*typing.get_args(typing.get_args(people)[1])}
"""
    in_a_new_process(code)


def test_reading_one_annotation_imports_nothing() -> None:
    """The text is enough for documentation tools."""
    code = """
import sys, extcal
text = extcal.CalendarCache.refresh_many.__annotations__["executor"]
assert text == "Executor | None", text
assert "inspect" not in sys.modules and "typing" not in sys.modules
"""
    in_a_new_process(code)
