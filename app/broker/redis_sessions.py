"""Sessions in Redis, so that any process can restore a lost connection."""

from __future__ import annotations

import orjson

from app.broker.contract import SessionEvents
from app.broker.keys import Keys
from app.broker.redis_log import LUA
from app.core.session import Session
from app.redis.commands import Commands
from app.redis.scripts import load_script
from app.redis.subscriptions import Subscriptions

SAVE, CLAIM, FORGET = (load_script(LUA, name) for name in ("save", "claim", "forget"))


class RedisSessions:
    """See `SessionStore`.

    Args:
        process: the unique name of this process.
    """

    def __init__(
        self, commands: Commands, subscriptions: Subscriptions, keys: Keys, process: str
    ) -> None:
        self.process = process
        self._commands = commands
        self._subscriptions = subscriptions
        self._keys = keys

    def start(self, events: SessionEvents) -> None:
        def on_claimed(data: bytes) -> None:
            events.on_claimed(data.decode(errors="replace"))

        self._subscriptions.listen(self._keys.claimed(self.process), on_claimed)

    async def save(self, session: Session, seconds: float) -> bool:
        record, expiry_ms = orjson.dumps(session.to_dict()), int(seconds * 1000)
        saved = await self._commands.run(
            SAVE,
            [self._keys.session(session.pid)],
            [session.owner, session.claimant, record, expiry_ms],
        )
        return bool(saved)

    async def claim(self, pid: str, owner: str, claimant: str, seconds: float) -> Session | None:
        record = await self._commands.run(
            CLAIM,
            [self._keys.session(pid)],
            [
                self._commands.deadline(),
                owner,
                claimant,
                int(seconds * 1000),
                self._keys.claimed(""),
            ],
        )
        return None if record is None else Session.from_dict(pid, owner, orjson.loads(record))

    async def forget(self, session: Session, seconds: float) -> None:
        key = self._keys.session(session.pid)
        await self._commands.run(FORGET, [key], [session.owner, int(seconds * 1000)])
