"""Targets that read what Redis stores, publishes and replies, and what workers emit."""

from __future__ import annotations

import random
from contextlib import suppress
from functools import partial
from typing import Any, ClassVar

import orjson

from app.app_keys import HUB, SERVER
from app.broker.feed import Feed
from app.broker.record import decode_entries, decode_record
from app.broker.unreadable import Unreadable, identity_of
from app.core.counters import Counters
from app.core.history import Position
from app.core.session import Session
from app.realtime.shared_manager import _FOREIGN
from app.redis.commands import Commands
from app.redis.connector import Connector, Link
from app.redis.subscriptions import Subscriptions
from app.workers.backlog import Received
from app.workers.ingest import Ingest
from app.workers.routes import ROUTES, read_event
from tests.fuzz.readers import REFUSED, application
from tests.fuzz.target import Target
from tests.support.messages import TEAM
from tests.support.transport import RecordingTransport


class Records(Target):
    """What Redis has stored, publishes and replies: nothing of it stops a connection."""

    name = "records"
    corpus: ClassVar = [
        b'7 e1 12 user_message 1700000000.5\n{"type":"user_message","channel":"dev-team"}',
        b'- e1 13 typing 1700000000.5\n{"type":"typing","channel":"dev-team","data":{}}',
        b'user_message 1700000000.5\n{"type":"user_message","data":{"content":"x"}}',
        b"*3\r\n$7\r\nmessage\r\n$4\r\nlive\r\n$5\r\n1 e 1\r\n",
        b"*3\r\n$9\r\nsubscribe\r\n$4\r\nlive\r\n:1\r\n+OK\r\n-ERR no\r\n:12\r\n$-1\r\n*-1\r\n",
        b"*4\r\n$8\r\npmessage\r\n$1\r\n*\r\n$1\r\na\r\n$1\r\nb\r\n",
        (
            b'{"sid":"s","namespace":"/circles","identity":"ann","whose":"w","life":1,"numbers":2,'
            b'"places":{"dev-team":[1,"e1",0,true]}}'
        ),
        b"user:ann",
    ]

    async def start(self) -> None:
        connector = Connector("redis://127.0.0.1:1", "")
        self._commands, self._subscriptions = Commands(connector), Subscriptions(connector)

    async def read(self, data: bytes, chance: random.Random) -> None:
        unreadable = Unreadable(Counters())
        feed = Feed(TEAM, lambda _channel, _publication: None, lambda _feed: None, unreadable)
        feed.resume(Position(6, "e1"), [])
        feed.on_message(data)
        with suppress(ValueError):
            decode_record(data, 1, 1)
        list(
            decode_entries(
                TEAM, [(b"7-0", [b"s", b"1", b"m", data]), (data, data), data, None], unreadable
            )
        )
        identity_of(data)
        self._read_session(data)
        self._subscriptions._handlers = {b"live": feed.on_message}
        for on_reply in (self._subscriptions.on_reply, self._commands.on_reply):
            Link(_Opened(), on_reply).data_received(data)  # type: ignore[arg-type]

    def _read_session(self, data: bytes) -> None:
        with suppress(ValueError, KeyError, TypeError, AttributeError, LookupError):
            Session.from_dict("p", "o", orjson.loads(data))
        session = Session("p", "o", "s~", "/circles", "ann", "user:ann")
        session.resume(data.decode(errors="replace"))


class _Opened:
    """A connection that redis-py has opened."""

    def __init__(self) -> None:
        self._reader = None
        self._writer = self
        self.transport = RecordingTransport()


class Emits(Target):
    """What workers emit and publish on the event bus: it is published, or rejected."""

    name = "emits"
    corpus: ClassVar = [
        (
            b'{"method":"emit","event":"agent_message","data":[{"agent_id":1,"content":"x"}],'
            b'"namespace":"/circles","room":"dev-team","skip_sid":null,"callback":null,"host_id":"w"}'
        ),
        (
            b'{"method":"emit","event":"notification","data":[{"title":"t","message":"m"}],'
            b'"namespace":"/notifications","room":["user:ann","user:bob"],"binary":false}'
        ),
        (
            b'{"method":"emit","event":"log","data":[{"type":"log","channel":"codeworm:logs",'
            b'"data":{"a":1},"timestamp":"x"}],"namespace":"/feeds","room":"codeworm:logs"}'
        ),
        b'{"method":"disconnect","sid":"abc~","namespace":"/circles","host_id":"w"}',
        b'{"method":"enter_room","sid":"abc~","namespace":"/circles","room":"r"}',
        b'{"method":"leave_room","sid":"abc~","namespace":"/circles","room":"r"}',
        b'{"method":"close_room","room":"r","namespace":"/circles","host_id":"w"}',
        b'{"method":"callback","host_id":"w","sid":"s","namespace":"/","id":1,"args":[]}',
        b'{"circle_name":"dev-team","agent_id":7,"content":"Hi"}',
        b'{"workspace_id":5,"path":"a.py","data":{"workspace_id":"w","path":"b"}}',
        b"\x80\x04\x95\x10\x00\x00\x00\x00\x00\x00\x00}\x94\x8c\x06method\x94\x8c\x04emit\x94s.",
        b"\x82\xa6method\xa4emit\xa5event\xa1x",
        b"not JSON",
    ]

    async def start(self) -> None:
        self._app = application(redis_url="redis://127.0.0.1:1")
        self._hub = self._app[HUB]
        self._manager: Any = self._app[SERVER].manager
        self._received: list[Received] = []
        ingest: Ingest = self._manager._emits._ingest
        ingest.receive = self._receive  # type: ignore[method-assign]

    def _receive(self, source: str, data: bytes, read: Any) -> None:
        self._received.append(Received(b"", source, data, read, 0.0))

    async def read(self, data: bytes, chance: random.Random) -> None:
        self._manager._on_message(data)
        while not self._manager._queue.empty():
            message = self._manager._queue.get_nowait()
            # They are foreseen, and so is what stock code raises for what isn't there.
            with suppress(*REFUSED, *_FOREIGN):
                await self._manager._methods[message["method"]](message)
        reads = [received.read for received in self._received]
        self._received.clear()
        reads += [partial(read_event, route, data) for route in ROUTES.values()]
        for read in reads:
            with suppress(*REFUSED):
                for draft in await read():
                    with suppress(*REFUSED):
                        self._hub._prepare(draft)
