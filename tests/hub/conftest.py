"""Fixtures: members that remember what they get."""

from __future__ import annotations

import pytest

from tests.support.members import RecordingFanOut


@pytest.fixture
def fanout() -> RecordingFanOut:
    """The members of this process."""
    return RecordingFanOut()
