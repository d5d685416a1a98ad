# The parts of the suites, for .ci/suite: it says which, how many at once, and where $(logs) are.

python := .venv/bin/python
part = @exec .ci/part $(logs) $@
pytest := $(python) -m pytest
# A lab that hangs is ended after this.
lab := $(python) tests/lab/run.py --timeout 3000 --rw $(logs)
in_lab = $(pytest) -p no:cacheprovider -o junit_family=xunit1 --junitxml=$(logs)/$@.xml

# The longest first: what is left for the end should be short.
kernel_shards := 1 2 3 4
libvirt_shards := 1 2
kernel := $(kernel_shards:%=tests-kernel-%)
libvirt := $(libvirt_shards:%=tests-libvirt-%)
backports := $(libvirt_shards:%=tests-libvirt-backports-%)
# What a daemon that comes and goes could do otherwise: a guest's life from its start to its end.
modular := $(patsubst %,tests/libvirt/test_%.py,idle life turns hotplug reconnect reload)
benches := $(notdir $(basename $(wildcard tests/benchmarks/bench_*.py)))
static := ruff format mypy imports

check := $(static) tests
test := $(static) tests-native $(libvirt) $(backports) tests-libvirt-modular $(kernel)
bench := $(benches)

.PHONY: names check test bench $(check) $(test) $(bench)
names:
	@printf '%s\n' $($(suite))
check: $(check)
test: $(test)
bench: $(bench)

ruff:
	$(part) .venv/bin/ruff check
format:
	$(part) .venv/bin/ruff format --check
mypy:
	$(part) .venv/bin/mypy
imports:
	$(part) .venv/bin/lint-imports

# Pytest's own exit status tells when nothing was collected, and tests/skips.py fails what skips.
tests:
	$(part) $(pytest) -n $(jobs) -m 'not kernel and not libvirt and not postgresql and not slow' \
	    --basetemp="$$TMPDIR/pytest"
tests-native:
	$(part) $(pytest) -m 'not kernel and not libvirt' --basetemp="$$TMPDIR/pytest"
$(kernel): tests-kernel-%:
	$(part) $(lab) -- $(in_lab) -m 'kernel and not libvirt' --shard=kernel:$*/$(words $(kernel))
$(libvirt): tests-libvirt-%:
	$(part) $(lab) --libvirt -- $(in_lab) -m libvirt --shard=libvirt:$*/$(words $(libvirt))
$(backports): tests-libvirt-backports-%:
	$(part) $(lab) --libvirt backports -- $(in_lab) -m libvirt --shard=libvirt:$*/$(words $(libvirt))

tests-libvirt-modular:
	$(part) $(lab) --libvirt modular -- $(in_lab) -m libvirt $(modular)

# What programs VLANs does it in the lab, in a namespace that it has from there.
in_lab_if_so = $(if $(shell grep '^from tests.kernel' $(1)),$(lab) --)
$(benches): %:
	$(part) $(call in_lab_if_so,tests/benchmarks/$*.py) $(python) tests/benchmarks/$*.py
