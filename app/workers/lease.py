"""Lease: makes one process the leader, which ingests; and the log of what was ingested."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

from app.broker.keys import Keys
from app.core.errors import Unavailable
from app.redis.commands import ANSWER_SECONDS, Commands
from app.redis.scripts import load_script
from app.redis.subscriptions import Subscriptions

LEASE_SECONDS: Final = 3.0
#: How long the digests of what was ingested are kept.
DIGESTS_SECONDS: Final = 600

ACQUIRE: Final = load_script(Path(__file__).parent / "lua", "acquire")


@dataclass(frozen=True, slots=True)
class IngestTimes:
    """All in seconds.

    Args:
        renew: how often the lease is renewed and the log read.
        takeover: how long an emit may wait for the leader before a process that is caught up takes
            the lease over.
        longest_takeover: the same, before a process that isn't caught up does.
        drain: how long closing may take.
    """

    renew: float = 0.5
    takeover: float = 3.0
    longest_takeover: float = 6.0
    drain: float = 2.0


class LeaseState(NamedTuple):
    """The state of the lease, and what is new in the log.

    Args:
        leads: whether this process holds the lease.
        lost_track: whether the log no longer has all that was ingested since the last time.
        ingested: digests of what was ingested since the last time, in order.
    """

    leads: bool
    lost_track: bool
    ingested: list[bytes]


class Lease:
    """This process's side of the lease.

    Args:
        process: the unique name of this process, without a hyphen.
        seconds: when the lease expires if it isn't renewed.
    """

    def __init__(
        self,
        commands: Commands,
        subscriptions: Subscriptions,
        keys: Keys,
        process: str,
        seconds: float = LEASE_SECONDS,
    ) -> None:
        #: The fencing token of this process.
        self.token = f"{process}-0"
        self._commands = commands
        self._keys = keys
        self._process = process
        self._seconds = seconds
        self._number = 0
        # The id of the log's last entry that this process has read; until it reads any, of the last
        # one before it began to receive, for it has received nothing that was ingested up to then.
        self._known = ""
        self._known_existed = False
        self._echoes: dict[bytes, asyncio.Future[None]] = {}
        subscriptions.on_interrupted(self._miss_echoes)
        subscriptions.on_regained(self._miss_echoes)
        subscriptions.ask(
            *("XREVRANGE", keys.ingest_digests, "+", "-", "COUNT", 1), on_answer=self._on_log_end
        )
        subscriptions.listen(keys.ingest_echo(process), self._on_echo)

    async def update(
        self, *, able: bool, caught_up: bool = False, force: bool = False, renew_token: bool = False
    ) -> LeaseState:
        """Acquire, renew or release the lease, and read the log.

        Returns only once this process has received everything that was published until then, so
        whatever the log has was received before.

        Args:
            able: whether this process can lead; if not, it releases the lease.
            caught_up: whether it is caught up. One that isn't doesn't get the lease while another
                process is.
            force: acquire the lease even if another process holds it.
            renew_token: fence off the publishes that this process has sent until now.

        Raises:
            Unavailable: Redis can't be reached, or what it publishes isn't received.
        """
        self._number += 1
        number = str(self._number).encode()
        if renew_token:
            self.token = f"{self._process}-{self._number}"
        echo = self._echoes[number] = asyncio.get_running_loop().create_future()
        try:
            leads, there, known, *entries = await self._commands.run(
                ACQUIRE,
                [self._keys.ingest_lease, self._keys.ingest_digests, self._keys.ingest_caught_up],
                [
                    self._process,
                    self.token,
                    int(self._seconds * 1000),
                    int(able),
                    int(caught_up),
                    int(force),
                    self._known,
                    int(self._known_existed),
                    self._keys.ingest_echo(self._process),
                    number,
                    DIGESTS_SECONDS,
                ],
            )
            async with asyncio.timeout(ANSWER_SECONDS):
                await echo
        except TimeoutError:
            raise Unavailable from None
        finally:
            del self._echoes[number]
        self._known = known.decode()
        self._known_existed = bool(entries) or (self._known_existed and bool(there))
        return LeaseState(bool(leads), not there, entries[1::2])

    def note_ingested(self, entry_id: str) -> None:
        """Set the log's last known entry, after this process has added it."""
        self._known = entry_id
        self._known_existed = True

    def _on_log_end(self, newest: Any) -> None:
        if not self._known and isinstance(newest, list):
            self._known_existed = bool(newest)
            self._known = newest[0][0].decode() if newest else "0-0"

    def _on_echo(self, number: bytes) -> None:
        echo = self._echoes.get(number)
        if echo is not None and not echo.done():
            echo.set_result(None)

    def _miss_echoes(self) -> None:
        for echo in self._echoes.values():  # lost with the connection
            if not echo.done():
                echo.set_exception(Unavailable())
                echo.exception()  # marks it as retrieved: nobody may be waiting any more
