"""extcal.contrib.django in a real project, over SQLite and over a real PostgreSQL server.

The project is in ``project/`` beside this file; its own tests run there, as a host's would.
PostgreSQL comes from Debian (``apt install postgresql``); each run has a server of its own.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

pytest.importorskip("django", reason="Django is not installed")

PROJECT = Path(__file__).parent / "project"


@contextmanager
def postgresql() -> Iterator[dict[str, object]]:
    """The settings of a database in a server that is started for it."""
    pytest.importorskip("psycopg", reason="psycopg is not installed")
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    initdb = str(found[-1]) if found else shutil.which("initdb")
    if initdb is None:
        pytest.skip("PostgreSQL is not installed")
    # The server refuses to run as root.
    other = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"]
    before = other if os.geteuid() == 0 else []
    if before and shutil.which("setpriv") is None:
        pytest.skip("there is no setpriv to start PostgreSQL as another user than root")
    with tempfile.TemporaryDirectory(prefix="extcal-pg-") as home:
        if before:
            shutil.chown(home, "nobody", "nogroup")
        data = Path(home, "data")
        make = [*before, initdb, "-D", str(data), "-A", "trust", "-U", "extcal", "--no-sync"]
        subprocess.run(make, check=True, capture_output=True, timeout=120, cwd=home)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        control = [*before, str(Path(initdb).with_name("pg_ctl")), "-D", str(data), "-w"]
        options = f"-p {port} -h 127.0.0.1 -k {home} -F"
        start = [*control, "-o", options, "-l", str(Path(home, "log")), "start"]
        subprocess.run(start, check=True, stdout=subprocess.DEVNULL, timeout=120, cwd=home)
        try:
            yield {
                "ENGINE": "django.db.backends.postgresql",
                "NAME": "postgres",
                "USER": "extcal",
                "HOST": "127.0.0.1",
                "PORT": port,
            }
        finally:
            stop = [*control, "-m", "immediate", "stop"]
            subprocess.run(stop, check=True, stdout=subprocess.DEVNULL, timeout=60, cwd=home)


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> Iterator[dict[str, object] | None]:
    if request.param == "sqlite":
        yield None
    else:
        with postgresql() as server:
            yield server


def test_the_project_passes_its_tests(database: dict[str, object] | None) -> None:
    """A field, its form, the admin, dumps, error pages, rotation, checks, and the cache."""
    done = subprocess.run(
        [sys.executable, "manage.py", "test", "--noinput"],
        cwd=PROJECT,
        env={**os.environ, "DATABASE": json.dumps(database), "PYTHONDONTWRITEBYTECODE": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    counted = re.search(r"Ran (\d+) tests", done.stderr)
    assert counted is not None, done.stderr
    assert int(counted[1]) >= 25
