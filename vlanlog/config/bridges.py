"""Reads bridge_init.conf: bridges, their trunk ports and their own ports.

Must not know ports of guests.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

from vlanlog.config.fault import BadValueError
from vlanlog.config.loaded import Loaded
from vlanlog.config.membership import read_vlans
from vlanlog.config.sheet import DEFAULT, SectionReader, Sheet, sheet_of
from vlanlog.config.source import read_source
from vlanlog.config.values import default_pvid, device, devices, word, yes_or_no
from vlanlog.core.entry import BridgeEntry, Foreign
from vlanlog.core.state import ConfigRole

BRIDGE_KEYS = (
    "trunk-port",
    "trunk-pvid",
    "trunk-tags",
    "br-pvid",
    "br-tags",
    "default-pvid",
    "prune",
    "foreign",
)


def read_bridges(path: Path) -> Loaded:
    """Returns the bridges of a bridge_init.conf, or all that is wrong with it.

    Raises: ConfigMissingError, ConfigError.
    """
    source = read_source(path)
    if source.fault is not None:
        return Loaded(
            role=ConfigRole.BRIDGES,
            file=source.file,
            digest=source.digest,
            errors=(source.fault,),
        )
    sheet = sheet_of(source.text, file=source.file, known=BRIDGE_KEYS)
    readers = [SectionReader.of(sheet, item) for item in sheet.sections if item.name is not None]
    entries = [_entry(reader) for reader in readers]
    _check_trunks(sheet, readers, entries)
    errors = sheet.errors()
    return Loaded(
        role=ConfigRole.BRIDGES,
        file=source.file,
        digest=source.digest,
        bridges=() if errors else tuple(item for item in entries if item.name != DEFAULT),
        warnings=sheet.warned(),
        errors=errors,
    )


def _entry(reader: SectionReader) -> BridgeEntry:
    name = reader.section.name or ""
    try:
        device(name)
    except BadValueError as e:
        reader.sheet.blame(reader.section, None, e.found, e.expected)
    return BridgeEntry(
        name=name,
        trunk_ports=reader.read("trunk-port", devices, ()),
        trunk=read_vlans(reader, "trunk-pvid", "trunk-tags"),
        own=read_vlans(reader, "br-pvid", "br-tags"),
        default_pvid=reader.read("default-pvid", default_pvid, None),
        prune=reader.read("prune", yes_or_no, absent=True),
        foreign=reader.read("foreign", partial(word, Foreign), Foreign.RECORD),
    )


def _check_trunks(sheet: Sheet, readers: list[SectionReader], entries: list[BridgeEntry]) -> None:
    """Refuses a trunk port of two bridges: a port is in one bridge only."""
    owner: dict[str, SectionReader] = {}
    for reader, entry in zip(readers, entries, strict=True):
        if entry.name == DEFAULT:
            continue
        key = reader.own.get("trunk-port")
        for port in entry.trunk_ports:
            other = owner.setdefault(port, reader).section
            if other.name != entry.name:
                found = f"{port} is a trunk port of [{other.name}] in line {other.line} already"
                sheet.blame(reader.section, key, found, "a trunk port of one bridge")
            elif port == entry.name:
                found = f"trunk port {port} is the bridge itself"
                sheet.blame(reader.section, key, found, "another device")
