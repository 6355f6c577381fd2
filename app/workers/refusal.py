"""What workers send and nobody needs to read to know that it is not published."""

from __future__ import annotations

from app.draft import Draft
from app.workers.pending import Read
from schemas.errors import SchemaError


def refuse(reason: str) -> Read:
    """Return what reads nothing and rejects with `reason`.

    Refusing goes the way of reading, so that of several processes one tells and keeps it.
    """

    async def read() -> list[Draft]:
        raise SchemaError({"message": reason})

    return read


def limited(read: Read, size: int, limit: int) -> Read:
    """Return `read`, or what rejects a message of `size` bytes when `limit` is less.

    It is asked before anything of the message goes back to Redis.
    """
    if size <= limit:
        return read
    return refuse(f"Has {size:,} bytes; MAX_MESSAGE_BYTES is {limit:,}.")
