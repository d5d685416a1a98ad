"""Reads vlan_filtering.conf: which NIC of which guest carries what.

Must not look for the NICs, or decide between two sections that name the same one.
"""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path

from vlanlog.config.claims import claims_of
from vlanlog.config.fault import BadValueError
from vlanlog.config.loaded import Claim, Loaded, Scope
from vlanlog.config.membership import read_vlans
from vlanlog.config.sheet import DEFAULT, SectionReader, Sheet, sheet_of
from vlanlog.config.source import read_source
from vlanlog.config.values import device, guest, mac, word, yes_or_no
from vlanlog.core.entry import Foreign, OnFailure, PortEntry, Selector, SelectorKind
from vlanlog.core.state import ConfigRole

PORT_KEYS = ("guest", "pvid", "tagged", "prune", "foreign", "on-failure")

# Source: "alias" in libvirt's formatdomain.rst: net0, net1 … of its own, ua-… by its user.
_ALIAS = re.compile(r"net[0-9]+|ua-[A-Za-z0-9_-]+")
_COMMENT_BEHIND = re.compile(r"\s[#;]")


def read_ports(path: Path) -> Loaded:
    """Returns the port entries of a vlan_filtering.conf, or all that is wrong with it.

    Raises: ConfigMissingError, ConfigError.
    """
    source = read_source(path)
    if source.fault is not None:
        return Loaded(
            role=ConfigRole.PORTS,
            file=source.file,
            digest=source.digest,
            errors=(source.fault,),
            claims=(Claim(scope=Scope.UNKNOWN, faults=(source.fault,)),),
        )
    sheet = sheet_of(source.text, file=source.file, known=PORT_KEYS)
    readers = [SectionReader.of(sheet, item) for item in sheet.sections if item.name is not None]
    entries = [entry for entry in map(_entry, readers) if entry is not None]
    _check_selectors(sheet, readers, entries)
    errors = sheet.errors()
    return Loaded(
        role=ConfigRole.PORTS,
        file=source.file,
        digest=source.digest,
        ports=() if errors else tuple(entries),
        warnings=sheet.warned(),
        errors=errors,
        claims=claims_of(sheet, readers),
    )


def _entry(reader: SectionReader) -> PortEntry | None:
    """Returns the section's entry, None for one that names no NIC."""
    vlans = read_vlans(reader, "pvid", "tagged")
    prune = reader.read("prune", yes_or_no, absent=True)
    foreign = reader.read("foreign", partial(word, Foreign), None)
    on_failure = reader.read("on-failure", partial(word, OnFailure), OnFailure.REFUSE)
    selector = _selector(reader)
    if selector is None:
        return None
    return PortEntry(
        section=reader.section.name or "",
        selector=selector,
        vlans=vlans,
        prune=prune,
        foreign=foreign,
        on_failure=on_failure,
    )


def _selector(reader: SectionReader) -> Selector | None:
    name = reader.section.name or ""
    if name == DEFAULT:
        reader.read("guest", _guest_or_none, "")
        return None
    try:
        if name == "*" or "/" in name:
            return _named_in_heading(reader, name)
        return _named_by_key(reader, device(name))
    except BadValueError as e:
        reader.sheet.blame(reader.section, None, e.found, e.expected)
        return None


def _named_in_heading(reader: SectionReader, name: str) -> Selector:
    if (key := reader.own.get("guest")) is not None:
        found = "the heading says already which guest"
        reader.sheet.blame(reader.section, key, found, "no guest key here")
    if name == "*":
        return Selector(kind=SelectorKind.ANY)
    # No guest's name holds a '/'.
    of_guest, _, nic = name.rpartition("/")
    owner = guest(of_guest)
    if nic == "*":
        return Selector(kind=SelectorKind.GUEST, guest=owner)
    if _ALIAS.fullmatch(nic):
        return Selector(kind=SelectorKind.ALIAS, guest=owner, value=nic)
    if ":" in nic:
        return Selector(kind=SelectorKind.MAC, guest=owner, value=mac(nic))
    raise BadValueError(
        f"{nic!r} is not a NIC of a guest", "a MAC, an alias such as net0 or ua-lan, or *"
    )


def _named_by_key(reader: SectionReader, tap: str) -> Selector | None:
    owner = reader.read("guest", _guest_or_none, "")
    if not owner:
        if not reader.sheet.faults_in(reader.section):
            found = "no guest is named, so this does nothing, as under kvmvlan"
            reader.sheet.warn(reader.section, reader.own.get("guest"), found)
        return None
    if _COMMENT_BEHIND.search(owner):
        reader.warn("guest", f"the guest's name is all of {owner!r}; a comment needs its own line")
    return Selector(kind=SelectorKind.TAP, guest=owner, value=tap)


def _guest_or_none(text: str) -> str:
    return guest(text) if text else ""


def _check_selectors(sheet: Sheet, readers: list[SectionReader], entries: list[PortEntry]) -> None:
    """Refuses two sections that name the same NIC in the same way: neither is more exact."""
    first: dict[Selector, str] = {}
    headings = {reader.section.name: reader.section for reader in readers}
    for entry in entries:
        other = first.setdefault(entry.selector, entry.section)
        if other != entry.section:
            found = f"names the same NIC as [{other}] in line {headings[other].line}"
            sheet.blame(headings[entry.section], None, found, "one section")
