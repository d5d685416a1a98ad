"""A libvirt domain's XML to its UUID, name and NICs; nothing else of it is kept.

Must not resolve anything: what the XML does not say stays None.
"""

from __future__ import annotations

from dataclasses import dataclass
from xml.etree import ElementTree as ET

from vlanlog.core.state import Nic


class DomainError(ValueError):
    """Says why an XML is not a domain's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Domain:
    """Is what a hook's XML says of its guest."""

    uuid: str
    name: str
    nics: tuple[Nic, ...] = ()


def parse_domain(xml: bytes) -> Domain:
    """Returns the domain that the XML describes; a status XML's inner domain is taken as well.

    Shape: NICs in the order of the XML; those without a MAC (hostdev, at migrate) are left out.
    Raises: DomainError.
    Source: formatdomain.rst; ``virDomainDefFormat``.
    """
    if b"\0" in xml:
        # UTF-16 would hide what is looked for next.
        raise DomainError("the XML is not UTF-8, as libvirt's always is")
    if b"<!ENTITY" in xml:
        raise DomainError("the XML declares entities, which libvirt never does")
    try:
        root = ET.fromstring(xml)  # noqa: S314  (no entities: refused above)
    except (ET.ParseError, LookupError, ValueError) as error:
        # The last two are about the encoding that the XML says it has.
        raise DomainError(f"the XML cannot be parsed: {error}") from error
    domain = root if root.tag == "domain" else root.find("domain")
    if domain is None:
        raise DomainError(f"expected <domain>, found <{root.tag}>")
    uuid = (domain.findtext("uuid") or "").strip().lower()
    name = domain.findtext("name") or ""
    if not uuid or not name:
        raise DomainError("the domain has no uuid or no name")
    found = (_nic(interface) for interface in domain.findall("devices/interface"))
    return Domain(uuid=uuid, name=name, nics=tuple(nic for nic in found if nic is not None))


def _nic(interface: ET.Element) -> Nic | None:
    mac = _attribute(interface, "mac", "address")
    if mac is None:
        return None
    return Nic(
        mac=mac.lower(),
        alias=_attribute(interface, "alias", "name"),
        tap=_attribute(interface, "target", "dev"),
        bridge=_attribute(interface, "source", "bridge"),
        network=_attribute(interface, "source", "network"),
        native_vlan=_native_vlan(interface),
    )


def _attribute(interface: ET.Element, tag: str, name: str) -> str | None:
    element = interface.find(tag)
    return None if element is None else element.get(name)


def _native_vlan(interface: ET.Element) -> str | None:
    vlan = interface.find("vlan")
    if vlan is None:
        return None
    tags = (
        tag.get("id", "?") + (f" {mode}" if (mode := tag.get("nativeMode")) else "")
        for tag in vlan.findall("tag")
    )
    return ("trunk " if vlan.get("trunk") == "yes" else "") + ",".join(tags)
