"""Authentication of requests: expired tokens, and the fresh ones that replace them."""

from __future__ import annotations

from app.auth import Authenticator
from app.core import access
from app.core.channel import Channel
from app.core.errors import Forbidden, TokenExpired
from app.core.identity import Identity
from app.hub.hub import Hub
from app.hub.member import Member


def require_current(identity: Identity, now: float) -> None:
    """Raise `TokenExpired` if an identity's token has expired; its connection is closed soon.

    Args:
        now: seconds since 1970.
    """
    if (ends_at := identity.ends_at) is not None and ends_at <= now:
        raise TokenExpired


def identify_again(authenticator: Authenticator, member: Member, token: str) -> Identity:
    """Return the identity that a fresh token proves.

    Raises:
        Unauthorized: it proves none.
        Forbidden: it is somebody else's.
    """
    identity = authenticator.identify(token)
    if identity.key != member.identity.key:
        raise Forbidden("The token is somebody else's.")
    return identity


async def go_on_as(hub: Hub, member: Member, identity: Identity) -> list[Channel]:
    """Replace a member's token by a fresh one; it leaves the channels that this doesn't grant.

    Returns:
        The channels that it has left.
    """
    member.go_on_as(identity)
    lost = [channel for channel in member.channels if not access.may_read(identity, channel)]
    for channel in lost:
        await hub.memberships.leave(member, channel)
    return lost
