"""Tells which guests the sections of vlan_filtering.conf speak of, however broken they are.

Must not report faults; it errs towards more guests, so that a guest is not started past a fault.
"""

from __future__ import annotations

from functools import partial

from vlanlog.config.fault import BadValueError
from vlanlog.config.ini import Key
from vlanlog.config.loaded import Claim, Scope
from vlanlog.config.sheet import DEFAULT, SectionReader, Sheet
from vlanlog.config.values import guest, word
from vlanlog.core.entry import OnFailure


def claims_of(sheet: Sheet, readers: list[SectionReader]) -> tuple[Claim, ...]:
    """Returns one claim a section, and one for the faults that may hide a section."""
    hidden = sheet.faults_that_hide()
    found = [Claim(scope=Scope.UNKNOWN, faults=hidden)] if hidden else []
    return (*found, *(_claim(reader) for reader in readers))


def _claim(reader: SectionReader) -> Claim:
    faults = reader.sheet.faults_in(reader.section)
    scope, guests = _whom(reader, broken=bool(faults))
    return Claim(scope=scope, guests=guests, on_failure=_on_failure(reader), faults=faults)


def _whom(reader: SectionReader, *, broken: bool) -> tuple[Scope, frozenset[str]]:
    name = reader.section.name or ""
    if name == DEFAULT:
        return Scope.DEFAULT, frozenset()
    if name == "*":
        return Scope.ANY, frozenset()
    texts = [name.rpartition("/")[0]] if "/" in name else []
    texts += [key.text for key in _keys_meant(reader, "guest")]
    if not texts and not broken and (inherited := reader.sheet.defaults.get("guest")):
        texts = [inherited.text]
    guests = {_readable_guest(reader, text) for text in texts} - {""}
    if None in guests or (broken and not guests):
        return Scope.UNKNOWN, frozenset()
    return Scope.NAMED, frozenset(item for item in guests if item)


def _readable_guest(reader: SectionReader, text: str) -> str | None:
    try:
        return guest(reader.expanded(text)) if text else ""
    except BadValueError:
        return None


def _on_failure(reader: SectionReader) -> OnFailure | None:
    said = {_readable_word(reader, key) for key in _keys_meant(reader, "on-failure")}
    if not said:
        return None
    return OnFailure.ALLOW if said == {OnFailure.ALLOW} else OnFailure.REFUSE


def _readable_word(reader: SectionReader, key: Key) -> OnFailure:
    if key.name != "on-failure":
        return OnFailure.REFUSE
    try:
        return partial(word, OnFailure)(reader.expanded(key.text))
    except BadValueError:
        return OnFailure.REFUSE


def _keys_meant(reader: SectionReader, name: str) -> list[Key]:
    return [key for key in reader.section.keys if reader.sheet.meant(key.name) == name]
