"""Plugs NICs into running guests, and sees when taps join and when libvirt's files tell of them.

Must not compare anything.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tests.kernel.listener import Listener, decoded
from tests.lab.domain import Nic, nic_xml
from tests.lab.libvirtd import Libvirtd
from tests.libvirt.host import wait_until
from vlanlog.core.notice import PortMessage
from vlanlog.kernel.frame import messages
from vlanlog.libvirt import LiveGuests

_DEVICES = Path("/sys/class/net")
_LOOK_EVERY_S = 0.001


@dataclass(frozen=True, slots=True, kw_only=True)
class Plugged:
    """Is a NIC that was plugged in.

    Units: told_ms is from the tap's joining its bridge to the status file that names the tap,
    returned_ms to virsh's end; both are of the machine that the test ran on.
    """

    tap: str
    tap_mac: str
    told_ms: float
    returned_ms: float

    def __str__(self) -> str:
        return (
            f"{self.tap} told {self.told_ms:.0f} ms after it joined, virsh {self.returned_ms:.0f}"
        )


def plug(
    daemon: Libvirtd,
    guest: str,
    mac: str,
    *,
    bridge: str = "br0",
    network: str = "",
    target: str | None = None,
) -> Plugged:
    """Runs ``virsh attach-interface`` and looks on.

    Raises: LabError.
    """
    listener, live, before = Listener(), LiveGuests(), taps()
    where = f"network {network}" if network else f"bridge {bridge}"
    command = f"attach-interface {guest} {where} --mac {mac} --model virtio --live"
    command += f" --target {target}" if target else ""
    with ThreadPoolExecutor(1) as pool:
        virsh = pool.submit(_timed, daemon, command)
        tap, joined_s = next(_joining(listener, virsh, before), ("", 0.0))
        while not (_is_told(live, tap) or virsh.done()):
            time.sleep(_LOOK_EVERY_S)
        told_s, returned_s = time.monotonic(), virsh.result()
    listener.close()
    return Plugged(
        tap=tap,
        tap_mac=(_DEVICES / tap / "address").read_text().strip(),
        told_ms=(told_s - joined_s) * 1000,
        returned_ms=(returned_s - joined_s) * 1000,
    )


def move(daemon: Libvirtd, guest: str, mac: str, bridge: str) -> None:
    """Has ``virsh update-device`` put a NIC, otherwise as it is, on another bridge."""
    device = Path("/run/device.xml")
    device.write_text(nic_xml(Nic(bridge=bridge, mac=mac)))
    daemon.virsh("update-device", guest, "--live", "--file", str(device))


def unplug(daemon: Libvirtd, guest: str, mac: str) -> None:
    """Takes a NIC out of a guest that heeds no request: libvirt waits 5 s, and a reset ends it."""
    before = taps()
    daemon.virsh("detach-interface", guest, "bridge", "--mac", mac, "--live")
    daemon.virsh("reset", guest)
    wait_until(lambda: taps() < before, f"the tap of {mac} to go")


def taps() -> set[str]:
    """Returns the names of the devices that are there."""
    return {path.name for path in _DEVICES.iterdir()}


def _timed(daemon: Libvirtd, command: str) -> float:
    daemon.virsh(*command.split())
    return time.monotonic()


def _joining(
    listener: Listener, virsh: Future[float], before: set[str]
) -> Iterator[tuple[str, float]]:
    while not virsh.done():
        for data in listener.datagrams():
            for part in messages(data):
                heard = decoded(part)
                if isinstance(heard, PortMessage) and heard.name not in before:
                    yield heard.name, time.monotonic()
        time.sleep(_LOOK_EVERY_S)


def _is_told(live: LiveGuests, tap: str) -> bool:
    return any(nic.tap == tap for guest in live.read().guests.values() for nic in guest.nics)
