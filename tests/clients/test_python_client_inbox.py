"""The inbox of hearth-realtime against a channel that is told to do anything."""

from __future__ import annotations

from typing import Any

from hearth_realtime.inbox import Inbox
from hearth_realtime.messages import DISCONTINUITY, Position
from hypothesis import given
from hypothesis import strategies as st

HISTORY_SIZE = 6
MAX_UNREAD = 3
#: Messages in an answer: what is left of them follows as events.
PART = 2
NOW = "2026-11-20T12:00:00.000Z"


class Server:
    """A channel as the protocol describes it, and one member of it.

    Every message says how manieth it is of all. One that flaps takes the place of the last such.
    """

    def __init__(self) -> None:
        self.published = 0
        self.offset = 0
        self.life = 1
        self.kept: list[dict[str, Any]] = []
        self.trimmed = 0  # the last offset that is gone, and that nothing stands for
        self.gone: set[int] = set()  # nobody can tell where these were
        self.replaced: set[int] = set()
        self.behind: tuple[str, int] | None = None  # where the member is, if it is catching up

    @property
    def epoch(self) -> str:
        return f"e{self.life}"

    def publish(self, flaps: bool = False) -> dict[str, Any]:
        self.published += 1
        self.offset += 1
        data, timestamp = {"number": self.published, "flaps": flaps}, f"t{self.published}"
        envelope = {"type": "log", "channel": "c", "data": data, "timestamp": timestamp}
        for one in [one for one in self.kept if flaps and one["data"]["flaps"]]:
            self.kept.remove(one)
            self.replaced.add(one["data"]["number"])
        self.kept.append(envelope | {"offset": self.offset})
        if len(self.kept) > HISTORY_SIZE:
            self.trimmed = self.kept.pop(0)["offset"]
        return self.kept[-1]

    def lose_history(self) -> None:
        self.life, self.offset, self.trimmed, self.kept = self.life + 1, 0, 0, []

    def renounce(self) -> None:
        """History went back in time: what is left of it is kept, under a new epoch."""
        self.life += 1
        self.gone |= {one["data"]["number"] for one in self.kept[-1:]}
        self.kept = self.kept[:-1]
        self.offset = self.kept[-1]["offset"] if self.kept else 0

    def discontinuity(self, offset: int | None = None) -> dict[str, Any]:
        data = {"offset": self.offset if offset is None else offset, "epoch": self.epoch}
        return {"type": DISCONTINUITY, "channel": "c", "data": data, "timestamp": NOW}

    def join(self, since: dict[str, Any] | None = None) -> dict[str, Any]:
        self.behind = None
        answer: dict[str, Any] = {"channel": "c", "offset": self.offset, "epoch": self.epoch}
        if since is None:
            return answer | {"messages": [], "recovered": False}
        whole = self._recovers(since["epoch"], since["offset"])
        missed = in_order(self._after(since["offset"] if whole else 0), since["offset"], whole)
        answer |= {"messages": missed[:PART], "recovered": whole}
        if left := len(missed[PART:]):
            answer |= {"following": left, "offset": missed[PART - 1]["offset"]}
            self.behind = (self.epoch, missed[PART - 1]["offset"])
        return answer

    def catch_up(self) -> list[dict[str, Any]]:
        """Return the events of one step."""
        if self.behind is None:
            return []
        epoch, place = self.behind
        whole = self._recovers(epoch, place)
        missed = in_order(self._after(place if whole else 0), place, whole)
        start = missed[0]["offset"] - 1 if missed else self.offset
        self.behind = (self.epoch, missed[0]["offset"]) if len(missed) > 1 else None
        return ([] if whole else [self.discontinuity(start)]) + missed[:1]

    def history(self, before: int, limit: int) -> dict[str, Any]:
        older = [one for one in self.kept if one["offset"] < before]
        page = older[-min(limit, PART) :]
        return {
            "messages": in_order(page, 0, False),
            "offset": self.offset,
            "epoch": self.epoch,
            "more": len(page) < len(older),
        }

    def _recovers(self, epoch: str, offset: int) -> bool:
        return epoch == self.epoch and self.trimmed <= offset <= self.offset

    def _after(self, offset: int) -> list[dict[str, Any]]:
        return [one for one in self.kept if one["offset"] > offset]


def in_order(envelopes: list[dict[str, Any]], place: int, placed: bool) -> list[dict[str, Any]]:
    """Return what is delivered to somebody who is at `place`, if that is `placed`."""
    told = []
    for envelope in envelopes:
        prev = {"prev": place} if placed and place != envelope["offset"] - 1 else {}
        told.append(envelope | prev)
        place, placed = envelope["offset"], True
    return told


STEPS = st.sampled_from(
    [
        *(["publish"] * 6 + ["flap"] * 2 + ["catch_up"] * 3 + ["read"] * 2),
        *("drop", "lose", "join", "lose_history", "renounce", "typing"),
    ]
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

    def catch_up() -> None:
        for event in server.catch_up():
            inbox.on_message(event)

    def publish(flaps: bool) -> None:
        envelope = server.publish(flaps)
        if server.behind is None:
            inbox.on_message(envelope)

    for step in steps:
        match step:
            case "publish" | "flap":
                publish(step == "flap")
            case "drop":  # what was on its way when the connection was lost
                server.publish()
                inbox.lose()
            case "lose":
                inbox.lose()
            case "join":
                inbox.on_joined(server.join(**inbox.join_request()), NOW)
            case "read":
                read()
            case "catch_up":
                catch_up()
            case "lose_history" | "renounce":
                getattr(server, step)()
                if server.behind is None:
                    inbox.on_message(server.discontinuity())
            case "typing":
                inbox.on_message({"type": "typing", "channel": "c", "data": {}, "timestamp": NOW})
        assert len(inbox._unread) <= MAX_UNREAD + 1
    inbox.on_joined(server.join(**inbox.join_request()), NOW)
    for _ in range(1000):
        if inbox.whole and not inbox._unread and server.behind is None:
            break
        catch_up()
        read()
    else:
        raise AssertionError("it asks for ever")
    numbers = [one for one in got if isinstance(one, int)]
    assert numbers == sorted(set(numbers))
    last, told = 0, False
    for one in [*got, server.published + 1]:
        if isinstance(one, int):
            missing = set(range(last + 1, one)) - server.replaced
            assert told or missing <= server.gone
            assert not missing or DISCONTINUITY in got
            last, told = one, False
        else:
            told = True
    assert inbox.position == Position(server.offset, server.epoch)
