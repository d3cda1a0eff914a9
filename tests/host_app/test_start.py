"""One command starts it, with people in it and calendars to try, and leaves nothing behind."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest
from hosting import token_in

ROOT = Path(__file__).resolve().parent.parent.parent
COMMAND = (sys.executable, str(ROOT / "examples" / "host_app"))

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="ended by a signal of POSIX")


@contextmanager
def started(temporary: Path, *arguments: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """The command in a process of its own, once it answers; interrupted at the end (Ctrl-C)."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        [*COMMAND, "--port", str(port), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        env={**os.environ, "TMPDIR": str(temporary)},
    )
    try:
        for _ in range(1_000):
            assert process.poll() is None, process.communicate()[1]
            with socket.socket() as knocking:
                if knocking.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.02)
        yield f"http://127.0.0.1:{port}", process
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def test_the_demo_opens_with_people_and_calendars_to_try(tmp_path: Path) -> None:
    """Three people, one of them connected; an address from the terminal works when it is pasted."""
    with (
        started(tmp_path) as (url, process),
        httpx2.Client(base_url=url, follow_redirects=True) as client,
    ):
        page = client.get("/").text
        for words in ("Ada Byron", "Bob Aldous", "Charles Babbage", "with an external calendar"):
            assert words in page
        fields = {"csrf": token_in(page), "person": "1"}
        page = client.post("/sign-in", data=fields).text
        token = token_in(page)
        profile = client.get("/profile").text
        assert "Demo: addresses to try" in profile
        (google,) = re.findall(r"<code>([^<]*basic\.ics)</code>", profile)
        saved = client.post(
            "/profile",
            data={
                "csrf": token,
                "name": "Ada Byron",
                "email": "ada@example.org",
                "timezone": "Europe/Berlin",
                "opens": "09:00",
                "closes": "17:00",
                "calendar": google,
            },
        ).text
        assert "Your calendar could be read" in saved
        assert "Demo: addresses to try" not in saved
        process.send_signal(signal.SIGINT)
        said, complaints = process.communicate(timeout=20)
    assert process.returncode == 0
    assert google in said
    assert url in said
    assert complaints == ""
    assert list(tmp_path.iterdir()) == []


def test_a_demo_that_is_killed_politely_leaves_nothing_either(tmp_path: Path) -> None:
    with started(tmp_path) as (_, process):
        assert list(tmp_path.iterdir()) != []
        process.send_signal(signal.SIGTERM)
        _, complaints = process.communicate(timeout=20)
    assert process.returncode == 0
    assert complaints == ""
    assert list(tmp_path.iterdir()) == []


def test_what_it_keeps_is_there_again(tmp_path: Path) -> None:
    """With a folder it is no demo: no calendars to try, no private network, and the people stay."""
    for _ in range(2):
        with started(tmp_path, "--data", str(tmp_path / "host")) as (url, process):
            page = httpx2.get(f"{url}/sign-in").text
            process.send_signal(signal.SIGINT)
            said, complaints = process.communicate(timeout=20)
        assert page.count('name="person"') == 3
        assert "with an external calendar" not in page
        assert "Addresses to paste" not in said
        assert complaints == ""
    assert {file.name for file in (tmp_path / "host").iterdir()} >= {"host.db", "session.secret"}


def test_a_port_that_is_taken_is_said() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = subprocess.run(
            [*COMMAND, "--port", str(taken.getsockname()[1])],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert done.returncode != 0
    assert "address already in use" in done.stderr
