"""Joining while history is lost has neither gap nor overlap (docs/protocol.md, promise 3)."""

from __future__ import annotations

import pytest

from app.broker.record import after_loss, discontinuity
from app.core.history import Position
from app.core.message import Publication, make_publication
from tests.support.messages import TEAM, message


def publication(text: str, offset: int) -> Publication:
    return make_publication(message(text, 1.0), offset)


LOST = discontinuity(TEAM, Position(0, "e2"), 1.0)
BUFFERED = [publication("old", 49), LOST, publication("a", 1), publication("b", 2)]


@pytest.mark.parametrize(
    ("position", "follows"),
    [
        (Position(48, "e1"), BUFFERED),  # it was read before the loss: all of it, also the notice
        (Position(1, "e2"), BUFFERED[2:]),  # and after it: neither the old nor the notice
        (Position(0, "e3"), BUFFERED),
    ],
)
def test_what_was_buffered_while_joining(position: Position, follows: list[Publication]) -> None:
    assert after_loss(BUFFERED, position) == follows
