"""SELinux's compiler takes the shipped module, in policies with its types and without them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MODULE = ROOT / "conf" / "vlanlog_hooks.cil"
HOOKS_TYPE = "(type virt_hook_unconfined_t) (roletype system_r virt_hook_unconfined_t)"
# The least that is a policy, with the classes and types of Fedora's that the module names.
POLICY = f"""\
(handleunknown allow)
(mls true)
(class process (fork sigchld sigkill signal transition))
(class file (append entrypoint execute execute_no_trans getattr ioctl lock map open read write))
(class dir (getattr open read search))
(class lnk_file (getattr read))
(class fifo_file (append getattr ioctl lock read write))
(class fd (use))
(classorder (process file dir lnk_file fifo_file fd))
(sid kernel) (sidorder (kernel))
(user system_u) (role system_r) (userrole system_u system_r)
(sensitivity s0) (sensitivityorder (s0)) (category c0) (categoryorder (c0))
(sensitivitycategory s0 (c0)) (level low (s0)) (levelrange range (low low))
(userlevel system_u low) (userrange system_u range)
(type kernel_t) (roletype system_r kernel_t) (type virtqemud_t) (roletype system_r virtqemud_t)
(type virt_hook_t) (type shell_exec_t) {HOOKS_TYPE}
(allow kernel_t virt_hook_t (file (read)))
(context kernel_context (system_u system_r kernel_t range)) (sidcontext kernel kernel_context)
"""


@pytest.fixture(scope="module")
def secilc() -> tuple[str, dict[str, str]]:
    """Is the compiler, of this machine or unpacked, and the environment that it wants."""
    environment = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}
    if found := shutil.which("secilc"):
        return found, environment
    command = [sys.executable, str(ROOT / "tests" / "lab" / "packages.py"), "secilc"]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    tree = Path(done.stdout.strip())
    libraries = ":".join(str(folder) for folder in tree.glob("*/lib/*-linux-gnu*"))
    return str(tree / "usr/bin/secilc"), {**environment, "LD_LIBRARY_PATH": libraries}


def compiled(secilc: tuple[str, dict[str, str]], folder: Path, policy: str, module: str) -> bytes:
    """Returns the binary policy, nothing where the compiler refuses it."""
    (folder / "policy.cil").write_text(policy)
    (folder / "module.cil").write_text(module)
    binary = folder / "policy.bin"
    binary.unlink(missing_ok=True)
    program, environment = secilc
    subprocess.run(
        (program, "policy.cil", "module.cil", "-o", binary.name, "-f", "contexts"),
        cwd=folder,
        env=environment,
        capture_output=True,
        check=False,
    )
    return binary.read_bytes() if binary.exists() else b""


def test_module_adds_rules_where_hooks_have_a_type(
    tmp_path: Path, secilc: tuple[str, dict[str, str]]
) -> None:
    bare = compiled(secilc, tmp_path, POLICY, "")
    assert len(compiled(secilc, tmp_path, POLICY, MODULE.read_text())) > len(bare) > 0


def test_module_does_nothing_where_hooks_have_none(
    tmp_path: Path, secilc: tuple[str, dict[str, str]]
) -> None:
    older = POLICY.replace(HOOKS_TYPE, "")
    bare = compiled(secilc, tmp_path, older, "(optional vlanlog_hooks)")
    assert compiled(secilc, tmp_path, older, MODULE.read_text()) == bare != b""


def test_module_with_a_misspelt_line_would_be_found(
    tmp_path: Path, secilc: tuple[str, dict[str, str]]
) -> None:
    module = MODULE.read_text().replace("(allow virtqemud_t", "(alow virtqemud_t", 1)
    assert compiled(secilc, tmp_path, POLICY, module) == b""
