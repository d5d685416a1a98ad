"""Many guests on one bridge, whose hooks libvirt calls all at the same moment.

Must not compare anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from tests.kernel.netns import ip_batch
from tests.scenes.guests import Guest, GuestNic
from tests.scenes.stage import Ended, Stage


class Crowd:
    """Is so many guests of a stage, each with a tap of its own that no VLANs were set on yet."""

    def __init__(self, stage: Stage, size: int) -> None:
        self._stage = stage
        self.guests = tuple(_guest(number) for number in range(size))
        self.vlans = {f"tap{n}": f"{2 + n} PVID Egress Untagged, 3000" for n in range(size)}
        sections = (
            f"[tap{number}]\nguest = G{number}\npvid = {2 + number}\ntagged = 3000\n"
            for number in range(size)
        )
        (stage.conf / "vlan_filtering.conf").write_text("\n".join(sections))

    def add_taps(self) -> None:
        taps = [(tap, nic) for guest in self.guests for tap, nic in guest.taps({}).items()]
        ip_batch(
            line
            for tap, nic in taps
            for line in (
                f"tuntap add dev {tap} mode tap",
                f"link set {tap} address {nic.host_mac} master br0 up",
            )
        )

    def reconnect(self) -> list[Ended]:
        """Calls the hook of every guest at once, as a libvirtd that was restarted does."""
        with ThreadPoolExecutor(len(self.guests)) as threads:
            return list(threads.map(self._reconnects, self.guests))

    def _reconnects(self, guest: Guest) -> Ended:
        return self._stage.call(guest, "reconnect", "begin", guest.live_xml())

    def carried(self, names: Sequence[str] | None = None) -> dict[str, str]:
        """Returns what the taps carry, by name."""
        carried = self._stage.carried()
        return {tap: carried.get(tap, "") for tap in names or self.vlans}


def _guest(number: int) -> Guest:
    return Guest(
        name=f"G{number}",
        uuid=f"00000000-0000-4000-8000-{number:012x}",
        nics=(
            GuestNic(mac=f"52:54:00:07:{number >> 8:02x}:{number & 255:02x}", tap=f"tap{number}"),
        ),
    )
