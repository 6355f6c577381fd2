"""Adding types and looking them up."""

from __future__ import annotations

import pytest

from schemas.errors import SchemaError
from schemas.fields import Integer
from schemas.payloads import Payload
from schemas.registry import MessageType, NamespaceRules, Registry

SERVICES = frozenset({"service"})


class Deployment(Payload):
    """What a plugin might bring."""

    build = Integer(required=True, minimum=1)


def registry() -> Registry:
    return Registry([NamespaceRules("/notifications", "any"), NamespaceRules("/feeds", "any")])


def message_type(
    name: str = "my_plugin_update",
    namespace: str = "/notifications",
    publishers: frozenset[str] = SERVICES,
) -> MessageType:
    return MessageType(name, namespace, Deployment(), publishers)


def test_a_type_of_a_plugin_registers_and_validates() -> None:
    types, deployment = registry(), message_type()
    types.register(deployment)
    assert types.require("/notifications", "my_plugin_update") is deployment
    assert list(types) == [deployment]
    deployment.load({"build": 7, "by": "ci"})
    with pytest.raises(SchemaError) as caught:
        deployment.load({"build": "7"})
    assert list(caught.value.fields) == ["data.build"]


def test_a_type_is_kept_and_nobody_publishes_it_unless_it_says_so() -> None:
    silent = MessageType("silent", "/feeds", Payload())
    assert silent.kept is True
    assert silent.publishers == frozenset()


@pytest.mark.parametrize(
    "name",
    [
        "connect",
        "connect_error",
        "disconnect",
        "disconnecting",
        "newListener",
        "removeListener",
        "join",
        "leave",
        "history",
        "presence",
        "authenticate",
        "ping",
        "pong",
        "error",
        "connection_ack",
    ],
)
def test_reserved_names_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match=name):
        registry().register(message_type(name))


@pytest.mark.parametrize(
    "name",
    ["", "A", "myPlugin", "7up", "_a", "my-plugin", "a b", "a\n", "ä", "*", ".a", "a:b", "x" * 65],
    ids=ascii,
)
def test_malformed_names_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="can't be the name of a type"):
        registry().register(message_type(name))


def test_a_longest_name_is_taken() -> None:
    registry().register(message_type("x" * 64))


def test_a_name_is_taken_once_per_namespace() -> None:
    types, first = registry(), message_type()
    types.register(first)
    types.register(message_type(namespace="/feeds"))
    with pytest.raises(ValueError, match="twice"):
        types.register(message_type())
    assert types.get("/notifications", "my_plugin_update") is first


@pytest.mark.parametrize("namespace", ["/other", "notifications", "", "/"])
def test_unknown_namespaces_are_refused(namespace: str) -> None:
    with pytest.raises(ValueError, match="no namespace"):
        registry().register(message_type(namespace=namespace))


@pytest.mark.parametrize("kind", ["admin", "Service", "", "users"])
def test_unknown_kinds_are_refused(kind: str) -> None:
    with pytest.raises(ValueError, match="publishers"):
        registry().register(message_type(publishers=frozenset({"service", kind})))


def test_what_was_refused_is_not_there() -> None:
    types = registry()
    with pytest.raises(ValueError, match="publishers"):
        types.register(message_type(publishers=frozenset({"admin"})))
    assert list(types) == []


@pytest.mark.parametrize(
    ("namespace", "name", "field"),
    [
        ("/feeds", "my_plugin_update", "type"),
        ("/other", "my_plugin_update", "namespace"),
        ("/notifications", "other", "type"),
    ],
)
def test_a_type_of_another_namespace_is_unknown_here(namespace: str, name: str, field: str) -> None:
    types = registry()
    types.register(message_type())
    assert types.get(namespace, name) is None
    with pytest.raises(SchemaError) as caught:
        types.require(namespace, name)
    assert list(caught.value.fields) == [field]
