"""The life of a client: from its CONNECT to the end of its membership of a namespace."""

from __future__ import annotations

import asyncio
from typing import Any, Final

import structlog
from socketio.exceptions import ConnectionRefusedError as Refused
from socketio.packet import CONNECT, CONNECT_ERROR

from app.core.closing import Closing
from app.core.errors import Unavailable
from app.core.session import Session
from app.engine.server import close_unless_entered
from app.engine.session import Connection
from app.realtime.manager import Client, encode_packet
from app.realtime.packets import Incoming, Packet, PacketError
from app.realtime.publishing import PublishingServer
from app.realtime.request import RequestHandler
from app.transport.work import Work

GOODBYE_SECONDS: Final = 2.0

log = structlog.get_logger("hearth.realtime")


class ClientServer(PublishingServer):
    """`socketio.AsyncServer` whose clients may come back for the session that they had.

    Args:
        options: as `socketio.AsyncServer` takes them.
    """

    def __init__(self, **options: Any) -> None:
        self.manager_initialized = False
        self._work = Work()
        self._request_handlers: dict[str, RequestHandler] = {}
        super().__init__(**options)

    def register_namespace(self, namespace_handler: Any) -> None:
        super().register_namespace(namespace_handler)
        if isinstance(namespace_handler, RequestHandler):
            self._request_handlers[namespace_handler.namespace] = namespace_handler

    # Sessions, contract §4, promise 8

    def restore(self, sid: str, session: Session) -> None:
        """Give a client that is connecting a session, and the session id that goes with it."""
        self.manager.restore(self.manager.client(session.namespace, sid), session)

    async def supersede(self, session: Session) -> None:
        """End the connection that a session had here before it was claimed, if nobody has noticed
        yet that it is lost; return when its client has left all rooms."""
        client = self.manager.client(session.namespace, session.sid)
        if client is not None and client.session is not session:
            client.gone = client.gone or asyncio.get_running_loop().create_future()
            client.connection.close(Closing.SUPERSEDED)
            await client.gone

    def let_go(self, session: Session) -> None:
        """End a connection whose session was claimed in another process."""
        client = self.manager.client(session.namespace, session.sid)
        if client is not None and client.session is session:
            client.connection.close(Closing.SUPERSEDED)

    # What python-socketio and namespaces call to end a client

    async def disconnect(
        self, sid: str, namespace: str | None = None, ignore_queue: bool = False
    ) -> None:
        """As python-socketio's: who is sent away has no session to come back to."""
        client = self.manager.client(namespace or "/", sid)
        if client is not None and client.session is not None:
            client.session.over = True
        await super().disconnect(sid, namespace, ignore_queue)

    async def end(self, sid: str, namespace: str) -> None:
        """Disconnect a client; and close its connection, if that was its last namespace.

        Clients close it themselves once they have read that they are disconnected. Who closes at
        the same moment keeps them from reading it.
        """
        client = self.manager.client(namespace, sid)
        await self.disconnect(sid, namespace=namespace)
        if client is not None:
            asyncio.get_running_loop().call_later(
                GOODBYE_SECONDS, close_unless_entered, client.connection
            )

    def lose(self, sid: str, namespace: str) -> None:
        """Close a client's connection, as what it needs is out of reach; it comes back by itself,
        which those who are disconnected don't."""
        client = self.manager.client(namespace, sid)
        if client is not None:
            client.connection.close(Closing.UNAVAILABLE)

    # CONNECT

    def _on_connect(self, connection: Connection, incoming: Incoming) -> None:
        namespace = incoming.namespace
        if namespace in connection.clients:
            raise PacketError("a second CONNECT to one namespace")
        known = {"*", namespace}
        if not (
            known & self.handlers.keys()
            or known & self.namespace_handlers.keys()
            or (namespace != "/" and self.namespaces == "*")
        ):
            # Stock refuses with a string, which leaves the JS client's error without a message.
            self._refuse(connection, namespace, {"message": "Invalid namespace"})
            return
        work = self._connect(connection, namespace, incoming.data)
        if namespace in self._request_handlers:
            self._work.begin(connection, work)
        else:
            self._work.run(connection, work)

    async def _connect(self, connection: Connection, namespace: str, auth: Any) -> None:
        if not self.manager_initialized:
            self.manager_initialized = True
            self.manager.initialize()
        client = self.manager.add_client(connection, namespace)
        connection.hold_writes()  # what the handler emits comes after the reply
        refusal: Any = {"message": "Connection rejected by server"}
        try:
            accepted = await self._ask_to_connect(client, auth)
        except Refused as error:
            accepted, refusal = False, error.error_args
        except ConnectionRefusedError:
            accepted, refusal = False, {"message": "Connection refused by server"}
        except Unavailable:
            # Who is refused gives up, and who loses the connection tries again.
            accepted = False
            connection.close(Closing.UNAVAILABLE)
        except BaseException:
            accepted = False
            raise
        finally:
            if accepted is False:
                await self.manager.disconnect(client.sid, namespace, ignore_queue=True)
                reply = Packet(CONNECT_ERROR, data=refusal, namespace=namespace)
            else:
                client.connected = True
                data = {"sid": client.sid}
                if client.session is not None:
                    data["pid"] = client.session.pid
                reply = Packet(CONNECT, data=data, namespace=namespace)
            connection.release_writes(encode_packet(reply))
        if accepted is False:
            return
        if connection.closed:  # while it was connecting, so nobody has ended it
            await self._end(client, Closing.TRANSPORT_CLOSE)
            return
        handler = self._request_handlers.get(namespace)
        if handler is not None:
            await handler.on_connected(client.sid)

    async def _ask_to_connect(self, client: Client, auth: Any) -> Any:
        handshake = client.connection.handshake
        # Ours look into it only for who brings no token in `auth`.
        environ = handshake if client.namespace in self._request_handlers else handshake.environ
        arguments = ("connect", client.namespace, client.sid, environ)
        if auth:
            return await self._trigger_event(*arguments, auth)
        try:
            return await self._trigger_event(*arguments, None)
        except TypeError as error:
            # python-socketio takes handlers without the `auth` argument too.
            try:
                return await self._trigger_event(*arguments)
            except TypeError:
                raise error from None

    def _refuse(self, connection: Connection, namespace: str, reason: dict[str, Any]) -> None:
        connection.write(encode_packet(Packet(CONNECT_ERROR, data=reason, namespace=namespace)))

    # The end

    async def _leave(self, client: Client) -> None:
        if client.session is not None:
            client.session.over = True
        await self._end(client, Closing.CLIENT_DISCONNECT)

    async def _end(self, client: Client, closing: Closing) -> None:
        if client.ending or not client.connected:
            return
        self.manager.pre_disconnect(client.sid, client.namespace)
        try:
            await self._trigger_event("disconnect", client.namespace, client.sid, closing.reason)
        except Exception:
            log.exception("a disconnect handler failed", namespace=client.namespace)
        await self.manager.disconnect(client.sid, client.namespace, ignore_queue=True)

    async def _end_all(self, connection: Connection, closing: Closing) -> None:
        for client in list(connection.clients.values()):
            await self._end(client, closing)
