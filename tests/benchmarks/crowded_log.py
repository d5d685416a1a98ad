"""Builds the log of a busy host: 1,000 guests that start, change and stop for thirteen months.

One boot is thought up and the others happen likewise, at other times and with other ids. The rows
are put in past the program, which would take ten times as long; a test verifies what comes of it.
Must not measure anything. The same size gives the same events.
"""

from __future__ import annotations

import gc
import random
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from uuid import UUID

from tests.lab.cache import cache_folder
from vlanlog.core import codec
from vlanlog.core import event as e
from vlanlog.core.codec import Row
from vlanlog.core.entry import PortEntry, Selector, SelectorKind
from vlanlog.core.fold import advance
from vlanlog.core.observe import vlan_facts
from vlanlog.core.state import ConfigRole, HostState, Nic, Seq, tap_mac
from vlanlog.core.vlan import PortVlans, parse_vids
from vlanlog.store import open_log
from vlanlog.store.snapshots import FORMAT, packed

HOST = "kvm1"
GUESTS = 1000
BEGIN_NS = 1_760_000_000_000_000_000
END_NS = BEGIN_NS + 395 * 86_400 * 1_000_000_000

BOOTS = 20
SNAPSHOT_EVERY = 1000

_VERSION = 1
"""Raise it when other events are built, or the same ones are stored otherwise."""

_BATCH = 5000
_NATIVE = PortVlans.of(pvid=1)
_EXTRA = parse_vids("200-219,300,310,320-399")
_WHY = "the entry of the config"

_HOOK = e.Actor(
    source=e.ActorSource.HOOK, uid=0, user="root", pid=2211, command="qemu", parent="libvirtd"
)
_DAEMON = e.Actor(
    source=e.ActorSource.DAEMON, uid=0, user="root", pid=900, command="vlanlog daemon"
)
_OPERATOR = e.Actor(
    source=e.ActorSource.OPERATOR, uid=0, user="root", login_uid=1000, pid=4711,
    command="vlanlog set VM1 --pvid 200 --reason 'moved to the new segment'", parent="bash",
)  # fmt: skip


@dataclass(kw_only=True)
class _Guest:
    number: int
    wish: PortVlans
    tap: int = -1
    ifindex: int = 0

    @property
    def mac(self) -> str:
        return f"52:54:00:01:{self.number >> 8:02x}:{self.number & 255:02x}"

    def named(self) -> e.Subject:
        uuid = f"4dea22b3-1d52-d8f3-2516-{self.number:012x}"
        return e.Subject(guest_uuid=uuid, guest_name=f"VM{self.number}")

    def nic(self) -> e.Subject:
        named = self.named()
        return e.Subject(
            guest_uuid=named.guest_uuid, guest_name=named.guest_name, mac=self.mac, bridge="br0",
            port=f"vnet{self.tap}", ifindex=self.ifindex,
        )  # fmt: skip


class _Life:
    """Tells of one boot, an errand at a time: what belongs together has one correlation id."""

    def __init__(self, guests: int) -> None:
        self._chance = random.Random(guests)
        self._said = 0
        self._ids = 0
        self._next_index = 10
        self._errand = UUID(int=0)
        self._guests = [
            _Guest(number=number, wish=PortVlans.of(pvid=100 + number * 3, tagged=_tags(number)))
            for number in range(1, guests + 1)
        ]

    def events(self) -> Iterator[e.Event]:
        chance = self._chance
        yield from self._booted()
        while True:
            self._errand = self._new_id()
            guest = chance.choice(self._guests)
            draw = chance.random()
            if guest.tap < 0:
                yield from self._start(guest)
            elif draw < 0.10:
                yield from self._stop(guest)
            elif draw < 0.50:
                yield from self._changed(guest)
            elif draw < 0.60:
                vid = 3500 + chance.randrange(500)
                yield self._event(e.UNKNOWN_WRITER, guest.nic(), e.VlanAdded(first=vid, last=vid))
                yield self._event(e.UNKNOWN_WRITER, guest.nic(), e.VlanRemoved(first=vid, last=vid))
            else:
                yield self._hook(guest, "reconnect", "begin")

    def _new_id(self) -> UUID:
        """Returns an id whose first 48 bits, the time, are left to the boot."""
        self._ids += 1
        count, rest = self._ids, self._chance.getrandbits(42)
        return UUID(int=7 << 76 | (count >> 20) << 64 | 2 << 62 | (count & 0xFFFFF) << 42 | rest)

    def _event(
        self, actor: e.Actor, subject: e.Subject, fact: e.Fact, event_id: UUID | None = None
    ) -> e.Event:
        made = e.Event(
            event_id=event_id or self._new_id(), at_ns=self._said, host=HOST, boot_id="",
            actor=actor, correlation_id=self._errand, fact=fact, subject=subject,
        )  # fmt: skip
        self._said += 1
        return made

    def _booted(self) -> Iterator[e.Event]:
        self._errand = self._new_id()
        trunk = e.Subject(bridge="br0", port="eth0", ifindex=2)
        own = e.Subject(bridge="br0", port="br0", ifindex=3)
        bridge = e.BridgeChanged(vlan_filtering=True, default_pvid=1)
        native = e.VlanAdded(first=1, last=1, pvid=True, untagged=True)
        yield self._event(_DAEMON, e.NO_SUBJECT, e.HostBooted())
        yield self._event(_DAEMON, e.NO_SUBJECT, e.DaemonStarted())
        yield self._event(_DAEMON, e.NO_SUBJECT, self._config())
        yield self._event(_DAEMON, e.Subject(bridge="br0", ifindex=3), bridge)
        for port in (own, trunk):
            yield self._event(_DAEMON, port, e.PortAttached(mac="00:11:22:33:44:55"))
            yield self._event(_DAEMON, port, native)
        yield self._event(_DAEMON, trunk, e.VlanAdded(first=2, last=4094))
        yield self._event(_DAEMON, e.NO_SUBJECT, e.GapClosed(reason="the kernel was read"))

    def _config(self) -> e.ConfigLoaded:
        entries = []
        for guest in self._guests:
            name = f"VM{guest.number}"
            selector = Selector(kind=SelectorKind.ALIAS, guest=name, value="net0")
            entries.append(PortEntry(section=f"{name}/net0", selector=selector, vlans=guest.wish))
        return e.ConfigLoaded(
            role=ConfigRole.PORTS,
            file="/etc/libvirt/hooks/conf/vlan_filtering.conf",
            digest="ab" * 32,
            ports=tuple(entries),
        )

    def _hook(self, guest: _Guest, operation: str, sub_operation: str) -> e.Event:
        tap = f"vnet{guest.tap}" if guest.tap >= 0 else None
        called = e.HookInvoked(
            driver="qemu", operation=operation, sub_operation=sub_operation, extra="-",
            object=f"VM{guest.number}", daemon="libvirtd", xml_sha256=f"{guest.number:064x}",
            nics=(Nic(mac=guest.mac, alias="net0", tap=tap, bridge="br0"),),
        )  # fmt: skip
        return self._event(_HOOK, guest.named(), called)

    def _start(self, guest: _Guest) -> Iterator[e.Event]:
        yield self._hook(guest, "prepare", "begin")
        # libvirt counts the names up, the kernel the numbers.
        guest.tap, guest.ifindex = self._next_index - 10, self._next_index
        self._next_index += 1
        yield self._event(_DAEMON, guest.nic(), e.PortAttached(mac=tap_mac(guest.mac)))
        native = e.VlanAdded(first=1, last=1, pvid=True, untagged=True)
        yield self._event(_DAEMON, guest.nic(), native)
        yield self._hook(guest, "start", "begin")
        yield from self._programmed(guest, _NATIVE, _WHY, _HOOK)
        took_ns = 40_000_000 + self._chance.randrange(9_000_000)
        finished = e.ScriptFinished(
            hook="qemu_start_begin", script="vlan_filtering.py", exit_status=0, duration_ns=took_ns
        )
        yield self._event(_HOOK, guest.named(), finished)
        yield self._hook(guest, "started", "begin")

    def _stop(self, guest: _Guest) -> Iterator[e.Event]:
        yield self._event(_DAEMON, guest.nic(), e.PortDetached())
        guest.tap = -1
        yield self._hook(guest, "stopped", "end")
        yield self._hook(guest, "release", "end")

    def _changed(self, guest: _Guest) -> Iterator[e.Event]:
        before, pvid = guest.wish, 100 + self._chance.randrange(3000)
        guest.wish = PortVlans.of(pvid=pvid, tagged=_tags(guest.number))
        reason = f"change {self._chance.randrange(100_000)}: moved to the new segment"
        wish = e.AssignmentSet(vlans=guest.wish, reason=reason)
        yield self._event(_OPERATOR, guest.nic(), wish)
        yield from self._programmed(guest, before, reason, _OPERATOR)

    def _programmed(
        self, guest: _Guest, before: PortVlans, because: str, actor: e.Actor
    ) -> Iterator[e.Event]:
        after, intent = guest.wish, self._new_id()
        facts = list(vlan_facts(before, after, intent))
        steps = (f"add {after}", f"delete {before}")
        intended = e.ProgramIntended(before=before, after=after, steps=steps, because=because)
        yield self._event(actor, guest.nic(), intended, intent)
        for fact in facts:
            yield self._event(actor, guest.nic(), fact)
        finished = e.ProgramFinished(intent=intent, outcome=e.Outcome.DONE, found=after)
        yield self._event(actor, guest.nic(), finished)


def _tags(number: int) -> int:
    return _EXTRA if number % 10 == 0 else 0


def crowded_log(size: int) -> Path:
    """Returns a SQLite file with so many events, from the cache folder if it is there."""
    folder = cache_folder() / "crowded"
    folder.mkdir(exist_ok=True)
    file = folder / f"{size}-events-v{_VERSION}.db"
    if not file.exists():
        unfinished = file.with_suffix(".part")
        for left in folder.glob(f"{unfinished.name}*"):
            left.unlink()
        build(unfinished, size)
        unfinished.rename(file)
    return file


def build(file: Path, size: int, *, guests: int = GUESTS) -> None:
    """Writes a log of so many events."""
    open_log(f"sqlite:///{file}", host=HOST).engine.dispose()
    life = list(islice(_Life(guests).events(), -(-size // BOOTS)))
    connection = sqlite3.connect(file, isolation_level=None)
    connection.execute("PRAGMA synchronous=OFF")
    connection.execute("PRAGMA cache_size=-1000000")
    collecting = gc.isenabled()
    # Millions of events that all stay make it look through them again and again.
    gc.disable()
    try:
        _Writing(connection, life, size).run()
    finally:
        if collecting:
            gc.enable()
    connection.close()


class _Writing:
    """Puts in boot after boot: events, subjects, and the snapshots that the program keeps."""

    def __init__(self, connection: sqlite3.Connection, life: list[e.Event], size: int) -> None:
        self._connection = connection
        self._life = life
        self._size = size
        self._subjects: dict[tuple[str | None, ...], int | None] = {(None,) * 5: None}
        self._rows = [self._template(event) for event in life]
        self._seq, self._link = 0, codec.GENESIS
        self._state = HostState()

    def run(self) -> None:
        """Writes as many events as are wanted."""
        connection = self._connection
        triggers = "SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'"
        dropped = connection.execute(triggers).fetchall()
        for name, _ in dropped:
            connection.execute(f"DROP TRIGGER {name}")
        for boot in range(BOOTS):
            for start in range(0, len(self._life), _BATCH):
                end = min(start + _BATCH, start + self._size - self._seq, len(self._life))
                connection.execute("BEGIN")
                self._write(boot, start, end)
                connection.execute("COMMIT")
        for _, statement in dropped:
            connection.execute(statement)

    def _template(self, event: e.Event) -> tuple[codec.Row, int | None, str | None]:
        """Returns the row, its subject, and the id within its payload that each boot changes."""
        row = codec.encode(event)
        names = row[8:13]
        if names not in self._subjects:
            values = (number := len(self._subjects), HOST, *names)
            self._connection.execute("INSERT INTO subjects VALUES (?, ?, ?, ?, ?, ?, ?)", values)
            self._subjects[names] = number
        inner = getattr(event.fact, "cause", None) or getattr(event.fact, "intent", None)
        return row, self._subjects[names], str(inner) if inner else None

    def _write(self, boot: int, start: int, end: int) -> None:
        values: list[tuple[object, ...]] = []
        boot_id = f"1b4e28ba-2fa1-11d2-883f-{boot:012x}"
        stamp = (BEGIN_NS + (END_NS - BEGIN_NS) * boot // BOOTS) // 1_000_000
        begins, text = stamp.to_bytes(6), f"{stamp:012x}"
        seq, link, span_ns = self._seq, self._link, END_NS - BEGIN_NS
        for row, subject, inner in self._rows[start:end]:
            seq += 1
            payload = row.payload
            if inner:
                payload = payload.replace(inner, f"{text[:8]}-{text[8:]}{inner[13:]}")
            made = Row(
                begins + row.event_id[6:], BEGIN_NS + span_ns * seq // self._size, HOST, boot_id,
                row.kind, row.version, row.actor, begins + row.correlation_id[6:], row.guest_uuid,
                row.guest_name, row.mac, row.bridge, row.port, row.ifindex, payload,
            )  # fmt: skip
            prev, link = link, codec.chained(link, seq, made)
            values.append((seq, *made, subject, prev, link))
        self._connection.executemany(f"INSERT INTO events VALUES ({'?, ' * 18}?)", values)
        self._keep_snapshots(boot_id, start, end)
        self._seq, self._link = seq, link

    def _keep_snapshots(self, boot_id: str, start: int, end: int) -> None:
        seq, begin = self._seq, start
        while begin < end:
            # Up to the next place at which the program keeps one.
            stop = min(end, begin + SNAPSHOT_EVERY - seq % SNAPSHOT_EVERY)
            happened = (replace(event, boot_id=boot_id) for event in self._life[begin:stop])
            numbered = ((Seq(n), event) for n, event in enumerate(happened, start=seq + 1))
            self._state = advance(numbered, self._state)
            seq, begin = seq + stop - begin, stop
            if not seq % SNAPSHOT_EVERY and self._is_kept(seq):
                at_ns = BEGIN_NS + (END_NS - BEGIN_NS) * seq // self._size
                kept = (HOST, seq, at_ns, FORMAT, packed(self._state))
                self._connection.execute("INSERT INTO snapshots VALUES (?, ?, ?, ?, ?)", kept)

    def _is_kept(self, seq: int) -> bool:
        newest = self._size - self._size % SNAPSHOT_EVERY
        return not seq % (2 * SNAPSHOT_EVERY) or seq >= newest - 10 * SNAPSHOT_EVERY
