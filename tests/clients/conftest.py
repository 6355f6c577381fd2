"""Fixtures of clients' tests."""

from __future__ import annotations

import pytest

from app.hub.quotas import Quotas


@pytest.fixture
def untold_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that doesn't tell its `messages_per_second`, as older ones."""
    monkeypatch.setattr(Quotas, "told", lambda _quotas, _identity: {})
