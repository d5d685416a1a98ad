"""A libvirt domain's XML to its UUID, name and NICs; of a status XML also what the domain does.

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


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainStatus:
    """Is what a live status file says.

    Shape: state is libvirt's word, empty where the file has none.
    Source: ``virDomainStateTypeToString``.
    """

    state: str
    domain: Domain


def parse_domain(xml: bytes) -> Domain:
    """Returns the domain that the XML describes; a status XML's inner domain is taken as well.

    Shape: NICs in the order of the XML; those without a MAC (hostdev, at migrate) are left out.
    Raises: DomainError.
    Source: formatdomain.rst; ``virDomainDefFormat``.
    """
    root = _root(xml)
    domain = root if root.tag == "domain" else root.find("domain")
    if domain is None:
        raise DomainError(f"expected <domain>, found <{root.tag}>")
    return _domain(domain)


def parse_status(xml: bytes) -> DomainStatus:
    """Returns the state and the domain that a live status file holds.

    Shape: as parse_domain.
    Raises: DomainError.
    Source: ``virDomainObjFormat``, whose output libvirt promises to nobody but itself.
    """
    root = _root(xml)
    if root.tag != "domstatus":
        raise DomainError(f"expected <domstatus>, found <{root.tag}>")
    domain = root.find("domain")
    if domain is None:
        raise DomainError("the status holds no <domain>")
    return DomainStatus(state=root.get("state", ""), domain=_domain(domain))


def _root(xml: bytes) -> ET.Element:
    if b"\0" in xml:
        # UTF-16 would hide what is looked for next.
        raise DomainError("the XML is not UTF-8, as libvirt's always is")
    if b"<!ENTITY" in xml:
        raise DomainError("the XML declares entities, which libvirt never does")
    try:
        return ET.fromstring(xml)  # noqa: S314  (no entities: refused above)
    except (ET.ParseError, LookupError, ValueError) as error:
        # The last two are about the encoding that the XML says it has.
        raise DomainError(f"the XML cannot be parsed: {error}") from error


def _domain(domain: ET.Element) -> Domain:
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
        # Of type='network', a status file has the bridge inside <actual>, a live XML beside it.
        bridge=_attribute(interface, "actual/source", "bridge")
        or _attribute(interface, "source", "bridge"),
        network=_attribute(interface, "source", "network"),
        native_vlan=_native_vlan(interface),
    )


def _attribute(interface: ET.Element, path: str, name: str) -> str | None:
    element = interface.find(path)
    return None if element is None else element.get(name)


def _native_vlan(interface: ET.Element) -> str | None:
    vlan = interface.find("actual/vlan")
    if vlan is None:
        vlan = interface.find("vlan")
    if vlan is None:
        return None
    tags = (
        tag.get("id", "?") + (f" {mode}" if (mode := tag.get("nativeMode")) else "")
        for tag in vlan.findall("tag")
    )
    return ("trunk " if vlan.get("trunk") == "yes" else "") + ",".join(tags)
