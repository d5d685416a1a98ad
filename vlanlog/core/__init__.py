"""Values and pure functions: no clock, no file, no socket, no database."""
