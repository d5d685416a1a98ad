"""Whose a hook or a script is, told by what is in it: vlanlog's, kvmvlan's, or someone else's.

Must not look at where it lies.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterable
from enum import Enum, auto

# Of each file of each published version, less its first line: the interpreter is what an
# operator has to change first.
PUBLISHED = frozenset(
    (
        "255bc30aceb3cf13e93ffd48de1c53ef2118edf6f8a101aa3c14b8d441382341",
        "c5eabf06fa01ab6c8c7961da9e898ff757c9eaa03dc9772d3110c8bb034a46e0",
        "52a205a510c1d206a569805a09914030f7397212ee7502e0eb0426872e4e4277",
        "5be289dec948d88bfcd866b2988e1fdd21f7e2d29241b2afc0eda55bc675260b",
        "a6188915c7079c12c5b07feb553a1d2968c70bec2c1f3679c66b52546bfcb311",
        "c39e688d506fdcd60f6aaf75eede982e3964bcd912bf014a27e891eb4a093782",
        "ffd2fef1098120b445a97616158cd47e9a2892c8edd40d06238f0ca5dcfeb3e2",
        "358df8f6c2d6ac25d0ddd8a6747eba23a3cff988f80b93b3c46623832538dc26",
        "b61763830bce3a4afb0c17527bd3f2fbcce560a9c7087a75f9ab8cf8f45fae61",
        "07cdf5c5afc5e7d49dcbb074664f6e9a72f3ff6ab686e374a258e7ab299b81d2",
        "3821e0374444dcaefaf05443b0ecc2a5d80c8c493e595ddb3daff54c4809371f",
        "7e9b4e8a0e015a1856204f52bfbd1bb89a5cea80b5488cff39ac959e9007be93",
        "ee61882d3eb7c1c58785425bfd2ced3fb21889b0338f78db7130befc9759ada7",
    )
)
"""The sha256 of kvmvlan's dispatchers and scripts.

Source: every version of ``hooks/`` in the repository nesanton/kvmvlan.
"""

_DISPATCHER = (b"SCRIPT_DIR=", b"CONFIG_DIR=", b"LOGS_DIR=", b"_${PHASE}.d")
_SCRIPT = (b"def manage_vlans(ipr", b"pyroute2")
_OWN = (b"vlanlog/hook.py", b"from vlanlog.hook import ask_daemon")
_INSTALLERS_LINE = re.compile(rb"^(PYTHON|HOOK|FOLDER|ExecStart)=.*$", re.MULTILINE)


class Author(Enum):
    """Is who wrote a file."""

    VLANLOG = auto()
    VLANLOG_CHANGED = auto()
    KVMVLAN = auto()
    KVMVLAN_CHANGED = auto()
    OTHER = auto()


def author_of(
    content: bytes, shipped: Iterable[bytes], published: Collection[str] = PUBLISHED
) -> Author:
    """Returns who wrote a hook or a script.

    ``shipped`` are vlanlog's own; the lines that an installer fills in make no difference.
    """
    bare = _without_own_lines(content)
    if any(bare == _without_own_lines(text) for text in shipped):
        return Author.VLANLOG
    if any(mark in content for mark in _OWN):
        return Author.VLANLOG_CHANGED
    if hashlib.sha256(content.partition(b"\n")[2]).hexdigest() in published:
        return Author.KVMVLAN
    if all(mark in content for mark in _DISPATCHER) or all(mark in content for mark in _SCRIPT):
        return Author.KVMVLAN_CHANGED
    return Author.OTHER


def _without_own_lines(content: bytes) -> bytes:
    return _INSTALLERS_LINE.sub(rb"\1=", content)
