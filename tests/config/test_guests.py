"""What a broken vlan_filtering.conf means for one guest: it must not start past a fault."""

from __future__ import annotations

from pathlib import Path

import pytest

from vlanlog.config import Loaded, read_bridges, read_ports
from vlanlog.core.entry import OnFailure

UUID = "8c0c6b1e-3a1f-4a57-9d0e-2f6f6f0a7c11"
ALLOW, REFUSE = OnFailure.ALLOW, OnFailure.REFUSE


def loaded(tmp_path: Path, text: str | bytes) -> Loaded:
    path = tmp_path / "vlan_filtering.conf"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_ports(path)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("[VM1/net0]\npvid = x", id="heading"),
        pytest.param("[VM1/nic0]", id="NIC that is none"),
        pytest.param(f"[{UUID.upper()}/net0]\npvid = x", id="UUID in any case"),
        pytest.param("[veth0]\nguest = VM1\npvid = x", id="guest key"),
        pytest.param(f"[veth0]\nguest = {UUID}\npvid = x", id="guest key with UUID"),
        pytest.param("[veth0]\npvid = x\nguest = VM2\nguest = VM1", id="second guest key"),
        pytest.param("[veth0]\ngest = VM1", id="misspelt guest key"),
        pytest.param("[DEFAULT]\nguest = VM1\n[veth0]\npvid = x", id="guest of DEFAULT"),
        pytest.param("[*]\npvid = x", id="any"),
        pytest.param("[DEFAULT]\npvid = x\n[VM2/*]\n", id="DEFAULT"),
        pytest.param("pvid = 5\n[VM2/*]", id="above the first heading"),
        pytest.param(b"[VM2/*]\npvid = \xff", id="undecodable"),
        pytest.param("[VM2/*]\nVM1/*]\n", id="heading without its first bracket"),
        pytest.param("[VM2/*]\n[VM1/*\n", id="heading without its last bracket"),
        pytest.param("[VM2/*]\n[VM1/52:54:00:aa:bb:cc\n", id="the same with a MAC"),
        pytest.param("[VM2/*]\npvid = 5\n  [VM1/*]\n", id="indented heading"),
        pytest.param("[veth0]\npvid = 5\n  guest = VM1\n", id="indented guest key"),
        pytest.param("[veth0]\nguest = 50%\n", id="guest key that cannot be read"),
        pytest.param("[veth0]\npvid = x\n", id="no guest key"),
        pytest.param("[a/VM1/net0]\n", id="guest that is none"),
        pytest.param(
            "[DEFAULT]\nguest = VM2\n[veth0]\nowner = VM1", id="no guest key but DEFAULT's"
        ),
        pytest.param("[VM2 net0]\n", id="heading of no known form"),
    ],
)
def test_faults_that_may_be_about_a_guest_are_found(tmp_path: Path, text: str | bytes) -> None:
    config = loaded(tmp_path, text)
    assert config.faults_for("VM1", UUID) == config.errors != ()


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("[VM1/net0]\n[VM2/net0]\npvid = x", id="another guest's heading"),
        pytest.param("[VM1/net0]\n[veth0]\nguest = VM2\npvid = x", id="another guest's tap"),
        pytest.param("[VM10/net0]\npvid = x", id="a longer name"),
        pytest.param("[vm1/net0]\npvid = x", id="a name in another case"),
    ],
)
def test_faults_of_another_guest_do_not_concern_a_guest(tmp_path: Path, text: str) -> None:
    config = loaded(tmp_path, text)
    assert (config.errors != (), config.faults_for("VM1", UUID)) == (True, ())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("", REFUSE, id="nothing"),
        pytest.param("[DEFAULT]\non-failure = allow", ALLOW, id="DEFAULT"),
        pytest.param("[DEFAULT]\non-failure = refuse", REFUSE, id="DEFAULT refuses"),
        pytest.param("[*]\non-failure = allow", ALLOW, id="any"),
        pytest.param("[*]\non-failure = refuse\n[VM1/*]\non-failure = allow", ALLOW, id="named"),
        pytest.param("[*]\non-failure = allow\n[VM1/*]", REFUSE, id="named without the key"),
        pytest.param(
            "[DEFAULT]\non-failure = allow\n[VM1/*]\npvid = x", ALLOW, id="named, from DEFAULT"
        ),
        pytest.param(
            "[VM1/net0]\non-failure = allow\n[VM1/net1]\non-failure = refuse",
            REFUSE,
            id="the strictest of two",
        ),
        pytest.param("[VM1/net0]\non-failure = allow\npvid = x", ALLOW, id="broken elsewhere"),
        pytest.param("[VM1/net0]\non-failure = alow", REFUSE, id="broken"),
        pytest.param(
            "[DEFAULT]\non-failure = allow\n[VM1/net0]\non-failure = alow",
            REFUSE,
            id="broken under a DEFAULT that allows",
        ),
        pytest.param(
            "[DEFAULT]\non-failure = allow\n[VM1/net0]\non-falure = refuse", REFUSE, id="misspelt"
        ),
        pytest.param("[VM1/net0]\non-falure = allow", REFUSE, id="misspelt and allowing"),
        pytest.param(
            "[VM1/net0]\non-failure = allow\non-failure = refuse", REFUSE, id="said in two ways"
        ),
        pytest.param(
            "[DEFAULT]\non-failure = allow\n[veth0]\nguest = 50%\non-failure = refuse",
            REFUSE,
            id="a guest that cannot be read is refused",
        ),
        pytest.param(
            "[VM1/*]\non-failure = allow\n[VM2/*]\non-failure = refuse", ALLOW, id="another guest"
        ),
        pytest.param(b"[VM1/*]\non-failure = allow\n\xff", REFUSE, id="undecodable"),
    ],
)
def test_on_failure_is_what_can_be_read_and_else_refuses(
    tmp_path: Path, text: str | bytes, expected: OnFailure
) -> None:
    assert loaded(tmp_path, text).on_failure_for("VM1", UUID) is expected


def test_guest_is_known_by_its_uuid_in_any_case(tmp_path: Path) -> None:
    config = loaded(tmp_path, f"[{UUID}/*]\non-failure = allow\npvid = x")
    assert config.faults_for("VM1", UUID.upper()) == config.errors != ()
    assert config.on_failure_for("VM1", UUID.upper()) is ALLOW


def test_faults_of_bridges_concern_no_guest(tmp_path: Path) -> None:
    path = tmp_path / "bridge_init.conf"
    path.write_text("[DEFAULT]\nbr-pvid = x\n[VM1]\n")
    config = read_bridges(path)
    assert (len(config.errors), config.faults_for("VM1", UUID)) == (1, ())
