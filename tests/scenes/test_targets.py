"""What else a replay can aim at, and how it is kept to a part of the host.

By a daemon and without one.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import nullcontext

import pytest

from tests.kernel.netns import bridge
from tests.scenes.guests import VM1, VM2
from tests.scenes.resident import watched
from tests.scenes.stage import BRIDGES, PORTS, REFERENCE, VETH0, VETH1, VETH2, Stage

pytestmark = pytest.mark.kernel

UNWATCHED = "vlanlog: nobody watched by then: of 0000-00-00 00:00:00 this is what was last known\n"
ASSIGNED = "100 PVID Egress Untagged, 200, 300-310"


@pytest.fixture(params=["alone", "daemon"])
def served(request: pytest.FixtureRequest, reference: Stage) -> Iterator[Stage]:
    """Is the reference host, with and without a daemon."""
    with watched(reference) if request.param == "daemon" else nullcontext():
        yield reference


@pytest.fixture
def host(served: Stage) -> Stage:
    """Is the reference host with both guests running."""
    served.start(VM1)
    served.start(VM2)
    return served


def _now() -> str:
    """Returns the present as an option for times takes it, to the nanosecond."""
    seconds, rest = divmod(time.time_ns(), 1_000_000_000)
    return f"@{seconds}.{rest:09d}"


def _done(stage: Stage, *argv: str, then: str | None = None) -> dict[str, str]:
    """Returns what the ports carry after a command that has to end well, aimed at a time or not.

    Of a time at which no daemon watched it has to say so, and nothing else.
    """
    done = stage.vlanlog(*argv, *([] if then is None else ["--at", then]))
    watched = (stage.folder / "socket").exists()
    told = "" if then is None or watched else UNWATCHED
    assert (done.status, re.sub(r"\d", "0", done.err)) == (0, told)
    return stage.carried()


def test_replay_reaches_config_alone_and_config_with_assignments_of_any_time(host: Stage) -> None:
    at_first = _now()
    _done(host, "set", "veth0", "--tagged", "200,300-310", "--reason", "ticket 42")
    with_assignment = _now()
    host.configure(BRIDGES, PORTS.replace("tagged = 100 200", "tagged = 150"))
    assigned = {**REFERENCE, "veth0": ASSIGNED}
    now = {**assigned, "veth1": "1 PVID Egress Untagged, 150"}
    assert _done(host, "replay") == now
    assert _done(host, "replay", "--to", "config") == {**now, "veth0": VETH0}
    assert _done(host, "replay", then=at_first) == REFERENCE
    assert _done(host, "replay", then=with_assignment) == assigned
    assert _done(host, "replay", "--to", "config", then=with_assignment) == REFERENCE
    assert _done(host, "replay") == now


def test_replay_to_observed_puts_back_what_the_kernel_carried_then(host: Stage) -> None:
    bridge("vlan", "add", "vid", "777", "dev", "veth0")
    # Bounded to another port it puts nothing back, but its re-read finds the foreign change.
    strange = {**REFERENCE, "veth0": f"{VETH0}, 777"}
    assert _done(host, "replay", "--port", "eth0") == strange
    then = _now()
    assert _done(host, "replay") == REFERENCE
    assert _done(host, "replay", "--to", "observed", then=then) == strange


def test_replay_is_bounded_to_a_guest_a_port_or_a_bridge(served: Stage) -> None:
    second_bridge = "[br1]\ntrunk-port =\nbr-pvid = 5\n"
    served.add_bridge("br1")
    served.configure(BRIDGES + second_bridge, PORTS)
    served.start(VM2)
    ports = ("br0", "br1", "eth0", "veth1", "veth2")
    served.flush(*ports)
    guest = {"veth1": VETH1, "veth2": VETH2}
    assert _done(served, "replay", "--guest", "VM2") == guest
    port = {**guest, "eth0": REFERENCE["eth0"]}
    assert _done(served, "replay", "--port", "eth0") == port
    assert served.switches() == {"br0": (1, 1), "br1": (0, 1)}
    other = {**port, "br1": "5 PVID Egress Untagged"}
    assert _done(served, "replay", "--bridge", "br1") == other
    assert served.switches() == {"br0": (1, 1), "br1": (1, 1)}
    assert _done(served, "replay") == {**other, "br0": REFERENCE["br0"]}
