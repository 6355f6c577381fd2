"""Topics: the dialect of dashboards that subscribe to channels, or to whole namespaces."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any, Final

from app.core.channel import Channel
from app.core.errors import HearthError, Invalid
from app.core.identity import Identity
from app.core.message import Publication
from app.core.shown import shown
from app.hub.member import Member
from app.hub.watching import may_watch
from app.plain import texts
from app.plain.dialect import Dialect, Speaker
from app.plain.encoding import WITH_NAMESPACE
from app.plain.incoming import read_object
from app.requests import answers
from schemas.errors import SchemaError
from schemas.json_value import is_unicode

#: Topics that stand for all channels of a namespace.
WHOLE: Final = frozenset({"circles", "workspaces", "agents"})
#: Topics of one message.
MOST_TOPICS: Final = 1000
# What can be a topic is shorter.
_SHOWN_BYTES: Final = 1500


def read_topics(message: dict[str, Any]) -> list[str]:
    """Return the topics of a message. Raises `SchemaError`."""
    topics = message.get("topics")
    if not isinstance(topics, list):
        raise SchemaError({"topics": "Must be a list of texts."})
    if len(topics) > MOST_TOPICS:
        problem = f"Must be at most {MOST_TOPICS:,} in one message; are {len(topics):,}."
        raise SchemaError({"topics": problem})
    if not all(isinstance(topic, str) and is_unicode(topic) for topic in topics):
        raise SchemaError({"topics": "Must be a list of texts."})
    return list(dict.fromkeys(topics))


def is_subscribe(message: dict[str, Any]) -> bool:
    """Return whether a message is how the dialect begins."""
    return message.get("action") == "subscribe"


class Topics(Dialect):
    """Each topic is a channel, `circles:dev-team`, or one of `WHOLE`; messages are live only.

    A channel that is a topic of its own is received by its membership alone, whatever else covers
    it: so each message comes once.
    """

    encoding = WITH_NAMESPACE

    def __init__(self, client: Speaker) -> None:
        super().__init__(client)
        self._channels: set[Channel] = set()
        self._namespaces: set[str] = set()

    async def begin(self, member: Member) -> None:
        """Subscribe again, as another identity, to what a stranger has subscribed to."""
        topics = [namespace.removeprefix("/") for namespace in sorted(self._namespaces)]
        topics += [f"{where.removeprefix('/')}:{name}" for where, name in sorted(self._channels)]
        await self.end()
        self._channels = set()
        await self.subscribe(member, topics)

    async def end(self) -> None:
        for namespace in self._namespaces:
            await self.hub.watching.unwatch(self, namespace)
        self._namespaces = set()

    def open_to(self, identity: Identity) -> tuple[Channel, ...]:
        return ()

    async def renew(self, member: Member, identity: Identity) -> list[Channel]:
        left = await super().renew(member, identity)
        self._channels.difference_update(left)
        for namespace in sorted(self._namespaces):
            if not may_watch(identity, namespace):
                await self._unwatch(namespace)
        return left

    # Frames

    def read(self, frame: str | bytes) -> dict[str, Any]:
        if frame == "ping":
            return {"action": "ping"}
        return read_object(frame, self.client.max_message_bytes)

    def handle(self, member: Member, message: dict[str, Any]) -> Awaitable[object] | None:
        match message.get("action", message.get("type")):
            case "subscribe":
                return self.subscribe(member, read_topics(message))
            case "unsubscribe":
                return self._unsubscribe(member, read_topics(message))
            case "ping":
                self.pong()
            case "pong":
                pass  # some clients' answer to a heartbeat
            case _:
                raise Invalid(
                    "Nothing is published here; actions are subscribe, unsubscribe and ping.",
                    fields={"action": "Must be subscribe, unsubscribe or ping."},
                )
        return None

    async def subscribe(self, member: Member, topics: list[str]) -> None:
        """Subscribe to what a member may read of some topics, and tell it which."""
        done = []
        for topic in topics:
            try:
                await self._subscribe(member, topic)
            except (HearthError, SchemaError) as error:
                client = self.client
                namespace, address = client.endpoint.namespace, client.connection.address
                public = answers.refusal(self.hub, error, namespace, address)
                self._fail_topic(public, topic)
            else:
                done.append(topic)
        self._tell("subscribed", done)

    async def _subscribe(self, member: Member, topic: str) -> None:
        if topic in WHOLE:
            namespace = f"/{topic}"
            await self.hub.watching.watch(self, member.identity, namespace)
            self._namespaces.add(namespace)
            return
        channel = _channel(topic)
        self._channels.add(channel)
        try:
            await self.hub.memberships.enter(member, channel)
        except BaseException:
            self._channels.discard(channel)
            raise

    async def _unsubscribe(self, member: Member, topics: list[str]) -> None:
        for topic in topics:
            if topic in WHOLE:
                await self._unwatch(f"/{topic}")
            elif ":" in topic:
                await self._leave(member, _channel(topic))
        self._tell("unsubscribed", topics)

    async def _leave(self, member: Member, channel: Channel) -> None:
        await self.hub.memberships.leave(member, channel)
        self._channels.discard(channel)

    async def _unwatch(self, namespace: str) -> None:
        await self.hub.watching.unwatch(self, namespace)
        self._namespaces.discard(namespace)

    # Messages

    def on_watched(self, channel: Channel, publication: Publication) -> None:
        if channel not in self._channels:
            self.write(self.encoding.encode(channel, publication))
            self.hub.counters.add_delivered(1)

    def _tell(self, event: str, topics: list[str]) -> None:
        self.write(texts.notice_frame(event, {"topics": topics}, self.hub.clock()))

    def _fail_topic(self, error: HearthError, topic: str) -> None:
        further = answers.failure(error) | {"topic": shown(topic, _SHOWN_BYTES)}
        self.write(texts.notice_frame("error", error.to_dict(), self.hub.clock(), **further))


def _channel(topic: str) -> Channel:
    """Return the channel of a topic. Raises `SchemaError` where it has none."""
    namespace, colon, name = topic.partition(":")
    if not colon or not name:
        whole = ", ".join(sorted(WHOLE))
        raise SchemaError({"topics": f"Must be <namespace>:<channel>, or one of {whole}."})
    return Channel(f"/{namespace}", name)
