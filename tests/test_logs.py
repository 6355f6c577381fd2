"""Logs: one JSON object a line when nobody reads along, and no secret in any."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.fixtures.processes import Run
from tests.support.process import clean_environment
from tests.support.tokens import SECRET, token

pytestmark = pytest.mark.processes

SCRIPT = """
import logging, sys
import structlog
from app.logs import configure_logs
from app.settings import Settings

configure_logs(Settings(log_format=sys.argv[1], log_level=sys.argv[2]))
log = structlog.get_logger("hearth.tests")
log.info("hello", channel="dev-team", offset=42)
log.debug("a detail")
logging.getLogger("library").warning("of a %s", "library")
logging.getLogger("socketio").warning("a packet")
logging.getLogger("engineio").warning("a packet")
try:
    raise ValueError("redis://:hunter2@redis")
except ValueError:
    log.exception("it broke")
    logging.getLogger("library").exception("that broke too")
"""


def logged(tmp_path: Path, log_format: str, level: str = "info") -> str:
    """Run the script, whose stderr is no terminal, and return what it logs."""
    result = subprocess.run(
        [sys.executable, "-c", SCRIPT, log_format, level],
        cwd=tmp_path,
        env=clean_environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert result.stdout == ""
    return result.stderr


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


@pytest.mark.parametrize("log_format", ["auto", "json"])
def test_off_a_terminal_each_line_is_a_json_object(tmp_path: Path, log_format: str) -> None:
    hello, library, *_ = lines(logged(tmp_path, log_format))
    assert hello.pop("timestamp").endswith("Z")
    assert hello == {
        "event": "hello",
        "channel": "dev-team",
        "offset": 42,
        "logger": "hearth.tests",
        "level": "info",
    }
    assert (library["event"], library["level"]) == ("of a library", "warning")


def test_libraries_log_in_the_same_form(tmp_path: Path) -> None:
    hello, library, *_ = lines(logged(tmp_path, "json"))
    assert {"event", "level", "logger", "timestamp"} <= hello.keys() & library.keys()


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_of_an_exception_no_text_is_logged(tmp_path: Path, log_format: str) -> None:
    """It may hold a password, or what a client sent: its type and place have to do."""
    text = logged(tmp_path, log_format)
    assert "ValueError" in text
    assert "hunter2" not in text
    assert "Traceback" not in text
    if log_format == "json":
        *_, ours, theirs = lines(text)
        for line in (ours, theirs):
            assert (line["level"], line["error"]) == ("error", "ValueError")
            assert line["where"].startswith("__main__:")


@pytest.mark.parametrize(
    ("level", "events"),
    [
        ("debug", ["hello", "a detail", "of a library", "it broke", "that broke too"]),
        ("info", ["hello", "of a library", "it broke", "that broke too"]),
        ("warning", ["of a library", "it broke", "that broke too"]),
        ("error", ["it broke", "that broke too"]),
    ],
)
def test_levels(tmp_path: Path, level: str, events: list[str]) -> None:
    """Without the packets of python-socketio, which hold what clients say."""
    assert [line["event"] for line in lines(logged(tmp_path, "json", level))] == events


def test_for_people_it_is_no_json(tmp_path: Path) -> None:
    text = logged(tmp_path, "console")
    assert "hello" in text
    assert "dev-team" in text
    with pytest.raises(json.JSONDecodeError):
        json.loads(text.splitlines()[0])


async def test_a_running_server_logs_neither_tokens_nor_secrets(run: Run) -> None:
    """Refused and admitted handshakes, the token in the query, in the header and in `auth`."""
    process = await run(LOG_LEVEL="debug")
    good, bad = token("alice"), token("alice", secret="another secret, long enough for HS256")
    async with aiohttp.ClientSession() as session:
        for brought in (good, bad):
            await (await session.get(f"{process.url}/?token={brought}")).text()
            url = f"{process.url}/socket.io/?EIO=4&transport=polling&access_token={brought}"
            header = {"Authorization": f"Bearer {brought}"}
            answer = await (await session.get(url, headers=header)).text()
            sid = json.loads(answer[1:])["sid"]
            connect = f'40/circles,{{"token":"{brought}"}}'
            await (await session.post(f"{url}&sid={sid}", data=connect)).text()
            await (await session.get(f"{url}&sid={sid}")).text()
    await process.stop()
    text = json.dumps(process.log)
    assert "stopped" in text
    for secret in (good, bad, good.split(".")[2], SECRET):
        assert secret not in text
    assert not any(line.get("raw") for line in process.log)


async def test_a_running_server_does_not_log_the_password_of_redis(run: Run) -> None:
    process = await run(LOG_LEVEL="debug", REDIS_URL="redis://user:hunter2@127.0.0.1:1/0")
    lost = await process.logged("Redis can't be reached; trying again until it can")
    await process.stop()
    assert lost["redis"] == "127.0.0.1:1"
    assert "hunter2" not in json.dumps(process.log)
