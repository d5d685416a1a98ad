"""Runs a command in a kernel that has bridge VLAN filtering: `run.py --help`."""

import importlib
import sys
from pathlib import Path

if __name__ == "__main__":
    here = Path(__file__).resolve().parent
    sys.path[0] = str(here.parent)
    sys.exit(importlib.import_module(f"{here.name}.command_line").run(sys.argv[1:]))
