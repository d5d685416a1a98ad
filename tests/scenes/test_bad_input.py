"""Bad input: each fault gives one clear line and a hint, and a documented exit status."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kernel.netns import entered, ip
from tests.scenes.guests import VM1
from tests.scenes.stage import BRIDGES, PORTS, SELF, TRUNK, VETH0, Ended, Stage
from vlanlog.store.schema import HEAD

pytestmark = pytest.mark.kernel

FROM_FILES = {"br0": SELF, "eth0": TRUNK, "veth0": VETH0}
# Reads what it likes, for the checkout may lie in a folder of root alone; writes nothing of root.
READS = ("--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search")
NOBODY = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", *READS)
WISH = ("--tagged", "200", "--reason", "ticket 42")
VIDS_HINT = "e.g. --pvid 100 --tagged 200,300-310"
TIMES_HINT = (
    "give a time as in journalctl: e.g. '2026-11-03 14:00', '2026-11-03 14:00 UTC', '14:00', "
    "'yesterday', '-2h', '3 days ago', '@1762178400'"
)
MISSING_HINT = "make what is missing, or change the section that names it; then replay"


@pytest.fixture(scope="module")
def shared() -> Iterator[Stage]:
    """Is the reference host with VM1 alone, in a folder that any user may enter."""
    with entered(), tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        stage = Stage(Path(folder))
        stage.add_reference_host()
        stage.daemon_starts()
        stage.start(VM1)
        # So that nothing of it waits in the spool any more.
        stage.vlanlog("replay")
        yield stage


@pytest.fixture
def host(shared: Stage) -> Stage:
    """Is the shared host, which every test leaves as the files say."""
    assert shared.carried() == FROM_FILES
    return shared


def _error(status: int, message: str, hint: str) -> Ended:
    return Ended(status, "", f"vlanlog: error: {message}\nhint: {hint}\n")


def test_all_errors_of_both_files_are_told_and_the_last_good_ones_hold(host: Stage) -> None:
    bridges = BRIDGES.replace("br-tags = 200", "br-tag = 200")
    ports = PORTS.replace("pvid = 100", "pvid = 5000").replace("100 200", "100 2oo 7-5")
    host.configure(bridges, ports)
    host.flush("br0", "veth0")
    done = host.vlanlog("replay")
    host.configure(BRIDGES, PORTS)
    plan = """\
PORT   GUEST  CHANGE                  BECAUSE
br0           +200 pvid none→1        bridge_init.conf [br0]
veth0  VM1    +200,300 pvid none→100  vlan_filtering.conf [veth0]
Plan: 5 to add, 0 to remove, 1 port unchanged.
Done: 2 ports programmed with 2 messages, re-read.
"""
    keys = "br-pvid, br-tags, default-pvid, foreign, prune, trunk-port, trunk-pvid, trunk-tags"
    errors = f"""\
vlanlog: {host.conf}/bridge_init.conf:6: [br0] br-tag: unknown key (did you mean br-tags?), \
expected one of {keys}
vlanlog: {host.conf}/vlan_filtering.conf:3: [veth0] pvid: vid 5000 is out of range, expected 1-4094
vlanlog: {host.conf}/vlan_filtering.conf:9: [veth1] tagged: '2oo' is not a vid or a range; \
range 7-5 runs backwards, expected e.g. 100 or 300-310; 5-7
"""
    assert done == Ended(1, plan, errors)
    assert host.carried() == FROM_FILES


def test_missing_trunk_is_told_and_the_rest_is_done(host: Stage) -> None:
    ip("link", "set", "eth0", "nomaster")
    host.flush("veth0")
    done = host.vlanlog("replay")
    carried = host.carried()
    ip("link", "set", "eth0", "master", "br0")
    back = host.vlanlog("replay")
    said = """\
PORT   GUEST  CHANGE                  BECAUSE
veth0  VM1    +200,300 pvid none→100  vlan_filtering.conf [veth0]
Plan: 3 to add, 0 to remove, 1 port unchanged.
Done: 1 port programmed with 1 message, re-read.
left undone: trunk eth0 is not in any bridge (bridge_init.conf [br0])
"""
    assert done == Ended(1, said, f"hint: {MISSING_HINT}\n")
    assert carried == {"br0": SELF, "veth0": VETH0}
    assert back.status == 0


def test_missing_bridge_is_told(stage: Stage) -> None:
    done = stage.vlanlog("replay")
    said = """\
Plan: 0 to add, 0 to remove, 0 ports unchanged.
Nothing was sent.
left undone: bridge br0 does not exist (bridge_init.conf [br0])
"""
    assert done == Ended(1, said, f"hint: {MISSING_HINT}\n")


@pytest.mark.parametrize(
    ("argv", "message", "hint"),
    [
        (("history", "VM11"), "nothing in the log is called 'VM11'", "did you mean VM1?"),
        (("replay", "--guest", "VMM1"), "guest 'VMM1' is not in the log", "did you mean VM1?"),
        (("replay", "--port", "veht0"), "no port is called 'veht0'", "did you mean veth0, eth0?"),
        (("replay", "--bridge", "br9"), "no bridge is called 'br9'", "did you mean br0?"),
        (
            ("set", "veht0", *WISH),
            "no port and no NIC is called 'veht0'",
            "did you mean veth0, eth0?",
        ),
        (("set", "veth0"), "Missing option '--reason' / '-m'.", "see 'vlanlog set --help'"),
        (("nonsense",), "No such command 'nonsense'.", "see 'vlanlog --help'"),
        (("replay", "--at", "next week"), "'next week' is not a time", TIMES_HINT),
        (
            ("set", "veth0", "--tagged", "100,5000", "--reason", "x"),
            "vid 5000 is out of range, expected 1-4094",
            VIDS_HINT,
        ),
        (
            ("set", "veth0", "--tagged", "300-200", "--reason", "x"),
            "range 300-200 runs backwards, expected 200-300",
            VIDS_HINT,
        ),
        (
            ("set", "veth0", "--tagged", "a", "--reason", "x"),
            "'a' is not a vid or a range, expected e.g. 100 or 300-310",
            VIDS_HINT,
        ),
    ],
    ids=lambda value: " ".join(value[:3]) if isinstance(value, tuple) else "",
)
def test_what_cannot_be_meant_is_a_usage_error_and_changes_nothing(
    host: Stage, argv: tuple[str, ...], message: str, hint: str
) -> None:
    before = host.kept()
    assert host.vlanlog(*argv) == _error(2, message, hint)
    assert (host.carried(), host.kept()) == (FROM_FILES, before)


@pytest.mark.parametrize("verb", [("replay",), ("replay", "--dry-run"), ("diff",), ("history",)])
def test_database_that_does_not_answer_is_an_error_of_the_environment(
    host: Stage, verb: tuple[str, ...]
) -> None:
    ip("link", "set", "lo", "up")
    url = "postgresql://vlanlog:s3cret@127.0.0.1:1/vlanlog"
    assert host.vlanlog(*verb, "--database", url) == _error(
        3,
        "database postgresql+psycopg://vlanlog:***@127.0.0.1:1/vlanlog does not answer "
        '(connection failed: connection to server at "127.0.0.1", port 1 failed: '
        "Connection refused)",
        "is the server up? pg_isready -h HOST -p PORT",
    )


def test_time_before_the_log_is_answered_with_what_it_covers(host: Stage) -> None:
    done = host.vlanlog("replay", "--at", "2001-01-01")
    error, hint = done.err.splitlines()
    assert (done.status, done.out) == (2, "")
    assert error == "vlanlog: error: the log does not reach back to 2001-01-01 00:00:00"
    assert hint.startswith("hint: the log covers 20")


def test_state_of_the_kernel_needs_no_log_but_says_that_it_has_none(host: Stage) -> None:
    ip("link", "set", "lo", "up")
    done = host.vlanlog("state", "--database", "postgresql://127.0.0.1:1/vlanlog")
    said = """\
BRIDGE  PORT   GUEST  MAC  PVID  TAGGED
br0     br0    self        1     200
br0     eth0               1     100,200,300
br0     veth0              100   200,300
"""
    note = (
        "vlanlog: database postgresql+psycopg://127.0.0.1:1/vlanlog does not answer (connection "
        'failed: connection to server at "127.0.0.1", port 1 failed: Connection refused); '
        "going on without the log (is the server up? pg_isready -h HOST -p PORT)\n"
    )
    assert done == Ended(0, said, note)


def test_database_of_a_newer_vlanlog_is_left_as_it_is(host: Stage, tmp_path: Path) -> None:
    newer = tmp_path / "newer.db"
    assert host.vlanlog("replay", "--database", f"sqlite:///{newer}").status == 0
    database = sqlite3.connect(newer)
    database.execute("UPDATE alembic_version SET version_num = '9999'")
    database.commit()
    rows = list(database.iterdump())
    done = host.vlanlog("replay", "--database", f"sqlite:///{newer}")
    assert done == _error(
        3,
        f"database sqlite:///{newer} has schema 9999, this vlanlog knows schemas up to {HEAD}",
        "a newer vlanlog wrote it: pip install --upgrade vlanlog",
    )
    assert list(database.iterdump()) == rows
    database.close()


def test_user_without_rights_is_told_to_be_root(host: Stage) -> None:
    before = host.kept()
    assert host.vlanlog("replay", under=NOBODY) == _error(
        3,
        f"database {host.database} cannot be written (attempt to write a readonly database)",
        f"run as root, or look at: ls -ld {host.folder} {host.database}",
    )
    assert (host.carried(), host.kept()) == (FROM_FILES, before)


def test_wish_of_a_user_without_the_right_opens_no_log(host: Stage) -> None:
    before = host.kept()
    assert host.vlanlog("set", "veth0", *WISH, under=NOBODY) == _error(
        3,
        "this process may not change VLANs: it lacks CAP_NET_ADMIN",
        "run it as root; 'vlanlog replay --dry-run' shows what it would change",
    )
    assert (host.carried(), host.kept()) == (FROM_FILES, before)
