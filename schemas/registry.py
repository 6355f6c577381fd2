"""Registry of namespaces, and of types with their payloads and publishers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from marshmallow import Schema

from app.core.channel import Channel, id_problem, name_problem
from schemas.acceptor import Accept, compile_acceptor
from schemas.errors import SchemaError
from schemas.json_value import json_problem
from schemas.nesting import known
from schemas.nulls import optional_keys, without_nulls
from schemas.payloads import Payload
from schemas.type_names import is_type_name, unknown_type

KINDS: Final = frozenset({"user", "agent", "service"})
_CACHED_CHANNELS: Final = 4096
#: The name in metrics of all types that Hearth doesn't know. No type is called so.
OPEN: Final = "*"


@dataclass(frozen=True, slots=True)
class MessageType:
    """One type of message in one namespace.

    Args:
        name: also the Socket.IO event.
        namespace: e.g. `/circles`.
        payload: the schema of its `data`.
        publishers: kinds of identity that may publish it; none: workers and Hearth only.
        kept: whether it is kept in history.
        for_workers: whether the inbox has it, where a client publishes it.
        inbox_only: whether it goes to workers by the inbox, and to no member.
        names_agent, needs_agent: whether its payload may, or must, have an `agent_id`.
    """

    name: str
    namespace: str
    payload: Schema
    publishers: frozenset[str] = frozenset()
    kept: bool = True
    for_workers: bool = True
    inbox_only: bool = False
    names_agent: bool = field(init=False, repr=False, compare=False)
    needs_agent: bool = field(init=False, repr=False, compare=False)
    key: tuple[str, str] = field(init=False, repr=False, compare=False)
    _accepts: Accept = field(init=False, repr=False, compare=False)
    _optional: frozenset[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        named = self.payload.fields.get("agent_id")
        object.__setattr__(self, "names_agent", named is not None)
        object.__setattr__(self, "needs_agent", named is not None and named.required)
        object.__setattr__(self, "_optional", optional_keys(self.payload))
        object.__setattr__(self, "key", (self.namespace, self.name))
        object.__setattr__(self, "_accepts", compile_acceptor(self.payload))

    def load(self, data: Any) -> dict[str, Any]:
        """Return `data` as it is published: without the optional keys that are null.

        Raises:
            SchemaError: it isn't a payload of this type.
        """
        if self._accepts(data):
            accepted: dict[str, Any] = data
            return accepted
        if not isinstance(data, dict):
            raise SchemaError({"data": "Must be an object."})
        if (problem := json_problem(data)) is not None:
            raise SchemaError({"data": problem})
        loaded = dict(without_nulls(data, self._optional))
        # Keys that the schema doesn't know stay as they are.
        if errors := self.payload.validate(known(loaded, self.payload)):
            raise SchemaError.from_marshmallow(errors, "data")
        return loaded


@dataclass(frozen=True, slots=True)
class NamespaceRules:
    """One namespace.

    Types that Hearth doesn't know are open to workers, to `open_to`, and, if they have a dot in
    their names, to users, whose messages of them are for workers alone: so nobody speaks in
    another's types.

    Args:
        name: e.g. `/chat`.
        channel: what its channels are, in words.
        channel_problem: returns why a name can't be that of a channel here, or None if it can; the
            rule for all names has been checked.
        open_to: kinds of identity that publish types that Hearth doesn't know; none: there are
            none here.
    """

    name: str
    channel: str
    channel_problem: Callable[[str], str | None] = id_problem
    open_to: frozenset[str] = frozenset()


class Registry:
    """All namespaces and types.

    Args:
        open_types: whether namespaces may have types that Hearth doesn't know (`OPEN_TYPES`).
    """

    def __init__(
        self,
        namespaces: Iterable[NamespaceRules] = (),
        types: Iterable[MessageType] = (),
        *,
        open_types: bool = True,
    ) -> None:
        self.namespaces = {rules.name: rules for rules in namespaces}
        self._types: dict[tuple[str, str], MessageType] = {}
        self._by_namespace: dict[str, dict[str, MessageType]] = {
            name: {} for name in self.namespaces
        }
        self._open = {
            name: MessageType(OPEN, name, Payload(), rules.open_to)
            for name, rules in self.namespaces.items()
            if open_types and rules.open_to
        }
        self._for_inbox = {
            name: MessageType(OPEN, name, Payload(), frozenset({"user"}), inbox_only=True)
            for name in self._open
        }
        self._checked: set[Channel] = set()  # a cache of valid channels
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
        if not is_type_name(message_type.name):
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

    def find(self, namespace: str, name: str, kind: str | None = None) -> MessageType | None:
        """Return a type, or None if the namespace has none of that name for this kind.

        For a type that Hearth doesn't know, `MessageType.name` is `OPEN`.

        Args:
            kind: the kind of identity that publishes it; None: a worker.
        """
        message_type = self._types.get((namespace, name))
        if message_type is not None:
            return message_type
        if (opened := self._open.get(namespace)) is not None and is_type_name(name):
            if kind is None or kind in opened.publishers:
                return opened
            if kind == "user" and "." in name:
                return self._for_inbox[namespace]
        return None

    def require(self, namespace: str, name: str, kind: str | None = None) -> MessageType:
        """Return a type as `find` does. Raises `SchemaError` if there is none."""
        if (message_type := self.find(namespace, name, kind)) is not None:
            return message_type
        if namespace not in self.namespaces:
            raise SchemaError({"namespace": "Not a namespace of this server."})
        raise SchemaError({"type": unknown_type(name, namespace, self._by_namespace[namespace])})

    def check_channel(self, channel: Channel) -> None:
        """Raise `SchemaError` unless there can be such a channel."""
        if channel in self._checked:
            return
        namespace, name = channel
        rules = self.namespaces.get(namespace)
        if rules is None:
            raise SchemaError({"namespace": "Not a namespace of this server."})
        if (problem := name_problem(name) or rules.channel_problem(name)) is not None:
            what = f"Channels of {namespace} are {rules.channel}"
            raise SchemaError({"channel": f"{what}. {problem}"})
        if len(self._checked) >= _CACHED_CHANNELS:
            self._checked.clear()
        self._checked.add(channel)

    def __iter__(self) -> Iterator[MessageType]:
        return iter(self._types.values())
