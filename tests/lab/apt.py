"""Fetches Debian packages with a private apt configuration: nothing is installed, nothing is
written outside the folder that it is given, and signatures are checked as the host's apt does.

The mirror is asked of the host's apt each time and must not be written to any file that stays.
"""

import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from .errors import LabError

_KEYRINGS = (
    Path("/usr/share/keyrings/debian-archive-keyring.gpg"),
    Path("/usr/share/keyrings/debian-archive-keyring.pgp"),
)
_HELPER = "/usr/lib/apt/apt-helper"
_UPSTREAM = re.compile(r"'(\S+)' (\S+\.orig\.tar\.\w+) \d+ (SHA256:\w+)")
# Hooks of the host's apt would write outside our folder (Debian's container images delete the
# host's package cache in one), so they are dropped; proxies and the like are kept.
_HOOKS = ("APT::Update::P", "DPkg::P", "Dir::Cache", "Dir::Etc::main", "Dir::Etc::parts")


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One package list that the host's apt knows of."""

    site: str
    release: str
    file: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Apt:
    """A private apt: `folder` holds all that it writes."""

    folder: Path

    def targets(self) -> tuple[Target, ...]:
        """Returns the package lists that are known; apt knows none before the first update."""
        form = ("--format", "$(SITE)|$(RELEASE)|$(FILENAME)", "Created-By: Packages")
        rows = _apt_get(self.folder, *self._state(), "indextargets", *form).splitlines()
        split = [row.split("|") for row in rows]
        return tuple(Target(site=s, release=r, file=Path(f)) for s, r, f in split)

    def update(self) -> None:
        """Fetches the package lists into the folder."""
        _apt_get(self.folder, "-o", f"Dir::State::lists={self._lists()}", "update")

    def download(self, names: tuple[str, ...]) -> tuple[Path, ...]:
        """Fetches these packages alone, and returns their files."""
        self._fetch("download", *names)
        return tuple(sorted(self.folder.glob("*.deb")))

    def download_missing(self, names: tuple[str, ...]) -> tuple[Path, ...]:
        """Fetches these packages and what they need, less what the host has; returns the files."""
        self._fetch("install", "--download-only", "--no-install-recommends", "--yes", *names)
        return tuple(sorted((self.folder / "archives").glob("*.deb")))

    def download_upstream(self, source: str) -> Path:
        """Fetches what a source package's makers released; Debian's own changes are left out.

        Its sum is that of the signed list.
        Raises: LabError when the lists have no such source.
        """
        named = _apt_get(
            self.folder, *self._state(), "--print-uris", "--only-source", "source", source
        )
        found = _UPSTREAM.search(named)
        if found is None:
            raise LabError(f"no source of {source} in:\n{named}", hint="look at the mirror")
        uri, name, checksum = found.groups()
        file = self.folder / name
        _apt(_HELPER, self.folder, "download-file", uri, str(file), checksum)
        return file

    def _fetch(self, *arguments: str) -> None:
        """Asks for packages; once more with fresh lists if the host's are older than the mirror."""
        try:
            _apt_get(self.folder, *self._state(), *arguments)
        except LabError:
            if self._state():
                raise
            self.update()
            _apt_get(self.folder, *self._state(), *arguments)

    def _lists(self) -> Path:
        lists = self.folder / "lists"
        (lists / "partial").mkdir(parents=True, exist_ok=True)
        return lists

    def _state(self) -> tuple[str, ...]:
        """Returns the options for the private lists where there are some, else for the host's."""
        if (self.folder / "lists").exists():
            return ("-o", f"Dir::State::lists={self._lists()}")
        return ()


def debian_apt(folder: Path, suites: tuple[str, ...], host: Apt, *, kind: str = "deb") -> Apt:
    """Returns a private apt for suites of Debian, from the mirror that the host's apt uses.

    Of the kind deb-src it knows sources alone. A package that several suites have is taken from
    the last of them.
    Raises: LabError when the host is no Debian.
    """
    release = _os_release()
    if release.get("ID") != "debian":
        raise LabError(
            f"this is {release.get('PRETTY_NAME', 'an unknown system')}, not Debian",
            hint="run as root on a kernel with bridge VLAN filtering, or in a Debian container",
        )
    known = (release.get("VERSION_CODENAME", ""), "stable", "testing", "sid", "unstable")
    sites = [target.site for target in host.targets() if target.release in known]
    if not sites:
        raise LabError("apt knows no Debian mirror", hint="look at `apt-get indextargets`")
    _configure(folder)
    keyring = next((k for k in _KEYRINGS if k.exists()), None)
    signed = f"[signed-by={keyring}] " if keyring else ""
    lines = (f"{kind} {signed}{sites[0]} {suite} main\n" for suite in suites)
    (folder / "sources.list").write_text("".join(lines))
    with (folder / "apt.conf").open("a") as file:
        file.write(f'Dir::Etc::sourcelist "{folder}/sources.list";\n')
        file.write('Dir::Etc::sourceparts "/dev/null";\n')
        file.write(f'APT::Default-Release "{suites[-1]}";\n')
    apt = Apt(folder=folder)
    apt.update()
    return apt


def backports_apt(folder: Path, host: Apt) -> Apt:
    """Returns a private apt for the host's own suite and the newer packages made for it.

    Raises: LabError when the host is no Debian.
    """
    codename = _os_release().get("VERSION_CODENAME", "")
    return debian_apt(folder, (codename, f"{codename}-backports"), host)


def backports_source_apt(folder: Path, host: Apt) -> Apt:
    """Returns a private apt for the sources of those newer packages.

    Raises: LabError when the host is no Debian.
    """
    codename = _os_release().get("VERSION_CODENAME", "")
    return debian_apt(folder, (f"{codename}-backports",), host, kind="deb-src")


def host_apt(folder: Path) -> Apt:
    """Returns a private apt for the host's own suites; its lists are read where they exist."""
    _configure(folder)
    apt = Apt(folder=folder)
    targets = apt.targets()
    if not targets or not all(target.file.exists() for target in targets):
        apt.update()
    return apt


def unpack(debs: tuple[Path, ...], tree: Path) -> None:
    """Unpacks packages into one tree."""
    for deb in debs:
        _run(("dpkg-deb", "--extract", str(deb), str(tree)), dict(os.environ))


def _configure(folder: Path) -> None:
    """Writes the host's own apt settings, less its hooks, with every written path in folder."""
    dump = _run(("apt-config", "dump"), dict(os.environ)).splitlines()
    kept = [line for line in dump if not line.startswith(_HOOKS)]
    (folder / "archives" / "partial").mkdir(parents=True)
    ours = {
        # The dump holds these settings already: reading them again would bring back the hooks.
        "Dir::Etc::main": "/dev/null",
        "Dir::Etc::parts": "/dev/null",
        "Dir::Cache": folder,
        "Dir::Cache::archives": folder / "archives",
        "Dir::State::extended_states": folder / "extended_states",
        "Dir::Log": folder,
        # Folders below a home are closed to the user _apt.
        "APT::Sandbox::User": "root",
        "Acquire::Languages": "none",
        "Acquire::Retries": "3",
        "Debug::NoLocking": "true",
    }
    kept += [f'{key} "{value}";' for key, value in ours.items()]
    (folder / "apt.conf").write_text("\n".join(kept) + "\n")


def _os_release() -> dict[str, str]:
    try:
        lines = Path("/etc/os-release").read_text().splitlines()
    except OSError:
        return {}
    pairs = (line.partition("=") for line in lines)
    return {key: value.strip('"') for key, _, value in pairs}


def _apt_get(folder: Path, *arguments: str) -> str:
    return _apt("apt-get", folder, "-q", *arguments)


def _apt(program: str, folder: Path, *arguments: str) -> str:
    environment = {
        **os.environ,
        "APT_CONFIG": str(folder / "apt.conf"),
        "LC_ALL": "C.UTF-8",
        "DEBIAN_FRONTEND": "noninteractive",
    }
    return _run((program, *arguments), environment, folder)


def _run(command: tuple[str, ...], environment: dict[str, str], folder: Path | None = None) -> str:
    try:
        done = subprocess.run(
            command, env=environment, cwd=folder, capture_output=True, text=True, check=False
        )
    except FileNotFoundError as e:
        raise LabError(
            f"there is no {command[0]} here: the lab's packages come from Debian's archive",
            hint="run in Debian, or as root on a kernel with bridge VLAN filtering",
        ) from e
    if done.returncode != 0:
        tail = "\n".join((done.stdout + done.stderr).strip().splitlines()[-12:])
        raise LabError(
            f"{command[0]} failed ({' '.join(command[-6:])}):\n{tail}",
            hint="is the network there, and does `apt-get update` work on this machine?",
        )
    return done.stdout
