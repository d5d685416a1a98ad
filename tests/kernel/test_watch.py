"""What is recorded of every way to change VLANs, ports and bridges, by hearing alone.

What was heard folds to what the kernel shows, but for what a test says is not heard.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

import pytest

from tests.core.making import Finding, ranged
from tests.kernel.doings import Case, Said, by_ip, set_up, setlink
from tests.kernel.ear import Ear, listening
from tests.kernel.netns import index
from tests.kernel.port_changes import PORT_CHANGES
from tests.kernel.requests import programmed, vlandb
from tests.kernel.vlan_changes import SILENT, VLAN_CHANGES
from vlanlog.core import event as e
from vlanlog.core.notice import LinkMessage
from vlanlog.kernel.wire import RTM_DELLINK, RTM_DELVLAN

pytestmark = [pytest.mark.kernel, pytest.mark.usefixtures("netns")]

each_case = pytest.mark.parametrize(
    "case", [*VLAN_CHANGES, *PORT_CHANGES], ids=lambda case: case.title
)


def findings(ear: Ear, said: Said) -> list[Finding]:
    """Returns ``br0/d0`` as the port d0 of br0, ``br0`` as the bridge."""
    found: list[Finding] = []
    for place, fact in said:
        name, _, port = place.partition("/")
        found.append((ear.on(port, name) if port else ear.of(name), fact))
    return found


@pytest.fixture
def ear() -> Iterator[Ear]:
    set_up()
    with listening() as ear:
        yield ear


@each_case
def test_change_is_heard_whole(ear: Ear, case: Case) -> None:
    case.do()

    assert (ear.hear(), ear.unheard()) == (findings(ear, case.said), [])


@each_case
def test_change_that_is_heard_word_by_word_is_the_same(ear: Ear, case: Case) -> None:
    case.do()

    heard: list[Finding] = []
    for notice in ear.notices():
        heard += ear.take([notice])
    heard += ear.release()

    assert (heard, ear.unheard()) == (findings(ear, case.said), [])


@each_case
def test_change_that_is_heard_again_leads_to_the_same(ear: Ear, case: Case) -> None:
    case.do()
    notices = ear.notices()
    ear.take(notices)
    ear.release()

    ear.take(notices)
    ear.release()

    assert ear.unheard() == []


@each_case
def test_change_is_heard_on_a_kernel_that_says_only_whole_ports(case: Case) -> None:
    set_up()
    with listening(vlan_notices=False) as ear:
        case.do()

        ear.hear()

        assert findings(ear, case.unsaid_before_5_6) == ear.unheard()


@pytest.mark.parametrize("case", SILENT, ids=lambda case: case.title)
def test_change_that_the_kernel_does_not_say_is_seen_only_by_reading(ear: Ear, case: Case) -> None:
    case.do()

    assert (ear.hear(), ear.unheard()) == (
        findings(ear, case.said),
        findings(ear, case.unsaid),
    )


def test_port_that_is_leaving_is_waited_for(ear: Ear) -> None:
    by_ip("link set d0 nomaster")()
    notices = ear.notices()
    last = max(
        number
        for number, notice in enumerate(notices)
        if isinstance(notice, LinkMessage) and notice.name == "d0"
    )

    first = ear.take(notices[:last])
    waited = ear.hearing.waits
    rest = ear.take(notices[last:])

    assert (first, waited, rest) == ([], True, findings(ear, [("br0/d0", e.PortDetached())]))


def test_removal_after_a_request_that_reads_like_leaving_is_told_when_nothing_follows(
    ear: Ear,
) -> None:
    vlandb(RTM_DELVLAN, index("d0"), ranged(2))
    programmed(RTM_DELLINK, index("d0"), (0, 3))

    heard = ear.take(ear.notices())
    waited = ear.hearing.waits
    rest = ear.release()

    assert (heard, waited, rest, ear.hearing.waits) == (
        findings(ear, [("br0/d0", e.VlanRemoved(first=2, last=2))]),
        True,
        findings(ear, [("br0/d0", e.VlanRemoved(first=3, last=3))]),
        False,
    )


def test_bridges_that_swap_their_names_are_followed(ear: Ear) -> None:
    names = (("br0", "br9"), ("br1", "br0"), ("br9", "br1"))

    by_ip(*(f"link set {old} name {new}" for old, new in names))()
    ear.hear()

    assert (ear.unheard(), {port.name: port.bridge for port in ear.table.ports.values()}) == (
        [],
        {"br0": "br0", "br1": "br1", "d0": "br1", "d2": "br0"},
    )


def test_leaving_that_the_kernel_is_in_the_midst_of_is_waited_for(ear: Ear) -> None:
    count = 40
    names = [f"e{number}" for number in range(count)]
    by_ip(*(f"link add {name} master br1 up type dummy" for name in names))()
    for name in names:
        setlink(*((0, vid) for vid in range(2, 200, 2)), of=name)()
    ear.hear()
    heard: list[Finding] = []
    with subprocess.Popen(["sh", "-c", ";".join(f"ip link del {name}" for name in names)]):
        while len(heard) < count:
            heard += ear.hear()

    assert heard == [(ear.on(name, "br1"), e.PortDetached()) for name in names]
