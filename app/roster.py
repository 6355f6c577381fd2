"""Tell a circle who is there: agents that join and leave, and its status (contract §2)."""

from __future__ import annotations

import asyncio
from typing import Final

import structlog

from app.core.channel import Channel
from app.core.errors import HearthError
from app.core.identity import Identity
from app.draft import Draft
from app.hub import Hub

CIRCLES: Final = "/circles"
STATUS_INTERVAL_SECONDS: Final = 1.0
# Those who come back after a restart come together: one status tells of many.
STATUS_DELAY_SECONDS: Final = 0.2
# A status goes to every member each time: a list of all would cost members². `presence` has it.
MAX_LISTED_MEMBERS: Final = 100

log = structlog.get_logger("hearth.roster")


class Roster:
    """Publish `agent_joined` and `agent_left` at once, `circle_status` at most once a second."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._sent_at: dict[Channel, float] = {}
        self._timers: dict[Channel, asyncio.TimerHandle] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def members_changed(self, channel: Channel, identity: Identity, joined: bool) -> None:
        """Tell the circle that an identity has joined or left it; other channels aren't told."""
        if channel.namespace != CIRCLES:
            return
        self._schedule_status(channel)
        if identity.kind == "agent":
            event = "agent_joined" if joined else "agent_left"
            await self._hub.publish(
                Draft(channel, event, {"agent_id": identity.id}, sender=identity.to_dict())
            )

    async def close(self) -> None:
        """Stop all timers."""
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        await asyncio.gather(*self._tasks)

    def _schedule_status(self, channel: Channel) -> None:
        if channel in self._timers:
            return  # one is due within a second, and it will tell of this change too
        loop = asyncio.get_running_loop()
        due_at = max(
            loop.time() + STATUS_DELAY_SECONDS,
            self._sent_at.get(channel, 0.0) + STATUS_INTERVAL_SECONDS,
        )
        self._timers[channel] = loop.call_at(due_at, self._send_status, channel)

    def _send_status(self, channel: Channel) -> None:
        loop = asyncio.get_running_loop()
        del self._timers[channel]
        self._forget_quiet(loop.time())
        self._sent_at.pop(channel, None)  # so that the newest stays last
        self._sent_at[channel] = loop.time()
        task = loop.create_task(self._publish_status(channel))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _forget_quiet(self, now: float) -> None:
        """Forget circles whose last status is too old to delay the next one."""
        for channel, sent_at in list(self._sent_at.items()):
            if sent_at > now - STATUS_INTERVAL_SECONDS:
                break  # in the order of sending
            del self._sent_at[channel]

    async def _publish_status(self, channel: Channel) -> None:
        try:
            members = await self._hub.members(channel)
            status = {
                "online": len(members),
                "members": [one.identity.to_dict() for one in members[:MAX_LISTED_MEMBERS]],
            }
            # Each process knows its own members only, so this one's status is for its own.
            await self._hub.publish(Draft(channel, "circle_status", status, relay=False))
        except HearthError as error:
            log.warning("no circle_status", channel=channel.name, reason=error.code)
