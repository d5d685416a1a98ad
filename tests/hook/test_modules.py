"""What the dispatcher imports: every guest's start waits for it."""

import subprocess
import sys
from pathlib import Path

import vlanlog
from tests.hook.tree import HOOK_PY, XML, Tree

# A module that joins this list costs every hook call its time; the public signal, socket,
# subprocess, json, re, pathlib or typing would each double a call.
EXPECTED = {
    "_collections_abc",
    "_socket",
    "_stat",
    "errno",
    "genericpath",
    "os",
    "os.path",
    "posixpath",
    "stat",
    "vlanlog",
    "vlanlog.dispatch",
    "vlanlog.dispatch.call",
    "vlanlog.dispatch.main",
    "vlanlog.dispatch.own",
    "vlanlog.dispatch.record",
    "vlanlog.dispatch.scripts",
    "vlanlog.dispatch.settings",
    "vlanlog.dispatch.wire",
}


def _modules_after(program: str, *argv: str, tree: Tree) -> set[str]:
    run = subprocess.run(
        [sys.executable, "-I", "-S", "-c", program, *argv],
        input=XML,
        capture_output=True,
        env=tree.environment(),
        check=True,
    )
    return set(run.stdout.decode().split())


def test_dispatcher_imports_what_is_listed_and_no_more(tree: Tree) -> None:
    tree.add("qemu_start_begin.d/a.sh", "exit 1")
    program = (
        f"import sys; sys.path.insert(0, {str(Path(vlanlog.__path__[0]).parent)!r}); "
        "from vlanlog.dispatch.main import main; status = main(sys.argv[1:]); "
        "print(*sys.modules); sys.exit(status - 1)"
    )
    argv = ("qemu", str(tree.hooks), "1", "VM1", "start", "begin", "-")
    found = _modules_after(program, *argv, tree=tree)
    bare = _modules_after("import sys; print(*sys.modules)", tree=tree)
    assert found - bare == EXPECTED - bare


def test_hook_is_short_since_a_script_is_compiled_at_every_call() -> None:
    assert len(HOOK_PY.read_text().splitlines()) < 60
