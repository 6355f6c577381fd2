"""The built-in types are exactly those that docs/protocol.md lists."""

from __future__ import annotations

import pytest

from app.core.channel import Channel
from schemas.catalogue import CUSTOM_TYPES, standard_registry
from schemas.errors import SchemaError
from tests.support.documented import TYPES

NAMESPACES = ["/circles", "/workspaces", "/agents", "/notifications", "/chat", "/feeds"]


def test_types_publishers_and_what_is_kept() -> None:
    actual = {(one.namespace, one.name): (one.publishers, one.kept) for one in standard_registry()}
    assert actual == {
        (row.namespace, row.name): (frozenset(row.publishers.split()), row.kept) for row in TYPES
    }


def test_namespaces() -> None:
    assert list(standard_registry().namespaces) == NAMESPACES


def test_each_registry_is_its_own() -> None:
    one, other = standard_registry(), standard_registry()
    one.namespaces.clear()
    assert other.namespaces


def test_custom_types_are_registered_too() -> None:
    registry = standard_registry()
    assert CUSTOM_TYPES
    assert all(registry.get(one.namespace, one.name) is one for one in CUSTOM_TYPES)


@pytest.mark.parametrize(
    ("namespace", "name"),
    [
        ("/circles", "dev-team"),
        ("/circles", "a"),
        ("/circles", "x" * 128),
        ("/circles", "Az09_.:/-"),
        ("/workspaces", "7"),
        ("/agents", "agent-7"),
        ("/notifications", "user:alice"),
        ("/notifications", "user:auth0:alice/1"),
        ("/notifications", "broadcast"),
        ("/chat", "flow/app/1"),
        ("/chat", "flow:a/app.b/chat-1_c"),
        ("/feeds", "codeworm:logs"),
    ],
)
def test_names_of_channels(namespace: str, name: str) -> None:
    standard_registry().check_channel(Channel(namespace, name))


@pytest.mark.parametrize("namespace", NAMESPACES)
@pytest.mark.parametrize(
    "name",
    [
        "",
        " ",
        "a b ",
        "dev-team\n",
        "\ndev-team",
        "a\nb",
        "dev\x00team",
        "a\u0308",
        "a~",
        "a*b",
        "*",
        "x" * 1025,
        "x" * 1_000_000,
        "\ud800",
        "user:a\n",
        "broadcast\n",
        "flow/app/1\n",
    ],
    ids=lambda name: ascii(name[:12]),
)
def test_what_is_never_the_name_of_a_channel(namespace: str, name: str) -> None:
    with pytest.raises(SchemaError) as caught:
        standard_registry().check_channel(Channel(namespace, name))
    assert list(caught.value.fields) == ["channel"]


@pytest.mark.parametrize(
    ("namespace", "name"),
    [
        ("/notifications", "alice"),
        ("/notifications", "user:"),
        ("/notifications", "broadcast2"),
        ("/notifications", "a-broadcast"),
        ("/chat", "flow"),
        ("/chat", "flow/app"),
        ("/chat", "flow/app/1/2"),
        ("/chat", "flow//1"),
        ("/chat", "/app/1"),
    ],
)
def test_names_that_the_namespace_does_not_have(namespace: str, name: str) -> None:
    with pytest.raises(SchemaError) as caught:
        standard_registry().check_channel(Channel(namespace, name))
    assert list(caught.value.fields) == ["channel"]


@pytest.mark.parametrize("namespace", ["", "/", "circles", "/circles/", "/other", "/chat\n"])
def test_unknown_namespaces(namespace: str) -> None:
    with pytest.raises(SchemaError) as caught:
        standard_registry().check_channel(Channel(namespace, "dev-team"))
    assert list(caught.value.fields) == ["namespace"]
