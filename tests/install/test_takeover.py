"""A host that runs the published design: what becomes of its files, and of its operator's."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from tests.install.hosts import (
    BRIDGES,
    DISPATCHER,
    HOOKS,
    SCRIPT,
    entries,
    kvmvlan_host,
    laid,
    put,
    put_link,
    taken,
    told,
)
from vlanlog.install.author import PUBLISHED, Author, author_of
from vlanlog.install.layout import shipped, shipped_texts

QEMU = DISPATCHER.format(driver="qemu", more="_${3}", argument="$1").encode()
TAKEN = {
    f"{HOOKS}/daemon",
    f"{HOOKS}/qemu",
    f"{HOOKS}/daemon_start.d/bridge_init.py",
    f"{HOOKS}/qemu_started_begin.d/vlan_filtering.py",
}


def test_dispatchers_and_scripts_are_replaced_and_kept(tmp_path: Path) -> None:
    before = entries(kvmvlan_host(tmp_path))
    done = laid(tmp_path)
    after = entries(tmp_path)
    replaced = {step.path: step.backup for step in done.steps if step.action == "replaced"}
    assert set(replaced) == TAKEN
    assert {path: after[backup] for path, backup in replaced.items()} == {
        path: before[path] for path in TAKEN
    }
    assert all(after[path] != before[path] for path in TAKEN)


def test_what_is_kept_can_be_read_by_its_owner_alone(tmp_path: Path) -> None:
    laid(kvmvlan_host(tmp_path))
    assert entries(tmp_path)["/var/lib/vlanlog/backup"][1] == 0o700


def test_all_that_is_the_operators_stays_as_it_was(tmp_path: Path) -> None:
    before = entries(kvmvlan_host(tmp_path))
    laid(tmp_path)
    after = entries(tmp_path)
    assert {path: after[path] for path in before if path not in TAKEN} == {
        path: entry for path, entry in before.items() if path not in TAKEN
    }


def test_operators_links_lead_to_vlanlogs_scripts(tmp_path: Path) -> None:
    laid(kvmvlan_host(tmp_path))
    hooks = tmp_path / HOOKS.lstrip("/")
    script = (hooks / "qemu_start_begin.d/vlan_filtering.py").read_bytes()
    assert (hooks / "qemu_started_begin.d/60-again.py").read_bytes() == script
    bridges = (hooks / "daemon_start.d/bridge_init.py").read_bytes()
    assert (hooks / "daemon_reload.d/bridge_init.py").read_bytes() == bridges


def test_operator_is_told_line_by_line(tmp_path: Path) -> None:
    done = laid(kvmvlan_host(tmp_path))
    assert [
        (str(step.action), step.path.removeprefix(HOOKS), step.note)
        for step in done.steps
        if step.action in ("replaced", "kept")
    ] == [
        ("kept", "/conf/bridge_init.conf", "it was there"),
        ("kept", "/conf/vlan_filtering.conf", "it was there"),
        ("replaced", "/daemon_start.d/bridge_init.py", "kvmvlan's, with changes"),
        ("kept", "/daemon_reload.d/bridge_init.py", "it leads to ../daemon_start.d/bridge_init.py"),
        ("replaced", "/qemu_started_begin.d/vlan_filtering.py", "kvmvlan's, with changes"),
        (
            "kept",
            "/qemu_reconnect_begin.d/vlan_filtering.py",
            f"it leads to {HOOKS}/qemu_started_begin.d/vlan_filtering.py",
        ),
        ("replaced", "/daemon", "kvmvlan's, with changes"),
        ("replaced", "/qemu", "kvmvlan's, with changes"),
    ]


def test_link_to_where_vlanlog_puts_a_link_makes_no_circle(tmp_path: Path) -> None:
    kvmvlan_host(tmp_path)
    path = f"{HOOKS}/qemu_start_begin.d/vlan_filtering.py"
    put_link(tmp_path, path, "../qemu_started_begin.d/vlan_filtering.py")
    before = entries(tmp_path)
    done = laid(tmp_path)
    assert told(done.steps)[path] == "replaced"
    started = tmp_path / f"{HOOKS}/qemu_started_begin.d/vlan_filtering.py".lstrip("/")
    assert started.read_bytes().startswith(b"#!/bin/sh")
    taken(tmp_path)
    assert entries(tmp_path) == before


def test_dispatcher_that_is_a_link_elsewhere_is_kept_as_a_link(tmp_path: Path) -> None:
    kvmvlan_host(tmp_path)
    put(tmp_path, "/srv/git/qemu", QEMU, mode=0o755)
    (tmp_path / HOOKS.lstrip("/") / "qemu").unlink()
    put_link(tmp_path, f"{HOOKS}/qemu", "/srv/git/qemu")
    before = entries(tmp_path)
    laid(tmp_path)
    assert entries(tmp_path)["/srv/git/qemu"] == before["/srv/git/qemu"]
    assert entries(tmp_path)[f"{HOOKS}/qemu"][0] == "-"
    taken(tmp_path)
    assert entries(tmp_path) == before


def test_uninstall_brings_the_host_back_byte_for_byte(tmp_path: Path) -> None:
    before = entries(kvmvlan_host(tmp_path))
    laid(tmp_path)
    taken(tmp_path)
    assert entries(tmp_path) == before


def test_what_came_in_the_meantime_is_kept_beside_what_was_there_first(tmp_path: Path) -> None:
    first = entries(kvmvlan_host(tmp_path))[f"{HOOKS}/qemu"]
    laid(tmp_path)
    put(tmp_path, f"{HOOKS}/qemu", QEMU + b"# newer\n", mode=0o755)
    second = entries(tmp_path)[f"{HOOKS}/qemu"]
    laid(tmp_path)
    kept = [f"/var/lib/vlanlog/backup/{number}{HOOKS}/qemu" for number in (1, 2)]
    found = entries(tmp_path)
    assert [found[path] for path in kept] == [first, second]
    taken(tmp_path)
    found = entries(tmp_path)
    assert [found.get(path) for path in (*kept, f"{HOOKS}/qemu")] == [first, None, second]


def test_files_are_known_by_their_published_text_whatever_their_interpreter() -> None:
    published = {hashlib.sha256(b"import so\n").hexdigest()}
    texts = [b"#!/usr/bin/python\nimport so\n", b"#!/usr/bin/env python3\nimport so\n"]
    assert [author_of(text, (), published) for text in texts] == [Author.KVMVLAN] * 2
    assert author_of(b"#!/usr/bin/python\nimport so  \n", (), published) is Author.OTHER


def test_published_texts_are_thirteen_digests() -> None:
    assert {len(bytes.fromhex(digest)) for digest in PUBLISHED} == {32}
    assert len(PUBLISHED) == 13


@pytest.mark.parametrize(
    ("content", "author"),
    [
        (QEMU, Author.KVMVLAN_CHANGED),
        (SCRIPT.encode(), Author.KVMVLAN_CHANGED),
        (QEMU.replace(b"LOGS_DIR=", b"LOG="), Author.OTHER),
        (SCRIPT.encode().replace(b"pyroute2", b"subprocess"), Author.OTHER),
        (BRIDGES.encode(), Author.OTHER),
        (b"", Author.OTHER),
        (b"\x7fELF\0\xff", Author.OTHER),
        (shipped("hooks", "qemu"), Author.VLANLOG),
        (shipped("hooks", "qemu").replace(b"\nPYTHON=", b"\nPYTHON=/x"), Author.VLANLOG),
        (shipped("hooks", "qemu").replace(b"is_root", b"is_king"), Author.VLANLOG_CHANGED),
        (shipped("conf", "vlanlog.service"), Author.VLANLOG),
    ],
)
def test_author_is_told_by_the_text(content: bytes, author: Author) -> None:
    assert author_of(content, shipped_texts()) is author
