"""Is a server in another process: ``python -m tests.daemon.child PATH``.

Says ``ready``, then of each request its verb and whether its client waits, and answers it. Must
not compare anything.
"""

from __future__ import annotations

import sys
from pathlib import Path

from tests.daemon.serving import Served


def serve(path: Path) -> None:
    one = Served(path)
    print("ready", flush=True)
    while True:
        for request in one.round(wait_s=60):
            print(request.verb, "waits" if request.is_waiting() else "gone", flush=True)
            request.reply({"status": b"ok"})


if __name__ == "__main__":
    serve(Path(sys.argv[1]))
