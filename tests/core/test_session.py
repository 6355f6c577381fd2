"""Sessions: what an offset string says, and what is made of it."""

from __future__ import annotations

import json
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.broker.record import discontinuity
from app.core.channel import Channel
from app.core.history import Position
from app.core.identity import Identity
from app.core.message import Publication
from app.core.session import LONGEST_OFFSET, Session, claimant_of

PID = "abcdef0123456789"


def new_session(**joined: int) -> Session:
    """Return a session in these channels, each joined at an offset."""
    session = Session(PID, "owner", "sid~", "/circles", "alice", "/circles user:alice")
    for name, offset in joined.items():
        session.enter(name, Position(offset, "e1"), trusted=False)
    return session


def stored(session: Session) -> Session:
    """Return what another process reads of a session."""
    return Session.from_dict(PID, "other", json.loads(json.dumps(session.to_dict())))


def send(session: Session, name: str, offset: int | None) -> str:
    publication = Publication(offset, "user_message", b"{}", 0.0)
    return session.follow(session.cursors[name], publication).decode()


def lose_history(session: Session, name: str, head: Position) -> str:
    lost = discontinuity(Channel("/circles", name), head, 0.0)
    return session.follow(session.cursors[name], lost).decode()


def offsets(session: Session) -> dict[str, int]:
    return {channel.name: position.offset for channel, position, _ in session.channels()}


def test_an_offset_string_has_the_cursors_that_have_moved() -> None:
    session = new_session(a=4, b=7)
    assert send(session, "a", 5) == "abcdef:0:1.5"
    assert send(session, "a", 6) == "abcdef:0:1.6"
    assert send(session, "b", 8) == "abcdef:0:1.6,2.8"
    assert send(session, "a", None) == "abcdef:0:2.8,1.6"  # what history doesn't keep
    assert session.text() == "abcdef:0:1.6,2.8"


def test_in_too_many_channels_a_session_begins_anew_rather_than_with_a_string_too_long() -> None:
    names = [f"channel {number}" for number in range(5000)]
    session = new_session(**dict.fromkeys(names, 0))
    few = [send(session, name, 1) for name in names[:100]]
    assert stored(session).resume(few[-1])
    for name in names:
        session.cursors[name].advance(1)
    last = send(session, names[-1], 2)
    assert len(last) < LONGEST_OFFSET
    assert not stored(session).resume(last)


def test_a_cursor_that_was_left_is_never_taken_for_another() -> None:
    session = new_session(a=4)
    text = send(session, "a", 50)
    session.leave("a")
    session.enter("b", Position(3, "e1"), trusted=False)
    session.enter("a", Position(60, "e1"), trusted=False)
    restored = stored(session)
    assert restored.resume(text)
    assert offsets(restored) == {"b": 3, "a": 60}


def test_joining_again_in_vain_changes_nothing() -> None:
    session = new_session(a=4)
    send(session, "a", 5)
    cursor = session.enter("a", Position(9, "e1"), trusted=False)
    session.restore_cursor("a", cursor)
    assert offsets(session) == {"a": 5}
    cursor = session.enter("b", Position(9, "e1"), trusted=False)
    session.restore_cursor("b", cursor)
    assert offsets(session) == {"a": 5}


def test_who_received_nothing_goes_on_where_it_joined() -> None:
    for offset in (None, "ghijkl:3:1.99"):  # another session's: the client keeps the last it saw
        session = stored(new_session(a=4, b=7))
        assert session.resume(offset)
        assert offsets(session) == {"a": 4, "b": 7}


def test_a_place_begins_where_it_was_let_in_whatever_the_client_says() -> None:
    session = new_session(a=4, b=7)
    assert session.resume("abcdef:0:1.0,2.9")
    assert offsets(session) == {"a": 4, "b": 9}


def test_the_same_string_can_be_brought_twice() -> None:
    session = new_session(a=4, b=7)
    text = send(session, "a", 5)
    for _drop in range(2):
        session = stored(session)
        assert session.resume(text)
        assert offsets(session) == {"a": 5, "b": 7}
    text = send(session, "b", 8)
    assert text == "abcdef:0:1.5,2.8"
    session = stored(session)
    assert session.resume(text)
    assert offsets(session) == {"a": 5, "b": 8}


def test_where_history_was_lost_an_older_string_says_too_little() -> None:
    session = new_session(a=4, b=7)
    before = send(session, "a", 5)
    after = lose_history(session, "a", Position(2, "e2"))
    restored = stored(session)
    assert not restored.resume(before)
    assert not restored.resume(None)
    assert restored.resume(after)
    assert [tuple(position) for _, position, _ in restored.channels()] == [(2, "e2"), (7, "e1")]
    assert restored.resume(send(session, "a", 3))
    assert offsets(restored) == {"a": 3, "b": 7}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "abcdef",
        "abcdef:0",
        "abcdef:x:",
        "abcdef:0:1",
        "abcdef:0:1.2,",
        "abcdef:0:,",
        "abcdef:0:1.2.3",
        "abcdef:0:1.-2",
        " abcdef:0:1.2",
        "abcdef:0:1.2\n",
        "abcde:0:1.2",
        "abcdef:1:1.2",
        "abcdef:" + "0" * 10 + ":",
        "abcdef:0:" + "1.2," * 20_000 + "1.2",
    ],
)
def test_what_is_no_offset_string_says_nothing(text: str) -> None:
    assert not new_session(a=4).resume(text)


def test_what_is_stored_is_everything_but_what_was_sent() -> None:
    session = new_session(a=4)
    session.enter("b", Position(1, "e1"), trusted=True)
    send(session, "a", 9)
    restored = stored(session)
    assert (restored.sid, restored.namespace, restored.identity_id, restored.claimant) == (
        "sid~",
        "/circles",
        "alice",
        "/circles user:alice",
    )
    assert [(name, cursor.trusted) for name, cursor in restored.cursors.items()] == [
        ("a", False),
        ("b", True),
    ]
    restored.enter("c", Position(0, "e1"), trusted=False)
    assert restored.cursors["c"].number == 3


def test_only_its_own_identity_may_come_back() -> None:
    alice, agent = Identity("alice", "user"), Identity("alice", "agent")
    stranger = Identity("anonymous-1", "user", stranger=True)
    other = Identity("anonymous-2", "user", stranger=True)
    impostor = Identity("stranger", "user")
    names = [claimant_of("/chat", one) for one in (alice, agent, stranger, impostor)]
    assert len({*names, claimant_of("/circles", alice)}) == 5
    assert claimant_of("/chat", stranger) == claimant_of("/chat", other)


STEPS = st.lists(
    st.tuples(st.sampled_from(["send", "drop", "join", "leave", "note"]), st.sampled_from("abc")),
    max_size=40,
)


@given(STEPS)
def test_whatever_happens_it_goes_on_behind_the_last_that_was_received(
    steps: Iterable[tuple[str, str]],
) -> None:
    session, published = new_session(), dict.fromkeys("abc", 0)
    received: dict[str, int] = {}  # the same, if a client stored an offset for each channel
    text = None
    for step, name in steps:
        if step == "join":
            session.enter(name, Position(published[name], "e1"), trusted=False)
            received[name] = published[name]
        elif step == "leave":
            session.leave(name)
            received.pop(name, None)
        elif step == "send":
            published[name] += 1
            if name in session.cursors:
                text = send(session, name, published[name])
                received[name] = published[name]
        elif step == "note" and name in session.cursors:
            text = send(session, name, None)
        elif step == "drop":
            session = stored(session)
            assert session.resume(text)
            assert offsets(session) == received
