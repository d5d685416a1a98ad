"""The README holds what the program does: every command, its options, every exit status."""

from __future__ import annotations

import re
import shlex
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from vlanlog import errors
from vlanlog.cli.app import command_line
from vlanlog.cli.times import parse_time

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS: dict[str, Any] = dict(get_command(command_line()).commands)  # type: ignore[attr-defined]


def rows(title: str) -> dict[str, str]:
    """Returns the table whose heading begins with the title: first cell to second."""
    _, _, after = README.partition(f"| {title} |")
    found = {}
    for line in after.splitlines()[2:]:
        if not line.startswith("|"):
            break
        cells = re.split(r"(?<!\\)\|", line)
        found[cells[1].strip()] = cells[2].strip()
    return found


def command_rows() -> dict[str, str]:
    """Returns what the README says of each command, by its verb."""
    return {cell.strip("`").split()[1]: f"{cell} {told}" for cell, told in rows("command").items()}


def options_of(command: Any) -> set[str]:
    return {name for parameter in command.params for name in parameter.opts}


def test_every_command_is_in_the_readme_and_no_other() -> None:
    assert set(command_rows()) == set(COMMANDS)


@pytest.mark.parametrize("verb", COMMANDS)
def test_readme_names_only_options_that_are_there(verb: str) -> None:
    told = set(re.findall(r"(?<![\w-])--?[a-z][a-z-]*", command_rows()[verb]))

    assert told - options_of(COMMANDS[verb]) == set()


@pytest.mark.parametrize("verb", [verb for verb in COMMANDS if hasattr(COMMANDS[verb], "commands")])
def test_readme_names_every_subcommand(verb: str) -> None:
    told = set(re.findall(r"`([a-z]+)`", command_rows()[verb]))

    assert told == set(COMMANDS[verb].commands)


@pytest.mark.parametrize("verb", COMMANDS)
def test_command_says_what_it_is_for(verb: str) -> None:
    assert re.match(r"[A-Z].*[.:]", COMMANDS[verb].help)


def test_every_exit_status_is_in_the_readme_and_no_other() -> None:
    told = {int(number) for cell in rows("exit status") for number in cell.split(",")}
    known = {value for name, value in vars(errors).items() if name.startswith("EXIT_")}

    assert told == known


def test_every_error_ends_with_a_documented_status() -> None:
    kinds: list[type[errors.VlanlogError]] = [errors.VlanlogError, *_below(errors.VlanlogError)]

    assert {kind.exit_code for kind in kinds} == {errors.EXIT_USAGE, errors.EXIT_ENVIRONMENT}


def _below(kind: type[errors.VlanlogError]) -> list[type[errors.VlanlogError]]:
    return [found for below in kind.__subclasses__() for found in (below, *_below(below))]


def test_times_of_the_readme_are_read() -> None:
    [sentence] = re.findall(r"Times are as in journalctl: (.*?)\.\n", README, re.DOTALL)
    now = datetime(2026, 11, 23, tzinfo=UTC)

    times = re.findall(r"`'?([^`']+)'?`", sentence)

    assert len(times) >= 4
    assert all(parse_time(text, now) > 0 for text in times)


def shell_lines() -> list[str]:
    """Returns each vlanlog command of the README and of the page on installing."""
    texts = (README, (ROOT / "docs/install.md").read_text(encoding="utf-8"))
    blocks = [block for text in texts for block in re.findall(r"```sh\n(.*?)```", text, re.DOTALL)]
    lines = [line.partition("#")[0].strip() for block in blocks for line in block.splitlines()]
    return sorted({line for line in lines if line.startswith("vlanlog ")})


@pytest.mark.parametrize("line", shell_lines())
def test_what_a_reader_is_told_to_run_is_a_command_line(line: str) -> None:
    _, verb, *words = shlex.split(line)

    assert COMMANDS[verb].make_context(verb, words).params


@pytest.mark.parametrize("link", sorted(set(re.findall(r"\]\(([^)#:]+)\)", README))))
def test_what_the_readme_links_to_is_there(link: str) -> None:
    assert (ROOT / link).exists()
