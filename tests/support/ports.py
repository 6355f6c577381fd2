"""Ports for what a test starts, and may kill and start again on the same."""

from __future__ import annotations

import os
import secrets
import socket
from collections import deque
from typing import Final

#: Below those that the kernel gives to outgoing connections: while nothing listens there, as after
#: a kill, no connection of anybody's takes such a port.
_PORTS: Final = range(10_000, 32_000)
_MOST_RESERVED: Final = 256
#: Descriptors by which this process keeps its newest ports, also while nothing listens there.
_reserved: Final[deque[int]] = deque()


def free_port() -> int:
    """Return a TCP port that nothing listens on, and that no other test gets.

    Tests of other processes reserve theirs in the same way: the JS client's, too.
    """
    while True:
        port = secrets.choice(_PORTS)
        # The same port of UDP, which nobody needs; it is free again when this process has ended.
        reservation = socket.socket(type=socket.SOCK_DGRAM)
        try:
            reservation.bind(("127.0.0.1", port))
            with socket.create_server(("127.0.0.1", port)):
                pass
        except OSError:
            reservation.close()
            continue
        if len(_reserved) == _MOST_RESERVED:
            os.close(_reserved.popleft())
        _reserved.append(reservation.detach())
        return port
