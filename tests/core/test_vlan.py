"""Lists of vids, and the kernel's rules for what a port carries."""

from __future__ import annotations

import pytest

from tests.core.making import NATIVE, port, ranged, raw
from vlanlog.core.vlan import (
    NO_VLANS,
    PortVlans,
    VidError,
    VlanFlags,
    format_vids,
    parse_vids,
    vid,
)

UNTAGGED = VlanFlags.UNTAGGED


@pytest.mark.parametrize(
    ("text", "shortest"),
    [
        ("", ""),
        ("100", "100"),
        ("200,300", "200,300"),
        ("100 200", "100,200"),
        ("200 , 300", "200,300"),
        (",,5,", "5"),
        ("3 1 2 2", "1-3"),
        ("300-310 200", "200,300-310"),
        ("7-7", "7"),
        ("1-4094", "1-4094"),
        ("0010", "10"),
        ("5\n6\t7", "5-7"),
    ],
)
def test_list_of_vids_is_read_in_any_spelling(text: str, shortest: str) -> None:
    assert format_vids(parse_vids(text)) == shortest


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("0", "vid 0 is out of range, expected 1-4094"),
        ("4095", "vid 4095 is out of range, expected 1-4094"),
        ("1-4095", "vid 4095 is out of range, expected 1-4094"),
        ("10-5", "range 10-5 runs backwards, expected 5-10"),
        ("-5", "'-5' is not a vid or a range, expected e.g. 100 or 300-310"),
        ("5-", "'5-' is not a vid or a range, expected e.g. 100 or 300-310"),
        ("1 - 5", "'-' is not a vid or a range, expected e.g. 100 or 300-310"),
        ("1.5", "'1.5' is not a vid or a range, expected e.g. 100 or 300-310"),
        ("١٠", "'١٠' is not a vid or a range, expected e.g. 100 or 300-310"),
        ("100 abc 5000", "'abc' is not a vid or a range, expected e.g. 100 or 300-310"),
    ],
)
def test_list_of_vids_names_the_item_that_is_none(text: str, complaint: str) -> None:
    with pytest.raises(VidError) as caught:
        parse_vids(text)
    assert str(caught.value) == complaint


def test_number_too_long_for_int_is_no_vid() -> None:
    # int() refuses more than 4300 digits with an error of its own.
    with pytest.raises(VidError):
        parse_vids("9" * 5000)


@pytest.mark.parametrize("number", [-1, 0, 4095, 4096])
def test_vid_beyond_802_1q_is_refused(number: int) -> None:
    with pytest.raises(VidError):
        vid(number)


@pytest.mark.parametrize(
    ("members", "untagged", "pvid"),
    [(1, 0, None), (1 << 4095, 0, None), (2, 4, None), (2, 2, 2), (0, 0, 0), (-2, 0, None)],
)
def test_port_that_the_kernel_cannot_have_is_refused(
    members: int, untagged: int, pvid: int | None
) -> None:
    with pytest.raises(VidError):
        PortVlans(members, untagged, pvid)


def test_port_is_frozen() -> None:
    with pytest.raises(AttributeError):
        port("5").members = 0


def test_vid_that_is_both_pvid_and_tagged_is_untagged() -> None:
    assert PortVlans.of(pvid=5, tagged=parse_vids("5-7")) == raw("5-7", untagged="5", pvid=5)


@pytest.mark.parametrize(
    ("before", "first", "last", "flags", "after"),
    [
        (NO_VLANS, 5, 7, VlanFlags.TAGGED, raw("5-7")),
        (NO_VLANS, 5, 5, NATIVE, raw("5", untagged="5", pvid=5)),
        (NO_VLANS, 5, 5, VlanFlags.PVID, raw("5", pvid=5)),
        (port(pvid=1), 5, 5, NATIVE, raw("1,5", untagged="1,5", pvid=5)),
        (port(pvid=1), 1, 1, VlanFlags.TAGGED, raw("1")),
        (port(pvid=1), 1, 1, UNTAGGED, raw("1", untagged="1")),
        (port(pvid=1), 1, 1, VlanFlags.PVID, raw("1", pvid=1)),
        (port("2-9", pvid=1), 3, 4, UNTAGGED, raw("1-9", untagged="1,3,4", pvid=1)),
        (raw("3", untagged="3"), 3, 3, VlanFlags.TAGGED, raw("3")),
    ],
)
def test_added_range_leaves_what_the_kernel_leaves(
    before: PortVlans, first: int, last: int, flags: VlanFlags, after: PortVlans
) -> None:
    assert before.added(ranged(first, last, flags)) == after


@pytest.mark.parametrize(
    ("before", "first", "last", "after"),
    [
        (port("5-9", pvid=1), 6, 7, raw("1,5,8,9", untagged="1", pvid=1)),
        (port("5-9", pvid=1), 1, 1, raw("5-9")),
        (port("5-9", pvid=7), 1, 4094, NO_VLANS),
        (port("5"), 6, 7, raw("5")),
        (raw("5", untagged="5"), 5, 5, NO_VLANS),
    ],
)
def test_removed_range_takes_pvid_and_flags_along(
    before: PortVlans, first: int, last: int, after: PortVlans
) -> None:
    assert before.removed(first, last) == after


@pytest.mark.parametrize(
    ("under", "over", "both"),
    [
        (port(pvid=1), port("5"), port("5", pvid=1)),
        (port(pvid=1), port("5", pvid=9), raw("1,5,9", untagged="1,9", pvid=9)),
        (port(pvid=1), port("1"), raw("1")),
        (port("5", pvid=1), NO_VLANS, port("5", pvid=1)),
        (port("5", pvid=1), raw("5", untagged="5"), raw("1,5", untagged="1,5", pvid=1)),
    ],
)
def test_union_lays_the_second_over_the_first(
    under: PortVlans, over: PortVlans, both: PortVlans
) -> None:
    assert under.union(over) == both


def test_ranges_stand_apart_where_flags_do() -> None:
    held = raw("1-6,9", untagged="1,2,5", pvid=2)

    assert held.ranges() == (
        ranged(1, flags=UNTAGGED),
        ranged(2, flags=NATIVE),
        ranged(3, 4),
        ranged(5, flags=UNTAGGED),
        ranged(6),
        ranged(9),
    )


@pytest.mark.parametrize(
    ("held", "number", "flags"),
    [
        (port("5", pvid=1), 1, NATIVE),
        (port("5", pvid=1), 5, VlanFlags.TAGGED),
        (port("5", pvid=1), 6, None),
        (raw("1", pvid=1), 1, VlanFlags.PVID),
    ],
)
def test_flags_of_a_vid(held: PortVlans, number: int, flags: VlanFlags | None) -> None:
    assert held.flags(number) == flags


@pytest.mark.parametrize(
    ("held", "words"),
    [
        (NO_VLANS, "none"),
        (port(pvid=1), "pvid 1"),
        (port("200,300-310", pvid=100), "pvid 100, tagged 200,300-310"),
        (raw("5", pvid=5), "pvid 5 (tagged)"),
        (raw("1,5", untagged="1,5", pvid=5), "pvid 5, untagged 1"),
        (port("7"), "tagged 7"),
    ],
)
def test_port_in_words(held: PortVlans, words: str) -> None:
    assert str(held) == words


@pytest.mark.parametrize(
    ("item", "words"),
    [
        (ranged(5), "5"),
        (ranged(5, 9), "5-9"),
        (ranged(5, flags=NATIVE), "5 pvid untagged"),
        (ranged(5, 9, UNTAGGED), "5-9 untagged"),
    ],
)
def test_range_in_the_words_of_bridge_8(item: object, words: str) -> None:
    assert str(item) == words


def test_equal_ports_hash_alike() -> None:
    assert len({port("5", pvid=1), raw("1,5", untagged="1", pvid=1), port("5")}) == 2
