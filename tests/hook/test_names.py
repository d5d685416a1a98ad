"""Names that a guest or an operation may have, and the files that come of them."""

import hashlib
import os
from pathlib import Path

import pytest

from tests.hook.tree import Tree

LONG = b"x" * 300
ACCENTS = "é".encode() * 120
NASTY = {
    b"VM 1": b"VM 1",
    b'it\'s "so" $(touch x) `id` ; & | *': b'it\'s "so" $(touch x) `id` ; & | *',
    b"..": b"..",
    b"../../../../etc/passwd": b"..%2F..%2F..%2F..%2Fetc%2Fpasswd",
    b"/": b"%2F",
    b"%2F": b"%252F",
    b"two\nlines\x1b[31m\x7f": b"two%0Alines%1B[31m%7F",
    "gäst-\N{SNOWMAN}".encode(): "gäst-\N{SNOWMAN}".encode(),
    b"\xff\xfe": b"\xff\xfe",
    b"-h": b"-h",
    b"--help": b"--help",
    b"${HOME}": b"${HOME}",
    b"\\": b"\\",
}


def _names(folder: Path) -> list[bytes]:
    return [os.fsencode(path.name) for path in folder.iterdir()]


@pytest.mark.parametrize("name", [*NASTY, LONG, ACCENTS])
def test_script_and_record_get_the_name_as_it_is(tree: Tree, name: bytes) -> None:
    tree.add("qemu_start_begin.d/a.sh", 'printf %s "$1"')
    assert tree.call("qemu", name, "start", "begin", "-") == (0, b"", b"")
    assert tree.told("guest_name", "log_tail") == [(name, b""), (name, name)]


@pytest.mark.parametrize("name", NASTY)
def test_log_stays_in_its_folder(tree: Tree, name: bytes) -> None:
    tree.add("qemu_start_begin.d/a.sh", "exit 0")
    tree.call("qemu", name, "start", "begin", "-")
    assert _names(tree.logs) == [b"qemu_start_begin_%s_a.log" % NASTY[name]]


@pytest.mark.parametrize("name", [LONG, ACCENTS])
def test_log_of_an_overlong_name_is_cut_and_told_apart_by_a_digest(tree: Tree, name: bytes) -> None:
    tree.add("qemu_start_begin.d/a.sh", "exit 0")
    tree.call("qemu", name, "start", "begin", "-")
    whole = b"qemu_start_begin_%s_a" % name
    tail = b"-%s.log" % hashlib.sha256(whole).hexdigest()[:16].encode()
    assert _names(tree.logs) == [whole[: 255 - len(tail)] + tail]


@pytest.mark.parametrize("operation", ["../evil", "x/../../evil", "..", "new\nline", "x" * 300])
def test_operation_names_no_folder_outside(tree: Tree, operation: str) -> None:
    for folder in ("qemu_..", "qemu_x", "../evil_begin.d"):
        (tree.hooks / folder).mkdir()
    for folder in ("qemu_../evil_begin.d", "../evil_begin.d"):
        tree.add(f"{folder}/a.sh", f"touch {tree.beside}/ran")
    assert tree.call("qemu", "VM1", operation, "begin", "-") == (0, b"", b"")
    assert not (tree.beside / "ran").exists()
    assert tree.told("operation") == [(operation.encode(),)]


@pytest.mark.parametrize("argv", [(), ("VM1",), ("VM1", "start"), ("a", "b", "c", "d", "e", "f")])
def test_any_number_of_arguments_is_recorded(tree: Tree, argv: tuple[str, ...]) -> None:
    assert tree.call("qemu", *argv) == (0, b"", b"")
    padded = (*argv, "-", "-", "-", "-")[: max(4, len(argv))]
    assert tree.told("arguments") == [("\0".join(padded).encode(),)]


def test_script_names_with_blanks_and_bytes_are_run(tree: Tree) -> None:
    tree.add(os.fsdecode(b"daemon_start.d/a b\xff.sh"), 'printf %s "$2"')
    tree.call("daemon", "-", "start", "-", "start")
    assert tree.told("script", "exit_status", "log_tail")[1:] == [
        (b"a b\xff.sh", b"0", os.fsencode(tree.hooks) + b"/conf/a b\xff.conf")
    ]
