"""The edge: command line and hook scripts construct the adapters and hand them to the use cases.

Must import nothing here: a hook's script shall not load the command line.
"""
