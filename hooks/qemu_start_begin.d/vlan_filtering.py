#!/bin/sh
# fmt: off
PYTHON=""
"exec" "${PYTHON:-${VLANLOG_PYTHON:-python3}}" "-I" "$0" "$@"
# fmt: on

import sys

try:
    from vlanlog.hook import ask_daemon

    status = ask_daemon("apply-guest", sys.argv[1:])
    if status is None:
        from vlanlog.cli.scripts import vlan_filtering

        status = vlan_filtering(sys.argv[1:])
except ImportError as error:
    sys.exit(
        f"vlanlog: error: {sys.executable} cannot import vlanlog ({error}); "
        "name an interpreter that can in the line PYTHON=, or in VLANLOG_PYTHON"
    )
sys.exit(status)
