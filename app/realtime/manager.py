"""The manager of clients and their rooms: python-socketio's, on plain dictionaries.

Stock keeps a bidict per room, makes each connection a room of its own, searches every room of the
namespace when a connection is closed (so n of them cost n²), and emits by a task per recipient.
Rooms that are channels are the Hub's; the others are here.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator
from typing import Any, Protocol

import socketio
from socketio.packet import EVENT

from app.core.channel import is_sid, listed
from app.realtime.client import Client
from app.realtime.packets import Encoded


class ChannelRooms(Protocol):
    """The rooms that are channels: to enter one is to join a channel."""

    def covers(self, namespace: str, room: Any) -> bool:
        """Tell whether a room is a channel."""

    async def enter(self, client: Client, room: Any) -> None:
        """Make a client a member of a channel."""

    async def leave(self, client: Client, room: Any) -> None:
        """Make a client leave a channel."""

    def of(self, client: Client) -> Iterable[str]:
        """Return the names of the channels that a client is in."""

    def members(self, namespace: str, room: Any) -> Iterable[str]:
        """Return the session ids of a channel's members here, after writing pending frames."""


class Manager(socketio.AsyncManager):  # type: ignore[misc]
    """`socketio.AsyncManager` on `Client`s; its methods are the stock ones.

    Args:
        channels: the rooms that are channels; None if there are none.
        options: the stock manager's.
    """

    def __init__(self, channels: ChannelRooms | None = None, **options: Any) -> None:
        super().__init__(**options)
        self._channels = channels
        self._clients: dict[str, dict[str, Client]] = {}
        self._rooms: dict[str, dict[Hashable, dict[str, Client]]] = {}

    def client(self, namespace: str, sid: str) -> Client | None:
        """Return the client with a session id, or None."""
        return self._clients.get(namespace, {}).get(sid)

    def count_clients(self) -> dict[str, int]:
        """Return how many clients each namespace has."""
        return {namespace: len(clients) for namespace, clients in self._clients.items()}

    def generate_sid(self) -> str:
        """Return a new session id."""
        sid: str = self.server.eio.generate_id()
        return sid

    def add(self, client: Client) -> None:
        """Register a client by its session id."""
        self._clients.setdefault(client.namespace, {})[client.sid] = client

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
        return client is not None and client.greeted and not client.leaving

    def sid_from_eio_sid(self, eio_sid: str, namespace: str) -> str | None:
        session = self.server.eio.sockets.get(eio_sid)
        client = session and session.handler.clients.get(namespace)
        return client.sid if client else None

    def eio_sid_from_sid(self, sid: str, namespace: str) -> str | None:
        client = self.client(namespace, sid)
        return client.connection.sid if client else None

    def pre_disconnect(self, sid: str, namespace: str) -> str | None:
        client = self.client(namespace, sid)
        if client is None:
            return None
        client.leaving = True
        # It may enter again at once, also while its `disconnect` handler still runs.
        client.detach()
        return client.connection.sid

    def basic_disconnect(self, sid: str, namespace: str, **_kwargs: Any) -> None:
        client = self.client(namespace, sid)
        if client is None or (client.connected and not client.leaving):
            return  # a restored client has the id by now
        del self._clients[namespace][sid]
        if not self._clients[namespace]:
            del self._clients[namespace]
        for room in list(client.rooms):
            self._leave(client, room)
        self.callbacks.pop(sid, None)

    def expects(self, sid: str, ack_id: int | None) -> bool:
        """Tell whether a client was asked for this acknowledgement, and hasn't given it yet."""
        return ack_id in self.callbacks.get(sid, ())

    def is_sid_room(self, namespace: str, room: Any) -> bool:
        return isinstance(room, str) and self.client(namespace, room) is not None

    async def enter_room(
        self, sid: str, namespace: str, room: Any, eio_sid: str | None = None
    ) -> None:
        if self._channels is not None and self._channels.covers(namespace, room):
            await self._channels.enter(self._require(sid, namespace), room)
        else:
            self.basic_enter_room(sid, namespace, room)

    async def leave_room(self, sid: str, namespace: str, room: Any) -> None:
        if self._channels is not None and self._channels.covers(namespace, room):
            if (client := self.client(namespace, sid)) is not None:
                await self._channels.leave(client, room)
        else:
            self.basic_leave_room(sid, namespace, room)

    async def close_room(self, room: Any, namespace: str) -> None:
        if self._channels is not None and self._channels.covers(namespace, room):
            for client in self._find(namespace, [room]):
                await self._channels.leave(client, room)
        else:
            self.basic_close_room(room, namespace)

    def basic_enter_room(
        self, sid: str, namespace: str, room: Any, eio_sid: str | None = None
    ) -> None:
        client = self._require(sid, namespace)
        if room == sid:
            return  # where it is already
        if self.is_sid_room(namespace, room):
            raise ValueError("cannot enter a sid room")
        client.rooms.add(room)
        self._rooms.setdefault(namespace, {}).setdefault(room, {})[sid] = client

    def basic_leave_room(self, sid: str, namespace: str, room: Any) -> None:
        client = self.client(namespace, sid)
        if client is not None and room in client.rooms:
            self._leave(client, room)

    def basic_close_room(self, room: Any, namespace: str) -> None:
        if self.is_sid_room(namespace, room):
            raise ValueError("cannot close a sid room")
        for client in self._find(namespace, [room]):
            self._leave(client, room)

    def get_rooms(self, sid: str, namespace: str) -> list[Any]:
        client = self.client(namespace, sid)
        if client is None:
            return []
        channels = self._channels.of(client) if self._channels is not None else ()
        return [client.sid, *client.rooms, *channels]

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
        event_for_all = None
        for client in self._find(namespace, room):
            if client.sid in skipped:
                continue
            if callback is not None:
                # Each recipient acknowledges with an id of its own.
                ack_id = self._generate_ack_id(client.sid, callback)
                client.ask(self._encode(namespace, [event, *arguments], ack_id).frames)
                continue
            if event_for_all is None:
                event_for_all = self._encode(namespace, [event, *arguments])
            session = client.session
            client.write(
                event_for_all.frames
                if session is None
                else event_for_all.followed_by(session.text())
            )

    def _encode(self, namespace: str, data: list[Any], ack_id: int | None = None) -> Encoded:
        packet_class = self.server.packet_class
        return Encoded(packet_class(EVENT, namespace=namespace, data=data, id=ack_id))

    def sids_apart(self, namespace: str, rooms: Any) -> list[str]:
        """Return the session ids in a list of rooms, except those of members of the other rooms.

        An emit to the rooms reaches those members already.
        """
        if rooms is None or isinstance(rooms, str):
            return []
        names = {str(room) for room in listed(rooms) if not is_sid(room)}
        return [
            room
            for room in listed(rooms)
            if is_sid(room) and names.isdisjoint(self.get_rooms(room, namespace))
        ]

    def _require(self, sid: str, namespace: str) -> Client:
        client = self.client(namespace, sid)
        if client is None:
            raise ValueError("sid is not connected to requested namespace")
        return client

    def _find(self, namespace: str, room: Any) -> list[Client]:
        clients = self._clients.get(namespace, {})
        if room is None:
            return list(clients.values())
        found: dict[str, Client] = {}
        for name in listed(room):
            if name in clients:
                found[name] = clients[name]
            elif self._channels is not None and self._channels.covers(namespace, name):
                sids = self._channels.members(namespace, name)
                # Members of other protocols are no clients.
                found |= {sid: clients[sid] for sid in sids if sid in clients}
            else:
                found |= self._rooms.get(namespace, {}).get(name, {})
        return list(found.values())

    def _leave(self, client: Client, name: Hashable) -> None:
        client.rooms.discard(name)
        rooms = self._rooms.get(client.namespace, {})
        members = rooms.get(name, {})
        members.pop(client.sid, None)
        if not members and rooms.pop(name, None) is not None and not rooms:
            del self._rooms[client.namespace]
