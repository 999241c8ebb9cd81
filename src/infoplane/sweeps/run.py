"""The verb ``sweep``: jobs in flight, what comes back, what is tried again, and what is left."""

from __future__ import annotations

import contextlib
import time
import traceback
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, CancelledError, Executor, Future, wait
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from ..errors import InputError
from ..progress import Progress, silent
from ..samples import whole
from . import entry, logs
from .perform import Outcome, perform
from .spec import Job, Spec, read
from .store import Store

_PULSE = 0.5  # seconds between two words to whoever watches


class Stopped(InputError):
    """The sweep cannot go on; what is done is kept."""


@dataclass(frozen=True)
class Failure:
    """A job that could not be done.

    Attributes:
        job: which.
        error: what went wrong in its last attempt, in one line.
        attempts: how often it was tried.
        log: its file, with tracebacks.
    """

    job: Job
    error: str
    attempts: int
    log: Path


@dataclass(frozen=True)
class Status:
    """How far a sweep is.

    Attributes:
        total, done, failed: numbers of jobs; done has those that were there before.
        running: jobs at work now, as far as the executor tells.
        remaining: seconds the rest will take at the pace so far; None before there is one.
    """

    total: int
    done: int
    failed: int
    running: int
    remaining: float | None


@dataclass(frozen=True)
class Summary:
    """What a sweep did.

    Attributes:
        folder: of the results.
        total: number of jobs.
        found: those that were there before.
        done: those done now.
        failed: those that could not be done.
        seconds: it took.
    """

    folder: Path
    total: int
    found: int
    done: int
    failed: tuple[Failure, ...]
    seconds: float

    @property
    def complete(self) -> bool:
        """Whether every job has its result."""
        return not self.failed


def sweep(
    spec: str | Path | Mapping[str, Any] | Spec,
    folder: str | Path | None = None,
    *,
    executor: Executor | None = None,
    retries: int = 2,
    progress: Progress = silent,
    watch: Callable[[Status], None] | None = None,
) -> Summary:
    """Run the jobs of a sweep whose results are not there yet.

    It can be stopped anywhere, by Ctrl-C, a kill or a lost machine, and goes on when called again: a result is in its
    folder whole or not at all. A job that raises is tried again, except after :class:`~infoplane.InputError`, which
    would come again.

    Args:
        spec: a TOML file, a mapping, or what :func:`read` made of it.
        folder: of the results; that of the spec if None.
        executor: where jobs run: ``Processes(workers)``, ``Cluster(address)``, or any other; one after another in this
            process if None. It is not shut down.
        retries: how often a job is tried again.
        progress: called with ("jobs", ended, total).
        watch: called with a :class:`Status` whenever a job has ended, and twice a second.

    Returns:
        Summary; ``failed`` lists the jobs that failed more than ``retries`` times.

    Raises:
        InputError: the spec, its function or the folder cannot be used; nothing has run.
        Stopped: the sweep cannot go on: the disk is full, the scheduler is gone. What is done is kept.
    """
    spec, retries = read(spec), whole(retries, "retries")
    if executor is not None and not isinstance(executor, Executor):
        raise InputError(f"executor is a concurrent.futures.Executor or None, got {type(executor).__name__}.")
    entry.check(spec)
    store = Store((spec.out if folder is None else Path(folder)).absolute())
    with store.held(spec):
        jobs = list(spec.jobs())
        missing = [job for job in jobs if not store.finished(job)]
        tell = _Teller(len(jobs), len(jobs) - len(missing), progress, watch)
        return _Flight(store, executor or _Here(), retries, tell).run(missing)


def plan(spec: str | Path | Mapping[str, Any] | Spec, folder: str | Path | None = None) -> list[tuple[Job, bool]]:
    """The jobs of a sweep, each with whether its result is there; nothing is run and nothing is written.

    Args:
        spec: as :func:`sweep` takes it.
        folder: likewise.

    Raises:
        InputError: the spec, its function or the folder cannot be used.
    """
    spec = read(spec)
    entry.check(spec)
    store = Store((spec.out if folder is None else Path(folder)).absolute())
    store.check(spec)
    return [(job, store.finished(job)) for job in spec.jobs()]


class _Here(Executor):
    """This process: a job has ended when it has been submitted."""

    workers = window = 1

    def submit(self, function: Callable[..., Any], /, *arguments: Any, **named: Any) -> Future:
        future: Future = Future()
        future.set_result(function(*arguments, **named))
        return future


@dataclass
class _Teller:
    """Tells how far the sweep is."""

    total: int
    found: int
    progress: Progress
    watch: Callable[[Status], None] | None
    started: float = field(default_factory=time.monotonic)
    _first: tuple[float, int] | None = None

    def __call__(self, done: int, failed: int, running: int) -> None:
        ended = self.found + done + failed
        now = time.monotonic()
        if done + failed and not self._first:
            self._first = (now, done + failed)  # before, workers were starting
        began, first = self._first or (now, done + failed)
        past = done + failed - first
        pace = (now - began) / past if past else None
        if self.watch is not None:
            remaining = None if pace is None else pace * (self.total - ended)
            self.watch(Status(self.total, self.found + done, failed, running, remaining))
        self.progress("jobs", ended, self.total)


class _Flight:
    """Jobs on their way through an executor."""

    def __init__(self, store: Store, executor: Executor, retries: int, tell: _Teller) -> None:
        self._store, self._executor, self._retries, self._tell = store, executor, retries, tell
        self._waiting: deque[Job] = deque()
        self._flying: dict[Future, Job] = {}
        self._attempts: Counter[str] = Counter()
        self._done, self._failed = 0, list[Failure]()

    def run(self, jobs: Iterable[Job]) -> Summary:
        self._waiting.extend(jobs)
        with self._cancelled():
            self._say()
            while self._waiting or self._flying:
                self._launch()
                for future in wait(self._flying, timeout=_PULSE, return_when=FIRST_COMPLETED).done:
                    self._settle(self._flying.pop(future), future)
                self._say()
        seconds = time.monotonic() - self._tell.started
        store, tell = self._store, self._tell
        return Summary(store.folder, tell.total, tell.found, self._done, tuple(self._failed), seconds)

    @contextlib.contextmanager
    def _cancelled(self) -> Iterator[None]:
        """What has not begun is taken back, however this ends."""
        try:
            yield
        finally:
            for future in self._flying:
                future.cancel()

    def _workers(self) -> int:
        """Of a pool of the standard library, or of ours."""
        return getattr(self._executor, "workers", None) or getattr(self._executor, "_max_workers", 0)

    def _say(self) -> None:
        self._tell(self._done, len(self._failed), min(len(self._flying), self._workers()))

    def _launch(self) -> None:
        window = getattr(self._executor, "window", None) or 2 * max(1, self._workers())
        while self._waiting and len(self._flying) < window:
            job = self._waiting.popleft()
            self._attempts[job.key] += 1
            try:
                future = self._executor.submit(perform, job, str(self._store.folder))
            except (RuntimeError, OSError) as error:  # a pool that is broken or shut down
                self._stop(f"The executor takes no more jobs ({error})", "make a new one")
            self._flying[future] = job

    def _settle(self, job: Job, future: Future) -> None:
        """What became of a job: count it, give it another try, or stop."""
        try:
            outcome = future.result()
        except CancelledError:
            broken = getattr(self._executor, "broken", "The executor has dropped the jobs of this sweep")
            self._stop(broken, getattr(self._executor, "restart", "make a new one"))
        except BrokenExecutor as error:
            outcome = self._lost(job, str(error))
        except Exception as error:
            outcome = self._lost(job, f"{type(error).__name__}: {error}", traceback.format_exc())
        if outcome.state == "stop":
            raise Stopped(f"{outcome.error} {self._kept()}")
        if outcome.state in ("done", "found"):
            self._done += 1
        elif outcome.state == "failed" and self._attempts[job.key] <= self._retries:
            self._waiting.append(job)
        else:
            log = self._store.log(job.key)
            self._failed.append(Failure(job, outcome.error, self._attempts[job.key], log))

    def _lost(self, job: Job, error: str, details: str = "") -> Outcome:
        """A job that did not report; its log is told what is known."""
        with contextlib.suppress(OSError), self._store.log(job.key).open("a", encoding="utf-8") as log:
            logs.note(log, f"lost: {error}\n{details}".rstrip())
        return Outcome("failed", error=f"lost: {error}")

    def _stop(self, why: str, what_to_do: str) -> NoReturn:
        raise Stopped(f"{why}. {self._kept()} To go on, {what_to_do} and run the same sweep again.")

    def _kept(self) -> str:
        return f"{self._tell.found + self._done} of {self._tell.total} jobs are done and kept."
