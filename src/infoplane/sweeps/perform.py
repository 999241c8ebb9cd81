"""One job, carried out in whatever process it was sent to; it reports in plain values and never raises."""

from __future__ import annotations

import contextlib
import os
import platform
import time
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TextIO

import xarray as xr

from ..errors import InputError
from . import convert, entry, logs
from .spec import Job
from .store import Store, Unwritable, disk_is_full, locked


@dataclass(frozen=True)
class Outcome:
    """What became of a job.

    Attributes:
        state: "done"; "found" where another process had done it; "failed", and worth another try; "refused", where
            another try would end alike; "stop" where no job can end well, such as on a full disk.
        seconds: it took.
        error: one line, empty where there is none.
    """

    state: Literal["done", "found", "failed", "refused", "stop"]
    seconds: float = 0.0
    error: str = ""


def perform(job: Job, folder: str) -> Outcome:
    """Carry out a job and write its result.

    The job's log is locked meanwhile. A scheduler that has lost sight of a worker gives its job to another one; if the
    first is still at work the second waits, and finds the result.
    """
    store = Store(Path(folder))
    if not (store.folder / "sweep.json").is_file():
        return Outcome(
            "stop",
            error=f"{platform.node()} does not see {folder}; the folder of a sweep must be on a file system that all "
            "workers share.",
        )
    try:
        log = store.log(job.key).open("a", encoding="utf-8", errors="replace")
    except OSError as error:
        return Outcome("stop", error=f"{store.log(job.key)} cannot be written: {error.strerror or error}.")
    try:
        if not locked(log, wait=False):
            logs.note(log, "another process is at work on this job; waiting for it")
            locked(log, wait=True)
        if store.finished(job):
            return Outcome("found")
        with logs.captured(log):  # also what HDF5 says of a full disk when it lets go of a file
            return _attempt(job, store, log)
    except InputError as error:  # of a result that belongs to something else
        return Outcome("stop", error=str(error))
    finally:
        with contextlib.suppress(OSError):  # what a full disk did not take
            log.close()


def _attempt(job: Job, store: Store, log: TextIO) -> Outcome:
    logs.note(log, f"started on {platform.node()}, process {os.getpid()}: {job.text}")
    started = time.perf_counter()
    try:
        dataset = _result(job, store)
        dataset.attrs["wall_time"] = time.perf_counter() - started
        store.write(job, dataset)
    except (Exception, SystemExit) as error:
        seconds = time.perf_counter() - started
        line = str(error) if isinstance(error, InputError) else f"{type(error).__name__}: {error}"
        details = "".join(traceback.format_exception(error)).rstrip()
        logs.note(log, f"failed after {seconds:.1f} s\n{details}")
        if isinstance(error, Unwritable) or disk_is_full(error):
            return Outcome("stop", seconds, line)
        return Outcome("refused" if isinstance(error, InputError) else "failed", seconds, line)
    seconds = time.perf_counter() - started
    logs.note(log, f"done in {seconds:.1f} s")
    return Outcome("done", seconds)


def _result(job: Job, store: Store) -> xr.Dataset:
    if ":" in job.run:
        return convert.to_dataset(job, entry.call(job))
    from .. import experiments

    found = experiments.run(job.run, **job.arguments, out=store.run(job.key))
    return convert.of_experiment(job, found)
