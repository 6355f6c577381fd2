"""Clients in Node: the stock socket.io-client, and hearth-realtime."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tests.drops.client import Client, Reconnect
from tests.drops.node_process import NodeProcess
from tests.promises.topics import Topic
from tests.support.node import RECONNECT_AT_ONCE
from tests.support.process import ROOT


class NodeClient(Client):
    """One that a script in Node is."""

    script: str

    def __init__(self, topics: Sequence[Topic], *further: Any) -> None:
        super().__init__(topics, *further)
        self._process = NodeProcess(ROOT / "tests" / "drops" / self.script, self._on_line)

    async def start(self, url: str) -> None:
        await self._process.start()
        options = {"transports": self.transports, **RECONNECT_AT_ONCE}
        channels = [{"namespace": one.namespace, "channel": one.channel} for one in self.topics]
        self._process.tell(
            {
                "do": "open",
                "url": url,
                "token": self.token,
                "channels": channels,
                "options": options,
            }
        )

    async def close_transport(self) -> None:
        self._process.tell({"do": "close"})

    async def stop(self) -> None:
        await self._process.close()

    async def _on_line(self, line: dict[str, Any]) -> None:
        match line["on"]:
            case "open":
                self.opened += 1
            case "joined":
                topic = f"{line['namespace']} {line['channel']}"
                self.on_joined(topic, line["offset"], line["epoch"])
            case "event":
                self.on_event(line["namespace"], line.get("envelope"))
            case "refused":
                self.refusals.append(str(line))
            case _:
                self.on_state(line)

    def on_state(self, line: dict[str, Any]) -> None:
        """Note what tells whether it is up."""
        raise NotImplementedError


class StockClient(NodeClient):
    """socket.io-client with `auth: {recover: true}`, that joins once."""

    script = "stock.mjs"

    def __init__(self, topics: Sequence[Topic], *further: Any) -> None:
        super().__init__(topics, *further)
        self._up = dict.fromkeys((topic.namespace for topic in topics), False)
        self._sids: dict[str, str] = {}

    @property
    def up(self) -> bool:
        return all(self._up.values()) and self.joined

    def on_state(self, line: dict[str, Any]) -> None:
        namespace = line["namespace"]
        self._up[namespace] = line["on"] == "connect"
        if line["on"] != "connect":
            return
        if (before := self._sids.get(namespace)) is not None:
            self.reconnects.append(Reconnect(namespace, line["recovered"], line["sid"] == before))
        self._sids[namespace] = line["sid"]


class HearthClient(NodeClient):
    """hearth-realtime, that joins again with `since`."""

    script = "hearth.mjs"

    def __init__(self, topics: Sequence[Topic], *further: Any) -> None:
        super().__init__(topics, *further)
        self._states: dict[str, str] = {}

    @property
    def up(self) -> bool:
        return self.joined and set(self._states.values()) == {"live"}

    def on_state(self, line: dict[str, Any]) -> None:
        topic = f"{line['namespace']} {line['channel']}"
        if line["on"] == "discontinuity":
            self.on_discontinuity(topic, line["offset"], line["epoch"])
        else:
            self._states[topic] = line["state"]
