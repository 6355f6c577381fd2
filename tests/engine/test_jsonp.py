"""JSONP: forms in, scripts out, as the official client writes and reads them."""

from __future__ import annotations

import json
from urllib.parse import urlencode

import aiohttp
import pytest
from aiohttp.test_utils import TestServer

from app.engine import jsonp
from tests.support.poller import SEPARATOR, Poller
from tests.support.tokens import ALICE

# What the official client makes of a text: a `\n` of the text gets a backslash more, then line ends
# become `\n`.
FORMS = {
    "a line end": ("a\nb", r"a\nb"),
    "an escaped line end": (r"a\nb", r"a\\nb"),
    "both": ("a\n" + r"\n" + "\nb", r"a\n\\n\nb"),
    "other backslashes": (r"\t \\ \"", r"\t \\ \""),
}


def written(text: str) -> str:
    """Return what the official client writes into its form for a text."""
    return text.replace(r"\n", r"\\n").replace("\n", r"\n")


@pytest.mark.parametrize(("text", "form"), FORMS.values(), ids=FORMS.keys())
def test_line_ends_are_unescaped_as_the_official_server_does(text: str, form: str) -> None:
    assert written(text) == form
    assert jsonp.payload_of(urlencode({"d": form})) == text


def test_a_form_without_a_payload_has_none() -> None:
    with pytest.raises(KeyError):
        jsonp.payload_of("e=4")


@pytest.mark.parametrize(
    ("payload", "script"),
    [
        ('4"a"', r"""___eio[3]("4\"a\"");"""),
        ("4\u2028\u2029", r"""___eio[3]("4\u2028\u2029");"""),
        ("4a\x1e4b", r"""___eio[3]("4a\u001e4b");"""),
    ],
)
def test_a_script_is_javascript_of_any_age(payload: str, script: str) -> None:
    assert jsonp.script_of(payload, "3") == script
    assert jsonp.script_of(payload, "alert(1)//3").startswith("___eio[13](")


async def test_a_client_of_jsonp_has_a_line_end_in_its_json(
    server: TestServer, session: aiohttp.ClientSession
) -> None:
    poller = await (await Poller(session, server).open()).join("/circles", ALICE)
    url = poller.url.update_query(j="0")
    content = 'one\ntwo\\three "four"'
    packet = "42/circles,7" + json.dumps(
        ["user_message", {"channel": "c", "data": {"content": content}}]
    )
    join = '42/circles,6["join",{"channel":"c"}]'
    form = {"d": written(join + SEPARATOR + packet)}
    async with session.post(url, data=form) as response:
        assert (response.status, await response.text()) == (200, "ok")
    script = ""
    while "user_message" not in script:
        async with session.get(url) as response:
            assert response.content_type == "text/javascript"
            script = await response.text()
    packets = json.loads(script.removeprefix("___eio[0](").removesuffix(");")).split(SEPARATOR)
    [message] = [one for one in packets if one.startswith('42/circles,["user_message"')]
    assert json.loads(message.removeprefix("42/circles,"))[1]["data"]["content"] == content
