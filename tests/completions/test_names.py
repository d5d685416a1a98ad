"""Names for a shell, on both kinds of database."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.postgres.server import Server
from tests.store.histories import happening
from vlanlog.cli.names import main, names
from vlanlog.core import event as e
from vlanlog.store import open_log


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def environ(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, str]:
    """Is the environment of a host whose log knows some names."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path}/log.db"
    else:
        server: Server = request.getfixturevalue("postgres")
        url = server.new_database()
    log = open_log(url, host="kvm1")
    event = happening(e.PortDetached(), host="kvm1")
    for number, name in enumerate(("a", "B", "ba", "b%", "b_", "ä", "b\x1b[2J")):
        subject = e.Subject(guest_name=name, port=f"vnet{number}", bridge="br0")
        log.append([replace(happening(event.fact, host="kvm1"), subject=subject)])
    log.engine.dispose()
    return {"VLANLOG_HOOKS_DIR": str(tmp_path), "VLANLOG_DATABASE": url}


@pytest.mark.parametrize(
    ("prefix", "kinds", "found"),
    [
        ("b", ["guest"], {"ba", "b%", "b_"}),
        ("b%", ["guest"], {"b%"}),
        ("b", ["guest", "bridge"], {"ba", "b%", "b_", "br0"}),
        ("", ["bridge"], {"br0"}),
        ("ä", ["guest"], {"ä"}),
        ("vnet", ["host", "mac"], set()),
        ("b", ["no such kind"], set()),
    ],
)
def test_names_begin_with_the_prefix(
    environ: dict[str, str], prefix: str, kinds: list[str], found: set[str]
) -> None:
    told = names(environ, prefix, kinds)

    assert set(told) == found
    assert len(told) == len(found)


def test_a_word_alone_asks_for_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert (main([]), main(["b"]), capsys.readouterr().out) == (0, 0, "")


def test_names_are_not_endless(tmp_path: Path) -> None:
    log = open_log(f"sqlite:///{tmp_path}/log.db", host="kvm1")
    taps = (e.Subject(port=f"vnet{number}") for number in range(600))
    event = happening(e.PortDetached(), host="kvm1")
    log.append([replace(happening(event.fact, host="kvm1"), subject=tap) for tap in taps])
    environ = {
        "VLANLOG_HOOKS_DIR": str(tmp_path),
        "VLANLOG_DATABASE": f"sqlite:///{tmp_path}/log.db",
    }

    assert len(names(environ, "vnet", ["port"])) == 500


@pytest.mark.parametrize("database", ["sqlite:////nonexistent/log.db", "nonsense"])
def test_what_is_wrong_is_not_said(
    database: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("VLANLOG_DATABASE", database)

    assert (main(["", "guest"]), capfd.readouterr()) == (0, ("", ""))


def test_a_database_that_nobody_uses_gets_no_files_beside_it(tmp_path: Path) -> None:
    log = open_log(f"sqlite:///{tmp_path}/log.db", host="kvm1")
    event = happening(e.PortDetached(), host="kvm1")
    log.append([replace(event, subject=e.Subject(guest_name="VM1"))])
    log.engine.dispose()
    before = sorted(tmp_path.iterdir())

    found = names({"VLANLOG_DATABASE": f"sqlite:///{tmp_path}/log.db"}, "V", ["guest"])

    assert (found, sorted(tmp_path.iterdir())) == (["VM1"], before)
