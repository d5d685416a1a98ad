"""The two config files as facts for the log, and what their faults mean for a guest.

Must not write to the log.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from vlanlog.config import ConfigMissingError, Loaded, read_bridges, read_ports
from vlanlog.core import event as e
from vlanlog.core.state import ConfigInForce, ConfigRole
from vlanlog.errors import ConfigError

ConfigFact = e.ConfigLoaded | e.ConfigRejected


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigFiles:
    """Is the content of conf/, read once for one command.

    Shape: ports is None where vlan_filtering.conf is missing, or was not read anew.
    """

    facts: tuple[ConfigFact, ...]
    ports: Loaded | None

    @property
    def errors(self) -> tuple[str, ...]:
        """Returns every error of every file as ``file:line: …``."""
        return tuple(
            line
            for fact in self.facts
            if isinstance(fact, e.ConfigRejected)
            for line in fact.errors
        )


def read_config(bridges: Path, ports: Path, held: ConfigInForce, *, anew: bool) -> ConfigFiles:
    """Returns what the files say; a missing one is an error only where one was in force before.

    A file that is in force as it stands is read again only with ``anew``, where its sections
    are wanted and not only what is new.
    """
    first = _read(read_bridges, bridges, ConfigRole.BRIDGES, held, anew=anew)
    second = _read(read_ports, ports, ConfigRole.PORTS, held, anew=anew)
    found = [item if not isinstance(item, Loaded) else _fact(item) for item in (first, second)]
    return ConfigFiles(
        facts=tuple(fact for fact in found if fact is not None),
        ports=second if isinstance(second, Loaded) else None,
    )


def _read(
    read: Callable[[Path], Loaded],
    path: Path,
    role: ConfigRole,
    held: ConfigInForce,
    *,
    anew: bool,
) -> Loaded | e.ConfigRejected | None:
    digest = _digest(path)
    if not anew and role not in held.rejected and digest == held.loaded.get(role):
        return None
    try:
        loaded = _parsed(read, path, digest)
        # Between the two looks at the file it may have been written anew.
        return loaded if loaded.digest == digest else read(path)
    except ConfigError as error:
        if isinstance(error, ConfigMissingError) and role not in held.loaded:
            return None
        missing = f"{error.message}; the last good content stays in force"
        digest = hashlib.sha256(missing.encode()).hexdigest()
        return e.ConfigRejected(role=role, file=str(path), digest=digest, errors=(missing,))


@lru_cache(maxsize=4)
def _parsed(read: Callable[[Path], Loaded], path: Path, digest: str) -> Loaded:
    """Reads a file once for the daemon, which every guest's start asks for its sections.

    Two hundred sections take as long to read as all else that a guest's VLANs take.
    """
    del digest
    return read(path)


def _digest(path: Path) -> str:
    """Returns the sha256 of a file in hex, nothing where it cannot be read."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return ""


def _fact(loaded: Loaded) -> ConfigFact:
    if loaded.errors:
        return e.ConfigRejected(
            role=loaded.role,
            file=loaded.file,
            digest=loaded.digest,
            errors=tuple(str(fault) for fault in loaded.errors),
        )
    return e.ConfigLoaded(
        role=loaded.role,
        file=loaded.file,
        digest=loaded.digest,
        bridges=loaded.bridges,
        ports=loaded.ports,
        warnings=loaded.warnings,
    )
