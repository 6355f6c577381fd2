"""Origins in a browser's form, and those that a setting allows."""

from __future__ import annotations

import pytest

from app.origins import AllowedOrigins, is_loopback, is_own_name, parse_origin


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("https://App.Example.COM", "https://app.example.com"),
        ("https://app.example.com:443", "https://app.example.com"),
        ("http://app.example.com:80", "http://app.example.com"),
        ("https://app.example.com:80", "https://app.example.com:80"),
        ("wss://app.example.com", "https://app.example.com"),
        ("ws://10.0.0.7:8081", "http://10.0.0.7:8081"),
        ("https://müller.example", "https://xn--mller-kva.example"),
        ("https://straße.example", "https://xn--strae-oqa.example"),  # as browsers, not "strasse"
        ("http://[::1]:5173", "http://[::1]:5173"),
        ("http://[0:0:0::1]", "http://[::1]"),
        ("capacitor://localhost", "capacitor://localhost"),
        ("chrome-extension://abcdef", "chrome-extension://abcdef"),
        ("file://", "file://"),
    ],
)
def test_an_origin_takes_a_browsers_form(text: str, form: str) -> None:
    assert str(parse_origin(text)) == form
    assert str(parse_origin(form)) == form


NONE = [
    *("", "null", "*", "app.example.com", "https://", "https:///", "https://a b", "https://a..b"),
    *("https://app.example.com/", "https://app.example.com/path", "https://a?b", "https://a#b"),
    *("https://ann@app.example.com", "https://a:99999", "https://a:x", "https://[::1", "://a"),
    *("https://a, https://b", "https://%zz", "https://a\\b"),
]


@pytest.mark.parametrize("text", NONE)
def test_what_no_browser_sends_is_none(text: str) -> None:
    assert parse_origin(text) is None


@pytest.mark.parametrize(
    ("allowed", "admitted"),
    [
        ("https://App.example.com:443/", "https://app.example.com"),
        ("https://app.example.com", "wss://app.example.com:443"),
        ("https://Müller.example", "https://xn--mller-kva.example"),
        ("https://*.example.com", "https://app.example.com"),
        ("https://*.example.com", "https://a.b.Example.com:443"),
        ("http://*.localhost:5173", "http://app.localhost:5173"),
        ("*", "https://whatever.example"),
        ("*", "null"),
        ("null", "null"),
        ("file://", "file://"),
        ("capacitor://localhost", "capacitor://localhost"),
    ],
)
def test_what_is_allowed_is_admitted(allowed: str, admitted: str) -> None:
    assert AllowedOrigins([allowed]).admit(admitted)
    assert AllowedOrigins(["https://else.example", allowed]).admit(admitted)


@pytest.mark.parametrize(
    ("allowed", "refused"),
    [
        ("https://app.example.com", "http://app.example.com"),
        ("https://app.example.com", "https://app.example.com:8443"),
        ("https://app.example.com", "https://app.example.com.evil.example"),
        ("https://*.example.com", "https://example.com"),
        ("https://*.example.com", "https://evilexample.com"),
        ("https://*.example.com", "http://app.example.com"),
        ("https://*.example.com", "https://app.example.com:8443"),
        ("https://*.example.com", "https://app.example.com/"),
        ("https://app.example.com", "null"),
        ("https://app.example.com", ""),
    ],
)
def test_nothing_else_is(allowed: str, refused: str) -> None:
    assert not AllowedOrigins([allowed]).admit(refused)
    assert not AllowedOrigins().admit(refused)


@pytest.mark.parametrize(
    "text",
    [
        *("app.example.com", "*.example.com", "https://*", "https://a.*.example.com", "https://"),
        *("https://app.example.com/path", "http://localhost:*", "https://a b", "https://*.", "**"),
        *("https://ann@app.example.com", "https://a:99999", "https://*.*.example.com", "//a"),
    ],
)
def test_what_can_never_match_is_no_setting(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not an origin.* like https://app\.example\.com"):
        AllowedOrigins([text])


@pytest.mark.parametrize(
    "host", ["localhost", "localhost:8000", "127.0.0.1", "127.9.9.9:1", "[::1]:80"]
)
def test_names_of_this_machine(host: str) -> None:
    assert is_own_name(host)


@pytest.mark.parametrize(
    "host", ["", "rebound.example", "localhost.evil.example", "a b", "10.0.0.1"]
)
def test_names_of_others(host: str) -> None:
    assert not is_own_name(host)


def test_a_server_may_listen_on_an_address_of_version_6() -> None:
    assert is_loopback("::1")
    assert not is_loopback("::")
