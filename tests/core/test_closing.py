"""The table of why connections end."""

from __future__ import annotations

import engineio
import pytest

from app.core.closing import Closing
from app.core.counters import Counters
from app.core.errors import HearthError, Unavailable

ERRORS = HearthError.__subclasses__()
STOCK = engineio.AsyncServer.reason


@pytest.mark.parametrize("error", ERRORS, ids=[error.code for error in ERRORS])
def test_every_error_can_end_a_connection(error: type[HearthError]) -> None:
    closing = Closing.because_of(error())
    assert closing.reason == closing.frame_reason == error.code
    assert closing.comes_back == error.temporary


def test_no_reason_is_there_twice() -> None:
    reasons = [closing.reason for closing in Closing]
    assert len(set(reasons)) == len(reasons)
    assert Closing.because_of(Unavailable()) is Closing.UNAVAILABLE


@pytest.mark.parametrize("closing", Closing)
def test_codes_are_those_that_a_server_may_send(closing: Closing) -> None:
    registered = {1000, 1001, 1002, 1006, 1009, 1011, 1013}
    assert closing.code in registered or 4000 <= closing.code < 5000
    assert len(closing.frame_reason.encode()) <= 123  # RFC 6455 §5.5


def test_every_reason_counts_from_zero() -> None:
    assert Counters().closed == {closing.reason: 0 for closing in Closing}


@pytest.mark.parametrize("name", [name for name in vars(STOCK) if name.isupper()])
def test_python_socketio_has_the_same_names(name: str) -> None:
    assert Closing[name].reason == getattr(STOCK, name)
