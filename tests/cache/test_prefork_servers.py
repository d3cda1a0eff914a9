"""gunicorn with --preload and celery's prefork pool: a fetch is under way while they fork.

By the real programs, which are installed for it (``pip install gunicorn celery``).
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from extcal.testing import event, feed_text
from extcal.testing.server import FeedServer, ReceivedRequest

pytestmark = [pytest.mark.nightly, pytest.mark.serial]

_CACHE = """
import threading
import time
import extcal

ADDRESS = {address!r}
cache = extcal.CalendarCache(fetcher=extcal.HttpFetcher(allow_networks="127.0.0.1/32"))
for number in range(3):
    held = (ADDRESS + "held-%d.ics" % number,)
    threading.Thread(target=cache.get, args=held, daemon=True).start()
time.sleep(0.3)  # the requests are on their way when this process forks

def look():
    return str(cache.get(ADDRESS + "ada.ics").state) + str(cache.refresh(ADDRESS + "b.ics").state)
"""
_APP = """
def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [look().encode()]
"""
_TASKS = """
import celery

app = celery.Celery("app", broker="filesystem://", backend="file://{folder}/results")
app.conf.broker_transport_options = dict(
    data_folder_in="{folder}/queue", data_folder_out="{folder}/queue",
    control_folder="{folder}/control",
)
app.task(look, name="look")
"""


@pytest.fixture
def address() -> Iterator[str]:
    """A server that takes its time for what the parent asks for, and none for the rest."""
    body = feed_text(event("2027-01-04T09:00Z", "PT1H"))

    def held(request: ReceivedRequest) -> str:
        time.sleep(3)
        return body

    with FeedServer() as server:
        for number in range(3):
            server.serve(f"held-{number}.ics", held)
        server.serve("ada.ics", body)
        server.serve("b.ics", body)
        yield server.url("")


@contextmanager
def running(folder: Path, *command: str) -> Iterator[None]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([*sys.path, str(folder)])}
    process = subprocess.Popen([sys.executable, "-m", *command], cwd=folder, env=environment)
    try:
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def test_gunicorn_with_preload(address: str, tmp_path: Path) -> None:
    """Every worker answers, whatever was under way in the master."""
    pytest.importorskip("gunicorn", reason="the real program is installed for it")
    (tmp_path / "app.py").write_text(_CACHE.format(address=address) + _APP)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = ("gunicorn", "--preload", "-w", "3", "-b", f"127.0.0.1:{port}", "app:app")
    with running(tmp_path, *command):
        answers = [_asked(port) for _ in range(30)]
    assert set(answers) == {"freshfresh"}


def test_celery_with_prefork(address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every child of the pool does its tasks."""
    pytest.importorskip("celery", reason="the real program is installed for it")
    for name in ("queue", "control", "results"):
        (tmp_path / name).mkdir()
    tasks = _TASKS.format(folder=tmp_path)
    (tmp_path / "app.py").write_text(_CACHE.format(address=address) + tasks)
    names: dict[str, object] = {"look": lambda: None}
    exec(tasks, names)
    client: Any = names["app"]
    command = ("celery", "-A", "app", "worker", "--pool=prefork", "-c", "3", "-l", "ERROR")
    with running(tmp_path, *command):
        sent = [client.send_task("look") for _ in range(20)]
        answers = [each.get(timeout=60) for each in sent]
    assert set(answers) == {"freshfresh"}


def _asked(port: int) -> str:
    for _ in range(100):
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
                connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
                with connection.makefile("rb") as answer:
                    return answer.read().decode().rpartition("\r\n")[2]
        except OSError:
            time.sleep(0.1)
    return "no answer"
