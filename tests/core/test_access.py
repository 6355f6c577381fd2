"""Access rules: who may read, publish and see members where."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, get_args

import pytest

from app.core import access
from app.core.channel import BROADCAST_CHANNEL, Channel, user_channel
from app.core.errors import Forbidden
from app.core.identity import Identity, Kind
from tests.support.messages import TEAM, somebody

ALL = "*:*:rw"
ALICES = user_channel("alice")


@pytest.mark.parametrize(
    ("identity", "channel", "readable"),
    [
        (somebody("alice"), TEAM, False),
        (somebody("alice", "user", "circles:dev-*:r"), TEAM, True),
        (somebody("alice", "user", "circles:dev-*:w"), TEAM, False),
        (somebody("alice"), BROADCAST_CHANNEL, True),
        (somebody("agent-7", "agent"), BROADCAST_CHANNEL, True),
        (somebody("alice"), ALICES, True),
        (somebody("bob", "user", ALL), ALICES, False),
        (somebody("bob", "user", "notifications:user:alice:rw"), ALICES, False),
        (somebody("alice", "agent", ALL), ALICES, False),
        (somebody("alice", "service"), ALICES, False),
        (somebody("ci", "service", ALL), ALICES, True),
        (somebody("ci", "service"), ALICES, False),
        (somebody("alice"), Channel("/circles", "user:alice"), False),
    ],
)
def test_reading(identity: Identity, channel: Channel, readable: bool) -> None:
    assert access.may_read(identity, channel) is readable
    if readable:
        access.require_read(identity, channel)
    else:
        with pytest.raises(Forbidden):
            access.require_read(identity, channel)


@pytest.mark.parametrize(
    ("identity", "channel", "visible"),
    [
        (somebody("alice", "user", "circles:*:r"), TEAM, True),
        (somebody("alice"), TEAM, False),
        (somebody("alice"), ALICES, True),
        (somebody("bob", "user", ALL), ALICES, False),
        (somebody("alice"), BROADCAST_CHANNEL, False),
        (somebody("alice", "user", "notifications:broadcast:r"), BROADCAST_CHANNEL, True),
    ],
)
def test_seeing_members(identity: Identity, channel: Channel, visible: bool) -> None:
    assert access.may_see_members(identity, channel) is visible
    if visible:
        access.require_members(identity, channel)
    else:
        with pytest.raises(Forbidden):
            access.require_members(identity, channel)


@pytest.mark.parametrize(
    ("identity", "publishers"),
    [
        (somebody("alice", "user", ALL), {"user", "agent"}),
        (somebody("alice", "user", "circles:dev-team:w"), {"user"}),
        (somebody("agent-7", "agent", ALL), {"agent"}),
    ],
)
def test_publishing_with_both_grant_and_kind(identity: Identity, publishers: set[str]) -> None:
    access.require_publish(identity, TEAM, "user_message", publishers)


@pytest.mark.parametrize(
    ("identity", "publishers", "why"),
    [
        (somebody("alice", "user", ALL), {"agent"}, "kind"),
        (somebody("alice", "user", ALL), set[str](), "kind"),
        (somebody("ci", "service", ALL), {"user", "agent"}, "kind"),
        (somebody("alice", "user", "circles:*:r"), {"user"}, "token"),
        (somebody("alice", "user", "circles:other:rw"), {"user"}, "token"),
        (somebody("alice"), {"user"}, "token"),
    ],
)
def test_publishing_without_one_of_them(identity: Identity, publishers: set[str], why: str) -> None:
    with pytest.raises(Forbidden, match=why):
        access.require_publish(identity, TEAM, "user_message", publishers)


@pytest.mark.parametrize("kind", get_args(Kind))
@pytest.mark.parametrize(
    "channel", [TEAM, Channel("/circles", "Dev Team"), Channel("/feeds", "codeworm:logs"), ALICES]
)
def test_who_may_not_is_told_which_grant_would_do(kind: Kind, channel: Channel) -> None:
    def read(identity: Identity) -> None:
        access.require_read(identity, channel)

    def publish(identity: Identity) -> None:
        access.require_publish(identity, channel, "log", set(get_args(Kind)))

    for ask in (read, publish):
        with pytest.raises(Forbidden) as refused:
            ask(somebody("eve", kind))
        _what, names_it, grant = refused.value.message.removesuffix(".").partition("a grant like ")
        if names_it:
            ask(somebody("eve", kind, grant))
        else:  # none would
            with pytest.raises(Forbidden):
                ask(somebody("eve", kind, ALL, "notifications:user:alice:rw"))


def test_an_agent_publishes_into_its_own_channel_only() -> None:
    publishers = {"agent", "service"}
    agent = somebody("agent-7", "agent", ALL)
    own, others = Channel("/agents", "agent-7"), Channel("/agents", "agent-8")
    access.require_publish(agent, own, "agent_status", publishers)
    with pytest.raises(Forbidden, match="own channel"):
        access.require_publish(agent, others, "agent_status", publishers)
    access.require_publish(somebody("ci", "service", ALL), others, "agent_status", publishers)


def test_an_agent_needs_a_grant_for_its_own_channel_too() -> None:
    with pytest.raises(Forbidden, match="token"):
        access.require_publish(
            somebody("agent-7", "agent"), Channel("/agents", "agent-7"), "agent_status", {"agent"}
        )


def test_a_user_does_not_publish_into_its_own_notifications() -> None:
    with pytest.raises(Forbidden):
        access.require_publish(somebody("alice"), ALICES, "notification", {"service"})


@pytest.mark.parametrize("channel", [ALICES, BROADCAST_CHANNEL])
def test_a_user_publishes_into_its_own_notifications_only(channel: Channel) -> None:
    access.require_publish(somebody("alice"), ALICES, "notification_read", {"user"})
    with pytest.raises(Forbidden):
        access.require_publish(somebody("bob", "user", ALL), channel, "notification_read", {"user"})


@pytest.mark.parametrize(
    ("grant", "notified"),
    [
        ("notifications:user:alice:w", True),
        ("notifications:user:a*:rw", True),
        ("notifications:user:*:w", True),
        ("/notifications:user:alice:w", True),
        ("notifications:user:alice:r", False),
        ("notifications:user:bob:w", False),
        ("notifications:*:w", False),
        ("notifications:**:w", False),
        ("*:user:alice:w", False),
        ("notif*:user:alice:w", False),
        (ALL, False),
    ],
)
def test_an_agent_notifies_users_that_a_grant_names(grant: str, notified: bool) -> None:
    agent, publishers = somebody("agent-7", "agent", grant), {"agent", "service"}
    if notified:
        access.require_publish(agent, ALICES, "notification", publishers)
    else:
        with pytest.raises(Forbidden):
            access.require_publish(agent, ALICES, "notification", publishers)
    with pytest.raises(Forbidden):
        access.require_publish(agent, BROADCAST_CHANNEL, "notification", publishers)


def test_no_agent_notifies_everybody() -> None:
    agent = somebody("agent-7", "agent", "notifications:broadcast:w", "notifications:b*:w")
    with pytest.raises(Forbidden):
        access.require_publish(agent, BROADCAST_CHANNEL, "notification", {"agent"})


@pytest.mark.parametrize(
    ("claim", "named", "published"),
    [
        (None, {}, "agent-7"),
        (None, {"agent_id": None}, "agent-7"),
        (None, {"agent_id": "agent-7"}, "agent-7"),
        (7, {}, "agent-7"),
        (7, {"agent_id": 7}, 7),
        (7, {"agent_id": "7"}, "7"),
        ("seven", {"agent_id": "seven"}, "seven"),
        (None, {"agent_id": 7}, None),
        (None, {"agent_id": "agent-8"}, None),
        (None, {"agent_id": "None"}, None),
        (7, {"agent_id": 8}, None),
        (7, {"agent_id": True}, None),
        (7, {"agent_id": ["agent-7"]}, None),
    ],
)
def test_an_agent_goes_by_its_own_name(claim: Any, named: Any, published: Any) -> None:
    agent = replace(somebody("agent-7", "agent"), agent_id=claim)
    if published is None:
        with pytest.raises(Forbidden, match="agent_id"):
            access.name_agent(agent, named)
    else:
        assert access.name_agent(agent, named) == {"agent_id": published}
