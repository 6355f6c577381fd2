"""History of messages that grow: whoever comes when, everybody ends with the same."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core import growing
from app.core.deltas import Delta
from app.core.growing import Effect, Growth
from app.core.history import HistoryOptions, HistoryWindow, Position
from app.core.message import Publication, splice

Texts = dict[str, str]


class Said(NamedTuple):
    """What somebody publishes: a word of a message, a whole message, or something else of a run."""

    run: int
    message: int
    kind: str


RUNS = st.integers(0, 1)
SAID = st.builds(Said, RUNS, st.integers(0, 1), st.sampled_from(["word"] * 6 + ["whole", "other"]))


class Chat:
    """A channel: its history, and everything as it was published."""

    def __init__(self, options: HistoryOptions | None = None) -> None:
        self.window = HistoryWindow("e1", options or HistoryOptions())
        self.live: list[Publication] = []
        self._words: defaultdict[str, int] = defaultdict(int)
        self._numbers: defaultdict[str, int] = defaultdict(int)

    def publish(self, said: Said) -> None:
        base = f"r{said.run}m{said.message}"
        name = f"{base}.{self._numbers[base]}"  # a message that is whole is followed by another
        source = f"r{said.run}"
        if said.kind == "word":
            delta = Delta(name, self._words[name], f"{self._words[name]} ")
            self._words[name] += 1
            envelope = {"type": "chat_token", "channel": "c"}
            data = {"run_id": source}
            effect = Effect(source, Growth(delta, envelope, data))
            self._append({**envelope, "data": {**data, **delta.to_data()}}, effect)
        elif said.kind == "whole":
            text = "".join(f"{number} " for number in range(self._words[name]))
            self._numbers[base] += 1
            data = {"run_id": source, "message_id": name, "content": text}
            self._append({"type": "chat_message", "data": data}, Effect(source, replaces=[name]))
        else:
            self._append({"type": "tool_call", "data": {"run_id": source}}, Effect(source))

    def _append(self, envelope: dict[str, Any], effect: Effect | None) -> None:
        offset = self.window.offset + 1
        body = splice(orjson.dumps(envelope), offset)
        publication = Publication(offset, envelope["type"], body, 100.0, offset)
        self.live.append(publication)
        self.window.append(publication, effect=effect)


def told(publications: Iterable[Publication], before: Sequence[Any] = ()) -> list[Any]:
    """Return what a client shows: texts in order, each run's in their places."""
    shown = [dict(one) for one in before]
    for publication in publications:
        envelope = orjson.loads(publication.body)
        data = envelope["data"]
        name = data.get("message_id")
        known = next((one for one in shown if name and one.get("name") == name), None)
        if envelope["type"] == "chat_token":
            if known is None:
                shown.append(known := {"run": data["run_id"], "name": name, "text": "", "end": 0})
            assert data["index"] == known["end"], "a gap, or twice"
            known["text"] += data["delta"]
            known["end"] += data.get("count", 1)
        elif envelope["type"] == "chat_message":
            if known is None:
                shown.append(known := {"run": data["run_id"], "name": name})
            known |= {"text": data["content"], "end": -1}
        else:
            shown.append({"run": data["run_id"], "tool": publication.offset})
    return shown


def by_run(shown: Sequence[dict[str, Any]]) -> dict[str, list[Any]]:
    """Return what is shown of each run, in its order: between runs, places may change."""
    runs: dict[str, list[Any]] = {}
    for one in shown:
        runs.setdefault(one["run"], []).append(one.get("name", one.get("tool")))
    return runs


@given(st.lists(SAID, max_size=60), st.data())
def test_who_comes_back_at_any_moment_ends_with_the_same(
    saids: list[Said], data: st.DataObject
) -> None:
    chat = Chat()
    for said in saids:
        chat.publish(said)
    place = data.draw(st.integers(0, len(saids)))
    recovery = chat.window.recover(Position(place, "e1"), None, 100.0)
    assert recovery.recovered
    seen = told(chat.live[:place])
    assert texts(told(recovery.publications, seen)) == texts(told(chat.live))
    offsets = [one.offset or 0 for one in recovery.publications]
    assert offsets == sorted(set(offsets))
    befores = [
        offset - 1 if one.prev is None else one.prev
        for one, offset in zip(recovery.publications, offsets, strict=True)
    ]
    assert befores == [place, *offsets][: len(offsets)]


@given(st.lists(SAID, max_size=60))
def test_who_comes_late_is_shown_the_same_in_the_same_places(saids: list[Said]) -> None:
    chat = Chat()
    for said in saids:
        chat.publish(said)
    late = told(chat.window.recover(None, 1000, 100.0).publications)
    assert texts(late) == texts(told(chat.live))
    if not any(said.kind == "whole" for said in saids):  # which stands where it was published
        assert by_run(late) == by_run(told(chat.live))


@given(st.lists(SAID, max_size=60))
def test_a_message_is_one_of_history_unless_others_of_its_run_interrupt_it(
    saids: list[Said],
) -> None:
    chat = Chat()
    for said in saids:
        chat.publish(said)
    size = sum(growing.size_of(one) for one in chat.window._entries.values())
    assert chat.window.bytes == size
    runs: dict[int, Said] = {}
    spans = 0
    for said in saids:
        if said.kind != "word" or runs.get(said.run) != said:
            spans += 1
        runs[said.run] = said
    assert len(chat.window) <= spans


def texts(shown: Sequence[dict[str, Any]]) -> Texts:
    return {one["name"]: one["text"] for one in shown if "name" in one}


def test_ten_thousand_words_leave_the_rest_of_history_where_it_was() -> None:
    chat = Chat(HistoryOptions(size=10))
    chat.publish(Said(1, 0, "other"))
    for _number in range(10_000):
        chat.publish(Said(0, 0, "word"))
    assert len(chat.window) == 2
    assert chat.window.page(None, 10, 100.0).publications[0].offset == 1
    chat.publish(Said(0, 0, "whole"))
    assert [one.type for one in chat.window.page(None, 10, 100.0).publications] == [
        "tool_call",
        "chat_message",
    ]


def test_a_message_without_end_is_forgotten_from_its_beginning(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(growing, "MOST_BYTES", 1_000)
    chat = Chat(HistoryOptions(most_bytes=10_000))
    for _number in range(2_000):
        chat.publish(Said(0, 0, "word"))
    assert chat.window.bytes <= 10_000
    newest = chat.window.recover(None, 1000, 100.0).publications
    assert orjson.loads(newest[-1].body)["data"]["delta"].endswith("1999 ")
    kept = chat.window.trimmed
    assert 0 < kept < 2_000
    assert chat.window.recover(Position(kept, "e1"), None, 100.0).recovered
    assert not chat.window.recover(Position(kept - 1, "e1"), None, 100.0).recovered
