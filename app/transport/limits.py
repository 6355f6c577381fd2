"""The limits of connections, whatever their protocol (docs/operations.md, "Bounds")."""

from __future__ import annotations

from typing import Final, NamedTuple

#: The largest message, and body of a POST, of a client that isn't admitted yet, and the largest
#: CONNECT of any.
STRANGER_BYTES: Final = 65_536


class Limits(NamedTuple):
    """The limits of connections.

    Args:
        message_bytes: largest payload, as clients are told.
        frame_bytes: largest frame or POST that is read of an admitted client; a larger one closes
            the connection.
        unsent_bytes: bytes that may be unsent to one connection; past it and its grace the client
            is a slow consumer, and is cut off.
        per_second: requests that one connection may send; 0 sets no limit.
    """

    message_bytes: int
    frame_bytes: int
    unsent_bytes: int
    per_second: float = 0

    @property
    def stranger_bytes(self) -> int:
        """The largest frame or POST that is read of a client that isn't admitted yet."""
        return min(STRANGER_BYTES, self.frame_bytes)
