"""Is another process at the same database: ``python -m tests.store.child VERB URL [HOST [COUNT]]``.

Says ``ready`` and waits for a line; then appends and says which event is acknowledged, creates the
database, or holds the writer lock until it is told to end. Must not compare anything.
"""

from __future__ import annotations

import sys
from uuid import uuid4

from vlanlog.core import event as e
from vlanlog.store import open_log
from vlanlog.store.engine import open_engine
from vlanlog.store.lock import writer_lock


def say(word: object) -> None:
    print(word, flush=True)


def append(url: str, host: str, number: str) -> None:
    log = open_log(url, host=host, timeout_s=60, snapshot_every=50)
    say("ready")
    sys.stdin.readline()
    for count in range(int(number)):
        event = e.Event(
            event_id=uuid4(),
            at_ns=count,
            host=host,
            boot_id="boot",
            actor=e.UNKNOWN_ACTOR,
            correlation_id=uuid4(),
            fact=e.DaemonStarted(),
            # Mostly the same subject, at times one that all processes meet for the first time.
            subject=e.Subject(guest_name=f"VM{count // 10}"),
        )
        (seq,) = log.append([event])
        say(f"{seq} {event.event_id}")


def create(url: str) -> None:
    say("ready")
    sys.stdin.readline()
    head = open_log(url, host="host", timeout_s=60).head()
    say(f"head {head}")


def hold(url: str, host: str) -> None:
    with writer_lock(open_engine(url), host=host, timeout_s=60):
        say("ready")
        sys.stdin.readline()


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["append", url, host, number]:
            append(url, host, number)
        case ["create", url]:
            create(url)
        case ["hold", url, host]:
            hold(url, host)
        case _:
            sys.exit(__doc__)
