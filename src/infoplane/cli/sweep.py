"""The commands ``sweep`` and ``gather``: a grid of jobs on this machine or a cluster, and their results together."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, TextColumn
from rich.progress import Progress as Bars
from rich.table import Table

from ..errors import InputError
from . import screen

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Executor

    import xarray as xr

    from ..sweeps import Failure, Job, Spec, Status, Summary

_console = Console(highlight=False, emoji=False)
_errors = Console(stderr=True, highlight=False, emoji=False)
_QUIET_SECONDS = 5.0  # without a terminal, a line at most this often
_SHOWN_JOBS = 1000
_SHOWN_FAILURES = 30


def sweep(
    spec: Annotated[Path, typer.Argument(metavar="SPEC.toml", help="What to run, and over which grid.")],
    out: Annotated[Path | None, typer.Option("--out", help="Folder for results; that of the spec if left out.")] = None,
    workers: Annotated[
        int | None, typer.Option("--workers", help="Processes on this machine; one a core if left out.", min=1)
    ] = None,
    threads: Annotated[
        int | None, typer.Option("--threads", help="Threads of each; the cores shared out if left out.", min=1)
    ] = None,
    scheduler: Annotated[
        str | None,
        typer.Option("--scheduler", metavar="ADDRESS", help="Run on a Dask cluster, such as tcp://10.0.0.7:8786."),
    ] = None,
    retries: Annotated[int, typer.Option("--retries", help="How often a job that fails is tried again.", min=0)] = 2,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="List the jobs and which of them are done.")] = False,
) -> None:
    """Run an experiment, or a function of your own, over a grid; what is done is not run again.

    Exit status 0 if every job is done, 1 if some failed. After an interrupt, the same command goes on.

    Examples:

    [bold]infoplane sweep study.toml --dry-run[/bold]

    [bold]infoplane sweep study.toml --workers 4[/bold]

    [bold]infoplane sweep study.toml --scheduler tcp://10.0.0.7:8786[/bold]
    """
    from .. import sweeps

    if scheduler is not None and (workers or threads):
        raise InputError("--workers and --threads are of this machine; a --scheduler has workers of its own.")
    read = sweeps.read(spec)
    folder = read.out if out is None else out
    if dry_run:
        _list(read, sweeps.plan(read, folder))
        return
    screen.check_writable(folder)
    with _interruptible(), _executor(scheduler, workers, threads) as executor, _watching() as watch:
        done = sweeps.sweep(read, folder, executor=executor, retries=retries, watch=watch)
    _tell(done, folder)
    if not done.complete:
        raise typer.Exit(1)


def gather(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of a sweep.")],
    out: Annotated[Path | None, typer.Option("--out", help="Result file; DIR/gathered.nc if left out.")] = None,
    dataset: Annotated[
        str | None,
        typer.Option("--dataset", help="Of a sweep of experiments: a dataset of each, instead of their numbers."),
    ] = None,
) -> None:
    """The results of a sweep as one dataset over its grid; also while it runs.

    Example: [bold]infoplane gather results/study --out study.nc[/bold]
    """
    from .. import save, sweeps

    name = "gathered.nc" if dataset is None else f"gathered-{dataset}.nc"
    path = folder / name if out is None else out
    if path.suffix.lower() != ".nc" or path.is_dir():
        raise InputError(f"--out needs a file ending in .nc, such as study.nc, got {path}.")
    screen.check_writable(path.parent)
    with screen.progress() as progress:
        found = sweeps.gather(folder, dataset, progress=progress)
    save(found, path)
    _show(found)
    screen.files({"result": path})


@contextmanager
def _interruptible() -> Iterator[None]:
    """Ctrl-C ends the sweep and says how to go on; a second one ends at once."""

    def stop(*_: object) -> None:
        signal.signal(signal.SIGINT, lambda *_: os._exit(130))
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, stop)
    try:
        yield
    except KeyboardInterrupt:
        screen.complain("Interrupted. What is done is kept; the same command goes on from there.")
        sys.stdout.flush()
        os._exit(130)  # a compiler's threads do not survive a slow exit
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def _executor(scheduler: str | None, workers: int | None, threads: int | None) -> Iterator[Executor]:
    """Where jobs run; when something went wrong, what is running is not waited for."""
    from .. import sweeps

    if scheduler is None:
        with sweeps.Processes(workers, threads) as pool:
            yield pool
        return
    cluster = sweeps.Cluster(scheduler)
    if not cluster.workers:
        _errors.print(f"The scheduler at {scheduler} has no workers yet; jobs wait for them.", soft_wrap=True)
    try:
        yield cluster
    finally:
        cluster.shutdown(wait=False)


@contextmanager
def _watching() -> Iterator[Callable[[Status], None]]:
    """Draws how far the sweep is: one bar on a terminal, else a line now and then."""
    if not _errors.is_terminal:
        yield _plain()
        return
    columns = [
        TextColumn("jobs"),
        BarColumn(),
        TextColumn("{task.completed} of {task.total}", markup=False),
        TextColumn("{task.fields[words]}"),
    ]
    with Bars(*columns, console=_errors) as bars:
        task: Any = None

        def show(status: Status) -> None:
            nonlocal task
            if task is None:
                task = bars.add_task("jobs", total=status.total, words="")
            bars.update(task, completed=status.done, words=_words(status, colour="red"))

        yield show


def _plain() -> Callable[[Status], None]:
    last = {"time": time.monotonic(), "ended": -1}

    def show(status: Status) -> None:
        ended = status.done + status.failed
        now = time.monotonic()
        if ended != last["ended"] and (ended == status.total or now - last["time"] > _QUIET_SECONDS):
            last.update(time=now, ended=ended)
            words = ", ".join(filter(None, [f"{status.done} of {status.total} jobs done", _words(status)]))
            _errors.print(words, soft_wrap=True, markup=False)

    return show


def _words(status: Status, colour: str | None = None) -> str:
    failed = f"{status.failed} failed" if status.failed else ""
    if failed and colour:
        failed = f"[{colour}]{failed}[/{colour}]"
    left = "" if status.remaining is None or not status.running else f"about {_duration(status.remaining)} left"
    running = f"{status.running} running" if status.done + status.failed < status.total else ""
    return ", ".join(filter(None, [running, failed, left]))


def _duration(seconds: float) -> str:
    """Two units at most: "3 min", "2 h 10 min"."""
    minutes = round(seconds / 60)
    if minutes < 1:
        return f"{max(seconds, 1):.0f} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"


def _list(spec: Spec, planned: list[tuple[Job, bool]]) -> None:
    """The jobs, and how many remain."""
    table = Table(title=escape(f"Jobs of {spec.name}: {', '.join(spec.run)}"), title_justify="left")
    for name in (*spec.axes, "key", "state"):
        table.add_column(escape(name), justify="left" if name in ("key", "state") else "right")
    for job, done in planned[:_SHOWN_JOBS]:
        cells = [escape(str(value)) for value in job.place.values()]
        table.add_row(*cells, job.key, "[green]done[/green]" if done else "to run")
    _console.print(table)
    if len(planned) > _SHOWN_JOBS:
        _console.print(f"... and {len(planned) - _SHOWN_JOBS} more")
    done = sum(done for _, done in planned)
    _console.print(f"{len(planned)} jobs: {done} done, {len(planned) - done} to run.")


def _tell(done: Summary, folder: Path) -> None:
    """What was done, what failed and where to read why, and what to do next."""
    if done.failed:
        _console.print(_failures(done.failed[:_SHOWN_FAILURES]))
        if len(done.failed) > _SHOWN_FAILURES:
            _console.print(f"... and {len(done.failed) - _SHOWN_FAILURES} more")
    before = f", {done.found} were there before" if done.found else ""
    _console.print(
        f"{done.found + done.done} of {done.total} jobs are done{before}; it took {_duration(done.seconds)}.",
        soft_wrap=True,
    )
    if done.failed:
        _console.print(
            f"{len(done.failed)} failed: mend what their logs say, and the same command runs them again.",
            soft_wrap=True,
        )
    screen.files({"results": folder, "logs": folder / "logs"})
    _console.print(f"{'next':>8}: infoplane gather {folder}", markup=False, soft_wrap=True)


def _failures(failed: tuple[Failure, ...]) -> Table:
    table = Table(title="Jobs that failed", title_justify="left")
    for name in ("job", "tried", "error", "log"):
        table.add_column(name, overflow="fold")
    for one in failed:
        table.add_row(escape(one.job.label), str(one.attempts), escape(one.error), f"logs/{one.log.name}")
    return table


def _show(found: xr.Dataset) -> None:
    """The dataset in a few lines."""
    import json

    axes = json.loads(str(found.attrs["sweep_dimensions"]))
    sizes = ", ".join(f"{name} {found.sizes[name]}" for name in axes) or "one job"
    missing = int(found.attrs["jobs_missing"])
    note = f"; {missing} of {found.attrs['jobs']} jobs are not done yet and stand as nan" if missing else ""
    _console.print(f"{len(found.data_vars)} variables over {sizes}{note}.", markup=False, soft_wrap=True)
    table = Table(box=None, padding=(0, 2, 0, 0))
    for name in ("variable", "further dimensions", "mean"):
        table.add_column(name)
    for name, values in found.data_vars.items():
        inner = ", ".join(f"{dim} {found.sizes[dim]}" for dim in values.dims if dim not in axes)
        mean = f"{float(values.mean()):.4g}" if values.dtype.kind in "fiub" and values.notnull().any() else ""
        table.add_row(escape(str(name)), escape(inner), mean)
    _console.print(table)
