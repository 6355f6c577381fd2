"""`python -m app.token` prints a token."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from app.auth import DEVELOPMENT_SECRET, Authenticator
from app.core.identity import Identity, parse_grants
from app.core.user_grants import UserGrant
from app.settings import Settings
from tests.support.process import ROOT, clean_environment

SECRET = "a secret of the tests, long enough for HS256"

pytestmark = pytest.mark.processes


def run(directory: Path, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "app.token", *arguments],
        cwd=directory,
        env=clean_environment(**settings),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def identify(token: str, **settings: str | None) -> Identity:
    ours = {"auth_secret": SECRET, "auth_mode": "required"} | settings
    return Authenticator(Settings(**ours)).verify(token.strip())  # type: ignore[arg-type]


def test_it_prints_one_token_for_whom_it_is_told(tmp_path: Path) -> None:
    result = run(
        *(tmp_path, "--id", "agent-7", "--kind", "agent"),
        *("--grants", "circles:dev-*:rw, feeds:codeworm:logs:r"),
        AUTH_SECRET=SECRET,
    )
    identity = identify(result.stdout)
    assert (identity.id, identity.kind) == ("agent-7", "agent")
    assert identity.grants == parse_grants(["circles:dev-*:rw", "feeds:codeworm:logs:r"])
    assert (result.returncode, result.stderr) == (0, "")
    assert len(result.stdout.splitlines()) == 1


def test_a_user_without_grants_by_default(tmp_path: Path) -> None:
    identity = identify(run(tmp_path, "--id", "alice", AUTH_SECRET=SECRET).stdout)
    assert (identity.kind, identity.grants) == ("user", ())
    assert identity.expires_at is not None


def test_a_user_without_grants_has_those_of_all_users(tmp_path: Path) -> None:
    settings = {"AUTH_SECRET": SECRET, "USER_GRANTS": "chat:*/{sub}/*:rw"}
    ours = Settings(
        auth_secret=SECRET,
        auth_mode="required",
        user_grants=(UserGrant.parse(settings["USER_GRANTS"]),),
    )
    for arguments, grants in (([], ["chat:*/alice/*:rw"]), (["--grants", ""], [])):
        result = run(tmp_path, "--id", "alice", *arguments, **settings)
        identity = Authenticator(ours).verify(result.stdout.strip())
        assert [str(grant) for grant in identity.grants] == grants
        assert bool(result.stderr) is (grants == [])


@pytest.mark.parametrize(("text", "agent_id"), [("7", 7), ("planner", "planner")])
def test_an_agent_may_have_another_id_among_agents(
    tmp_path: Path, text: str, agent_id: int | str
) -> None:
    arguments = ("--id", "agent-7", "--kind", "agent", "--agent-id", text)
    identity = identify(run(tmp_path, *arguments, AUTH_SECRET=SECRET).stdout)
    assert identity.agent_id == agent_id


def test_hours_say_how_long_it_is_good_for(tmp_path: Path) -> None:
    ends = [
        identify(run(tmp_path, "--id", "a", "--hours", hours, AUTH_SECRET=SECRET).stdout).expires_at
        for hours in ("1", "1001")
    ]
    one, other = ends
    assert one is not None
    assert other is not None
    assert other - one >= 1000 * 3600


def test_it_fits_the_issuer_and_the_audience(tmp_path: Path) -> None:
    result = run(
        *(tmp_path, "--id", "alice"),
        AUTH_SECRET=SECRET,
        AUTH_ISSUER="https://issuer",
        AUTH_AUDIENCE="hearth",
    )
    identity = identify(result.stdout, auth_issuer="https://issuer", auth_audience="hearth")
    assert identity.id == "alice"


def test_without_a_secret_it_is_for_development_and_says_so(tmp_path: Path) -> None:
    result = run(tmp_path, "--id", "alice")
    assert identify(result.stdout, auth_secret=DEVELOPMENT_SECRET).id == "alice"
    assert "development" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "settings", "named"),
    [
        ([], {}, "--id"),
        (["--id", "a b "], {}, "--id"),
        (["--id", "a", "--kind", "root"], {}, "--kind"),
        (["--id", "a", "--grants", "circles:a"], {}, "circles:a"),
        (["--id", "a", "--grants", "circles:a:r,circel:a:r"], {}, "circel:a:r"),
        (["--id", "a", "--grants", "chat:*:rw notifications:user:*:w"], {}, "by commas"),
        (["--id", "a", "--grants", "circles:a:r; chat:*:w"], {}, "by commas"),
        (["--id", "a", "--agent-id", "7"], {}, "--agent-id"),
        (["--id", "a"], {"PORT": "x"}, "PORT"),
    ],
)
def test_what_is_wrong_is_said_and_no_token_printed(
    tmp_path: Path, arguments: list[str], settings: dict[str, str], named: str
) -> None:
    result = run(tmp_path, *arguments, AUTH_SECRET=SECRET, **settings)
    assert result.returncode == 2
    assert result.stdout == ""
    assert named in result.stderr
    assert "Traceback" not in result.stderr
    assert SECRET not in result.stderr


def test_make_says_how_several_grants_are_given() -> None:
    asked = clean_environment()
    result = subprocess.run(
        ["make", "--silent", "token"],
        cwd=ROOT,
        env=asked,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (result.returncode, result.stdout) == (2, "")
    assert "GRANTS='circles:*:rw,chat:*:r'" in result.stderr


def test_make_passes_on_how_long_it_is_good_for() -> None:
    asked = clean_environment(ID="ann", HOURS="2", AUTH_SECRET=SECRET)
    command = ["make", "--silent", "token"]
    printed = subprocess.check_output(command, cwd=ROOT, env=asked, text=True)
    ends_at = identify(printed).ends_at
    assert ends_at is not None
    assert 1.9 < (ends_at - time.time()) / 3600 < 2.1
