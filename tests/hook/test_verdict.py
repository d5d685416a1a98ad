"""When a hook says no, and what it says then."""

import pytest

from tests.hook.tree import Tree

REFUSING = ["prepare begin", "start begin", "migrate begin", "restore begin"]
NEVER = ["started begin", "reconnect begin", "stopped end", "release end", "attach begin", "new -"]


@pytest.mark.parametrize("operation", REFUSING)
def test_failed_script_refuses_where_libvirt_asks(tree: Tree, operation: str) -> None:
    folder = f"qemu_{operation.replace(' ', '_')}"
    tree.add(f"{folder}.d/a.sh", "echo vnet0 is gone; exit 3")
    said = (
        f"vlanlog: error: VM1: {operation.partition(' ')[0]} refused: a.sh ended with status 3: "
        f"vnet0 is gone [log: {tree.logs}/{folder}_VM1_a.log]\n"
    )
    assert tree.call("qemu", "VM1", *operation.split(), "-") == (1, b"", said.encode())


@pytest.mark.parametrize("operation", NEVER)
def test_failed_script_never_refuses_elsewhere(tree: Tree, operation: str) -> None:
    folder = f"qemu_{operation.replace(' ', '_')}.d"
    tree.add(f"{folder}/a.sh", "echo no; exit 3")
    assert tree.call("qemu", "VM1", *operation.split(), "-") == (0, b"", b"")
    assert tree.told("kind", "exit_status") == [(b"invoked", b""), (b"finished", b"3")]


@pytest.mark.parametrize("operation", ["start", "reload", "shutdown", "prepare"])
def test_failed_script_of_a_daemon_hook_never_refuses(tree: Tree, operation: str) -> None:
    tree.add(f"daemon_{operation}.d/a.sh", "exit 3")
    assert tree.call("daemon", "-", operation, "-", "-") == (0, b"", b"")
    assert tree.told("kind", "exit_status") == [(b"invoked", b""), (b"finished", b"3")]


def test_scripts_after_a_failed_one_still_run(tree: Tree) -> None:
    tree.add("qemu_start_begin.d/a.sh", "exit 1")
    tree.add("qemu_start_begin.d/b.sh", "exit 0")
    tree.add("qemu_start_begin.d/c.sh", "kill -9 $$")
    status, _, err = tree.call("qemu", "VM1", "start", "begin", "-")
    assert (status, b"a.sh ended with status 1 (and 1 more): it said nothing" in err) == (1, True)
    assert tree.told("script", "exit_status")[1:] == [
        (b"a.sh", b"1"),
        (b"b.sh", b"0"),
        (b"c.sh", b"137"),
    ]


def test_script_that_cannot_be_run_refuses_the_start(tree: Tree) -> None:
    tree.add("qemu_start_begin.d/a.sh", "#!/no/such/interpreter\n")
    status, _, err = tree.call("qemu", "VM1", "start", "begin", "-")
    said = b"a.sh did not run: could not be run: No such file or directory"
    assert (status, said in err) == (1, True)
    assert tree.told("exit_status", "timed_out")[1:] == [(b"", b"0")]


def test_refusal_is_one_line_whatever_the_script_wrote(tree: Tree) -> None:
    tree.add("qemu_start_begin.d/a.sh", r"printf 'bad\033[31m\rb\351d\n\n  \n'; exit 1")
    _, _, err = tree.call("qemu", "VM\n1", "start", "begin", "-")
    assert err.startswith(rb"vlanlog: error: VM\x0a1: start refused: ")
    assert (err.count(b"\n"), err.isascii(), b"\033" in err) == (1, True, False)


def test_words_on_stdout_of_a_script_stay_off_the_filters_stdout(tree: Tree) -> None:
    tree.add("qemu_restore_begin.d/a.sh", "echo '<domain/>'; echo no >&2")
    assert tree.call("qemu", "VM1", "restore", "begin", "-") == (0, b"", b"")


def test_closed_standard_files_change_no_verdict(tree: Tree) -> None:
    tree.add("qemu_start_begin.d/a.sh", "echo said; cat; exit 1")
    tree.add("call.sh", f'"{tree.hooks}/qemu" VM1 start begin - <&- >&- 2>&-; echo $?')
    assert tree.call("call.sh") == (0, b"1\n", b"")
    assert tree.told("log_tail")[1:] == [(b"said\n",)]
