"""The reference host, described by two files in kvmvlan's grammar."""

from __future__ import annotations

import pytest

from tests.scenes.guests import VM1, VM2
from tests.scenes.stage import BRIDGES, PORTS, REFERENCE, SELF, TRUNK, Stage

pytestmark = pytest.mark.kernel


def _other_spelling(text: str) -> str:
    """Returns the file with commas for spaces between vids, and spaces for commas."""
    swap = str.maketrans({",": " ", " ": ","})
    lines = []
    for line in text.splitlines():
        key, found, value = line.partition(" = ")
        lines.append(f"{key}{found}{value.translate(swap)}")
    return "\n".join(lines) + "\n"


def test_daemon_start_sets_trunk_and_self_and_switches_filtering_on(reference: Stage) -> None:
    assert reference.switches() == {"br0": (1, 1)}
    assert reference.carried() == {"br0": SELF, "eth0": TRUNK}


@pytest.mark.parametrize(
    ("bridges", "ports"),
    [(BRIDGES, PORTS), (_other_spelling(BRIDGES), _other_spelling(PORTS))],
    ids=["as-written", "commas-and-spaces-swapped"],
)
def test_guests_of_the_reference_host_get_exactly_what_the_files_say(
    stage: Stage, bridges: str, ports: str
) -> None:
    stage.configure(bridges, ports)
    stage.add_reference_host()
    stage.daemon_starts()
    stage.start(VM1)
    stage.start(VM2)
    assert stage.switches() == {"br0": (1, 1)}
    assert stage.carried() == REFERENCE


def test_other_spelling_swaps_both_ways() -> None:
    swapped = _other_spelling(BRIDGES + PORTS).splitlines()
    lists = [line for line in swapped if line.startswith(("trunk-tags", "tagged"))]
    assert lists == ["trunk-tags = 100,200,300", "tagged = 200 300", "tagged = 100,200"]
