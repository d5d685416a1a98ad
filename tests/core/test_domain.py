"""Domain XML as libvirt writes it at each hook, to a guest and its NICs."""

from __future__ import annotations

from dataclasses import replace

import pytest

from vlanlog.core.domain import (
    Domain,
    DomainError,
    DomainStatus,
    parse_domain,
    parse_status,
)
from vlanlog.core.state import Nic

UUID = "4dea22b3-1d52-d8f3-2516-782e98ab3fa0"


def domain(interfaces: str = "", *, name: str = "VM1", uuid: str = UUID) -> str:
    return (
        "<domain type='kvm' id='3'>\n"
        f"  <name>{name}</name>\n  <uuid>{uuid}</uuid>\n"
        "  <metadata><name>not this</name><uuid>nor this</uuid></metadata>\n"
        "  <devices>\n    <emulator>/usr/bin/qemu-system-x86_64</emulator>\n"
        f"{interfaces}  </devices>\n</domain>\n"
    )


def nics(interfaces: str) -> tuple[Nic, ...]:
    return parse_domain(domain(interfaces).encode()).nics


# What libvirt 9.0 gives at `start begin`: aliases and the taps that are in the bridge by now.
LIVE = """
    <interface type='bridge'>
      <mac address='52:54:00:6D:90:01'/>
      <source bridge='br0'/>
      <target dev='vnet0'/>
      <model type='virtio'/>
      <alias name='net0'/>
      <address type='pci' domain='0x0000' bus='0x00' slot='0x03' function='0x0'/>
    </interface>
    <interface type='bridge'>
      <mac address='52:54:00:6d:90:02'/>
      <source network='ovs' portgroup='lan' portid='2f6e' bridge='virbr1'/>
      <target dev='vnet1'/>
      <alias name='ua-lan'/>
    </interface>
"""
# At `prepare`, `stopped` and `release`: generated names and aliases are left out.
INACTIVE = """
    <interface type='bridge'>
      <mac address='52:54:00:6d:90:01'/>
      <source bridge='br0'/>
      <target dev='veth0'/>
    </interface>
    <interface type='network'>
      <mac address='52:54:00:6d:90:02'/>
      <source network='default'/>
    </interface>
"""


def test_live_domain_has_taps_and_aliases() -> None:
    assert parse_domain(domain(LIVE).encode()) == Domain(
        uuid=UUID,
        name="VM1",
        nics=(
            Nic(mac="52:54:00:6d:90:01", alias="net0", tap="vnet0", bridge="br0"),
            Nic(
                mac="52:54:00:6d:90:02",
                alias="ua-lan",
                tap="vnet1",
                bridge="virbr1",
                network="ovs",
            ),
        ),
    )


def test_inactive_domain_has_fixed_taps_alone() -> None:
    assert nics(INACTIVE) == (
        Nic(mac="52:54:00:6d:90:01", tap="veth0", bridge="br0"),
        Nic(mac="52:54:00:6d:90:02", network="default"),
    )


STATUS = (
    "<!--\nWARNING: THIS IS AN AUTO-GENERATED FILE.\n-->\n"
    "<domstatus state='paused' reason='user' pid='4711'>\n"
    "  <monitor path='/var/lib/libvirt/qemu/monitor.sock' type='unix'/>\n"
    f"{domain(LIVE)}</domstatus>\n"
).encode()


def test_status_xml_holds_the_domain_inside() -> None:
    assert [nic.tap for nic in parse_domain(STATUS).nics] == ["vnet0", "vnet1"]


def test_status_says_what_the_domain_does() -> None:
    assert parse_status(STATUS) == DomainStatus(
        state="paused", domain=parse_domain(domain(LIVE).encode())
    )


def test_status_may_lack_its_state() -> None:
    xml = f"<domstatus>{domain()}</domstatus>".encode()
    assert parse_status(xml) == DomainStatus(state="", domain=Domain(uuid=UUID, name="VM1"))


@pytest.mark.parametrize(
    ("xml", "complaint"),
    [
        (b"", "the XML cannot be parsed: no element found: line 1, column 0"),
        (domain().encode(), "expected <domstatus>, found <domain>"),
        (b"<domstatus state='running'/>", "the status holds no <domain>"),
        (b"<domstatus><domain/></domstatus>", "the domain has no uuid or no name"),
    ],
)
def test_what_is_no_status_is_refused_with_the_reason(xml: bytes, complaint: str) -> None:
    with pytest.raises(DomainError) as caught:
        parse_status(xml)
    assert str(caught.value) == complaint


# In a status file, and nowhere else: what became of type='network', within <actual>.
ACTUAL = """
    <interface type='network'>
      <mac address='52:54:00:6d:90:02'/>
      <source network='lan' portgroup='pg' portid='2f6e'/>
      <actual type='bridge'>
        <source bridge='br1'/>
        <vlan trunk='yes'><tag id='42'/><tag id='47'/></vlan>
      </actual>
      <vlan><tag id='9'/></vlan>
      <target dev='vnet1'/>
      <alias name='net1'/>
    </interface>
"""


def test_nic_of_a_network_has_its_actual_bridge_and_vlans() -> None:
    nic = Nic(mac="52:54:00:6d:90:02", alias="net1", tap="vnet1", bridge="br1", network="lan")

    assert nics(ACTUAL) == (replace(nic, native_vlan="trunk 42,47"),)


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("a b", "a b"),
        ("&lt;b&gt; &amp; &quot;c&quot; 'd'", "<b> & \"c\" 'd'"),
        ("..", ".."),
        ("VM-ä-日本", "VM-ä-日本"),
        ("--help", "--help"),
        ("\u202elive", "\u202elive"),
    ],
)
def test_name_is_taken_as_it_is(written: str, name: str) -> None:
    assert parse_domain(domain(name=written).encode()).name == name


def test_uuid_is_lower_case_without_space() -> None:
    assert parse_domain(domain(uuid=f"\n {UUID.upper()} ").encode()).uuid == UUID


@pytest.mark.parametrize(
    "interface",
    [
        "<interface type='hostdev' managed='yes'><source/></interface>",
        "<interface type='bridge'><mac/><source bridge='br0'/></interface>",
        "<filterref filter='clean-traffic'/>",
    ],
)
def test_interface_without_a_mac_is_left_out(interface: str) -> None:
    assert nics(interface) == ()


@pytest.mark.parametrize(
    ("vlan", "told"),
    [
        ("<vlan><tag id='42'/></vlan>", "42"),
        ("<vlan trunk='yes'><tag id='42' nativeMode='untagged'/><tag id='47'/></vlan>",
         "trunk 42 untagged,47"),
        ("<vlan trunk='yes'><tag id='42' nativeMode='tagged'/></vlan>", "trunk 42 tagged"),
        ("<vlan/>", ""),
    ],
)  # fmt: skip
def test_native_vlan_is_told_as_the_xml_has_it(vlan: str, told: str) -> None:
    [nic] = nics(f"<interface type='bridge'><mac address='52:54:00:00:00:01'/>{vlan}</interface>")

    assert nic.native_vlan == told


ENTITY = "<!DOCTYPE domain [<!ENTITY a 'VM1'>]>" + domain(name="&a;")


@pytest.mark.parametrize(
    ("xml", "complaint"),
    [
        (b"", "the XML cannot be parsed: no element found: line 1, column 0"),
        (b"<domain>", "the XML cannot be parsed: no element found: line 1, column 8"),
        (domain().encode()[:-9], "the XML cannot be parsed: unclosed token: line 8, column 0"),
        (b"VM1", "the XML cannot be parsed: syntax error: line 1, column 0"),
        (b"<network/>", "expected <domain>, found <network>"),
        (domain(name="").encode(), "the domain has no uuid or no name"),
        (domain(uuid=" ").encode(), "the domain has no uuid or no name"),
        (ENTITY.encode(), "the XML declares entities, which libvirt never does"),
        (ENTITY.encode("utf-16"), "the XML is not UTF-8, as libvirt's always is"),
        (b"<?xml version='1.0' encoding='nonsense'?><domain/>",
         "the XML cannot be parsed: unknown encoding: nonsense"),
        (b"<?xml version='1.0' encoding='shift_jis'?><domain/>",
         "the XML cannot be parsed: multi-byte encodings are not supported"),
    ],
)  # fmt: skip
def test_what_is_no_domain_is_refused_with_the_reason(xml: bytes, complaint: str) -> None:
    with pytest.raises(DomainError) as caught:
        parse_domain(xml)
    assert str(caught.value) == complaint
