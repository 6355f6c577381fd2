"""Clocks that a test moves."""

from __future__ import annotations

import time
from typing import Final

from tests.support.redis import RedisServer

START: Final = 1_800_000_000.0  # 2027-01-15T08:00:00Z


class SettableClock:
    """Seconds since 1970, as `Callable[[], float]`."""

    def __init__(self, now: float = START) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds


# Everything that a channel's history and its nonces have becomes older by so many seconds.
_AGE: Final = """
for _, log in ipairs(redis.call('KEYS', '*:log')) do
  local entries = redis.call('XRANGE', log, '-', '+')
  redis.call('DEL', log)
  for _, entry in ipairs(entries) do
    local type, at, rest = string.match(entry[2][4], '^(%S+) (%S+)(\\n.*)$')
    local record = type .. ' ' .. string.format('%.6f', at - ARGV[1]) .. rest
    redis.call('XADD', log, entry[1], 's', entry[2][2], 'm', record)
  end
end
for _, nonce in ipairs(redis.call('KEYS', '*:nonce:*')) do
  local receipt, at = string.match(redis.call('GET', nonce), '^(.* )(%S+)$')
  redis.call('SET', nonce, receipt .. string.format('%.6f', at - ARGV[1]), 'KEEPTTL')
end
"""


class RedisClock(SettableClock):
    """The clock of a Redis: where a test lets time pass, what is in there becomes older."""

    def __init__(self, redis_server: RedisServer) -> None:
        super().__init__(time.time())
        self._redis_server = redis_server

    def advance(self, seconds: float) -> None:
        super().advance(seconds)
        self._redis_server.ask("EVAL", _AGE, 0, seconds)
