"""Makes the man pages: options from the command line as it is, the rest from the texts beside this.

Run as ``python -m docs.man.build`` it writes man1/ and man5/; tests/test_manual.py compares.
Must not touch a host: it only loads the verbs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from typer.main import get_command

import vlanlog
from docs.man.roff import filled, inline, item, macros, quoted
from vlanlog.cli.app import command_line

FOLDER = Path(__file__).parent
DATE = "2026-11-24"
"""Stands at the foot of each page: that of the release, for a build is the same on any day."""

_SHARED = """\
# ENVIRONMENT

`VLANLOG_HOOKS_DIR`, `VLANLOG_DATABASE` and the other variables of `vlanlog.conf`(5); a flag
overrides a variable, a variable the file.
"""


def pages() -> dict[str, str]:
    """Returns every page: its path below this folder, and its text."""
    root: Any = get_command(command_line())
    found = {"man1/vlanlog.1": _root_page(root)}
    for verb, command in root.commands.items():
        found[f"man1/vlanlog-{verb}.1"] = _verb_page(verb, command)
    for text in sorted(FOLDER.glob("*.5.md")):
        found[f"man5/{text.stem}"] = _file_page(text)
    return found


def _head(title: str, section: int) -> Iterator[str]:
    yield '.\\" Made by docs/man/build.py'
    version = f"vlanlog {vlanlog.__version__}"
    yield f'.TH {quoted(title.upper())} {section} {DATE} {quoted(version)} "vlanlog"'
    # Names and paths are to be found by who searches, so no word is broken.
    yield from (".nh", ".ad l")


def _text_of(lines: Iterator[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


def _root_page(root: Any) -> str:
    def lines() -> Iterator[str]:
        yield from _head("vlanlog", 1)
        yield from macros("# NAME")
        yield "vlanlog \\- " + inline(_uncapitalised(root.help))
        yield from _synopsis(root, "vlanlog")
        written = (FOLDER / "vlanlog.md").read_text(encoding="utf-8")
        before, marker, after = written.partition("# OPTIONS\n")
        yield from macros(before)
        yield from _parameters(root, "vlanlog")
        yield from macros("# COMMANDS")
        for verb, command in root.commands.items():
            yield from item(f"`vlanlog-{verb}`(1)", _paragraphs(command)[0])
        yield from macros(after)
        assert marker

    return _text_of(lines())


def _verb_page(verb: str, command: Any) -> str:
    name = f"vlanlog {verb}"
    first, *rest = _paragraphs(command)
    statuses = [text for text in rest if text.startswith("Exit status:")]
    written = FOLDER / f"vlanlog-{verb}.md"
    text = written.read_text(encoding="utf-8") if written.exists() else ""
    sections, _, also = text.partition("# SEE ALSO\n")

    def lines() -> Iterator[str]:
        yield from _head(f"vlanlog-{verb}", 1)
        yield from macros("# NAME")
        yield f"vlanlog\\-{verb} \\- " + inline(_uncapitalised(first))
        yield from _synopsis(command, name)
        yield from macros("# DESCRIPTION\n" + "\n\n".join([first, *_without(rest, statuses)]))
        yield from _parameters(command, name)
        for below, subcommand in getattr(command, "commands", {}).items():
            yield f".SH {quoted(f'{name} {below}'.upper())}"
            yield from macros("\n\n".join(_paragraphs(subcommand)))
            yield from _options(subcommand, f"{name} {below}")
        yield from macros(sections)
        yield from _exit_status(statuses)
        yield from macros(_SHARED)
        yield from macros("# SEE ALSO")
        yield from filled(", ".join(filter(None, ["`vlanlog`(1)", also.strip()])))

    return _text_of(lines())


def _file_page(text: Path) -> str:
    name = text.name.removesuffix(".5.md")

    def lines() -> Iterator[str]:
        yield from _head(name, 5)
        yield from macros(text.read_text(encoding="utf-8"))

    return _text_of(lines())


def _uncapitalised(text: str) -> str:
    sentence = " ".join(text.split()).removesuffix(".")
    return sentence[0].lower() + sentence[1:] if not sentence.startswith("The VLANs") else sentence


def _without(texts: list[str], others: list[str]) -> list[str]:
    return [text for text in texts if text not in others]


def _paragraphs(command: Any) -> list[str]:
    paragraphs = re.split(r"\n\s*\n", command.help.strip())
    return [" ".join(text.split()) for text in paragraphs]


def _exit_status(statuses: list[str]) -> Iterator[str]:
    yield from macros("# EXIT STATUS")
    own = [text.removeprefix("Exit status:").strip().rstrip(".") for text in statuses]
    for text in own:
        for part in re.split(r",\s+(?=\d+ )", text):
            number, _, meaning = part.partition(" ")
            yield from item(f"`{number}`", f"{meaning[0].upper()}{meaning[1:]}.")
    if not own:
        yield from item("`0`", "Done.")
    yield from item("`2`, `3`, `70`, `130`, `141`", "As `vlanlog`(1) says.")


def _synopsis(command: Any, name: str) -> Iterator[str]:
    yield from macros("# SYNOPSIS")
    pieces = command.collect_usage_pieces(_context(command, name))
    words = [re.sub(r"^\[(\[.*\])\]$", r"\1", word) for text in pieces for word in text.split()]
    yield " ".join([f"\\fB{inline(name)}\\fR", *(f"\\fI{inline(word)}\\fR" for word in words)])


def _parameters(command: Any, name: str) -> Iterator[str]:
    records = _records(command, name, "argument")
    if records:
        yield from macros("# ARGUMENTS")
        yield from (line for record in records for line in _told(record))
    if not hasattr(command, "commands") or name == "vlanlog":
        yield from macros("# OPTIONS")
        yield from _options(command, name)


def _options(command: Any, name: str) -> Iterator[str]:
    for record in _records(command, name, "option"):
        yield from _told(record)


def _records(command: Any, name: str, kind: str) -> list[tuple[str, str]]:
    context = _context(command, name)
    parameters = command.get_params(context)
    found = (p.get_help_record(context) for p in parameters if p.param_type_name == kind)
    return [record for record in found if record is not None]


def _context(command: Any, name: str) -> Any:
    return command.context_class(command, info_name=name, help_option_names=["-h", "--help"])


def _told(record: tuple[str, str]) -> Iterator[str]:
    term, told = record
    term = re.sub(r" <(str|list\[str\])>$", "", term).replace("<int range>", "N")
    # "-n, --lines <int range>": the option is bold, what it takes is not.
    bold = re.sub(r"(?<![\w-])--?[A-Za-z][\w-]*", lambda option: f"`{option[0]}`", term)
    yield from item(bold, told or "See TIMES in `vlanlog`(1).")


def main() -> None:
    """Writes all pages, and takes those away that are of no command any more."""
    made = pages()
    for folder in ("man1", "man5"):
        (FOLDER / folder).mkdir(exist_ok=True)
        for path in (FOLDER / folder).iterdir():
            if f"{folder}/{path.name}" not in made:
                path.unlink()
    for name, text in made.items():
        (FOLDER / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
