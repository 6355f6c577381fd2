"""The dialects of plain WebSockets, by what an endpoint speaks."""

from __future__ import annotations

from typing import Final

from app.plain.channels import Channels
from app.plain.dialect import Dialect
from app.plain.envelopes import Chat, Envelopes
from app.plain.feeds import Feeds
from app.plain.paths import Speech

DIALECTS: Final[dict[Speech, type[Dialect]]] = {
    Speech.ENVELOPES: Envelopes,
    Speech.CHAT: Chat,
    Speech.FEEDS: Feeds,
    Speech.CHANNELS: Channels,
}
