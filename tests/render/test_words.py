"""Changes, times, actors and names in a few words."""

from __future__ import annotations

from itertools import product

import pytest

from tests.core.making import port, raw
from vlanlog.core import event as e
from vlanlog.core.vlan import NO_VLANS, PortVlans
from vlanlog.render.words import change, count, iso, lasting, plain, when, who

SECOND_NS = 1_000_000_000


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        (NO_VLANS, NO_VLANS, ""),
        (port("5", pvid=1), port("5", pvid=1), ""),
        (NO_VLANS, port("5-9,20"), "+5-9,20"),
        (port("5-9,20"), NO_VLANS, "-5-9,20"),
        (port("5,6"), port("6,7"), "+7 -5"),
        (port(pvid=1), port(pvid=100), "-1 pvid 1→100"),
        (NO_VLANS, port(pvid=100), "pvid none→100"),
        (port(pvid=1), NO_VLANS, "-1 pvid 1→none"),
        (port(pvid=1), port("200,300-310", pvid=100), "+200,300-310 -1 pvid 1→100"),
        (port("50", pvid=1), port("200,300-310", pvid=100), "+200,300-310 -1,50 pvid 1→100"),
        (port("100", pvid=1), port(pvid=100), "-1 pvid 1→100"),
        (port("200", pvid=100), port("200,300-310", pvid=101), "+300-310 -100 pvid 100→101"),
        (port(pvid=1), port("1", pvid=100), "1 tagged pvid 1→100"),
        (port(pvid=1), raw("1,100", untagged="1,100", pvid=100), "1 untagged pvid 1→100"),
        (port(pvid=1), port("1"), "1 tagged pvid 1→none"),
        (port(pvid=1), raw("1", pvid=1), "1 tagged"),
        (raw("1", pvid=1), port(pvid=1), "1 untagged"),
        (NO_VLANS, raw("5", pvid=5), "pvid none→5 (pvid tagged)"),
        (NO_VLANS, raw("5,6", untagged="6"), "+5 +6 untagged"),
        (port("5"), raw("5", untagged="5"), "5 untagged"),
        (raw("5", untagged="5"), port("5"), "5 tagged"),
        (port(), port("1-4094"), "+1-4094"),
    ],
)
def test_change_in_words(before: PortVlans, after: PortVlans, words: str) -> None:
    assert change(before, after) == words


def _every_port_of_three_vids() -> list[PortVlans]:
    found = []
    for members in range(0, 16, 2):
        held = [number for number in (1, 2, 3) if members >> number & 1]
        for untagged, pvid in product(range(0, 16, 2), (None, *held)):
            if not untagged & ~members:
                found.append(PortVlans(members, untagged, pvid))
    return found


def test_change_tells_any_two_ports_apart() -> None:
    every = _every_port_of_three_vids()

    for before in every:
        words = {change(before, after) for after in every}
        assert len(words) == len(every)
        assert change(before, before) == ""


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("VM-ä-日本", "VM-ä-日本"),
        ("a b", "a b"),
        ("\x1b[2J\x1b]0;owned\x07", "\\x1b[2J\\x1b]0;owned\\x07"),
        ("a\nb\r\tc", "a\\nb\\r\\tc"),
        ("\u202elive", "\\u202elive"),
        ("\u200f\u2066\u2028", "\\u200f\\u2066\\u2028"),
        ("\x7f\x9b31m", "\\x7f\\x9b31m"),
        ("\udcff", "\\udcff"),
        ("\U000e0041", "\\U000e0041"),
        ("", ""),
    ],
)
def test_what_moves_a_cursor_is_shown_as_an_escape(text: str, shown: str) -> None:
    assert plain(text) == shown


def test_no_character_that_is_not_printable_is_left() -> None:
    everything = "".join(map(chr, range(0x11000))) + "".join(map(chr, range(0xE0000, 0xE0200)))

    assert plain(everything).isprintable()


@pytest.mark.parametrize(
    ("at_ns", "utc", "stamp"),
    [
        (0, "1970-01-01 00:00:00", "1970-01-01T00:00:00.000000000Z"),
        (1_762_178_400_999_999_999, "2025-11-03 14:00:00", "2025-11-03T14:00:00.999999999Z"),
        (-1, "1969-12-31 23:59:59", "1969-12-31T23:59:59.999999999Z"),
    ],
)
def test_time_to_the_second_and_to_the_nanosecond(at_ns: int, utc: str, stamp: str) -> None:
    assert (when(at_ns, utc=True), iso(at_ns)) == (utc, stamp)


@pytest.mark.parametrize(
    ("actor", "name"),
    [
        (e.Actor(source=e.ActorSource.HOOK, parent="libvirtd"), "hook (libvirtd)"),
        (e.Actor(source=e.ActorSource.HOOK), "hook (unknown caller)"),
        (e.Actor(source=e.ActorSource.OPERATOR, uid=0, user="root"), "root"),
        (e.Actor(source=e.ActorSource.OPERATOR, uid=0, user="root", login_uid=0), "root"),
        (
            e.Actor(source=e.ActorSource.OPERATOR, uid=0, user="root", login_uid=1000),
            "root (login uid 1000)",
        ),
        (e.Actor(source=e.ActorSource.OPERATOR, uid=4711), "uid 4711"),
        (e.Actor(source=e.ActorSource.DAEMON), "daemon"),
        (e.UNKNOWN_ACTOR, "unknown"),
    ],
)
def test_actor_in_a_word_or_two(actor: e.Actor, name: str) -> None:
    assert who(actor) == name


def test_nouns_are_counted() -> None:
    assert [count(n, "port") for n in (0, 1, 2)] == ["0 ports", "1 port", "2 ports"]


@pytest.mark.parametrize(
    ("length_ns", "words"),
    [
        (0, "0 s"),
        (1, "less than 1 s"),
        (61 * SECOND_NS, "1 min 1 s"),
        (26 * 3600 * SECOND_NS + SECOND_NS, "1 d 2 h"),
        (24 * 3600 * SECOND_NS + 60 * SECOND_NS, "1 d"),
        (3600 * SECOND_NS, "1 h"),
    ],
)
def test_time_is_told_in_its_largest_units(length_ns: int, words: str) -> None:
    assert lasting(length_ns) == words
