"""Checks of the bridges: what they carry against what the config and the log ask for.

Must not mend: ``vlanlog replay`` does.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator

from vlanlog.core.desired import PortWish
from vlanlog.core.desired import desired as desired_of
from vlanlog.core.finding import Finding, failed, passed, unknown, warned
from vlanlog.core.program import Scope, plan
from vlanlog.core.state import Bridge, Port
from vlanlog.core.vlan import format_vids
from vlanlog.doctor.view import NotSeenError, View
from vlanlog.render.words import change, count

_SHOWN = 5


def config(view: View) -> Iterator[Finding]:
    """Asks whether the config files can be read, and say anything."""
    name = "config"
    files = ("bridge_init.conf", "vlan_filtering.conf")
    for path in (view.settings.conf / file for file in files):
        if path.exists() and not os.access(path, os.R_OK, effective_ids=True):
            raise NotSeenError(f"{path} may not be read", "run 'vlanlog doctor' as root")
    found = view.config
    faults = [failed(name, line, "mend that line") for line in found.errors]
    for fact in found.facts:
        for line in getattr(fact, "warnings", ()):
            faults.append(warned(name, line, "mend that line"))
    held = view.state.config
    if not faults and not held.bridges and not held.ports:
        text = f"{view.settings.conf}: nothing is in force, and so nothing is set"
        faults.append(warned(name, text, "vlanlog capture"))
    told = f"{count(len(held.bridges), 'bridge')}, {count(len(held.ports), 'section')} for ports"
    yield from faults or [passed(name, f"{view.settings.conf}: {told}")]


def filtering(view: View) -> Iterator[Finding]:
    """Asks whether the bridges that matter are there and filter VLANs."""
    name = "filtering"
    faults: list[Finding] = []
    wishes = _wishes(view)
    for bridge in view.state.config.bridges:
        found = view.kernel.bridges.get(bridge)
        if found is None:
            text = f"{bridge} does not exist, and bridge_init.conf names it"
            faults.append(
                failed(name, text, f"ip link add {bridge} type bridge; or take [{bridge}] out")
            )
        elif not found.vlan_filtering:
            text = f"{bridge} does not filter: every port is in every VLAN"
            faults.append(failed(name, text, f"vlanlog replay --bridge {bridge}"))
    for bridge, named in _by_bridge(wishes.values()).items():
        found = view.kernel.bridges[bridge]
        if not found.vlan_filtering and bridge not in view.state.config.bridges:
            ports = _shown(wish.port.name for wish in named)
            text = f"{bridge} does not filter, and sections name its ports ({ports})"
            faults.append(warned(name, text, f"name [{bridge}] in bridge_init.conf"))
    count_on = sum(item.vlan_filtering for item in view.kernel.bridges.values())
    yield from faults or [passed(name, f"{count(count_on, 'bridge')} with VLAN filtering")]


def default_pvid(view: View) -> Iterator[Finding]:
    """Asks whether ports carry their bridge's default VLAN that nothing asked for."""
    name = "default-pvid"
    wishes = _wishes(view)
    faults: list[Finding] = []
    for bridge in _filtering(view):
        leaks = [
            port.name
            for port in _ports(view, bridge)
            # Without a default it is 0, which no port has.
            if port.vlans.pvid == bridge.default_pvid
            and not _asked_for(wishes.get(port.name), bridge.default_pvid)
        ]
        if leaks:
            text = (
                f"{bridge.name}: VLAN {bridge.default_pvid} is on {_shown(leaks)} by default, "
                "and nothing asked for it"
            )
            hint = f"default-pvid = 0 in [{bridge.name}], or a section for the ports; "
            faults.append(warned(name, text, f"{hint}then vlanlog replay"))
    yield from faults or [passed(name, "no port has its bridge's default VLAN unasked")]


def trunk_vids(view: View) -> Iterator[Finding]:
    """Asks whether the trunks carry the VLANs of their bridges' guests, now and as desired."""
    name = "trunk-vids"
    wishes = _wishes(view)
    faults: list[Finding] = []
    for bridge in _filtering(view):
        held = view.state.config.bridges.get(bridge.name)
        trunks = set(held.entry.trunk_ports) if held else set()
        if not trunks:
            continue
        now = carried = due = asked = 0
        for port in _ports(view, bridge):
            wish = wishes.get(port.name)
            wished = wish.vlans.members if wish else 0
            if port.name in trunks:
                carried, asked = carried | port.vlans.members, asked | wished
            elif wish or view.owners.of(port):
                # The default VLAN that nothing asked for is another check's.
                kept = 0 if wish else 1 << bridge.default_pvid
                now, due = now | (port.vlans.members & ~kept), due | wished
        shown = _shown(trunks)
        if missing := due & ~asked:
            text = f"{bridge.name}: VLAN {format_vids(missing)} of its ports ends at {shown}"
            faults.append(
                warned(name, text, f"add it to trunk-tags of [{bridge.name}]; vlanlog replay")
            )
        if missing := now & ~carried & ~(due & ~asked):
            text = f"{bridge.name}: VLAN {format_vids(missing)} is on its ports, not on {shown} now"
            faults.append(failed(name, text, f"vlanlog replay --bridge {bridge.name}"))
    yield from faults or [passed(name, "trunks carry the VLANs of their bridges' ports")]


def sub_interfaces(view: View) -> Iterator[Finding]:
    """Asks for VLAN devices that stand on a port, and take its VLAN before the bridge sees it.

    Source: ``vlan_do_receive`` is called before the bridge's ``rx_handler``, in
    ``__netif_receive_skb_core``.
    """
    name = "sub-interfaces"
    wishes = _wishes(view)
    filtering_bridges = {bridge.name for bridge in _filtering(view)}
    faults: list[Finding] = []
    for device in view.devices.values():
        port = view.kernel.ports.get(device.lower) if device.lower is not None else None
        if device.vid is None or port is None or port.bridge not in filtering_bridges:
            continue
        wish = wishes.get(port.name)
        members = port.vlans.members | (wish.vlans.members if wish else 0)
        used = members >> device.vid & 1
        if port.is_self and not used:
            text = f"{device.name} gets nothing: {port.name} itself is not in VLAN {device.vid}"
            faults.append(warned(name, text, f"add it to br-tags of [{port.name}]; vlanlog replay"))
        elif not port.is_self and device.up:
            text = (
                f"{device.name} takes VLAN {device.vid} from {port.name} "
                f"before {port.bridge} sees it"
            )
            hint = f"use VLAN {device.vid} on {port.bridge} itself, and: ip link del {device.name}"
            faults.append((failed if used else warned)(name, text, hint))
    yield from faults or [passed(name, "no VLAN device takes from a port")]


def drift(view: View) -> Iterator[Finding]:
    """Asks whether the kernel carries what is desired."""
    name = "drift"
    todo = plan(desired_of(view.state, view.kernel), view.kernel, Scope())
    faults: list[Finding] = []
    if todo.ports or todo.bridges:
        ports = [
            f"{item.wish.port.name} ({change(item.before, item.wish.vlans)})" for item in todo.ports
        ]
        bridges = [f"{item.bridge.name} ({', '.join(item.steps)})" for item in todo.bridges]
        text = f"the kernel is not as desired: {_shown([*bridges, *ports])}"
        faults.append(failed(name, text, "vlanlog diff; vlanlog replay"))
    for line in todo.missing:
        faults.append(failed(name, line, "vlanlog replay --dry-run"))
    if not faults and not todo.unchanged:
        yield passed(name, "nothing is desired of any port")
        return
    yield from faults or [passed(name, f"{count(todo.unchanged, 'port')} as desired")]


def guests(view: View) -> Iterator[Finding]:
    """Asks whether the log has met the guests that run."""
    name = "guests"
    for unread in view.live.unread:
        hint = "run 'vlanlog doctor' as root"
        yield unknown(name, f"{unread.path}: {unread.reason}", hint)
    known = {guest.uuid for guest in view.state.guests.values() if guest.running}
    live = list(view.live.guests.values())
    unmet = [guest.name for guest in live if guest.uuid not in known]
    if unmet:
        text = f"no hook has told of {_shown(unmet)}, which runs: its ports are nobody's to vlanlog"
        hint = "systemctl restart libvirtd (or virtqemud): guests go on, and are told of"
        yield warned(name, text, hint)
    elif not view.live.unread:
        yield passed(name, f"{count(len(live), 'guest')} of libvirt's, all known to the log")


def _wishes(view: View) -> dict[str, PortWish]:
    return {wish.port.name: wish for wish in view.desired.ports}


def _asked_for(wish: PortWish | None, vid: int) -> bool:
    return wish is not None and bool(wish.vlans.members >> vid & 1)


def _filtering(view: View) -> list[Bridge]:
    found = (bridge for bridge in view.kernel.bridges.values() if bridge.vlan_filtering)
    return sorted(found, key=lambda bridge: bridge.name)


def _ports(view: View, bridge: Bridge) -> list[Port]:
    found = (port for port in view.kernel.ports.values() if port.bridge == bridge.name)
    return sorted(found, key=lambda port: (not port.is_self, port.name))


def _by_bridge(wishes: Iterable[PortWish]) -> dict[str, list[PortWish]]:
    found: dict[str, list[PortWish]] = {}
    for wish in wishes:
        found.setdefault(wish.port.bridge, []).append(wish)
    return found


def _shown(names: Iterable[str]) -> str:
    """Returns a few of the names, and how many there are besides."""
    every = sorted(names)
    more = f" and {len(every) - _SHOWN} more" if len(every) > _SHOWN else ""
    return ", ".join(every[:_SHOWN]) + more
