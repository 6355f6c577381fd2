"""The roster: publishes to each circle which agents join and leave, and its status.

The types are `agent_joined`, `agent_left` and `circle_status` of docs/protocol.md.
"""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass
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

log = structlog.get_logger("hearth.roster")


@dataclass(frozen=True, slots=True)
class RosterTimes:
    """All in seconds.

    Args:
        interval: between two statuses of a circle, at least.
        debounce: after a change, before its status: after a restart many members come back at
            once, and one status does for all of them.
        retry: the wait before a failed publish is retried.
        overdue: the age of a due status at which its process counts as gone, and another publishes
            it.
        close: how long closing may take.
    """

    interval: float = 1.0
    debounce: float = 0.2
    retry: float = 1.0
    overdue: float = 3.0
    close: float = 1.0


class Roster:
    """Publishes `agent_joined` and `agent_left` at once, `circle_status` at most once a second.

    What can't be published is retried until it is. If this process is killed, another one
    publishes the statuses that are due; an `agent_joined` or `agent_left` of that instant is lost.
    """

    def __init__(self, hub: Hub, statuses: StatusQueue, times: RosterTimes | None = None) -> None:
        self._times = times or RosterTimes()
        self._hub = hub
        self._statuses = statuses
        self._timers: dict[Channel, asyncio.TimerHandle] = {}
        self._unpublished: dict[Channel, list[Draft]] = {}
        self._publishing: set[Channel] = set()
        self._closing = False
        self._tasks = Tasks("circle_status")
        self._overdue = Tasks("circle_status of processes that are gone")

    def start(self) -> None:
        """Publish the overdue statuses of processes that are gone from now on."""
        self._overdue.add(self._publish_overdue())

    async def close(self) -> None:
        """Publish all due statuses once; other processes publish those that fail."""
        self._closing = True
        await self._overdue.cancel()
        timers, self._timers = self._timers, {}
        for channel, timer in timers.items():
            timer.cancel()
            self._tasks.add(self._publish_status(channel))
        await self._tasks.finish(self._times.close)

    async def members_changed(self, channel: Channel, identity: Identity, joined: bool) -> None:
        """Publish that an identity has joined or left a circle; ignore other channels."""
        if channel.namespace != CIRCLES:
            return
        if self._closing:
            await self._note_due(channel)
        else:
            self._schedule(channel, self._times.debounce)
            if self._statuses.shared:
                # Each time: another process may have published the status that was due before.
                self._tasks.add(self._note_due(channel))
        if identity.kind == "agent":
            # The nonce deduplicates a retry of what was published though its ack was lost.
            draft = Draft(
                channel,
                "agent_joined" if joined else "agent_left",
                {"agent_id": identity.id},
                sender=identity.to_dict(),
                nonce=secrets.token_hex(8),
            )
            self._unpublished.setdefault(channel, []).append(draft)
            await self._publish_membership(channel)

    async def _publish_membership(self, channel: Channel) -> None:
        """Publish who joined and left, in that order. Raises as `Hub.publish` does."""
        if channel in self._publishing or channel not in self._unpublished:
            return
        self._publishing.add(channel)
        try:
            unpublished = self._unpublished[channel]
            while unpublished:
                await self._hub.publish(unpublished[0])
                del unpublished[0]
            del self._unpublished[channel]
        finally:
            self._publishing.discard(channel)

    def _schedule(self, channel: Channel, delay: float) -> None:
        # A status that is scheduled already will include this change.
        if not self._closing and channel not in self._timers:
            loop = asyncio.get_running_loop()
            self._timers[channel] = loop.call_later(delay, self._on_time, channel)

    def _on_time(self, channel: Channel) -> None:
        del self._timers[channel]
        self._tasks.add(self._publish_status(channel))

    async def _publish_status(self, channel: Channel) -> None:
        try:
            await self._publish_membership(channel)
            wait = await self._statuses.claim(channel, self._times.interval)
            if wait > 0:  # one was just published, perhaps without this change
                self._schedule(channel, wait)
                return
            # Read only after the claim: any later change schedules a status of its own.
            members = await self._hub.members(channel)
            status = {
                "online": members.count,
                "members": [one.identity.to_dict() for one in members.first],
            }
            await self._hub.publish(Draft(channel, "circle_status", status))
        except HearthError as error:
            log.debug("could not publish circle_status", channel=channel.name, reason=error.code)
            self._schedule(channel, self._times.retry)

    async def _note_due(self, channel: Channel) -> None:
        try:
            await self._statuses.add(channel)
        except HearthError as error:  # then only this process will publish it
            log.debug("could not add to the status queue", channel=channel.name, reason=error.code)

    async def _publish_overdue(self) -> None:
        while True:
            await asyncio.sleep(self._times.overdue / 2)
            try:
                for channel in await self._statuses.overdue(self._times.overdue):
                    self._schedule(channel, 0.0)
            except HearthError as error:
                log.debug("could not read the status queue", reason=error.code)
