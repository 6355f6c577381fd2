"""Failures of connections to Redis: what they mean, and what of `REDIS_URL` would mend them.

Nothing here is a secret: Redis's own words name users, never passwords, and paths aren't shown.
"""

from __future__ import annotations

import socket
import ssl
from typing import Final, NamedTuple

from redis import exceptions

#: Kinds of failure of one outage: a lost connection is followed by refused ones.
_OUTAGE: Final = frozenset(
    {"ConnectionError", "ConnectionRefusedError", "ConnectionResetError", "FileNotFoundError"}
    | {"IncompleteReadError", "MasterNotFoundError", "TimeoutError", "gaierror"}
)
# What redis-py wraps everything in that goes wrong with a connection.
_WRAPPERS: Final = (exceptions.ConnectionError, exceptions.TimeoutError)
_LONGEST: Final = 200
_FILES: Final = "ssl_ca_certs, ssl_certfile or ssl_keyfile"


class ReadOnlyRedis(ConnectionError):
    """Redis is a replica, and takes no writes."""


class Failure(NamedTuple):
    """Why there is no connection.

    Args:
        error: its kind, which is the same for the same cause.
        reason: the cause in words.
    """

    error: str
    reason: str

    @property
    def is_outage(self) -> bool:
        """Whether Redis is away or lost, and not set up for what `REDIS_URL` says."""
        return self.error in _OUTAGE


def explain(error: BaseException, *, tls: bool) -> Failure:
    """Return what an error that a connection failed with means.

    Args:
        tls: whether the connection is to be encrypted.
    """
    while type(error) in _WRAPPERS and (error.__cause__ or error.__context__):
        error = error.__cause__ or error.__context__ or error
    return Failure(type(error).__name__, _reason(error, tls=tls)[:_LONGEST])


def _reason(error: BaseException, *, tls: bool) -> str:
    match error:
        case ssl.SSLCertVerificationError():
            return (
                f"its certificate isn't trusted ({error.verify_message}): name who signed it with "
                "?ssl_ca_certs=<file> in REDIS_URL, or trust anybody with ?ssl_cert_reqs=none"
            )
        case ssl.SSLError():
            return f"TLS failed ({error.reason}): rediss:// is for TLS, redis:// for none"
        case exceptions.AuthenticationError():
            return f"REDIS_URL has no right user and password for it ({error})"
        case exceptions.ResponseError() if "DB index" in str(error):
            return "the database that REDIS_URL names isn't there (`databases` in Redis's settings)"
        case exceptions.ResponseError() if "SENTINEL" in str(error):
            return "it is a Redis and no Sentinel: redis+sentinel:// names Sentinels"
        case exceptions.ResponseError():
            return str(error)
        case exceptions.RedisError() if type(error).__name__ == "MasterNotFoundError":
            return "no Sentinel that answers knows a master of the service that REDIS_URL names"
        case socket.gaierror():
            return f"its name can't be resolved ({error.strerror})"
        case FileNotFoundError() if tls:
            return f"a file that REDIS_URL names isn't there: {_FILES}"
        case FileNotFoundError():
            return "the socket that REDIS_URL names isn't there"
        case ReadOnlyRedis():
            return (
                "it is a replica and takes no writes: REDIS_URL is to name the master, or Sentinels"
            )
        case ConnectionRefusedError() if error.errno is None:
            return str(error)  # ours
        case ConnectionRefusedError():
            return "nothing listens there"
        case ConnectionResetError() if error.errno is not None and not tls:
            return (
                "it closed the connection: if it speaks TLS, REDIS_URL is to begin with rediss://"
            )
        case TimeoutError() | exceptions.TimeoutError() if tls:
            return "no answer in time: if it doesn't speak TLS, REDIS_URL is to begin with redis://"
        case TimeoutError() | exceptions.TimeoutError():
            return "no answer in time"
        case OSError():
            return error.strerror or str(error)
        case _:
            return "the connection was closed"
