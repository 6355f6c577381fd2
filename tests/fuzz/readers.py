"""Targets without I/O: what reads packets, frames, requests and tokens of clients."""

from __future__ import annotations

import random
from contextlib import suppress
from typing import Any, ClassVar, Final, cast

import jwt
import orjson
from aiohttp import web
from wsproto.frame_protocol import CloseReason, FrameProtocol, Opcode, ParseFailed

from app.app_keys import HUB
from app.application import create_app
from app.auth import Authenticator, find_token
from app.core.errors import HearthError
from app.plain.incoming import read_draft, read_message, read_token
from app.realtime.packets import Assembly, Incoming, PacketError, parse, parse_event
from app.settings import Settings
from app.transport.frames import (
    CLOSE,
    PART,
    PROTOCOL_ERROR,
    TEXT,
    Frame,
    FrameError,
    FrameReader,
)
from schemas import requests
from schemas.errors import SchemaError
from tests.fuzz.target import Target
from tests.support.clock import SettableClock
from tests.support.messages import TEAM, somebody
from tests.support.raw import masked
from tests.support.tokens import ALICE, SECRET, SERVICE

#: How what is wrong is refused.
REFUSED: Final = (HearthError, SchemaError)
EVENTS = [
    b'2/circles,1["join",{"channel":"dev-team","since":{"offset":3,"epoch":"e1"},"history":50}]',
    b'2/circles,2["user_message",{"channel":"dev-team","data":{"content":"Hi"},"nonce":"n1"}]',
    b'2/circles,3["history",{"channel":"dev-team","before":10,"limit":5}]',
    b'2/circles,4["presence",{"channel":"dev-team"}]',
    b'2/circles,5["leave",{"channel":"dev-team"}]',
    b'2/circles,6["authenticate",{"token":"a.b.c"}]',
    b'2/circles,7["ping",{}]',
    b'2/circles,["typing",{"channel":"dev-team","data":{"typing":true}}]',
    b'2/chat,8["chat_token",{"channel":"w/a/c","data":{"message_id":"m","index":0,"delta":"H"}}]',
    b'2/notifications,9["notification_read",{"channel":"user:alice","data":{"all":true}}]',
    b'2/chat,10["user.input.submit",{"channel":"w/a/c","data":{"text":"x"}}]',
]
PACKETS = [
    *EVENTS,
    b'0/circles,{"token":"a.b.c","recover":true}',
    b'0/circles,{"pid":"p1","offset":"t:1:0.3,1.7"}',
    *(b"0", b"1/circles,", b'3/circles,7[{"ok":true}]', b'2["ping"]', b"61-/circles,3[]"),
    b'51-/circles,8["user_message",{"_placeholder":true,"num":0}]',
    b'52-["a",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]',
]


def application(**settings: Any) -> web.Application:
    """Return an application that asks for tokens."""
    return create_app(Settings(auth_secret=SECRET, auth_mode="required", **settings))


class Packets(Target):
    """Socket.IO packets: both readers agree, and reject nothing but by `PacketError`."""

    name = "packets"
    corpus = PACKETS

    async def read(self, data: bytes, chance: random.Random) -> None:
        text = data.decode(errors="replace")
        quick = parse_event(text, 0, 1000)
        packet: Incoming | None = None
        with suppress(PacketError):
            packet = parse(text, 0, 1000)
        if quick is not None:
            assert packet is not None, "only the quick reader takes it"
            theirs = (packet.namespace, packet.id, packet.data)
            assert repr(quick) == repr(theirs), f"{quick} is not {theirs}"
        if packet is not None and packet.attachments:
            assembly = Assembly(packet, 1000)
            with suppress(PacketError):
                for number in range(packet.attachments):
                    whole = assembly.add(b"%d" % number)
                assert whole is not None


class Frames(Target):
    """WebSocket frames: the pieces make no difference, and wsproto reads the same."""

    name = "frames"
    corpus: ClassVar = [
        *(masked(TEXT, b"42[]", key=b"abcd"), masked(0x2, b"\x00" * 130, key=b"abcd")),
        masked(0x1, b"a", first=0x01, key=b"abcd") + masked(0x0, b"b", first=0x80, key=b"abcd"),
        masked(0x9, b"ping", key=b"abcd") + masked(0xA, b"", key=b"abcd"),
        masked(CLOSE, b"\x03\xe8bye", key=b"abcd"),
        masked(TEXT, b"x" * 70_000, key=b"abcd")[:100],
        masked(0x1, b"a", first=0x01, key=b"abcd")
        + masked(0x9, b"", key=b"abcd")
        + masked(0x0, b"c", first=0x00, key=b"abcd")
        + masked(0x0, "é".encode(), first=0x80, key=b"abcd"),
    ]

    async def read(self, data: bytes, chance: random.Random) -> None:
        whole, error = self._ours(data, [])
        cuts = sorted(chance.randrange(len(data) + 1) for _ in range(chance.randrange(6)))
        pieces, their_error = self._ours(data, cuts)
        # What comes together with an error may be dropped.
        most = min(len(whole), len(pieces)) if error else len(whole)
        assert whole[:most] == pieces[:most], f"in pieces {cuts}: {pieces}"
        assert error == their_error, f"in pieces {cuts}: {their_error}"
        self._compare(data, whole, error)

    def _ours(self, data: bytes, cuts: list[int]) -> tuple[list[Frame], int]:
        reader, frames = FrameReader(1000), []
        for start, end in zip([0, *cuts], [*cuts, len(data)], strict=True):
            piece = data[start:end]
            if (text := reader.whole_text(piece)) is not None:
                frames.append(Frame(TEXT, text))
                continue
            try:
                frames += (frame for frame in reader.feed(piece) if frame is not PART)
            except FrameError as error:
                return frames, error.code
        return frames, 0

    def _compare(self, data: bytes, frames: list[Frame], code: int) -> None:
        protocol = FrameProtocol(client=False, extensions=[])
        protocol.receive_bytes(data)
        theirs: list[tuple[int, bytes]] = []
        payload, opcode = b"", 0
        try:
            for frame in protocol.received_frames():
                if frame.opcode is Opcode.CLOSE:
                    return  # wsproto reads no further, and judges its payload
                part = frame.payload
                part = part.encode() if isinstance(part, str) else bytes(cast(bytes, part))
                if frame.opcode >= Opcode.CLOSE:
                    theirs.append((int(frame.opcode), part))
                    continue
                payload, opcode = payload + part, int(frame.opcode)
                if frame.message_finished:
                    theirs.append((opcode, payload))
                    payload = b""
        except ParseFailed as error:
            # It decodes text as it comes, and judges what a CLOSE says: `WebSocket` does that here.
            # A length may have more bytes than it needs: who sends it breaks RFC 6455 §5.2, and
            # harms nobody. A head is refused once all of it is there.
            left = error.code == CloseReason.INVALID_FRAME_PAYLOAD_DATA or any(
                words in str(error) for words in ("CLOSE", "would have sufficed")
            )
            if not (code or left or self._ours(data + bytes(14), [])[1]):
                raise AssertionError(f"wsproto refuses it: {error}") from None
            return
        if code == PROTOCOL_ERROR:
            # A frame whose length nobody sends: theirs waits for the rest of it.
            return
        if not code:
            ours = [(frame.opcode, bytes(frame.payload)) for frame in frames]
            assert ours == theirs, f"{ours} is not {theirs}"


class Requests(Target):
    """Requests, envelopes and payloads: whatever is wrong is a `HearthError`."""

    name = "requests"
    corpus: ClassVar = [
        *(event.partition(b"[")[2].join([b"[", b""]) for event in EVENTS),
        b'["user_message",{"type":"user_message","content":"Hello","nonce":"n"}]',
        b'["auth",{"type":"auth","token":"a.b.c"}]',
        b'["git_status",{"channel":"ws","data":{"branch":"main","ahead":1,"changed":["a","b"]}}]',
        b'["tool_call",{"channel":"w/a/c","data":{"call_id":"1","tool":"t","arguments":{"a":1}}}]',
        b'["circle_status",{"channel":"c","data":{"online":1,"members":[{"id":"a","kind":"user"}]}}]',
    ]

    async def start(self) -> None:
        self._app = application()
        self._hub = self._app[HUB]
        self._identity = somebody("alice", "agent", "*:*:rw")

    async def read(self, data: bytes, chance: random.Random) -> None:
        try:
            name, argument, *_more = orjson.loads(data)
        except (ValueError, TypeError):
            return
        for request in (requests.JOIN, requests.HISTORY, requests.PUBLISH, requests.AUTHENTICATE):
            with suppress(*REFUSED):
                request.load(argument)
        payload = argument.get("data") if isinstance(argument, dict) else argument
        for message_type in self._hub.registry:
            with suppress(*REFUSED):
                message_type.load(payload)
        if isinstance(name, str):
            for namespace in self._hub.registry.namespaces:
                with suppress(*REFUSED):
                    self._hub.require_type(self._identity, namespace, name)
        with suppress(*REFUSED):
            frame = orjson.dumps(argument).decode()
            message = read_message(frame, 10_000)
            with suppress(*REFUSED):
                read_token(message)
            read_draft(message, [TEAM], self._identity)


class Tokens(Target):
    """Tokens: what isn't valid is refused by a `HearthError`, whatever signed it."""

    name = "tokens"
    corpus: ClassVar = [
        *(ALICE.encode(), SERVICE.encode(), b"a.b.c", b"e30.e30.", b"Bearer "),
        b'{"sub":"ann","kind":"user","grants":["circles:*:rw"],"exp":4102444800}',
        b'{"sub":"a","kind":"agent","grants":["*:*:r"],"agent_id":7,"iat":1,"nbf":1}',
        b'{"sub":"s","kind":"service","grants":[],"aud":"x","iss":"y"}',
    ]

    async def start(self) -> None:
        self._authenticator = Authenticator(
            Settings(auth_secret=SECRET, auth_mode="required"), SettableClock()
        )

    async def read(self, data: bytes, chance: random.Random) -> None:
        text = data.decode(errors="replace")
        environ = {
            "HTTP_AUTHORIZATION": chance.choice([text, f"Bearer {text}", ""]),
            "HTTP_SEC_WEBSOCKET_PROTOCOL": chance.choice([text, f"bearer, {text}", ""]),
            "QUERY_STRING": chance.choice([text, f"token={text}", f"access_token={text}", ""]),
        }
        for auth in (None, text, {"token": text}, {"token": [text]}, [text]):
            with suppress(*REFUSED):
                self._identify(find_token(environ, auth))
        with suppress(ValueError, TypeError):
            claims = orjson.loads(data)
            if isinstance(claims, dict):
                self._identify(jwt.encode(claims, SECRET, "HS256"))

    def _identify(self, token: str | None) -> None:
        with suppress(*REFUSED):
            self._authenticator.identify(token)
