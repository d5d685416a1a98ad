# Everything is set up by itself: a venv in .venv, and what the lab needs in
# ~/.cache/vlanlog-lab (XDG_CACHE_HOME and VLANLOG_LAB_CACHE move it). Nothing else is written to.
# PYTHON=... names the interpreter (3.11 or newer), JOBS=N how many parts run at once.

.PHONY: help venv demo check test bench clean
.NOTPARALLEL:
export PYTHON

help:
	@echo 'make demo    a host, guests, lost and replayed VLANs, the story: on a real kernel'
	@echo 'make check   style, types, layers and the quick tests (about a minute)'
	@echo 'make test    all of it: PostgreSQL, a kernel with VLAN filtering, two libvirts'
	@echo 'make bench   the figures of the README'
	@echo 'make clean   remove what was made in this folder'

venv:
	@.ci/venv

demo: venv
	@.venv/bin/python tests/lab/run.py -- docs/demo.sh

check test bench: venv
	@.ci/suite $@

clean:
	rm -rf .venv .cache build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
	rm -rf .import_linter_cache vlanlog.egg-info
	find vlanlog tests migrations hooks -name __pycache__ -prune -exec rm -rf {} +
