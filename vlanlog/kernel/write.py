"""Programs VLANs, and sets bridges; answers with an error text per change.

Must not decide what to send, nor believe an acknowledgement: callers read again.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator, Mapping, Sequence

from vlanlog.core.plan import PortChange
from vlanlog.core.state import IfIndex
from vlanlog.kernel.closing import Closing
from vlanlog.kernel.frame import Ack, WireError
from vlanlog.kernel.links import set_bridge
from vlanlog.kernel.netlink import NetlinkSocket
from vlanlog.kernel.wire import dellink, setlink

_SEND_MESSAGES = 64
_SEND_BYTES = 64 * 1024
"""Bounds what waits for its acknowledgement: 64 take a third of the default receive queue."""

_NO_ANSWER = "the kernel's answer was lost"


def _error(answer: Ack | None) -> str:
    if answer is None:
        return _NO_ANSWER
    if answer.errno == errno.EPERM and not answer.text:
        return f"{answer} (needs CAP_NET_ADMIN)"
    return str(answer)


def _sends(requests: Mapping[int, bytes]) -> Iterator[dict[int, bytes]]:
    batch: dict[int, bytes] = {}
    size_bytes = 0
    for seq, request in requests.items():
        if batch and (len(batch) == _SEND_MESSAGES or size_bytes + len(request) > _SEND_BYTES):
            yield batch
            batch, size_bytes = {}, 0
        batch[seq] = request
        size_bytes += len(request)
    if batch:
        yield batch


class NetlinkWriter(Closing):
    """Programs the network namespace in which it was made, and its thread stays.

    ``messages_sent`` counts requests, those among them that were sent again.
    Units: queue_bytes is what the socket's queue of answers holds, 0 for the kernel's default.
    """

    def __init__(self, *, queue_bytes: int = 0) -> None:
        self.messages_sent = 0
        self._socket = NetlinkSocket(queue_bytes=queue_bytes)

    def close(self) -> None:
        """Closes the socket."""
        self._socket.close()

    def add(self, changes: Sequence[PortChange]) -> list[str]:
        """Sends one SETLINK per change; returns an error text per change, or an empty one."""
        return self._program(setlink, changes)

    def delete(self, changes: Sequence[PortChange]) -> list[str]:
        """Sends one DELLINK per change; answers likewise. Absent vids are no error."""
        return self._program(dellink, changes)

    def set_vlan_filtering(self, bridge: IfIndex, on: bool) -> str:
        """Switches a bridge's VLAN filtering; answers with an error text or nothing."""
        return self._set(bridge, "IFLA_BR_VLAN_FILTERING", int(on))

    def set_default_pvid(self, bridge: IfIndex, default_pvid: int) -> str:
        """Sets the VLAN that joining ports get (0 for none); answers likewise."""
        return self._set(bridge, "IFLA_BR_VLAN_DEFAULT_PVID", default_pvid)

    def _set(self, bridge: IfIndex, setting: str, value: int) -> str:
        seq = self._socket.next_seq()
        return self._errors({seq: set_bridge(seq, bridge, setting, value)})[seq]

    def _program(
        self, encode: Callable[[int, PortChange], bytes], changes: Sequence[PortChange]
    ) -> list[str]:
        errors = [""] * len(changes)
        requests: dict[int, bytes] = {}
        place: dict[int, int] = {}
        for number, change in enumerate(changes):
            if not change.ranges:
                continue
            seq = self._socket.next_seq()
            try:
                requests[seq] = encode(seq, change)
            except WireError as e:
                errors[number] = str(e)
            place[seq] = number
        for seq, error in self._errors(requests).items():
            errors[place[seq]] = error
        return errors

    def _errors(self, requests: Mapping[int, bytes]) -> dict[int, str]:
        errors: dict[int, str] = {}
        for batch in _sends(requests):
            errors |= self._batch_errors(batch)
        return errors

    def _batch_errors(self, batch: dict[int, bytes]) -> dict[int, str]:
        try:
            answers = self._answers(batch)
            # Asking again is harmless: what a request says holds no matter how often it is said.
            for seq in batch.keys() - answers.keys():
                answers |= self._answers({seq: batch[seq]})
        except OSError as e:
            return dict.fromkeys(batch, os.strerror(e.errno or errno.EIO))
        return {seq: _error(answers.get(seq)) for seq in batch}

    def _answers(self, batch: dict[int, bytes]) -> dict[int, Ack]:
        self.messages_sent += len(batch)
        return self._socket.acknowledged(batch)
