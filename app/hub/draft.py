"""Drafts: messages that the Hub is to publish."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from app.core.channel import Channel


@dataclass(slots=True)
class Draft:
    """A message to be published, without timestamp and offset.

    Args:
        data: the payload.
        sender: `{id, kind}` of the publisher, or None.
        compaction_key: as in `Message`.
    """

    channel: Channel
    type: str
    data: dict[str, Any]
    sender: Mapping[str, str] | None = None
    action: str | None = None
    nonce: str | None = None
    compaction_key: str | None = None

    @property
    def nonce_key(self) -> str | None:
        """The nonce with its sender, to deduplicate (docs/protocol.md, promise 4), or None."""
        if self.nonce is None:
            return None
        sender = f"{self.sender['kind']}:{self.sender['id']}" if self.sender else "worker"
        # Both may have spaces: "ann" with "x y" isn't "ann x" with "y".
        sender = sender.replace("%", "%25").replace(" ", "%20")
        return f"{sender} {self.nonce}"

    def encode(self, data: Mapping[str, Any], timestamp: str) -> bytes:
        """Return the envelope as JSON, without an offset.

        Args:
            data: the payload as its type has loaded it.
        """
        envelope: dict[str, Any] = {
            "type": self.type,
            "channel": self.channel.name,
            "data": data,
            "timestamp": timestamp,
        }
        if self.action is not None:
            envelope["action"] = self.action
        if self.sender is not None:
            envelope["sender"] = self.sender
        if self.nonce is not None:
            envelope["nonce"] = self.nonce
        return orjson.dumps(envelope)
