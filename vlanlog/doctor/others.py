"""Checks for others that set VLANs on the same bridges: network managers, libvirt itself.

Must not stop or change them.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from pathlib import Path

from vlanlog.core.desired import EntryIndex
from vlanlog.core.finding import Finding, passed, warned
from vlanlog.doctor.view import View

_NETWORKD = ("etc/systemd/network", "run/systemd/network", "usr/lib/systemd/network")
"""The first folder that has a file of a name decides. Source: systemd.network(5)."""

_NM = ("etc/NetworkManager/system-connections", "run/NetworkManager/system-connections")
_IFUPDOWN_KEYS = ("bridge-vids", "bridge-pvid", "bridge-access", "bridge-vlan-aware")
_IFUPDOWN_DEPTH = 5

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
    ours = _our_devices(view)
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
    """Asks whether NetworkManager has VLANs of its own for our ports.

    Source: nm-settings-keyfile(5), [bridge] vlan-filtering, [bridge-port] vlans.
    """
    name = "networkmanager"
    if not view.path("run/NetworkManager").is_dir():
        yield passed(name, "NetworkManager does not run here")
        return
    ours = _our_devices(view)
    faults = []
    for path in (path for folder in _NM for path in view.listed(view.path(folder))):
        if path.is_dir():
            continue
        sections = {section: dict(pairs) for section, pairs in _sections(view.read_text(path))}
        device = sections.get("connection", {}).get("interface-name", "")
        if device not in ours:
            continue
        own = sections.get("bridge", {}).get("vlan-filtering", "").lower() in ("true", "1", "yes")
        if own or sections.get("bridge-port", {}).get("vlans"):
            text = f"NetworkManager sets the VLANs of {device} too, by {path}"
            hint = f"nmcli connection modify {sections['connection'].get('id', device)} " + (
                "bridge.vlan-filtering no" if own else "bridge-port.vlans ''"
            )
            faults.append(warned(name, text, hint))
    yield from faults or [passed(name, "NetworkManager has no VLANs for these bridges")]


def ifupdown(view: View) -> Iterator[Finding]:
    """Asks whether /etc/network/interfaces has VLANs of its own for our ports.

    Source: ifupdown-addons-interfaces(5) of ifupdown2.
    """
    name = "ifupdown"
    ours = _our_devices(view)
    faults = []
    main = view.path("etc/network/interfaces")
    for path, device, key in _stanza_keys(view, main, _IFUPDOWN_DEPTH):
        if device in ours and key in _IFUPDOWN_KEYS:
            text = f"ifreload sets the VLANs of {device} too, by {key} of {path}"
            faults.append(warned(name, text, f"take {key} of {device} out of {path}"))
    yield from faults or [passed(name, "/etc/network/interfaces has no VLANs for these bridges")]


def _stanza_keys(view: View, path: Path, depth: int) -> Iterator[tuple[Path, str, str]]:
    """Yields each key of each ``iface`` as (file, device, key), included files too."""
    device = ""
    for line in view.read_text(path).replace("\\\n", " ").splitlines():
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        if words[0] in ("iface", "auto", "vlan", "mapping") or words[0].startswith("allow-"):
            device = words[1] if words[0] == "iface" and len(words) > 1 else ""
        elif words[0] in ("source", "source-directory") and depth and len(words) > 1:
            for included in _included(view, path, words[0], words[1]):
                yield from _stanza_keys(view, included, depth - 1)
        else:
            yield path, device, words[0].replace("_", "-")


def _included(view: View, path: Path, how: str, what: str) -> list[Path]:
    target = view.path(what) if what.startswith("/") else path.parent / what
    if how == "source-directory":
        return [found for found in view.listed(target) if found.is_file()]
    return view.listed(target.parent, target.name)


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


def _our_devices(view: View) -> set[str]:
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
