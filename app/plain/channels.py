"""Channels: the dialect in which one connection has many channels, and requests are answered."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any, Final

import orjson

from app.core.channel import Channel
from app.core.clock import isoformat
from app.core.errors import HearthError
from app.core.identity import Identity
from app.core.message import Receipt
from app.hub.member import Member
from app.plain import texts
from app.plain.dialect import Dialect
from app.plain.encoding import WITH_NAMESPACE
from app.plain.incoming import read_token
from app.requests import answers, verbs
from app.transport.frames import TEXT, encode
from schemas.errors import SchemaError
from schemas.json_value import is_unicode

_MOST_ID: Final = 128
# What is no part of a request's argument, as its clients of Socket.IO send it.
_OUTER: Final = frozenset({"type", "id", "namespace"})


class Channels(Dialect):
    """Requests are those of Socket.IO clients, as frames with their namespace.

    One with an `id` is answered by an `ack` with the same; else a failed one by an `error`.
    """

    encoding = WITH_NAMESPACE

    def open_to(self, identity: Identity) -> tuple[Channel, ...]:
        return ()

    async def begin(self, member: Member) -> None:
        self.write(texts.acknowledgement(member.identity, self.client.limits, self.hub.clock()))

    def read(self, frame: str | bytes) -> dict[str, Any]:
        message = super().read(frame)
        one = message.get("id")
        if one is None:
            message.pop("id", None)
        elif not _is_id(one):
            raise SchemaError({"id": f"Must be an integer, or text of at most {_MOST_ID}."})
        return message

    def handle(self, member: Member, message: dict[str, Any]) -> Awaitable[object] | None:
        match message["type"]:
            case "ping":
                self._answer(message, {"ok": True, "server_time": isoformat(self.hub.clock())})
                self.pong()
            case "pong":
                pass  # some clients' answer to a heartbeat
            case "authenticate":
                return self._authenticate(message)
            case name if name in verbs.VERBS:
                return verbs.VERBS[name](
                    self.hub,
                    member,
                    self._namespace(message),
                    _argument(message),
                    lambda answer: self._answer(message, answer),
                )
            case _:
                return self._publish(member, message)
        return None

    def _publish(self, member: Member, message: dict[str, Any]) -> Awaitable[object] | None:
        receipt = verbs.publish(
            self.hub,
            member.identity,
            self._namespace(message),
            message["type"],
            _argument(message),
        )
        if isinstance(receipt, Receipt):
            self._answer_json(message, answers.published(receipt))
            return None
        return self._published(message, receipt)

    async def _published(self, message: dict[str, Any], pending: Awaitable[Receipt]) -> None:
        self._answer_json(message, answers.published(await pending))

    async def _authenticate(self, message: dict[str, Any]) -> None:
        argument = {key: value for key, value in message.items() if key != "id"}
        left = await self.client.authenticate(read_token(argument))
        where = [{"namespace": one.namespace, "channel": one.name} for one in sorted(left)]
        expires_at = verbs.expires_at(self.client.identity)
        self._answer(message, {"ok": True, "expires_at": expires_at, "left": where})

    def _namespace(self, message: dict[str, Any]) -> str:
        namespace = message.get("namespace")
        if not isinstance(namespace, str) or namespace not in self.hub.registry.namespaces:
            known = ", ".join(sorted(self.hub.registry.namespaces))
            raise SchemaError({"namespace": f"Must be one of {known}."})
        return namespace

    # Answers

    def fail(self, error: HearthError, message: dict[str, Any]) -> None:
        if "id" in message:
            self._answer(message, answers.failure(error))
        else:
            super().fail(error, message)

    def _answer(self, message: dict[str, Any], answer: dict[str, Any]) -> None:
        self._answer_json(message, orjson.dumps(answer))

    def _answer_json(self, message: dict[str, Any], answer: bytes) -> None:
        if "id" in message:
            head = b'{"type":"ack","id":%b,' % orjson.dumps(message["id"])
            self.write(encode(TEXT, head + answer[1:]))


def _is_id(value: object) -> bool:
    if isinstance(value, str):
        return len(value) <= _MOST_ID and is_unicode(value)
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < 1 << 53


def _argument(message: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in message.items() if key not in _OUTER}
