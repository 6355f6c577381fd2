"""The encodings of publications for plain members: each as one text frame."""

from __future__ import annotations

from typing import Final

import orjson

from app.core.channel import Channel
from app.core.epoch import first_number
from app.core.message import DISCONTINUITY, Publication
from app.plain.texts import envelope_of
from app.transport.frames import TEXT, encode
from app.transport.room import Encoding


class PlainEncoding(Encoding):
    """Envelopes."""

    def encode(self, channel: Channel, publication: Publication) -> bytes:
        return encode(TEXT, envelope_of(publication))


class NamespaceEncoding(Encoding):
    """Envelopes that name their namespace, for connections with channels of several."""

    def encode(self, channel: Channel, publication: Publication) -> bytes:
        namespace = channel.namespace.encode()  # nothing in it needs an escape
        body = envelope_of(publication)
        return encode(TEXT, b'%b,"namespace":"%b"}' % (body[:-1], namespace))


class NumberedEncoding(Encoding):
    """Envelopes with `seq`, which goes on rising when a new epoch begins.

    One for each connection, for it follows the channel's epoch as far as the connection knows it.
    """

    def __init__(self) -> None:
        self.epoch = ""
        self._boundary: tuple[int, bytes] | None = None

    def end_with(self, offset: int, frame: bytes) -> None:
        """Put a frame behind the message of this offset, or the first that is newer."""
        self._boundary = offset, frame

    def encode(self, channel: Channel, publication: Publication) -> bytes:
        body = envelope_of(publication)
        if publication.type == DISCONTINUITY:
            self.epoch = orjson.loads(body)["data"]["epoch"]
        if publication.offset is None:
            return encode(TEXT, body)
        number = first_number(self.epoch) + publication.offset
        frame = encode(TEXT, b'%b,"seq":%d}' % (body[:-1], number))
        if self._boundary is not None and publication.offset >= self._boundary[0]:
            frame += self._boundary[1]
            self._boundary = None
        return frame


PLAIN: Final = PlainEncoding()
WITH_NAMESPACE: Final = NamespaceEncoding()
