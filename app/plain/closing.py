"""Which close codes plain connections end with, beside those of the WebSocket protocol itself."""

from __future__ import annotations

from typing import Final

from app.core.errors import HearthError

#: Close codes, by the code of the error that comes before them. The range from 4000 is for
#: applications (RFC 6455 §7.4.2); 1011 and 1013 are registered with IANA.
_CODES: Final = {
    "unauthorized": 4001,
    "token_expired": 4001,
    "forbidden": 4003,
    "invalid": 4004,
    "unavailable": 1013,
}
_INTERNAL_ERROR: Final = 1011
PING_TIMEOUT: Final = 4008


def close_code(error: HearthError) -> int:
    """Return the code that a connection is closed with, which an error ends."""
    return _CODES.get(error.code, _INTERNAL_ERROR)
