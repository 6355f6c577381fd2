"""Tell a circle who is there: agents that join and leave, and its status (contract §2)."""

from __future__ import annotations

import asyncio
import secrets
from typing import Final

import structlog

from app.broker.contract import StatusQueue
from app.core.channel import Channel
from app.core.errors import HearthError
from app.core.identity import Identity
from app.hub.draft import Draft
from app.hub.hub import Hub
from app.tasks import Tasks

CIRCLES: Final = "/circles"
STATUS_INTERVAL_SECONDS: Final = 1.0
# Those who come back after a restart come together: one status tells of many.
DEBOUNCE_SECONDS: Final = 0.2
#: What couldn't be told is told after so long; and what a process that is gone has not told.
RETRY_SECONDS: Final = 1.0
OVERDUE_SECONDS: Final = 3.0
CLOSE_SECONDS: Final = 1.0

log = structlog.get_logger("hearth.roster")


class Roster:
    """Publish `agent_joined` and `agent_left` at once, `circle_status` at most once a second.

    What can't be published is published as soon as it can. A status that this process doesn't live
    to tell is told by another; who joined or left in the same instant as it died is told by the
    status only.
    """

    def __init__(self, hub: Hub, statuses: StatusQueue) -> None:
        self._hub = hub
        self._statuses = statuses
        self._timers: dict[Channel, asyncio.TimerHandle] = {}
        self._unpublished: dict[Channel, list[Draft]] = {}
        self._publishing: set[Channel] = set()
        self._closing = False
        self._tasks = Tasks("circle_status")
        self._overdue = Tasks("circle_status of processes that are gone")

    def start(self) -> None:
        """Begin to tell what processes that are gone have not told."""
        self._overdue.add(self._publish_overdue())

    async def close(self) -> None:
        """Tell what can be told at once; other processes tell the rest."""
        self._closing = True
        await self._overdue.cancel()
        timers, self._timers = self._timers, {}
        for channel, timer in timers.items():
            timer.cancel()
            self._tasks.add(self._publish_status(channel))
        await self._tasks.finish(CLOSE_SECONDS)

    async def members_changed(self, channel: Channel, identity: Identity, joined: bool) -> None:
        """Tell the circle that an identity has joined or left it; other channels aren't told."""
        if channel.namespace != CIRCLES:
            return
        if self._closing:
            await self._note_due(channel)
        else:
            self._schedule(channel, DEBOUNCE_SECONDS)
            if self._statuses.shared:
                # Each time: another process may have published since what was due before.
                self._tasks.add(self._note_due(channel))
        if identity.kind == "agent":
            # A repeat of what was published after all is no second one.
            draft = Draft(
                channel,
                "agent_joined" if joined else "agent_left",
                {"agent_id": identity.id},
                sender=identity.to_dict(),
                nonce=secrets.token_hex(8),
            )
            self._unpublished.setdefault(channel, []).append(draft)
            await self._publish_changes(channel)

    async def _publish_changes(self, channel: Channel) -> None:
        """Publish who has joined and left, in that order. Raises as `Hub.publish` does."""
        if channel in self._publishing or channel not in self._unpublished:
            return
        self._publishing.add(channel)
        try:
            untold = self._unpublished[channel]
            while untold:
                await self._hub.publish(untold[0])
                del untold[0]
            del self._unpublished[channel]
        finally:
            self._publishing.discard(channel)

    def _schedule(self, channel: Channel, delay: float) -> None:
        # One that is due will tell of this change too.
        if not self._closing and channel not in self._timers:
            loop = asyncio.get_running_loop()
            self._timers[channel] = loop.call_later(delay, self._on_time, channel)

    def _on_time(self, channel: Channel) -> None:
        del self._timers[channel]
        self._tasks.add(self._publish_status(channel))

    async def _publish_status(self, channel: Channel) -> None:
        try:
            await self._publish_changes(channel)
            wait = await self._statuses.claim(channel, STATUS_INTERVAL_SECONDS)
            if wait > 0:  # somebody has just told, and perhaps not of this change
                self._schedule(channel, wait)
                return
            # Read only now: whoever changes something after this sees to its status himself.
            members = await self._hub.members(channel)
            status = {
                "online": members.count,
                "members": [one.identity.to_dict() for one in members.first],
            }
            await self._hub.publish(Draft(channel, "circle_status", status))
        except HearthError as error:
            log.debug("no circle_status yet", channel=channel.name, reason=error.code)
            self._schedule(channel, RETRY_SECONDS)

    async def _note_due(self, channel: Channel) -> None:
        try:
            await self._statuses.add(channel)
        except HearthError as error:  # then this process tells of it, if it lives
            log.debug("a status is not noted", channel=channel.name, reason=error.code)

    async def _publish_overdue(self) -> None:
        while True:
            await asyncio.sleep(OVERDUE_SECONDS / 2)
            try:
                for channel in await self._statuses.overdue(OVERDUE_SECONDS):
                    self._schedule(channel, 0.0)
            except HearthError as error:
                log.debug("nothing is told for others", reason=error.code)
