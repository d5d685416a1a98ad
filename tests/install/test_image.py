"""``--root``: everything below it, nothing beside it, and nothing of it is run."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.install.hosts import HOOKS, entries, kvmvlan_host, laid, plain_host, put, put_link, taken
from tests.install.test_interrupted import CHANGES
from vlanlog.install.interpreter import interpreter
from vlanlog.install.layout import shipped_texts
from vlanlog.install.tree import InstallError, Tree

PYTHON = "/opt/vlanlog/bin/python3"


def changed_places(root: Path) -> set[Path]:
    """Installs and uninstalls in a process of its own; returns where it changed something."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:

        def note(name: str, arguments: tuple[object, ...]) -> None:
            writes = (
                name == "open" and isinstance(arguments[1], str) and set("wxa+") & {*arguments[1]}
            )
            if name in CHANGES or writes:
                paths = [item for item in arguments[:2] if isinstance(item, str | Path)]
                # Of a link only its own place is changed, not where it leads.
                paths = paths[1:] if name == "os.symlink" else paths
                paths = paths[:1] if name == "open" else paths
                folder = arguments[1] if name in ("os.remove", "os.rmdir") else -1
                above = Path(f"/proc/self/fd/{folder}").readlink() if folder != -1 else ""
                os.write(writer, "".join(f"{Path(above, path)}\n" for path in paths).encode())
            if name in ("subprocess.Popen", "os.exec", "os.posix_spawn", "os.system"):
                os.write(writer, b"/a program was run\n")

        sys.addaudithook(note)
        status = 1
        try:
            laid(root)
            laid(root)
            taken(root, purge=True)
            status = 0
        finally:
            os._exit(status)
    os.close(writer)
    with os.fdopen(reader) as pipe:
        told = pipe.read()
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    return {Path(line) for line in told.splitlines()}


def _image(folder: Path) -> Path:
    """Makes an image whose folders are links that would lead out of it."""
    root = folder / "image"
    root.mkdir()
    kvmvlan_host(root)
    (root / "etc/libvirt").rename(root / "srv-libvirt")
    put_link(root, "/etc/libvirt", "/srv-libvirt")
    (root / "var/lib").rename(root / "lib-of-var")
    put_link(root, "/var/lib", "../../../../lib-of-var")
    (root / "etc/systemd").rename(root / "systemd")
    put_link(root, "/etc/systemd", str(Path("/etc") / ".." / "systemd"))
    return root


def test_nothing_outside_an_image_is_touched_and_nothing_run(tmp_path: Path) -> None:
    root = _image(tmp_path)
    before = entries(root)
    places = changed_places(root)
    assert len(places) > 25
    assert [place for place in places if not place.is_relative_to(root)] == []
    assert entries(root) == before


def test_files_land_where_the_images_own_links_lead(tmp_path: Path) -> None:
    root = _image(tmp_path)
    laid(root)
    found = entries(root)
    assert {
        path: found[path][0]
        for path in (
            "/srv-libvirt/hooks/qemu",
            "/lib-of-var/vlanlog/install.json",
            "/systemd/system/vlanlog.service",
        )
    } == dict.fromkeys(
        (
            "/srv-libvirt/hooks/qemu",
            "/lib-of-var/vlanlog/install.json",
            "/systemd/system/vlanlog.service",
        ),
        "-",
    )


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that any user can reach; pytest's own ones are closed to all but the caller."""
    folder = Path(tempfile.mkdtemp(prefix="vlanlog-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_ordinary_user_installs_into_an_own_root(open_folder: Path) -> None:
    root = plain_host(open_folder)
    for place in (root, *root.rglob("*")):
        os.chown(place, 65534, 65534)
    before = entries(root)
    # Read now: that user may not reach the project.
    shipped_texts()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)
            laid(root)
            taken(root)
            laid(root)
            status = 0
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert {entry[2] for entry in entries(root).values()} == {65534}
    taken(root)
    assert entries(root) == before


def test_links_in_a_circle_are_an_error(tmp_path: Path) -> None:
    put_link(tmp_path, "/etc/libvirt", "/etc/libvirt/hooks")
    before = entries(tmp_path)
    with pytest.raises(InstallError, match="links lead in a circle"):
        laid(tmp_path)
    assert entries(tmp_path) == before


def test_root_by_another_name_is_the_host_itself() -> None:
    assert [Tree(Path(name)).is_image for name in ("/", "/usr/..", "//", "/usr")] == [
        False, False, False, True,
    ]  # fmt: skip


def test_interpreter_of_an_image_is_looked_for_in_it(tmp_path: Path) -> None:
    put(tmp_path, "/usr/bin/python3.12", b"\x7fELF", mode=0o755)
    put_link(tmp_path, PYTHON, "/usr/bin/python3.12")
    put(tmp_path, "/opt/vlanlog/lib/python3.12/site-packages/vlanlog/hook.py", "")
    found = interpreter(Tree(tmp_path), PYTHON)
    assert (found.python, found.program, found.hook_py, found.remarks) == (
        PYTHON,
        "/usr/bin/python3.12",
        "/opt/vlanlog/lib/python3.12/site-packages/vlanlog/hook.py",
        (),
    )


def test_interpreter_of_a_distribution_is_found_with_its_packages(tmp_path: Path) -> None:
    put(tmp_path, "/usr/bin/python3", b"\x7fELF", mode=0o755)
    put(tmp_path, "/usr/lib/python3/dist-packages/vlanlog/hook.py", "")
    found = interpreter(Tree(tmp_path), "/usr/bin/python3")
    assert found.hook_py == "/usr/lib/python3/dist-packages/vlanlog/hook.py"


@pytest.mark.parametrize(
    ("mode", "said"), [(0o755, "has no vlanlog"), (0o644, "is no interpreter")]
)
def test_interpreter_that_an_image_lacks_is_an_error(tmp_path: Path, mode: int, said: str) -> None:
    put(tmp_path, "/usr/bin/python3", b"\x7fELF", mode=mode)
    with pytest.raises(InstallError, match=said):
        interpreter(Tree(tmp_path), "/usr/bin/python3")


def test_image_without_any_interpreter_yet_gets_this_ones_name(tmp_path: Path) -> None:
    done = laid(plain_host(tmp_path))
    assert done.remarks == (
        f"{sys.executable} is not in {tmp_path} yet; name another with --python",
    )
    shim = (tmp_path / HOOKS.lstrip("/") / "qemu").read_text()
    assert f"\nPYTHON={sys.executable}\n" in shim


def test_commands_are_left_to_the_images_first_start(tmp_path: Path) -> None:
    done = laid(plain_host(tmp_path))
    assert done.aftermath.at_once == ()
    assert [str(command) for command in done.aftermath.left] == [
        "systemctl daemon-reload",
        "systemctl enable --now vlanlog.service",
        "vlanlog replay --dry-run",
    ]
