"""Reads conf/*.conf: the two files that kvmvlan knows, and vlanlog's own settings.

Must not decide what a port carries, and must import little: every hook reads these files.
"""

from vlanlog.config.bridges import read_bridges
from vlanlog.config.fault import ConfigFault, ConfigMissingError
from vlanlog.config.loaded import Loaded
from vlanlog.config.ports import read_ports
from vlanlog.config.settings import Settings, load_settings

__all__ = [
    "ConfigFault",
    "ConfigMissingError",
    "Loaded",
    "Settings",
    "load_settings",
    "read_bridges",
    "read_ports",
]
