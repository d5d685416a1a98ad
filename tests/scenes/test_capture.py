"""A host is captured as config files, and a replay of these has nothing to do."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.capture.hosts import in_force, planned
from tests.kernel.netns import bridge, entered, index, ip_batch
from tests.scenes.guests import VM2, VM3, Guest, GuestNic
from tests.scenes.stage import SOURCES, Ended, Stage
from tests.scenes.status import status_folder, tell_of
from vlanlog.capture import captured
from vlanlog.core.device import Device
from vlanlog.core.vlan import Vid
from vlanlog.kernel.devices import read_devices
from vlanlog.kernel.read import NetlinkReader

pytestmark = pytest.mark.kernel

TAP3 = {VM3.nics[0].mac: "vnet3"}
ELSEWHERE = Guest(
    name="elsewhere",
    uuid="44444444-4444-4444-8444-444444444444",
    nics=(GuestNic(mac="52:54:00:00:04:00", tap="other0", bridge="virbr0"),),
)
UNPLANNED = "Plan: 0 to add, 0 to remove, {} unchanged.\n"


def vlan(*lines: str) -> None:
    for line in lines:
        bridge("vlan", *line.split())


def filtering(name: str, *ports: str, default_pvid: int = 1) -> list[str]:
    """Returns the lines of ip(8) that make a bridge which filters, with its ports."""
    switches = f"vlan_filtering 1 vlan_default_pvid {default_pvid}"
    made = f"link add {name} address 52:54:00:ff:01:{len(name):02x} type bridge {switches}"
    return [made, f"link set {name} up", *(f"link set {port} master {name} up" for port in ports)]


@pytest.fixture
def bare(stage: Stage) -> Stage:
    """Is a host before vlanlog: no config, hooks that only record, guests that libvirt knows."""
    stage.configure("", "")
    status_folder(stage)
    return stage


def run(stage: Stage, guest: Guest, made_up: dict[str, str] | None = None) -> None:
    """Starts a guest, and has libvirt's status file tell of it."""
    stage.start(guest, made_up or {})
    tell_of(stage, guest, made_up or {})


def reference_by_hand(stage: Stage) -> None:
    stage.add_device("eth0")
    ip_batch(filtering("br0", "eth0"))
    run(stage, VM2)
    run(stage, VM3, TAP3)
    vlan(
        *("add vid 100 dev eth0", "add vid 200-210 dev eth0", "add vid 200 dev br0 self"),
        *("add vid 100 dev veth1 pvid untagged", "del vid 1 dev veth1"),
        *("add vid 200 dev veth2", "add vid 300 dev vnet3 pvid untagged", "del vid 1 dev vnet3"),
    )


def bond_without_pvid(stage: Stage) -> None:
    ip_batch(["link add bond0 up type bond", *filtering("br0", "bond0", default_pvid=0)])
    run(stage, VM3, TAP3)
    vlan("add vid 10-20 dev bond0", "add vid 15 dev vnet3", "add vid 4094 dev br0 self")


def two_trunks_of_which_one_differs(_: Stage) -> None:
    lines = [f"link add bond{n} type bond" for n in range(3)]
    ip_batch([*lines, *filtering("br0", "bond0", "bond1", "bond2")])
    vlan(*(f"add vid 7 dev bond{n}" for n in (0, 2)), "add vid 8 dev bond1")


def nothing_but_vlan_1(stage: Stage) -> None:
    ip_batch(["link add bond0 up type bond", *filtering("br0", "bond0")])
    run(stage, VM2)


def two_bridges_and_a_network_without_filtering(stage: Stage) -> None:
    lines = ["link add bond0 up type bond", "link add link bond0 name bond0.7 type vlan id 7"]
    lines += ["link add v0 type veth peer name v1", "link add lab0 type dummy"]
    ip_batch([*lines, *filtering("br0", "bond0.7"), *filtering("br1", "v0", "lab0")])
    stage.add_bridge("virbr0")
    run(stage, ELSEWHERE)
    vlan("add vid 30 dev v0", "del vid 1 dev lab0", "del vid 1 dev br1 self")


Making = Callable[[Stage], None]
HOSTS: list[tuple[Making, Sequence[str], int]] = [
    (reference_by_hand, ["--trunk", "eth0"], 5),
    (bond_without_pvid, [], 3),
    (two_trunks_of_which_one_differs, [], 4),
    (nothing_but_vlan_1, [], 4),
    (two_bridges_and_a_network_without_filtering, [], 5),
]


@pytest.mark.parametrize(
    ("make", "options", "ports"), HOSTS, ids=[make.__name__ for make, *_ in HOSTS]
)
def test_rehearsal_after_a_capture_names_every_port_and_changes_none(
    bare: Stage, make: Making, options: Sequence[str], ports: int
) -> None:
    make(bare)
    before = bare.carried(), bare.switches()
    assert bare.vlanlog("capture", "--force", *options).status == 0
    plan = bare.vlanlog("replay", "--dry-run")
    assert plan == Ended(0, UNPLANNED.format(f"{ports} ports"), "")
    assert (bare.carried(), bare.switches()) == before


def test_replay_after_a_capture_puts_back_what_was_captured(bare: Stage) -> None:
    reference_by_hand(bare)
    bare.vlanlog("capture", "--force", "--trunk", "eth0")
    before = bare.carried()
    bare.flush("br0", "eth0", "veth1", "veth2", "vnet3")
    assert bare.vlanlog("replay").status == 0
    assert bare.carried() == before


def test_capture_of_the_reference_host_reads_like_an_operators_files(bare: Stage) -> None:
    reference_by_hand(bare)
    done = bare.vlanlog("capture", "--trunk", "eth0", "-o", "-")
    said = [line for line in done.out.splitlines() if line[:1] != "#"]
    assert (done.status, done.err) == (0, "")
    assert "\n".join(said).strip().split("\n\n\n") == [
        "[br0]\ntrunk-port = eth0\ntrunk-pvid = 1\ntrunk-tags = 100 200-210\nbr-pvid = 1\n"
        "br-tags = 200\ndefault-pvid = 1",
        "[VM2/52:54:00:00:02:01]\npvid = 100\n\n[VM2/52:54:00:00:02:02]\npvid = 1\n"
        "tagged = 200\n\n[VM3/52:54:00:00:03:00]\npvid = 300",
    ]


def test_what_no_config_can_say_is_told_and_left_as_it_is(bare: Stage) -> None:
    ip_batch([f"link add bond{n} type bond" for n in range(3)])
    ip_batch(filtering("br0", "bond0", "bond1", "bond2"))
    run(bare, VM2)
    # A tap that libvirt made up, and of which no status file tells.
    ip_batch(["tuntap add dev vnet9 mode tap", "link set vnet9 master br0"])
    vlan(
        *("add vid 5 dev bond0 pvid", "add vid 6 dev bond1 untagged"),
        *("add vid 9 dev veth1 untagged", "add vid 8 dev br0 self untagged"),
    )
    before = bare.carried()
    done = bare.vlanlog("capture", "--force", "-o", str(bare.conf))
    assert (done.status, done.out) == (1, f"{bare.conf}: 1 bridge, 1 trunk, 1 other port\n")
    left = [line for line in done.err.splitlines() if "left out" in line]
    assert left == [
        f"vlanlog: left out: {line}"
        for line in (
            "br0 itself (pvid 1, untagged 8): no section can say 8 untagged besides the PVID",
            "bond0 in br0 (pvid 5 (tagged), untagged 1): no section can say "
            "PVID 5 that leaves with a tag and 1 untagged besides the PVID",
            "bond1 in br0 (pvid 1, untagged 6): no section can say 6 untagged besides the PVID",
            "veth1 in br0 (pvid 1, untagged 9): no section can say 9 untagged besides the PVID",
            "vnet9 in br0 (pvid 1): no running guest is known to have it, "
            "and its name is another's tomorrow",
        )
    ]
    assert all(line[20:] in (bare.conf / "bridge_init.conf").read_text() for line in left)
    assert bare.vlanlog("replay", "--dry-run").out == UNPLANNED.format("3 ports")
    assert bare.carried() == before


def test_files_that_are_there_are_kept(bare: Stage) -> None:
    nothing_but_vlan_1(bare)
    bare.configure("[br0]\n", "[DEFAULT]\n")
    files = {path.name: path.read_bytes() for path in bare.conf.iterdir()}
    refused = bare.vlanlog("capture")
    assert (refused.status, refused.out) == (2, "")
    assert {path.name: path.read_bytes() for path in bare.conf.iterdir()} == files
    for number in (1, 2):
        assert bare.vlanlog("capture", "--force").status == 0
        names = {path.name for path in bare.conf.iterdir()}
        assert names - files.keys() == {
            f"{name}.~{n}~"
            for name in ("bridge_init.conf", "vlan_filtering.conf")
            for n in range(1, number + 1)
        }
    for name in ("bridge_init.conf", "vlan_filtering.conf"):
        assert (bare.conf / f"{name}.~1~").read_bytes() == files[name]


def test_files_of_an_install_make_way_and_are_kept(bare: Stage) -> None:
    nothing_but_vlan_1(bare)
    files = ("bridge_init.conf", "vlan_filtering.conf")
    shipped = {name: (SOURCES / "conf" / name).read_text() for name in files}
    bare.configure(*shipped.values())
    assert bare.vlanlog("capture").status == 0
    assert {name: (bare.conf / f"{name}.~1~").read_text() for name in files} == shipped
    assert bare.vlanlog("replay", "--dry-run").out == UNPLANNED.format("4 ports")


@pytest.mark.parametrize("entry", ["[DEFAULT]\n", "[veth0]\nguest = VM1\n", "what is this\n"])
def test_one_file_with_an_entry_keeps_both(bare: Stage, entry: str) -> None:
    nothing_but_vlan_1(bare)
    bare.configure("# nothing\n", f"; some\n\n{entry}")
    refused = bare.vlanlog("capture")
    assert (refused.status, refused.out, refused.err) == (
        2,
        "",
        f"vlanlog: error: {bare.conf}/vlan_filtering.conf has entries already\n"
        "vlanlog: error: nothing was written\n"
        "hint: look at '-o -' first; --force keeps them as NAME.~1~\n",
    )
    assert not list(bare.conf.glob("*~"))


def test_wish_that_overrules_what_was_captured_is_told(bare: Stage) -> None:
    reference_by_hand(bare)
    assert bare.vlanlog("capture", "--trunk", "eth0").status == 0
    bare.vlanlog("set", "veth1", "--pvid", "100", "--tagged", "7", "--reason", "ticket 42")
    vlan("del vid 7 dev veth1")
    again = bare.vlanlog("capture", "--trunk", "eth0", "--force", "-o", str(bare.conf))
    assert (again.status, again.err.splitlines()[2:]) == (
        1,
        [
            "vlanlog: a replay would change veth1 (+7): assignment: ticket 42",
            "hint: 'vlanlog unset TARGET' withdraws a wish; see 'vlanlog replay --dry-run'",
        ],
    )
    assert bare.vlanlog("capture", "--trunk", "eth0", "-o", "-").err == ""
    assert bare.vlanlog("unset", "veth1", "--reason", "captured").status == 0
    assert bare.vlanlog("replay", "--dry-run").out == UNPLANNED.format("5 ports")
    assert bare.vlanlog("capture", "--trunk", "eth0", "--force").status == 0


def test_log_that_cannot_be_read_is_told_when_the_files_are_written(bare: Stage) -> None:
    nothing_but_vlan_1(bare)
    bare.database.write_text("no database, but as long as the head of one has to be" * 4)
    done = bare.vlanlog("capture", "--force")
    told = "vlanlog: they are written; whether a replay would change something is not known:"
    assert (done.status, told in done.err.splitlines()) == (1, True)
    assert "\nvlanlog: error: " in done.err
    assert "[br0]" in (bare.conf / "bridge_init.conf").read_text()


def test_capture_needs_no_rights(bare: Stage, tmp_path: Path) -> None:
    nothing_but_vlan_1(bare)
    folder = tmp_path / "captured"
    folder.mkdir(mode=0o777)
    folder.chmod(0o777)
    under = ("setpriv", "--bounding-set", "-all", "--inh-caps", "-all")
    done = bare.vlanlog("capture", "-o", str(folder), under=under)
    assert (done.status, sorted(path.name for path in folder.iterdir())) == (
        0,
        ["bridge_init.conf", "vlan_filtering.conf"],
    )


def test_devices_are_listed_with_what_they_are_and_stand_on() -> None:
    with entered():
        lines = [
            "link add bond0 up type bond",
            "link add link bond0 name bond0.7 up type vlan id 7",
        ]
        lines += ["link add d0 type dummy", "tuntap add dev t0 mode tap", *filtering("br0", "d0")]
        ip_batch([*lines, "link add v0 type veth peer name v1"])
        found = {device.name: device for device in read_devices().values()}
        where = {name: index(name) for name in found}
    made = {
        "bond0": {"kind": "bond", "up": True},
        "bond0.7": {"kind": "vlan", "lower": where["bond0"], "vid": Vid(7), "up": True},
        "d0": {"kind": "dummy", "master": where["br0"], "up": True},
        "t0": {"kind": "tun"},
        "br0": {"kind": "bridge", "up": True},
        "v0": {"kind": "veth", "lower": where["v1"]},
        "v1": {"kind": "veth", "lower": where["v0"]},
        "lo": {},
    }
    assert {name: found[name] for name in made} == {
        name: Device(name=name, ifindex=where[name], **words)  # type: ignore[arg-type]
        for name, words in made.items()
    }


@st.composite
def settings_of_ports(draw: st.DrawFn) -> list[str]:
    """Returns lines of bridge(8) that leave each of six ports, br0 and br1 with any VLANs."""
    lines = []
    for port in ("bond0", "d0", "v0", "t0", "t1", "t2", "br0 self", "br1 self"):
        for _ in range(draw(st.integers(0, 3))):
            verb = draw(st.sampled_from(("add", "add", "del")))
            flags = ["", " pvid untagged", " untagged", " pvid"] if verb == "add" else [""]
            words = f"dev {port}{draw(st.sampled_from(flags))}"
            lines.append(f"vlan {verb} vid {draw(st.integers(1, 5))} {words}")
    return lines


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(lines=settings_of_ports(), pvids=st.tuples(st.sampled_from((0, 1, 3)), st.just(1)))
def test_any_host_is_captured_so_that_nothing_is_planned(
    lines: list[str], pvids: tuple[int, int]
) -> None:
    with entered():
        made = ["link add bond0 up type bond", "link add d0 type dummy"]
        made += ["link add v0 type veth peer name v1"]
        made += [f"tuntap add dev t{n} mode tap" for n in range(3)]
        ip_batch([*made, *filtering("br0", "bond0", "d0", "t0", default_pvid=pvids[0])])
        ip_batch(filtering("br1", "v0", "t1", "t2", default_pvid=pvids[1]))
        for line in lines:
            bridge(*line.split())
        with NetlinkReader() as reader:
            table = reader.read()
        found = captured(table, (), read_devices())
    todo = planned(table, (), in_force(found))
    told = len(found.left_out) - sum(" itself " in line for line in found.left_out)
    assert (todo.bridges, todo.ports, todo.missing, todo.unchanged) == ((), (), (), 8 - told)
