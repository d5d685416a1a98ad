"""A PostgreSQL server of the tests' own: a Unix socket in a folder of its own, no TCP."""
