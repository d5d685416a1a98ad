"""A hooks folder as it is laid down on a host, and calls of its shims as libvirt makes them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import vlanlog
from vlanlog.hook import decode_frame

HOOKS = Path(__file__).parents[2] / "hooks"
HOOK_PY = Path(vlanlog.__path__[0]) / "hook.py"
UUID = "c7df0e96-9d0e-4b84-8d4a-3f9d7b4f4a51"
XML = f"""<domain type='kvm' id='1'>
  <name>VM1</name>
  <uuid>{UUID}</uuid>
  <devices>
    <interface type='bridge'>
      <mac address='52:54:00:aa:bb:cc'/>
      <source bridge='br0'/>
      <target dev='vnet0'/>
      <alias name='net0'/>
    </interface>
    <graphics type='vnc' port='5900' passwd='s3cret' passwdValidTo='2030-01-01T00:00:00'/>
  </devices>
</domain>
""".encode()

NOTHING: Mapping[str, str] = MappingProxyType({})

# A hook serves root alone; a developer who is not root plays root in a user namespace.
_AS_ROOT = () if os.geteuid() == 0 else ("unshare", "-r", "--")


@dataclass(frozen=True)
class Tree:
    """Is a hooks folder without scripts, with a spool and a socket path beside it."""

    hooks: Path
    beside: Path

    @property
    def spool(self) -> Path:
        return self.beside / "spool"

    @property
    def logs(self) -> Path:
        return self.hooks / "logs"

    @property
    def socket(self) -> Path:
        return self.beside / "s"

    def environment(self, extra: Mapping[str, str] = NOTHING) -> dict[str, str]:
        return {
            "HOME": "/",
            "LC_ALL": "C",
            "PATH": os.environ["PATH"],
            "VLANLOG_PYTHON": sys.executable,
            "VLANLOG_HOOK": str(HOOK_PY),
            "VLANLOG_SOCKET": str(self.socket),
            "VLANLOG_SPOOL_DIR": str(self.spool),
            **extra,
        }

    def add(self, path: str, text: str, *, mode: int = 0o755) -> Path:
        """Puts a script of sh into the tree; text may begin with its own ``#!``."""
        script = self.hooks / path
        script.parent.mkdir(exist_ok=True)
        script.write_text(text if text.startswith("#!") else f"#!/bin/sh\n{text}\n")
        script.chmod(mode)
        return script

    def start(
        self, driver: str, *argv: str | bytes, extra: Mapping[str, str] = NOTHING
    ) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [*_AS_ROOT, self.hooks / driver, *argv],
            cwd="/",
            env=self.environment(extra),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def call(
        self,
        driver: str,
        *argv: str | bytes,
        xml: bytes = XML,
        extra: Mapping[str, str] = NOTHING,
    ) -> tuple[int, bytes, bytes]:
        """Calls a shim and returns its exit status, stdout and stderr."""
        process = self.start(driver, *argv, extra=extra)
        out, err = process.communicate(xml)
        return process.returncode, out, err

    def records(self) -> list[dict[str, bytes]]:
        """Returns the fields of the spool's records, in order of name."""
        return [decode_frame(path.read_bytes()) for path in sorted(self.spool.glob("*.hook"))]

    def told(self, *keys: str) -> list[tuple[bytes, ...]]:
        """Returns these fields of each record."""
        return [tuple(record.get(key, b"") for key in keys) for record in self.records()]


def make_tree(folder: Path) -> Tree:
    """Returns a tree whose scripts are the test's own."""
    hooks = folder / "hooks"
    hooks.mkdir()
    for shim in ("qemu", "daemon"):
        shutil.copy2(HOOKS / shim, hooks / shim)
    return Tree(hooks, folder)
