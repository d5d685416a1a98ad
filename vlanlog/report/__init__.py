"""The auditor's report as a value: guests, NICs, VLANs over time, coverage, trust.

Must not format: render writes it down.
"""
