"""A head as a text that goes out of the house and comes back: signed, mailed, or in a journal."""

from __future__ import annotations

import json

import pytest

from vlanlog.core.query import Head
from vlanlog.core.state import Seq
from vlanlog.render.head import HeadError, KnownHead, head_line, head_text, heads_in

HEAD = Head(seq=Seq(42), hash=bytes(range(32)), at_ns=1_700_000_000_123_456_789)
KNOWN = KnownHead(host='kvm "1" ä', seq=Seq(42), hash=bytes(range(32)))
TEXT = head_text(
    KNOWN.host, HEAD, events=40, program="vlanlog 1", made_ns=1_700_000_001_000_000_000
)
HEX = bytes(range(32)).hex()


def test_head_says_what_it_is_the_head_of() -> None:
    assert json.loads(TEXT) == {
        "vlanlog": "head",
        "format": 1,
        "host": 'kvm "1" ä',
        "seq": 42,
        "hash": HEX,
        "at": "2023-11-14T22:13:20.123456789Z",
        "events": 40,
        "made": "2023-11-14T22:13:21.000000000Z",
        "program": "vlanlog 1",
    }


SIGNED = f"""\
-----BEGIN PGP SIGNED MESSAGE-----
Hash: SHA256

{TEXT}
-----BEGIN PGP SIGNATURE-----
iHUEARYIAB0WIQ{{
-----END PGP SIGNATURE-----
"""
JOURNAL = f"""\
Nov 24 01:00:00 kvm1 vlanlog[77]: watching; socket /run/vlanlog/vlanlog.sock
Nov 24 02:00:00 kvm1 vlanlog[77]: {head_line(KNOWN.host, HEAD)}
"""


@pytest.mark.parametrize(
    ("text", "heads"),
    [
        (TEXT, 1),
        (f"{TEXT}\n{TEXT}\n", 2),
        (json.dumps(json.loads(TEXT)), 1),
        (SIGNED, 1),
        (JOURNAL, 1),
        (JOURNAL * 3, 3),
        (TEXT + "\n" + JOURNAL, 2),
    ],
)
def test_head_is_found_wherever_it_was_kept(text: str, heads: int) -> None:
    assert heads_in(text) == (KNOWN,) * heads


def test_head_line_is_of_a_form_that_scripts_may_rely_on() -> None:
    assert head_line("kvm1", HEAD) == (
        f"head seq=42 hash={HEX} at=2023-11-14T22:13:20.123456789Z host=kvm1"
    )


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "there is no head in it"),
        ("head seq=42 hash=00 at=x host=kvm1", "there is no head in it"),
        (TEXT[:60], "its JSON is damaged"),
        ('{"seq": 1}', "not a head of vlanlog"),
        (TEXT.replace('"format": 1', '"format": 2'), "a newer vlanlog wrote it, in format 2"),
        (TEXT.replace('"seq": 42', '"seq": 0'), "not a head of vlanlog"),
        (TEXT.replace('"seq": 42', '"seq": "42"'), "not a head of vlanlog"),
        (TEXT.replace(HEX, HEX[:-1]), "not a head of vlanlog"),
        (TEXT.replace(HEX, "g" * 64), "not a head of vlanlog"),
    ],
)
def test_text_without_a_head_is_refused(text: str, why: str) -> None:
    with pytest.raises(HeadError, match=why):
        heads_in(text)
