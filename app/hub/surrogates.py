"""Surrogates: halves of characters, which a producer of tokens may cut apart.

A tokenizer that counts UTF-16 ends one delta with the first half of an emoji, and begins the next
with the second. Neither is Unicode text by itself, so the first half waits here for the other.
"""

from __future__ import annotations

import json
import re
from collections import OrderedDict
from typing import Any, Final

from app.core.channel import Channel

REPLACEMENT: Final = "\ufffd"
_MOST_WAITING: Final = 1024
_LONGEST_ID: Final = 1024
_LAST_HIGH: Final = re.compile(r"[\ud800-\udbff]\Z")
_FIRST_LOW: Final = re.compile(r"\A[\udc00-\udfff]")


def repaired(value: Any) -> Any:
    """Return a JSON value in which halves that belong together are joined, and others replaced."""
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=True)
        return json.loads(text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace"))
    except (TypeError, ValueError, RecursionError):
        return value  # no JSON for another reason, which its schema names


class SplitCharacters:
    """Joins halves over the deltas of one message.

    What a process forgets (it ends, or many messages wait) becomes U+FFFD.
    """

    def __init__(self) -> None:
        # A half stays until it is pushed out, so that a delta that is published again is the same.
        self._halves: OrderedDict[tuple[Channel, str, int], str] = OrderedDict()

    def join(self, channel: Channel, data: dict[str, Any]) -> dict[str, Any]:
        """Return the payload of a `chat_token` with a delta that is Unicode text."""
        delta, index, message_id = data.get("delta"), data.get("index"), data.get("message_id")
        if not isinstance(delta, str) or not isinstance(index, int):
            return data
        if not isinstance(message_id, int) and not (
            isinstance(message_id, str) and len(message_id) <= _LONGEST_ID
        ):
            return data  # its schema refuses it
        message_id = str(message_id)
        if _FIRST_LOW.match(delta):
            delta = self._halves.get((channel, message_id, index), "") + delta
        if (half := _LAST_HIGH.search(delta)) is not None:
            delta = delta[:-1]
            self._halves[channel, message_id, index + 1] = half[0]
            if len(self._halves) > _MOST_WAITING:
                self._halves.popitem(last=False)
        return data | {"delta": repaired(delta)}
