"""Lays vlanlog's files down on a host or in an image, and takes them away again.

Must not print, nor start or stop anything: what is to be run afterwards is handed back as values.
"""
