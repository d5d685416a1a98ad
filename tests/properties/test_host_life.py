"""A host's life in random order: other hands, wishes, edits, starts, replays and boots.

A model in a few dictionaries says what each port should carry; it knows no seq and no event.
"""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tests.core.making import MAC1, MAC2, VM1, VM2, bridge_entry, hooked, nic, port_entry
from tests.fakes.site import Site
from tests.properties.strategies import port_vlans
from vlanlog.core import codec
from vlanlog.core import event as e
from vlanlog.core.desired import desired
from vlanlog.core.entry import BridgeEntry, PortEntry
from vlanlog.core.vlan import PortVlans
from vlanlog.journal import Journal

GUESTS = {"VM1": (VM1, MAC1), "VM2": (VM2, MAC2)}
SECTIONS = {"br0": "br0", "eth0": "br0", "VM1": "VM1/*", "VM2": "VM2/*", "veth9": "veth9"}

whom = st.sampled_from(("VM1", "VM2", "veth9", "eth0"))
sections = st.sampled_from(("br0", "VM1", "VM2", "veth9"))


class HostLife(RuleBasedStateMachine):
    """Plays the host; each rule is something that happens, none of them in a set order."""

    def __init__(self) -> None:
        super().__init__()
        self.site = Site(boot="boot-0")
        self.boots = 0
        self.moment = 0
        self.tap_of: dict[str, str] = {}
        self.sections: dict[str, PortVlans] = {}
        self.edited: dict[str, tuple[int, PortVlans]] = {}
        self.assigned: dict[str, tuple[int, PortVlans]] = {}
        self._lay_out()

    def _lay_out(self) -> None:
        self.site.kernel.add_bridge("br0", vlan_filtering=True)
        self.site.kernel.add_port("eth0", "br0")
        self.site.kernel.add_port("veth9", "br0")
        self.site.kernel.add_port("lone", "br0")
        self.tap_of.clear()

    def _expected(self) -> dict[str, PortVlans]:
        """Returns what the model says that the ports that are there should carry."""
        found = {}
        for who in SECTIONS:
            said = [item[who] for item in (self.edited, self.assigned) if who in item]
            name = self.tap_of.get(who, "") if who in GUESTS else who
            if said and name:
                found[name] = max(said, key=lambda pair: pair[0])[1]
        return found

    def _subject(self, who: str) -> e.Subject:
        if who not in GUESTS:
            return e.Subject(port=who, bridge="br0")
        uuid, mac = GUESTS[who]
        return e.Subject(guest_uuid=uuid, guest_name=who, mac=mac)

    @rule(name=st.sampled_from(("br0", "eth0", "veth9", "lone", "VM1", "VM2")), vlans=port_vlans())
    def another_hand_sets(self, name: str, vlans: PortVlans) -> None:
        name = self.tap_of.get(name, name)
        if name not in GUESTS:
            self.site.kernel.set_vlans(name, vlans)

    @rule(number=st.sampled_from((0, 1, 5)))
    def another_hand_moves_the_default_pvid(self, number: int) -> None:
        index = self.site.kernel.read().bridges["br0"].ifindex
        self.site.kernel.set_default_pvid(index, number)

    @rule()
    def network_restarts(self) -> None:
        ports = [port.name for port in self.site.kernel.read().ports.values() if not port.is_self]
        self.site.kernel.remove("br0")
        self.site.kernel.add_bridge("br0", vlan_filtering=False)
        for name in ports:
            self.site.kernel.add_port(name, "br0")

    @rule(who=st.sampled_from(("VM1", "VM2")), number=st.integers(0, 1))
    def guest_starts(self, who: str, number: int) -> None:
        self._stop(who)
        # Few names for two guests: sooner or later one has the other's old one.
        free = {f"vnet{n}" for n in range(3)} - set(self.tap_of.values())
        self.tap_of[who] = sorted(free)[number]
        self.site.kernel.add_port(self.tap_of[who], "br0")
        uuid, mac = GUESTS[who]
        self.site.told(hooked(uuid, who, "start", nic(mac, tap=self.tap_of[who])))

    @rule(who=st.sampled_from(("VM1", "VM2")), told=st.booleans())
    def guest_stops(self, who: str, told: bool) -> None:
        if who in self.tap_of:
            self._stop(who)
            if told:
                uuid, mac = GUESTS[who]
                self.site.told(hooked(uuid, who, "stopped", nic(mac)))

    def _stop(self, who: str) -> None:
        if who in self.tap_of:
            self.site.kernel.remove(self.tap_of.pop(who))

    @rule(who=whom, vlans=port_vlans())
    def operator_sets(self, who: str, vlans: PortVlans) -> None:
        self.moment += 1
        self.assigned[who] = (self.moment, vlans)
        self.site.assigned(self._subject(who), vlans)

    @rule(who=whom)
    def operator_unsets(self, who: str) -> None:
        self.assigned.pop(who, None)
        self.site.told((self._subject(who), e.AssignmentCleared(reason="r")))

    @rule(who=sections, vlans=st.none() | port_vlans())
    def operator_edits_a_section(self, who: str, vlans: PortVlans | None) -> None:
        self.moment += 1
        edited = {"br0", "eth0"} if who == "br0" else {who}
        said = {name: held for name, held in self.sections.items() if name not in edited}
        if vlans is not None:
            said |= dict.fromkeys(edited, vlans)
        for name in edited:
            if name not in said:
                self.edited.pop(name, None)
            elif self.sections.get(name) != said[name]:
                self.edited[name] = (self.moment, said[name])
        self.sections = said
        self.site.config(*(_entry(name, held) for name, held in said.items() if name != "eth0"))

    @rule()
    def replay(self) -> None:
        before = self.site.kernel.carried()

        report = self.site.replayed()

        assert self.site.kernel.carried() == {**before, **self._expected()}
        assert report.undone == ()
        assert self.site.state.table == self.site.kernel.read()

    @rule()
    def replay_twice(self) -> None:
        self.site.replayed()
        sent = self.site.kernel.messages_sent

        self.site.replayed()

        assert self.site.kernel.messages_sent == sent

    @rule()
    def look(self) -> None:
        self.site.look()

        assert self.site.state.table == self.site.kernel.read()

    @rule()
    def host_boots(self) -> None:
        self.boots += 1
        self.site.reboot(f"boot-{self.boots}")
        self._lay_out()

    @precondition(lambda self: self.boots > 0)
    @rule()
    def record_of_an_old_boot_comes_late(self) -> None:
        old = Site(boot=f"boot-{self.boots - 1}").journal.envelope
        known = self.site.state
        late = Journal(log=self.site.log, clock=self.site.clock, envelope=old)
        late.write([(self._subject("eth0"), e.VlanAdded(first=1, last=4094))])
        self.site.opened()

        assert self.site.state.table == known.table

    @invariant()
    def desired_is_what_the_model_says(self) -> None:
        wishes = desired(self.site.state, self.site.kernel.read()).ports

        assert {wish.port.name: wish.vlans for wish in wishes} == self._expected()

    @invariant()
    def state_is_the_fold_of_the_log_from_zero(self) -> None:
        assert self.site.log.state() == self.site.state

    @invariant()
    def state_survives_a_snapshot(self) -> None:
        assert codec.decode_state(codec.encode_state(self.site.state)) == self.site.state


def _entry(who: str, vlans: PortVlans) -> BridgeEntry | PortEntry:
    if who == "br0":
        return bridge_entry("br0", "eth0", trunk=vlans, own=vlans)
    return port_entry(SECTIONS[who], vlans, of="" if who in GUESTS else "VM9")


TestHostLife = HostLife.TestCase
TestHostLife.settings = settings(max_examples=80, stateful_step_count=30, deadline=None)
