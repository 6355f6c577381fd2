"""Rooms and who is in them: python-socketio's manager, in structures that cost what is used.

Stock keeps a bidict per room, makes each connection a room of its own, searches every room of the
namespace when a connection ends (so n of them cost n²), and emits by a task for each recipient.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from typing import Any, Protocol

import socketio
from socketio.packet import EVENT

from app.core.counters import Counters
from app.core.session import Session
from app.engine.session import Connection
from app.transport import frames
from app.transport.room import Room, Trail


class Client:
    """A connection's membership of one namespace."""

    __slots__ = (
        *("ack_head", "connected", "connection", "ending", "gone", "namespace", "rooms"),
        *("session", "sid"),
    )

    def __init__(self, sid: str, namespace: str, connection: Connection) -> None:
        self.sid = sid
        self.namespace = namespace
        self.connection = connection
        #: What acknowledgements of its events begin with, before the id.
        self.ack_head = b"43%b," % namespace.encode()
        self.rooms: set[str] = set()
        self.connected = False
        self.ending = False
        #: By which it can be restored once its connection is lost, if it asked for that.
        self.session: Session | None = None
        #: Done once it has ended, where somebody waits for that.
        self.gone: asyncio.Future[None] | None = None

    def trail(self, room: str) -> Trail | None:
        """Return the way on which it is told where it is in a channel."""
        session = self.session
        place = session and session.places.get(room)
        return Trail(self.connection, session, place) if session and place else None


def encode_packet(packet: Any) -> bytes:
    """Return a Socket.IO packet and its attachments as WebSocket frames."""
    encoded = packet.encode()
    if isinstance(encoded, str):
        return frames.encode(frames.TEXT, b"4" + encoded.encode())
    text, *attachments = encoded
    return b"".join(
        [
            frames.encode(frames.TEXT, b"4" + text.encode()),
            *(frames.encode(frames.BINARY, bytes(attachment)) for attachment in attachments),
        ]
    )


class ChannelRooms(Protocol):
    """Rooms that are more than rooms: who enters one joins a channel."""

    def covers(self, namespace: str, room: Any) -> bool:
        """Tell whether a room is a channel."""

    async def enter(self, namespace: str, sid: str, room: str) -> None:
        """Make a client a member."""

    async def leave(self, namespace: str, sid: str, room: str) -> None:
        """End what `enter` began."""


class Rooms(socketio.AsyncManager):  # type: ignore[misc]
    """`socketio.AsyncManager` on `Client`s and `Room`s; its methods are the stock ones."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.counters = Counters()
        self.channels: ChannelRooms | None = None
        self._clients: dict[str, dict[str, Client]] = {}
        self._rooms: dict[str, dict[str, Room]] = {}

    def client(self, namespace: str, sid: str) -> Client | None:
        """Return a client of a namespace."""
        return self._clients.get(namespace, {}).get(sid)

    def room(self, namespace: str, name: str) -> Room | None:
        """Return a room, or None when nobody is in it."""
        return self._rooms.get(namespace, {}).get(name)

    def count_clients(self) -> dict[str, int]:
        """Return how many clients each namespace has."""
        return {namespace: len(clients) for namespace, clients in self._clients.items()}

    def room_names(self, namespace: str) -> list[str]:
        """Return the rooms of a namespace that somebody is in."""
        return list(self._rooms.get(namespace, {}))

    def add_client(self, connection: Connection, namespace: str) -> Client:
        """Add a connection to a namespace, not yet connected."""
        client = Client(self.server.eio.generate_id(), namespace, connection)
        self._clients.setdefault(namespace, {})[client.sid] = client
        connection.clients[namespace] = client
        connection.entered = True
        return client

    def restore(self, client: Client, session: Session) -> None:
        """Give a client that is connecting the session id and the session that it had before."""
        clients = self._clients[client.namespace]
        del clients[client.sid]
        client.sid, client.session = session.sid, session
        clients[client.sid] = client

    # What python-socketio and applications call

    def get_namespaces(self) -> Iterable[str]:
        return self._clients.keys()

    def get_participants(self, namespace: str, room: Any) -> Iterator[tuple[str, str]]:
        for client in self._find(namespace, room):
            yield client.sid, client.connection.sid

    def is_pre_connected(self, sid: str, namespace: str) -> bool:
        client = self.client(namespace, sid)
        return client is not None and not client.connected

    def is_connected(self, sid: str, namespace: str) -> bool:
        client = self.client(namespace, sid)
        return client is not None and client.connected and not client.ending

    def sid_from_eio_sid(self, eio_sid: str, namespace: str) -> str | None:
        connection = self.server.eio.sockets.get(eio_sid)
        client = connection and connection.clients.get(namespace)
        return client.sid if client else None

    def eio_sid_from_sid(self, sid: str, namespace: str) -> str | None:
        client = self.client(namespace, sid)
        return client.connection.sid if client else None

    def pre_disconnect(self, sid: str, namespace: str) -> str | None:
        client = self.client(namespace, sid)
        if client is None:
            return None
        client.ending = True
        # It may enter again at once, also while a handler still says goodbye to it.
        if client.connection.clients.get(namespace) is client:
            del client.connection.clients[namespace]
        return client.connection.sid

    def basic_disconnect(self, sid: str, namespace: str, **_kwargs: Any) -> None:
        client = self._clients.get(namespace, {}).pop(sid, None)
        if client is None:
            return
        if not self._clients[namespace]:
            del self._clients[namespace]
        for room in list(client.rooms):
            self._leave(client, room)
        if client.connection.clients.get(namespace) is client:
            del client.connection.clients[namespace]
        self.callbacks.pop(sid, None)
        if client.gone is not None:
            client.gone.set_result(None)

    def is_sid_room(self, namespace: str, room: Any) -> bool:
        return isinstance(room, str) and self.client(namespace, room) is not None

    async def enter_room(
        self, sid: str, namespace: str, room: str, eio_sid: str | None = None
    ) -> None:
        if self.channels is not None and self.channels.covers(namespace, room):
            await self.channels.enter(namespace, sid, room)
        else:
            self.basic_enter_room(sid, namespace, room)

    async def leave_room(self, sid: str, namespace: str, room: str) -> None:
        if self.channels is not None and self.channels.covers(namespace, room):
            await self.channels.leave(namespace, sid, room)
        else:
            self.basic_leave_room(sid, namespace, room)

    async def close_room(self, room: str, namespace: str) -> None:
        if self.channels is not None and self.channels.covers(namespace, room):
            for client in self._find(namespace, [room]):
                await self.channels.leave(namespace, client.sid, room)
        else:
            self.basic_close_room(room, namespace)

    def basic_enter_room(
        self, sid: str, namespace: str, room: str, eio_sid: str | None = None
    ) -> None:
        client = self.client(namespace, sid)
        if client is None:
            raise ValueError("sid is not connected to requested namespace")
        if self.is_sid_room(namespace, room):
            raise ValueError("cannot enter a sid room")
        client.rooms.add(room)
        rooms = self._rooms.setdefault(namespace, {})
        if room not in rooms:
            rooms[room] = Room(self.counters)
        rooms[room].add(sid, client.connection, client.trail(room))

    def basic_leave_room(self, sid: str, namespace: str, room: str) -> None:
        client = self.client(namespace, sid)
        if client is not None and room in client.rooms:
            self._leave(client, room)

    def basic_close_room(self, room: str, namespace: str) -> None:
        if self.is_sid_room(namespace, room):
            raise ValueError("cannot close a sid room")
        for client in self._find(namespace, [room]):
            self._leave(client, room)

    def get_rooms(self, sid: str, namespace: str) -> list[str]:
        client = self.client(namespace, sid)
        return [client.sid, *client.rooms] if client else []

    async def emit(
        self,
        event: str,
        data: Any,
        namespace: str,
        room: Any = None,
        skip_sid: Any = None,
        callback: Any = None,
        to: Any = None,
        **_kwargs: Any,
    ) -> None:
        """Send an event to a connection, a room, a list of them, or a whole namespace."""
        room = to or room
        arguments = list(data) if isinstance(data, tuple) else [] if data is None else [data]
        skipped = set(skip_sid) if isinstance(skip_sid, list | tuple | set) else {skip_sid}
        ends_with_text = bool(arguments) and isinstance(arguments[-1], str)
        frame = None
        for client in self._find(namespace, room):
            if client.sid in skipped:
                continue
            if callback is not None:
                # Each recipient answers with an id of its own.
                ack_id = self._generate_ack_id(client.sid, callback)
                frame = self._frame(namespace, [event, *arguments], ack_id)
            elif ends_with_text and client.session is not None:
                # Or the client would take that text for its offset string.
                text = client.session.text()
                client.connection.write(self._frame(namespace, [event, *arguments, text]))
                continue
            elif frame is None:
                frame = self._frame(namespace, [event, *arguments])
            client.connection.write(frame)

    def _frame(self, namespace: str, data: list[Any], ack_id: int | None = None) -> bytes:
        packet_class = self.server.packet_class
        return encode_packet(packet_class(EVENT, namespace=namespace, data=data, id=ack_id))

    def _find(self, namespace: str, room: Any) -> list[Client]:
        clients = self._clients.get(namespace, {})
        if room is None:
            return list(clients.values())
        found: dict[str, Client] = {}
        for name in [room] if isinstance(room, str) else room:
            if name in clients:
                found[name] = clients[name]
            elif (members := self.room(namespace, name)) is not None:
                members.flush()  # so that what was sent before comes before
                found |= {sid: clients[sid] for sid in members}
        return list(found.values())

    def _leave(self, client: Client, name: str) -> None:
        client.rooms.discard(name)
        room = self.room(client.namespace, name)
        if room is None:
            return
        room.remove(client.sid)
        if not room:
            rooms = self._rooms[client.namespace]
            del rooms[name]
            if not rooms:
                del self._rooms[client.namespace]
