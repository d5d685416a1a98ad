"""An operator's commands: what is asked, the work, the answer, and how both cross the socket.

Must not parse a command line and must not print.
"""
