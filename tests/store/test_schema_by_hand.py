"""The page on the schema: its program checks the chain without anything of vlanlog."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from tests.store.database import tamper
from tests.store.histories import happening, history
from vlanlog.core import event as e
from vlanlog.store import open_log
from vlanlog.store.schema import metadata

PAGE = (Path(__file__).parents[2] / "docs" / "schema.md").read_text()
ODD_NAMES = e.Subject(guest_name='ñ"\\/\x01\t\x7f\u2028😀', bridge="<&>")


def run_by_hand(database: Path) -> tuple[int, str]:
    """Returns the exit status and what the page's program says of the host's chain."""
    (program,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    command = [sys.executable, "-I", "-S", "-c", program, str(database), "host"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode, (done.stdout + done.stderr).strip()


def test_program_of_the_page_comes_to_the_same_head(tmp_path: Path, sqlite: str) -> None:
    log = open_log(sqlite, host="host")
    log.append(history(200, host="host"))
    log.append([replace(happening(e.DaemonStarted(), host="host"), subject=ODD_NAMES)])

    head = log.head()

    assert head is not None
    assert run_by_hand(tmp_path / "vlanlog.db") == (0, f"{head.seq} {head.hash.hex()}")


def test_program_of_the_page_finds_an_edit(tmp_path: Path, sqlite: str) -> None:
    log = open_log(sqlite, host="host")
    log.append(history(9, host="host"))

    tamper(log.engine, "UPDATE events SET at_ns = at_ns + 1 WHERE seq = 6")

    said = "event 6 is not what was written behind event 5"
    assert run_by_hand(tmp_path / "vlanlog.db") == (1, said)


def test_page_names_every_table_and_column() -> None:
    names = {table.name for table in metadata.sorted_tables} | {"alembic_version"}
    names |= {column.name for column in metadata.tables["events"].columns}

    missing = sorted(name for name in names if f"`{name}`" not in PAGE and f"## {name}" not in PAGE)
    assert missing == []
