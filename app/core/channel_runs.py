"""The runs of one channel: who asked for which, which wait and in what order, which may begin."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple

from app.core.run import Cancelling, Ended, Run, Status
from app.core.run_messages import RunError

#: A run that has ended is known for so long at least, and so is the request that asked for it.
KNOWN_SECONDS: Final = 3600.0


class WhenBusy(StrEnum):
    """What is to happen with a request while another run of the channel waits or runs."""

    ENQUEUE = "enqueue"
    REJECT = "reject"
    CANCEL = "cancel"
    PARALLEL = "parallel"


class Busy(RunError):
    """Another run of the channel waits or runs, and the request was to begin at once."""


class TooManyWaiting(RunError):
    """So many requests wait in the channel as may."""


@dataclass(frozen=True, slots=True)
class Request:
    """A message that asks for a run.

    Args:
        run_id: the run's.
        identity: the key of who asks.
        nonce: of the message; None: it has none, and so is no repeat.
        when_busy: what is to happen while another run waits or runs.
    """

    run_id: str
    identity: str
    nonce: str | None = None
    when_busy: WhenBusy = WhenBusy.ENQUEUE


class Outcome(StrEnum):
    """What a request comes to."""

    #: It asks for a run.
    NEW = "new"
    #: It asked before, and is told the same.
    DUPLICATE = "duplicate"
    #: The run waits or runs: the message is input for it.
    INPUT = "input"


class Asked(NamedTuple):
    """A request that was taken.

    Args:
        outcome: what it comes to.
        run: which it is about.
        cancelled: the runs that are to make way for it, each with what cancelling it comes to.
    """

    outcome: Outcome
    run: Run
    cancelled: tuple[tuple[Run, Cancelling], ...] = ()


class ChannelRuns:
    """The runs of one channel, in the order in which they were asked for.

    Args:
        most_waiting: requests that wait at a time, with the cancellations that came before theirs.
        wait_seconds: for how long such a cancellation counts.
    """

    def __init__(self, most_waiting: int, wait_seconds: float) -> None:
        self._most_waiting = most_waiting
        self._wait_seconds = wait_seconds
        self._runs: dict[str, Run] = {}
        self._parallel: set[str] = set()
        self._by_nonce: dict[tuple[str, str], str] = {}
        # Of runs that nobody has asked for yet: when they were cancelled.
        self._cancelled_at: dict[str, float] = {}

    def __iter__(self) -> Iterator[Run]:
        return iter(self._runs.values())

    def get(self, run_id: str) -> Run | None:
        """Return a run, if it is known."""
        return self._runs.get(run_id)

    @property
    def active(self) -> list[Run]:
        """Those that haven't ended."""
        return [run for run in self if not run.status.is_terminal]

    def ask(self, request: Request, now: float) -> Asked:
        """Take a request.

        Args:
            now: seconds since 1970, by the clock of all.

        Raises:
            Ended: the run has ended.
            Busy: it was to begin at once, and can't.
            TooManyWaiting: it would wait with too many others.
        """
        if request.nonce is not None:
            asked_before = self._by_nonce.get((request.identity, request.nonce))
            if asked_before is not None and asked_before in self._runs:
                return Asked(Outcome.DUPLICATE, self._runs[asked_before])
        if (known := self._runs.get(request.run_id)) is not None:
            if known.status.is_terminal:
                raise Ended
            return Asked(Outcome.INPUT, known)
        return self._take(request, now)

    def _take(self, request: Request, now: float) -> Asked:
        others = self.active
        if others and request.when_busy is WhenBusy.REJECT:
            raise Busy
        was_cancelled = self._is_cancelled(request.run_id, now)
        if not was_cancelled and self._waiting() >= self._most_waiting:
            raise TooManyWaiting
        run = self._runs[request.run_id] = Run(request.run_id, request.identity, now)
        if request.nonce is not None:
            self._by_nonce[request.identity, request.nonce] = request.run_id
        if request.when_busy is WhenBusy.PARALLEL:
            self._parallel.add(request.run_id)
        self._cancelled_at.pop(request.run_id, None)
        if was_cancelled:
            run.cancel(now)
            return Asked(Outcome.NEW, run)
        if request.when_busy is WhenBusy.CANCEL:
            cancelled = tuple((other, other.cancel(now)) for other in others)
            return Asked(Outcome.NEW, run, cancelled)
        return Asked(Outcome.NEW, run)

    def startable(self) -> list[Run]:
        """Return the runs that may be given to somebody now, those first that were asked for first.

        One at a time, unless they may run in parallel.
        """
        may_start: list[Run] = []
        is_taken = False
        for run in self.active:
            waits = run.status is Status.WAITING and run.writer is None
            if run.run_id in self._parallel:
                if waits:
                    may_start.append(run)
                continue
            if waits and not is_taken:
                may_start.append(run)
            is_taken = True
        return may_start

    def cancel(self, run_id: str, now: float) -> Cancelling:
        """Cancel a run; one that nobody has asked for yet is cancelled once somebody does.

        Raises:
            TooManyWaiting: as `ask`.
        """
        if (run := self._runs.get(run_id)) is not None:
            return run.cancel(now)
        if run_id not in self._cancelled_at and self._waiting() >= self._most_waiting:
            raise TooManyWaiting
        self._cancelled_at[run_id] = now
        return Cancelling.CANCELLED

    def forget(self, now: float) -> None:
        """Forget what ended long ago, and cancellations of what nobody has asked for."""
        for run in list(self):
            if run.ended_at is not None and run.ended_at <= now - KNOWN_SECONDS:
                del self._runs[run.run_id]
                self._parallel.discard(run.run_id)
        self._by_nonce = {
            asked: run_id for asked, run_id in self._by_nonce.items() if run_id in self._runs
        }
        self._cancelled_at = {
            run_id: at for run_id, at in self._cancelled_at.items() if at > now - self._wait_seconds
        }

    def _is_cancelled(self, run_id: str, now: float) -> bool:
        cancelled_at = self._cancelled_at.get(run_id)
        return cancelled_at is not None and cancelled_at > now - self._wait_seconds

    def _waiting(self) -> int:
        waiting = sum(run.status is Status.WAITING for run in self)
        return waiting + len(self._cancelled_at)
