"""An event-sourced audit and replay tool for the VLANs of KVM guests on Linux bridges."""

__version__ = "0.1.0"
