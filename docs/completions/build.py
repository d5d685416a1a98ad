"""Makes the completions for shells, from the command line as it is.

Run as ``python -m docs.completions.build`` it writes them; tests/test_completions.py compares.
Must not touch a host: it only loads the verbs.
"""

from __future__ import annotations

from pathlib import Path

from docs.completions import bash, fish, zsh
from docs.completions.tree import verbs

FOLDER = Path(__file__).parent


def completions() -> dict[str, str]:
    """Returns every completion: its file's name, and its text."""
    known = verbs()
    return {
        "vlanlog.bash": bash.script(known),
        "_vlanlog": zsh.script(known),
        "vlanlog.fish": fish.script(known),
    }


def main() -> None:
    """Writes them."""
    for name, text in completions().items():
        (FOLDER / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
