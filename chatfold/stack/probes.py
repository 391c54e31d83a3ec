"""Questions that tell whether a server answers, small enough to need no client."""

import socket
import struct
from typing import Final

_TIMEOUT: Final = 2.0


def kafka_answers(port: int) -> bool:
    """Whether a broker takes requests and counts itself in the cluster."""
    request = struct.pack(">hhihi", 3, 1, 1, -1, 0)  # Metadata v1, no client id, no topics
    try:
        with socket.create_connection(("127.0.0.1", port), _TIMEOUT) as connection:
            connection.sendall(struct.pack(">i", len(request)) + request)
            _length, _correlation, brokers = struct.unpack(">iii", _read(connection, 12))
    except (OSError, EOFError):
        return False
    return bool(brokers > 0)


def valkey_answers(port: int) -> bool:
    """Whether a server that speaks Redis' protocol serves commands."""
    try:
        with socket.create_connection(("127.0.0.1", port), _TIMEOUT) as connection:
            connection.sendall(b"PING\r\n")
            return _read(connection, 5) == b"+PONG"
    except (OSError, EOFError):
        return False


def postgres_answers(port: int, role: str, database: str) -> bool:
    """Whether a session for `role` in `database` is granted without a password."""
    fields = f"user\0{role}\0database\0{database}\0\0".encode()
    try:
        with socket.create_connection(("127.0.0.1", port), _TIMEOUT) as connection:
            connection.sendall(struct.pack(">ii", len(fields) + 8, 3 << 16) + fields)
            granted = _read(connection, 9) == struct.pack(">cii", b"R", 8, 0)
            connection.sendall(struct.pack(">ci", b"X", 4))
    except (OSError, EOFError):
        return False
    return granted


def accepts(host: str, port: int) -> bool:
    """Whether something accepts connections there."""
    try:
        socket.create_connection((host, port), _TIMEOUT).close()
    except OSError:
        return False
    return True


def is_free(port: int) -> bool:
    """Whether a server could bind the port on loopback."""
    with socket.socket() as candidate:
        candidate.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            candidate.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _read(connection: socket.socket, count: int) -> bytes:
    received = b""
    while len(received) < count:
        chunk = connection.recv(count - len(received))
        if not chunk:
            raise EOFError
        received += chunk
    return received
