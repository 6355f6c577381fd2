"""The inbox of hearth-realtime against a channel that is told to do anything."""

from __future__ import annotations

from typing import Any

from hearth_realtime.inbox import Inbox
from hearth_realtime.messages import DISCONTINUITY, Position
from hypothesis import given
from hypothesis import strategies as st

HISTORY_SIZE = 6
MAX_UNREAD = 3
NOW = "2026-11-20T12:00:00.000Z"


class Server:
    """A channel as the protocol describes it; every message says how manieth it is of all."""

    def __init__(self) -> None:
        self.published = 0
        self.offset = 0
        self.life = 1
        self.kept: list[dict[str, Any]] = []
        self.gone: set[int] = set()  # nobody can tell where these were

    @property
    def epoch(self) -> str:
        return f"e{self.life}"

    def publish(self) -> dict[str, Any]:
        self.published += 1
        self.offset += 1
        data, timestamp = {"number": self.published}, f"t{self.published}"
        envelope = {"type": "log", "channel": "c", "data": data, "timestamp": timestamp}
        self.kept = [*self.kept, envelope | {"offset": self.offset}][-HISTORY_SIZE:]
        return self.kept[-1]

    def lose_history(self) -> None:
        self.life, self.offset, self.kept = self.life + 1, 0, []

    def renounce(self) -> None:
        """History went back in time: what is left of it is kept, under a new epoch."""
        self.life += 1
        self.gone |= {one["data"]["number"] for one in self.kept[-1:]}
        self.kept = self.kept[:-1]
        self.offset = self.kept[-1]["offset"] if self.kept else 0

    def discontinuity(self) -> dict[str, Any]:
        data = {"offset": self.offset, "epoch": self.epoch}
        return {"type": DISCONTINUITY, "channel": "c", "data": data, "timestamp": NOW}

    def join(self, since: dict[str, Any] | None = None) -> dict[str, Any]:
        answer: dict[str, Any] = {"channel": "c", "offset": self.offset, "epoch": self.epoch}
        if since is None:
            return answer | {"messages": [], "recovered": False}
        missed = [one for one in self.kept if one["offset"] > since["offset"]]
        whole = since["epoch"] == self.epoch and since["offset"] + len(missed) == self.offset
        return answer | {"messages": missed if whole else self.kept, "recovered": whole}

    def history(self, before: int, limit: int) -> dict[str, Any]:
        page = [one for one in self.kept if one["offset"] < before][-limit:]
        return {"messages": page, "offset": self.offset, "epoch": self.epoch}


STEPS = st.sampled_from(
    ["publish"] * 6 + ["drop", "lose", "join", "read", "read", "lose_history", "renounce", "typing"]
)


@given(st.lists(STEPS, max_size=60))
def test_in_order_each_once_and_what_is_missing_is_told(steps: list[str]) -> None:
    server, inbox = Server(), Inbox(MAX_UNREAD)
    got: list[int | str] = []
    inbox.on_joined(server.join(), NOW)

    def read() -> None:
        ask()
        if (message := inbox.pop()) is not None and message.type != "typing":
            got.append(message.data.get("number", DISCONTINUITY))

    def ask() -> None:
        if inbox.wanted == "join":
            inbox.on_joined(server.join(**inbox.join_request()), NOW)
        elif inbox.wanted == "history":
            inbox.on_history(server.history(**inbox.history_request()))

    for step in steps:
        match step:
            case "publish":
                inbox.on_message(server.publish())
            case "drop":  # what was on its way when the connection was lost
                server.publish()
                inbox.lose()
            case "lose":
                inbox.lose()
            case "join":
                inbox.on_joined(server.join(**inbox.join_request()), NOW)
            case "read":
                read()
            case "lose_history" | "renounce":
                getattr(server, step)()
                inbox.on_message(server.discontinuity())
            case "typing":
                inbox.on_message({"type": "typing", "channel": "c", "data": {}, "timestamp": NOW})
        assert len(inbox._unread) <= MAX_UNREAD + 1
    inbox.on_joined(server.join(**inbox.join_request()), NOW)
    while not inbox.whole or inbox._unread:
        read()
    numbers = [one for one in got if isinstance(one, int)]
    assert numbers == sorted(set(numbers))
    last, told = 0, False
    for one in [*got, server.published + 1]:
        if isinstance(one, int):
            missing = set(range(last + 1, one))
            assert told or missing <= server.gone
            assert not missing or DISCONTINUITY in got
            last, told = one, False
        else:
            told = True
    assert inbox.position == Position(server.offset, server.epoch)
