"""The roster of one channel: who is there, as the server tells it unasked. No I/O."""

from __future__ import annotations

from typing import Any

from hearth_realtime.messages import Sender


class Roster:
    """The members of a channel, by identity."""

    def __init__(self) -> None:
        self.members: list[Sender] = []

    def on_joined(self, answer: dict[str, Any]) -> None:
        """Handle the answer to a `join`; it names nobody where one may not see them."""
        self._set((answer.get("presence") or {}).get("members", []))

    def on_message(self, envelope: dict[str, Any]) -> None:
        """Handle a message of the channel, also one that history doesn't keep."""
        if envelope["type"] == "circle_status":
            self._set(envelope["data"]["members"])

    def _set(self, members: list[dict[str, Any]]) -> None:
        self.members = [{"id": member["id"], "kind": member["kind"]} for member in members]
