"""What was read of several channels, merged into the order of publishing."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from app.core.channel import Channel
from app.core.history import HistoryOptions, HistoryWindow, Position
from app.core.merging import Read, merge
from app.core.message import Publication

CHANNELS = [Channel("/circles", name) for name in "abc"]


@given(st.lists(st.integers(0, 2), max_size=40), st.integers(1, 4))
def test_reading_on_and_on_gives_everything_once_in_the_order_of_publishing(
    published: list[int], at_once: int
) -> None:
    windows = {channel: HistoryWindow("e", HistoryOptions(100, 0)) for channel in CHANNELS}
    for sequence, number in enumerate(published):
        window = windows[CHANNELS[number]]
        window.append(Publication(window.offset + 1, "t", b"{}", 0, sequence))
    places = {channel: Position(0, "e") for channel in CHANNELS}
    seen: list[int] = []
    while places:
        reads = {
            channel: Read(since, windows[channel].recover(since, None, 0, 2 * at_once))
            for channel, since in places.items()
        }
        merged, reached = merge(reads)
        seen += [publication.sequence for _channel, publication in merged]
        # One channel may have to wait for the others, but all of them never do.
        assert merged or not any(recovery.following for recovery in reached.values())
        for channel, recovery in reached.items():
            assert recovery.following == windows[channel].offset - recovery.position.offset
            if recovery.following:
                places[channel] = recovery.position
            else:
                del places[channel]
    assert seen == list(range(len(published)))
