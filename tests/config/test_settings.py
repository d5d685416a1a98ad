"""Settings: which of flags, environment, file and default counts, and what is refused."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from vlanlog.config import Settings, load_settings
from vlanlog.config.settings import VARIABLES
from vlanlog.errors import ConfigError

FILE = """[vlanlog]
database = /file.db
socket = /file.sock
spool = /file/spool
logs = /file/logs
snapshot-interval = 2
hook-deadline = 2
script-deadline = 2
lock-timeout = 2
reconcile-interval = 2
head-interval = 21
receive-buffer = 20000
libvirt-status = /file/status
host = file
"""
ENVIRONMENT = {
    "VLANLOG_DATABASE": "postgresql+psycopg://u:p%40ss@db/vlanlog",
    "VLANLOG_SOCKET": "/env.sock",
    "VLANLOG_SPOOL_DIR": "/env/spool",
    "VLANLOG_LOG_DIR": "/env/logs",
    "VLANLOG_SNAPSHOT_INTERVAL": "3",
    "VLANLOG_HOOK_DEADLINE_S": "3",
    "VLANLOG_SCRIPT_DEADLINE_S": "3",
    "VLANLOG_LOCK_TIMEOUT_S": "3",
    "VLANLOG_RECONCILE_INTERVAL_S": "3",
    "VLANLOG_HEAD_INTERVAL_S": "31",
    "VLANLOG_RECEIVE_BUFFER_BYTES": "30000",
    "VLANLOG_LIBVIRT_STATUS_DIR": "/env/status",
    "VLANLOG_HOST": "env",
}


@pytest.fixture
def hooks(tmp_path: Path) -> Path:
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf" / "vlanlog.conf").write_text(FILE)
    return tmp_path


def test_settings_default_without_a_file(tmp_path: Path) -> None:
    assert load_settings({}, tmp_path) == Settings(
        hooks=tmp_path,
        database="sqlite:////var/lib/vlanlog/vlanlog.db",
        socket=Path("/run/vlanlog/vlanlog.sock"),
        spool=Path("/var/lib/vlanlog/spool"),
        logs=tmp_path / "logs",
        snapshot_interval=1000,
        hook_deadline_s=60,
        script_deadline_s=45,
        lock_timeout_s=5,
        host=os.uname().nodename,
        reconcile_s=60,
        head_s=3600,
        receive_buffer_bytes=67108864,
        libvirt_status=Path("/run/libvirt/qemu"),
    )


def test_settings_of_the_file_override_the_defaults(hooks: Path) -> None:
    assert load_settings({}, hooks) == Settings(
        hooks=hooks,
        database="sqlite:////file.db",
        socket=Path("/file.sock"),
        spool=Path("/file/spool"),
        logs=Path("/file/logs"),
        snapshot_interval=2,
        hook_deadline_s=2,
        script_deadline_s=2,
        lock_timeout_s=2,
        host="file",
        reconcile_s=2,
        head_s=21,
        receive_buffer_bytes=20000,
        libvirt_status=Path("/file/status"),
    )


def test_settings_of_the_environment_override_the_file(hooks: Path) -> None:
    assert load_settings(ENVIRONMENT, hooks) == Settings(
        hooks=hooks,
        database="postgresql+psycopg://u:p%40ss@db/vlanlog",
        socket=Path("/env.sock"),
        spool=Path("/env/spool"),
        logs=Path("/env/logs"),
        snapshot_interval=3,
        hook_deadline_s=3,
        script_deadline_s=3,
        lock_timeout_s=3,
        host="env",
        reconcile_s=3,
        head_s=31,
        receive_buffer_bytes=30000,
        libvirt_status=Path("/env/status"),
    )


def test_settings_of_flags_override_the_environment(
    hooks: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(hooks)
    settings = load_settings(
        ENVIRONMENT,
        hooks,
        database=Path("flag.db"),
        socket=Path("flag.sock"),
        spool="/flag/spool",
        logs="/flag/logs",
        snapshot_interval=4,
        hook_deadline=4,
        script_deadline=4.0,
        lock_timeout="4",
        host="flag",
        reconcile_interval=4,
        head_interval=41,
        receive_buffer=40000,
        libvirt_status="/flag/status",
    )
    assert settings == Settings(
        hooks=hooks,
        database=f"sqlite:///{hooks}/flag.db",
        socket=hooks / "flag.sock",
        spool=Path("/flag/spool"),
        logs=Path("/flag/logs"),
        snapshot_interval=4,
        hook_deadline_s=4,
        script_deadline_s=4,
        lock_timeout_s=4,
        host="flag",
        reconcile_s=4,
        head_s=41,
        receive_buffer_bytes=40000,
        libvirt_status=Path("/flag/status"),
    )


def test_settings_that_are_empty_do_not_override(hooks: Path) -> None:
    empty = dict.fromkeys(VARIABLES.values(), " ")
    flags = {key.replace("-", "_"): None for key in VARIABLES}
    assert load_settings(empty, hooks, **flags) == load_settings({}, hooks)


def test_hooks_folder_is_the_argument_else_the_variable_else_that_of_libvirt(hooks: Path) -> None:
    variable = {"VLANLOG_HOOKS_DIR": "/srv/hooks"}
    found = [
        load_settings(variable, hooks).conf,
        load_settings(variable).conf,
        load_settings({}).conf,
    ]
    assert found == [hooks / "conf", Path("/srv/hooks/conf"), Path("/etc/libvirt/hooks/conf")]


def test_settings_tell_all_errors_of_every_layer_and_no_password(hooks: Path) -> None:
    (hooks / "conf" / "vlanlog.conf").write_text("[vlanlog]\nlock-timeout = soon\n")
    environ = {"VLANLOG_DATABASE": "mysql://u:secret@db/x", "VLANLOG_HOST": "a b"}
    with pytest.raises(ConfigError) as caught:
        load_settings(environ, hooks, lock_timeout=1, socket=f"/{'x' * 107}", spool="spool")
    long_path = f"/{'x' * 107}"
    assert caught.value.message.split("\n") == [
        f"{hooks}/conf/vlanlog.conf:2: [vlanlog] lock-timeout: 'soon',"
        " expected seconds, more than 0 and at most 3600",
        "environment: VLANLOG_DATABASE: database 'mysql', expected sqlite or postgresql",
        f"command line: --socket: '{long_path}' is too long, expected at most 107 bytes",
        "command line: --spool: 'spool' is not an absolute path, expected one that starts with '/'",
        "environment: VLANLOG_HOST: 'a b', expected a host's name without blanks",
    ]


def test_settings_file_that_is_no_text_is_one_error(hooks: Path) -> None:
    (hooks / "conf" / "vlanlog.conf").write_bytes(b"[vlanlog]\nhost = \xff\n")
    with pytest.raises(ConfigError) as caught:
        load_settings({}, hooks)
    assert caught.value.message == (
        f"{hooks}/conf/vlanlog.conf:2: byte 0xff at column 8 is not UTF-8,"
        " expected a text file in UTF-8"
    )


def test_settings_do_not_show_the_database(hooks: Path) -> None:
    assert "p%40ss" not in repr(load_settings(ENVIRONMENT, hooks))


def test_settings_refuse_a_flag_that_is_none(hooks: Path) -> None:
    with pytest.raises(TypeError, match="no such setting: databse"):
        load_settings({}, hooks, databse="/x")
