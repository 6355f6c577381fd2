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

log = structlog.get_logger("hearth.roster")


class Roster:
    """Publish `agent_joined` and `agent_left` at once, `circle_status` at most once a second."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
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

    def _schedule_status(self, channel: Channel, delay: float = STATUS_DELAY_SECONDS) -> None:
        if channel not in self._timers:  # one that is due will tell of this change too
            loop = asyncio.get_running_loop()
            self._timers[channel] = loop.call_later(delay, self._send_status, channel)

    def _send_status(self, channel: Channel) -> None:
        del self._timers[channel]
        task = asyncio.ensure_future(self._publish_status(channel))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _publish_status(self, channel: Channel) -> None:
        try:
            wait = await self._hub.turn(channel, STATUS_INTERVAL_SECONDS)
            if wait > 0:  # somebody has just told, and perhaps not of this change
                self._schedule_status(channel, wait)
                return
            members = await self._hub.members(channel)
            status = {
                "online": members.count,
                "members": [one.identity.to_dict() for one in members.first],
            }
            await self._hub.publish(Draft(channel, "circle_status", status))
        except HearthError as error:
            log.warning("no circle_status", channel=channel.name, reason=error.code)
