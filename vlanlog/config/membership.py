"""Reads a PVID and a list of tagged vids as what a port carries.

Must not know which file the keys are in.
"""

from __future__ import annotations

from vlanlog.config.sheet import SectionReader
from vlanlog.config.values import pvid, vids
from vlanlog.core.vlan import PortVlans, Vid

# kvmvlan's default, and the kernel's own.
_ABSENT_PVID: Vid | None = Vid(1)


def read_vlans(reader: SectionReader, pvid_key: str, tags_key: str) -> PortVlans:
    """Returns the VLANs that two keys give a port; a vid in both is the PVID, untagged."""
    native = reader.read(pvid_key, pvid, _ABSENT_PVID)
    tagged = reader.read(tags_key, vids, 0)
    if native is not None and tagged >> native & 1:
        reader.warn(tags_key, f"{native} is the {pvid_key} too, and is left untagged")
    return PortVlans.of(pvid=native, tagged=tagged)
