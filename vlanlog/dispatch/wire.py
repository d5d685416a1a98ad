"""The frame in which hooks speak to the daemon and write to the spool, and the client's side.

Must not know what the fields mean; docs/protocol.md tells.
"""

import _socket
import os
import time

MAGIC = b"VLANLOG/"
VERSION = 1
HEAD = MAGIC + b"%d\n" % VERSION
HEAD_BYTES = len(HEAD) + 4
MAX_BODY_BYTES = 64 << 20
_RETRY_S = 0.005
_STATUS_MAX = 255


class FrameError(ValueError):
    """Says why bytes are not a frame."""


class VersionError(FrameError):
    """Says that a frame is of a version that is not spoken here."""


def uuid7_bytes() -> bytes:
    """Returns a new UUIDv7 as 16 bytes; those of one process sort by time to 250 ns.

    Source: RFC 9562, section 5.7 and method 3 of section 6.2.
    """
    ms, rest_ns = divmod(time.time_ns(), 1_000_000)
    head = ms << 16 | 0x7000 | rest_ns * 4096 // 1_000_000
    tail = int.from_bytes(os.urandom(8), "big") & (1 << 62) - 1 | 1 << 63
    return head.to_bytes(8, "big") + tail.to_bytes(8, "big")


def encode_frame(fields: dict[str, bytes]) -> bytes:
    """Returns the fields as one frame.

    Shape: magic line, length of the rest (4 bytes), then per field the key's length (2 bytes),
    the key (ASCII), the value's length (4 bytes), the value; numbers are big-endian.
    """
    parts = []
    for key, value in fields.items():
        name = key.encode("ascii")
        parts += [len(name).to_bytes(2, "big"), name, len(value).to_bytes(4, "big"), value]
    body = b"".join(parts)
    return HEAD + len(body).to_bytes(4, "big") + body


def body_length(head: bytes) -> int:
    """Returns how many bytes follow a frame's first ``HEAD_BYTES``.

    Raises: FrameError, VersionError.
    """
    if not head.startswith(MAGIC):
        raise FrameError("no vlanlog frame")
    if not head.startswith(HEAD):
        version = head[len(MAGIC) :].split(b"\n")[0].decode("ascii", "replace")
        raise VersionError(f"frame version {version} is not {VERSION}")
    if len(head) < HEAD_BYTES:
        raise FrameError("cut short in its head")
    length = int.from_bytes(head[len(HEAD) : HEAD_BYTES], "big")
    if length > MAX_BODY_BYTES:
        raise FrameError(f"{length} bytes are too many")
    return length


def decode_frame(frame: bytes) -> dict[str, bytes]:
    """Returns the fields of exactly one frame.

    Raises: FrameError, VersionError.
    """
    if len(frame) != HEAD_BYTES + body_length(frame[:HEAD_BYTES]):
        raise FrameError("its length is not what its head says")
    fields: dict[str, bytes] = {}
    at = HEAD_BYTES
    while at < len(frame):
        key, at = _counted(frame, at, 2)
        value, at = _counted(frame, at, 4)
        if not key.isascii() or key.decode("ascii") in fields:
            raise FrameError(f"the key {key!r} is not ASCII or stands twice")
        fields[key.decode("ascii")] = value
    return fields


def _counted(frame: bytes, at: int, width: int) -> tuple[bytes, int]:
    start = at + width
    end = start + int.from_bytes(frame[at:start], "big")
    if end > len(frame):
        raise FrameError("a field is cut short")
    return frame[start:end], end


def request(
    socket_path: "str | bytes | os.PathLike[str]",
    verb: str,
    fields: dict[str, bytes],
    deadline_s: float,
) -> dict[str, bytes] | None:
    """Returns the daemon's reply; None where there is no daemon or none that answers in time.

    The reply is sent after the daemon's commit; ``status`` in it is ``ok`` or ``error``. The
    daemon is told when the wait ends, and leaves alone what it finds after that. It may still
    have done what was asked at None, so only ask for what may be done twice.
    Units: deadline_s covers connecting, sending and the reply together.
    """
    ends = time.monotonic() + deadline_s
    peer = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
    try:
        _connect(peer, os.fspath(socket_path), ends)
        peer.settimeout(_left(ends))
        waits = {"verb": verb.encode("ascii"), "ends_monotonic_ns": b"%d" % int(ends * 1e9)}
        peer.sendall(encode_frame({**waits, **fields}))
        head = _received(peer, HEAD_BYTES, ends)
        return decode_frame(head + _received(peer, body_length(head), ends))
    except (OSError, FrameError):
        return None
    finally:
        peer.close()


def answered_status(reply: dict[str, bytes] | None) -> int | None:
    """Returns the exit status that the daemon gave, None where it did not do what was asked."""
    if reply is None or reply.get("status") != b"ok":
        return None
    status = reply.get("exit_status", b"")
    # A larger one would be cut to its last byte, and 256 would be a yes.
    return int(status) if status.isdigit() and int(status) <= _STATUS_MAX else None


def _connect(peer: _socket.socket, path: str | bytes, ends: float) -> None:
    while True:
        peer.settimeout(_left(ends))
        try:
            return peer.connect(path)
        except BlockingIOError:
            # A full backlog of a Unix socket answers EAGAIN at once, whatever the timeout.
            time.sleep(_RETRY_S)


def _received(peer: _socket.socket, size: int, ends: float) -> bytes:
    data = bytearray()
    while len(data) < size:
        peer.settimeout(_left(ends))
        part = peer.recv(size - len(data))
        if not part:
            raise FrameError("the peer closed early")
        data += part
    return bytes(data)


def _left(ends: float) -> float:
    left = ends - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left
