"""Fixtures: an Engine.IO session of nobody's."""

from __future__ import annotations

import pytest

from app.engine.session import EngineSession
from tests.support.session import RecordingHandler, new_session


@pytest.fixture
def handler() -> RecordingHandler:
    """A handler that records the session's events."""
    return RecordingHandler()


@pytest.fixture
def connection(handler: RecordingHandler) -> EngineSession:
    """A session that polls."""
    return new_session(handler)
