"""What may not be published costs nothing to refuse, and what goes to many is looked at once."""

from __future__ import annotations

from functools import partial
from typing import Any, Final

import pytest

from app.core.channel import Channel
from app.core.errors import Forbidden
from app.core.identity import Identity
from app.hub.draft import Draft
from app.hub.hub import Hub
from app.hub.surrogates import SplitCharacters
from app.plain.incoming import read_draft
from app.requests import verbs
from schemas.errors import SchemaError
from tests.support.calls import calls
from tests.support.messages import somebody

SITE: Final = Channel("/workspaces", "site")
MANY: Final = 100_000
#: Calls for a small message; a pass over `MANY` of anything takes more.
FEW: Final = 1_000
WRONG: Final[dict[str, Any]] = {
    "numbers": {"branch": "main", "changed": list(range(MANY))},
    "further keys": {f"key {number}": number for number in range(MANY)},
    "broken text": {"branch": "\ud800" * MANY, "changed": ["\ud800"] * MANY},
}
WHO: Final = {
    "of a kind that may not": somebody("alice", "user", "*:*:rw"),
    "without a grant": somebody("ci", "service", "circles:*:rw"),
}


@pytest.mark.parametrize("data", WRONG.values(), ids=WRONG.keys())
@pytest.mark.parametrize("identity", WHO.values(), ids=WHO.keys())
async def test_permission_is_judged_before_the_payload_is_looked_at(
    hub: Hub, identity: Identity, data: dict[str, Any]
) -> None:
    def by_request() -> object:
        argument = {"channel": SITE.name, "data": data}
        return verbs.publish(hub, identity, SITE.namespace, "git_status", argument)

    def by_frame() -> object:
        return hub.publish_as(
            identity, read_draft({"type": "git_status", "data": data}, [SITE], identity)
        )

    for publish in (by_request, by_frame):
        with pytest.raises(Forbidden):
            publish()
        assert calls(publish, Forbidden) < FEW


async def test_whose_an_agent_id_is_costs_nothing_to_see(hub: Hub) -> None:
    agent = somebody("agent-7", "agent", "*:*:rw")
    argument = {"channel": "dev-team", "data": {"content": "", "agent_id": [[1]] * MANY}}
    publish = partial(verbs.publish, hub, agent, "/circles", "agent_message", argument)
    with pytest.raises(Forbidden):
        publish()
    assert calls(publish, Forbidden) < FEW


@pytest.mark.parametrize("data", WRONG.values(), ids=WRONG.keys())
async def test_of_an_emit_to_many_a_wrong_payload_is_looked_at_once(
    hub: Hub, data: dict[str, Any]
) -> None:
    data = {key: item for key, item in data.items() if key != "branch"}

    def cost(rooms: int) -> int:
        drafts = [Draft(Channel("/workspaces", f"w{n}"), "git_status", data) for n in range(rooms)]
        emit = hub.publish_emit(drafts, None, 1_000_000)  # type: ignore[arg-type]

        def run() -> None:
            with pytest.raises(StopIteration) as stopped:
                emit.send(None)
            assert isinstance(stopped.value.value.refused, SchemaError)

        return calls(run)

    assert cost(1_000) < cost(1) + 1_000 * 10


async def test_an_emit_that_is_too_large_is_not_made_to_its_end(hub: Hub) -> None:
    made = 0

    class Counted(Draft):
        def encode(self, data: Any, timestamp: str) -> bytes:
            nonlocal made
            made += 1
            return super().encode(data, timestamp)

    data = {"content": "x" * 1_000}
    drafts = [Counted(Channel("/circles", f"c{n}"), "user_message", data) for n in range(1_000)]
    emitted = await hub.publish_emit(drafts, None, 10_000)  # type: ignore[arg-type]
    assert "1000 channels" in str(emitted.refused)
    assert made < 12


def test_what_waits_for_half_a_character_is_small() -> None:
    split = SplitCharacters()
    for message_id in ("x" * 1_000_000, ["x"] * 1_000_000, None):
        data = {"message_id": message_id, "index": 0, "delta": "\ud83d"}
        assert split.join(SITE, data) is data
    assert not split._halves
