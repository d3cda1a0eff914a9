"""The command line as a real process: in a terminal, in a pipe, and as the shell completes it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from extcal.testing import event, feed_text
from extcal.testing.server import FeedServer

pty = pytest.importorskip("pty", reason="no pseudo-terminals on this system")

COMMAND = [sys.executable, "-m", "extcal.cli"]
# The child takes the terminal as its own, as a shell would give it.
SHIM = (
    "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0);"
    "os.execv(sys.executable, [sys.executable, '-m', 'extcal.cli', *sys.argv[1:]])"
)
FEED = feed_text(
    event("2027-01-04T09:00", "PT1H", tz="Europe/Berlin", summary="Stand-up"), name="Ada"
)


@pytest.fixture
def server() -> Iterator[FeedServer]:
    with FeedServer() as server:
        server.serve("private-5ec2e7/basic.ics", FEED, etag='"1"')
        yield server


def in_a_terminal(*words: str, answer: str = "") -> tuple[int, str]:
    """Run in a pseudo-terminal; type ``answer`` when it asks. The exit code, and what was seen."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", SHIM, *words],
        stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True, close_fds=True,
        env={**os.environ, "TERM": "xterm-256color", "COLUMNS": "100", "NO_COLOR": ""},
    )  # fmt: skip
    os.close(theirs)
    seen = b""
    try:
        while True:
            try:
                piece = os.read(ours, 4096)
            except OSError:  # Linux says so when the other end has closed
                break
            if not piece:
                break
            seen += piece
            if answer and b"not shown" in seen:
                os.write(ours, answer.encode() + b"\n")
                answer = ""
        return process.wait(60), seen.decode()
    finally:
        process.kill()
        process.wait()
        os.close(ours)


def test_an_address_is_pasted_into_a_terminal_and_not_shown(server: FeedServer) -> None:
    """Asked for, checked over real HTTP, told in colour; the secret is never on the screen."""
    address = server.url("private-5ec2e7/basic.ics")
    code, seen = in_a_terminal("check", "--allow-network", "127.0.0.1/32", answer=address)
    assert code == 0, seen
    assert "Address of the calendar (not shown)" in seen
    assert "127.0.0.1, #" in seen
    assert "Good: it can be used." in seen
    assert "\x1b[" in seen
    assert "5ec2e7" not in seen
    assert len(server.requests) == 1


def test_several_feeds_show_a_bar_that_goes_away(
    server: FeedServer, tmp_path: os.PathLike[str]
) -> None:
    server.serve("private-5ec2e7/other.ics", FEED)
    addresses = [server.url(f"private-5ec2e7/{name}.ics") for name in ("basic", "other")]
    file = os.path.join(tmp_path, "team.txt")
    with open(file, "w", encoding="utf-8") as team:
        team.write("\n".join(addresses))
    words = ("busy", file, "--allow-network", "127.0.0.1/32", "--from", "2027-01-04")
    code, seen = in_a_terminal(*words)
    assert code == 0, seen
    assert "Reading calendars" in seen
    assert "BUSY" in seen
    assert "5ec2e7" not in seen


def test_a_record_says_what_it_waits_for(server: FeedServer) -> None:
    """Some publishers take half a minute, and are asked four times."""
    address = server.url("private-5ec2e7/basic.ics")
    words = ("check", "--canary", "--allow-network", "127.0.0.1/32")
    code, seen = in_a_terminal(*words, answer=address)
    assert code == 0, seen
    for name in ("default", "microsoft", "browser", "default, conditionally"):
        assert f"Asking as {name}" in seen
    assert "5ec2e7" not in seen


def test_in_a_pipe_there_are_no_colours(server: FeedServer) -> None:
    done = subprocess.run(
        [*COMMAND, "events", "--allow-network", "127.0.0.1/32", "--from", "2027-01-04"],
        input=server.url("private-5ec2e7/basic.ics").encode(),
        capture_output=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "Stand-up" in done.stdout.decode()
    assert b"\x1b" not in done.stdout
    assert done.stderr == b""


def test_a_locale_without_the_signs_of_a_title_shows_question_marks(server: FeedServer) -> None:
    """An encoding that cannot write a dash or an umlaut costs no answer."""
    done = subprocess.run(
        [*COMMAND, "events", "--allow-network", "127.0.0.1/32", "--from", "2027-01-04"],
        input=server.url("private-5ec2e7/basic.ics").encode(),
        env={**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"},
        capture_output=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "Stand-up" in done.stdout.decode("ascii")
    assert "?" in done.stdout.decode("ascii")


def test_a_private_network_is_refused_unless_it_is_named(server: FeedServer) -> None:
    done = subprocess.run(
        [*COMMAND, "busy"], input=server.url("private-5ec2e7/basic.ics").encode(),
        capture_output=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 1
    assert b"5ec2e7" not in done.stdout + done.stderr
    assert server.requests == []


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_the_shell_is_given_its_completion(shell: str) -> None:
    done = subprocess.run(
        COMMAND, env={**os.environ, "_EXTCAL_COMPLETE": f"{shell}_source"},
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0
    assert "_EXTCAL_COMPLETE" in done.stdout


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("extcal ", {"busy", "check", "events", "show", "slots"}),
        ("extcal busy --time", {"--timezone"}),
        ("extcal busy --timezone europe/ber", {"Europe/Berlin"}),
        ("extcal busy --address-env EXTCAL_TEST_AD", {"EXTCAL_TEST_ADDRESS"}),
    ],
)
def test_completion_offers_commands_options_zones_and_variables(
    words: str, offered: set[str]
) -> None:
    environment = {
        **os.environ,
        "_EXTCAL_COMPLETE": "bash_complete",
        "COMP_WORDS": words,
        "COMP_CWORD": str(len(words.split(" ")) - 1),
        "EXTCAL_TEST_ADDRESS": "https://example.org/5ec2e7.ics",
    }
    done = subprocess.run(
        COMMAND, env=environment, capture_output=True, text=True, check=False, timeout=60
    )
    assert {line.partition(",")[2] for line in done.stdout.splitlines()} == offered
    assert "5ec2e7" not in done.stdout


@pytest.mark.parametrize("words", [["check"], ["busy", "/dev/zero"]])
def test_what_never_ends_is_not_waited_for(words: list[str]) -> None:
    """A pipe or a device that goes on and on: as much is read as a calendar may be long."""
    with open("/dev/zero", "rb") as endless:
        done = subprocess.run(
            [*COMMAND, *words],
            stdin=endless,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert done.returncode == 2
    assert "no calendar of more than 64 MiB is read" in done.stderr
