"""The kernel over netlink: bytes, links, reading and writing VLANs of bridge ports."""
