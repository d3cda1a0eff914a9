"""docs/cli.md: every console block prints what it says, every command line is one that works."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from pathlib import Path

import click
import pytest
from click.testing import Result

from extcal.cli.app import app

PAGE = Path(__file__).resolve().parents[2] / "docs" / "cli.md"
CONSOLE = re.compile(r"^```console\n\$ extcal (.*?)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SHELL = re.compile(r"^extcal (\w+)([^#\n<]*)", re.MULTILINE)
TEXT = PAGE.read_text("utf-8")


@pytest.mark.parametrize(("words", "output"), CONSOLE.findall(TEXT))
def test_every_example_prints_what_it_says(
    run: Callable[..., Result], words: str, output: str
) -> None:
    Path("page.html").write_text("<!DOCTYPE html><html></html>", "utf-8")
    result = run(*shlex.split(words))
    assert result.output == output
    assert result.exit_code == (1 if "page.html" in words else 0)


@pytest.mark.parametrize(("command", "words"), SHELL.findall(TEXT))
def test_every_command_line_is_understood(command: str, words: str) -> None:
    found = app.commands[command]
    with found.make_context(command, shlex.split(words)):
        pass


def test_every_command_and_every_common_option_is_on_the_page() -> None:
    for name, command in app.commands.items():
        assert f"`extcal {name}`" in TEXT
        for option in command.params:
            if isinstance(option, click.Option) and option.opts[0] not in UNSAID:
                assert option.opts[0] in TEXT, f"{name} {option.opts[0]}"


UNSAID = {"--title", "--no-titles"}
