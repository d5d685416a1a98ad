"""The files themselves: there or not, readable or not, and those that are shipped."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pytest

from vlanlog.config import (
    ConfigFault,
    ConfigMissingError,
    Loaded,
    load_settings,
    read_bridges,
    read_ports,
)
from vlanlog.config.bridges import BRIDGE_KEYS
from vlanlog.config.ports import PORT_KEYS
from vlanlog.config.settings import VARIABLES
from vlanlog.core.entry import SelectorKind
from vlanlog.core.state import ConfigRole
from vlanlog.errors import ConfigError

SHIPPED = Path(__file__).parents[2] / "conf"
COMMENTED_LINE = re.compile(r"^# (\[[^]]+\]|[a-z-]+ =.*)$", re.MULTILINE)


def test_missing_file_is_told_apart_from_one_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ConfigMissingError, match="no such file"):
        read_ports(tmp_path / "vlan_filtering.conf")
    with pytest.raises(ConfigError) as caught:
        read_bridges(tmp_path)
    assert (type(caught.value), str(caught.value)) == (
        ConfigError,
        f"{tmp_path}: cannot be read: Is a directory",
    )


def test_digest_is_that_of_the_bytes(tmp_path: Path) -> None:
    path = tmp_path / "bridge_init.conf"
    path.write_bytes(b"\xef\xbb\xbf# nothing\r\n")
    assert read_bridges(path) == Loaded(
        role=ConfigRole.BRIDGES,
        file=str(path),
        digest=hashlib.sha256(b"\xef\xbb\xbf# nothing\r\n").hexdigest(),
    )


def test_fault_is_a_line_with_escapes_and_a_bounded_length() -> None:
    fault = ConfigFault(
        file="f", line=3, section="a\x1b[31m", key="k", found="x" * 300, expected="y"
    )
    assert str(fault) == f"f:3: [a\\x1b[31m] k: {'x' * 200}…, expected y"


def test_shipped_files_put_nothing_in_force() -> None:
    bridges = read_bridges(SHIPPED / "bridge_init.conf")
    ports = read_ports(SHIPPED / "vlan_filtering.conf")
    assert (bridges.errors, bridges.warnings, bridges.bridges) == ((), (), ())
    assert (ports.errors, ports.warnings, ports.ports) == ((), (), ())


def uncommented(name: str, folder: Path) -> Path:
    text, count = COMMENTED_LINE.subn(r"\1", (SHIPPED / name).read_text())
    assert count
    path = folder / name
    path.write_text(text)
    return path


def test_shipped_bridge_examples_are_good_and_have_every_key(tmp_path: Path) -> None:
    path = uncommented("bridge_init.conf", tmp_path)
    loaded = read_bridges(path)
    assert loaded.errors == ()
    assert [entry.name for entry in loaded.bridges] == ["br0", "br1", "br-internal"]
    assert set(re.findall(r"^([a-z-]+) =", path.read_text(), re.MULTILINE)) == set(BRIDGE_KEYS)


def test_shipped_port_examples_are_good_and_have_every_key_and_form(tmp_path: Path) -> None:
    path = uncommented("vlan_filtering.conf", tmp_path)
    loaded = read_ports(path)
    assert loaded.errors == ()
    assert {entry.selector.kind for entry in loaded.ports} == set(SelectorKind)
    assert set(re.findall(r"^([a-z-]+) =", path.read_text(), re.MULTILINE)) == set(PORT_KEYS)


def test_shipped_settings_name_every_key_its_variable_and_its_default(tmp_path: Path) -> None:
    (tmp_path / "conf").mkdir()
    path = uncommented("vlanlog.conf", tmp_path / "conf")
    text = path.read_text()
    examples = {"VLANLOG_HOST": "kvm1.example.net", "VLANLOG_LOG_DIR": "/etc/libvirt/hooks/logs"}
    from_file = load_settings({}, tmp_path)
    path.unlink()
    assert from_file == load_settings(examples, tmp_path)
    assert set(re.findall(r"^([a-z-]+) =", text, re.MULTILINE)) == set(VARIABLES)
    assert set(re.findall(r"VLANLOG_[A-Z_]+", text)) == set(VARIABLES.values())
