"""The script of docs/trust.md checks an export, with nothing but the standard library."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.core import samples
from vlanlog.core import codec, export
from vlanlog.core.export import Header, Link
from vlanlog.core.state import Seq

DOCS = (Path(__file__).parents[1] / "docs/trust.md").read_text(encoding="utf-8")
[SCRIPT] = re.findall(r"```python\n(.*?)```", DOCS, re.DOTALL)


def text() -> str:
    links, link = [], codec.GENESIS
    for seq, event in enumerate(samples.events(), start=1):
        row, before = codec.encode(event), link
        link = codec.chained(before, seq, row)
        links.append(Link(seq=Seq(seq), row=row, prev_hash=before, hash=link))
    lines = export.lines(Header(host="host-a", program="vlanlog 1"), links)
    return "".join(f"{line}\n" for line in lines)


def checked(given: str) -> tuple[str, str, int]:
    ended = subprocess.run(
        [sys.executable, "-I", "-S", "-c", SCRIPT],
        input=given, capture_output=True, encoding="utf-8", check=False,
        env={"PYTHONUTF8": "1"},
    )  # fmt: skip
    return ended.stdout, ended.stderr, ended.returncode


def test_export_is_checked_by_hand() -> None:
    given = text()
    last = codec.from_line(given.splitlines()[-1].encode())

    assert checked(given) == (f"{last['events']} {last['hash']}\n", "", 0)


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ('"boot_id":"1b4e', '"boot_id":"2b4e', "event 1 is not what was written behind event 0\n"),
        ('"prev_hash":"00', '"prev_hash":"01', "event 1 is not what was written behind event 0\n"),
        ('"events":', '"events":1', "the file was cut short\n"),
    ],
)
def test_export_that_was_edited_is_found_by_hand(old: str, new: str, why: str) -> None:
    assert checked(text().replace(old, new, 1)) == ("", why, 1)
