"""Writes config values as a user might: any of the ways in which the grammar lets them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from hypothesis import strategies as st

from vlanlog.core.entry import (
    BridgeEntry,
    Foreign,
    OnFailure,
    PortEntry,
    Selector,
    SelectorKind,
)
from vlanlog.core.vlan import PortVlans, format_vids, span

DEVICES = st.text("abcxyz019._-é%", min_size=1, max_size=6).filter(
    lambda name: name not in {".", ".."}
)
# A blank at either end cannot be written in an INI file, and "DEFAULT" is not a guest there.
GUESTS = (
    st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Zl", "Zp")), min_size=1)
    .map(lambda name: name.strip().replace("/", "").replace("\x85", ""))
    .filter(lambda name: name not in {"", "*"})
)
UUIDS = st.uuids().map(str)
MACS = st.tuples(st.integers(0, 127).map(lambda byte: byte * 2), st.binary(min_size=5, max_size=5))
ALIASES = st.from_regex(r"(net[0-9]{1,3}|ua-[A-Za-z0-9_-]{1,9})", fullmatch=True)
VIDS = st.integers(1, 4094)


@st.composite
def port_vlans(draw: st.DrawFn) -> PortVlans:
    spans = draw(st.lists(st.tuples(VIDS, VIDS), max_size=4))
    tagged = 0
    for first, last in spans:
        tagged |= span(min(first, last), max(first, last))
    return PortVlans.of(pvid=draw(st.none() | VIDS), tagged=tagged)


@st.composite
def selectors(draw: st.DrawFn) -> Selector:
    kind = draw(st.sampled_from(SelectorKind))
    if kind is SelectorKind.ANY:
        return Selector(kind=kind)
    guest = draw(GUESTS | UUIDS)
    match kind:
        case SelectorKind.GUEST:
            value = ""
        case SelectorKind.MAC:
            first, others = draw(MACS)
            value = bytes([first, *others]).hex(":")
        case SelectorKind.ALIAS:
            value = draw(ALIASES)
        case _:
            value = draw(DEVICES)
    return Selector(kind=kind, guest=guest, value=value)


def section_of(selector: Selector) -> str:
    match selector.kind:
        case SelectorKind.ANY:
            return "*"
        case SelectorKind.GUEST:
            return f"{selector.guest}/*"
        case SelectorKind.TAP:
            return selector.value
        case _:
            return f"{selector.guest}/{selector.value}"


@st.composite
def port_entries(draw: st.DrawFn) -> tuple[PortEntry, ...]:
    chosen = draw(st.lists(selectors(), max_size=5, unique_by=section_of))
    return tuple(
        PortEntry(
            section=section_of(selector),
            selector=selector,
            vlans=draw(port_vlans()),
            prune=draw(st.booleans()),
            foreign=draw(st.none() | st.sampled_from(Foreign)),
            on_failure=draw(st.sampled_from(OnFailure)),
        )
        for selector in chosen
    )


@st.composite
def bridge_entries(draw: st.DrawFn) -> tuple[BridgeEntry, ...]:
    names = draw(st.lists(DEVICES, max_size=8, unique=True))
    bridges, ports = names[::2], names[1::2]
    owner = {port: draw(st.sampled_from(bridges)) for port in ports}
    return tuple(
        BridgeEntry(
            name=name,
            trunk_ports=tuple(port for port in ports if owner[port] == name),
            trunk=draw(port_vlans()),
            own=draw(port_vlans()),
            default_pvid=draw(st.none() | st.integers(0, 4094)),
            prune=draw(st.booleans()),
            foreign=draw(st.sampled_from(Foreign)),
        )
        for name in bridges
    )


def vlan_keys(vlans: PortVlans, pvid_key: str, tags_key: str) -> dict[str, str]:
    tagged = vlans.members & ~vlans.untagged
    pvid = "" if vlans.pvid is None else str(vlans.pvid)
    return {pvid_key: pvid, tags_key: format_vids(tagged)}


def port_keys(entry: PortEntry) -> dict[str, str]:
    of_tap = entry.selector.kind is SelectorKind.TAP
    return {
        **({"guest": entry.selector.guest.replace("%", "%%")} if of_tap else {}),
        **vlan_keys(entry.vlans, "pvid", "tagged"),
        "prune": "yes" if entry.prune else "no",
        **({"foreign": entry.foreign} if entry.foreign is not None else {}),
        "on-failure": entry.on_failure,
    }


def bridge_keys(entry: BridgeEntry) -> dict[str, str]:
    return {
        "trunk-port": ",".join(entry.trunk_ports).replace("%", "%%"),
        **vlan_keys(entry.trunk, "trunk-pvid", "trunk-tags"),
        **vlan_keys(entry.own, "br-pvid", "br-tags"),
        "default-pvid": "" if entry.default_pvid is None else str(entry.default_pvid),
        "prune": "yes" if entry.prune else "no",
        "foreign": entry.foreign,
    }


@st.composite
def texts(draw: st.DrawFn, sections: Mapping[str, Mapping[str, str]]) -> str:
    """Returns the sections as the text of a file: order of keys, blanks and comments vary."""
    return draw(st.sampled_from(["\n", "\r\n"])).join(_lines(draw, sections))


def _lines(draw: st.DrawFn, sections: Mapping[str, Mapping[str, str]]) -> Iterator[str]:
    noise = st.sampled_from(["", "# a comment", "; [not-a-section]", "  # pvid = 7"])
    for section, keys in sections.items():
        yield draw(noise)
        yield f"[{section}]{draw(st.sampled_from(['', ' # comment']))}"
        for key in draw(st.permutations(list(keys))):
            yield draw(noise)
            yield _key_line(draw, key, keys[key])


def _key_line(draw: st.DrawFn, key: str, value: str) -> str:
    name = draw(st.sampled_from([key, key.upper(), key.title()]))
    equals = draw(st.sampled_from(["=", " = ", ":", " : "]))
    if key.endswith(("tags", "tagged", "trunk-port")):
        # Commas may be blanks, and a list may go on in an indented line.
        value = value.replace(",", draw(st.sampled_from([",", " ", ", ", "\n\t  ", ",\n\n   "])))
    return f"{name}{equals}{value}"
