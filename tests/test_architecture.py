"""What neither the import contracts nor the linter can hold."""

from __future__ import annotations

import ast
import contextlib
import re
import socket
import sys
import time
import tokenize
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import pytest

import extcal

SOURCE = Path(extcal.__file__).parent
MODULES = sorted(SOURCE.rglob("*.py"))
MUTABLE = (ast.Dict, ast.DictComp, ast.List, ast.ListComp, ast.Set, ast.SetComp)
MAKERS = {"Counter", "OrderedDict", "WeakKeyDictionary", "bytearray", "defaultdict", "deque"}
MAKERS |= {"dict", "list", "set"}
CHANGERS = {"add", "append", "clear", "discard", "extend", "insert", "pop", "popitem", "remove"}
CHANGERS |= {"setdefault", "update"}
REPEATED = re.compile(r"\)(?:[*+?]|\{[0-9,]*\})\+")


def name_of(path: Path) -> str:
    return path.relative_to(SOURCE).as_posix()


class Guard(Protocol):
    """What tests/conftest.py saw being tried."""

    def tried(self) -> list[str]: ...


def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"))


def calls(tree: ast.AST) -> Iterator[tuple[str, ast.Call]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            function = node.func
            if isinstance(function, ast.Attribute):
                yield function.attr, node
            elif isinstance(function, ast.Name):
                yield function.id, node


def test_there_are_modules_to_look_at() -> None:
    assert len(MODULES) > 10


def test_no_group_is_repeated_possessively() -> None:
    """Until Python 3.11.4, ``(?:ab?c)++`` takes what its last, failed round read, too (gh-106052).

    ``(?>(?:ab?c)+)`` says the same, and is right everywhere.
    """
    for path in MODULES:
        if not REPEATED.search(path.read_text("utf-8")):
            continue  # cutting a module into tokens takes long
        with path.open("rb") as file:
            for token in tokenize.tokenize(file.readline):
                if token.type == tokenize.STRING and re.match("[Bb]?[Rr]", token.string):
                    plain = re.sub(r"\\.|\[(?:\\.|[^\]])*\]", "x", token.string)
                    assert not REPEATED.search(plain), f"{path}: {token.string}"


def test_nothing_reads_the_machines_time_zone() -> None:
    """``astimezone()`` and ``fromtimestamp`` without a zone read the machine's own."""
    for path in MODULES:
        if not re.search("astimezone|fromtimestamp|ZoneInfo", path.read_text("utf-8")):
            continue
        for name, call in calls(parsed(path)):
            given = bool(call.args or call.keywords)
            if name == "astimezone":
                assert given, f"{name_of(path)}:{call.lineno}: astimezone() needs a zone"
            if name == "fromtimestamp":
                zoned = len(call.args) > 1 or any(word.arg == "tz" for word in call.keywords)
                assert zoned, f"{name_of(path)}:{call.lineno}: fromtimestamp() needs a zone"
            if name == "ZoneInfo":
                literal = call.args and isinstance(call.args[0], ast.Constant)
                local = literal and call.args[0].value in {"localtime", "posixrules"}
                assert not local, f"{name_of(path)}:{call.lineno}: the machine's own zone"


def test_no_module_keeps_state() -> None:
    """Two hosts in one process never meet: what a module holds at its top level never changes.

    A table may be a dict or a set; no function may change it, and nothing is declared ``global``.
    """
    for path in MODULES:
        tree = parsed(path)
        held = set(_mutable_names(tree))
        for node in ast.walk(tree):
            where = (name_of(path), getattr(node, "lineno", 0))
            assert not isinstance(node, ast.Global), f"{where}: global"
            for target in _changed(node):
                assert target not in held, f"{where}: {target} is changed"
            if isinstance(node, ast.FunctionDef):
                names = {_called(decorator) for decorator in node.decorator_list}
                if names & {"cache", "lru_cache"}:  # of no arguments: a late constant
                    assert not ast.unparse(node.args), f"{where}: a cache shared by all hosts"


def _mutable_names(tree: ast.Module) -> Iterator[str]:
    for node in tree.body:
        value = getattr(node, "value", None)
        if isinstance(node, ast.Assign | ast.AnnAssign) and (
            isinstance(value, MUTABLE) or _called(value) in MAKERS
        ):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            yield from (target.id for target in targets if isinstance(target, ast.Name))


def _called(node: ast.AST | None) -> str:
    if isinstance(node, ast.Call):
        return _called(node.func)
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _changed(node: ast.AST) -> Iterator[str]:
    """The names whose contents a function body changes."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        if node.func.attr in CHANGERS and isinstance(node.func.value, ast.Name):
            yield node.func.value.id
    elif isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store | ast.Del):
        if isinstance(node.value, ast.Name):
            yield node.value.id
    elif isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
        yield node.target.id


def test_modules_stay_small_and_open_with_their_contract() -> None:
    """Under 500 lines (tables are exempt), and the docstring says what goes in and out."""
    for path in MODULES:
        text = path.read_text("utf-8")
        assert text.startswith('"""'), f"{name_of(path)} has no docstring"
        if path.name not in ("_windows.py", "de.py"):
            assert text.count("\n") < 500, f"{name_of(path)} is too long"


def test_one_class_name_is_one_thing() -> None:
    """Whoever reads a name in one room knows it in every other."""
    classes: dict[str, set[str]] = {}
    for path in MODULES:
        for name in re.findall(r"^ *class (\w+)", path.read_text("utf-8"), re.MULTILINE):
            classes.setdefault(name, set()).add(name_of(path))
    several = {name: sorted(paths) for name, paths in classes.items() if len(paths) > 1}
    assert not several


@pytest.mark.parametrize("host", ["192.0.2.1", "2001:db8::1", "example.org"])
def test_no_test_can_leave_this_machine(host: str, socket_guard: Guard) -> None:
    """Every connection is announced before it is made; anything but loopback is refused."""
    with pytest.raises(AssertionError, match="tried to connect"):
        sys.audit("socket.connect", None, (host, 443))
    assert socket_guard.tried() == [host]
    sys.audit("socket.connect", None, ("127.0.0.1", 443))


def test_no_test_can_ask_a_name_server(socket_guard: Guard) -> None:
    """Nor send a datagram, nor hide behind an ``except``: the test fails when it ends."""
    with contextlib.suppress(AssertionError):
        socket.getaddrinfo("calendar.example.net", 443)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams:
        with contextlib.suppress(AssertionError):
            datagrams.sendto(b"", ("192.0.2.1", 53))
        with contextlib.suppress(AssertionError):
            datagrams.connect(("192.0.2.1", 53))
    assert socket_guard.tried() == ["calendar.example.net", "192.0.2.1", "192.0.2.1"]
    socket.getaddrinfo("127.0.0.1", 443)
    socket.getaddrinfo("localhost", 443)


def test_the_tests_run_in_an_odd_zone() -> None:
    """Chatham is 12:45 ahead: a reader of the local zone cannot pass by luck."""
    assert time.timezone == -(12 * 3600 + 45 * 60)
