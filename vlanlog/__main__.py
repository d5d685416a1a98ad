"""Runs the command line as ``python -m vlanlog``."""

from vlanlog.cli.app import main

main()
