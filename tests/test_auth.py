"""From a client's token to its identity (docs/protocol.md, "Identity and permission")."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import tracemalloc
from typing import Any

import jwt
import pytest
from structlog.testing import capture_logs

from app.auth import MAX_TOKEN_BYTES, Authenticator, make_token
from app.core.channel import Channel
from app.core.errors import TokenExpired, Unauthorized
from app.core.identity import Identity
from app.core.user_grants import UserGrant
from app.settings import Settings
from tests.support.authenticators import ALICE, SECRET, authenticator, token_of
from tests.support.clock import START, SettableClock


@pytest.fixture
def clock() -> SettableClock:
    return SettableClock()


def signed(header: bytes, payload: bytes) -> str:
    """Sign what no library would."""

    def encode(part: bytes) -> bytes:
        return base64.urlsafe_b64encode(part).rstrip(b"=")

    text = encode(header) + b"." + encode(payload)
    return (text + b"." + encode(hmac.digest(SECRET.encode(), text, hashlib.sha256))).decode()


# What a token proves


def test_a_token_proves_an_identity(clock: SettableClock) -> None:
    assert authenticator(clock).identify(make_token(SECRET, ALICE)) == ALICE


@pytest.mark.parametrize("kind", ["user", "agent", "service"])
def test_kinds(clock: SettableClock, kind: str) -> None:
    assert authenticator(clock).identify(token_of({"kind": kind})).kind == kind


def test_sub_alone_is_a_user_without_grants_and_end(clock: SettableClock) -> None:
    assert authenticator(clock).identify(token_of({})) == Identity("alice", "user", (), None)


def test_a_token_ends_by_our_clock(clock: SettableClock) -> None:
    ours, token = authenticator(clock, auth_leeway_seconds=0), make_token(SECRET, ALICE)
    clock.advance(599)
    assert ours.identify(token) == ALICE
    clock.advance(1)
    with pytest.raises(TokenExpired):
        ours.identify(token)


def test_a_token_ends_later_by_as_much_as_clocks_may_differ(clock: SettableClock) -> None:
    ours, token = authenticator(clock), make_token(SECRET, ALICE)
    clock.advance(609)
    identity = ours.identify(token)
    assert (identity.expires_at, identity.ends_at) == (START + 600, START + 610)
    clock.advance(1)
    with pytest.raises(TokenExpired):
        ours.identify(token)


@pytest.mark.parametrize("claim", ["iat", "nbf"])
def test_a_token_begins_earlier_by_as_much(clock: SettableClock, claim: str) -> None:
    token = token_of({claim: START + 3})
    assert authenticator(clock).identify(token).id == "alice"
    strict = authenticator(clock, auth_leeway_seconds=2)
    with pytest.raises(Unauthorized, match=claim):
        strict.identify(token)
    clock.advance(1)  # and not for good
    assert strict.identify(token).id == "alice"


def test_the_clock_of_the_machine_does_not_count() -> None:
    long_ago = SettableClock(1000)
    assert authenticator(long_ago).identify(token_of({"exp": 1600})).expires_at == 1600


HS256 = b'{"alg":"HS256","typ":"JWT"}'
FORGED = {
    "empty": "",
    "no token": "hello",
    "two parts": "e30.e30",
    "not ASCII": "é.é.é",
    "another secret": token_of({}, "another secret, which is long enough for HS256"),
    "no signature": token_of({}).rpartition(".")[0] + ".",
    "another payload": ".".join(
        [token_of({}).split(".")[0], token_of({"kind": "service"}).split(".")[1], "AAAA"]
    ),
    "alg none": jwt.encode({"sub": "alice"}, None, algorithm="none"),
    "alg none, signed": signed(b'{"alg":"none"}', b'{"sub":"alice"}'),
    "alg NONE": signed(b'{"alg":"NONE"}', b'{"sub":"alice"}'),
    "no alg": signed(b'{"typ":"JWT"}', b'{"sub":"alice"}'),
    "alg list": signed(b'{"alg":["HS256"]}', b'{"sub":"alice"}'),
    "HS384": token_of({}, algorithm="HS384"),
    "HS512": token_of({}, algorithm="HS512"),
    "RS256, signed by the secret": signed(b'{"alg":"RS256"}', b'{"sub":"alice"}'),
    "no object": signed(HS256, b'["alice"]'),
    "no JSON": signed(HS256, b"alice"),
    "deep header": signed(b'{"alg":"HS256","x":' + b"[" * 10_000, b'{"sub":"alice"}'),
    "deep payload": signed(HS256, b'{"sub":"alice","x":' + b"[" * 10_000),
}


@pytest.mark.parametrize("token", FORGED.values(), ids=FORGED.keys())
def test_what_proves_nothing_is_refused(clock: SettableClock, token: str) -> None:
    with pytest.raises(Unauthorized) as caught:
        authenticator(clock).identify(token)
    assert caught.value.__suppress_context__  # why it failed is not for clients


def test_the_reference_of_the_forgeries_is_a_good_token(clock: SettableClock) -> None:
    assert authenticator(clock).identify(signed(HS256, b'{"sub":"alice"}')).id == "alice"


WRONG_CLAIMS = [
    *({"sub": sub} for sub in ("", "a b ", "a\n", "a\u0308", "a~", "x" * 256)),
    *({"kind": kind} for kind in ("root", "", "User", 5, None, True)),
    *({"grants": grants} for grants in ("*:*:rw", {"*:*": "rw"}, 5, None, [5], ["a:b:r", None])),
    *({"grants": [grant]} for grant in ("", "circles:a", "circles:a:x", "circles:a:r\n")),
    *({"kind": "agent", "agent_id": agent_id} for agent_id in (True, 7.5, "", [7], {"id": 7})),
    *({claim: START + 1e9} for claim in ("iat", "nbf")),
    *({claim: "x"} for claim in ("iat", "nbf", "exp")),
]


@pytest.mark.parametrize("claims", WRONG_CLAIMS, ids=repr)
def test_wrong_claims_are_refused(clock: SettableClock, claims: dict[str, Any]) -> None:
    with pytest.raises(Unauthorized):
        authenticator(clock).identify(token_of(claims))


@pytest.mark.parametrize("agent_id", [7, "7", "the planner"])
def test_an_agent_may_have_another_id_among_agents(
    clock: SettableClock, agent_id: int | str
) -> None:
    agent = Identity("agent-7", "agent", agent_id=agent_id)
    assert authenticator(clock).identify(make_token(SECRET, agent)) == agent
    for kind in ("user", "service"):
        claims = {"kind": kind, "agent_id": agent_id}
        assert authenticator(clock).identify(token_of(claims)).agent_id is None


@pytest.mark.parametrize("sub", [b"5", b"null", b"true", b'["alice"]', b'{"a":1}'])
def test_a_sub_that_is_no_text_is_refused(clock: SettableClock, sub: bytes) -> None:
    with pytest.raises(Unauthorized):
        authenticator(clock).identify(signed(HS256, b'{"sub":%b}' % sub))


@pytest.mark.parametrize("claim", [b"iat", b"nbf", b"exp"])
@pytest.mark.parametrize(
    "instant", [b'"soon"', b'"9999999999"', b"true", b"false", b"[1]", b"{}", b"NaN", b"Infinity"]
)
def test_an_instant_that_is_no_number_is_refused(
    clock: SettableClock, claim: bytes, instant: bytes
) -> None:
    with pytest.raises(Unauthorized):
        authenticator(clock).identify(signed(HS256, b'{"sub":"alice","%b":%b}' % (claim, instant)))


@pytest.mark.parametrize("payload", [b"{}", b'{"kind":"service"}', b'{"id":"alice"}'])
def test_a_token_of_nobody_is_refused(clock: SettableClock, payload: bytes) -> None:
    with pytest.raises(Unauthorized):
        authenticator(clock).identify(signed(HS256, payload))


@pytest.mark.parametrize(("setting", "claim"), [("auth_issuer", "iss"), ("auth_audience", "aud")])
def test_issuer_and_audience(clock: SettableClock, setting: str, claim: str) -> None:
    ours = authenticator(clock, **{setting: "hearth"})
    hearths: dict[str, Any] = {claim: "hearth"}
    assert ours.identify(make_token(SECRET, ALICE, **hearths)) == ALICE
    for claims in ({claim: "another"}, {claim: ["another"]}, {}):
        with pytest.raises(Unauthorized):
            ours.identify(signed(HS256, json.dumps({"sub": "alice"} | claims).encode()))


def test_what_is_wrong_with_a_token_of_the_right_secret_is_said(clock: SettableClock) -> None:
    ours = authenticator(clock, auth_issuer="us", auth_audience="hearth")
    for claims, named in (
        ({"iss": "them", "aud": "hearth"}, "iss"),
        ({"iss": "us", "aud": "another"}, "aud"),
        ({"iss": "us"}, "aud"),
        ({"iss": "us", "aud": "hearth", "iat": START + 60}, "iat"),
    ):
        with pytest.raises(Unauthorized, match=named):
            ours.identify(token_of(claims))
        with pytest.raises(Unauthorized, match="not valid"):  # nothing for who guesses
            ours.identify(token_of(claims, "another secret, which is long enough for HS256"))


def test_one_of_several_audiences(clock: SettableClock) -> None:
    ours = authenticator(clock, auth_audience="hearth")
    assert ours.identify(token_of({"aud": ["other", "hearth"]})).id == "alice"


@pytest.mark.parametrize("claims", [{"iss": "anybody"}, {"aud": "anything"}, {"aud": ["a", "b"]}])
def test_without_the_setting_neither_is_looked_at(
    clock: SettableClock, claims: dict[str, Any]
) -> None:
    assert authenticator(clock).identify(token_of(claims)).id == "alice"


# Grants of tokens that say nothing of them

USER_GRANTS = tuple(map(UserGrant.parse, ["chat:*/{sub}/*:rw", "circles:lobby:r"]))


def test_a_users_token_without_grants_has_those_of_all_users(clock: SettableClock) -> None:
    ours = authenticator(clock, user_grants=USER_GRANTS)
    ann = ours.identify(token_of({"sub": "auth0:5f7c"}))
    assert ann.granted(Channel("/chat", "support/auth0%3A5f7c/1"), "w")
    assert ann.granted(Channel("/circles", "lobby"), "r")
    assert not ann.granted(Channel("/chat", "support/auth0:5f7c/1"), "r")
    assert not ann.granted(Channel("/chat", "support/bob/1"), "r")


@pytest.mark.parametrize(
    "claims",
    [{"grants": []}, {"grants": ["feeds:*:r"]}, {"kind": "agent"}, {"kind": "service"}],
    ids=repr,
)
def test_all_others_have_what_their_token_says(
    clock: SettableClock, claims: dict[str, Any]
) -> None:
    identity = authenticator(clock, user_grants=USER_GRANTS).identify(token_of(claims))
    assert [str(grant) for grant in identity.grants] == claims.get("grants", [])


def test_a_namespace_that_is_not_there_is_told_once(clock: SettableClock) -> None:
    ours = Authenticator(
        Settings(auth_secret=SECRET, auth_mode="required"), clock, ["/circles", "/feeds"]
    )
    with capture_logs() as logs:
        for sub in ("alice", "bob"):
            ours.identify(token_of({"sub": sub, "grants": ["circel:a:r", "c*s:a:r", "*:*:r"]}))
    (line,) = logs
    assert (line["grant"], line["sub"]) == ("circel:a:r", "alice")
    assert line["namespaces"] == "circles, feeds"


def test_several_grants_in_one_text_are_told_once(clock: SettableClock) -> None:
    ours, merged = authenticator(clock), "chat:*:rw notifications:user:*:w"
    with capture_logs() as logs:
        for sub in ("alice", "bob"):
            grants = [merged, "chat:*:rw", "circles:Dev: r and w:rw"]
            ours.identify(token_of({"sub": sub, "grants": grants}))
    told = [line for line in logs if "looks like several" in line["event"]]
    assert [(line["grant"], line["sub"]) for line in told] == [(merged, "alice")]


def test_a_made_token_says_what_it_is_given() -> None:
    claims = jwt.decode(
        make_token(SECRET, ALICE, iss="us", aud="hearth"),
        SECRET,
        algorithms=["HS256"],
        audience="hearth",
    )
    assert claims == {
        "sub": "alice",
        "kind": "user",
        "grants": ["circles:dev-*:rw", "*:*:r"],
        "exp": START + 600,
        "iss": "us",
        "aud": "hearth",
    }


def test_a_made_token_need_not_end(clock: SettableClock) -> None:
    token = make_token(SECRET, Identity("ci", "service"))
    clock.advance(1e9)
    assert authenticator(clock).identify(token) == Identity("ci", "service")


# What a token costs


def test_a_token_that_is_too_large_is_not_looked_at(clock: SettableClock) -> None:
    """Not even one that is right."""
    right = token_of({"grants": [f"circles:{number}:r" for number in range(2000)]})
    assert len(right) > MAX_TOKEN_BYTES
    for token in (right, "x" * (MAX_TOKEN_BYTES + 1), "x" * 900_000):
        with pytest.raises(Unauthorized, match="larger than 16384 bytes"):
            authenticator(clock).identify(token)
    assert authenticator(clock).identify(token_of({"grants": ["circles:*:r"] * 500})).grants


def test_large_tokens_are_not_remembered(clock: SettableClock) -> None:
    tokens = [token_of({"jti": str(number), "further": "x" * 8000}) for number in range(300)]
    ours = authenticator(clock)
    tracemalloc.start()
    try:
        while tokens:
            assert ours.identify(tokens.pop()).id == "alice"
        assert tracemalloc.get_traced_memory()[0] < 300_000
    finally:
        tracemalloc.stop()
