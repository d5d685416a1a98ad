"""The command line as a completion needs it: verbs, their options, and what may stand behind each.

Must not know a shell.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Any

from typer.main import get_command

from vlanlog.cli.app import command_line
from vlanlog.core.codec import KINDS

_NAMES = {
    "GUEST": ("guest",),
    "GUEST|UUID": ("guest",),
    "GUEST|UUID|MAC|PORT": ("guest", "mac", "port"),
    "PORT|GUEST|GUEST/MAC": ("port", "guest"),
    "PORT": ("port",),
    "TARGET": ("port", "guest"),
    "BRIDGE": ("bridge",),
    "HOST": ("host",),
}
_FIXED = {
    "KIND": tuple(KINDS),
    "TIME": ("now", "today", "yesterday", "-1h", "-1d", "-7d"),
    "TIME|EVENT": ("now", "today", "yesterday", "-1h", "-1d", "-7d"),
}
_FILES = {"FILE": "file", "FOLDER": "folder", "DIR": "folder"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """Is what may stand in a place: some fixed words, names from the log, or a file.

    Shape: files is ``file``, ``folder`` or empty; nothing set stands for what cannot be guessed.
    """

    words: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    files: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """Is an option; value is None for a flag."""

    words: tuple[str, ...]
    told: str
    value: Value | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Verb:
    """Is a command: its path (``history``, ``db status``), and what may follow it.

    Shape: arguments in their order; several says that the last one may be repeated.
    """

    path: str
    told: str
    options: tuple[Option, ...]
    arguments: tuple[Value, ...]
    several: bool


def verbs() -> tuple[Verb, ...]:
    """Returns every command, a group's own words among them."""
    root: Any = get_command(command_line())
    return tuple(verb for name, command in root.commands.items() for verb in _verbs(name, command))


def _verbs(path: str, command: Any) -> Iterator[Verb]:
    below = getattr(command, "commands", {})
    arguments = [p for p in command.params if p.param_type_name == "argument"]
    places = tuple(_value(parameter) for parameter in arguments)
    if below:
        places = (Value(words=tuple(below)),)
    options = (_option(p) for p in command.params if p.param_type_name == "option" and not p.hidden)
    yield Verb(
        path=path,
        told=_sentence(command.help),
        options=(*options, Option(words=("--help", "-h"), told="Show help.", value=None)),
        arguments=places,
        several=any(parameter.nargs == -1 for parameter in arguments),
    )
    for name, subcommand in below.items():
        yield from _verbs(f"{path} {name}", subcommand)


def _option(parameter: Any) -> Option:
    return Option(
        words=(*parameter.opts, *parameter.secondary_opts),
        told=_sentence(parameter.help or ""),
        value=None if parameter.is_flag else _value(parameter),
    )


def _value(parameter: Any) -> Value:
    annotation = parameter.type_descriptor.annotation
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return Value(words=tuple(str(member.value) for member in annotation))
    shown = (parameter.metavar or "").replace("[", "").replace("]", "").removesuffix("...")
    return Value(
        words=_FIXED.get(shown, ()), names=_NAMES.get(shown, ()), files=_FILES.get(shown, "")
    )


def _sentence(text: str) -> str:
    paragraph = " ".join(text.strip().split("\n\n")[0].split())
    return paragraph.removesuffix(".")
