"""Workers of a Dask cluster as an executor."""

from __future__ import annotations

import gc
import logging
import time
from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any

from ..errors import InputError

_AHEAD = 256  # jobs given to the scheduler at once, at least: an adaptive cluster grows with what waits
_PATIENCE = 5.0  # seconds until a scheduler counts as unreachable
_LOUD = ("asyncio", "distributed", "distributed.client", "tornado.application")


class Cluster(Executor):
    """Jobs on the workers of a Dask scheduler.

    Dask gives a job whose worker was lost to another worker, three times unless its ``allowed-failures`` says
    otherwise. Workers may come and go; without any, jobs wait.

    Args:
        address: of the scheduler, such as ``tcp://10.0.0.7:8786``.

    Raises:
        InputError: dask is not installed, or no scheduler answers there.
    """

    def __init__(self, address: str) -> None:
        try:
            from distributed import Client
        except ImportError:
            raise InputError(
                "A sweep on a cluster needs dask and distributed; install them with: pip install 'infoplane[cluster]'"
            ) from None
        self.address = address
        self.broken = f"The scheduler at {address} is gone, or has dropped the jobs of this sweep"
        self.restart = "start a scheduler and workers"
        self._levels = _quiet()
        try:
            self._client: Any = Client(address, timeout=_PATIENCE, set_as_default=False, name="infoplane-sweep")
        except Exception as error:  # of many kinds: addresses that cannot be, hosts that are not, other protocols
            self._restore()
            raise InputError(
                f"No scheduler answers at {address!r} ({error}). Start one with 'dask scheduler', and give the address "
                "that it prints, such as tcp://10.0.0.7:8786."
            ) from None
        self._executor = self._client.get_executor(pure=False)  # the same job may be tried again
        self._workers, self._asked = 0, 0.0

    @property
    def workers(self) -> int:
        """Threads of all workers, as they were a few seconds ago."""
        if time.monotonic() - self._asked > _PATIENCE:
            self._asked = time.monotonic()
            try:
                self._workers = sum(self._client.nthreads().values())
            except Exception:  # the scheduler does not answer; the jobs will tell
                return self._workers
        return self._workers

    @property
    def window(self) -> int:
        """How many jobs may be in flight."""
        return max(_AHEAD, 4 * self.workers)

    def submit(self, function: Callable[..., Any], /, *arguments: Any, **named: Any) -> Future:
        """Have a function called, which workers and scheduler can import."""
        return self._executor.submit(function, *arguments, **named)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Leave the cluster, which goes on; jobs that have not begun are forgotten.

        Args:
            wait: for all that was submitted.
            cancel_futures: forget what has not begun.
        """
        try:
            self._executor.shutdown(wait=wait and not cancel_futures)
            self._client.close(timeout=1.0)
        except Exception:  # a scheduler that is gone cannot be taken leave of
            return
        finally:
            self._restore()

    def _restore(self) -> None:
        gc.collect()  # a connection that broke is logged when it is forgotten
        for logger, level in self._levels.items():
            logger.setLevel(level)


def _quiet() -> dict[logging.Logger, int]:
    """Silence what the client logs, which is said here in one sentence; the levels as they were."""
    levels = {logger: logger.level for logger in map(logging.getLogger, _LOUD)}
    for logger in levels:
        logger.setLevel(logging.CRITICAL)
    return levels
