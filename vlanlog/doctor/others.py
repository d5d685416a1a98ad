"""Checks for others that set VLANs on the same bridges: network daemons, libvirt itself.

Must not stop or change them.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from pathlib import Path

from vlanlog.core.desired import EntryIndex
from vlanlog.core.finding import Finding, passed, warned
from vlanlog.doctor.view import View

_NETWORKD = ("etc/systemd/network", "run/systemd/network", "usr/lib/systemd/network")
"""The first folder that has a file of a name decides. Source: systemd.network(5)."""

_NM = tuple(f"{place}/NetworkManager/system-connections" for place in ("etc", "run", "usr/lib"))
_DISPATCHED = ("etc/NetworkManager/dispatcher.d", "usr/lib/NetworkManager/dispatcher.d")
_REPLAY_AFTER = "/etc/NetworkManager/dispatcher.d/50-vlanlog"

REPLAYING = re.compile(r"^[^#\n]*\bvlanlog\b[^#\n]*\breplay\b", re.MULTILINE)
"""Is a line of a script that has vlanlog put back what another has set."""

_Sections = list[tuple[str, list[tuple[str, str]]]]
"""Is an INI file as systemd reads it: a section may come again, and so may a key."""


def networkd(view: View) -> Iterator[Finding]:
    """Asks whether systemd-networkd has VLANs of its own for our ports.

    Source: systemd.network(5), [BridgeVLAN]; since v255 it deletes those of others.
    """
    name = "networkd"
    if not view.path("run/systemd/netif").is_dir():
        yield passed(name, "systemd-networkd does not run here")
        return
    files = _networkd_files(view)
    ours = our_devices(view)
    faults = []
    for device in sorted(ours):
        path = _networkd_file_of(device, files)
        if path is not None and any(section == "BridgeVLAN" for section, _ in files[path]):
            text = f"systemd-networkd sets the VLANs of {device} too, by [BridgeVLAN] of {path}"
            faults.append(warned(name, text, f"take [BridgeVLAN] out of {path}; networkctl reload"))
    yield from faults or [passed(name, "systemd-networkd has no VLANs for these bridges")]


def _networkd_files(view: View) -> dict[Path, _Sections]:
    chosen: dict[str, Path] = {}
    for folder in _NETWORKD:
        for path in view.listed(view.path(folder), "*.network"):
            chosen.setdefault(path.name, path)
    found = {}
    for path in (chosen[name] for name in sorted(chosen)):
        sections = _sections(view.read_text(path))
        for folder in _NETWORKD:
            for part in view.listed(view.path(folder) / f"{path.name}.d", "*.conf"):
                sections += _sections(view.read_text(part))
        found[path] = sections
    return found


def _networkd_file_of(device: str, files: dict[Path, _Sections]) -> Path | None:
    """Returns the file for a device: the first that matches it by name, and no other."""
    for path, sections in files.items():
        matches = [pair for section, pairs in sections if section == "Match" for pair in pairs]
        patterns = [word for key, value in matches if key == "Name" for word in value.split()]
        kept = [word for word in patterns if not word.startswith("!")]
        if any(fnmatchcase(device, word[1:]) for word in patterns if word.startswith("!")):
            continue
        if any(fnmatchcase(device, word) for word in kept):
            return path
    return None


def networkmanager(view: View) -> Iterator[Finding]:
    """Asks whether NetworkManager has bridges of ours, or VLANs for our ports.

    A bridge that it activates gets its VLANs, or none and no filtering where it has been told
    nothing of them.
    Source: nm-settings-keyfile(5), [bridge] vlan-filtering, [bridge-port] vlans;
    ``bridge_set_vlan_options`` in nm-device-bridge.c.
    """
    name = "networkmanager"
    if not view.path("run/NetworkManager").is_dir():
        yield passed(name, "NetworkManager does not run here")
        return
    ours = our_devices(view)
    faults: list[Finding] = []
    for path in (path for folder in _NM for path in view.listed(view.path(folder))):
        if path.is_dir():
            continue
        sections = {section: dict(pairs) for section, pairs in _sections(view.read_text(path))}
        if sections.get("connection", {}).get("interface-name") in ours:
            faults += _networkmanager_faults(path, sections)
    if faults and _is_replayed_after_networkmanager(view):
        yield passed(
            name, "NetworkManager has VLANs for these bridges, and a script of its replays"
        )
        return
    yield from faults or [passed(name, "NetworkManager has no VLANs for these bridges")]


def _networkmanager_faults(path: Path, sections: dict[str, dict[str, str]]) -> Iterator[Finding]:
    name = "networkmanager"
    connection = sections["connection"]
    device = connection["interface-name"]
    if "bridge" in sections or connection.get("type") == "bridge":
        given = sections.get("bridge", {}).get("vlan-filtering", "").lower()
        done = (
            f"sets the VLANs of {device} too"
            if given in ("true", "1", "yes")
            else f"turns the VLAN filtering of {device} off whenever it activates it"
        )
        script = "'#!/bin/sh\\n[ \"$2\" != up ] || vlanlog replay\\n'"
        hint = f"printf {script} >{_REPLAY_AFTER}; chmod 755 {_REPLAY_AFTER}"
        yield warned(name, f"NetworkManager {done}, by {path}", hint)
    if sections.get("bridge-port", {}).get("vlans"):
        text = f"NetworkManager sets the VLANs of {device} too, by {path}"
        connection_id = shlex.quote(connection.get("id", device))
        yield warned(name, text, f"nmcli connection modify {connection_id} bridge-port.vlans ''")


def _is_replayed_after_networkmanager(view: View) -> bool:
    """Tells whether NetworkManager runs a script that replays. Source: NetworkManager(8)."""
    scripts = [path for folder in _DISPATCHED for path in view.listed(view.path(folder))]
    return any(
        path.is_file() and os.access(path, os.X_OK) and REPLAYING.search(view.read_text(path))
        for path in scripts
    )


def native_vlan(view: View) -> Iterator[Finding]:
    """Asks for NICs whose VLANs libvirt (11 and newer) sets, and that our config names."""
    name = "native-vlan"
    index = EntryIndex(view.state.config)
    faults = []
    for guest in view.guests:
        for nic in guest.nics:
            if nic.native_vlan is None:
                continue
            bridge = view.kernel.bridges.get(nic.bridge or "")
            if held := index.for_nic(guest, nic, bridge):
                text = (
                    f"{guest.name}/{nic.mac}: libvirt sets <vlan> {nic.native_vlan}, "
                    f"and so [{held.entry.section}] is not carried out there"
                )
                hint = f"take <vlan> out: virsh edit {shlex.quote(guest.name)}; or the section"
                faults.append(warned(name, text, hint))
    yield from faults or [passed(name, "no NIC that the config names has its VLANs from libvirt")]


def our_devices(view: View) -> set[str]:
    """Returns bridges and ports whose VLANs are ours to set, and the bridges of these ports."""
    held = view.state.config.bridges.values()
    named = {name for item in held for name in (item.entry.name, *item.entry.trunk_ports)}
    wished = {wish.port for wish in view.desired.ports}
    return named | {port.name for port in wished} | {port.bridge for port in wished}


def _sections(text: str) -> _Sections:
    found: _Sections = []
    for line in _whole_lines(text.splitlines()):
        if line.startswith("[") and line.endswith("]"):
            found.append((line[1:-1], []))
        elif "=" in line and found:
            key, _, value = line.partition("=")
            found[-1][1].append((key.strip(), value.strip()))
    return found


def _whole_lines(lines: Iterable[str]) -> Iterator[str]:
    """Yields lines without comments; one that ends with a backslash goes on in the next."""
    begun = ""
    for line in lines:
        if line.strip().startswith(("#", ";")):
            continue
        if line.endswith("\\"):
            begun += line[:-1] + " "
            continue
        yield (begun + line).strip()
        begun = ""
    if begun:
        yield begun.strip()
