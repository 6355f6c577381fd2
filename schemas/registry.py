"""Registry of namespaces, and of types with their payloads and publishers."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from marshmallow import Schema

from app.core.channel import id_problem, name_problem
from schemas.acceptor import Accept, compile_acceptor
from schemas.errors import SchemaError
from schemas.json_value import json_problem

KINDS: Final = frozenset({"user", "agent", "service"})
_CACHED_CHANNELS: Final = 4096
_TYPE_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,63}")
# Socket.IO's own events, and the requests and events that every namespace has.
RESERVED: Final = frozenset(
    {"connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"}
    | {"join", "leave", "history", "presence", "authenticate"}
    | {"ping", "pong", "error", "connection_ack"}
)


@dataclass(frozen=True, slots=True)
class MessageType:
    """One type of message in one namespace.

    Args:
        name: also the Socket.IO event.
        namespace: e.g. `/circles`.
        payload: the schema of its `data`.
        publishers: kinds of identity that may publish it; none: workers and Hearth only.
        kept: whether it is kept in history.
    """

    name: str
    namespace: str
    payload: Schema
    publishers: frozenset[str] = frozenset()
    kept: bool = True
    key: tuple[str, str] = field(init=False, repr=False, compare=False)
    _accepts: Accept = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "key", (self.namespace, self.name))
        object.__setattr__(self, "_accepts", compile_acceptor(self.payload))

    def check(self, data: Any) -> None:
        """Raise `SchemaError` unless `data` is a payload of this type."""
        if self._accepts(data):
            return
        if not isinstance(data, dict):
            raise SchemaError({"data": "Must be an object."})
        if (problem := json_problem(data)) is not None:
            raise SchemaError({"data": problem})
        if errors := self.payload.validate(data):
            raise SchemaError.from_marshmallow(errors, "data")


@dataclass(frozen=True, slots=True)
class NamespaceRules:
    """One namespace.

    Args:
        name: e.g. `/chat`.
        channel: what its channels are, in words.
        channel_problem: returns why a name can't be that of a channel here, or None if it can; the
            rule for all names has been checked.
    """

    name: str
    channel: str
    channel_problem: Callable[[str], str | None] = id_problem


class Registry:
    """All namespaces and types."""

    def __init__(
        self, namespaces: Iterable[NamespaceRules] = (), types: Iterable[MessageType] = ()
    ) -> None:
        self.namespaces = {rules.name: rules for rules in namespaces}
        self._types: dict[tuple[str, str], MessageType] = {}
        self._by_namespace: dict[str, dict[str, MessageType]] = {
            name: {} for name in self.namespaces
        }
        self._checked: set[tuple[str, str]] = set()  # a cache of valid channels
        for message_type in types:
            self.register(message_type)

    def register(self, message_type: MessageType) -> None:
        """Add a type.

        Raises:
            ValueError: its name is reserved, taken or malformed, its namespace is unknown, or a
                publisher is no kind of identity.
        """
        key = message_type.key
        if message_type.namespace not in self.namespaces:
            raise ValueError(f"{message_type.name}: no namespace {message_type.namespace}")
        if message_type.name in RESERVED or not _TYPE_NAME.fullmatch(message_type.name):
            raise ValueError(f"{message_type.name!r} can't be the name of a type")
        if key in self._types:
            raise ValueError(f"{message_type.name} is registered in {message_type.namespace} twice")
        if not message_type.publishers <= KINDS:
            raise ValueError(f"{message_type.name}: publishers are among {sorted(KINDS)}")
        self._types[key] = message_type
        self._by_namespace[message_type.namespace][message_type.name] = message_type

    def types(self, namespace: str) -> Mapping[str, MessageType]:
        """Return the types of a namespace by name, including those that are registered later."""
        return self._by_namespace[namespace]

    def get(self, namespace: str, name: str) -> MessageType | None:
        """Return a type, or None if the namespace has none of that name."""
        return self._types.get((namespace, name))

    def require(self, namespace: str, name: str) -> MessageType:
        """Return a type. Raises `SchemaError` if the namespace has none of that name."""
        message_type = self._types.get((namespace, name))
        if message_type is None:
            if namespace not in self.namespaces:
                raise SchemaError({"namespace": "Not a namespace of this server."})
            raise SchemaError({"type": f"Not a type of message in {namespace}."})
        return message_type

    def check_channel(self, namespace: str, name: str) -> None:
        """Raise `SchemaError` unless `name` can be the name of a channel in `namespace`."""
        if (namespace, name) in self._checked:
            return
        rules = self.namespaces.get(namespace)
        if rules is None:
            raise SchemaError({"namespace": "Not a namespace of this server."})
        if (problem := name_problem(name) or rules.channel_problem(name)) is not None:
            what = f"Channels of {namespace} are {rules.channel}"
            raise SchemaError({"channel": f"{what}. {problem}"})
        if len(self._checked) >= _CACHED_CHANNELS:
            self._checked.clear()
        self._checked.add((namespace, name))

    def __iter__(self) -> Iterator[MessageType]:
        return iter(self._types.values())
