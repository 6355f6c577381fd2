"""The roster: publishes to each circle which agents join and leave, and its status.

The types are `agent_joined`, `agent_left` and `circle_status` of docs/protocol.md.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Final, NamedTuple

import structlog

from app.broker.announcements import Announcements
from app.broker.contract import StatusQueue
from app.core.channel import CIRCLES, Channel
from app.core.errors import HearthError
from app.core.identity import Identity
from app.hub.draft import Draft
from app.hub.hub import Hub
from app.tasks import Tasks

JOINED: Final = "agent_joined"
LEFT: Final = "agent_left"

log = structlog.get_logger("hearth.roster")


@dataclass(frozen=True, slots=True)
class RosterTimes:
    """All in seconds.

    Args:
        interval: between two statuses of a circle, at least.
        debounce: after a change, before its status: after a restart many members come back at
            once, and one status does for all of them.
        absence: of an agent that members don't learn of, if it is back by then.
        retry: the wait before a failed publish is retried.
        overdue: the age of a due status at which its process counts as gone, and another publishes
            it.
        close: how long closing may take.
    """

    interval: float = 1.0
    debounce: float = 0.2
    absence: float = 5.0
    retry: float = 1.0
    overdue: float = 3.0
    close: float = 1.0


class _Announcement(NamedTuple):
    """That an agent has joined or left; `mark` names it, whichever process publishes it."""

    event: str
    identity: Identity
    mark: str

    def draft(self, channel: Channel) -> Draft:
        """Return it as a draft; its nonce deduplicates what several publish, or one repeats."""
        return Draft(
            channel,
            self.event,
            {"agent_id": self.identity.id},
            sender=self.identity.to_dict(),
            nonce=f"{self.event} {self.mark}",
            compaction_key=f"presence {self.identity.key}",
        )


class Roster:
    """Publishes `agent_joined` at once, `agent_left` when an agent hasn't come back for some
    seconds, and `circle_status` at most once a second.

    What can't be published is retried until it is. If this process is killed, another one
    publishes the statuses and the departures that are due, each after its `agent_joined`.
    """

    def __init__(
        self,
        hub: Hub,
        statuses: StatusQueue,
        announcements: Announcements,
        times: RosterTimes | None = None,
    ) -> None:
        self._times = times or RosterTimes()
        self._hub = hub
        self._statuses = statuses
        self._announcements = announcements
        self._timers: dict[Channel, asyncio.TimerHandle] = {}
        self._departure_timers: dict[Channel, asyncio.TimerHandle] = {}
        self._changes: dict[Channel, list[tuple[Identity, bool]]] = {}
        self._unpublished: dict[Channel, list[_Announcement]] = {}
        self._publishing: set[Channel] = set()
        self._closing = False
        self._tasks = Tasks("circle_status")
        self._overdue = Tasks("circle_status of processes that are gone")

    def start(self) -> None:
        """Publish what processes that are gone haven't published from now on."""
        self._overdue.add(self._publish_overdue())

    async def close(self) -> None:
        """Publish all due statuses once; other processes publish those that fail."""
        self._closing = True
        await self._overdue.cancel()
        for timer in self._departure_timers.values():  # other processes publish these
            timer.cancel()
        self._departure_timers.clear()
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
            self._changes.setdefault(channel, []).append((identity, joined))
            await self._publish_membership(channel)

    async def _publish_membership(self, channel: Channel) -> None:
        """Publish which agents have joined, in that order; note those that have left.

        Raises:
            SchemaError, Unavailable: as `Hub.publish`; the rest is published later.
        """
        if channel in self._publishing:
            return
        self._publishing.add(channel)
        changes = self._changes.setdefault(channel, [])
        unpublished = self._unpublished.setdefault(channel, [])
        try:
            while changes or unpublished:
                while unpublished:
                    await self._publish(channel, unpublished[0])
                    del unpublished[0]
                if changes:
                    unpublished += await self._note(channel, *changes[0])
                    del changes[0]
            del self._changes[channel], self._unpublished[channel]
        finally:
            self._publishing.discard(channel)

    async def _publish(self, channel: Channel, one: _Announcement) -> None:
        await self._hub.publish(one.draft(channel))
        if one.event == JOINED:
            await self._announcements.confirm(channel, one.identity, one.mark)

    async def _note(
        self, channel: Channel, identity: Identity, joined: bool
    ) -> list[_Announcement]:
        """Note that an agent has joined or left; return what is to be published at once."""
        absence = self._times.absence
        if not joined:
            await self._announcements.depart(channel, identity)
            self._schedule_departures(channel, absence)
            return []
        arrival = await self._announcements.arrive(channel, identity, absence)
        if arrival is None:
            return []
        # Another process may just be publishing the same: the order must be this one.
        events = ((JOINED, arrival.untold), (LEFT, arrival.left), (JOINED, arrival.mark))
        return [_Announcement(event, identity, mark) for event, mark in events if mark]

    # Departures

    def _schedule_departures(self, channel: Channel, delay: float) -> None:
        if not self._closing and channel not in self._departure_timers:
            loop = asyncio.get_running_loop()
            timer = loop.call_later(delay, self._on_departure_time, channel)
            self._departure_timers[channel] = timer

    def _on_departure_time(self, channel: Channel) -> None:
        del self._departure_timers[channel]
        self._tasks.add(self._publish_departures(channel))

    async def _publish_departures(self, channel: Channel) -> None:
        """Publish who hasn't come back."""
        try:
            due, wait = await self._announcements.departures(channel, self._times.absence)
            while due:
                for one in due:
                    for event, mark in ((JOINED, one.untold), (LEFT, one.mark)):
                        if mark:
                            announcement = _Announcement(event, one.identity, mark)
                            await self._hub.publish(announcement.draft(channel))
                due, wait = await self._announcements.departures(channel, self._times.absence, due)
        except HearthError as error:
            log.debug("could not publish agent_left", channel=channel.name, reason=error.code)
            wait = self._times.retry
        if wait > 0:
            self._schedule_departures(channel, wait)

    # Statuses

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
                late = self._times.absence + self._times.overdue
                for channel in await self._announcements.overdue(late):
                    self._schedule_departures(channel, 0.0)
            except HearthError as error:
                log.debug("could not read what is due", reason=error.code)
