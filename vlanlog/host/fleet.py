"""The logs of all hosts that a database holds: a guest's story goes on where the guest went.

Must not write: a log is written by its own host alone.
"""

from __future__ import annotations

from vlanlog.host.host import Host
from vlanlog.host.loglike import OutsideLog
from vlanlog.ports import EventLog
from vlanlog.store.log import SqlEventLog, hosts


def logs(host: Host) -> dict[str, EventLog]:
    """Returns the log of each host by its name, this host's among them if it holds anything.

    Raises: StoreError.
    """
    own = host.log
    if not isinstance(own, SqlEventLog):
        return {host.settings.host: own}
    return {name: neighbour(own, name) for name in hosts(own.engine)}


def names(host: Host) -> tuple[str, ...]:
    """Returns the hosts whose logs the database holds, none where there is no database.

    Raises: StoreError.
    """
    log = host.log.past if isinstance(host.log, OutsideLog) else host.log
    return hosts(log.engine) if isinstance(log, SqlEventLog) else ()


def neighbour(log: EventLog, host: str) -> EventLog:
    """Returns the log of a host that the same database holds."""
    if not isinstance(log, SqlEventLog) or log.host == host:
        return log
    return SqlEventLog(log.engine, host=host)
