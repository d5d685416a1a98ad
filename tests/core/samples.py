"""One event of every kind, each field with a value of its own; ``tests/data/events.jsonl`` has
them as they are written.

A line of that file is never edited: logs out there hold such lines. A new kind or a new version
adds lines; ``python -m tests.core.samples >> tests/data/events.jsonl`` prints the lines that are
not in it yet.
"""

from __future__ import annotations

import json
from pathlib import Path
from uuid import UUID

from tests.core.making import port, raw
from vlanlog.core import codec
from vlanlog.core import event as e
from vlanlog.core.entry import (
    BridgeEntry,
    Foreign,
    OnFailure,
    PortEntry,
    Selector,
    SelectorKind,
)
from vlanlog.core.state import ConfigRole, Nic

GOLDEN = Path(__file__).parents[1] / "data" / "events.jsonl"

_NIC = Nic(
    mac="52:54:00:00:00:01",
    alias="net0",
    tap="vnet0",
    bridge="br0",
    network="lan",
    native_vlan="trunk 42 untagged,47",
)
_BRIDGE = BridgeEntry(
    name="br0",
    trunk_ports=("eth0", "eth1"),
    trunk=port("100-109", pvid=1),
    own=port("200"),
    default_pvid=0,
    prune=False,
    foreign=Foreign.REVERT,
)
_PORT = PortEntry(
    section="VM2/52:54:00:aa:bb:cc",
    selector=Selector(kind=SelectorKind.MAC, guest="VM2", value="52:54:00:aa:bb:cc"),
    vlans=raw("1,5-9", untagged="1,5", pvid=1),
    prune=False,
    foreign=Foreign.ADOPT,
    on_failure=OnFailure.ALLOW,
)
_INTENT = UUID("01980000-0000-7000-8000-000000000001")

FACTS: tuple[e.Fact, ...] = (
    e.HostBooted(previous_boot_id="boot-0"),
    e.DaemonStarted(),
    e.DaemonStopped(),
    e.GapOpened(reason="ENOBUFS"),
    e.GapClosed(reason="re-read"),
    e.HookInvoked(
        driver="qemu",
        operation="release",
        sub_operation="end",
        extra="from snapshot",
        object='VM "ä" 日本\n\x1b',
        daemon="libvirtd",
        nics=(_NIC, Nic(mac="52:54:00:00:00:02")),
        xml_sha256="00" * 32,
        xml_error="none",
    ),
    e.HookInvoked(driver="daemon", operation="start", sub_operation="-", extra="start", object="-"),
    e.ScriptFinished(
        hook="qemu_start_begin",
        script="vlan_filtering.py",
        exit_status=1,
        duration_ns=12_345_678,
        timed_out=True,
        log_tail="vlanlog: error\n",
    ),
    e.ScriptFinished(hook="daemon_start", script="mine", exit_status=None, duration_ns=0),
    e.ConfigLoaded(
        role=ConfigRole.BRIDGES, file="bridge_init.conf", digest="11" * 32, bridges=(_BRIDGE,)
    ),
    e.ConfigLoaded(
        role=ConfigRole.PORTS,
        file="vlan_filtering.conf",
        digest="22" * 32,
        ports=(_PORT,),
        warnings=("vlan_filtering.conf:3: w",),
    ),
    e.ConfigRejected(
        role=ConfigRole.PORTS, file="f", digest="33" * 32, errors=("f:1: a", "f:2: b")
    ),
    e.PortAttached(mac="fe:54:00:00:00:01"),
    e.PortDetached(),
    e.BridgeChanged(vlan_filtering=True, default_pvid=0),
    e.BridgeChanged(gone=True),
    e.VlanAdded(first=100, last=100, pvid=True, untagged=True, cause=_INTENT),
    e.VlanAdded(first=200, last=4094),
    e.VlanRemoved(first=1, last=99, cause=_INTENT),
    e.ProgramIntended(
        before=port(pvid=1),
        after=port("200", pvid=100),
        steps=("add vid 100 pvid untagged", "add vid 200", "del vid 1"),
        because="vlan_filtering.conf [veth0]",
    ),
    e.ProgramFinished(intent=_INTENT, outcome=e.Outcome.DONE),
    e.ProgramFinished(
        intent=_INTENT, outcome=e.Outcome.PARTIAL, found=port("7"), error="No space left on device"
    ),
    e.AssignmentSet(vlans=port("200,300-310"), reason="ticket 42"),
    e.AssignmentCleared(reason="done"),
    e.ReplayStarted(to="observed", scope="bridge br0", at_ns=1_700_000_000_000_000_000),
    e.ReplayFinished(
        added=3, removed=1, ports_changed=2, ports_unchanged=4, messages=5, undone=("veth0: no",)
    ),
    e.GuestRefused(operation="start", problems=("section [veth0] fits no NIC",), refused=True),
    e.GapOpened(reason="the daemon was killed", since_ns=1_700_000_000_000_000_000),
    e.GuestObserved(nics=(_NIC,), source="/run/libvirt/qemu/VM1.xml"),
    e.RevertDelayed(reverts=3, delay_s=8.0),
    e.LogArchived(
        first=1,
        last=1000,
        after_hash="00" * 32,
        hash="11" * 32,
        since_ns=1_690_000_000_000_000_000,
        until_ns=1_695_000_000_000_000_000,
        file="/var/lib/vlanlog/archive/host-a-1-1000.jsonl.xz",
        size_bytes=20_000,
        sha256="22" * 32,
        state_sha256="33" * 32,
        earlier="44" * 32,
    ),
)

_ACTORS = (
    e.Actor(
        source=e.ActorSource.OPERATOR,
        uid=0,
        user="root",
        login_uid=1000,
        pid=4711,
        command="vlanlog replay",
        parent="bash",
    ),
    e.Actor(source=e.ActorSource.HOOK, uid=0, pid=1, parent="libvirtd"),
    e.Actor(source=e.ActorSource.DAEMON),
    e.UNKNOWN_ACTOR,
)
_SUBJECTS = (
    e.Subject(
        guest_uuid="4dea22b3-1d52-d8f3-2516-782e98ab3fa0",
        guest_name="VM ä",
        mac="52:54:00:00:00:01",
        bridge="br0",
        port="vnet0",
        ifindex=7,
    ),
    e.NO_SUBJECT,
)


def events() -> list[e.Event]:
    """Returns the samples, in the order of the golden file."""
    return [
        e.Event(
            event_id=UUID(int=(0x0198 << 112) + (7 << 76) + (8 << 60) + number),
            at_ns=1_700_000_000_000_000_000 + number,
            host="host-a",
            boot_id="1b4e28ba-2fa1-11d2-883f-0016d3cca427",
            actor=_ACTORS[number % len(_ACTORS)],
            correlation_id=UUID(int=number // 3),
            fact=fact,
            subject=_SUBJECTS[number % len(_SUBJECTS)],
        )
        for number, fact in enumerate(FACTS)
    ]


def missing_lines(known: list[str]) -> list[str]:
    """Returns the samples that the golden file does not have yet, chained to its last line.

    What stands in it is never written anew: an old version has to be readable for good.
    """
    prev_hash = bytes.fromhex(json.loads(known[-1])["hash"]) if known else codec.GENESIS
    found = []
    for seq, event in list(enumerate(events(), start=1))[len(known) :]:
        row = codec.encode(event)
        prev_hash = codec.chained(prev_hash, seq, row)
        written = json.loads(codec.row_to_json(row))
        found.append(json.dumps({"seq": seq, "hash": prev_hash.hex(), "row": written}))
    return found


if __name__ == "__main__":
    print("\n".join(missing_lines(GOLDEN.read_text().splitlines() if GOLDEN.exists() else [])))
