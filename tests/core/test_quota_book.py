"""The book of quotas: processes that tell each other, by hand."""

from __future__ import annotations

from app.core.quota import Quota, Tally
from app.core.quota_book import QuotaBook

ALICE, BOB = "user:alice", "user:bob"
RATE = 100.0


class Processes:
    """Some books, and what they tell each other."""

    def __init__(self, count: int) -> None:
        self.books = [QuotaBook() for _number in range(count)]
        self.now = 0.0
        self.told: list[dict[str, Tally]] = []

    def tell(self, most: int = 1000) -> None:
        self.now += 0.4
        self.told = [book.tallies(most, self.now) for book in self.books]
        for number, tallies in enumerate(self.told):
            for other, book in enumerate(self.books):
                if other != number:
                    book.hear(f"p{number}", tallies, self.now)

    def enter(self, number: int, name: str = ALICE, heavy_from: int = 0) -> Quota:
        return self.books[number].enter(name, RATE, self.now, heavy_from)

    def leave(self, number: int, quota: Quota) -> None:
        self.books[number].leave(quota, self.now)

    def totals(self, name: str = ALICE) -> list[int]:
        return [book.total(name) for book in self.books]


def test_who_opens_the_first_one_learns_of_all_others() -> None:
    processes = Processes(3)
    for number in (0, 0, 1):
        processes.enter(number)
    processes.tell()
    processes.tell()
    assert processes.totals() == [3, 3, 0]
    processes.enter(2)
    assert processes.totals() == [3, 3, 1]
    processes.tell()
    processes.tell()
    assert processes.totals() == [4, 4, 4]


def test_who_leaves_is_told_of() -> None:
    processes = Processes(2)
    first, _second = processes.enter(0), processes.enter(1)
    processes.tell()
    processes.tell()
    processes.leave(0, first)
    processes.tell()
    assert processes.books[1].total(ALICE) == 1


def test_nothing_is_told_of_what_does_not_change() -> None:
    processes = Processes(2)
    processes.enter(0)
    processes.enter(1)
    for _number in range(4):
        processes.tell()
    assert processes.told == [{}, {}]


def test_what_nobody_else_has_is_told_of_once() -> None:
    processes = Processes(2)
    first = processes.enter(0)
    processes.tell()
    assert processes.told == [{ALICE: Tally(1, left=100)}, {}]
    first.take(1)
    processes.enter(0)
    processes.tell()
    assert processes.told == [{}, {}]


def test_only_so_much_is_told_at_a_time() -> None:
    processes = Processes(2)
    for number in range(25):
        processes.enter(0, f"user:{number}")
    told = 0
    for _number in range(3):
        processes.tell(most=10)
        assert len(processes.told[0]) <= 10
        told += len(processes.told[0])
    assert told == 25


def test_what_is_over_is_forgotten_everywhere() -> None:
    processes = Processes(3)
    quotas = [processes.enter(number) for number in range(3)]
    processes.tell()
    processes.tell()
    quotas[0].take(50)
    for number, quota in enumerate(quotas):
        processes.leave(number, quota)
    for _number in range(6):
        processes.tell()
    assert [len(book) for book in processes.books] == [0, 0, 0]
    assert all(not one for book in processes.books for one in book._told_by.values())
    assert all(not book._due and not book._left for book in processes.books)


def test_who_used_its_budget_is_remembered_until_it_is_full_again() -> None:
    processes = Processes(1)
    quota = processes.enter(0)
    quota.take(100)
    processes.leave(0, quota)
    processes.tell()
    assert processes.enter(0) is quota
    processes.leave(0, quota)
    for _number in range(3):
        processes.tell()
    assert processes.enter(0) is not quota


def test_what_a_process_that_is_gone_has_told_is_forgotten() -> None:
    processes = Processes(2)
    processes.enter(0)
    processes.enter(1)
    processes.enter(1, BOB)
    processes.tell()
    processes.tell()
    processes.books[0].forget("p1", processes.now)
    assert processes.totals() == [1, 2]


def test_who_begins_anew_tells_everything_and_is_told_it() -> None:
    processes = Processes(2)
    processes.enter(0)
    processes.enter(1)
    processes.enter(0, BOB)
    for _number in range(3):
        processes.tell()
    processes.books[0].begin_anew(processes.now)
    processes.books[1].forget("p0", processes.now)
    assert processes.totals() == [1, 1]
    processes.tell()
    processes.tell()
    assert processes.totals() == [2, 2]
    assert processes.totals(BOB) == [1, 0]


def test_all_know_of_what_is_heavy_before_they_have_a_part_of_it() -> None:
    processes = Processes(3)
    quotas = [processes.enter(0, heavy_from=2) for _number in range(3)]
    processes.enter(1, BOB, heavy_from=2)
    processes.tell()
    assert processes.totals() == [3, 3, 3]
    assert processes.totals(BOB) == [0, 1, 0]
    processes.enter(2)
    assert processes.totals() == [3, 3, 4]
    processes.leave(0, quotas[0])
    processes.tell()
    assert processes.totals() == [3, 2, 3]
    processes.leave(0, quotas[1])  # it is heavy no more
    processes.tell()
    assert processes.totals() == [2, 0, 2]


def test_what_is_heavy_elsewhere_is_known_after_ones_own_part_is_over() -> None:
    processes = Processes(2)
    for _number in range(3):
        processes.enter(0, heavy_from=2)
    own = processes.enter(1, heavy_from=2)
    for _number in range(3):
        processes.tell()
    processes.leave(1, own)
    for _number in range(3):
        processes.tell()
    assert len(processes.books[1]) == 0
    assert processes.totals() == [3, 3]
    processes.books[1].forget("p0", processes.now)
    assert processes.totals() == [3, 0]
    processes.books[0].tell_heavy()
    processes.tell()
    assert processes.totals() == [3, 3]


def test_what_was_used_elsewhere_long_ago_is_not_held_against_the_first_connection() -> None:
    processes = Processes(2)
    there = [processes.enter(0, heavy_from=1) for _number in range(2)]
    there[0].take(100)
    processes.tell()
    here = processes.enter(1, heavy_from=1)
    assert here.spare > 0
