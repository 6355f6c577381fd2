"""Print a token: `make token ID=agent-7 KIND=agent GRANTS='circles:dev-*:rw,*:*:r'`."""

from __future__ import annotations

import argparse
import sys
import time

from app.auth import DEVELOPMENT_SECRET, make_token
from app.core.channel import id_problem
from app.core.identity import KINDS, Identity, parse_grants, run_together, unknown_namespaces
from app.settings import SettingsError, load_settings
from app.start_warnings import PATHS


def main() -> None:
    """Print the token on stdout, and warnings about it on stderr."""
    parser = argparse.ArgumentParser(prog="python -m app.token", description=__doc__)
    parser.add_argument("--id", required=True, help="who it is, e.g. agent-7")
    parser.add_argument("--kind", default="user", choices=sorted(KINDS))
    parser.add_argument(
        "--grants", help="comma-separated <namespace>:<channel>:<mode>; else those of USER_GRANTS"
    )
    parser.add_argument("--agent-id", help="what else an agent calls itself in agent_id, e.g. 7")
    parser.add_argument("--hours", type=float, default=24.0, help="how long it is good for")
    arguments = parser.parse_args()
    try:
        settings = load_settings()
        grants = parse_grants(filter(None, map(str.strip, (arguments.grants or "").split(","))))
    except (SettingsError, ValueError) as error:
        parser.error(str(error))
    if several := run_together(grants):
        parser.error(f"--grants: {several[0]} is one grant; separate several by commas")
    if unknown := unknown_namespaces(grants, PATHS):
        namespaces = ", ".join(path.strip("/") for path in PATHS)
        parser.error(f"--grants: {unknown[0]} opens nothing, for the namespaces are {namespaces}")
    if (problem := id_problem(arguments.id)) is not None:
        parser.error(f"--id can't be an id: {problem}")
    if arguments.agent_id is not None and arguments.kind != "agent":
        parser.error("--agent-id is for --kind agent")
    identity = Identity(
        arguments.id,
        arguments.kind,
        grants,
        time.time() + arguments.hours * 3600,
        agent_id=_agent_id(arguments.agent_id),
    )
    has_user_grants = arguments.grants is None and arguments.kind == "user"
    claims = {"iss": settings.auth_issuer, "aud": settings.auth_audience}
    print(
        make_token(
            settings.auth_secret or DEVELOPMENT_SECRET,
            identity,
            with_grants=not has_user_grants,
            **{name: value for name, value in claims.items() if value is not None},
        )
    )
    if not grants and not (has_user_grants and settings.user_grants):
        print("It has no grants, so it opens next to nothing: see --grants.", file=sys.stderr)
    if settings.auth_secret is None:
        print("No AUTH_SECRET is set: this is good in development mode only.", file=sys.stderr)


def _agent_id(text: str | None) -> int | str | None:
    """Return what payloads have as `agent_id`: an integer, where the text is one."""
    return int(text) if text is not None and text.isascii() and text.isdecimal() else text


if __name__ == "__main__":
    main()
