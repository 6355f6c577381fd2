"""The life of clients: from their CONNECT to the end of their membership of a namespace."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Final, Protocol, runtime_checkable

import structlog
from socketio.exceptions import ConnectionRefusedError as StockRefused
from socketio.packet import CONNECT, CONNECT_ERROR

from app.core.closing import Closing
from app.core.errors import HearthError, Unavailable
from app.engine.session import EngineSession
from app.realtime.client import Client
from app.realtime.manager import Manager
from app.realtime.packets import Packet, encode_json, encode_packet
from app.realtime.peer import Peer
from app.transport.deadlines import Deadlines
from app.transport.work import Work

#: In which a connection has to enter a namespace.
CONNECT_SECONDS: Final = 45.0
GOODBYE_SECONDS: Final = 2.0

log = structlog.get_logger("hearth.realtime")


@runtime_checkable
class ClientNamespace(Protocol):
    """A namespace whose clients' events are requests, rather than calls of `on_…` methods."""

    namespace: str

    def admitting(self, client: Client, auth: Any) -> AbstractAsyncContextManager[None]:
        """Let a client in: the block begins when its session id and its handler are settled; in it
        the client gets its CONNECT reply, and with it what was written to it before; at its end it
        receives what is published.

        Raises:
            HearthError: it is refused.
            Unavailable: that can't be told at the moment; it is to come again.
        """


class StockHandlers(Protocol):
    """Handlers as python-socketio has them."""

    def has_handlers(self, namespace: str) -> bool:
        """Tell whether there are any for a namespace."""

    async def trigger(self, event: str, namespace: str, *arguments: Any) -> Any:
        """Have an event handled; return what its handler does."""


class _Refused(Exception):
    """A client may not enter a namespace; the argument is what it is told."""


class Lifecycle:
    """Lets clients into namespaces, and ends them.

    Args:
        work: what handlers do.
    """

    def __init__(self, manager: Manager, stock: StockHandlers, work: Work) -> None:
        self._manager = manager
        self._stock = stock
        self._work = work
        self._namespaces: dict[str, ClientNamespace] = {}
        self._entering: Deadlines[Peer] = Deadlines(CONNECT_SECONDS, _close_unless_entered)

    def add_namespace(self, namespace: ClientNamespace) -> None:
        """Let clients into a namespace by `ClientNamespace.admitting`."""
        self._namespaces[namespace.namespace] = namespace

    # Connections

    def expect(self, peer: Peer) -> None:
        """Close a connection that doesn't enter a namespace in time."""
        self._entering.add(peer)

    def on_closed(self, peer: Peer, closing: Closing) -> None:
        """End the clients of a connection that has ended."""
        self._entering.discard(peer)
        if peer.clients:
            self._work.spawn(self._end_all(peer, closing))

    # CONNECT

    def connect(self, peer: Peer, namespace: str, auth: Any) -> None:
        """Let a client in, or tell it why not."""
        ours = self._namespaces.get(namespace)
        if ours is None and not self._stock.has_handlers(namespace):
            # Stock refuses with a string, which leaves the JS client's error without a message.
            self._refuse(peer, namespace, {"message": "Invalid namespace"})
            return
        client = Client(self._manager.generate_sid(), namespace, peer.session, peer.clients)
        peer.clients[namespace] = client
        if ours is not None:
            self._work.begin(
                peer.session, self._connect(peer, client, ours.admitting(client, auth))
            )
        else:
            self._manager.add(client)
            self._work.run(peer.session, self._connect(peer, client, self._asking(client, auth)))

    async def _connect(
        self, peer: Peer, client: Client, admitting: AbstractAsyncContextManager[None]
    ) -> None:
        session = peer.session
        session.hold_writes()  # what a handler emits comes after the reply
        refusal: Any = {"message": "Connection rejected by server"}
        try:
            async with admitting:
                self._manager.add(client)
                client.connected = True
                session.release_writes(_reply(client))
        except _Refused as error:
            (refusal,) = error.args
        except Unavailable:
            # Who is refused gives up, and who loses the connection tries again.
            session.close(Closing.UNAVAILABLE)
        except HearthError as error:
            refusal = {"message": error.message, "data": error.to_dict()}
        finally:
            if not client.connected:
                client.detach()
                await self._manager.disconnect(client.sid, client.namespace, ignore_queue=True)
                packet = Packet(CONNECT_ERROR, data=refusal, namespace=client.namespace)
                session.release_writes(encode_packet(packet))
        if not client.connected:
            return
        if session.closed:  # while it was connecting, so nobody has ended it
            await self.end(client, Closing.TRANSPORT_CLOSE)
        elif client.handler is not None:
            await client.handler.on_connected()

    @asynccontextmanager
    async def _asking(self, client: Client, auth: Any) -> AsyncIterator[None]:
        """Let a client in whom python-socketio's own handlers take."""
        arguments = ("connect", client.namespace, client.sid, client.connection.handshake.environ)
        try:
            if auth:
                accepted = await self._stock.trigger(*arguments, auth)
            else:
                try:
                    accepted = await self._stock.trigger(*arguments, None)
                except TypeError as error:
                    # python-socketio takes handlers without the `auth` argument too.
                    try:
                        accepted = await self._stock.trigger(*arguments)
                    except TypeError:
                        raise error from None
        except StockRefused as error:
            raise _Refused(error.error_args) from None
        except ConnectionRefusedError:
            raise _Refused({"message": "Connection refused by server"}) from None
        if accepted is False:
            raise _Refused({"message": "Connection rejected by server"})
        yield

    def _refuse(self, peer: Peer, namespace: str, reason: dict[str, Any]) -> None:
        packet = Packet(CONNECT_ERROR, data=reason, namespace=namespace)
        peer.session.write(encode_packet(packet))

    # The end

    async def leave(self, client: Client) -> None:
        """End a client that leaves its namespace for good."""
        if client.session is not None:
            client.session.finish()
        await self.end(client, Closing.CLIENT_DISCONNECT)

    async def end(self, client: Client, closing: Closing) -> None:
        """End a client, and tell its namespace."""
        if client.ending or not client.connected:
            return
        self._manager.pre_disconnect(client.sid, client.namespace)
        try:
            if client.handler is not None:
                await client.handler.on_disconnected()
            else:
                await self._stock.trigger(
                    "disconnect", client.namespace, client.sid, closing.reason
                )
        except Exception:
            log.exception("a disconnect handler failed", namespace=client.namespace)
        await self._manager.disconnect(client.sid, client.namespace, ignore_queue=True)

    async def _end_all(self, peer: Peer, closing: Closing) -> None:
        for client in list(peer.clients.values()):
            await self.end(client, closing)

    def close_soon(self, session: EngineSession) -> None:
        """Close a connection that has left its last namespace.

        Clients close it themselves once they have read that they are disconnected. Who closes at
        the same moment keeps them from reading it.
        """
        if isinstance(peer := session.handler, Peer):
            loop = asyncio.get_running_loop()
            loop.call_later(GOODBYE_SECONDS, _close_unless_entered, peer)


def _reply(client: Client) -> bytes:
    data = {"sid": client.sid}
    if client.session is not None:
        data["pid"] = client.session.pid
    return encode_json(CONNECT, client.namespace, data)


def _close_unless_entered(peer: Peer) -> None:
    if not peer.clients:
        peer.session.close(Closing.NO_NAMESPACE)
