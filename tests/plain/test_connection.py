"""A plain connection between its socket and its handler."""

from __future__ import annotations

import pytest

from app.core.closing import Closing
from app.plain.connection import PlainConnection
from app.transport.flow import HIGH_WATERMARK
from app.transport.frames import TEXT, FrameError
from app.transport.limits import Limits
from app.transport.websocket import WebSocket
from tests.support.raw import masked
from tests.support.transport import RecordingTransport


class Events:
    """A handler that records events; `hold` is the message that takes time."""

    def __init__(self) -> None:
        self.messages: list[str | bytes] = []
        self.closed: list[Closing] = []

    def attach(self, connection: PlainConnection) -> None:
        self._connection = connection
        connection.attach(self)

    def on_pong(self) -> None: ...

    def on_message(self, message: str | bytes) -> None:
        self.messages.append(message)
        if message == "hold":
            self._connection.hold_requests()

    def on_flood(self) -> None: ...

    def on_too_large(self, error: FrameError) -> None: ...

    def on_closed(self, closing: Closing) -> None:
        self.closed.append(closing)


@pytest.fixture
def transport() -> RecordingTransport:
    return RecordingTransport()


@pytest.fixture
def events() -> Events:
    return Events()


@pytest.fixture
def connection(transport: RecordingTransport, events: Events) -> PlainConnection:
    connection = PlainConnection(
        "a~", "", WebSocket(1000, 1000, transport), Limits(1000, 2000, 1000)
    )
    events.attach(connection)
    return connection


async def test_who_publishes_faster_than_the_broker_answers_gets_backpressure(
    connection: PlainConnection, transport: RecordingTransport, events: Events
) -> None:
    texts = [str(number) for number in range(HIGH_WATERMARK)]
    for text in ("hold", *texts):
        connection.socket.data_received(masked(TEXT, text.encode()))
    assert events.messages == ["hold"]
    assert transport.calls == ["pause"]
    connection.go_on()
    assert events.messages == ["hold", *texts]
    assert transport.calls == ["pause", "resume"]


async def test_who_has_not_read_its_answers_gets_no_further_ones(
    connection: PlainConnection, transport: RecordingTransport, events: Events
) -> None:
    transport.unsent_bytes = 1500
    connection.socket.pause_writing()
    connection.on_text("waits")
    assert events.messages == []
    connection.socket.resume_writing()
    assert events.messages == ["waits"]


async def test_on_closed_is_called_once_and_nothing_is_handled_after_it(
    connection: PlainConnection, transport: RecordingTransport, events: Events
) -> None:
    connection.close(Closing.FORBIDDEN)
    connection.close(Closing.SLOW)
    connection.on_text("late")
    connection.write(b"late")
    assert (events.closed, events.messages) == ([Closing.FORBIDDEN], [])
    assert transport.close_codes() == [4003]
    assert len(transport.writes) == 1
