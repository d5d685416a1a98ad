"""vlanlog leaves a host on which systemd and a daemon run: the lab's own, which is thrown away."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kernel.netns import entered
from tests.lab.inside import require_lab
from tests.scenes.stage import VLANLOG

pytestmark = pytest.mark.kernel

UNIT = Path("/etc/systemd/system/vlanlog.service")
DISABLE = "systemctl disable --now vlanlog.service"
RELOAD = "systemctl daemon-reload"


@pytest.fixture
def calls(tmp_path: Path) -> Iterator[Path]:
    """Is where a stand-in for systemctl notes its calls, and whether the unit is there then."""
    require_lab()
    booted = Path("/run/systemd/system")
    booted.mkdir(parents=True)
    place = tmp_path / "bin/systemctl"
    place.parent.mkdir()
    note = f'echo "systemctl $*" $(ls {UNIT} 2>/dev/null) >>{tmp_path}/calls'
    place.write_text(f"#!/bin/sh\n{note}\n")
    place.chmod(0o755)
    with entered():
        yield tmp_path / "calls"
    booted.rmdir()


def said(calls: Path, *words: str) -> tuple[str, str]:
    """Returns what a command of vlanlog's says on stdout and stderr."""
    environ = {name: value for name, value in os.environ.items() if "VLANLOG" not in name}
    environ["PATH"] = f"{calls.parent}/bin:{environ['PATH']}"
    done = subprocess.run(
        (VLANLOG, *words), capture_output=True, text=True, check=False, env=environ
    )
    assert done.returncode == 0, done.stderr
    return done.stdout, done.stderr


def test_rehearsal_lists_the_end_of_the_daemon_which_comes_before_its_unit_goes(
    calls: Path,
) -> None:
    said(calls, "install")
    _, rehearsed = said(calls, "uninstall", "--dry-run")
    assert not calls.exists()
    assert rehearsed.splitlines()[:3] == [
        "vlanlog: it would run:",
        f"    {DISABLE}    # to end the daemon",
        f"    {RELOAD}    # to forget the unit",
    ]
    said(calls, "uninstall", "--purge", "--yes")
    assert calls.read_text().splitlines() == [f"{DISABLE} {UNIT}", RELOAD]


def test_daemon_that_goes_on_is_named(calls: Path) -> None:
    said(calls, "install")
    daemon = subprocess.Popen((VLANLOG, "daemon"), stderr=subprocess.PIPE)
    assert daemon.stderr is not None
    assert b"watching" in daemon.stderr.readline()
    line = f"the daemon (process {daemon.pid}) goes on"
    assert line not in said(calls, "uninstall", "--dry-run")[1]
    assert line in said(calls, "uninstall", "--purge", "--yes")[1]
    daemon.send_signal(signal.SIGTERM)
    daemon.wait(timeout=60)
    assert "process" not in said(calls, "uninstall")[1]
