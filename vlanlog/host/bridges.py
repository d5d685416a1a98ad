"""Sets up bridges, trunks and the bridges' own ports, at libvirtd's start and reload or by hand.

Must not print: what there is to say is handed to whoever asked.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

from vlanlog import replay
from vlanlog.core.program import Scope, plan
from vlanlog.errors import EXIT_DIFFERS, EXIT_DONE
from vlanlog.host.host import Host
from vlanlog.render import table
from vlanlog.render.words import remark
from vlanlog.replay import To


def program_bridges(
    open_host: Callable[[], AbstractContextManager[Host]],
    conf: Path | None,
    say: Callable[[str], None],
    *,
    everything: bool,
) -> int:
    """Programs the bridges, with ``everything`` every guest's port too; returns the exit status.

    Raises: VlanlogError.
    """
    with open_host() as host:
        files = host.load_config(bridges=conf)
        kernel = host.look()
        wanted = replay.target(To.DESIRED, host.state, host.state, kernel)
        todo = plan(wanted, kernel, Scope())
        if not everything:
            todo = todo.without_guests()
        report = replay.run(
            host.journal,
            host.kernel.eye,
            host.kernel.writer,
            todo=todo,
            to=To.DESIRED,
            scope=Scope(),
        )
        for line in (*files.errors, *host.notes):
            say(remark(line))
        say(table.plan(todo, width=None))
        done = len(report.reached.ports)
        say(table.finished(report.undone, done=done, messages=report.messages))
        return EXIT_DIFFERS if report.undone or files.errors else EXIT_DONE
