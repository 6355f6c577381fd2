"""What is held for clients together has a bound, and whoever holds most goes first."""

from __future__ import annotations

from dataclasses import dataclass, field

from app.core.closing import Closing
from app.transport.held import SPARED_BYTES, HeldBytes, share_of_memory

MB = 1_000_000


@dataclass
class Connection:
    held_bytes: int
    address: str = "192.0.2.1"
    closings: list[Closing] = field(default_factory=list)

    def close(self, closing: Closing) -> None:
        self.closings.append(closing)


@dataclass
class Store:
    held_bytes: int
    forgotten: int = 0

    def forget(self, size: int) -> None:
        self.forgotten += size


def test_within_the_bound_nobody_goes() -> None:
    connections, store = [Connection(MB), Connection(2 * MB)], Store(MB)
    held = HeldBytes(4 * MB, lambda: connections, {"history": store})
    held.check()
    assert held.sizes() == {"connections": 3 * MB, "history": MB}
    assert store.forgotten == 0
    assert not any(one.closings for one in connections)


def test_who_holds_most_goes_first_and_no_more_than_have_to() -> None:
    connections = [Connection(MB), Connection(5 * MB), Connection(3 * MB), Connection(10)]
    HeldBytes(5 * MB, lambda: connections, {}).check()
    assert [len(one.closings) for one in connections] == [0, 1, 0, 0]
    assert connections[1].closings == [Closing.MEMORY]


def test_what_holds_most_of_all_gives_way_before_connections_do() -> None:
    connections, store = [Connection(MB)], Store(9 * MB)
    HeldBytes(6 * MB, lambda: connections, {"history": store}).check()
    assert store.forgotten == 4 * MB
    assert not connections[0].closings


def test_those_who_hold_little_are_spared() -> None:
    connections = [Connection(SPARED_BYTES) for _number in range(100)]
    HeldBytes(MB, lambda: connections, {"history": Store(0)}).check()
    assert not any(one.closings for one in connections)


def test_a_quarter_of_the_memory_is_more_than_nothing() -> None:
    assert share_of_memory() > MB
