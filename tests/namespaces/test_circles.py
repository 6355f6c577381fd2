"""People and agents in a circle."""

from __future__ import annotations

from tests.conftest import AGENT, ALICE, Connect


async def test_a_message_reaches_every_member_and_its_author_gets_its_place(
    connect: Connect,
) -> None:
    alice, agent = await connect(token=ALICE), await connect(token=AGENT)
    for client in (alice, agent):
        joined = await client.request("join", {"channel": "dev-team"})
        assert joined["ok"] is True
    sent = await alice.request(
        "user_message", {"channel": "dev-team", "data": {"content": "Hello"}, "nonce": "n1"}
    )
    message = await agent.next("user_message")
    assert message == {
        "type": "user_message",
        "channel": "dev-team",
        "data": {"content": "Hello"},
        "timestamp": sent["timestamp"],
        "sender": {"id": "alice", "kind": "user"},
        "nonce": "n1",
        "offset": sent["offset"],
    }
    assert await alice.next("user_message") == message
