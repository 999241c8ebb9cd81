"""The folder of a sweep: one result a job, written whole or not at all, and one sweep at a time.

Layout, version 1::

    sweep.json        what is swept: {"file": "infoplane sweep", "version": 1, "run": ..., "settings": ..., "axes": ...}
    jobs/KEY.nc       the result of the job whose hash is KEY
    logs/KEY.log      what the job printed, how long it took, why it failed; one paragraph an attempt
    runs/KEY/         of an experiment: its own folder, from which an interrupted one goes on
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import platform
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import h5py
import numpy as np
import xarray as xr

from .. import __version__
from ..errors import InputError
from ..recordings.layout import write_whole
from ..results import SCHEMA_VERSION, save
from .spec import Job, Spec, check_same

try:
    import fcntl
except ImportError:  # no such locks on this system: sweeps are then not kept apart
    fcntl = None

FILE, VERSION = "infoplane sweep", 1
_FULL = (errno.ENOSPC, errno.EDQUOT)
_NO_LOCKS = (errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOLCK)


class Unwritable(InputError):
    """A result cannot be written; neither could that of another job."""


@dataclass(frozen=True)
class Store:
    """The files of a sweep.

    Attributes:
        folder: where they are.
    """

    folder: Path

    def result(self, key: str) -> Path:
        """Result of a job."""
        return self.folder / "jobs" / f"{key}.nc"

    def log(self, key: str) -> Path:
        """Log of a job."""
        return self.folder / "logs" / f"{key}.log"

    def run(self, key: str) -> Path:
        """Folder of an experiment that is a job."""
        return self.folder / "runs" / key

    def header(self) -> dict[str, Any]:
        """What is swept here.

        Raises:
            InputError: no sweep, or one of a newer version.
        """
        try:
            kept = json.loads((self.folder / "sweep.json").read_text(encoding="utf-8"))
            if kept["file"] != FILE:
                raise KeyError
            version = int(kept["version"])
        except (OSError, ValueError, KeyError, TypeError):
            raise InputError(f"{self.folder} is not the folder of a sweep: it has no sweep.json of one.") from None
        if version > VERSION:
            raise InputError(f"{self.folder} has layout version {version}, this infoplane reads up to {VERSION}.")
        return kept

    def check(self, spec: Spec) -> None:
        """Refuse a folder that holds something else; one that is not there, or empty, is free.

        Raises:
            InputError: another sweep, or other files.
        """
        if (self.folder / "sweep.json").exists():
            check_same(spec, self.header(), self.folder)
        elif self.folder.exists() and not self.folder.is_dir():
            raise InputError(f"{self.folder} is not a folder; choose a new --out.")
        elif self.folder.is_dir() and any(not entry.name.startswith(".") for entry in self.folder.iterdir()):
            raise InputError(f"{self.folder} is not empty and holds no sweep; choose a new --out.")

    @contextlib.contextmanager
    def held(self, spec: Spec) -> Iterator[None]:
        """Make the folder this sweep's, and keep other sweeps out while it runs; the lock ends with the process.

        Raises:
            InputError: another sweep is at work, the folder holds something else, or it cannot be written.
        """
        try:
            self.check(spec)
            self.folder.mkdir(parents=True, exist_ok=True)
            file = (self.folder / ".lock").open("a+", encoding="utf-8")
        except OSError as error:
            raise InputError(f"{self.folder} cannot be used: {error.strerror or error}.") from None
        with file:
            if not locked(file, wait=False):
                file.seek(0)
                who = file.read().strip() or "unknown"
                raise InputError(
                    f"Another sweep is at work in {self.folder} ({who}); wait for it or choose a new --out."
                )
            try:
                file.truncate(0)
                file.write(f"process {os.getpid()} on {platform.node()}")
                file.flush()
                self.check(spec)  # again: another sweep may have come and gone
                header = {"file": FILE, "version": VERSION, "infoplane": __version__, **spec.record()}
                write_whole(self.folder / "sweep.json", (json.dumps(header, indent=1) + "\n").encode())
                for part in ("jobs", "logs"):
                    (self.folder / part).mkdir(exist_ok=True)
                self._clear()
            except OSError as error:
                raise InputError(f"{self.folder} cannot be written: {error.strerror or error}.") from None
            yield
            with contextlib.suppress(OSError):
                self._clear()  # of workers that were lost meanwhile

    def finished(self, job: Job) -> bool:
        """Whether the result of a job is there; a damaged one is not.

        Raises:
            InputError: it is that of another job, or of a newer version.
        """
        path = self.result(job.key)
        if not path.is_file():
            return False
        try:
            with h5py.File(path, "r") as file:
                schema, text = np.asarray(file.attrs["schema_version"]).item(), str(file.attrs["sweep_job"])
        except (OSError, KeyError, ValueError, TypeError):
            return False
        if schema > SCHEMA_VERSION:
            raise InputError(
                f"{path} has schema version {schema}, this infoplane reads up to {SCHEMA_VERSION}; update infoplane or "
                "choose a new --out."
            )
        if text != job.text:
            raise InputError(f"{path} is not the result of {job.text}; choose a new --out or delete it.")
        return True

    def write(self, job: Job, dataset: xr.Dataset) -> None:
        """Write the result of a job, whole or not at all, also where the power fails.

        Raises:
            Unwritable: the disk is full, or the folder cannot be written.
            InputError: the dataset holds what netCDF cannot.
        """
        path = self.result(job.key)
        try:
            save(dataset, path)
        except (OSError, InputError) as error:
            number = _number(error)
            why = os.strerror(number) if number else str(error)
            hint = "make room and run the same command again" if number in _FULL else "mend it and run it again"
            raise Unwritable(f"{path} cannot be written: {why}; {hint}.") from error
        except (TypeError, ValueError) as error:
            raise InputError(f"{job.run} returned a dataset that cannot be written as netCDF: {error}") from error

    def _clear(self) -> None:
        """Remove what writers left that were killed; not what one on another machine is still writing."""
        for left in self.folder.glob("jobs/.*.partial"):
            key = left.name[1:].split(".")[0]
            with self.log(key).open("a") as log:
                if locked(log, wait=False):
                    left.unlink(missing_ok=True)


def _number(error: BaseException | None) -> int | None:
    """The error number of the system, here or in what this was raised from."""
    while error is not None:
        if isinstance(error, OSError) and error.errno:
            return error.errno
        error = error.__cause__ or error.__context__
    return None


def disk_is_full(error: BaseException) -> bool:
    """Whether an error came of a full disk, wherever it was raised."""
    return _number(error) in _FULL


def locked(file: IO[Any], wait: bool) -> bool:
    """Take the lock of an open file; it is dropped when the file is closed or the process ends, however it ends.

    Args:
        file: open for writing.
        wait: until it is free.

    Returns:
        Whether we have it, or nobody can: some file systems of clusters know no locks.
    """
    if fcntl is None:
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except OSError as error:
        return error.errno in _NO_LOCKS
    return True
