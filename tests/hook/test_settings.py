"""The hook's own reader of vlanlog.conf agrees with the program's."""

import os
from pathlib import Path

import pytest

from vlanlog.config.settings import load_settings
from vlanlog.hook import read_settings

NAMES = ("socket", "spool", "logs", "hook_deadline_s", "script_deadline_s")
VARIABLES = ("SOCKET", "SPOOL_DIR", "LOG_DIR", "HOOK_DEADLINE_S", "SCRIPT_DEADLINE_S")


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(f"VLANLOG_{name}", raising=False)


def _both(hooks: Path) -> tuple[tuple[object, ...], tuple[object, ...]]:
    ours, theirs = read_settings(os.fsencode(hooks)), load_settings(os.environ, hooks)
    found = (getattr(ours, name) for name in NAMES)
    return (
        tuple(Path(os.fsdecode(value)) if isinstance(value, bytes) else value for value in found),
        tuple(getattr(theirs, name) for name in NAMES),
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[vlanlog]\n",
        "[vlanlog]\nsocket = /a/s\nspool=/b\nlogs =/c d\nhook-deadline = 5\nscript-deadline=2.5",
        "[vlanlog]\nSocket: /a=b\nspool = /a:b\n",
        "# socket = /x\n; spool = /x\n[vlanlog]\nlogs =\nhook-deadline = 3600\n",
        "[vlanlog]\r\nspool = /crlf\r\n",
    ],
)
def test_file_is_read_as_the_program_reads_it(tmp_path: Path, text: str) -> None:
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf/vlanlog.conf").write_text(text)
    ours, theirs = _both(tmp_path)
    assert ours == theirs


def test_shipped_file_is_read_as_the_program_reads_it(tmp_path: Path) -> None:
    shipped = Path(__file__).parents[2] / "conf"
    (tmp_path / "conf").symlink_to(shipped)
    ours, theirs = _both(tmp_path)
    assert ours == theirs


def test_environment_wins_over_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf/vlanlog.conf").write_text("[vlanlog]\nspool = /a\nhook-deadline = 5\n")
    monkeypatch.setenv("VLANLOG_SPOOL_DIR", "/b")
    monkeypatch.setenv("VLANLOG_HOOK_DEADLINE_S", "7")
    monkeypatch.setenv("VLANLOG_LOG_DIR", "")
    ours, theirs = _both(tmp_path)
    assert ours == theirs
    assert ours[1:4] == (Path("/b"), tmp_path / "logs", 7.0)


@pytest.mark.parametrize(
    "value", ["0", "-1", "nan", "inf", "3601", "soon", "1e9999", "\N{SNOWMAN}"]
)
def test_deadline_that_is_none_is_passed_over(tmp_path: Path, value: str) -> None:
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf/vlanlog.conf").write_text(f"hook-deadline = {value}\nsocket = relative\n")
    settings = read_settings(os.fsencode(tmp_path))
    assert (settings.hook_deadline_s, settings.socket) == (60.0, b"/run/vlanlog/vlanlog.sock")


def test_file_that_is_no_text_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "conf/vlanlog.conf").mkdir(parents=True)
    assert read_settings(os.fsencode(tmp_path)).spool == b"/var/lib/vlanlog/spool"
