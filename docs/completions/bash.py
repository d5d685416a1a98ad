"""The completion for bash(1): needs nothing but bash itself.

Must not run vlanlog but for names.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from docs.completions.tree import Value, Verb

_HEAD = r"""# bash completion for vlanlog; made by docs/completions/build.py

_vlanlog_names() {
    local name
    # A name may hold what the shell would take apart.
    while IFS= read -r name; do
        COMPREPLY+=("$(printf '%q' "$name")")
    done < <(vlanlog --complete "$cur" "$@" 2>/dev/null </dev/null)
}

_vlanlog_words() {
    local word
    for word in "$@"; do
        [[ $word == "$cur"* ]] && COMPREPLY+=("$word")
    done
}

_vlanlog_files() {
    compopt -o filenames 2>/dev/null
    mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen "$@" -- "$cur")
}
"""

_TAIL = r"""
_vlanlog() {
    local line=${COMP_LINE:0:COMP_POINT} cur='' option='' word verb='' place=0 at
    local -a words
    # Not COMP_WORDS: there a MAC is eleven words.
    read -ra words <<<"$line"
    if [[ $line == *[[:space:]] ]]; then
        words+=('')
    fi
    cur=${words[-1]}
    COMPREPLY=()
    for ((at = 1; at < ${#words[@]} - 1; at++)); do
        word=${words[at]}
        if [[ -n $option ]]; then
            option=
        elif [[ $word == -* ]]; then
            [[ $word != *=* ]] && _vlanlog_takes "$verb" "$word" && option=$word
        elif [[ -n $(_vlanlog_below "$verb" "$word") ]]; then
            verb=$(_vlanlog_below "$verb" "$word")
        else
            ((place++))
        fi
    done
    if [[ -z $option && $cur == --*=* ]]; then
        option=${cur%%=*} cur=${cur#*=}
        _vlanlog_takes "$verb" "$option" || return 0
    fi
    if [[ -n $option ]]; then
        _vlanlog_value "$verb" "$option"
    elif [[ $cur == -* ]]; then
        _vlanlog_words $(_vlanlog_options "$verb")
    else
        _vlanlog_argument "$verb" "$place"
    fi
    # What stands before the last colon is, to readline, a word of its own.
    if [[ $cur == *:* && $COMP_WORDBREAKS == *:* ]]; then
        COMPREPLY=("${COMPREPLY[@]#"${cur%"${cur##*:}"}"}")
    fi
    return 0
}

complete -F _vlanlog vlanlog
"""


def script(verbs: tuple[Verb, ...]) -> str:
    """Returns the completion as bash sources it."""
    return "".join(f"{line}\n" for line in _lines(verbs)) + _TAIL


def _lines(verbs: tuple[Verb, ...]) -> Iterator[str]:
    yield _HEAD
    yield from _function("_vlanlog_below", "$1 $2", _below(verbs))
    yield from _function("_vlanlog_options", "$1", _options(verbs))
    yield from _function("_vlanlog_takes", "$1 $2", _takes(verbs), otherwise="return 1")
    yield from _function("_vlanlog_value", "$1 $2", _values(verbs))
    yield from _function("_vlanlog_argument", "$1 $2", _arguments(verbs))


def _function(
    name: str, on: str, cases: Iterator[tuple[list[str], str]], otherwise: str = ""
) -> Iterator[str]:
    yield f"{name}() {{"
    yield f'    case "{on}" in'
    for patterns, action in cases:
        yield f"        {' | '.join(patterns)}) {action} ;;"
    if otherwise:
        yield f"        *) {otherwise} ;;"
    yield "    esac"
    yield "}\n"


def _below(verbs: tuple[Verb, ...]) -> Iterator[tuple[list[str], str]]:
    for verb in verbs:
        parent, _, word = verb.path.rpartition(" ")
        yield [shlex.quote(f"{parent} {word}")], f"echo {shlex.quote(verb.path)}"


def _options(verbs: tuple[Verb, ...]) -> Iterator[tuple[list[str], str]]:
    yield ["''"], "echo --help --version"
    for verb in verbs:
        words = [word for option in verb.options for word in option.words]
        yield [shlex.quote(verb.path)], f"echo {' '.join(words)}"


def _takes(verbs: tuple[Verb, ...]) -> Iterator[tuple[list[str], str]]:
    taken = [
        shlex.quote(f"{verb.path} {word}")
        for verb in verbs
        for option in verb.options
        if option.value is not None
        for word in option.words
    ]
    yield taken, "return 0"


def _values(verbs: tuple[Verb, ...]) -> Iterator[tuple[list[str], str]]:
    places: dict[str, list[str]] = {}
    for verb in verbs:
        for option in verb.options:
            if option.value is not None and (action := _action(option.value)):
                patterns = [shlex.quote(f"{verb.path} {word}") for word in option.words]
                places.setdefault(action, []).extend(patterns)
    yield from ((patterns, action) for action, patterns in places.items())


def _arguments(verbs: tuple[Verb, ...]) -> Iterator[tuple[list[str], str]]:
    first = [verb.path for verb in verbs if " " not in verb.path]
    yield ["' 0'"], f"_vlanlog_words {' '.join(first)}"
    for verb in verbs:
        for place, value in enumerate(verb.arguments):
            last = verb.several and place == len(verb.arguments) - 1
            pattern = shlex.quote(f"{verb.path} ") + ("*" if last else str(place))
            if action := _action(value):
                yield [pattern], action


def _action(value: Value) -> str:
    if value.words:
        return f"_vlanlog_words {shlex.join(value.words)}"
    if value.names:
        return f"_vlanlog_names {' '.join(value.names)}"
    return {"file": "_vlanlog_files -f", "folder": "_vlanlog_files -d"}.get(value.files, "")
