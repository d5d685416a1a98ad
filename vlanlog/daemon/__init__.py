"""The resident process: it watches the kernel, answers hooks and commands, and keeps the log."""
