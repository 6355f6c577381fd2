"""Fixtures of clients' tests."""

from __future__ import annotations

import pytest

from app import application
from app.settings import Settings


@pytest.fixture
def untold_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that doesn't tell its `messages_per_second`, as older ones."""
    limits = application._limits

    def without_rate(settings: Settings) -> dict[str, float]:
        return {
            key: value for key, value in limits(settings).items() if key != "messages_per_second"
        }

    monkeypatch.setattr(application, "_limits", without_rate)
