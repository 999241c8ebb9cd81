"""Processes of this machine as an executor: a job that takes its process down loses only itself."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import pickle
import queue
import signal
import threading
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, Executor, Future, ThreadPoolExecutor
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection
from typing import Any

from ..samples import whole

_SPAWN = multiprocessing.get_context("spawn")  # a compiler's threads do not survive a fork
_LIBRARIES = ("OPENBLAS", "OMP", "MKL", "NUMEXPR", "NUMBA", "VECLIB")
_STARTING = threading.Lock()


class Processes(Executor):
    """Worker processes, each with a fresh interpreter and a fixed number of threads.

    A process that dies fails the job it had with :class:`concurrent.futures.BrokenExecutor`, and a new one takes its
    place. Workers end with whoever started them, however that ends. A script that makes them needs the usual
    ``if __name__ == "__main__":`` around what it runs.

    Args:
        workers: processes; one a core if None.
        threads: of each, for linear algebra and compiled programs; the cores shared out evenly if None.
    """

    def __init__(self, workers: int | None = None, threads: int | None = None) -> None:
        cores = os.cpu_count() or 1
        self.workers = cores if workers is None else whole(workers, "workers", 1)
        self.threads = max(1, cores // self.workers) if threads is None else whole(threads, "threads", 1)
        self._free: queue.SimpleQueue[_Worker | None] = queue.SimpleQueue()
        for _ in range(self.workers):
            self._free.put(None)  # started when there is work for it
        self._alive: set[_Worker] = set()
        self._lock, self._ended = threading.Lock(), False
        self._hands = ThreadPoolExecutor(self.workers, "sweep")
        weakref.finalize(self, _end, self._alive)  # at exit, if nobody shut it down

    def submit(self, function: Callable[..., Any], /, *arguments: Any, **named: Any) -> Future:
        """Have a function called, which a worker can import, by the next free worker."""
        return self._hands.submit(self._call, function, arguments, named)

    def _call(self, function: Callable[..., Any], arguments: tuple, named: dict[str, Any]) -> Any:
        worker = self._free.get()
        try:
            worker = worker or self._started()
            return worker.call(function, arguments, named)
        except BrokenExecutor:
            self._alive.discard(worker)  # pyright: ignore[reportArgumentType]
            worker = None
            raise
        finally:
            self._free.put(worker)

    def _started(self) -> _Worker:
        with self._lock:
            if self._ended:
                raise BrokenExecutor("its worker processes were ended")
            worker = _Worker(self.threads)
            self._alive.add(worker)
            return worker

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End the workers.

        Args:
            wait: for all that was submitted; else running jobs are ended where they are.
            cancel_futures: leave out what has not begun.
        """
        self._hands.shutdown(wait=wait, cancel_futures=cancel_futures or not wait)
        with self._lock:
            self._ended = True
        _end(self._alive)
        self._hands.shutdown(wait=True)

    def __exit__(self, kind: object, *_: object) -> None:
        self.shutdown(wait=kind is None)  # an interrupt does not wait for jobs


class _Worker:
    """A process and the line to it."""

    def __init__(self, threads: int) -> None:
        self._line, theirs = _SPAWN.Pipe()
        self._process = _SPAWN.Process(target=_serve, args=(theirs,))
        with _pinned(threads):
            self._process.start()
        theirs.close()

    def call(self, function: Callable[..., Any], arguments: tuple, named: dict[str, Any]) -> Any:
        try:
            self._line.send((function, arguments, named))
            good, found = self._line.recv()
        except (EOFError, OSError):
            self._process.join()
            raise BrokenExecutor(f"its worker process {_ending(self._process.exitcode)}") from None
        if good:
            return found
        raise found

    def end(self) -> None:
        self._process.terminate()
        self._process.join(1.0)
        self._process.kill()
        self._process.join()


def _end(workers: set[_Worker]) -> None:
    for worker in list(workers):
        worker.end()


def _ending(code: int | None) -> str:
    """How a process ended, in words."""
    if code is not None and code < 0:
        name = signal.Signals(-code).name
        return f"was ended by {name}" + (" (out of memory?)" if name == "SIGKILL" else "")
    return f"ended with status {code}"


@contextlib.contextmanager
def _pinned(threads: int) -> Iterator[None]:
    """The environment for a process that starts: libraries read it when they are imported, before any code of ours.

    Ctrl-C reaches whoever started the process, which decides; a blocked signal stays blocked in the new process.
    """
    wanted = {f"{library}_NUM_THREADS": str(threads) for library in _LIBRARIES}
    flags = os.environ.get("XLA_FLAGS", "")
    if threads == 1:
        wanted["XLA_FLAGS"] = f"{flags} --xla_cpu_multi_thread_eigen=false".strip()
    wanted["NPROC"] = str(threads)  # how many threads XLA makes on a processor
    with _STARTING:
        resource_tracker.ensure_running()  # the first start does this itself, and would unblock the signal again
        before = {name: os.environ.get(name) for name in wanted}
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        os.environ.update(wanted)
        try:
            yield
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
            for name, value in before.items():
                if value is None:
                    del os.environ[name]
                else:
                    os.environ[name] = value


def _serve(line: Connection) -> None:
    """The life of a worker: calls come in on one thread, which also notices that nobody is there any more."""
    calls: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(line, calls), daemon=True).start()
    while True:
        call = calls.get()
        try:
            function, arguments, named = pickle.loads(call)
            answer = pickle.dumps((True, function(*arguments, **named)))
        except Exception as error:
            answer = _failed(error)
        line.send_bytes(answer)


def _failed(error: Exception) -> bytes:
    try:
        return pickle.dumps((False, error))
    except Exception:
        return pickle.dumps((False, RuntimeError(f"{type(error).__name__}: {error}")))


def _listen(line: Connection, calls: queue.SimpleQueue[bytes]) -> None:
    try:
        while True:
            calls.put(line.recv_bytes())
    except (EOFError, OSError):
        os._exit(1)  # a job at work is not waited for: its result is written whole or not at all
