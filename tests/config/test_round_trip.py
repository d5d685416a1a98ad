"""Laws of the reader: what is written is read back, and no text whatever makes it fail."""

from __future__ import annotations

import configparser
import tempfile
from io import StringIO
from pathlib import Path

from hypothesis import example, given
from hypothesis import strategies as st

from tests.config.writing import bridge_entries, bridge_keys, port_entries, port_keys, texts
from vlanlog.config import Loaded, load_settings, read_bridges, read_ports
from vlanlog.config.ini import parse
from vlanlog.core.entry import BridgeEntry, PortEntry
from vlanlog.errors import ConfigError

PIECES = st.sampled_from(
    [
        *("[", "]", "/", "=", ":", "%", "%%", "(", ")s", "*", "#", ";", "\n", "\n ", "\r", "\t"),
        *("DEFAULT", "veth0", "VM1", "net0", "52:54:00:aa:bb:cc", "\x00", "\x85", "\u2028", "\f"),
        *("guest", "pvid", "tagged", "trunk-port", "on-failure", "prune", "[VM1/*]\n", "[*]\n"),
        *("100", "300-200", "9" * 5000, "%(pvid)s", "%(tagged)s", "allow", "yes", "pvid=1\n"),
    ]
)
TEXTS = st.text() | st.lists(PIECES | st.text(max_size=3)).map("".join)


def ports_of(content: bytes) -> Loaded:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "vlan_filtering.conf"
        path.write_bytes(content)
        return read_ports(path)


def bridges_of(content: bytes) -> Loaded:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bridge_init.conf"
        path.write_bytes(content)
        return read_bridges(path)


@given(entries=port_entries(), data=st.data())
def test_ports_written_in_the_grammar_are_read_back(
    entries: tuple[PortEntry, ...], data: st.DataObject
) -> None:
    text = data.draw(texts({entry.section: port_keys(entry) for entry in entries}))
    loaded = ports_of(text.encode())
    assert (loaded.errors, loaded.ports) == ((), entries)


@given(entries=bridge_entries(), data=st.data())
def test_bridges_written_in_the_grammar_are_read_back(
    entries: tuple[BridgeEntry, ...], data: st.DataObject
) -> None:
    text = data.draw(texts({entry.name: bridge_keys(entry) for entry in entries}))
    loaded = bridges_of(text.encode())
    assert (loaded.errors, loaded.bridges) == ((), entries)


@given(text=TEXTS)
@example(text="[VM1/*]\ntagged = " + "9" * 5000)
@example(text="= 5\n[a]\n=\n = x")
def test_any_text_gives_entries_or_faults_of_one_line_each(text: str) -> None:
    content = text.encode("utf-8", "surrogatepass")
    for loaded in (ports_of(content), bridges_of(content)):
        told = [str(fault) for fault in loaded.errors] + list(loaded.warnings)
        assert all(line.isprintable() for line in told)
        assert [fault.line for fault in loaded.errors] == sorted(
            fault.line or 0 for fault in loaded.errors
        )
        assert not (loaded.errors and (loaded.bridges or loaded.ports))


@given(content=st.binary())
def test_any_bytes_give_entries_or_faults(content: bytes) -> None:
    for loaded in (ports_of(content), bridges_of(content)):
        assert not (loaded.errors and (loaded.bridges or loaded.ports))


@given(text=TEXTS)
def test_every_fault_concerns_some_guest(text: str) -> None:
    loaded = ports_of(text.encode("utf-8", "surrogatepass"))
    claimed = {fault for claim in loaded.claims for fault in claim.faults}
    beyond = {fault for fault in loaded.errors if fault not in claimed}
    assert beyond == set()


@given(text=TEXTS)
def test_settings_of_any_text_are_settings_or_a_config_error(text: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "conf" / "vlanlog.conf"
        path.parent.mkdir()
        path.write_bytes(text.encode("utf-8", "surrogatepass"))
        told = str(path)
        try:
            load_settings({}, Path(folder))
        except ConfigError as e:
            told = e.message
        assert all(line.startswith(str(path)) for line in told.split("\n"))


def test_ini_takes_the_line_ends_of_any_system() -> None:
    found = [
        [
            (section.name, section.line, [key.line for key in section.keys])
            for section in parse(text)
        ]
        for text in ("[a]\nx = 1\ny = 2\n", "[a]\r\nx = 1\r\ny = 2\r\n", "[a]\rx = 1\ry = 2\r")
    ]
    assert found == [[(None, 0, []), ("a", 1, [2, 3])]] * 3


@given(text=TEXTS)
@example(text="[\r]")
@example(text="[a]\nx = 1\n  y\n\n z\n; c\n  [b]\n[c] rest\nX: 2")
def test_ini_reads_what_configparser_reads(text: str) -> None:
    theirs = configparser.RawConfigParser()
    try:
        # A file is read with the line ends of any system, a text with one alone.
        theirs.read_file(StringIO(text, newline=None))
    except configparser.Error:
        return
    ours: dict[str, dict[str, str]] = {"DEFAULT": {}}
    for section in parse(text):
        if section.name is not None:
            ours.setdefault(section.name, {}).update({key.name: key.text for key in section.keys})
    defaults = dict(theirs.defaults())
    assert ours.pop("DEFAULT") == defaults
    assert {name: {**defaults, **keys} for name, keys in ours.items()} == {
        name: dict(theirs.items(name)) for name in theirs.sections()
    }
