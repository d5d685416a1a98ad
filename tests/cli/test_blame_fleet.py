"""``vlanlog blame`` where the database holds the logs of several hosts, or not all of one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.golden import transcript
from tests.core.making import hooked, nic, on_port, port
from tests.postgres.server import Server
from tests.report.sample import ns
from tests.report.scribe import HOOK, Scribe
from vlanlog.core import event as e
from vlanlog.core.state import Seq
from vlanlog.core.vlan import PortVlans
from vlanlog.store import open_log

WEB = "4dea22b3-1d52-48f3-a516-782e98ab3fa0"
LAN = "52:54:00:6b:3c:58"
OLD = on_port("vnet0", 20)
NEW = on_port("vnet7", 31)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Is a database of two hosts: web01 ran on kvm-a until it was moved to kvm-b."""
    url = f"sqlite:///{tmp_path}/log.db"
    if request.param == "postgresql":
        server: Server = request.getfixturevalue("postgres")
        url = server.new_database()
    for scribe in (left(), arrived()):
        log = open_log(url, host=scribe.host)
        log.append([item.event for item in scribe.log.read()])
        log.engine.dispose()
    return url


def left() -> Scribe:
    """Returns the host that the guest left; it has another vnet7."""
    a = Scribe("kvm-a")
    a.at(ns("02T08:00")).booted("kvm-a-2")
    a.watched()
    runs(a.at(ns("02T09:00")), OLD, port("200", pvid=100))
    a.joined(on_port("vnet7", 27), "52:54:00:00:00:77")
    a.at(ns("03T12:00")).wrote((OLD, e.PortDetached()))
    a.wrote(hooked(WEB, "web01", "stopped"), by=HOOK)
    return a


def arrived() -> Scribe:
    b = Scribe("kvm-b")
    b.at(ns("02T10:00")).booted("kvm-b-2")
    runs(b.at(ns("03T11:59")), NEW, port("200,300", pvid=100))
    return b


def runs(scribe: Scribe, tap: e.Subject, vlans: PortVlans) -> None:
    scribe.joined(tap, LAN)
    scribe.wrote(hooked(WEB, "web01", "start", nic(LAN, tap=tap.port, alias="net0")), by=HOOK)
    scribe.programmed(tap, port(pvid=1), vlans, "vlan_filtering.conf [web01/*]")


def run(folder: Path, url: str, *words: str, host: str = "kvm-a") -> str:
    told = transcript(folder, ["blame", *words], VLANLOG_HOST=host, VLANLOG_DATABASE=url)
    return told.partition("\n")[2]


def ports(folder: Path, url: str, *words: str, host: str = "kvm-a") -> list[tuple[str, str]]:
    """Returns which ports of which hosts are told."""
    told = run(folder, url, *words, "-o", "json", host=host)
    text = told.partition("---")[0]
    return [(port["host"], port["ifname"]) for port in json.loads(text)]


def test_guest_is_told_on_the_host_that_it_was_moved_to(tmp_path: Path, url: str) -> None:
    assert run(tmp_path, url, "web01", "--utc") == (
        "PORT   VLAN               EVENT  WHEN                 BY               WHY\n"
        "vnet7  100 pvid untagged  6      2026-11-03 11:59:00  hook (libvirtd)  "
        "vlan_filtering.conf [web01/*]\n"
        "vnet7  200                7      2026-11-03 11:59:00  hook (libvirtd)  "
        "vlan_filtering.conf [web01/*]\n"
        "vnet7  300                8      2026-11-03 11:59:00  hook (libvirtd)  "
        "vlan_filtering.conf [web01/*]\n"
        "--- exit status 0\n"
    )


ASKED: dict[str, tuple[tuple[str, ...], list[tuple[str, str]]]] = {
    "now": (("web01",), [("kvm-b", "vnet7")]),
    "its NIC": ((f"web01/{LAN}",), [("kvm-b", "vnet7")]),
    "a MAC": ((LAN,), [("kvm-b", "vnet7")]),
    "before it was moved": (("web01", "--at", "2026-11-03 11:00", "--utc"), [("kvm-a", "vnet0")]),
    "while it was moved": (
        ("web01", "--at", "2026-11-03 11:59:30", "--utc"), [("kvm-a", "vnet0"), ("kvm-b", "vnet7")]
    ),
    "before the other log began": (
        ("web01", "--at", "2026-11-02 09:30", "--utc"), [("kvm-a", "vnet0")]
    ),
    "an event of this host": (("web01", "--at", "#9"), [("kvm-a", "vnet0")]),
    "an event of the other": (("web01", "--at", "#9", "--host", "kvm-b"), [("kvm-b", "vnet7")]),
    "a port of this host": (("vnet7",), [("kvm-a", "vnet7")]),
    "a port of the other": (("vnet7", "--host", "kvm-b"), [("kvm-b", "vnet7")]),
}  # fmt: skip


@pytest.mark.parametrize("what", ASKED)
def test_ports_are_told_of_the_hosts_that_are_meant(tmp_path: Path, url: str, what: str) -> None:
    words, found = ASKED[what]

    assert ports(tmp_path, url, *words) == found


def test_database_is_asked_from_elsewhere(tmp_path: Path, url: str) -> None:
    assert ports(tmp_path, url, "web01", host="auditor") == [("kvm-b", "vnet7")]
    assert ports(tmp_path, url, "vnet7", host="auditor") == [("kvm-a", "vnet7"), ("kvm-b", "vnet7")]


def test_number_of_an_event_needs_its_host_elsewhere(tmp_path: Path, url: str) -> None:
    assert run(tmp_path, url, "web01", "--at", "#9", host="auditor") == (
        "--- stderr\nvlanlog: error: each host has its own event #9\n"
        "hint: say of which: --host kvm-a\n--- exit status 2\n"
    )


def test_event_is_of_one_host_by_its_id(tmp_path: Path, url: str) -> None:
    log = open_log(url, host="kvm-b")
    [event] = log.read(after=Seq(8), until=Seq(9))
    log.engine.dispose()

    assert ports(tmp_path, url, "web01", "--at", str(event.event.event_id)) == [("kvm-b", "vnet7")]


REFUSED = {
    "a time before all logs": (
        ("web01", "--at", "2026-11-01", "--utc"),
        "the log does not reach back to 2026-11-01 00:00:00",
        "the log covers 2026-11-02 08:00:00 to 2026-11-03 12:00:00 UTC",
    ),
    "a guest": (("web011",), "nothing in the log is called 'web011'", "did you mean web01?"),
    "a host": (
        ("web01", "--host", "kvm-c"), "there is no log of kvm-c", "did you mean kvm-b, kvm-a?"
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
def test_what_no_log_knows_is_refused(tmp_path: Path, url: str, what: str) -> None:
    words, error, hint = REFUSED[what]

    assert run(tmp_path, url, *words) == (
        f"--- stderr\nvlanlog: error: {error}\nhint: {hint}\n--- exit status 2\n"
    )


def test_remark_on_a_gap_names_the_host(tmp_path: Path, url: str) -> None:
    told = run(tmp_path, url, "web01", "--at", "2026-11-03 11:59:30", "--utc", "-o", "json")

    assert told.partition("--- stderr\n")[2] == (
        "vlanlog: kvm-b: nobody watched by then: of 2026-11-03 11:59:30 this is what was last "
        "known\n--- exit status 0\n"
    )
