"""Who joins at the moment when history is lost sees neither gap nor overlap (contract §4)."""

from __future__ import annotations

import pytest

from app.broker.record import after_loss, discontinuity
from app.core.history import Position
from app.core.message import Publication, place
from tests.support.messages import TEAM, message


def publication(text: str, offset: int) -> Publication:
    return place(message(text, 1.0), offset)


LOST = discontinuity(TEAM, Position(0, "e2"), 1.0)
HELD = [publication("old", 49), LOST, publication("a", 1), publication("b", 2)]


@pytest.mark.parametrize(
    ("position", "follows"),
    [
        (Position(48, "e1"), HELD),  # it was read before the loss: all of it, also the notice
        (Position(1, "e2"), HELD[2:]),  # and after it: neither the old nor the notice
        (Position(0, "e3"), HELD),
    ],
)
def test_what_was_held_while_joining(position: Position, follows: list[Publication]) -> None:
    assert after_loss(HELD, position) == follows
