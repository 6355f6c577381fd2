"""The real socket.io-client, driven in a Node process."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from typing import Any, Final

from tests.support.client import PATIENCE_SECONDS, Talker
from tests.support.process import ROOT

DRIVER: Final = ROOT / "tests" / "clients" / "driver.mjs"
# Tests wait for things, not for the client's patience to come back.
RECONNECT_AT_ONCE: Final = {"reconnectionDelay": 10, "reconnectionDelayMax": 50}
TRANSPORTS: Final[dict[str, dict[str, Any]]] = {
    "polling": {"transports": ["polling"]},
    "websocket": {"transports": ["websocket"]},
    "upgrade": {"transports": ["polling", "websocket"]},
}
_LONGEST_LINE_BYTES: Final = 16_000_000


class NodeClient(Talker):
    """One socket of socket.io-client; feels like `tests.support.client.Client`.

    Everything that happens to it is in `happened`, in order: `{"on": …}` for `open`, `upgrade`,
    `connect`, `connect_error` and `disconnect`; `{"event": …, "args": […]}` for what it received;
    `{"id": …, "answer": …}` for acknowledgements.
    """

    def __init__(self, driver: NodeDriver, name: str, namespace: str) -> None:
        self.namespace = namespace
        self.happened: list[dict[str, Any]] = []
        self._driver = driver
        self._name = name
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._changed = asyncio.Condition()

    @property
    def sid(self) -> str:
        """The id that the server knows this connection by, as of the last connect."""
        return str(self.moments("connect")[-1]["sid"])

    def post(self, event: str, *arguments: Any, timeout: bool = True) -> asyncio.Future[Any]:
        """Emit an event at once; the future gets what it is acknowledged with."""
        number = self._driver.next_id()
        future = self._waiting[number] = asyncio.get_running_loop().create_future()
        timeout_ms = PATIENCE_SECONDS * 1000 if timeout else None
        self._tell("request", id=number, event=event, args=arguments, timeout_ms=timeout_ms)
        return future

    async def request(self, event: str, *arguments: Any) -> Any:
        """Emit an event and return what it is acknowledged with."""
        return await self.post(event, *arguments)

    def send(self, event: str, *arguments: Any) -> None:
        """Emit an event without asking for an acknowledgement."""
        self._tell("emit", event=event, args=arguments)

    async def answer(self, event: str, answer: Any) -> None:
        """From now on, acknowledge each event of this name with `answer`."""
        number = self._driver.next_id()
        done = self._waiting[number] = asyncio.get_running_loop().create_future()
        self._tell("answer", id=number, event=event, answer=answer)
        await done

    def drop(self) -> None:
        """Lose the transport without a goodbye."""
        self._tell("drop")

    def disconnect(self) -> None:
        """Leave the namespace for good."""
        self._tell("disconnect")

    def reconnect(self) -> None:
        """Connect again after `disconnect`, or after it was sent away."""
        self._tell("reconnect")

    def bring(self, auth: dict[str, Any]) -> None:
        """Bring this `auth` from the next connect on."""
        self._tell("auth", auth=auth)

    async def next(self, event: str, number: int = 1) -> Any:
        """Wait for the `number`th event of this name (from the first ever) and return it."""
        await self._until(lambda: len(self.all(event)) >= number)
        return self.all(event)[number - 1]

    async def moment(self, name: str, number: int = 1) -> dict[str, Any]:
        """Wait for the `number`th moment of this name."""
        await self._until(lambda: len(self.moments(name)) >= number)
        return self.moments(name)[number - 1]

    def all(self, event: str) -> list[Any]:
        """Return the arguments of all events of this name so far."""
        return [(line["args"] or [None])[0] for line in self.happened if line.get("event") == event]

    def moments(self, name: str) -> list[dict[str, Any]]:
        """Return every open, upgrade, connect, connect_error or disconnect so far."""
        return [line for line in self.happened if line.get("on") == name]

    def answers(self) -> list[Any]:
        """Return what was acknowledged so far, in the order of arrival."""
        return [line.get("answer") for line in self.happened if "id" in line]

    async def settle(self) -> None:
        """Wait until whatever the server sent before now has arrived."""
        await self.request("ping")

    async def happens(self, line: dict[str, Any]) -> None:
        """Note what the driver tells of this socket."""
        async with self._changed:
            self.happened.append(line)
            self._changed.notify_all()
        future = self._waiting.pop(line["id"]) if "id" in line else None
        if future is None or future.done():
            return
        if "error" in line:
            future.set_exception(ConnectionError(line["error"]))
        else:
            future.set_result(line.get("answer"))

    async def _until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE_SECONDS), self._changed:
            await self._changed.wait_for(condition)

    def _tell(self, command: str, **further: Any) -> None:
        self._driver.tell({"do": command, "socket": self._name, **further})


class NodeDriver:
    """One test's connection to a Node process; it holds any number of `NodeClient`s."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._clients: dict[str, NodeClient] = {}
        self._ids = 0
        self._writer = writer
        self._reading = asyncio.create_task(self._read(reader))

    def open(self, url: str, namespace: str, **options: Any) -> NodeClient:
        """Begin to connect; `moment` of the client tells how it ends."""
        name = f"socket {self.next_id()}"
        client = self._clients[name] = NodeClient(self, name, namespace)
        self.tell(
            {
                "do": "connect",
                "socket": name,
                "url": url.rstrip("/") + namespace,
                "options": {"forceNew": True, **RECONNECT_AT_ONCE, **options},
            }
        )
        return client

    async def connect(
        self, url: str, namespace: str, transport: str = "websocket", **options: Any
    ) -> NodeClient:
        """Return a client that has connected over one of `TRANSPORTS`."""
        client = self.open(url, namespace, **TRANSPORTS[transport], **options)
        await client.moment("connect")
        if transport == "upgrade":
            await client.moment("upgrade")
        return client

    def next_id(self) -> int:
        """Return a number that nothing else of this driver has."""
        self._ids += 1
        return self._ids

    def tell(self, command: dict[str, Any]) -> None:
        """Hand the driver a command; it takes them in order."""
        self._writer.write(json.dumps(command).encode() + b"\n")

    async def close(self) -> None:
        """End all sockets."""
        self._writer.write_eof()
        async with asyncio.timeout(PATIENCE_SECONDS):
            await self._reading
        self._writer.close()
        await self._writer.wait_closed()

    async def _read(self, reader: asyncio.StreamReader) -> None:
        async for line in reader:
            happening = json.loads(line)
            await self._clients[happening["socket"]].happens(happening)


class NodeProcess:
    """Node with socket.io-client, for whichever test connects to it."""

    def __init__(self) -> None:
        node = shutil.which("node")
        assert node is not None, "these tests need Node 20 or newer"
        assert (ROOT / "node_modules" / "socket.io-client").is_dir(), "run `make console` first"
        self._directory = tempfile.TemporaryDirectory()
        self._path = f"{self._directory.name}/driver"
        self._process = subprocess.Popen(
            [node, DRIVER, self._path], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert self._process.stdout is not None
        self._process.stdout.readline()  # it listens

    async def connect(self) -> NodeDriver:
        """Return a connection whose sockets end with it."""
        ends = await asyncio.open_unix_connection(self._path, limit=_LONGEST_LINE_BYTES)
        return NodeDriver(*ends)

    def close(self) -> None:
        """End it."""
        self._process.communicate()
        self._directory.cleanup()
