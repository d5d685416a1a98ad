"""Each folder of tests/data/config is a case: a file as a user writes it, and what we read."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest

from vlanlog.config import Loaded, Settings, load_settings, read_bridges, read_ports
from vlanlog.core.entry import BridgeEntry, PortEntry
from vlanlog.errors import ConfigError

CASES = Path(__file__).parents[1] / "data" / "config"


def bridge_lines(entry: BridgeEntry) -> Iterator[str]:
    yield f"[{entry.name}]"
    yield f"  trunk ports {', '.join(entry.trunk_ports) or 'none'}: {entry.trunk}"
    yield f"  own: {entry.own}"
    pvid = "as it is" if entry.default_pvid is None else entry.default_pvid
    yield f"  default pvid: {pvid}; prune: {entry.prune}; foreign: {entry.foreign}"


def port_lines(entry: PortEntry) -> Iterator[str]:
    selector = entry.selector
    yield f"[{entry.section}]"
    yield f"  {selector.kind}: guest {selector.guest!r}, value {selector.value!r}"
    yield f"  vlans: {entry.vlans}"
    foreign = entry.foreign or "as its bridge"
    yield f"  prune: {entry.prune}; foreign: {foreign}; on failure: {entry.on_failure}"


def loaded_lines(loaded: Loaded) -> Iterator[str]:
    for bridge in loaded.bridges:
        yield from bridge_lines(bridge)
    for port in loaded.ports:
        yield from port_lines(port)
    yield from (f"warning: {text}" for text in loaded.warnings)
    yield from (f"error: {fault}" for fault in loaded.errors)


def settings_lines(hooks: Path) -> Iterator[str]:
    try:
        settings = load_settings({}, hooks)
    except ConfigError as e:
        yield from (f"error: {line}" for line in e.message.replace(str(hooks), "HOOKS").split("\n"))
        return
    for field in dataclasses.fields(Settings):
        value = str(getattr(settings, field.name)).replace(str(hooks), "HOOKS")
        yield f"{field.name} = {value}"


def read_case(case: Path, tmp_path: Path) -> str:
    match [file.name for file in case.iterdir() if file.name != "expected.txt"]:
        case ["bridge_init.conf" as name]:
            lines = loaded_lines(read_bridges(Path(name)))
        case ["vlan_filtering.conf" as name]:
            lines = loaded_lines(read_ports(Path(name)))
        case ["vlanlog.conf" as name]:
            (tmp_path / "conf").symlink_to(case)
            lines = settings_lines(tmp_path)
        case others:
            pytest.fail(f"{case.name} has {others}, and not one known file")
    return "".join(f"{line}\n" for line in lines)


@pytest.mark.parametrize("case", sorted(CASES.iterdir()), ids=lambda case: case.name)
def test_config_reads_a_file_as_expected(
    case: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(case)
    assert read_case(case, tmp_path) == (case / "expected.txt").read_text()
