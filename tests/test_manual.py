"""The man pages say what the commands are, and groff and mandoc find nothing wrong in them."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from typer.main import get_command

from docs.man.build import FOLDER, pages
from docs.man.roff import macros
from tests.fetched import libraries, program, tree_with
from vlanlog.cli.app import command_line
from vlanlog.cli.times import parse_time
from vlanlog.config.bridges import BRIDGE_KEYS
from vlanlog.config.ports import PORT_KEYS
from vlanlog.config.settings import VARIABLES

PAGES = sorted(pages())
COMMANDS: dict[str, Any] = dict(get_command(command_line()).commands)  # type: ignore[attr-defined]


def source(name: str) -> str:
    return (FOLDER / name).read_text(encoding="utf-8")


def rendered(name: str) -> str:
    """Returns a page as it is on a terminal of 80 columns."""
    tree = tree_with("mandoc", "groff-base")
    command = [program(tree, "mandoc"), "-Tutf8", "-Owidth=78", str(FOLDER / name)]
    environ = {**os.environ, **libraries(tree)}
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=True)
    # Bold is a letter, a backspace and the letter again.
    return re.sub(".\b", "", done.stdout)


@pytest.mark.parametrize("name", PAGES)
def test_page_is_of_the_commands_as_they_are(name: str) -> None:
    text = pages()[name]
    if os.environ.get("VLANLOG_GOLDEN") == "write":
        (FOLDER / name).write_text(text, encoding="utf-8")

    assert source(name) == text


def test_there_is_a_page_for_every_command_and_no_other() -> None:
    found = {f"{path.parent.name}/{path.name}" for path in FOLDER.glob("man?/*")}
    files = ("vlanlog.conf", "bridge_init.conf", "vlan_filtering.conf")

    assert found == {
        "man1/vlanlog.1",
        *(f"man1/vlanlog-{verb}.1" for verb in COMMANDS),
        *(f"man5/{name}.5" for name in files),
    }


@pytest.mark.parametrize("verb", COMMANDS)
def test_page_has_every_option_and_argument(verb: str) -> None:
    text = rendered(f"man1/vlanlog-{verb}.1")
    below = getattr(COMMANDS[verb], "commands", {}).values()
    told = [
        option
        for command in (COMMANDS[verb], *below)
        for parameter in command.params
        if not parameter.hidden and not (below and command is COMMANDS[verb])
        for option in parameter.opts
        if parameter.param_type_name == "option"
    ]

    assert [option for option in told if not re.search(rf"^ .*(?<!\S){option}\b", text, re.M)] == []


@pytest.mark.parametrize("verb", COMMANDS)
def test_page_has_the_sections_that_are_looked_for(verb: str) -> None:
    headings = re.findall(r"^[A-Z].*$", rendered(f"man1/vlanlog-{verb}.1"), re.M)[1:]

    needed = [
        "NAME",
        "SYNOPSIS",
        "DESCRIPTION",
        "EXAMPLES",
        "EXIT STATUS",
        "ENVIRONMENT",
        "SEE ALSO",
    ]
    assert [heading for heading in headings if heading in needed] == needed


def test_groff_finds_nothing_wrong() -> None:
    tree = tree_with("mandoc", "groff-base")
    groff = [program(tree, "groff"), "-ww", "-man", "-Tutf8", "-z"]
    for name in PAGES:
        done = subprocess.run(
            [*groff, str(FOLDER / name)], capture_output=True, text=True, check=False
        )
        assert (name, done.stderr, done.returncode) == (name, "", 0)


def test_mandoc_finds_nothing_wrong() -> None:
    tree = tree_with("mandoc", "groff-base")
    files = [str(FOLDER / name) for name in PAGES]
    command = [program(tree, "mandoc"), "-Tlint", "-Wwarning", *files]
    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert (done.stdout, done.stderr, done.returncode) == ("", "", 0)


@pytest.mark.parametrize("name", PAGES)
def test_page_fits_a_terminal(name: str) -> None:
    assert [line for line in rendered(name).splitlines() if len(line) > 80] == []


@pytest.mark.parametrize("name", PAGES)
def test_pages_of_ours_that_a_page_names_are_there(name: str) -> None:
    plain = re.sub(r"\\f[BRI]|\\&", "", source(name)).replace(r"\-", "-")
    named = re.findall(r"\b(vlanlog[\w.-]*|\w+\.conf)\(([15])\)", plain)

    assert {f"man{section}/{page}.{section}" for page, section in named} - set(PAGES) == set()


def test_settings_page_has_every_key_with_its_variable() -> None:
    items = re.findall(r"^`([\w-]+)`\n((?:: .*\n)+)", source("vlanlog.conf.5.md"), re.M)

    assert {key: re.findall(r"VLANLOG_\w+", text) for key, text in items} == {
        key: [variable] for key, variable in VARIABLES.items()
    }


@pytest.mark.parametrize(
    ("name", "known"), [("bridge_init.conf", BRIDGE_KEYS), ("vlan_filtering.conf", PORT_KEYS)]
)
def test_config_page_has_every_key_of_the_file(name: str, known: tuple[str, ...]) -> None:
    _, _, after = source(f"{name}.5.md").partition("# KEYS\n")
    keys, _, _ = after.partition("# EXAMPLES")

    terms = "\n".join(re.findall(r"^`.*`$", keys, re.M))
    assert sorted(re.findall(r"`([\w-]+)`", terms)) == sorted(known)


def examples() -> Iterator[tuple[str, str]]:
    """Yields the page and the words of each vlanlog command of the written parts."""
    for path in sorted(FOLDER.glob("*.md")):
        for line in re.findall(r"^    (.*)$", path.read_text(encoding="utf-8"), re.M):
            for command in re.split(r"[|;>]", line):
                if command.split()[:1] == ["vlanlog"]:
                    yield path.name, command.strip()


@pytest.mark.parametrize(("page", "line"), list(examples()))
def test_example_is_a_command_line(page: str, line: str) -> None:
    assert page
    _, verb, *words = shlex.split(line)
    command = COMMANDS[verb]
    context = command.make_context(verb, words, resilient_parsing=False)

    times = [context.params.get(name) for name in ("since", "until", "at", "before")]
    for value in filter(None, times):
        for text in [value] if isinstance(value, str) else value:
            assert parse_time(text, datetime.now(UTC)) > 0


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("# NAME\n\nA `-b` and *c*.", ['.SH "NAME"', r"A \fB\-b\fR and \fIc\fR."]),
        ("one\ntwo.  Three", [".PP", "one two.", "Three"]),
        (".dot\n\n'quote", [".PP", r"\&.dot", ".PP", r"\(aqquote"]),
        ("term\n: told\n: more\n", [".TP", "term", "told more"]),
        ("    .x \\y\n    'z", [".PP", ".RS 4", ".nf", r"\&.x \ey", r"\&\(aqz", ".fi", ".RE"]),
        ("ä → ~^", [".PP", r"\[u00E4] \[u2192] \(ti\(ha"]),
    ],
)
def test_light_format_becomes_macros(text: str, lines: list[str]) -> None:
    assert list(macros(f"first\n\n{text}")) == ["first", *lines]
