"""Sessions in Redis: whichever process a dropped client comes back to can restore it."""

from __future__ import annotations

import orjson

from app.broker.keys import Keys
from app.broker.redis_log import LUA
from app.core.session import Session
from app.redis.commands import Commands
from app.redis.scripts import load_script

SAVE, CLAIM, FORGET = (load_script(LUA, name) for name in ("save", "claim", "forget"))


class RedisSessions:
    """See `SessionStore`."""

    def __init__(self, commands: Commands, keys: Keys) -> None:
        self._commands = commands
        self._keys = keys

    async def save(self, session: Session, seconds: float) -> bool:
        saved = await self._commands.run(
            SAVE,
            [self._keys.session(session.pid)],
            [
                *(session.owner, session.whose),
                *(orjson.dumps(session.to_dict()), int(seconds * 1000)),
            ],
        )
        return bool(saved)

    async def claim(self, pid: str, owner: str, whose: str, seconds: float) -> Session | None:
        record = await self._commands.run(
            CLAIM,
            [self._keys.session(pid)],
            [self._commands.deadline(), owner, whose, int(seconds * 1000)],
        )
        return None if record is None else Session.from_dict(pid, owner, orjson.loads(record))

    async def forget(self, session: Session) -> None:
        await self._commands.run(FORGET, [self._keys.session(session.pid)], [session.owner])
