"""Access rules: who may read, publish and see members where.

Source: docs/protocol.md, "Namespaces and types" and "Identity and permission".
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from app.core.channel import BROADCAST_CHANNEL, NOTIFICATIONS, Channel, user_channel
from app.core.errors import Forbidden
from app.core.identity import Identity, Mode
from app.core.shown import shown


def may_read(identity: Identity, channel: Channel) -> bool:
    """Return whether `identity` may join `channel` and read its history."""
    if identity.all_rights or channel == BROADCAST_CHANNEL or _is_own(identity, channel):
        return True
    if channel.namespace == NOTIFICATIONS and identity.kind != "service":
        return False  # no grant opens one user's notifications to another
    return identity.granted(channel, "r")


def may_see_members(identity: Identity, channel: Channel) -> bool:
    """Return whether `identity` may see who is in `channel`.

    Everybody is in `broadcast`, so seeing its members takes a grant: it shows who is online.
    """
    if channel == BROADCAST_CHANNEL:
        return identity.granted(channel, "r")
    return may_read(identity, channel)


def require_read(identity: Identity, channel: Channel) -> None:
    """Raise `Forbidden` unless `identity` may read `channel`."""
    if not may_read(identity, channel):
        what = f"reading {shown(channel.name)} in {channel.namespace}"
        raise Forbidden(f"The token does not permit {what}{_missing(identity, channel, 'r')}.")


def require_members(identity: Identity, channel: Channel) -> None:
    """Raise `Forbidden` unless `identity` may see the members of `channel`."""
    if not may_see_members(identity, channel):
        raise Forbidden(f"The token does not permit seeing who is in {shown(channel.name)}.")


def require_publish(
    identity: Identity, channel: Channel, message_type: str, publishers: Collection[str]
) -> None:
    """Raise `Forbidden` unless `identity` may publish `message_type` into `channel`.

    Args:
        publishers: the kinds of identity that the type admits.
    """
    if identity.all_rights:
        return
    namespace, kind = channel.namespace, identity.kind
    if kind not in publishers:
        raise Forbidden(f"{message_type} is not for the kind {kind} to publish in {namespace}.")
    if namespace == "/agents" and kind == "agent" and identity.id != channel.name:
        raise Forbidden("An agent publishes into its own channel only.")
    if namespace == NOTIFICATIONS and kind != "service":
        permitted = _may_notify(identity, channel)
    else:
        permitted = identity.granted(channel, "w")
    if not permitted:
        where = f"{shown(channel.name)} in {namespace}"
        missing = _missing(identity, channel, "w")
        raise Forbidden(f"The token does not permit publishing into {where}{missing}.")


def name_agent(identity: Identity, data: Any) -> Any:
    """Return the payload of an agent, or of a developer in its place, with its own `agent_id`.

    Raises:
        Forbidden: it is another's.
    """
    named = data.get("agent_id") if isinstance(data, Mapping) else identity.id
    if named is None:
        return {**data, "agent_id": identity.id}
    if identity.all_rights:
        return data
    own = [identity.id] if identity.agent_id is None else [identity.id, str(identity.agent_id)]
    # Some systems number agents: 7 is "7". What is neither may be of any size.
    if not isinstance(named, int | str) or str(named) not in own:
        raise Forbidden("agent_id is neither the token's sub nor its claim agent_id.")
    return data


def _missing(identity: Identity, channel: Channel, mode: Mode) -> str:
    """Return words that name the grant which would permit it, if one would."""
    is_mine_alone = mode == "r" or identity.kind == "user"
    if channel.namespace == NOTIFICATIONS and identity.kind != "service" and is_mine_alone:
        return ""  # no grant opens one user's notifications to another
    return f": it takes a grant like {channel.namespace[1:]}:{shown(channel.name)}:{mode}"


def _may_notify(identity: Identity, channel: Channel) -> bool:
    """Return whether a user or an agent may publish into a channel of notifications.

    A user's own channel is its own. Notifying others takes a grant that says so: one for all
    channels of all namespaces doesn't.
    """
    if identity.kind == "user":
        return _is_own(identity, channel)
    return channel != BROADCAST_CHANNEL and identity.granted_by_name(channel, "w")


def _is_own(identity: Identity, channel: Channel) -> bool:
    return identity.kind == "user" and channel == user_channel(identity.id)
