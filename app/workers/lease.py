"""The lease of the leader, which publishes what workers emit, and the log of what was ingested."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Final, NamedTuple

from app.broker.keys import Keys
from app.core.errors import Unavailable
from app.redis.commands import ANSWER_SECONDS, Commands
from app.redis.scripts import load_script
from app.redis.subscriptions import Subscriptions

LEASE_SECONDS: Final = 3.0
#: How long the digests of what was ingested are kept.
DIGESTS_SECONDS: Final = 600
# The log is read from so long before this process began to receive.
_OVERLAP_MS: Final = 5_000

ACQUIRE: Final = load_script(Path(__file__).parent / "lua", "acquire")


class LeaseState(NamedTuple):
    """What the lease and the log say.

    Args:
        leads: whether the lease is this process's.
        lost_track: whether it can't know of all that was ingested.
        ingested: digests of what was ingested since the last time, in order.
    """

    leads: bool
    lost_track: bool
    ingested: list[bytes]


class Lease:
    """This process's side of the lease.

    Args:
        process: this process's name, without a hyphen.
        seconds: how long it lasts without being renewed.
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
        self._known = ""  # id of the last digest that this process knows
        self._known_existed = False
        self._echoes: dict[bytes, asyncio.Future[None]] = {}
        subscriptions.on_regained(self._miss_echoes)
        subscriptions.listen(keys.ingest_echo(process), self._on_echo)

    async def ask(
        self, *, able: bool, caught_up: bool = False, force: bool = False, renew_token: bool = False
    ) -> LeaseState:
        """Get the lease, keep it, or give it up; return once all that Redis had published by then
        has been received, so that what was ingested is known to have been received before.

        Args:
            able: whether this process can lead; else it gives the lease up.
            caught_up: whether it is caught up; while another process is, the lease is for that one.
            force: take it from another process.
            renew_token: whether publishes that were sent before are to do nothing from now on.

        Raises:
            Unavailable: Redis can't be reached, or what it publishes doesn't arrive.
        """
        self._number += 1
        number = str(self._number).encode()
        if renew_token:
            self.token = f"{self._process}-{self._number}"
        echo = self._echoes[number] = asyncio.get_running_loop().create_future()
        try:
            mine, there, known, *entries = await self._commands.run(
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
                    _OVERLAP_MS,
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
        return LeaseState(bool(mine), not there, entries[1::2])

    def note_ingested(self, entry_id: str) -> None:
        """Note the id of a digest that this process has added itself."""
        self._known = entry_id
        self._known_existed = True

    def _on_echo(self, number: bytes) -> None:
        echo = self._echoes.get(number)
        if echo is not None and not echo.done():
            echo.set_result(None)

    def _miss_echoes(self) -> None:
        for echo in self._echoes.values():  # they went to the connection that was lost
            if not echo.done():
                echo.set_exception(Unavailable())
                echo.exception()  # whoever waited may be gone
