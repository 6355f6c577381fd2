"""Settings that decide who gets in: what would let in everybody by mistake stops the start."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.origins import is_loopback
from app.settings import SettingsError, near_misses
from tests.fixtures.settings import Load

SECRET = "a secret of the tests, long enough for HS256"


@pytest.mark.parametrize(
    "host", ["0.0.0.0", "::", "[::]", "192.168.1.5", "example.com", "localhost.", "/run/h.sock"]
)
def test_strangers_are_not_let_in_by_mistake(load: Load, host: str) -> None:
    with pytest.raises(SettingsError, match=r"AUTH_SECRET.*AUTH_MODE=none"):
        load(HOST=host)
    assert load(HOST=host, AUTH_SECRET=SECRET).development is False


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "[::1]", "localhost", " ::1 "])
def test_on_this_machine_everybody_is_let_in(load: Load, host: str) -> None:
    settings = load(HOST=host)
    assert settings.development is True
    assert is_loopback(settings.host)


@pytest.mark.parametrize("host", ["", " "])
def test_an_empty_host_is_one_that_is_not_set(load: Load, host: str) -> None:
    assert load(HOST=host).host == load(HOST=host, AUTH_SECRET=SECRET).host == "127.0.0.1"


@pytest.mark.parametrize("secret", [" ", "\t", " " * 40])
def test_a_blank_secret_is_a_mistake_everywhere(load: Load, secret: str) -> None:
    for others in ({}, {"HOST": "0.0.0.0"}, {"AUTH_MODE": "none"}, {"AUTH_MODE": "required"}):
        with pytest.raises(SettingsError, match=r"AUTH_SECRET.*blank"):
            load(AUTH_SECRET=secret, **others)


@pytest.mark.parametrize("secret", ["x", "x" * 31, "x" * 31 + " ", "hunter2"])
def test_a_secret_that_can_be_guessed_is_for_this_machine_only(load: Load, secret: str) -> None:
    for host in ("0.0.0.0", "::", "example.com", "/run/hearth.sock"):
        with pytest.raises(SettingsError, match=r"HOST.*AUTH_SECRET.*32") as caught:
            load(HOST=host, AUTH_SECRET=secret)
        assert "hunter2" not in str(caught.value)
        assert load(HOST=host, AUTH_SECRET=secret, AUTH_MODE="none").development
    assert load(AUTH_SECRET=secret).has_short_secret


@pytest.mark.parametrize("secret", ["x" * 32, "ü" * 16])
def test_32_bytes_are_enough(load: Load, secret: str) -> None:
    assert not load(HOST="0.0.0.0", AUTH_SECRET=secret).has_short_secret


def test_near_misses_are_found_in_dotenv_too(load: Load, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("REDIS_URI=redis://localhost\n")
    load(ALLOWED_ORIGIN="*", PORT="9000", HOSTNAME="here", AUTH_JWKS="")
    assert near_misses() == {"ALLOWED_ORIGIN": "ALLOWED_ORIGINS", "REDIS_URI": "REDIS_URL"}


def test_auth_mode_none_insists(load: Load) -> None:
    assert load(HOST="0.0.0.0", AUTH_MODE="none").development is True
    assert load(HOST="0.0.0.0", AUTH_MODE="none", AUTH_SECRET=SECRET).development is True


def test_dotenv_may_insist_too(load: Load, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("HOST=0.0.0.0\nAUTH_MODE=none\n")
    assert load().development is True


def test_an_empty_secret_is_none(load: Load) -> None:
    with pytest.raises(SettingsError, match="AUTH_SECRET"):
        load(HOST="0.0.0.0", AUTH_SECRET="")


def test_required_needs_a_secret(load: Load) -> None:
    with pytest.raises(SettingsError, match="AUTH_SECRET"):
        load(AUTH_MODE="required")
    assert load(AUTH_MODE="required", AUTH_SECRET=SECRET).auth_mode == "required"


def test_a_secret_turns_authentication_on(load: Load) -> None:
    assert load(AUTH_SECRET=SECRET).auth_mode == "required"
