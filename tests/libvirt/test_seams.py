"""What someone else's scripts in the ``.d`` folders get, and what guests' names do to them."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import pytest

from tests.lab.domain import Nic
from tests.lab.errors import LabError
from tests.lab.libvirtd import HOOKS, daemon_name
from tests.libvirt.host import (
    CONF,
    LOGS,
    PORTS,
    REFERENCE,
    Guest,
    Host,
    kernel_vlans,
    write_conf,
)
from tests.libvirt.story import Event, operations, script_ends

pytestmark = pytest.mark.libvirt

SEEN = Path("/run/seen")
# Writes down what it was given, in a folder of the call's and the script's name.
_WITNESS = f"""\
seen="{SEEN}/$VLANLOG_HOOK_NAME/${{0##*/}}"
mkdir -p "$seen"
echo "$VLANLOG_HOOK_NAME ${{0##*/}}" >> {SEEN}/order
printf '%s\\n' "$0" "$@" "$PWD" > "$seen/call"
sha256sum > "$seen/stdin"
env > "$seen/env"
bridge vlan show dev veth0 > "$seen/vlans" 2> /dev/null
echo to stdout; echo to stderr >&2
"""
_OWN_OF_SH = {"PWD", "OLDPWD", "SHLVL", "_"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Witness:
    """Is what a script was given, and what its port carried then."""

    call: list[str]
    stdin: str
    environment: dict[str, str]
    vlans: str


def witness(hook: str, script: str) -> Witness:
    folder = SEEN / hook / script
    lines = (folder / "env").read_text().splitlines()
    environment = dict(line.split("=", 1) for line in lines)
    return Witness(
        call=(folder / "call").read_text().splitlines(),
        stdin=(folder / "stdin").read_text().split()[0],
        environment={k: v for k, v in environment.items() if k not in _OWN_OF_SH},
        vlans=" ".join((folder / "vlans").read_text().split()),
    )


@pytest.fixture(scope="module")
def told(host: Host) -> list[Event]:
    """The log of a guest's life with a witness in each folder that someone else may use."""
    shutil.rmtree(SEEN, ignore_errors=True)
    SEEN.mkdir()
    for script in (
        "qemu_prepare_begin.d/witness.sh",
        "qemu_start_begin.d/05-first",
        "qemu_start_begin.d/99-second.sh",
        "qemu_start_begin.d/zz-last",
        "qemu_stopped_end.d/witness.sh",
        "daemon_start.d/witness.sh",
    ):
        host.add_script(script, _WITNESS)
    (HOOKS / "daemon_reload.d/witness.sh").symlink_to("../daemon_start.d/witness.sh")
    (HOOKS / "qemu_start_begin.d/README").write_text("not a script\n")
    host.stop_libvirtd()
    host.start_libvirtd()
    guest = host.started("VM1", Nic(bridge="br0", target="veth0"))
    host.reload()
    host.stop(guest)
    return host.history()


def test_scripts_run_in_the_order_of_their_names(told: list[Event]) -> None:
    assert (SEEN / "order").read_text().splitlines() == [
        "daemon_start witness.sh",
        "qemu_prepare_begin witness.sh",
        "qemu_start_begin 05-first",
        "qemu_start_begin 99-second.sh",
        "qemu_start_begin zz-last",
        "daemon_reload witness.sh",
        "qemu_stopped_end witness.sh",
    ]
    of_start = [end[2:] for end in script_ends(told) if end[1] == "qemu_start_begin"]
    assert of_start == [
        ("05-first", 0),
        ("99-second.sh", 0),
        ("vlan_filtering.py", 0),
        ("zz-last", 0),
    ]


@pytest.mark.usefixtures("told")
def test_scripts_before_and_after_ours_see_the_vlans_before_and_after() -> None:
    before, after = (witness("qemu_start_begin", name).vlans for name in ("05-first", "zz-last"))
    assert (before, after) == (
        "port vlan-id veth0 1 PVID Egress Untagged",
        "port vlan-id veth0 100 PVID Egress Untagged 200 300",
    )


@pytest.mark.usefixtures("told")
@pytest.mark.parametrize(
    ("hook", "script", "target", "conf"),
    [
        ("qemu_prepare_begin", "witness.sh", "VM1", "witness.conf"),
        ("qemu_start_begin", "05-first", "VM1", "05-first.conf"),
        ("qemu_start_begin", "99-second.sh", "VM1", "99-second.conf"),
        ("qemu_stopped_end", "witness.sh", "VM1", "witness.conf"),
        ("daemon_start", "witness.sh", "start", "witness.conf"),
        ("daemon_reload", "witness.sh", "reload", "witness.conf"),
    ],
)
def test_script_gets_its_guest_or_phase_and_its_conf_in_its_own_folder(
    hook: str, script: str, target: str, conf: str
) -> None:
    assert witness(hook, script).call == [
        f"./{script}",
        target,
        f"{CONF}/{conf}",
        f"{HOOKS}/{hook}.d",
    ]


@pytest.mark.parametrize(
    ("hook", "script"),
    [
        ("qemu_prepare_begin", "witness.sh"),
        ("qemu_start_begin", "zz-last"),
        ("qemu_stopped_end", "witness.sh"),
        ("daemon_start", "witness.sh"),
        ("daemon_reload", "witness.sh"),
    ],
)
def test_script_reads_the_xml_of_the_call_whole(told: list[Event], hook: str, script: str) -> None:
    of_call = _call(told, hook)["payload"]["xml_sha256"]
    assert witness(hook, script).stdin == (of_call or sha256(b"").hexdigest())


@pytest.mark.parametrize(
    ("hook", "script", "argv"),
    [
        ("qemu_start_begin", "05-first", ("VM1", "start", "begin", "-")),
        ("qemu_stopped_end", "witness.sh", ("VM1", "stopped", "end", "-")),
        ("daemon_reload", "witness.sh", ("-", "reload", "begin", "SIGHUP")),
    ],
)
def test_script_has_libvirts_environment_and_the_call(
    told: list[Event], hook: str, script: str, argv: tuple[str, ...]
) -> None:
    environment = witness(hook, script).environment
    assert environment.pop("VLANLOG_HOOK_ENDS_MONOTONIC_NS").isdigit()
    environment.pop("VLANLOG_PYTHON")
    assert environment == {
        "LC_ALL": "C",
        "PATH": os.environ["PATH"],
        "HOME": os.environ["HOME"],
        "VLANLOG_HOOKS_DIR": str(HOOKS),
        "VLANLOG_CORRELATION_ID": _call(told, hook)["correlation_id"].replace("-", ""),
        "VLANLOG_HOOK_NAME": hook,
        "VLANLOG_HOOK_DRIVER": hook.partition("_")[0],
        "VLANLOG_HOOK_PARENT": daemon_name(),
        "VLANLOG_HOOK_OBJECT": argv[0],
        "VLANLOG_HOOK_OPERATION": argv[1],
        "VLANLOG_HOOK_SUB_OPERATION": argv[2],
        "VLANLOG_HOOK_EXTRA": argv[3],
        "VLANLOG_DAEMON": "absent",
    }


@pytest.mark.usefixtures("told")
def test_scripts_have_a_log_each_by_hook_guest_and_name() -> None:
    logs = {path.name: path.read_text() for path in LOGS.iterdir()}
    said = "to stdout\nto stderr\n"
    others = {name: text for name, text in logs.items() if text == said}
    assert others == dict.fromkeys(
        (
            "daemon_start_witness.log",
            "qemu_prepare_begin_VM1_witness.log",
            "qemu_start_begin_VM1_05-first.log",
            "qemu_start_begin_VM1_99-second.log",
            "qemu_start_begin_VM1_zz-last.log",
            "daemon_reload_witness.log",
            "qemu_stopped_end_VM1_witness.log",
        ),
        said,
    )
    assert set(logs) - set(others) == {
        "daemon_start_bridge_init.log",
        "qemu_start_begin_VM1_vlan_filtering.log",
        "qemu_started_begin_VM1_vlan_filtering.log",
        "daemon_reload_bridge_init.log",
    }


def _call(told: list[Event], hook: str) -> Event:
    (*_, newest) = [
        event
        for event in told
        if event["kind"] == "hook.invoked"
        and [event["payload"]["driver"], event["payload"]["operation"]] == hook.split("_")[:2]
    ]
    return newest


@pytest.fixture(scope="module")
def named(host: Host) -> Host:
    host.stop_all()
    for script in HOOKS.glob("*.d/*"):
        if script.suffix != ".py":
            script.unlink()
    return host


@pytest.fixture
def guest(named: Host, request: pytest.FixtureRequest) -> Iterator[Guest]:
    name: str = request.param
    write_conf(ports=f"{PORTS}\n[{name}/*]\npvid = 7\ntagged = 8-9\n")
    yield named.define(name, Nic(bridge="br0", target="odd0"))
    named.stop_all()


@pytest.mark.parametrize(
    "guest",
    ["my vm", 'o\'brien "x"', "gäst-ü", "--help", "..up", "$(touch ran) `touch ran`; *"],
    indirect=True,
)
def test_odd_name_of_a_guest_harms_nothing(named: Host, guest: Guest) -> None:
    logs = {path.name for path in LOGS.iterdir()}
    others = _files_but_logs()
    named.start(guest)
    assert kernel_vlans() == {**REFERENCE, "odd0": ["7 pvid untagged", "8", "9"]}
    told = named.history("--", guest.name)
    assert {event["guest"] for event in told} == {guest.name}
    assert operations(told) == ["prepare", "start", "started"]
    assert script_ends(told) == [
        (guest.name, "qemu_start_begin", "vlan_filtering.py", 0),
        (guest.name, "qemu_started_begin", "vlan_filtering.py", 0),
    ]
    assert {path.name for path in LOGS.iterdir()} - logs == {
        f"qemu_{operation}_begin_{guest.name}_vlan_filtering.log"
        for operation in ("start", "started")
    }
    assert _files_but_logs() == others
    assert not Path("/ran").exists()


@pytest.mark.parametrize("name", ["..", "a/b", "two\nlines"])
def test_name_that_would_be_a_path_or_two_lines_is_refused_by_libvirt_itself(
    named: Host, name: str
) -> None:
    with pytest.raises(LabError, match="Failed to define domain"):
        named.define(name, Nic(bridge="br0"))


def _files_but_logs() -> set[Path]:
    return {path for path in HOOKS.rglob("*") if LOGS not in (path, *path.parents)}
