"""Whatever a connection sends: no exception is logged, and everybody else is served."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fixtures.clients import Connect, OpenWire
from tests.fixtures.logs import Logs
from tests.support.client import Client
from tests.support.tokens import ALICE, BOB

SERVED_BY_ONE_SERVER = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
CONNECT = "40/circles," + json.dumps({"token": ALICE})
GOOD_FRAMES = [
    CONNECT,
    "41/circles,",
    '42/circles,1["ping"]',
    '42/circles,["join",{"channel":"fuzz","since":{"offset":1,"epoch":"e"},"history":3}]',
    '42/circles,2["user_message",{"channel":"fuzz","data":{"content":"x"},"nonce":"n"}]',
    '42/circles,3["history",{"channel":"fuzz","before":5,"limit":2}]',
    '42/circles,4["leave",{"channel":"fuzz"}]',
    '43/circles,1[{"ok":true}]',
    '451-/circles,5["join",{"_placeholder":true,"num":0}]',
    '461-/circles,5[{"_placeholder":true,"num":0}]',
]
EVENTS = [
    *("join", "leave", "history", "presence", "authenticate", "ping"),
    *("user_message", "agent_message", "typing", "agent_joined", "connect", "__init__"),
]

json_texts = st.recursive(
    st.sampled_from(["null", "true", "0", "-1", "1e999", "NaN", "9" * 30, "0.5", '""', '"\\ud800"'])
    | st.text(st.characters(exclude_categories=["Cs"])).map(json.dumps),
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda items: f"[{','.join(items)}]")
        | st.dictionaries(
            st.sampled_from(
                ["channel", "data", "content", "since", "offset", "epoch", "nonce", "x"]
            ),
            inner,
            max_size=4,
        ).map(
            lambda items: "{" + ",".join(f'"{key}":{value}' for key, value in items.items()) + "}"
        )
    ),
    max_leaves=10,
)


@st.composite
def damaged_frames(draw: st.DrawFn) -> str:
    """A good frame with a piece cut out and another put in."""
    frame = draw(st.sampled_from(GOOD_FRAMES))
    start = draw(st.integers(1, len(frame)))
    end = draw(st.integers(start, len(frame)))
    piece = draw(st.text(st.sampled_from('0123456789-,/[]{}":_\\x\u0661\x1e'), max_size=3))
    return frame[:start] + piece + frame[end:]


frames = st.lists(
    st.sampled_from(GOOD_FRAMES)
    | damaged_frames()
    | st.text(st.characters(exclude_categories=["Cs"])).map(lambda text: f"4{text}")
    | st.binary(max_size=20),
    min_size=1,
    max_size=8,
)


@pytest.fixture
async def bystander(connect: Connect) -> Client:
    """Somebody else, who stays connected all the time."""
    return await connect(token=BOB)


@SERVED_BY_ONE_SERVER
@given(frames=frames)
async def test_no_frame_makes_the_server_fail(
    bystander: Client, open_wire: OpenWire, logs: Logs, frames: list[str | bytes]
) -> None:
    wire = await (await open_wire()).join("/circles", ALICE)
    for frame in frames:
        await wire.send(frame)
    await wire.settle()
    await wire.close()
    assert logs.tracebacks() == []
    assert "a request failed" not in logs.events()
    assert (await bystander.request("presence", {"channel": "fuzz"}))["ok"] is True


@SERVED_BY_ONE_SERVER
@given(event=st.sampled_from(EVENTS), arguments=st.lists(json_texts, max_size=2))
async def test_every_request_gets_an_answer_and_none_makes_the_server_fail(
    open_wire: OpenWire, logs: Logs, event: str, arguments: list[str]
) -> None:
    wire = await (await open_wire()).join("/circles", ALICE)
    answer = await wire.request(f"[{','.join([json.dumps(event), *arguments])}]")
    assert answer["ok"] or answer["error"]["code"] in ("invalid", "forbidden", "unauthorized")
    assert await wire.settle()
    await wire.close()
    assert logs.tracebacks() == []
