"""All experiments, side by side, each in a process of its own: what is finished is found again, what fails is told."""

from __future__ import annotations

import json
import multiprocessing
import os
import queue
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path

from .. import __version__
from ..errors import InputError
from ..progress import Progress, silent
from . import ledger, registry
from .files import cores


def reproduce_all(
    out: str | Path,
    *,
    quick: bool = False,
    kept: str | Path | None = None,
    carry_out: bool = True,
    names: Sequence[str] | None = None,
    workers: int | None = None,
    progress: Progress = silent,
    ended: Callable[[ledger.Record], None] | None = None,
) -> ledger.Ledger:
    """Find or run every experiment, and lay the claims of all against what the source works say.

    A script that calls this does so below ``if __name__ == "__main__":``, since new processes import it.

    Args:
        out: folder; each experiment writes into one below it, as it does alone, so that an interrupted call goes on.
        quick: reduced sizes.
        kept: folder of results at full size, such as ``docs/results``, that need not be run again; not used by quick.
        carry_out: run what is missing; otherwise it stands in the ledger as not run.
        names: of the experiments; all if None.
        workers: experiments at a time, each pinned to its own core where the system can; one a core if None.
        progress: called with ("NAME: stage", done, total) of what runs; out of order, from several at a time.
        ended: called with every record once it is known.

    Returns:
        The ledger. An experiment that fails, is killed or lacks its data has a record that says so.

    Raises:
        InputError: ``out`` cannot be made.
    """
    out, tell = Path(out), ended or (lambda record: None)
    wanted = registry.names() if names is None else list(names)
    figures = ledger.plan()["figures"]
    records = {name: _found(name, out / name, kept, quick, figures) for name in wanted}
    for record in filter(None, records.values()):
        tell(record)
    missing_runs = [name for name, record in records.items() if record is None]
    if missing_runs and carry_out:
        try:
            (out / "logs").mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"{out} cannot be used: {error.strerror or error}.") from None
        for name, trouble, failed in _side_by_side(missing_runs, out, quick, workers or cores(), progress):
            if trouble:
                record = ledger.missing(name, trouble, quick=quick, failed=failed)
            else:
                record = ledger.read(name, out / name, figures)
            records[name] = record
            tell(record)
    whole = [record or ledger.missing(name, "not run yet.", quick=quick) for name, record in records.items()]
    return ledger.assemble(whole, quick=quick)


def _found(name: str, folder: Path, kept: str | Path | None, quick: bool, figures: dict[str, str]):
    """The record of a run of this size that is finished, in ``folder`` or else among those kept; None if there is none.

    A run of another size or version is none: carrying it out says that its folder is taken.
    """
    try:
        run = json.loads((folder / "run.json").read_text())
        if run["quick"] == quick and run["version"] == __version__:
            return ledger.read(name, folder, figures)
    except (OSError, ValueError, KeyError, TypeError, InputError):
        pass
    if kept is not None and not quick and (Path(kept) / name / "claims.json").exists():
        return ledger.read(name, Path(kept) / name, figures)
    return None


def _side_by_side(names: Sequence[str], out: Path, quick: bool, workers: int, progress: Progress):
    """Yield (name, trouble, failed) as experiments end; trouble is empty where all went well.

    A thread waits for each process. Threads pin themselves to a core, which their processes inherit: every pool of
    threads in these then has one thread, and two experiments do not wait for each other's.
    """
    places: queue.SimpleQueue[int] = queue.SimpleQueue()
    allowed = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    for k in range(workers):
        places.put(k)
    running: set[BaseProcess] = set()

    def pin() -> None:
        if len(allowed) >= workers > 1:
            os.sched_setaffinity(0, {allowed[places.get()]})

    pool = ThreadPoolExecutor(workers, initializer=pin)
    try:
        started = {pool.submit(_in_a_process, name, quick, out, progress, running): name for name in names}
        for future in as_completed(started):
            yield started[future], *future.result()
    finally:  # also where the caller stops: nothing is to go on unseen
        pool.shutdown(wait=False, cancel_futures=True)
        for process in list(running):
            process.terminate()


def _in_a_process(name: str, quick: bool, out: Path, progress: Progress, running: set[BaseProcess]) -> tuple[str, bool]:
    """Run one experiment in a new process: (what went wrong, whether it broke); empty if nothing did."""
    context = multiprocessing.get_context("spawn")  # a fork would inherit locks that other threads hold
    mine, theirs = context.Pipe(duplex=False)
    log = out / "logs" / f"{name}.log"
    process = context.Process(target=_carry_out, args=(theirs, name, quick, out / name, log))
    process.start()
    running.add(process)
    theirs.close()
    outcome = None
    while outcome is None:
        try:
            kind, *said = mine.recv()
        except (EOFError, OSError):  # it ended, or was killed, without a last word
            break
        if kind == "end":
            outcome = str(said[0]), bool(said[1])
        else:
            progress(*said)
    process.join()
    running.discard(process)
    return outcome or (f"ended without a result (exit code {process.exitcode}); see {log}.", True)


def _carry_out(connection: Connection, name: str, quick: bool, folder: Path, log: Path) -> None:
    """What the new process does: run the experiment, tell its progress, and at last what went wrong."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # end at once: every file is written whole or not at all
    with log.open("a") as file:
        os.dup2(file.fileno(), sys.stdout.fileno())
        os.dup2(file.fileno(), sys.stderr.fileno())
    one_at_a_time = threading.Lock()  # threads of an experiment may tell at once

    def tell(what: str, done: int, total: int) -> None:
        with one_at_a_time:
            connection.send(("stage", f"{name}: {what}", done, total))

    try:
        registry.run(name, quick=quick, out=folder, progress=tell)
        trouble, failed = "", False
    except InputError as error:  # no data, no PyTorch, a folder in use: it says what to do
        trouble, failed = str(error), False
    except Exception as error:  # whatever it is, the other experiments go on
        traceback.print_exc()
        trouble, failed = f"failed with {type(error).__name__}: {error}; see {log}.", True
    connection.send(("end", trouble, failed))
