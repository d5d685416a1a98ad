"""Shows what run.py promises its caller: status, output, shared folders, an end, an untouched host.

Runs outside the lab, and inside too: there the native back end is what it tries.
"""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.kernel
_RUN = (sys.executable, str(Path(__file__).with_name("run.py")))


def _lab(*arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run((*_RUN, *arguments), cwd=cwd, capture_output=True, text=True, check=False)


def test_status_and_both_outputs_come_back() -> None:
    done = _lab("--", "sh", "-c", "echo out; echo err >&2; exit 7")
    assert (done.returncode, done.stdout, done.stderr) == (7, "out\n", "err\n")


def test_a_signal_comes_back_as_a_shell_shows_it() -> None:
    assert _lab("--", "sh", "-c", "kill -KILL $$").returncode == 137


def test_a_missing_command_is_an_error() -> None:
    done = _lab("--", "no-such-command")
    assert done.returncode == 127
    assert "no-such-command" in done.stderr


def test_output_is_live_and_one_stream_keeps_its_order() -> None:
    script = "for i in 1 2 3; do echo $i; echo $i >&2; sleep 1; done"
    command = (*_RUN, "--", "sh", "-c", script)
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        assert process.stdout is not None
        seen = [(line.strip(), time.monotonic()) for line in process.stdout]
    assert [line for line, _ in seen] == ["1", "1", "2", "2", "3", "3"]
    assert seen[-1][1] - seen[0][1] > 1.5


def test_much_output_arrives_whole() -> None:
    # In one write: unbuffered, each line costs the user-mode kernel a tenth of a millisecond.
    script = "print(*range(100_000), sep=chr(10))"
    done = _lab("--", sys.executable, "-c", script)
    assert done.stdout.split() == [str(n) for n in range(100_000)]


def test_the_time_limit_ends_the_lab() -> None:
    started = time.monotonic()
    done = _lab("--timeout", "4", "--", "sleep", "60")
    assert (done.returncode, time.monotonic() - started < 15) == (124, True)
    assert "timed out" in done.stderr


def test_a_termination_ends_the_lab() -> None:
    with subprocess.Popen((*_RUN, "--", "sleep", "60"), stderr=subprocess.PIPE) as process:
        time.sleep(3)
        process.terminate()
        assert process.wait(10) == 143


def test_a_daemon_left_behind_does_not_hold_the_lab_up() -> None:
    started = time.monotonic()
    assert _lab("--", "sh", "-c", "sleep 60 & echo done").stdout == "done\n"
    assert time.monotonic() - started < 20


def test_only_shared_folders_are_written(tmp_path: Path) -> None:
    shared, other = tmp_path / "with space", tmp_path / "other"
    shared.mkdir()
    other.mkdir()
    script = f"echo x > '{shared}/file'; echo x > {other}/file; echo x > file; cat {other}/file"
    done = _lab("--rw", str(shared), "--", "sh", "-c", script, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "x\n")
    assert sorted(p.name for p in tmp_path.rglob("file")) == ["file"]
    assert (shared / "file").read_text() == "x\n"


def test_only_known_variables_are_passed() -> None:
    more = {"VLANLOG_X": "1", "PYTEST_X": "2", "SECRET_X": "3", "NAMED_X": "4"}
    done = subprocess.run(
        (*_RUN, "--env", "NAMED_X", "--env", "SET_X=5", "--", "sh", "-c", "env | grep _X="),
        env={**os.environ, **more},
        capture_output=True,
        text=True,
        check=False,
    )
    expected = ["NAMED_X=4", "PYTEST_X=2", "SET_X=5", "VLANLOG_X=1"]
    assert sorted(done.stdout.split()) == expected
