"""The checker: compares what members got with what was sent and with history (promises 1 to 5)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

#: Each kind of thing that can be wrong, and what it means.
KINDS: Final = {
    "lost": "a message that had to be there is not, or an offset is missing",
    "doubled": "a message came twice, or one from before the member joined",
    "swapped": "a message came after a later one, or is not where its ack said",
    "altered": "a message is not what was sent, or not the same to everybody",
    "unknown": "a message that nobody has sent",
    "unrecovered": "a member was told that what it missed can't be had",
    "misplaced": "in the end, presence is not who is there",
    "unsettled": "a member never caught up, or a publisher was never acknowledged",
    "broken": "a server ended by itself, or logged what it should not",
}


class Entry(NamedTuple):
    """A message as somebody has it.

    Args:
        mark: the sender's name for it; empty for the server's own.
        data: digest of its payload.
        envelope: digest of all of it.
    """

    offset: int
    mark: str
    data: str
    envelope: str


class Gap(NamedTuple):
    """A member was told that not all that it missed can be had, and that may be so.

    Args:
        after: how many messages it had when it was told.
        kept_from: the first offset that history had for sure when it was told; this one and those
            after it aren't missing for a reason.
    """

    after: int
    kept_from: int


@dataclass
class Journal:
    """What a member got of a channel, in the order in which it came.

    Args:
        start: the offset that the channel had when the member first joined.
        troubles: what it was told of gaps that can't be filled, where nothing may be missing.
        gaps: what it was told of them where history is short.
        left_out: offsets of messages that newer ones stand for, as their `prev` said.
    """

    who: str
    topic: str
    epoch: str
    start: int
    entries: list[Entry] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    left_out: set[int] = field(default_factory=set)

    def excused(self) -> set[int]:
        """Return the offsets that are missing as it was told."""
        return self.left_out | {offset for gap in self.gaps for offset in self._missing_at(gap)}

    def needless(self) -> list[Gap]:
        """Return the gaps in which nothing is missing."""
        return [gap for gap in self.gaps if not self._missing_at(gap)]

    def _missing_at(self, gap: Gap) -> range:
        """Return what is missing there; where nothing came after it, nothing can be told."""
        before, after = self.entries[: gap.after], self.entries[gap.after :]
        newest = max((entry.offset for entry in before), default=self.start)
        return range(newest + 1, min(after[0].offset, gap.kept_from) if after else newest + 1)


class Sent(NamedTuple):
    """What somebody has sent into a channel.

    Args:
        data: digest of the payload; None where the server makes it.
        least, most: how often it has to, and may, be in the channel.
        acked: offset and epoch as told to who sent it, if it was.
    """

    mark: str
    topic: str
    data: str | None
    least: int
    most: int
    acked: tuple[int, str] | None = None


class Finding(NamedTuple):
    """Something that is wrong; `kind` is one of `KINDS`."""

    kind: str
    text: str


def check(
    sent: Iterable[Sent], history: Mapping[str, Journal], journals: Iterable[Journal]
) -> list[Finding]:
    """Return all that is wrong.

    Args:
        history: of each topic, all that the server keeps, from offset 1.
        journals: of the members, each of a topic in `history`.
    """
    sent = list(sent)
    findings: list[Finding] = []
    for topic, kept in history.items():
        findings += _check_whole(kept, Journal("nobody", topic, kept.epoch, 0, kept.entries))
        findings += _check_sent([one for one in sent if one.topic == topic], kept)
    for journal in journals:
        findings += check_journal(journal, history[journal.topic])
    return findings


def check_journal(journal: Journal, kept: Journal) -> list[Finding]:
    """Return all that is wrong with what one member got of one channel.

    Args:
        kept: all that was in the channel, from offset 1.
    """
    return [*_check_whole(journal, kept), *_check_same(journal, kept)]


def _check_whole(journal: Journal, kept: Journal) -> Iterator[Finding]:
    """Check that each offset is there once, and in order."""
    where = f"{journal.who} in {journal.topic}"
    for trouble in journal.troubles:
        yield Finding("unrecovered", f"{where}: {trouble}")
    for gap in journal.needless():
        yield Finding("unrecovered", f"{where}: told of a gap in which nothing is missing: {gap}")
    newest = journal.start
    seen: set[int] = set()
    for entry in journal.entries:
        if entry.offset in seen or entry.offset <= journal.start:
            yield Finding("doubled", f"{where}: {entry.offset} {entry.mark}")
        elif entry.offset < newest:
            yield Finding("swapped", f"{where}: {entry.offset} {entry.mark} came after {newest}")
        seen.add(entry.offset)
        newest = max(newest, entry.offset)
    head = max((entry.offset for entry in kept.entries), default=0)
    marks = {entry.offset: entry.mark for entry in kept.entries}
    excused = journal.excused()
    for offset in range(journal.start + 1, head + 1):
        if offset not in seen and offset not in excused:
            yield Finding("lost", f"{where}: {offset} {marks.get(offset, '')}")


def _check_same(journal: Journal, kept: Journal) -> Iterator[Finding]:
    """Check that a member got at each offset what history has there."""
    where = f"{journal.who} in {journal.topic}"
    if journal.epoch != kept.epoch:
        yield Finding("unrecovered", f"{where}: epoch {journal.epoch}, now {kept.epoch}")
    truth = {entry.offset: entry for entry in kept.entries}
    for entry in journal.entries:
        if entry.offset not in truth:
            if not entry.mark:
                continue  # the server's own, and a newer one stands for it
            yield Finding("unknown", f"{where}: {entry.offset} {entry.mark}")
        elif entry != truth[entry.offset]:
            yield Finding(
                "altered",
                f"{where}: {entry.offset} {entry.mark}, in history {truth[entry.offset].mark}",
            )


def _check_sent(sent: list[Sent], kept: Journal) -> Iterator[Finding]:
    """Check that history has what was sent, as it was sent, and nothing else."""
    counts = Counter(entry.mark for entry in kept.entries)
    by_mark = {one.mark: one for one in sent}
    places = {(entry.offset, kept.epoch): entry.mark for entry in kept.entries}
    for one in sent:
        times = counts[one.mark]
        if times < one.least:
            yield Finding("lost", f"{one.mark} in {one.topic}: {times}, not {one.least}, times")
        if times > one.most:
            yield Finding("doubled", f"{one.mark} in {one.topic}: {times}, not {one.most}, times")
        if one.acked is not None and times and places.get(one.acked) != one.mark:
            yield Finding("swapped", f"{one.mark} in {one.topic}: not at {one.acked}, as acked")
    for entry in kept.entries:
        if not entry.mark:
            continue
        origin = by_mark.get(entry.mark)
        if origin is None:
            yield Finding("unknown", f"history of {kept.topic}: {entry.offset} {entry.mark}")
        elif origin.data is not None and origin.data != entry.data:
            yield Finding("altered", f"history of {kept.topic}: {entry.offset} {entry.mark}")
