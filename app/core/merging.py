"""Merging of what was read of several channels, into the order in which it was published."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from app.core.channel import Channel
from app.core.history import Position, Recovery
from app.core.message import Publication


class Read(NamedTuple):
    """What was read of one channel, and the position that it was to be read from."""

    since: Position
    recovery: Recovery

    def up_to(self, sequence: int) -> Read:
        """Return this without what was published after `sequence`."""
        recovery = self.recovery
        kept = [one for one in recovery.publications if one.sequence <= sequence]
        left = len(recovery.publications) - len(kept)
        if not left:
            return self
        position = recovery.position._replace(offset=kept[-1].offset or 0) if kept else self.since
        following = recovery.following + left
        cut = recovery._replace(position=position, publications=kept, following=following)
        return Read(self.since, cut)


def merge(
    reads: Mapping[Channel, Read],
) -> tuple[list[tuple[Channel, Publication]], dict[Channel, Recovery]]:
    """Return what was read, in the order of publishing, and how far that leads in each channel.

    Where more follows in a channel than was read, what was published after that in others is left
    out, and counted in `following`: so the next such list goes on where this one ends.
    """
    ends = [
        read.recovery.publications[-1].sequence
        for read in reads.values()
        if read.recovery.following
    ]
    cut = {channel: read.up_to(min(ends)) for channel, read in reads.items()} if ends else reads
    merged = [
        (channel, publication)
        for channel, read in cut.items()
        for publication in read.recovery.publications
    ]
    merged.sort(key=lambda one: one[1].sequence)
    return merged, {channel: read.recovery for channel, read in cut.items()}
