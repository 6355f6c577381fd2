"""Fixtures: a hub whose broker notes what is subscribed, and its members what they get."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from app.hub.hub import Hub
from tests.support.hubs import RecordingBroker, running_hub
from tests.support.members import RecordingFanOut


@pytest.fixture
def fanout() -> RecordingFanOut:
    """The members of this process."""
    return RecordingFanOut()


@pytest.fixture
def broker() -> RecordingBroker:
    """The broker of `hub`, in memory."""
    return RecordingBroker()


@pytest.fixture
async def hub(broker: RecordingBroker, fanout: RecordingFanOut) -> AsyncIterator[Hub]:
    """A hub that is started."""
    async with running_hub(fanout, broker) as hub:
        yield hub
