"""The daemon leaves the log's head in the journal, out of the reach of whoever has it."""

from __future__ import annotations

import pytest

from tests.scenes.resident import watched
from tests.scenes.stage import Stage
from vlanlog.render.head import heads_in

pytestmark = pytest.mark.kernel


def test_its_last_word_is_the_head_of_the_log(reference: Stage) -> None:
    said = reference.folder / "daemon.log"

    with watched(reference, {"VLANLOG_RECONCILE_INTERVAL_S": "600"}) as resident:
        assert resident.stop() == 0

    (last,) = heads_in(said.read_text().splitlines()[-1])
    verified = reference.vlanlog("verify", "--against", str(said))
    assert (verified.status, verified.out) == (
        0,
        f"{last.seq} events, the chain holds, 1 known head met; "
        f"head {last.seq} {last.hash.hex()}\n",
    )
