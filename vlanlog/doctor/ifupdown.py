"""The check for ifupdown2, which sets filtering and VLANs of the bridges that its files describe.

Must not change a file.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from vlanlog.core.finding import Finding, passed, warned
from vlanlog.doctor.others import REPLAYING, our_devices
from vlanlog.doctor.view import View

_PROGRAM = ("usr/share/ifupdown2", "usr/sbin/ifreload", "sbin/ifreload")
"""Debian's own ifupdown has none of them, and sets filtering only where it makes a bridge."""

_VLAN_KEYS = ("bridge-vids", "bridge-pvid", "bridge-access")
_DEPTH = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stanza:
    """Is what the files say of one interface: each key's first value, and the first file."""

    path: Path
    keys: dict[str, str]
    replays: bool

    @property
    def is_bridge(self) -> bool:
        return "bridge-ports" in self.keys or "bridge-vlan-aware" in self.keys

    @property
    def is_aware(self) -> bool:
        return self.keys.get("bridge-vlan-aware", "").lower() in ("yes", "on", "true", "1")

    @property
    def vlan_keys(self) -> list[str]:
        return [key for key in _VLAN_KEYS if key in self.keys]

    @property
    def has_ports(self) -> bool:
        return self.keys.get("bridge-ports", "none") not in ("", "none")


def ifupdown(view: View) -> Iterator[Finding]:
    """Asks whether ifupdown2 sets the VLANs of our bridges or ports.

    It turns filtering off for a bridge without ``bridge-vlan-aware yes``, and takes from its ports
    every VLAN that its files do not name.
    Source: addons/bridge.py of ifupdown2 3.0, which was run; ifupdown-addons-interfaces(5).
    """
    name = "ifupdown"
    if not any(view.path(path).exists() for path in _PROGRAM):
        yield passed(name, "ifupdown2 is not on this host")
        return
    stanzas = _stanzas(view)
    faults: list[Finding] = []
    for device in sorted(our_devices(view) & stanzas.keys()):
        stanza = stanzas[device]
        if stanza.is_bridge:
            faults += _bridge_faults(device, stanza)
        elif stanza.vlan_keys and not _is_replayed(view, device, stanzas):
            keys = ", ".join(stanza.vlan_keys)
            text = f"ifreload sets the VLANs of {device} too, by {keys} of {stanza.path}"
            faults.append(warned(name, text, f"take {keys} of {device} out of {stanza.path}"))
    told = "/etc/network/interfaces has no VLANs for these bridges, or replays"
    yield from faults or [passed(name, told)]


def _bridge_faults(device: str, stanza: _Stanza) -> Iterator[Finding]:
    name = "ifupdown"
    replay = "" if stanza.replays else f"post-up vlanlog replay --bridge {device}"
    where = f"below 'iface {device}' in {stanza.path}"
    if not stanza.is_aware:
        text = f"ifreload turns the VLAN filtering of {device} off, by {stanza.path}"
        lines = "; ".join(line for line in ("bridge-vlan-aware yes", replay) if line)
        yield warned(name, text, f"{where}: {lines}")
    elif replay and (stanza.has_ports or stanza.vlan_keys):
        text = f"ifreload sets the VLANs of {device} and its ports too, by {stanza.path}"
        yield warned(name, text, f"{where}: {replay}")


def _is_replayed(view: View, device: str, stanzas: dict[str, _Stanza]) -> bool:
    bridges = [port.bridge for port in view.kernel.ports.values() if port.name == device]
    return any(bridge in stanzas and stanzas[bridge].replays for bridge in bridges)


def _stanzas(view: View) -> dict[str, _Stanza]:
    found: dict[str, _Stanza] = {}
    for path, device, key, value in _lines(view, view.path("etc/network/interfaces"), _DEPTH):
        held = found.get(device, _Stanza(path=path, keys={}, replays=False))
        replays = key in ("up", "post-up") and bool(REPLAYING.search(value))
        found[device] = _Stanza(
            path=held.path,
            keys={key: value, **held.keys},
            replays=held.replays or replays,
        )
    return found


def _lines(view: View, path: Path, depth: int) -> Iterator[tuple[Path, str, str, str]]:
    """Yields each line of each ``iface`` as (file, device, key, value), included files too."""
    device = ""
    for line in view.read_text(path).replace("\\\n", " ").splitlines():
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        if words[0] in ("iface", "auto", "vlan", "mapping") or words[0].startswith("allow-"):
            device = words[1] if words[0] == "iface" and len(words) > 1 else ""
        elif words[0] in ("source", "source-directory") and depth and len(words) > 1:
            for included in _included(view, path, words[0], words[1]):
                yield from _lines(view, included, depth - 1)
        elif device:
            yield path, device, words[0].replace("_", "-"), " ".join(words[1:])


def _included(view: View, path: Path, how: str, what: str) -> list[Path]:
    target = view.path(what) if what.startswith("/") else path.parent / what
    if how == "source-directory":
        return [found for found in view.listed(target) if found.is_file()]
    return view.listed(target.parent, target.name)
