"""Publications of messages: the offset is spliced into the JSON."""

from __future__ import annotations

from typing import Any

import orjson
from hypothesis import given
from hypothesis import strategies as st

from app.core.message import IDEMPOTENCY_SECONDS, Message, Publication, make_publication

ENVELOPES = st.dictionaries(
    st.sampled_from(["type", "channel", "data", "nonce"]),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=9) | st.integers(0, 9),
    min_size=1,
)


def test_the_offset_comes_last_and_nothing_else_changes() -> None:
    body = b'{"type":"typing","data":{"typing":true}}'
    publication = make_publication(Message("typing", body, 5.0, "then"), 42, 7)
    assert publication == Publication(
        42, "typing", b'{"type":"typing","data":{"typing":true},"offset":42}', 5.0, 7
    )


def test_a_message_that_is_not_kept_stays_as_it_is() -> None:
    body = b'{"type":"typing"}'
    assert make_publication(Message("typing", body, 5.0, "then"), None, 7) == Publication(
        None, "typing", body, 5.0, 7
    )


@given(ENVELOPES, st.integers(1, 2**53))
def test_the_body_stays_json(envelope: dict[str, Any], offset: int) -> None:
    publication = make_publication(Message("any", orjson.dumps(envelope), 0.0, "then"), offset)
    assert orjson.loads(publication.body) == envelope | {"offset": offset}


def test_nonces_are_remembered_for_five_minutes() -> None:
    assert IDEMPOTENCY_SECONDS == 5 * 60
