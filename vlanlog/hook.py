"""The face of the hook dispatcher: run as a script it serves one call, imported it is the client.

Must stay short: a script is compiled anew at every call, what it imports is compiled once.
"""

import os
import sys

if __name__ == "__main__":
    # -I -S leave out every folder of packages: this package alone is found, by its own place.
    sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    from vlanlog.dispatch.main import main

    # Nothing is left to be tidied up, and the interpreter would take its time over it.
    os._exit(main(sys.argv[1:]))

from vlanlog.dispatch.ask import ask_daemon
from vlanlog.dispatch.record import spool_name, write_durably
from vlanlog.dispatch.settings import Settings, read_settings
from vlanlog.dispatch.wire import (
    HEAD_BYTES,
    FrameError,
    VersionError,
    body_length,
    decode_frame,
    encode_frame,
    request,
    uuid7_bytes,
)

__all__ = [
    "HEAD_BYTES",
    "FrameError",
    "Settings",
    "VersionError",
    "ask_daemon",
    "body_length",
    "decode_frame",
    "encode_frame",
    "read_settings",
    "request",
    "spool_name",
    "uuid7_bytes",
    "write_durably",
]
