"""The deadlines of HTTP: for a request's headers, its body, and the answer that is to be taken.

A stranger would need no more than a byte now and then to keep a connection, and whatever it holds.
So headers come in time or not at all; bodies, and those who take an answer, have to get on.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Final, NamedTuple, Protocol

from app.transport.deadlines import Deadlines

#: Bytes of a body that have to arrive in each window: 500 a second, as Apache asks by default. A
#: phone whose line is so bad sends its polling POSTs of a few hundred bytes in time all the same.
WINDOW_BYTES: Final = 5000


class HttpTimes(NamedTuple):
    """How long HTTP may take, in seconds.

    Args:
        head: from a request's first byte to the last of its headers.
        window: the time in which `WINDOW_BYTES` of a body have to arrive, or what is left of it.
        stall: the time in which something of an answer has to be taken. It is longer because the
            system takes from us a good part of its own buffer at once, and then nothing for long.
        keep_alive: a connection without a request is kept; longer than proxies keep theirs (nginx
            60, Heroku 90), else they might send a request into one that is just being closed.
        lingering: a body that nobody wants is still taken off the line after the answer, which its
            sender might not see otherwise.
    """

    head: float = 10.0
    window: float = 10.0
    stall: float = 60.0
    keep_alive: float = 95.0
    lingering: float = 2.0


class Judged(Hashable, Protocol):
    """A connection, as deadlines know it."""

    def on_late_head(self) -> None:
        """The headers haven't arrived in time."""

    def on_window_end(self) -> None:
        """A window for the body is over."""

    def on_stall_end(self) -> None:
        """The time is over in which something of the answer was to be taken."""


class HttpDeadlines:
    """The deadlines of all connections: few are ever set, for most requests arrive in one piece."""

    def __init__(self, times: HttpTimes) -> None:
        self.times = times
        self.heads: Deadlines[Judged] = Deadlines(times.head, lambda one: one.on_late_head())
        self.bodies: Deadlines[Judged] = Deadlines(times.window, lambda one: one.on_window_end())
        self.answers: Deadlines[Judged] = Deadlines(times.stall, lambda one: one.on_stall_end())

    def discard(self, connection: Judged) -> None:
        """Stop all deadlines of a connection."""
        for deadlines in (self.heads, self.bodies, self.answers):
            deadlines.discard(connection)

    def close(self) -> None:
        """Stop all deadlines."""
        for deadlines in (self.heads, self.bodies, self.answers):
            deadlines.clear()
