"""Examines a host on which vlanlog runs, or is to run: what is right, what is not, what mends it.

Must not change anything: what a check runs or opens leaves no trace.
"""
