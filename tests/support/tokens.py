"""Tokens of people, agents and services that the test servers believe."""

from __future__ import annotations

import time

from app.auth import make_token
from app.core.identity import Identity, Kind, parse_grants

SECRET = "a secret of the tests, long enough for HS256"


def token(
    name: str,
    kind: Kind = "user",
    *grants: str,
    expires_in: float = 7200,
    secret: str = SECRET,
    agent_id: int | str | None = None,
) -> str:
    """Return a token that the test servers take; by default it outlives a run of all tests."""
    ends = time.time() + expires_in
    identity = Identity(name, kind, parse_grants(grants), ends, agent_id=agent_id)
    return make_token(secret, identity)


ALICE = token("alice", "user", "*:*:rw")
BOB = token("bob", "user", "*:*:rw")
AGENT = token("agent-7", "agent", "*:*:rw", agent_id=7)
SERVICE = token("ci", "service", "*:*:rw")
