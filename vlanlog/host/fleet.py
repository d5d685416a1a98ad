"""The logs of all hosts that a database holds: a guest's story goes on where the guest went.

Must not write: a log is written by its own host alone.
"""

from __future__ import annotations

from vlanlog.host.host import Host
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


def neighbour(log: EventLog, host: str) -> EventLog:
    """Returns the log of a host that the same database holds."""
    if not isinstance(log, SqlEventLog) or log.host == host:
        return log
    return SqlEventLog(log.engine, host=host)
