"""What is recorded of boots, config files and the kernel, and by whom."""

from __future__ import annotations

import pytest

from tests.core.making import MAC1, VM1, bridge_entry, hooked, nic, port, port_entry
from tests.fakes.site import OPERATOR, Site
from vlanlog import record
from vlanlog.core import codec
from vlanlog.core import event as e
from vlanlog.core.state import ConfigRole


@pytest.fixture
def site() -> Site:
    """Is br0 with one port, met for the first time."""
    site = Site()
    site.kernel.add_bridge("br0")
    site.kernel.add_port("vnet0", "br0")
    return site


def news(site: Site, after: int) -> list[e.Fact]:
    return site.facts()[after:]


def loaded(digest: str) -> e.ConfigLoaded:
    entry = port_entry("VM1/*", port(pvid=int(digest)))
    return e.ConfigLoaded(role=ConfigRole.PORTS, file="f", digest=digest, ports=(entry,))


def rejected(digest: str) -> e.ConfigRejected:
    return e.ConfigRejected(role=ConfigRole.PORTS, file="f", digest=digest, errors=("f:1: no",))


def test_first_boot_is_recorded_without_a_previous_one(site: Site) -> None:
    assert site.facts() == [e.HostBooted()]


def test_boot_is_recorded_once(site: Site) -> None:
    site.opened()
    site.opened()

    assert site.facts() == [e.HostBooted()]


def test_new_boot_names_the_one_before(site: Site) -> None:
    site.reboot("boot-2")

    assert site.facts() == [e.HostBooted(), e.HostBooted(previous_boot_id="boot-1")]


def test_kernel_is_recorded_once_and_its_author_unknown(site: Site) -> None:
    site.look()
    site.look()

    found = [(codec.kind_of(item.event.fact), item.event.actor) for item in site.log.read()]
    assert found == [
        ("host.booted", OPERATOR),
        ("bridge.changed", e.UNKNOWN_ACTOR),
        ("port.attached", e.UNKNOWN_ACTOR),
        ("vlan.added", e.UNKNOWN_ACTOR),
        ("port.attached", e.UNKNOWN_ACTOR),
        ("vlan.added", e.UNKNOWN_ACTOR),
    ]


def test_foreign_change_is_recorded_under_the_guest_whose_tap_it_is(site: Site) -> None:
    site.told(hooked(VM1, "VM1", "start", nic(MAC1, tap="vnet0")))
    site.look()
    known = len(site.facts())
    site.kernel.set_vlans("vnet0", port("5", pvid=1))

    site.look()

    [found] = list(site.log.read())[known:]
    assert (found.event.fact, found.event.subject.guest_name, found.event.subject.mac) == (
        e.VlanAdded(first=5, last=5),
        "VM1",
        MAC1,
    )


def test_look_returns_what_the_kernel_has(site: Site) -> None:
    assert site.eye.look() == site.kernel.read()


@pytest.mark.parametrize(
    ("read", "recorded"),
    [
        ([loaded("1"), loaded("1")], [loaded("1")]),
        ([loaded("1"), loaded("2"), loaded("1")], [loaded("1"), loaded("2"), loaded("1")]),
        ([rejected("9"), rejected("9")], [rejected("9")]),
        ([rejected("9"), rejected("8")], [rejected("9"), rejected("8")]),
        # Refused and good again, with the content that was in force all along: that is news.
        ([loaded("1"), rejected("9"), loaded("1")], [loaded("1"), rejected("9"), loaded("1")]),
        (
            [rejected("9"), loaded("1"), rejected("9")],
            [rejected("9"), loaded("1"), rejected("9")],
        ),
    ],
)
def test_config_file_is_recorded_where_it_is_news(
    site: Site, read: list[e.ConfigLoaded], recorded: list[e.Fact]
) -> None:
    for fact in read:
        record.config(site.journal, [fact])

    assert news(site, 1) == recorded


def test_files_are_recorded_apart(site: Site) -> None:
    site.config(bridge_entry("br0"), port_entry("VM1/*", port("5")))
    known = len(site.facts())

    site.config(bridge_entry("br0"), port_entry("VM1/*", port("6")))

    assert [fact.role for fact in news(site, known) if isinstance(fact, e.ConfigLoaded)] == [
        ConfigRole.PORTS
    ]
