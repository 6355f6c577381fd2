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

    def encode(self, channel: Channel, publication: Publication) -> bytes:
        body = envelope_of(publication)
        if publication.type == DISCONTINUITY:
            self.epoch = orjson.loads(body)["data"]["epoch"]
        if publication.offset is None:
            return encode(TEXT, body)
        number = first_number(self.epoch) + publication.offset
        return encode(TEXT, b'%b,"seq":%d}' % (body[:-1], number))


PLAIN: Final = PlainEncoding()
WITH_NAMESPACE: Final = NamespaceEncoding()
