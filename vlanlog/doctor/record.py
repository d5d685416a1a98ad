"""Checks of the record: database, disk, spool, chain, and the daemon that keeps it.

Must not append, upgrade or take in anything.
"""

from __future__ import annotations

import os
import socket
import struct
import time
from collections.abc import Iterator
from pathlib import Path

import vlanlog
from vlanlog.core.codec import chained
from vlanlog.core.finding import Finding, failed, passed, unknown, warned
from vlanlog.core.state import Coverage, Seq
from vlanlog.doctor.hooks import process_start_s
from vlanlog.doctor.view import NotSeenError, View
from vlanlog.errors import StoreError, StoreNewerError
from vlanlog.render.words import count, when
from vlanlog.spool import Spool
from vlanlog.store.engine import without_password
from vlanlog.store.guards import lost_guards
from vlanlog.store.log import SqlEventLog
from vlanlog.store.read import stored
from vlanlog.store.schema import HEAD
from vlanlog.store.verify import audited

CHAIN_EVENTS = 10_000
"""How many of the last events are walked without --full: a second's work."""

LOW_BYTES, EMPTY_BYTES = 1 << 30, 100 << 20
"""Below these of free space a disk is low, and as good as full."""

LATE_S = 120.0
"""After so long a record that waits in the spool is not on its way any more."""

_SILENCE_S = 2.0
_CREDENTIALS = struct.Struct("iII")
_AS_ROOT = "run 'vlanlog doctor' as root"


def database(view: View) -> Iterator[Finding]:
    """Asks whether the database is there, can be reached, and has this program's tables."""
    name = "database"
    shown = without_password(view.settings.database)
    try:
        revision = view.revision
    except StoreNewerError as error:
        yield failed(name, error.message, error.hint)
        return
    except StoreError as error:
        # Of another user's rights nothing follows.
        yield (failed if view.is_root else unknown)(name, error.message, error.hint)
        return
    if revision is None:
        yield warned(name, f"{shown}: nothing was recorded yet", "vlanlog db upgrade")
    elif revision != HEAD:
        text = f"{shown} has schema {revision}, this vlanlog {HEAD}: the next command upgrades it"
        yield warned(name, text, "vlanlog db upgrade")
    else:
        yield passed(name, f"{shown}, schema {revision}")


def disk(view: View) -> Iterator[Finding]:
    """Asks whether database and spool can grow."""
    name = "disk"
    file = view.database_file
    folders = {view.settings.spool} | ({file.parent} if file else set())
    faults = []
    for folder in sorted({_there(folder) for folder in folders}):
        found = view.room(folder)
        free = found.f_bavail * found.f_frsize
        if found.f_flag & os.ST_RDONLY:
            faults.append(failed(name, f"{folder} is mounted read-only", f"findmnt -T {folder}"))
        elif free < EMPTY_BYTES:
            text = f"{folder}: {free >> 20} MiB are free"
            faults.append(failed(name, text, f"free space: df {folder}"))
        elif free < LOW_BYTES:
            text = f"{folder}: {free >> 20} MiB are free"
            faults.append(warned(name, text, f"df {folder}; vlanlog archive"))
    yield from faults or [passed(name, "database and spool can grow")]


def _there(folder: Path) -> Path:
    """Returns the folder, or the first above it that is there."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return folder


def spool(view: View) -> Iterator[Finding]:
    """Asks whether records wait that should be in the log, or were set aside."""
    name = "spool"
    folder = view.settings.spool
    view.listed(folder)
    waiting = Spool(folder, host=view.settings.host).pending()
    late = [path for path in waiting if _age_s(path) > LATE_S]
    faults = []
    if late:
        text = f"{folder}: {count(len(late), 'record')} waiting, the oldest for {_since(late[0])}"
        faults.append(warned(name, text, "vlanlog history -n 1: it takes them in, or says why not"))
    bad = [path for path in view.listed(folder / "bad") if path.suffix != ".why"]
    if bad:
        text = f"{folder}/bad: {count(len(bad), 'file')} could not be read and was set aside"
        faults.append(warned(name, text, f"cat {folder}/bad/*.why"))
    yield from faults or [passed(name, f"{folder}: {count(len(waiting), 'record')} waiting")]


def _age_s(path: Path) -> float:
    try:
        return time.time() - path.stat().st_mtime
    except FileNotFoundError:
        # It was taken in meanwhile.
        return 0.0


def _since(path: Path) -> str:
    minutes = int(_age_s(path) // 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h"


def chain(view: View) -> Iterator[Finding]:
    """Walks the last events' chain, with --full all of it, and looks for what guards the log."""
    name = "chain"
    engine, host = view.log, view.settings.host
    hint = "vlanlog verify; compare with a head that was kept elsewhere"
    faults = [failed(name, f"database: {line}", hint) for line in lost_guards(engine)]
    log = SqlEventLog(engine, host=host)
    head, begin = log.head(), log.first()
    if head is None or begin is None:
        yield from faults or [passed(name, "the log is empty")]
        return
    if view.full:
        flaws = [f"event {flaw.seq}: {flaw.why}" for flaw in audited(engine, host).flaws]
        walked = head.seq
    else:
        # What comes before the first may have been archived.
        first = Seq(max(begin.seq - 1, head.seq - CHAIN_EVENTS))
        walked = Seq(head.seq - first)
        flaws = _flaws_behind(view, first, head.seq)
    faults += [failed(name, line, hint) for line in flaws]
    told = count(walked, "event") if walked == head.seq else f"the last {count(walked, 'event')}"
    yield from faults or [passed(name, f"{told} of {head.seq} chained")]


def _flaws_behind(view: View, first: Seq, last: Seq) -> list[str]:
    """Returns the first flaw of the chain between two places; what the first is chained to is
    taken as it is."""
    link, seq = None, int(first)
    for item in stored(view.log, view.settings.host, after=first, until=last):
        if item.seq != seq + 1:
            return [f"event {seq + 1}: it is missing"]
        if link is not None and item.prev_hash != link:
            return [f"event {item.seq}: it is not chained to {seq}"]
        if item.hash != chained(item.prev_hash, item.seq, item.row):
            return [f"event {item.seq}: it is not what was written"]
        link, seq = item.hash, item.seq
    return [] if seq == last else [f"event {seq + 1}: it is missing"]


def daemon(view: View) -> Iterator[Finding]:
    """Asks whether the daemon runs, answers, and is the program that is installed now."""
    name = "daemon"
    pid = _listener(view.settings.socket)
    if pid is None:
        text = "no daemon runs: changes by others are only found when a command looks"
        yield warned(name, text, "systemctl enable --now vlanlog")
        return
    installed_s = Path(vlanlog.__path__[0], "__init__.py").stat().st_ctime
    if pid and process_start_s(view, pid) < installed_s:
        text = f"the daemon (process {pid}) is older than the vlanlog {vlanlog.__version__} here"
        yield warned(name, text, "systemctl restart vlanlog: VLANs stay as they are")
        return
    yield passed(name, f"process {pid} answers on {view.settings.socket}")


def _listener(path: Path) -> int | None:
    """Returns the process that listens on the daemon's socket, None where none does.

    Raises: NotSeenError where it may not be asked.
    Source: unix(7), ``SO_PEERCRED``.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as peer:
        peer.settimeout(_SILENCE_S)
        try:
            peer.connect(str(path))
        except PermissionError as error:
            raise NotSeenError(f"{path} may not be asked", _AS_ROOT) from error
        except OSError:
            return None
        packed = peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    return int(_CREDENTIALS.unpack(packed)[0])


def coverage(view: View) -> Iterator[Finding]:
    """Asks whether changes are heard of now, and since when."""
    name = "coverage"
    log = SqlEventLog(view.log, host=view.settings.host)
    head = log.head()
    if head is None:
        yield unknown(name, "nothing was recorded yet", "vlanlog daemon records what happens")
        return
    last = f"the last event is of {when(head.at_ns)}"
    if _listener(view.settings.socket) is None:
        text = f"nobody watches now: {last}, what happened since is not known"
        yield warned(name, text, "systemctl enable --now vlanlog")
        return
    match log.state().coverage:
        case Coverage.WATCHED:
            yield passed(name, f"watched; {last}")
        case Coverage.GAP | Coverage.NONE:
            text = f"the daemon runs, and a gap is open: {last}"
            yield warned(
                name, text, "vlanlog history --kind watch.gap_opened; journalctl -u vlanlog"
            )
