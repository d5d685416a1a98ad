"""The completion for fish(1), with fish's builtins alone.

Must not run vlanlog but for names.
Source: complete(1) of fish.
"""

from __future__ import annotations

from collections.abc import Iterator

from docs.completions.tree import Option, Value, Verb

_HEAD = """# fish completion for vlanlog; made by docs/completions/build.py

function __vlanlog_at
    # Whether the words so far, options left out, begin with these: argv[1] is how many more may
    # stand behind them, or "any".
    set -l words
    for word in (commandline -opc)[2..]
        string match -q -- '-*' $word; or set -a words $word
    end
    set -l path $argv[2..]
    set -l length (count $path)
    test (count $words) -ge $length; or return 1
    test $length -eq 0; or test "$words[1..$length]" = "$path"; or return 1
    test $argv[1] = any; or test (count $words) -eq (math $length + $argv[1])
end

function __vlanlog_names
    vlanlog --complete (commandline -ct | string replace -r '^--[^=]*=' '' | string unescape) \\
        $argv 2>/dev/null </dev/null
end

complete -c vlanlog -f
complete -c vlanlog -n '__vlanlog_at 0' -l version -d 'Print the version'
complete -c vlanlog -n '__vlanlog_at 0' -s h -l help -d 'Show help'
"""


def script(verbs: tuple[Verb, ...]) -> str:
    """Returns the completion as fish reads it."""
    return "".join(f"{line}\n" for line in _lines(verbs))


def _lines(verbs: tuple[Verb, ...]) -> Iterator[str]:
    yield _HEAD
    for verb in verbs:
        parent, _, word = verb.path.rpartition(" ")
        yield _complete(f"__vlanlog_at 0 {parent}", f"-a {word} -d {_quoted(verb.told)}")
    for verb in verbs:
        below = any(other.path.startswith(f"{verb.path} ") for other in verbs)
        yield ""
        for option in verb.options:
            yield _complete(f"__vlanlog_at any {verb.path}", _option(option))
        for place, value in enumerate(() if below else verb.arguments):
            several = verb.several and place == len(verb.arguments) - 1
            if action := _action(value):
                at = "any" if several else str(place)
                yield _complete(f"__vlanlog_at {at} {verb.path}", action)


def _complete(condition: str, rest: str) -> str:
    return f"complete -c vlanlog -n {_quoted(condition.strip())} {rest}"


def _option(option: Option) -> str:
    words = " ".join(
        f"-l {word[2:]}" if word.startswith("--") else f"-s {word[1:]}" for word in option.words
    )
    told = f" -d {_quoted(option.told)}" if option.told else ""
    if option.value is None:
        return f"{words}{told}"
    action = _action(option.value)
    return f"{words} {f'-r {action}' if option.value.files else f'-x {action}'}".rstrip() + told


def _action(value: Value) -> str:
    if value.words:
        return f"-a {_quoted(' '.join(value.words))}"
    if value.names:
        return f"-a {_quoted('(__vlanlog_names ' + ' '.join(value.names) + ')')}"
    return "-F" if value.files else ""


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
