"""The lab: runs a command in a kernel that has bridge VLAN filtering.

`run.py` is the way in; README.md says how it chooses the kernel and what it keeps in its cache.
Standard library only, because it runs before anything is installed. Nothing here may be imported
by vlanlog itself.
"""
