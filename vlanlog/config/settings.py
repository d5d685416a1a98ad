"""Reads vlanlog's own settings: conf/vlanlog.conf, under the environment, under flags.

Must not open the database or the socket, nor make the folders.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, TypeVar

from vlanlog.config.fault import BadValueError, ConfigFault, ConfigMissingError
from vlanlog.config.setting_values import (
    absolute_path,
    buffer_bytes,
    database_url,
    events,
    host_name,
    seconds,
    socket_path,
)
from vlanlog.config.sheet import SectionReader, sheet_of
from vlanlog.config.source import read_source
from vlanlog.errors import ConfigError

Value = TypeVar("Value")

HOOKS_DIR = Path("/etc/libvirt/hooks")
HOOKS_DIR_VARIABLE = "VLANLOG_HOOKS_DIR"
SECTION = "vlanlog"
VARIABLES = {
    "database": "VLANLOG_DATABASE",
    "socket": "VLANLOG_SOCKET",
    "spool": "VLANLOG_SPOOL_DIR",
    "logs": "VLANLOG_LOG_DIR",
    "snapshot-interval": "VLANLOG_SNAPSHOT_INTERVAL",
    "hook-deadline": "VLANLOG_HOOK_DEADLINE_S",
    "script-deadline": "VLANLOG_SCRIPT_DEADLINE_S",
    "lock-timeout": "VLANLOG_LOCK_TIMEOUT_S",
    "host": "VLANLOG_HOST",
    "reconcile-interval": "VLANLOG_RECONCILE_INTERVAL_S",
    "head-interval": "VLANLOG_HEAD_INTERVAL_S",
    "receive-buffer": "VLANLOG_RECEIVE_BUFFER_BYTES",
    "libvirt-status": "VLANLOG_LIBVIRT_STATUS_DIR",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Is where vlanlog keeps things, and how long it waits.

    Units: snapshot_interval in events; deadlines, timeout, reconcile_s and head_s in seconds.
    Shape: database is a SQLAlchemy URL; it may hold a password and is not shown.
    """

    hooks: Path
    database: str = field(repr=False)
    socket: Path
    spool: Path
    logs: Path
    snapshot_interval: int
    hook_deadline_s: float
    script_deadline_s: float
    lock_timeout_s: float
    host: str
    reconcile_s: float
    head_s: float
    receive_buffer_bytes: int
    libvirt_status: Path

    @property
    def conf(self) -> Path:
        """Returns the folder of the config files."""
        return self.hooks / "conf"


def load_settings(
    environ: Mapping[str, str], hooks_dir: Path | None = None, **flags: object
) -> Settings:
    """Returns the settings: of flags, environment, file and defaults the first that has a value.

    A flag is named as its key with ``_`` for ``-``; one that is None or empty, like an empty
    variable or key, has no value; one that is a Path may be relative.

    Raises: ConfigError, whose message has a line for each error; TypeError for an unknown flag.
    """
    if unknown := {name.replace("_", "-") for name in flags} - set(VARIABLES):
        raise TypeError(f"no such setting: {', '.join(sorted(unknown))}")
    hooks = (hooks_dir or Path(environ.get(HOOKS_DIR_VARIABLE) or HOOKS_DIR)).absolute()
    layers = _Layers(file=_FileLayer(hooks / "conf" / "vlanlog.conf"), environ=environ, flags=flags)
    settings = Settings(
        hooks=hooks,
        database=layers.value("database", database_url, "sqlite:////var/lib/vlanlog/vlanlog.db"),
        socket=layers.value("socket", socket_path, Path("/run/vlanlog/vlanlog.sock")),
        spool=layers.value("spool", absolute_path, Path("/var/lib/vlanlog/spool")),
        logs=layers.value("logs", absolute_path, hooks / "logs"),
        snapshot_interval=layers.value("snapshot-interval", events, 1000),
        hook_deadline_s=layers.value("hook-deadline", seconds, 60.0),
        script_deadline_s=layers.value("script-deadline", seconds, 45.0),
        lock_timeout_s=layers.value("lock-timeout", seconds, 5.0),
        host=layers.value("host", host_name, os.uname().nodename),
        reconcile_s=layers.value("reconcile-interval", seconds, 60.0),
        head_s=layers.value("head-interval", seconds, 3600.0),
        receive_buffer_bytes=layers.value("receive-buffer", buffer_bytes, 64 << 20),
        libvirt_status=layers.value("libvirt-status", absolute_path, Path("/run/libvirt/qemu")),
    )
    if faults := (*layers.file.errors(), *layers.faults):
        raise ConfigError("\n".join(map(str, faults)), hint="nothing was done; mend these first")
    return settings


@dataclass(slots=True, kw_only=True)
class _Layers:
    file: _FileLayer
    environ: Mapping[str, str]
    flags: Mapping[str, object]
    faults: list[ConfigFault] = field(default_factory=list)

    def value(self, key: str, parse: Callable[[str], Value], default: Value) -> Value:
        """Returns the setting; every layer is checked, also one that another overrides."""
        found = self.file.value(key, parse)
        for place, name, text in self._overrides(key):
            if text:
                found = self._checked(place, name, text, parse)
        return default if found is None else found.value

    def _overrides(self, key: str) -> Iterator[tuple[str, str, str]]:
        variable = VARIABLES[key]
        yield "environment", variable, self.environ.get(variable, "").strip()
        flag = self.flags.get(key.replace("-", "_"))
        flag = flag.absolute() if isinstance(flag, Path) else flag
        yield "command line", f"--{key}", "" if flag is None else str(flag)

    def _checked(
        self, place: str, name: str, text: str, parse: Callable[[str], Value]
    ) -> _Given[Value] | None:
        try:
            return _Given(parse(text))
        except BadValueError as e:
            fault = ConfigFault(
                file=place,
                line=None,
                section=None,
                key=name,
                found=e.found,
                expected=e.expected,
            )
            self.faults.append(fault)
            return None


@dataclass(frozen=True, slots=True)
class _Given(Generic[Value]):
    value: Value


class _FileLayer:
    """Is conf/vlanlog.conf; one that is not there gives nothing."""

    def __init__(self, path: Path) -> None:
        text = ""
        self._undecodable: tuple[ConfigFault, ...] = ()
        try:
            source = read_source(path)
        except ConfigMissingError:
            pass
        else:
            text = source.text
            if source.fault is not None:
                self._undecodable = (source.fault,)
        self._sheet = sheet_of(text, file=str(path), known=tuple(VARIABLES), interpolated=False)
        self._readers = []
        for section in self._sheet.sections:
            if section.name == SECTION:
                self._readers.append(SectionReader.of(self._sheet, section))
            elif section.name is not None:
                self._sheet.blame(section, None, "unknown section", f"[{SECTION}]")

    def value(self, key: str, parse: Callable[[str], Value]) -> _Given[Value] | None:
        def given(text: str) -> _Given[Value] | None:
            return _Given(parse(text)) if text else None

        return self._readers[0].read(key, given, None) if self._readers else None

    def errors(self) -> tuple[ConfigFault, ...]:
        return (*self._undecodable, *self._sheet.errors())
