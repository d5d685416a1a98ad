"""The Debian package: it builds without a network, is clean, and comes and goes without a trace."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

import vlanlog
from tests.debian.building import ROOT, package, ran

pytestmark = pytest.mark.slow

LIFE = """
set -e
# What this machine has of vlanlog is out of sight, and only that: these are overlays.
mountpoint -q /var && mountpoint -q /etc
rm -rf /var/lib/vlanlog /etc/libvirt/hooks
there() { for path; do if [ -e "$path" ] || [ -L "$path" ]; then echo "  $path"; fi; done; }
look() {
    echo "$1"
    there /usr/bin/vlanlog /etc/libvirt/hooks/qemu /etc/libvirt/hooks/conf/vlan_filtering.conf \\
        /etc/systemd/system/vlanlog.service /var/lib/vlanlog/vlanlog.db
}
dpkg --force-depends --install "$1" >/dev/null
look 'a new package'
vlanlog --version
/usr/lib/vlanlog/bin/python3 -I -c 'import vlanlog, sqlalchemy; print(vlanlog.__file__)'
ls /usr/lib/vlanlog/lib/python3*/site-packages/vlanlog/__pycache__ | wc -l
vlanlog install >/dev/null 2>&1
vlanlog db upgrade >/dev/null
look 'installed'
sed -n 's/^PYTHON=//p' /etc/libvirt/hooks/qemu | tr -d '"'
# As if this version were the first to have it.
rm /etc/libvirt/hooks/qemu
dpkg --force-depends --install "$1" >/dev/null 2>&1
look 'the same again'
dpkg --remove vlanlog >/dev/null 2>&1
look 'removed'
find /usr/lib/vlanlog 2>/dev/null || true
dpkg --purge vlanlog >/dev/null 2>&1
look 'purged'
"""


@pytest.fixture(scope="module")
def deb(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Is the package, in the folder that it was built in."""
    return package(tmp_path_factory.mktemp("debian"))


def field(deb: Path, name: str) -> str:
    command = ["dpkg-deb", "--field", str(deb), name]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def test_lintian_finds_nothing(deb: Path) -> None:
    (changes,) = deb.parent.glob("*.changes")
    check = ["lintian", "--allow-root", "--fail-on", "error,warning", str(changes)]

    done = ran(check, deb.parent, tools=True)

    assert (done.stdout, done.returncode) == ("", 0)


def test_package_has_the_version_of_the_program(deb: Path) -> None:
    assert field(deb, "Version") == vlanlog.__version__


def test_package_wants_the_python_that_its_libraries_are_for(deb: Path) -> None:
    asked = "import sys; print(sys.version_info.minor)"
    done = subprocess.run(["/usr/bin/python3", "-c", asked], capture_output=True, check=True)
    minor = int(done.stdout)

    wanted = re.findall(r"python3 \(.*?\)", field(deb, "Depends"))
    assert wanted == [f"python3 (>= 3.{minor}~)", f"python3 (<< 3.{minor + 1}~)"]


def test_package_says_nothing_of_where_it_was_built(deb: Path) -> None:
    tree = deb.parent / "unpacked"
    subprocess.run(["dpkg-deb", "--extract", str(deb), str(tree)], check=True)

    files = [path for path in tree.rglob("*") if path.is_file() and not path.is_symlink()]
    place = str(deb.parent).encode()
    assert len(files) > 500
    assert [path for path in files if place in path.read_bytes()] == []


def test_package_has_pages_and_completions(deb: Path) -> None:
    listed = subprocess.run(
        ["dpkg-deb", "--contents", str(deb)], capture_output=True, text=True, check=True
    ).stdout.split()
    pages = [path.name for path in ROOT.glob("docs/man/man?/*")]

    wanted = {
        *(f"./usr/share/man/man{page[-1]}/{page}.gz" for page in pages),
        "./usr/share/bash-completion/completions/vlanlog",
        "./usr/share/zsh/vendor-completions/_vlanlog",
        "./usr/share/fish/vendor_completions.d/vlanlog.fish",
    }
    assert wanted - set(listed) == set()


def test_package_comes_and_goes(deb: Path) -> None:
    done = ran(["sh", "-c", LIFE, "sh", str(deb)], deb.parent, tools=False)

    site = "/usr/lib/vlanlog/lib/python3.N/site-packages/vlanlog/__init__.py"
    hooks = [
        "/etc/libvirt/hooks/qemu",
        "/etc/libvirt/hooks/conf/vlan_filtering.conf",
        "/etc/systemd/system/vlanlog.service",
    ]
    told = re.sub(r"python3\.\d+", "python3.N", done.stdout).splitlines()
    assert done.stderr == ""
    assert told == [
        "a new package",
        "  /usr/bin/vlanlog",
        f"vlanlog {vlanlog.__version__}",
        site,
        told[4],
        "installed",
        *(f"  {path}" for path in ["/usr/bin/vlanlog", *hooks, "/var/lib/vlanlog/vlanlog.db"]),
        "/usr/lib/vlanlog/bin/python3",
        "the same again",
        *(f"  {path}" for path in ["/usr/bin/vlanlog", *hooks, "/var/lib/vlanlog/vlanlog.db"]),
        "removed",
        "  /var/lib/vlanlog/vlanlog.db",
        "purged",
    ]
    assert int(told[4]) > 10
