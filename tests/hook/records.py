"""The fields of a hook's records, as the dispatcher writes them."""

from uuid import UUID

from tests.hook.tree import UUID as GUEST
from tests.hook.tree import XML
from vlanlog.core.event import Actor, ActorSource
from vlanlog.core.state import Nic

NIC = Nic(mac="52:54:00:aa:bb:cc", alias="net0", tap="vnet0", bridge="br0")
RECORD = {
    "verb": b"record",
    "kind": b"invoked",
    "event_id": UUID(int=7).bytes,
    "correlation_id": UUID(int=9).bytes,
    "at_ns": b"1700000000000000001",
    "boot_id": b"boot",
    "uid": b"0",
    "loginuid": b"1000",
    "pid": b"42",
    "parent": b"libvirtd",
    "driver": b"qemu",
    "hook": b"qemu_start_begin",
    "arguments": b"VM1\0start\0begin\0-",
    "object": b"VM1",
    "operation": b"start",
    "sub_operation": b"begin",
    "extra": b"-",
    "guest_name": b"VM1",
    "guest_uuid": GUEST.encode(),
    "xml": XML,
}
OPTIONAL = {"verb", "hook", "guest_name", "guest_uuid"}
FINISHED = {
    **RECORD,
    "kind": b"finished",
    "script": b"a.sh",
    "exit_status": b"143",
    "timed_out": b"1",
    "duration_ns": b"5",
    "log_tail": b"bad\0 \xff\n",
}
ACTOR = Actor(
    source=ActorSource.HOOK,
    uid=0,
    login_uid=1000,
    pid=42,
    command="qemu VM1 start begin -",
    parent="libvirtd",
)
