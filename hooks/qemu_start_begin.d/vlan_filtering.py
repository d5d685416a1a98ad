#!/bin/sh
# fmt: off
PYTHON=""
"exec" "${PYTHON:-${VLANLOG_PYTHON:-python3}}" "-I" "$0" "$@"
# fmt: on

import os
import sys

try:
    from vlanlog.hook import ask_daemon

    status = ask_daemon("apply-guest", sys.argv[1:])
    if status is not None:
        # All is said and written: a guest's start need not wait for the interpreter's tidying up.
        os._exit(status)
    from vlanlog.cli.scripts import vlan_filtering
except ImportError as error:
    sys.exit(
        f"vlanlog: error: {sys.executable} cannot import vlanlog ({error}); "
        "name an interpreter that can in the line PYTHON=, or in VLANLOG_PYTHON"
    )
sys.exit(vlan_filtering(sys.argv[1:]))
