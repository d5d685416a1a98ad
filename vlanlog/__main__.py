"""Runs the command line as ``python -m vlanlog``."""

from vlanlog.cli import main

main()
