"""The folder of libvirt's status files to the guests that run."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from vlanlog.core.state import Guest, Nic
from vlanlog.libvirt import Live, LiveGuests, Unread, running_guests

SAMPLE = Path(__file__).parent / "data" / "libvirt" / "status-9.0.xml"
UUID = "3367511c-231b-4d0b-a468-fdd3400aee7b"
MAC = "52:54:00:00:00:01"


def status(name: str = "VM1", *, state: str = "running", tap: str = "vnet0") -> str:
    return (
        f"<domstatus state='{state}' reason='booted' pid='842'>\n<domain type='kvm' id='1'>\n"
        f"<name>{name}</name><uuid>{UUID}</uuid>\n<devices><interface type='bridge'>"
        f"<mac address='{MAC}'/><source bridge='br0'/><target dev='{tap}'/>"
        "</interface></devices>\n</domain>\n</domstatus>\n"
    )


def guest(name: str = "VM1", *, tap: str = "vnet0") -> Guest:
    return Guest(uuid=UUID, name=name, running=True, nics=(Nic(mac=MAC, tap=tap, bridge="br0"),))


def write(file: Path, xml: str) -> None:
    """Writes as libvirt does."""
    new = file.with_name(f"{file.name}.new")
    new.write_text(xml)
    new.rename(file)


@contextmanager
def closed(file: Path) -> Iterator[None]:
    """Has the file be one that we may not read, root or not."""
    file.chmod(0)
    user = os.geteuid()
    os.seteuid(65534 if user == 0 else user)
    yield
    os.seteuid(user)
    file.chmod(0o600)


def test_file_that_libvirt_wrote_tells_its_guest(tmp_path: Path) -> None:
    file = tmp_path / "VM1.xml"
    shutil.copy(SAMPLE, file)
    nics = (
        Nic(mac="52:54:00:00:00:01", alias="net0", tap="vnet0", bridge="br0"),
        Nic(mac="52:54:00:00:00:02", alias="net1", tap="veth0", bridge="br0"),
        Nic(mac="fe:54:00:00:00:03", alias="net2", tap="vnet1", bridge="br0"),
        Nic(mac="52:54:00:00:00:04", alias="net3", tap="vnet2", bridge="br1", network="lan"),
    )
    assert running_guests(tmp_path) == Live(
        guests={file: Guest(uuid=UUID, name="VM1", running=True, nics=nics)}
    )


def test_guests_are_told_in_order_of_their_files(tmp_path: Path) -> None:
    for name in ("b", "c", "a"):
        write(tmp_path / f"{name}.xml", status(name))
    assert list(running_guests(tmp_path).guests.values()) == [guest("a"), guest("b"), guest("c")]


@pytest.mark.parametrize(
    "state", ["running", "paused", "blocked", "pmsuspended", "crashed", "shutdown", "new", ""]
)
def test_guest_of_any_state_but_shutoff_runs(tmp_path: Path, state: str) -> None:
    file = tmp_path / "VM1.xml"
    write(file, status(state=state))
    assert running_guests(tmp_path) == Live(guests={file: guest()})


def test_guest_that_is_shut_off_does_not_run(tmp_path: Path) -> None:
    write(tmp_path / "VM1.xml", status(state="shutoff"))
    assert running_guests(tmp_path) == Live()


@pytest.mark.parametrize("name", ["a b", "..up", "-n", "gäst\u202e", "*?[", "VM1.new", "x.xml"])
def test_odd_name_of_a_guest_is_read_like_any(tmp_path: Path, name: str) -> None:
    file = tmp_path / f"{name}.xml"
    write(file, status(name))
    assert running_guests(tmp_path) == Live(guests={file: guest(name)})


def test_name_of_a_file_may_be_bytes_that_are_no_text(tmp_path: Path) -> None:
    file = tmp_path / os.fsdecode(b"\xff.xml")
    write(file, status())
    assert running_guests(tmp_path) == Live(guests={file: guest()})


def test_what_is_no_status_file_is_passed_over(tmp_path: Path) -> None:
    for name in ("VM1.pid", "autostarted", "VM1.xml.new", "xml", "VM1.XML"):
        (tmp_path / name).write_text(status())
    for folder in ("dbus", "autostart", "slirp", "passt", "folder.xml"):
        (tmp_path / folder).mkdir()
    (tmp_path / "autostart" / "VM1.xml").write_text(status())
    (tmp_path / "link.xml").symlink_to("VM1.pid")
    os.mkfifo(tmp_path / "fifo.xml")
    assert running_guests(tmp_path) == Live()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "the XML cannot be parsed: no element found: line 1, column 0"),
        (status()[:40], "the XML cannot be parsed: unclosed token: line 1, column 0"),
        ("<domain/>", "expected <domstatus>, found <domain>"),
        ("<domstatus/>", "the status holds no <domain>"),
        ("<!DOCTYPE d [<!ENTITY a 'VM1'>]>" + status("&a;"),
         "the XML declares entities, which libvirt never does"),
    ],
)  # fmt: skip
def test_file_that_is_no_status_is_reported_and_hides_no_other(
    tmp_path: Path, content: str, reason: str
) -> None:
    bad, good = tmp_path / "bad.xml", tmp_path / "good.xml"
    write(bad, content)
    write(good, status())
    assert running_guests(tmp_path) == Live(
        guests={good: guest()}, unread=(Unread(path=bad, reason=reason),)
    )


def test_file_that_may_not_be_read_is_reported_until_it_may(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Nobody else may go through the folders above.
    tmp_path.chmod(0o755)
    monkeypatch.chdir(tmp_path)
    bad, good = Path("bad.xml"), Path("good.xml")
    live = LiveGuests(Path())
    for file in (bad, good):
        write(file, status(file.stem))
    good.chmod(0o644)
    with closed(bad):
        unread = Unread(path=bad, reason="Permission denied")
        assert live.read() == Live(guests={good: guest("good")}, unread=(unread,))
    assert live.read() == Live(guests={bad: guest("bad"), good: guest("good")})


def test_without_a_folder_there_are_no_guests(tmp_path: Path) -> None:
    assert running_guests(tmp_path / "none") == Live()


def test_folder_that_cannot_be_read_is_reported(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    assert running_guests(file) == Live(unread=(Unread(path=file, reason="Not a directory"),))


def test_file_that_has_not_changed_is_not_parsed_again(tmp_path: Path) -> None:
    file = tmp_path / "VM1.xml"
    write(file, status())
    live = LiveGuests(tmp_path)
    first, second = live.read().guests[file], live.read().guests[file]
    assert second is first


def test_file_that_cannot_be_parsed_is_not_parsed_again(tmp_path: Path) -> None:
    write(tmp_path / "VM1.xml", "<domstatus")
    live = LiveGuests(tmp_path)
    (first,), (second,) = live.read().unread, live.read().unread
    assert second is first


def test_file_of_the_same_size_and_time_is_read_again(tmp_path: Path) -> None:
    """Two changes within one tick of the kernel's clock: the inode tells them apart."""
    file = tmp_path / "VM1.xml"
    live = LiveGuests(tmp_path)
    seen = []
    for tap in ("vnet0", "vnet1", "vnet2"):
        new = tmp_path / "VM1.xml.new"
        new.write_text(status(tap=tap))
        os.utime(new, ns=(1, 1))
        new.rename(file)
        seen.append(live.read())
    assert seen == [Live(guests={file: guest(tap=tap)}) for tap in ("vnet0", "vnet1", "vnet2")]


@pytest.mark.parametrize(("tap", "mtime_ns"), [("vnet1", 2), ("vnet10", 1)])
def test_file_that_was_written_in_place_is_read_again(
    tmp_path: Path, tap: str, mtime_ns: int
) -> None:
    file = tmp_path / "VM1.xml"
    live = LiveGuests(tmp_path)
    file.write_text(status())
    os.utime(file, ns=(1, 1))
    live.read()
    file.write_text(status(tap=tap))
    os.utime(file, ns=(1, mtime_ns))
    assert live.read() == Live(guests={file: guest(tap=tap)})


def test_guest_whose_file_is_gone_is_forgotten(tmp_path: Path) -> None:
    file = tmp_path / "VM1.xml"
    live = LiveGuests(tmp_path)
    write(file, status())
    live.read()
    file.unlink()
    assert live.read() == Live()
