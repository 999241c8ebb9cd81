"""The log of a job: what it printed, what went wrong; many jobs of one process each have their own."""

from __future__ import annotations

import contextlib
import io
import sys
import threading
import time
from collections.abc import Iterator
from contextvars import ContextVar
from typing import TextIO

_LOG: ContextVar[TextIO | None] = ContextVar("infoplane_sweep_log", default=None)
_SWAPPING = threading.Lock()
_streams: dict[str, TextIO] = {}  # what stood in sys before, while jobs run
_jobs = 0


class _Routed(io.TextIOBase):
    """A standard stream that goes to the log of the job whose thread writes, and else where it went before."""

    def __init__(self, usual: TextIO) -> None:
        self._usual = usual

    def write(self, text: str) -> int:
        log = _LOG.get()
        if log is None:
            return self._usual.write(text)
        with contextlib.suppress(OSError, ValueError):  # a full disk is told once, by the result that cannot be written
            log.write(text)
        return len(text)

    def flush(self) -> None:
        log = _LOG.get()
        with contextlib.suppress(OSError, ValueError):
            (log or self._usual).flush()

    def isatty(self) -> bool:
        return _LOG.get() is None and self._usual.isatty()

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._usual.fileno()

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return self._usual.encoding


@contextlib.contextmanager
def captured(log: TextIO) -> Iterator[None]:
    """What this thread prints goes to the log; threads it starts print as usual."""
    global _jobs
    with _SWAPPING:
        if _jobs == 0:
            _streams.update(stdout=sys.stdout, stderr=sys.stderr)
            sys.stdout, sys.stderr = _Routed(sys.stdout), _Routed(sys.stderr)  # type: ignore[assignment]
        _jobs += 1
    token = _LOG.set(log)
    try:
        yield
    finally:
        _LOG.reset(token)
        with _SWAPPING:
            _jobs -= 1
            if _jobs == 0:
                sys.stdout, sys.stderr = _streams["stdout"], _streams["stderr"]


def note(log: TextIO, text: str) -> None:
    """A line with the time, at once on disk for whoever watches; a full disk is not told here."""
    with contextlib.suppress(OSError, ValueError):
        log.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {text}\n")
        log.flush()
