"""Moves the beginning of a log into files that can still be verified.

Must not delete an event before a file that holds it was read back and the log tells of it.
"""
