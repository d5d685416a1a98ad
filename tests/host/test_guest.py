"""Whether a guest may start: the script's verdict in a host without the guest's bridge.

No bridge is needed, for a NIC that something names and that is in none is a failure like others.
"""

from __future__ import annotations

import os
import sys
from functools import partial
from pathlib import Path

import pytest

from vlanlog.cli.show import say
from vlanlog.core import event as e
from vlanlog.host.guest import GuestCall, program_guest
from vlanlog.host.opening import opened_for_hook
from vlanlog.store import open_log

VM1 = "11111111-1111-1111-1111-111111111111"
XML = f"""<domain type='kvm' id='1'><name>VM1</name><uuid>{VM1}</uuid><devices>
<interface type='bridge'><mac address='52:54:00:00:00:01'/><source bridge='nobr0'/>
<target dev='novnet0'/><alias name='net0'/></interface></devices></domain>""".encode()
IN_NO_BRIDGE = "NIC 52:54:00:00:00:01 (novnet0) is in no bridge"
NAMED = "[VM1/*]\npvid = 100\n"
ALLOWED = NAMED + "on-failure = allow\n"
OTHER = "[VM2/*]\npvid = 100\n"


@pytest.fixture
def hooks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Is a hooks folder whose log and spool are beside it."""
    for name in ("VLANLOG_CORRELATION_ID", "VLANLOG_HOOK_PARENT", "VLANLOG_HOST"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("VLANLOG_HOOKS_DIR", str(tmp_path))
    monkeypatch.setenv("VLANLOG_DATABASE", f"sqlite:///{tmp_path}/log.db")
    monkeypatch.setenv("VLANLOG_SPOOL_DIR", str(tmp_path / "spool"))
    monkeypatch.setenv("VLANLOG_HOST", "host")
    (tmp_path / "conf").mkdir()
    return tmp_path


def verdict(hooks: Path, ports: str | None, *, operation: str = "start", xml: bytes = XML) -> int:
    if ports is not None:
        (hooks / "conf" / "vlan_filtering.conf").write_text(ports)
    call = GuestCall(name="VM1", operation=operation, xml=xml)
    opener = partial(opened_for_hook, os.environ, source=e.ActorSource.HOOK)
    return program_guest(opener, call, say)


def refusals(hooks: Path) -> list[e.GuestRefused]:
    log = open_log(f"sqlite:///{hooks}/log.db", host="host")
    return [item.event.fact for item in log.read() if isinstance(item.event.fact, e.GuestRefused)]


@pytest.mark.parametrize("operation", ["prepare", "start", "migrate", "restore"])
@pytest.mark.parametrize(("ports", "status"), [(NAMED, 1), (ALLOWED, 0), (OTHER, 0), (None, 0)])
def test_guest_whose_vlans_cannot_be_set_is_refused_unless_allowed(
    hooks: Path, ports: str | None, status: int, operation: str
) -> None:
    assert verdict(hooks, ports, operation=operation) == status


@pytest.mark.parametrize(("ports", "refused"), [(NAMED, True), (ALLOWED, False)])
def test_log_says_why_either_way(hooks: Path, ports: str, refused: bool) -> None:
    verdict(hooks, ports)

    assert refusals(hooks) == [
        e.GuestRefused(operation="start", problems=(IN_NO_BRIDGE,), refused=refused)
    ]


@pytest.mark.parametrize("operation", ["started", "reconnect"])
def test_failure_of_a_guest_that_runs_is_recorded_as_no_refusal(
    hooks: Path, operation: str
) -> None:
    assert verdict(hooks, NAMED, operation=operation) == 1
    assert [item.refused for item in refusals(hooks)] == [False]


@pytest.mark.parametrize(
    ("ports", "status"),
    [
        ("[VM1/*]\npvid = 5000\n", 1),
        ("[VM1/*]\npvid = 5000\non-failure = allow\n", 0),
        ("[VM1/*]\npvid = 100\non-failure = alow\n", 1),
        # A fault in another guest's section, and nothing good was ever in force.
        (OTHER + "tagged = x\n", 1),
        ("not a config\n", 1),
    ],
)
def test_broken_section_refuses_unless_it_allows(hooks: Path, ports: str, status: int) -> None:
    assert verdict(hooks, ports) == status


def test_fault_of_another_guest_leaves_the_last_good_file_in_force(hooks: Path) -> None:
    verdict(hooks, ALLOWED)

    assert verdict(hooks, ALLOWED + OTHER + "tagged = x\n") == 0
    assert [item.problems for item in refusals(hooks)] == [(IN_NO_BRIDGE,)] * 2


@pytest.mark.parametrize(
    ("xml", "problem"),
    [
        (b"", "libvirt gave no domain XML on stdin"),
        (b"\n", "libvirt gave no domain XML on stdin"),
        (
            b"<domain>",
            "the domain XML on stdin cannot be read: "
            "the XML cannot be parsed: no element found: line 1, column 8",
        ),
    ],
)
@pytest.mark.parametrize("ports", [NAMED, f"[{VM1}/*]\npvid = 100\n"])
def test_guest_whose_nics_are_not_known_is_refused(
    hooks: Path, ports: str, xml: bytes, problem: str
) -> None:
    assert verdict(hooks, ports, xml=xml) == 1
    assert [item.problems for item in refusals(hooks)] == [(problem,)]


@pytest.mark.parametrize(("ports", "status"), [(NAMED, 1), (ALLOWED, 0), (OTHER, 0)])
@pytest.mark.parametrize(
    "database", ["sqlite:////proc/nowhere/log.db", "postgresql://127.0.0.1:1/none"]
)
def test_database_that_cannot_be_reached_does_not_change_the_verdict(
    hooks: Path, ports: str, status: int, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VLANLOG_DATABASE", database)

    assert verdict(hooks, ports) == status
    assert len(list((hooks / "spool").iterdir())) > 0


@pytest.mark.parametrize(("ports", "status"), [(NAMED, 1), (ALLOWED, 0), (OTHER, 0)])
def test_full_disk_under_the_scripts_log_does_not_change_the_verdict(
    hooks: Path, ports: str, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Path("/dev/full").open("w", buffering=1) as full:
        monkeypatch.setattr(sys, "stderr", full)
        found = verdict(hooks, ports)
        monkeypatch.undo()

    assert found == status


def test_verdicts_last_line_tells_guest_policy_and_reason(
    hooks: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    verdict(hooks, NAMED)

    out, err = capsys.readouterr()
    assert (out, err.splitlines()[-1]) == (
        "",
        f"vlanlog: VM1: VLANs not set (on-failure = refuse): {IN_NO_BRIDGE}",
    )
