"""Figures of a host whose kernel is not as desired, with a daemon that watches and without one."""

from __future__ import annotations

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.kernel.netns import bridge
from tests.scenes.guests import VM1
from tests.scenes.resident import watched
from tests.scenes.stage import Stage

pytestmark = pytest.mark.kernel

Figures = dict[str, float]


def figures(stage: Stage) -> Figures:
    """Returns the figures by name, those of the drift by what they are of."""
    ended = stage.vlanlog("metrics")
    assert (ended.status, ended.err) == (0, "")
    return {
        sample.labels.get("of", sample.name.removeprefix("vlanlog_")): sample.value
        for family in text_string_to_metric_families(ended.out)
        for sample in family.samples
        if "kind" not in sample.labels
    }


def drift(found: Figures) -> tuple[float, ...]:
    """Returns ports, bridges, missing, foreign changes, and whether a daemon answers."""
    names = ("port", "bridge", "missing", "foreign_changes_total", "daemon_up")
    return tuple(found[name] for name in names)


def test_figures_tell_drift_and_who_watches(reference: Stage) -> None:
    reference.start(VM1)
    right = drift(figures(reference))
    bridge("vlan", "add", "dev", "veth0", "vid", "666")
    before = reference.kept()
    unwatched = drift(figures(reference))

    # Only read, whatever it found: nobody has looked for the record.
    assert reference.kept() == before
    assert right == (0, 0, 0, 0, 0)
    assert unwatched == (1, 0, 0, 0, 0)
    with watched(reference) as daemon:
        bridge("vlan", "add", "dev", "eth0", "vid", "667")
        bridge("vlan", "del", "dev", "eth0", "vid", "300")
        assert drift(figures(reference))[:3] == (2, 0, 0)
        assert figures(reference)["daemon_up"] == 1
        daemon.stop()
    # Found at its start one, heard two; and a daemon that is stopped leaves a gap open.
    ended = figures(reference)
    assert drift(ended) == (2, 0, 0, 3, 0)
    assert (ended["gap_open"], ended["gaps_total"] >= 1) == (1, True)
