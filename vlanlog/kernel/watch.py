"""Hears what the kernel says of links, ports and VLANs, in the order in which it happened.

Must not send anything nor judge what it hears: core/heard.py knows what is new.
"""

from __future__ import annotations

import array
import errno
import os
import re
import socket
import struct
from collections.abc import Iterator
from itertools import islice

from vlanlog.core.notice import Notice
from vlanlog.errors import KernelError
from vlanlog.kernel.closing import Closing
from vlanlog.kernel.frame import Message, WireError, attributes, messages
from vlanlog.kernel.links import link_message
from vlanlog.kernel.netlink import SOL_NETLINK, LostError, NetlinkError, NetlinkSocket
from vlanlog.kernel.wire import (
    AF_BRIDGE,
    LINK_HEADER,
    RTM_DELLINK,
    RTM_DELVLAN,
    RTM_GETVLAN,
    RTM_NEWLINK,
    RTM_NEWVLAN,
    RTM_SETLINK,
    RTNLGRP_BRVLAN,
    RTNLGRP_LINK,
    port_message,
    vlan_message,
    vlans_query,
)

__all__ = ["QUEUE_BYTES", "LostError", "Watch", "notices", "tells_vlans"]

QUEUE_BYTES = 64 * 1024 * 1024
"""Has room for 150,000 VLAN messages: the kernel doubles it, and charges 896 bytes for each."""

READ_BYTES = 256 * 1024
"""Is ample: the longest message is a port's whose vids are all scattered, of 33 KiB."""

_LIMIT = 1000
_ERRORS_IN_A_ROW = 8

_NETLINK_ADD_MEMBERSHIP = 1
_SO_ATTACH_FILTER = 26
_SO_RCVBUFFORCE = 33
_SO_MEMINFO = 55
_MEMINFO = struct.Struct("=9I")
_MEMINFO_DROPS = 8

_IFLA_WIRELESS = 11
_FIRST_WITH_VLAN_NOTICES = (5, 6)

_LOAD_HALF, _LOAD_BYTE, _JUMP_EQUAL, _RETURN = 0x28, 0x30, 0x15, 0x06
_WHOLE = 0xFFFFFFFF


def _without_port_states() -> bytes:
    """Returns the filter's program: all but RTM_NEWLINK and RTM_SETLINK of AF_BRIDGE.

    They repeat a port's whole list at every change, of which RTM_NEWVLAN and RTM_DELVLAN tell.
    Source: linux/filter.h; halves are loaded in network order, the header is in the host's.
    ``br_vlan_rtm_process`` sends the RTM_SETLINK.
    """
    program = (
        (_LOAD_HALF, 0, 0, 4),
        (_JUMP_EQUAL, 1, 0, socket.htons(RTM_NEWLINK)),
        (_JUMP_EQUAL, 0, 3, socket.htons(RTM_SETLINK)),
        (_LOAD_BYTE, 0, 0, 16),
        (_JUMP_EQUAL, 0, 1, AF_BRIDGE),
        (_RETURN, 0, 0, 0),
        (_RETURN, 0, 0, _WHOLE),
    )
    return b"".join(struct.pack("=HBBI", *step) for step in program)


def notices(datagram: bytes) -> Iterator[Notice]:
    """Yields what the messages of a datagram say.

    Raises: LostError.
    """
    try:
        for part in messages(datagram):
            heard = _notice(part)
            if heard is not None:
                yield heard
    except WireError as e:
        raise LostError(f"a message was not understood: {e}") from e


def _notice(received: Message) -> Notice | None:
    """Returns what a message says, None where it is of no device's state.

    Raises: WireError.
    """
    kind, body = received.kind, received.body
    if kind in (RTM_NEWVLAN, RTM_DELVLAN):
        return vlan_message(received)
    if kind not in (RTM_NEWLINK, RTM_DELLINK):
        return None
    family = body[0] if body else socket.AF_UNSPEC
    if family == AF_BRIDGE:
        return port_message(received)
    if family != socket.AF_UNSPEC or _is_wireless_event(body):
        return None
    return link_message(received)


def _is_wireless_event(body: bytes) -> bool:
    """Tells whether it is a radio's event, which has a name and no master though it is a port.

    Source: ``rtnetlink_ifinfo_prep`` and ``wireless_send_event`` in wext-core.c.
    """
    start = min(LINK_HEADER.size, len(body))
    return any(kind == _IFLA_WIRELESS for kind, _ in islice(attributes(body, start), 2))


def tells_vlans(error: int, release: str) -> bool:
    """Tells by a kernel's answer to RTM_GETVLAN whether it says each change of a VLAN.

    Linux does since 5.6, and before where it was backported. It does not know the request
    either as long as no bridge has been made and the module is not loaded.
    Units: error is an errno, 0 for none.
    Shape: release as ``uname -r`` has it.
    """
    version = tuple(map(int, re.findall(r"\d+", release)[:2]))
    return error != errno.EOPNOTSUPP or version >= _FIRST_WITH_VLAN_NOTICES


def _this_kernel_tells_vlans() -> bool:
    with NetlinkSocket() as kernel:
        try:
            # The loopback device is no port: the shortest answer there is.
            kernel.dump(RTM_GETVLAN, vlans_query(1))
        except NetlinkError as e:
            return tells_vlans(e.errno or 0, os.uname().release)
    return True


class Watch(Closing):
    """Hears the network namespace in which it was made.

    One socket for both groups: two would not tell which of two messages was first.
    """

    def __init__(
        self,
        *,
        buffer_bytes: int = QUEUE_BYTES,
        read_bytes: int = READ_BYTES,
        vlan_notices: bool | None = None,
    ) -> None:
        """Listens from here on; ``vlan_notices`` None asks the kernel for what it can tell.

        Units: buffer_bytes as SO_RCVBUF takes it: the kernel doubles it. A message longer than
        read_bytes is a loss.
        Raises: KernelError.
        """
        self._buffer = bytearray(read_bytes)
        self._lost: LostError | None = None
        try:
            self._socket = socket.socket(
                socket.AF_NETLINK,
                socket.SOCK_RAW | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK,
                socket.NETLINK_ROUTE,
            )
            try:
                self._join(
                    buffer_bytes,
                    _this_kernel_tells_vlans() if vlan_notices is None else vlan_notices,
                )
            except BaseException:
                self._socket.close()
                raise
        except OSError as e:
            raise KernelError(
                f"cannot listen to the kernel: {e.strerror}",
                hint="a sandbox or a limit on open files may forbid it",
            ) from e

    def _join(self, buffer_bytes: int, vlan_notices: bool) -> None:
        # Joined before, the groups up to 32 would be left again by the bind with its mask of 0.
        self._socket.bind((0, 0))
        try:
            self._socket.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, buffer_bytes)
        except PermissionError:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer_bytes)
        groups = [RTNLGRP_LINK]
        if vlan_notices:
            program = array.array("B", _without_port_states())
            address, size = program.buffer_info()
            filter_ = struct.pack("@HP", size // 8, address)
            self._socket.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, filter_)
            groups.append(RTNLGRP_BRVLAN)
        for group in groups:
            self._socket.setsockopt(SOL_NETLINK, _NETLINK_ADD_MEMBERSHIP, group)

    def close(self) -> None:
        """Closes the socket; a second call does nothing."""
        self._socket.close()

    def fileno(self) -> int:
        """Returns the socket's file descriptor; it is readable when something is queued."""
        return self._socket.fileno()

    def read(self, limit: int = _LIMIT) -> list[Notice]:
        """Returns what is queued, up to a limit; read until it returns nothing.

        What came before a loss is returned first, and the loss is told by the next call.
        Raises: LostError, after which ``drain`` is to be called, and everything read anew.
        """
        found: list[Notice] = []
        lost, self._lost = self._lost, None
        while lost is None and len(found) < limit:
            try:
                if not self._read_into(found):
                    break
            except LostError as e:
                lost = e
        if lost is not None:
            if not found:
                raise lost
            self._lost = lost
        return found

    def _read_into(self, found: list[Notice]) -> bool:
        """Adds the notices of the next datagram; tells whether there was one.

        Raises: LostError.
        """
        try:
            size, sender = self._socket.recvfrom_into(self._buffer, 0, socket.MSG_TRUNC)
        except BlockingIOError:
            return False
        except OSError as e:
            name = errno.errorcode.get(e.errno or 0, str(e.errno))
            raise LostError(f"{name}: {e.strerror}") from e
        if size > len(self._buffer):
            raise LostError(f"a message of {size} bytes was cut")
        # Only the kernel is port 0; a privileged process could pose as it otherwise.
        if sender[0] == 0:
            # One by one: what comes before bytes that are no message is heard.
            for heard in notices(bytes(memoryview(self._buffer)[:size])):
                found.append(heard)
        return True

    def drain(self) -> int:
        """Throws away what is queued and returns how many messages that was.

        After an overrun the kernel drops everything until the queue is empty
        (``netlink_broadcast_deliver``, NETLINK_S_CONGESTED), so a part is no use.
        Raises: LostError, where the socket does nothing but fail.
        """
        self._lost = None
        count = errors = 0
        while True:
            try:
                self._socket.recv_into(self._buffer, 1)
                count, errors = count + 1, 0
            except BlockingIOError:
                return count
            except OSError as e:
                errors += 1
                if errors == _ERRORS_IN_A_ROW:
                    raise LostError(f"cannot be drained: {e.strerror}") from e

    def drops(self) -> int:
        """Returns how many messages the kernel has dropped for want of room.

        Source: ``sk_get_meminfo``; the Drops of /proc/net/netlink.
        """
        meminfo = self._socket.getsockopt(socket.SOL_SOCKET, _SO_MEMINFO, _MEMINFO.size)
        return int(_MEMINFO.unpack(meminfo)[_MEMINFO_DROPS])
