"""Every store, ready to use, and a real server for those that need one."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from extcal import MemoryStore, RedisStore, SQLiteStore, Store

HERE = Path(__file__).parent


class Mirror:
    """A codec that is easy to see through, and to break."""

    def encode(self, data: bytes, /) -> bytes:
        return b"mirror" + data[::-1]

    def decode(self, data: bytes, /) -> bytes:
        if not data.startswith(b"mirror"):
            raise KeyError("not mirrored")
        return data[6:][::-1]


def load(name: str) -> ModuleType:
    """A module beside this one, which is no test."""
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, HERE / f"{name}.py")
        assert spec is not None
        assert spec.loader is not None
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


@pytest.fixture(scope="session")
def redis_running() -> Iterator[Any]:
    """One server for all tests that only use it."""
    module = load("redis_server")
    pytest.importorskip("redis", reason="redis-py is not installed (the extra is called redis)")
    if module.PROGRAM is None:
        pytest.skip(module.MISSING)
    if "FAKETIME" in os.environ:
        pytest.skip("a Redis server does not start while the clock is moved")
    with module.RedisServer() as server:
        yield server


@pytest.fixture
def redis_url(redis_running: Any) -> str:
    """The address of a server that holds nothing."""
    import redis

    url: str = redis_running.url
    with redis.Redis.from_url(url) as client:
        client.flushall()
    return url


@pytest.fixture
def redis_server() -> Iterator[Any]:
    """A server of one's own, to stop and to start."""
    module = load("redis_server")
    pytest.importorskip("redis", reason="redis-py is not installed (the extra is called redis)")
    if module.PROGRAM is None:
        pytest.skip(module.MISSING)
    if "FAKETIME" in os.environ:
        pytest.skip("a Redis server does not start while the clock is moved")
    with module.RedisServer() as server:
        yield server


@pytest.fixture
def mirror() -> Mirror:
    return Mirror()


@pytest.fixture
def doors(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[str], Store]]:
    """Opens a store by its name; what is opened twice in one test is one place with two doors."""
    opened: list[Any] = []

    def open_door(name: str) -> Store:
        kind, _, coded = name.partition("+")
        codec = Mirror() if coded else None
        store: Any
        if kind == "memory":
            store = opened[0] if opened else MemoryStore()
        elif kind == "sqlite":
            store = SQLiteStore(tmp_path / "new" / "cells.db", codec=codec)
        else:
            store = RedisStore(request.getfixturevalue("redis_url"), codec=codec)
        opened.append(store)
        return store

    yield open_door
    for store in opened:
        if not isinstance(store, MemoryStore):
            store.close()
