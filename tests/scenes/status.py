"""What libvirt writes of a running guest, beside a stage.

Must not start a guest.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tests.scenes.guests import NO_TAPS, Guest
from tests.scenes.stage import Stage


def status_folder(stage: Stage) -> Path:
    """Returns the folder of status files; vlanlog.conf names it from then on."""
    folder = stage.folder / "qemu"
    if not folder.exists():
        folder.mkdir()
        with (stage.conf / "vlanlog.conf").open("a") as conf:
            conf.write(f"libvirt-status = {folder}\n")
    return folder


def tell_of(stage: Stage, guest: Guest, made_up: Mapping[str, str] = NO_TAPS) -> None:
    """Has libvirt say that the guest runs, on the taps that it has."""
    xml = guest.live_xml(made_up).decode()
    (status_folder(stage) / f"{guest.name}.xml").write_text(
        f"<domstatus state='running' reason='booted'>{xml}</domstatus>"
    )
