"""Recently closed sessions: remembered for a while, and no more than so many."""

from __future__ import annotations

from app.core.closing import Closing
from app.engine.recently_closed import RecentlyClosed


def test_a_closed_session_is_known_for_some_seconds() -> None:
    closed = RecentlyClosed(seconds=30)
    closed.add("a", Closing.UNAVAILABLE, now=100)
    assert closed.why("a", now=129) is Closing.UNAVAILABLE
    assert closed.why("a", now=130) is None
    assert closed.why("b", now=129) is None


def test_only_the_newest_are_remembered() -> None:
    closed = RecentlyClosed(most=2)
    for sid in ("a", "b", "c"):
        closed.add(sid, Closing.SLOW, now=0)
    assert [closed.why(sid, now=1) for sid in ("a", "b", "c")] == [None, Closing.SLOW, Closing.SLOW]
