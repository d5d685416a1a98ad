"""Writes bridge_init.conf and vlan_filtering.conf from values, so that they are read back.

Must not decide what is written, nor where: the text is the answer.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType

from vlanlog.config.fault import printable
from vlanlog.core.entry import BridgeEntry, Foreign, OnFailure, PortEntry, SelectorKind
from vlanlog.core.vlan import PortVlans, format_vids

Comments = Mapping[str, Sequence[str]]
"""Is what stands above a section, by its heading, a line each; under "" what stands first."""

NO_COMMENTS: Comments = MappingProxyType({})

_WIDTH = 90
_ABSENT = PortVlans.of(pvid=1)
"""What a port is read as of which no key says anything."""


def bridges_text(entries: Iterable[BridgeEntry], comments: Comments = NO_COMMENTS) -> str:
    """Returns a bridge_init.conf of which ``read_bridges`` gives the entries.

    Shape: the entries' names are such as ``read_bridges`` takes.
    """
    return _text(((entry.name, _bridge_keys(entry)) for entry in entries), comments)


def ports_text(entries: Iterable[PortEntry], comments: Comments = NO_COMMENTS) -> str:
    """Returns a vlan_filtering.conf of which ``read_ports`` gives the entries.

    Shape: the entries' sections are such as ``read_ports`` takes, and say what the selectors do.
    """
    return _text(((entry.section, _port_keys(entry)) for entry in entries), comments)


def _bridge_keys(entry: BridgeEntry) -> Iterator[tuple[str, str]]:
    if entry.trunk_ports or entry.trunk != _ABSENT:
        yield "trunk-port", _escaped(" ".join(entry.trunk_ports))
        yield from _vlan_keys(entry.trunk, "trunk-pvid", "trunk-tags")
    yield from _vlan_keys(entry.own, "br-pvid", "br-tags")
    if entry.default_pvid is not None:
        yield "default-pvid", str(entry.default_pvid)
    if not entry.prune:
        yield "prune", "no"
    if entry.foreign is not Foreign.RECORD:
        yield "foreign", entry.foreign


def _port_keys(entry: PortEntry) -> Iterator[tuple[str, str]]:
    if entry.selector.kind is SelectorKind.TAP:
        yield "guest", _escaped(entry.selector.guest)
    yield from _vlan_keys(entry.vlans, "pvid", "tagged")
    if not entry.prune:
        yield "prune", "no"
    if entry.foreign is not None:
        yield "foreign", entry.foreign
    if entry.on_failure is not OnFailure.REFUSE:
        yield "on-failure", entry.on_failure


def _vlan_keys(vlans: PortVlans, pvid_key: str, tags_key: str) -> Iterator[tuple[str, str]]:
    yield pvid_key, "" if vlans.pvid is None else str(vlans.pvid)
    if tagged := vlans.members & ~vlans.untagged:
        # kvmvlan's own scripts read a list with blanks, and none with commas.
        yield tags_key, format_vids(tagged).replace(",", " ")


def _escaped(text: str) -> str:
    return text.replace("%", "%%")


def _text(sections: Iterable[tuple[str, Iterable[tuple[str, str]]]], comments: Comments) -> str:
    blocks = [_commented(comments.get("", ()))]
    for heading, keys in sections:
        lines = [f"[{heading}]", *(_key_line(name, value) for name, value in keys)]
        blocks.append(_commented(comments.get(heading, ())) + lines)
    return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"


def _commented(lines: Iterable[str]) -> list[str]:
    return [f"# {printable(line)}".rstrip() for line in lines]


def _key_line(name: str, value: str) -> str:
    line = f"{name} = {value}".rstrip()
    if len(line) <= _WIDTH or name not in {"tagged", "trunk-tags", "br-tags"}:
        return line
    # A line that is indented more than its key goes on with the key's value.
    return textwrap.fill(line, _WIDTH, subsequent_indent="    ")
