"""Listening: the sockets of `HOST` and `PORT`, and the URL at which they are reached."""

from __future__ import annotations

import errno
import ipaddress
import os
import socket
import stat
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Final

from aiohttp import web

_BACKLOG: Final = 128
# Owner and group: a proxy in front runs as another user, and nobody else may go past it.
_SOCKET_UMASK: Final = 0o117


@asynccontextmanager
async def listening(runner: web.AppRunner, host: str, port: int) -> AsyncIterator[str]:
    """Listen until the end of the block, whose value is the URL; the runner is cleaned up there.

    Args:
        host: a name or an address; `::`, for both families; or the path of a Unix socket.
        port: 0 takes any free one.

    Raises:
        OSError: that can't be listened on.
    """
    with ExitStack() as stack:
        try:
            if host.startswith("/"):
                unix = stack.enter_context(_unix_socket(Path(host)))
                await web.SockSite(runner, unix, backlog=_BACKLOG).start()
                yield f"unix:{host}"
                return
            if _is_any_ipv6(host):
                both = socket.create_server(
                    ("::", port), family=socket.AF_INET6, dualstack_ipv6=True, backlog=_BACKLOG
                )
                await web.SockSite(runner, both, backlog=_BACKLOG).start()
            else:
                await web.TCPSite(runner, host, port, backlog=_BACKLOG).start()
            name = f"[{host}]" if ":" in host else host
            yield f"http://{name}:{runner.addresses[0][1]}"
        finally:
            await runner.cleanup()


def _is_any_ipv6(host: str) -> bool:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return address.version == 6 and address.is_unspecified


@contextmanager
def _unix_socket(path: Path) -> Iterator[socket.socket]:
    """Bind a socket at `path` in place of a stale one, and remove it at the end of the block."""
    _remove_stale(path)
    unix = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    umask = os.umask(_SOCKET_UMASK)
    try:
        unix.bind(str(path))
    except BaseException:
        unix.close()
        raise
    finally:
        os.umask(umask)
    ours = path.stat().st_ino
    try:
        yield unix
    finally:
        # Another process may have put its own there meanwhile.
        if path.exists() and path.stat().st_ino == ours:
            path.unlink()


def _remove_stale(path: Path) -> None:
    if not path.exists():
        return
    if not stat.S_ISSOCK(path.stat().st_mode):
        raise OSError(errno.EEXIST, "there is a file of that name")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            path.unlink()
        else:
            raise OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE))
