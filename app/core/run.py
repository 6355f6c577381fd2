"""Run: one piece of an agent's work in a chat, from its request to its one end.

What may follow what is decided here, and nothing else is done: no I/O, no clock.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from app.core.deltas import Delta, Fit
from app.core.run_messages import RunError, RunMessages


class Status(StrEnum):
    """Where a run is in its life."""

    WAITING = "waiting"
    RUNNING = "running"
    FINISHED = "finished"
    CANCELLED = "cancelled"
    FAILED = "failed"
    INTERRUPTED = "interrupted"

    @property
    def is_terminal(self) -> bool:
        """Whether a run in it has ended."""
        return self not in (Status.WAITING, Status.RUNNING)


class Cancelling(StrEnum):
    """What asking for a run's cancellation comes to."""

    #: It hadn't started, and has ended.
    CANCELLED = "cancelled"
    #: Its writer is to end it.
    CANCELLING = "cancelling"
    #: It had ended before.
    ENDED = "ended"


class Ended(RunError):
    """The run has ended: nothing follows its terminal."""


class Fenced(RunError):
    """Another attempt writes the run, or another connection of its writer."""


class NotItsWriter(RunError):
    """The run was given to another identity."""


@dataclass(frozen=True, slots=True)
class Writer:
    """Who may write an attempt.

    Args:
        identity: its key; of a worker, the name that it gives itself.
        connection: of its connections the one that claimed the attempt last; a worker has none.
    """

    identity: str
    connection: str = ""


class Run:
    """One run.

    Args:
        run_id: its name within its channel.
        requested_by: the key of the identity that asked for it.
        requested_at: seconds since 1970.
    """

    __slots__ = (
        "_retries",
        "attempt",
        "code",
        "ended_at",
        "is_cancelling",
        "messages",
        "requested_at",
        "requested_by",
        "run_id",
        "started_at",
        "status",
        "writer",
    )

    def __init__(self, run_id: str, requested_by: str, requested_at: float) -> None:
        self.run_id = run_id
        self.requested_by = requested_by
        self.requested_at = requested_at
        self.started_at: float | None = None
        self.ended_at: float | None = None
        self.status = Status.WAITING
        #: Why it has failed, if it has.
        self.code = ""
        #: The number of the attempt that was begun last; 0 before the first.
        self.attempt = 0
        #: Who has the attempt; None while it waits for somebody.
        self.writer: Writer | None = None
        self.is_cancelling = False
        self.messages = RunMessages()
        self._retries = 0

    # Who writes it

    def assign(self, writer: Writer, retries: int = 0) -> int:
        """Give a run that waits to a runner; return the number of its attempt.

        Args:
            retries: how many more attempts there may be, as the first runner of the run says.

        Raises:
            Ended: it has ended.
            Fenced: it doesn't wait any more.
        """
        self._require_not_ended()
        if self.status is not Status.WAITING:
            raise Fenced
        if self.started_at is None:
            self._retries = retries
        self.writer = writer
        self.attempt += 1
        return self.attempt

    def pass_on(self, attempt: int) -> bool:
        """Let another have what its runner hasn't taken; return whether that is so."""
        is_untaken = self.status is Status.WAITING and self.attempt == attempt
        if is_untaken:
            self.writer = None
        return is_untaken

    def take(self, writer: Writer, attempt: int, now: float) -> None:
        """Begin an attempt: its runner has taken it.

        Raises:
            Ended, Fenced, NotItsWriter: it isn't this writer's.
        """
        self.require(writer, attempt)
        self._begin(now)

    def start(self, worker: Writer, attempt: int, now: float) -> Writer | None:
        """Begin an attempt of a worker that has it by being the first.

        Args:
            attempt: as the worker says; a higher one than that of the run takes it over.

        Returns:
            Who had it before, and is to be told.

        Raises:
            Ended: it has ended.
            Fenced: somebody else has begun.
        """
        self._require_not_ended()
        before = self.writer
        if self.status is Status.RUNNING:
            if before == worker and attempt == self.attempt:
                return None  # a sign of life
            if attempt <= self.attempt:
                raise Fenced
            self.messages.withdraw()
        self.writer = worker
        self.attempt = max(attempt, self.attempt, 1)
        self._begin(now)
        return None if before == worker else before

    def claim(self, writer: Writer, attempt: int) -> bool:
        """Have another connection of its writer go on; return whether it may."""
        if self.status.is_terminal or self.writer is None or attempt != self.attempt:
            return False
        if writer.identity != self.writer.identity:
            return False
        self.writer = writer
        return True

    def require(self, writer: Writer, attempt: int) -> None:
        """Require that somebody writes the run now.

        Raises:
            Ended: it has ended.
            Fenced: another attempt does, or another connection.
            NotItsWriter: it was given to another identity.
        """
        self._require_not_ended()
        if self.writer is None or attempt < self.attempt:
            raise Fenced
        if writer.identity != self.writer.identity:
            raise NotItsWriter
        if attempt != self.attempt or writer.connection != self.writer.connection:
            raise Fenced

    # What it writes

    def write(self, delta: Delta) -> Fit:
        """Note a delta of its writer's, if it is the next of its message; return whether it is.

        Raises:
            Ended: it has ended.
            Withdrawn: the message was of an attempt that was lost.
        """
        self._require_not_ended()
        return self.messages.write(delta)

    def make_whole(self, message_id: int | str) -> None:
        """Note that a message was published as a whole. Raises as `write` does."""
        self._require_not_ended()
        self.messages.make_whole(message_id)

    # Its end

    def end(self, status: Status, now: float, code: str = "") -> None:
        """End it; the messages that are still open are to be published as wholes before that.

        Raises:
            Ended: it has ended.
            ValueError: that is no end.
        """
        self._require_not_ended()
        if not status.is_terminal:
            raise ValueError(status)
        self.status = status
        self.ended_at = now
        self.code = code
        self.writer = None
        self.messages = RunMessages()

    def cancel(self, now: float) -> Cancelling:
        """Ask for its end; return what that comes to."""
        if self.status.is_terminal:
            return Cancelling.ENDED
        self.is_cancelling = True
        if self.started_at is None:
            self.end(Status.CANCELLED, now)
            return Cancelling.CANCELLED
        return Cancelling.CANCELLING

    def lose(self, attempt: int) -> list[str] | None:
        """Take an attempt from a writer that is gone for good.

        Returns:
            The messages that it left open, which are withdrawn: another attempt follows, and the
            run waits for who makes it. None where no other may follow, or where another has begun.
        """
        if self.status is not Status.RUNNING or attempt != self.attempt:
            return None
        if self._retries == 0 or self.is_cancelling:
            return None
        self._retries -= 1
        self.status, self.writer = Status.WAITING, None
        return self.messages.withdraw()

    def _begin(self, now: float) -> None:
        self.status = Status.RUNNING
        if self.started_at is None:
            self.started_at = now

    def _require_not_ended(self) -> None:
        if self.status.is_terminal:
            raise Ended
