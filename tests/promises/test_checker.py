"""The checker finds what is wrong, and nothing where all is right."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.promises.checker import KINDS, Entry, Gap, Journal, Sent, check, check_journal

TOPIC = "/circles dev-team"
EPOCH = "e1"


class World(NamedTuple):
    """A run in which all went well."""

    sent: list[Sent]
    kept: Journal
    members: list[Journal]

    def kinds(self) -> set[str]:
        """Return what the checker finds wrong with it."""
        findings = check(self.sent, {TOPIC: self.kept}, self.members)
        assert all(finding.kind in KINDS for finding in findings)
        return {finding.kind for finding in findings}


@st.composite
def worlds(draw: st.DrawFn, least: int = 0) -> World:
    """Some messages, of clients, workers and the server's own, and members who came at any time."""
    origins = draw(
        st.lists(st.sampled_from(["acked", "unacked", "emitted", "own"]), min_size=least)
    )
    sent, entries = [], []
    for offset, origin in enumerate(origins, 1):
        mark = "" if origin == "own" else f"m{offset}"
        entries.append(Entry(offset, mark, f"d{offset}", f"e{offset}"))
        if origin == "acked":
            sent.append(Sent(mark, TOPIC, f"d{offset}", 1, 1, (offset, EPOCH)))
        elif origin == "unacked":
            sent.append(Sent(mark, TOPIC, f"d{offset}", 0, 1))
        elif origin == "emitted":
            sent.append(Sent(mark, TOPIC, draw(st.sampled_from([f"d{offset}", None])), 1, 1))
    sent.append(Sent("never arrived", TOPIC, "d", 0, 1))
    starts = draw(st.lists(st.integers(0, max(0, len(entries) - least)), min_size=1, max_size=4))
    members = [
        Journal(f"member {number}", TOPIC, EPOCH, start, entries[start:])
        for number, start in enumerate(starts)
    ]
    return World(sent, Journal("history", TOPIC, EPOCH, 0, entries), members)


def entry_of(data: st.DataObject, journal: Journal) -> int:
    """Return the index of some entry."""
    return data.draw(st.integers(0, len(journal.entries) - 1))


@given(worlds())
def test_what_is_right_passes(world: World) -> None:
    assert world.kinds() == set()


def lose(data: st.DataObject, journal: Journal) -> None:
    del journal.entries[entry_of(data, journal)]


def double(data: st.DataObject, journal: Journal) -> None:
    at = data.draw(st.integers(0, len(journal.entries)))
    journal.entries.insert(at, journal.entries[entry_of(data, journal)])


def swap(data: st.DataObject, journal: Journal) -> None:
    first, second = sorted(
        data.draw(
            st.lists(st.integers(0, len(journal.entries) - 1), min_size=2, max_size=2, unique=True)
        )
    )
    entries = journal.entries
    entries[first], entries[second] = entries[second], entries[first]


def alter(data: st.DataObject, journal: Journal) -> None:
    at = entry_of(data, journal)
    entry = journal.entries[at]
    journal.entries[at] = data.draw(
        st.sampled_from(
            [entry._replace(mark="?"), entry._replace(data="?"), entry._replace(envelope="?")]
        )
    )


def exchange(data: st.DataObject, journal: Journal) -> None:
    """Keep the offsets in order, and have the contents swapped."""
    swap(data, journal)
    offsets = sorted(entry.offset for entry in journal.entries)
    journal.entries[:] = [
        entry._replace(offset=offset)
        for offset, entry in zip(offsets, journal.entries, strict=True)
    ]


def invent(data: st.DataObject, journal: Journal) -> None:
    newest = journal.entries[-1].offset + data.draw(st.integers(1, 9))
    journal.entries.append(Entry(newest, "invented", "d", "e"))


def give_too_early(_data: st.DataObject, journal: Journal) -> None:
    journal.start += 1


def say_that_it_is_lost(_data: st.DataObject, journal: Journal) -> None:
    journal.troubles.append("recovered: false")


def change_epoch(_data: st.DataObject, journal: Journal) -> None:
    journal.epoch = "e2"


@pytest.mark.parametrize(
    ("spoil", "kind"),
    [
        (lose, "lost"),
        (double, "doubled"),
        (swap, "swapped"),
        (alter, "altered"),
        (exchange, "altered"),
        (invent, "unknown"),
        (give_too_early, "doubled"),
        (say_that_it_is_lost, "unrecovered"),
        (change_epoch, "unrecovered"),
    ],
)
@given(world=worlds(least=3), data=st.data())
def test_a_member_with_something_wrong_fails(
    spoil: Callable[[st.DataObject, Journal], None], kind: str, world: World, data: st.DataObject
) -> None:
    journal = data.draw(st.sampled_from(world.members))
    spoil(data, journal)
    assert kind in world.kinds()


def kept_with(*entries: Entry, **sent: Any) -> World:
    """Return a history, and one message that was sent and acked at offset 1."""
    one = Sent("m1", TOPIC, "d1", 1, 1, (1, EPOCH))._replace(**sent)
    return World([one], Journal("history", TOPIC, EPOCH, 0, list(entries)), [])


FIRST = Entry(1, "m1", "d1", "e1")


@pytest.mark.parametrize(
    ("world", "kinds"),
    [
        (kept_with(FIRST), set()),
        (kept_with(), {"lost"}),
        (kept_with(acked=None), {"lost"}),
        (kept_with(least=0, acked=None), set()),
        (kept_with(FIRST, most=0), {"doubled"}),
        (kept_with(FIRST, FIRST._replace(offset=2)), {"doubled"}),
        (kept_with(FIRST, FIRST._replace(offset=2), least=1, most=2), set()),
        (kept_with(FIRST, FIRST), {"doubled"}),
        (kept_with(Entry(1, "", "", ""), FIRST._replace(offset=2)), {"swapped"}),
        (kept_with(FIRST, acked=(1, "e2")), {"swapped"}),
        (kept_with(FIRST._replace(data="d2")), {"altered"}),
        (kept_with(FIRST._replace(data="d2"), data=None), set()),
        (kept_with(FIRST, Entry(2, "m2", "d2", "e2")), {"unknown"}),
        (kept_with(FIRST, Entry(3, "", "", "")), {"lost"}),
    ],
)
def test_history_is_what_was_sent(world: World, kinds: set[str]) -> None:
    assert world.kinds() == kinds


def gapped(*offsets: int, gaps: list[Gap]) -> list[str]:
    """Return what is wrong with a member that got these of ten messages, and was told so."""
    ten = [Entry(offset, f"m{offset}", "d", "e") for offset in range(1, 11)]
    kept = Journal("history", TOPIC, EPOCH, 0, ten)
    got = [ten[offset - 1] for offset in offsets]
    journal = Journal("member", TOPIC, EPOCH, 0, got, gaps=gaps)
    return [finding.kind for finding in check_journal(journal, kept)]


@pytest.mark.parametrize(
    ("offsets", "gaps", "kinds"),
    [
        ((1, 2, 7, 8, 9, 10), [Gap(2, 7)], []),
        ((5, 6, 7, 8, 9, 10), [Gap(0, 5)], []),
        ((1, 2, 5, 9, 10), [Gap(2, 5), Gap(3, 9)], []),
        # History is longer than it has to be.
        ((1, 2, 5, 6, 7, 8, 9, 10), [Gap(2, 7)], []),
        # It had 6, and didn't give it.
        ((1, 2, 7, 8, 9, 10), [Gap(2, 6)], ["lost"]),
        # Something else is missing too.
        ((1, 2, 7, 8, 10), [Gap(2, 7)], ["lost"]),
        ((1, 3, 7, 8, 9, 10), [Gap(2, 7)], ["lost"]),
        # Nobody said a word.
        ((1, 2, 7, 8, 9, 10), [], ["lost"] * 4),
        ((1, 2), [Gap(2, 11)], ["unrecovered"] + ["lost"] * 8),
        # Nothing was missing.
        ((1, 2, 3, 4, 5, 6, 7, 8, 9, 10), [Gap(4, 8)], ["unrecovered"]),
        ((1, 2, 7, 8, 9, 10, 7), [Gap(2, 7)], ["doubled"]),
        ((1, 2, 7, 9, 8, 10), [Gap(2, 7)], ["swapped"]),
    ],
)
def test_what_is_missing_where_one_was_told_of_a_gap_is_excused(
    offsets: tuple[int, ...], gaps: list[Gap], kinds: list[str]
) -> None:
    assert sorted(gapped(*offsets, gaps=gaps)) == sorted(kinds)
