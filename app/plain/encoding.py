"""The plain encoding of publications: each as one text frame."""

from __future__ import annotations

from typing import Final

from app.core.channel import Channel
from app.core.message import Publication
from app.plain.texts import frame_of
from app.transport.room import Encoding


class PlainEncoding(Encoding):
    """Envelopes; for CodeWorm's feeds, their own shape."""

    def encode(self, channel: Channel, publication: Publication) -> bytes:
        return frame_of(channel, publication)


PLAIN: Final = PlainEncoding()
