"""Sessions in Redis, so that any process can restore a lost connection."""

from __future__ import annotations

import orjson

from app.broker.contract import SessionEvents
from app.broker.keys import Keys
from app.broker.redis_log import LUA
from app.broker.unreadable import Unreadable
from app.core.session import Session
from app.redis.commands import Argument, Commands
from app.redis.replies import ReplyError
from app.redis.scripts import load_script
from app.redis.subscriptions import Subscriptions

SAVE, CLAIM, FORGET = (load_script(LUA, name) for name in ("save", "claim", "forget"))


class RedisSessions:
    """See `SessionStore`.

    Args:
        process: the unique name of this process.
        unreadable: is told of what can't be read: of such a session nobody comes back, and its
            client goes on all the same.
    """

    def __init__(
        self,
        commands: Commands,
        subscriptions: Subscriptions,
        keys: Keys,
        process: str,
        unreadable: Unreadable,
    ) -> None:
        self.process = process
        self._unreadable = unreadable
        self._commands = commands
        self._subscriptions = subscriptions
        self._keys = keys

    def start(self, events: SessionEvents) -> None:
        def on_claimed(data: bytes) -> None:
            events.on_claimed(data.decode(errors="replace"))

        self._subscriptions.listen(self._keys.claimed(self.process), on_claimed)

    async def save(self, session: Session, seconds: float) -> bool:
        record, expiry_ms = orjson.dumps(session.to_dict()), int(seconds * 1000)
        key = self._keys.session(session.pid)
        try:
            arguments: list[Argument] = [session.owner, session.claimant, record, expiry_ms]
            return bool(await self._commands.run(SAVE, [key], arguments))
        except ReplyError:
            self._unreadable.tell("session", key)
            return True

    async def claim(self, pid: str, owner: str, claimant: str, seconds: float) -> Session | None:
        key, expiry_ms = self._keys.session(pid), int(seconds * 1000)
        arguments: list[Argument] = [
            self._commands.deadline(),
            owner,
            claimant,
            expiry_ms,
            self._keys.claimed(""),
        ]
        try:
            record = await self._commands.run(CLAIM, [key], arguments)
            return None if record is None else Session.from_dict(pid, owner, orjson.loads(record))
        except (ReplyError, ValueError, TypeError, KeyError, AttributeError):
            self._unreadable.tell("session", key)
            return None

    async def forget(self, session: Session, seconds: float) -> None:
        key = self._keys.session(session.pid)
        try:
            await self._commands.run(FORGET, [key], [session.owner, int(seconds * 1000)])
        except ReplyError:
            self._unreadable.tell("session", key)
