"""The log's writer: a thread, so that whoever logs doesn't wait for who reads.

A pipe that nobody reads takes 64 kB and then blocks whoever writes to it: on the event loop, that
would be the end of serving.
"""

from __future__ import annotations

import logging
import os
import select
import time
from collections.abc import Callable
from queue import Empty, SimpleQueue
from threading import Event, Lock, Thread
from typing import Final

#: Of lines that wait to be written.
MOST_BYTES: Final = 1_048_576
#: The time in which what is left is written as the process ends.
CLOSE_SECONDS: Final = 1.0


class LogWriter(logging.Handler):
    """Writes lines to a file, in order, by a thread of its own.

    While `most_bytes` wait to be written, further lines are dropped. At exit (`flush`) what waits
    is written, as far as it is in `CLOSE_SECONDS`.

    Args:
        file: its descriptor.
        most_bytes: of lines that wait.
    """

    def __init__(self, file: int, most_bytes: int = MOST_BYTES) -> None:
        super().__init__()
        #: Lines since the start that weren't written.
        self.dropped = 0
        #: Called by the thread when it has nothing to write; returns when to call it again, in
        #: seconds from then; None: not before something was written.
        self.on_idle: Callable[[], float | None] = lambda: None
        #: Called by the thread when there is room again, with the number of lines dropped before.
        self.on_room: Callable[[int], None] = lambda dropped: None
        self._file = file
        self._most_bytes = most_bytes
        self._lines: SimpleQueue[bytes] = SimpleQueue()
        self._count = Lock()  # of what follows; `Handler.lock` is held while it waits in `flush`
        self._waiting_bytes = 0
        self._untold = 0
        self._patience = CLOSE_SECONDS
        self._written = Event()
        self._written.set()
        Thread(target=self._run, name="log writer", daemon=True).start()

    def emit(self, record: logging.LogRecord) -> None:
        try:
            line = self.format(record)
        except Exception:  # noqa: BLE001 - a line that can't be formatted must stop nobody
            self._drop()
        else:
            self.add(f"{line}\n")

    def add(self, text: str) -> None:
        """Have a text written, or drop it."""
        data = text.encode(errors="backslashreplace")
        with self._count:
            if fits := self._waiting_bytes + len(data) <= self._most_bytes:
                self._waiting_bytes += len(data)
                self._written.clear()
        if fits:
            self._lines.put(data)
        else:
            self._drop()

    def flush(self) -> None:
        """Wait until everything is written; all calls together for `CLOSE_SECONDS` at most."""
        began = time.monotonic()
        self._written.wait(self._patience)
        self._patience = max(0.0, self._patience - (time.monotonic() - began))

    def _drop(self) -> None:
        with self._count:
            self.dropped += 1
            self._untold += 1

    # The thread

    def _run(self) -> None:
        wait: float | None = None
        while True:
            try:
                data = self._lines.get(timeout=wait)
            except Empty:
                wait = self.on_idle()
                continue
            written = self._write(data)
            with self._count:
                self._waiting_bytes -= len(data)
                self.dropped += not written
                dropped = self._untold if self._waiting_bytes <= self._most_bytes // 2 else 0
                self._untold -= dropped
            if dropped:
                self.on_room(dropped)
            with self._count:
                if not self._waiting_bytes:
                    self._written.set()
            wait = 0.0 if self._lines.empty() else None

    def _write(self, data: bytes) -> bool:
        """Write all of it; return False if nobody can ever read it."""
        left = memoryview(data)
        while left:
            try:
                left = left[os.write(self._file, left) :]
            except BlockingIOError:  # somebody else, who has the same file, has made it so
                writable = select.poll()
                writable.register(self._file, select.POLLOUT)
                writable.poll()
            except OSError:
                return False
        return True
