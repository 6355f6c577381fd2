"""A Redis with a replica, and a Sentinel that has it take over."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable

import redis

from tests.support.ports import free_port
from tests.support.redis import RedisServer

SERVICE = "mymaster"


class SentinelledRedis:
    """Master, replica and Sentinel."""

    def __init__(self) -> None:
        self.master, self.replica = RedisServer(), RedisServer()
        self.port = free_port()
        self.url = f"redis+sentinel://127.0.0.1:{self.port}/0/{SERVICE}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start all three and wait until a fail-over could be done."""
        self.master.start()
        self.replica.start(
            *("--replicaof", f"127.0.0.1 {self.master.port}", "--repl-diskless-sync-delay", "0")
        )
        _until(lambda: self.replica.ask("INFO")["master_link_status"] == "up")
        config = self.master.directory / "sentinel.conf"
        config.write_text(
            f"port {self.port}\n"
            "bind 127.0.0.1\n"
            f"dir {self.master.directory}\n"
            f"sentinel monitor {SERVICE} 127.0.0.1 {self.master.port} 1\n"
            f"sentinel down-after-milliseconds {SERVICE} 500\n"
            f"sentinel failover-timeout {SERVICE} 3000\n"
        )
        self._process = subprocess.Popen(
            ["redis-server", str(config), "--sentinel"], stdout=subprocess.DEVNULL
        )
        _until(self._knows_the_replica)

    def _knows_the_replica(self) -> bool:
        client = redis.Redis(port=self.port, decode_responses=True)
        try:
            replicas = client.sentinel_slaves(SERVICE)
            return any(one["port"] == self.replica.port for one in replicas)
        except redis.RedisError:
            return False
        finally:
            client.close()

    def close(self) -> None:
        """Kill all three."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        self.replica.close()
        self.master.close()


def _until(holds: Callable[[], bool]) -> None:
    for _attempt in range(500):
        if holds():
            return
        time.sleep(0.02)
    raise TimeoutError
