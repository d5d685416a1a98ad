"""What no file of the project may hold, and what each must."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
# Made by tools, none of them in version control.
MADE = {
    *(".git", ".venv", ".cache", ".mypy_cache", ".ruff_cache", ".pytest_cache", ".hypothesis"),
    *(".import_linter_cache", "__pycache__", "build", "dist"),
}
REGISTRIES = re.compile(
    r"\b((pypi|pythonhosted|npmjs|crates|conda)\.(org|com|io)"
    r"|(deb|ftp|security|archive|snapshot)\.(debian|ubuntu)\.(org|com)|(docker|ghcr|quay)\.io)\b"
)
HOMES = re.compile(r"(?<![\w.])/(home/[a-z]\w*|root/[\w.]|work/|Users/)")
# It shows what is searched for.
THIS_FILE = "tests/test_tree.py"


def files() -> Iterator[Path]:
    for folder, folders, names in os.walk(ROOT):
        folders[:] = sorted(set(folders) - MADE)
        yield from (Path(folder, name) for name in sorted(names))


def texts() -> Iterator[tuple[str, str]]:
    for path in files():
        name = str(path.relative_to(ROOT))
        if path.is_file() and not path.is_symlink() and name != THIS_FILE:
            yield name, path.read_bytes().decode(errors="replace")


def test_no_file_names_a_package_registry() -> None:
    """Which registry, mirror or proxy is used is each machine's own configuration."""
    assert [name for name, text in texts() if REGISTRIES.search(text)] == []


def test_no_file_names_a_folder_of_someones_machine() -> None:
    """A path of one machine's home works there and nowhere else."""
    assert [name for name, text in texts() if HOMES.search(text)] == []


def test_scripts_that_are_run_are_executable() -> None:
    """A hook without the bit is passed over in silence."""
    lacking = [
        name
        for name, text in texts()
        if text.startswith("#!") and "tests/" not in name and not os.access(ROOT / name, os.X_OK)
    ]
    assert lacking == []


@pytest.mark.parametrize("text", ["see docker.io/x", "http://archive.debian.org/debian"])
def test_registries_are_recognised(text: str) -> None:
    assert REGISTRIES.search(text)


@pytest.mark.parametrize("text", ["cd /home/ann", "'/root/.cache'", "/work/x"])
def test_homes_are_recognised(text: str) -> None:
    assert HOMES.search(text)


@pytest.mark.parametrize("text", ["https://a.org/home/x", "/etc/network/", "$HOME/x", "/dev/root"])
def test_homes_are_not_seen_where_there_are_none(text: str) -> None:
    assert not HOMES.search(text)
