"""The completion for zsh(1), by its own _arguments.

Must not run vlanlog but for names.
Source: zshcompsys(1).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from docs.completions.tree import Option, Value, Verb

_HEAD = r"""#compdef vlanlog
# Made by docs/completions/build.py

_vlanlog_names() {
    local -a names
    names=(${(f)"$(vlanlog --complete "${(Q)PREFIX}" "$@" 2>/dev/null </dev/null)"})
    compadd -a names
}
"""

_TAIL = r"""
_vlanlog() {
    local curcontext="$curcontext" state line
    _arguments -C '(- *)--version[print the version]' '(- *)'{-h,--help}'[show help]' \
        '1:command:_vlanlog_verbs' '*::argument:->rest'
    if [[ $state == rest ]]; then
        curcontext="${curcontext%:*}-$words[1]:"
        (( $+functions[_vlanlog_$words[1]] )) && _vlanlog_$words[1]
    fi
}

_vlanlog "$@"
"""


def script(verbs: tuple[Verb, ...]) -> str:
    """Returns the completion as a file of a folder in fpath."""
    return "".join(f"{line}\n" for line in _lines(verbs)) + _TAIL


def _lines(verbs: tuple[Verb, ...]) -> Iterator[str]:
    yield _HEAD
    yield from _described("_vlanlog_verbs", "command", "", verbs)
    for verb in verbs:
        below = [other for other in verbs if other.path.startswith(f"{verb.path} ")]
        name = f"_vlanlog_{verb.path.replace(' ', '_')}"
        if below:
            yield from _described(f"{name}_verbs", "command", f"{verb.path} ", tuple(below))
            yield f"{name}() {{"
            yield "    local state line"
            yield f"    _arguments -C '1:command:{name}_verbs' '*::argument:->rest'"
            yield (
                f"    [[ $state == rest ]] && (( $+functions[{name}_$words[1]] )) && "
                f"{name}_$words[1]"
            )
            yield "}\n"
            continue
        yield f"{name}() {{"
        yield "    _arguments -s -S \\"
        for spec in _specs(verb):
            yield f"        {spec} \\"
        yield "        && return 0"
        yield "}\n"


def _described(name: str, what: str, prefix: str, verbs: tuple[Verb, ...]) -> Iterator[str]:
    shown = [verb for verb in verbs if " " not in verb.path.removeprefix(prefix)]
    yield f"{name}() {{"
    yield "    local -a found"
    yield "    found=("
    for verb in shown:
        yield f"        {_quoted(f'{verb.path.removeprefix(prefix)}:{verb.told}')}"
    yield "    )"
    yield f"    _describe {what} found"
    yield "}\n"


def _specs(verb: Verb) -> Iterator[str]:
    for option in verb.options:
        yield _option(option)
    for place, value in enumerate(verb.arguments):
        last = verb.several and place == len(verb.arguments) - 1
        yield _quoted(f"{'*' if last else place + 1}:argument:{_action(value)}")


def _option(option: Option) -> str:
    told = re.sub(r"([\[\]:\\])", r"\\\1", option.told)
    takes = "" if option.value is None else f":value:{_action(option.value)}"
    # With several words, each excludes the others; "*" lets an option be given twice.
    if len(option.words) == 1:
        return _quoted(f"*{option.words[0]}[{told}]{takes}")
    return f"'*'{{{','.join(option.words)}}}{_quoted(f'[{told}]{takes}')}"


def _action(value: Value) -> str:
    if value.words:
        return f"({' '.join(value.words)})"
    if value.names:
        return f"_vlanlog_names {' '.join(value.names)}"
    # A blank is zsh's word for "something, of which nothing is known".
    return {"file": "_files", "folder": "_files -/"}.get(value.files, " ")


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"
