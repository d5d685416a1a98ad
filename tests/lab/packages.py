"""Prints the path of a tree with the Debian packages named, fetched into the lab's cache."""

import importlib
import sys
from pathlib import Path

if __name__ == "__main__":
    here = Path(__file__).resolve().parent
    sys.path[0] = str(here.parent)
    sys.exit(importlib.import_module(f"{here.name}.command_line").packages(sys.argv[1:]))
