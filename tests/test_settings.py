"""Settings from the environment; the README has their table."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.core.identity import parse_grants
from app.core.user_grants import UserGrant
from app.settings import Settings, SettingsError
from tests.fixtures.settings import Load

SECRET = "a secret of the tests, long enough for HS256"


def test_the_defaults(load: Load) -> None:
    settings = load()
    assert (settings.host, settings.port) == ("127.0.0.1", 8000)
    assert settings.redis_url is None
    assert settings.emit_channel == "socketio"
    assert settings.auth_secret is None
    assert settings.auth_issuer is None
    assert settings.auth_audience is None
    assert settings.auth_mode == "none"
    assert settings.auth_leeway_seconds == 10
    assert settings.anonymous_grants == ()
    assert settings.user_grants == ()
    assert settings.allowed_origins == settings.trusted_proxies == ()
    assert (settings.metrics_token, settings.console) == (None, True)
    assert (settings.history_size, settings.history_seconds) == (1000, 86_400)
    assert settings.max_message_bytes == 1_000_000
    assert (settings.messages_per_second, settings.agent_messages_per_second) == (100, 2000)
    assert settings.messages_per_second_per_identity == 1000
    assert (settings.connections_per_identity, settings.connections_per_address) == (200, 0)
    assert settings.channels_per_connection == 10_000
    assert (settings.ping_seconds, settings.ping_timeout_seconds) == (25, 20)


def test_defaults_are_the_same_wherever_settings_come_from(load: Load) -> None:
    assert load() == Settings()


def test_every_variable_is_read(load: Load) -> None:
    assert load(
        HOST="0.0.0.0",
        PORT="0",
        REDIS_URL="rediss://:pw@redis:6380/1",
        EMIT_CHANNEL="emits",
        AUTH_SECRET=SECRET,
        AUTH_ISSUER="https://issuer",
        AUTH_AUDIENCE="hearth",
        AUTH_LEEWAY_SECONDS="2.5",
        ANONYMOUS_GRANTS="circles:lobby:r, feeds:codeworm:logs:r,",
        USER_GRANTS="chat:*/{sub}/*:rw",
        ALLOWED_ORIGINS="https://app.example.com/, http://localhost:3000",
        TRUSTED_PROXIES="private, 203.0.113.7,2001:db8::/32",
        HISTORY_SIZE="5",
        HISTORY_SECONDS="1.5",
        MAX_MESSAGE_BYTES="2048",
        MESSAGES_PER_SECOND="2.5",
        AGENT_MESSAGES_PER_SECOND="0.5",
        MESSAGES_PER_SECOND_PER_IDENTITY="7.5",
        CONNECTIONS_PER_IDENTITY="3",
        CONNECTIONS_PER_ADDRESS="4",
        CHANNELS_PER_CONNECTION="5",
        PING_SECONDS="0.5",
        PING_TIMEOUT_SECONDS="0.25",
        METRICS_TOKEN="public",
        CONSOLE="0",
        LOG_FORMAT="json",
        LOG_LEVEL="debug",
    ) == Settings(
        host="0.0.0.0",
        port=0,
        redis_url="rediss://:pw@redis:6380/1",
        emit_channel="emits",
        auth_secret=SECRET,
        auth_issuer="https://issuer",
        auth_audience="hearth",
        auth_mode="required",
        anonymous_grants=parse_grants(["circles:lobby:r", "feeds:codeworm:logs:r"]),
        auth_leeway_seconds=2.5,
        user_grants=(UserGrant.parse("chat:*/{sub}/*:rw"),),
        allowed_origins=("https://app.example.com", "http://localhost:3000"),
        trusted_proxies=("private", "203.0.113.7", "2001:db8::/32"),
        history_size=5,
        history_seconds=1.5,
        max_message_bytes=2048,
        messages_per_second=2.5,
        agent_messages_per_second=0.5,
        messages_per_second_per_identity=7.5,
        connections_per_identity=3,
        connections_per_address=4,
        channels_per_connection=5,
        ping_seconds=0.5,
        ping_timeout_seconds=0.25,
        metrics_token="public",
        console=False,
        log_format="json",
        log_level="debug",
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("PORT", value) for value in ("x", "", "-1", "65536", "80.5", "1e3")),
        *(("HISTORY_SIZE", value) for value in ("x", "-1", "1.5", "1000001")),
        *(
            (name, value)
            for name in ("HISTORY_BYTES", "INBOX_BYTES")
            for value in ("x", "-1", "1.5")
        ),
        *(("HISTORY_SECONDS", value) for value in ("x", "-1", "nan", "inf", "-inf")),
        *(("MAX_MESSAGE_BYTES", value) for value in ("x", "0", "1023", "-1", "2048.5")),
        *(("MESSAGES_PER_SECOND", value) for value in ("x", "-1", "nan", "inf")),
        *(("AGENT_MESSAGES_PER_SECOND", value) for value in ("x", "-1", "nan", "inf")),
        *(("MESSAGES_PER_SECOND_PER_IDENTITY", value) for value in ("x", "-1", "inf")),
        *(("CONNECTIONS_PER_IDENTITY", value) for value in ("x", "-1", "1.5")),
        *(("CONNECTIONS_PER_ADDRESS", value) for value in ("x", "-1", "1.5")),
        *(("CHANNELS_PER_CONNECTION", value) for value in ("x", "-1", "1.5")),
        *(("PING_SECONDS", value) for value in ("x", "0", "-1", "nan", "inf")),
        *(("PING_TIMEOUT_SECONDS", value) for value in ("x", "0", "-1", "nan", "inf")),
        *(("TRUSTED_PROXIES", value) for value in ("x", "*", "10.0.0.1/8", "localhost", "1.2.3")),
        *(("METRICS_TOKEN", value) for value in (" ",)),
        *(("CONSOLE", value) for value in ("x", "2")),
        *(("AUTH_MODE", value) for value in ("x", "off", "required ")),
        *(("ANONYMOUS_GRANTS", value) for value in ("x", "circles:a", "a:b:r,circles:*:x")),
        *(("ALLOWED_ORIGINS", value) for value in ("example.com", "https://", "https://a.b/c")),
        *(("USER_GRANTS", value) for value in ("x", "circles:a-{sub}:r", "circles:{id}:r")),
        *(("AUTH_LEEWAY_SECONDS", value) for value in ("x", "-1", "nan", "inf", "3601")),
        *(("LOG_FORMAT", value) for value in ("x", "xml")),
        *(("LOG_LEVEL", value) for value in ("x", "10")),
        *(("REDIS_URL", value) for value in ("redis", "http://redis", "localhost:6379")),
        *(("REDIS_URL", f"redis://redis{rest}") for rest in (":0", ":x", "/x", "/0/1", "?db=x")),
        *(("REDIS_URL", f"rediss://redis?{query}") for query in ("ssl_cert_reqs=x", "ssl_x=1")),
        ("AUTH_JWKS", "https://issuer/jwks.json"),
    ],
)
def test_a_wrong_value_is_named(load: Load, name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=f'"{name}"'):
        load(**{name: value})


@pytest.mark.parametrize(
    "url",
    [
        "http://:hunter2@redis:6379",
        "hunter2",
        "user:hunter2@redis",
        "redis://:hunter2@redis/x",
        "redis://redis/0?pasword=hunter2",
        "rediss://:hunter2@redis/0?ssl_cert_reqs=hunter2",
    ],
)
def test_the_password_of_redis_is_never_shown(load: Load, url: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load(REDIS_URL=url)
    assert "hunter2" not in str(caught.value)
    assert caught.value.__suppress_context__  # nor in a traceback


@pytest.mark.parametrize(
    "url",
    [
        "redis://localhost",
        "redis://:p%40ss@[::1]:6380/15?socket_timeout=3",
        "rediss://user:pass@redis:6380/1?ssl_cert_reqs=none&ssl_ca_certs=/etc/ca.pem",
        "unix:///run/redis.sock?db=2",
        "redis+sentinel://:pass@one:26379,two:26379/0/hearth",
    ],
)
def test_urls_of_redis(load: Load, url: str) -> None:
    assert load(REDIS_URL=url).redis_url == url


@pytest.mark.parametrize(
    ("name", "attribute"),
    [
        ("AUTH_LEEWAY_SECONDS", "auth_leeway_seconds"),
        ("HISTORY_SIZE", "history_size"),
        ("HISTORY_SECONDS", "history_seconds"),
        ("HISTORY_BYTES", "history_bytes"),
        ("INBOX_BYTES", "inbox_bytes"),
        ("MESSAGES_PER_SECOND", "messages_per_second"),
        ("PORT", "port"),
    ],
)
def test_zero_is_a_value(load: Load, name: str, attribute: str) -> None:
    assert getattr(load(**{name: "0"}), attribute) == 0


@pytest.mark.parametrize(
    ("name", "attribute"),
    [
        ("REDIS_URL", "redis_url"),
        ("AUTH_SECRET", "auth_secret"),
        ("AUTH_ISSUER", "auth_issuer"),
        ("AUTH_AUDIENCE", "auth_audience"),
        ("AUTH_MODE", "auth_mode"),
        ("ANONYMOUS_GRANTS", "anonymous_grants"),
        ("USER_GRANTS", "user_grants"),
        ("HOST", "host"),
        ("HEARTH_PREFIX", "hearth_prefix"),
        ("LOG_LEVEL", "log_level"),
        ("ALLOWED_ORIGINS", "allowed_origins"),
    ],
)
def test_an_empty_variable_is_one_that_is_not_set(load: Load, name: str, attribute: str) -> None:
    assert getattr(load(**{name: ""}), attribute) == getattr(Settings(), attribute)


def test_all_origins(load: Load) -> None:
    assert load(ALLOWED_ORIGINS="*").allowed_origins == ("*",)


def test_dotenv_is_read(load: Load, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(f"PORT=9000\nAUTH_SECRET='{SECRET}'\n")
    settings = load()
    assert (settings.port, settings.auth_secret) == (9000, SECRET)


def test_the_real_environment_wins_over_dotenv(load: Load, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("PORT=9000\nHISTORY_SIZE=7\n")
    settings = load(PORT="9001")
    assert (settings.port, settings.history_size) == (9001, 7)


def test_dotenv_of_a_directory_above_is_not_read(
    load: Load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".env").write_text("PORT=9000\n")
    (tmp_path / "below").mkdir()
    monkeypatch.chdir(tmp_path / "below")
    assert load().port == 8000


def test_what_is_wrong_in_dotenv_is_named(load: Load, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("PORT=x\n")
    with pytest.raises(SettingsError, match='"PORT"'):
        load()
