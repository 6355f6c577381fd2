"""The lifecycle of clients: from CONNECT until they leave their namespace."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Final, Protocol, runtime_checkable

import structlog
from socketio.exceptions import ConnectionRefusedError as StockRefused
from socketio.packet import CONNECT_ERROR, DISCONNECT

from app.core.closing import Closing
from app.core.errors import HearthError, Unavailable
from app.core.refused import Refusal, Refused
from app.engine.session import EngineSession
from app.realtime.client import Client
from app.realtime.manager import Manager
from app.realtime.packets import Packet, encode_packet
from app.realtime.peer import NOBODY, Peer
from app.transport.deadlines import Deadlines
from app.transport.refusals import Refusals
from app.transport.work import Work

#: The time a connection has to enter a namespace.
CONNECT_SECONDS: Final = 45.0
CLOSE_DELAY_SECONDS: Final = 2.0
_SHOWN: Final = 200

log = structlog.get_logger("hearth.realtime")


@runtime_checkable
class ClientNamespace(Protocol):
    """A namespace whose clients' events are requests, rather than calls of `on_…` methods."""

    namespace: str

    def admitting(self, client: Client, auth: Any) -> AbstractAsyncContextManager[None]:
        """Admit a client. Inside the block its session id and handler are set, and it is sent its
        CONNECT reply, with what was written to it before; after the block it receives publications.

        Raises:
            HearthError: the client is refused.
            Unavailable: it can't be admitted at the moment; it is disconnected, to try again.
        """


class StockHandlers(Protocol):
    """python-socketio's own handlers of events."""

    #: Whether clients have their CONNECT reply before their connect handler runs.
    always_connect: bool

    def has_handlers(self, namespace: str) -> bool:
        """Tell whether a namespace has any."""

    async def trigger(self, event: str, namespace: str, *arguments: Any) -> Any:
        """Call an event's handler; return its result."""


class _Refused(Exception):
    """A handler refused a client; the argument is the payload of CONNECT_ERROR."""


class Lifecycle:
    """Admits clients to namespaces, and disconnects them.

    Args:
        work: runs the handlers.
        refusals: told of clients that aren't admitted.
    """

    def __init__(
        self, manager: Manager, stock: StockHandlers, work: Work, refusals: Refusals
    ) -> None:
        self._manager = manager
        self._stock = stock
        self._work = work
        self._refusals = refusals
        self._namespaces: dict[str, ClientNamespace] = {}
        self._entering: Deadlines[Peer] = Deadlines(CONNECT_SECONDS, _close_unless_entered)

    def add_namespace(self, namespace: ClientNamespace) -> None:
        """Admit clients to a namespace by `ClientNamespace.admitting` from now on."""
        self._namespaces[namespace.namespace] = namespace

    # Connections

    def expect(self, peer: Peer) -> None:
        """Start the deadline for a new connection to enter a namespace."""
        self._entering.add(peer)

    def on_closed(self, peer: Peer, closing: Closing) -> None:
        """Disconnect the clients of a closed connection."""
        self._entering.discard(peer)
        if peer.clients:
            self._work.spawn(self._disconnect_all(peer, closing))
        else:
            peer.session.attach(NOBODY)

    # CONNECT

    def connect(self, peer: Peer, namespace: str, auth: Any) -> None:
        """Admit a client to a namespace, or refuse it."""
        ours = self._namespaces.get(namespace)
        if ours is None and not self._stock.has_handlers(namespace):
            unknown = Refusal(Refused.NAMESPACE, namespace=namespace[:_SHOWN])
            self._refusals.tell(unknown, peer.session.address)
            # Stock refuses with a string, and the JS client's error then has no message.
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
            if self._stock.always_connect:
                client.greet()
            else:
                client.hold()  # the reply comes before what handlers emit
            self._work.run(
                peer.session, self._connect(peer, client, self._admitting_by_stock(client, auth))
            )

    async def _connect(
        self, peer: Peer, client: Client, admitting: AbstractAsyncContextManager[None]
    ) -> None:
        session = peer.session
        refusal: Any = {"message": "Connection rejected by server"}
        try:
            async with admitting:
                if not client.leaving:  # else its connect handler has disconnected it
                    self._manager.add(client)
                    client.connected = True
                    session.admit()
                    client.greet()
        except _Refused as error:
            (refusal,) = error.args
        except Unavailable:
            # A client that is refused gives up; one that is disconnected tries again.
            session.close(Closing.UNAVAILABLE)
        except HearthError as error:
            refusal = {"message": error.message, "data": error.to_dict()}
            if (refused := Refusal.of(error, namespace=client.namespace)) is not None:
                self._refusals.tell(refused, session.address)
        finally:
            if not (client.connected or client.leaving):
                client.detach()
                await self._manager.disconnect(client.sid, client.namespace, ignore_queue=True)
                if client.greeted:  # with a reason, the JS client would not take it
                    packet = Packet(DISCONNECT, namespace=client.namespace)
                else:
                    packet = Packet(CONNECT_ERROR, data=refusal, namespace=client.namespace)
                session.release_writes(encode_packet(packet))
        if not client.connected:
            return
        if session.closed:  # while it was connecting, so `on_closed` skipped it
            await self.disconnect(client, Closing.TRANSPORT_CLOSE)

    @asynccontextmanager
    async def _admitting_by_stock(self, client: Client, auth: Any) -> AsyncIterator[None]:
        """Admit a client that python-socketio's own handlers accept."""
        arguments = ("connect", client.namespace, client.sid, client.connection.handshake.environ)
        try:
            if auth:
                accepted = await self._stock.trigger(*arguments, auth)
            else:
                try:
                    accepted = await self._stock.trigger(*arguments, None)
                except TypeError as error:
                    # python-socketio accepts handlers without an `auth` argument too.
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

    # Disconnecting

    async def leave(self, client: Client) -> None:
        """Disconnect a client that leaves its namespace for good: its session is over."""
        if client.session is not None:
            client.session.finish()
        await self.disconnect(client, Closing.CLIENT_DISCONNECT)

    async def disconnect(self, client: Client, closing: Closing) -> None:
        """Disconnect a client, and call its namespace's handler."""
        if client.leaving or not client.connected:
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

    async def _disconnect_all(self, peer: Peer, closing: Closing) -> None:
        for client in list(peer.clients.values()):
            await self.disconnect(client, closing)
        peer.session.attach(NOBODY)

    def close_soon(self, session: EngineSession) -> None:
        """Close a connection in a moment, unless it has entered a namespace again.

        Clients close it themselves once they have read the DISCONNECT packet. Closing at once
        could keep them from reading it.
        """
        if isinstance(peer := session.handler, Peer):
            loop = asyncio.get_running_loop()
            loop.call_later(CLOSE_DELAY_SECONDS, _close_unless_entered, peer)


def _close_unless_entered(peer: Peer) -> None:
    if not peer.clients:
        peer.session.close(Closing.NO_NAMESPACE)
