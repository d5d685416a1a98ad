"""The few settings that a hook needs, from ``conf/vlanlog.conf`` and the environment.

Must not complain: a value that cannot be read is passed over for the default, since a hook has
to go on whatever the file says. ``vlanlog.config`` reads the same file and reports its errors.
"""

import os

DEFAULT_SOCKET = b"/run/vlanlog/vlanlog.sock"
DEFAULT_SPOOL = b"/var/lib/vlanlog/spool"
DEFAULT_HOOK_DEADLINE_S = 60.0
DEFAULT_SCRIPT_DEADLINE_S = 45.0
_LONGEST_DEADLINE_S = 3600.0

_VARIABLES = {
    b"socket": b"VLANLOG_SOCKET",
    b"spool": b"VLANLOG_SPOOL_DIR",
    b"logs": b"VLANLOG_LOG_DIR",
    b"hook-deadline": b"VLANLOG_HOOK_DEADLINE_S",
    b"script-deadline": b"VLANLOG_SCRIPT_DEADLINE_S",
}


class Settings:
    """Is where a hook records and logs, and how long it may take.

    Units: deadlines are seconds, at most an hour.
    Shape: paths are absolute, since a script runs in its own folder.
    """

    __slots__ = ("hook_deadline_s", "logs", "script_deadline_s", "socket", "spool")

    def __init__(self, hooks: bytes, values: dict[bytes, bytes]) -> None:
        self.socket = _path(values.get(b"socket"), DEFAULT_SOCKET)
        self.spool = _path(values.get(b"spool"), DEFAULT_SPOOL)
        self.logs = _path(values.get(b"logs"), hooks + b"/logs")
        self.hook_deadline_s = _seconds(values.get(b"hook-deadline"), DEFAULT_HOOK_DEADLINE_S)
        self.script_deadline_s = _seconds(values.get(b"script-deadline"), DEFAULT_SCRIPT_DEADLINE_S)


def read_settings(hooks: bytes) -> Settings:
    """Returns the settings of the hooks folder; the environment wins over the file."""
    values = _parsed(hooks + b"/conf/vlanlog.conf")
    for key, variable in _VARIABLES.items():
        if given := os.environb.get(variable, b"").strip():
            values[key] = given
    return Settings(hooks, values)


def _parsed(path: bytes) -> dict[bytes, bytes]:
    try:
        with open(path, "rb") as file:
            lines = file.read().splitlines()
    except OSError:
        return {}
    values = {}
    for line in lines:
        # As configparser has it, a colon does for "=".
        at = min((at for at in (line.find(b"="), line.find(b":")) if at > 0), default=0)
        if at and not line.lstrip().startswith((b"#", b";", b"[")):
            values[line[:at].strip().lower()] = line[at + 1 :].strip()
    return values


def _path(given: bytes | None, default: bytes) -> bytes:
    return given if given and given.startswith(b"/") else default


def _seconds(text: bytes | None, default: float) -> float:
    try:
        seconds = float(text or b"")
    except ValueError:
        return default
    return seconds if 0 < seconds <= _LONGEST_DEADLINE_S else default
