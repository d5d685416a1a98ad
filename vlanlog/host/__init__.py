"""This host, opened for a use case: what the command line and the daemon have in common."""
