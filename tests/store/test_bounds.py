"""Between which places the events of a time lie, also where the clock was set back."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.store.histories import BEGIN_NS, SECOND_NS, happening, history
from vlanlog.core import event as e
from vlanlog.core.state import Seq
from vlanlog.store import open_log
from vlanlog.store.bounds import EVERYWHERE, Bounds, bounds
from vlanlog.store.log import SqlEventLog

SIZE = 300

_stamps = st.none() | st.integers(-5, 420).map(lambda second: BEGIN_NS + second * SECOND_NS)

Logs = Callable[[str], SqlEventLog]


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Logs:
    """Is the log of a host whose clock was right, or was set back now and then; made once."""

    @cache
    def made(host: str) -> SqlEventLog:
        log = open_log(f"sqlite:///{tmp_path_factory.mktemp('bounds')}/vlanlog.db", host=host)
        if host == "right":
            stamped = [happening(e.DaemonStarted(), host=host, number=n) for n in range(SIZE)]
        else:
            stamped = history(SIZE, host=host)
        log.append(stamped)
        return log

    return made


def seqs(log: SqlEventLog, since_ns: int | None, until_ns: int | None) -> list[Seq]:
    return [
        item.seq
        for item in log.read()
        if (since_ns is None or item.event.at_ns >= since_ns)
        and (until_ns is None or item.event.at_ns <= until_ns)
    ]


@pytest.mark.parametrize("host", ["right", "set-back"])
@given(since_ns=_stamps, until_ns=_stamps, most=st.none() | st.integers(0, SIZE))
@example(since_ns=BEGIN_NS, until_ns=BEGIN_NS, most=None)
@settings(deadline=None)
def test_bounds_leave_out_no_event_of_the_time(
    logs: Logs, host: str, since_ns: int | None, until_ns: int | None, most: int | None
) -> None:
    log = logs(host)
    own = seqs(log, since_ns, until_ns)

    found = bounds(log.engine, host, since_ns=since_ns, until_ns=until_ns, most=most)

    if found is None:
        assert own == []
    else:
        within = [
            seq
            for seq in range(1, SIZE + 1)
            if (found.first or 1) <= seq <= (SIZE if found.last is None else found.last)
        ]
        assert set(own) <= set(within)


@given(since_ns=_stamps, until_ns=_stamps)
@settings(deadline=None)
def test_bounds_of_a_clock_that_was_right_are_the_first_and_the_last_event(
    logs: Logs, since_ns: int | None, until_ns: int | None
) -> None:
    log = logs("right")
    own = seqs(log, since_ns, until_ns)

    found = bounds(log.engine, "right", since_ns=since_ns, until_ns=until_ns)

    if own:
        assert found is not None
        assert ((found.first or 1), (found.last or SIZE)) == (own[0], own[-1])
    else:
        assert found is None or (found.first or 1) > (SIZE if found.last is None else found.last)


@pytest.mark.parametrize(
    ("since", "until", "most", "expected"),
    [
        (0, None, 3, Bounds(Seq(1), None)),
        (297, 298, 3, Bounds(Seq(298), Seq(299))),
        (2, 297, 4, Bounds(Seq(3), Seq(298))),
        (2, 297, 3, EVERYWHERE),
        (150, None, 100, EVERYWHERE),
        (150, None, None, Bounds(Seq(151), Seq(SIZE))),
        (500, None, None, None),
        (None, -1, None, None),
    ],
)
def test_no_more_stamps_than_allowed_are_gone_through(
    logs: Logs, since: int | None, until: int | None, most: int | None, expected: Bounds | None
) -> None:
    log = logs("right")

    found = bounds(
        log.engine,
        "right",
        since_ns=None if since is None else BEGIN_NS + since * SECOND_NS,
        until_ns=None if until is None else BEGIN_NS + until * SECOND_NS,
        most=most,
    )

    assert found == expected
