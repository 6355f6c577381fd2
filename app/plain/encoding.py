"""The encoding of publications for plain members: each as one text frame."""

from __future__ import annotations

from typing import Final

from app.core.channel import Channel
from app.core.message import Publication
from app.plain.texts import frame_of
from app.transport.room import Encoding


class PlainEncoding(Encoding):
    """Envelopes, except for CodeWorm's feeds, which have a shape of their own."""

    def encode(self, channel: Channel, publication: Publication) -> bytes:
        return frame_of(channel, publication)


PLAIN: Final = PlainEncoding()
