"""Lists the devices of a network namespace: hardware, bonds, taps, VLAN devices.

Must not change any, nor read their VLANs.
"""

from __future__ import annotations

from collections.abc import Mapping

from vlanlog.core.device import Device
from vlanlog.core.state import IfIndex
from vlanlog.core.vlan import Vid
from vlanlog.errors import KernelError
from vlanlog.kernel.frame import Message, WireError, attribute, attributes, text, unpacked
from vlanlog.kernel.netlink import NetlinkSocket
from vlanlog.kernel.wire import (
    IFLA_EXT_MASK,
    IFLA_IFNAME,
    IFLA_MASTER,
    LINK_HEADER,
    RTM_GETLINK,
    U16,
    U32,
)

_IFF_UP = 1
_IFLA_LINK = 5
_IFLA_LINKINFO = 18
_IFLA_LINK_NETNSID = 37
_IFLA_INFO_KIND = 1
_IFLA_INFO_DATA = 2
_IFLA_VLAN_ID = 1
_FILTER_SKIP_STATS = 8


def read_devices() -> Mapping[IfIndex, Device]:
    """Returns the devices of the namespace that the thread is in.

    Raises: KernelError.
    """
    query = LINK_HEADER.pack(0, 0, 0, 0, 0)
    query += attribute(IFLA_EXT_MASK, U32.pack(_FILTER_SKIP_STATS))
    try:
        with NetlinkSocket() as socket:
            found = [device(part) for part in socket.dump(RTM_GETLINK, query)]
    except (OSError, WireError) as error:
        raise KernelError(f"reading devices: {error}", hint="try 'ip -d link'") from error
    return {item.ifindex: item for item in found}


def device(received: Message) -> Device:
    """Returns what an RTM_NEWLINK of no family says of a device.

    Raises: WireError.
    """
    _, _, ifindex, flags, _ = unpacked(LINK_HEADER, received.body, "link message")
    found = dict(attributes(received.body, LINK_HEADER.size))
    info = dict(attributes(found.get(_IFLA_LINKINFO, b"")))
    kind = text(info.get(_IFLA_INFO_KIND, b""))
    return Device(
        ifindex=IfIndex(ifindex),
        name=text(found.get(IFLA_IFNAME, b"")),
        kind=kind,
        master=_index(found, IFLA_MASTER),
        # The number of a veth's other end means another device where that is elsewhere.
        lower=None if _IFLA_LINK_NETNSID in found else _index(found, _IFLA_LINK),
        vid=_vid(info) if kind == "vlan" else None,
        up=bool(flags & _IFF_UP),
    )


def _index(found: Mapping[int, bytes], kind: int) -> IfIndex | None:
    payload = found.get(kind)
    if payload is None:
        return None
    (index,) = unpacked(U32, payload, "device's number")
    return IfIndex(index) if index else None


def _vid(info: Mapping[int, bytes]) -> Vid | None:
    data = dict(attributes(info.get(_IFLA_INFO_DATA, b"")))
    payload = data.get(_IFLA_VLAN_ID)
    return None if payload is None else Vid(unpacked(U16, payload, "VLAN id")[0])
