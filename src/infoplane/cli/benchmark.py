"""The commands that try estimators on laws with known mutual information: ``calibrate`` and ``benchmark``."""

from __future__ import annotations

import io
import multiprocessing
import shlex
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from ..errors import InputError
from . import screen

if TYPE_CHECKING:
    import xarray as xr

    from ..calibration.tables import Table as Rows

_console = Console(highlight=False)

Named = Annotated[
    list[str] | None,
    typer.Option("--estimator", metavar="NAME", help="As often as wanted; a name or the whole, as KSG(k=5)."),
]
Laws = Annotated[
    list[str] | None, typer.Option("--law", metavar="NAME", help="Only this family of laws; as often as wanted.")
]
Draws = Annotated[int | None, typer.Option("--seeds", help="Samples drawn of each law.", min=2)]
Workers = Annotated[int, typer.Option("--workers", help="Processes; 1 for none: kernels use all cores.", min=1)]


def benchmark(
    preset: Annotated[str, typer.Option("--preset", help="quick (under 2 minutes) or full (an hour).")] = "quick",
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder for results; a run that was interrupted continues there.")
    ] = None,
    estimator: Named = None,
    law: Laws = None,
    seeds: Draws = None,
    workers: Workers = 1,
    keep: Annotated[
        Path | None, typer.Option("--keep", help="Also write a small copy, fit for version control, into this folder.")
    ] = None,
) -> None:
    """Try estimators on laws with known mutual information: bias, spread, and whether their intervals can be believed.

    Examples:

    [bold]infoplane benchmark[/bold]

    [bold]infoplane benchmark --preset full --out results/benchmark --keep docs/results/calibration[/bold]

    [bold]infoplane benchmark --estimator "KSG(k=5)" --estimator Automatic --law normal --law mixing[/bold]
    """
    from .. import calibration, report, save

    grids = calibration.preset(preset, estimators=estimator or (), laws=law or (), repetitions=seeds)
    folder = Path("results") / f"benchmark-{preset}" if out is None else out
    for written in (folder, *([] if keep is None else [keep])):
        screen.check_writable(written)
    with screen.progress() as progress, _workers(workers) as executor:
        dataset = calibration.run(
            grids,
            store=folder / "cases.jsonl",
            executor=executor,
            progress=progress,
            title=f"Benchmark of estimators, {preset}",
        )
    named = [*(("--estimator", e) for e in estimator or ()), *(("--law", one) for one in law or ())]
    named += [] if seeds is None else [("--seeds", str(seeds))]
    words = ["infoplane", "benchmark", "--preset", preset, *(word for pair in named for word in pair)]
    dataset.attrs["command"] = shlex.join(words)  # without the folders of this machine
    save(dataset, folder / "benchmark.nc")
    _write(dataset, folder)
    report.write(dataset, folder / "report.html")
    if keep is not None:
        from ..results import compact

        save(compact(dataset), keep / "benchmark.nc")
        _write(dataset, keep)
    _show(calibration.tables.summary_table(dataset), leave_out=("refused", "allowed", "largest", "seconds"))
    places = {"report": "report.html", "figures": "figures", "table": "table.md", "data": "benchmark.nc"}
    screen.files({name: folder / place for name, place in places.items()})


def calibrate(
    n: Annotated[int, typer.Argument(metavar="N", help="Samples you have.")],
    dim_x: Annotated[int, typer.Argument(metavar="DIM_X", help="Columns of X.")],
    dim_y: Annotated[int, typer.Argument(metavar="[DIM_Y]", help="Columns of Y.")] = 1,
    estimator: Annotated[
        str | None,
        typer.Option("--estimator", help="A name or the whole, as KSG(k=5); chosen for the data if left out."),
    ] = None,
    classes: Annotated[int | None, typer.Option("--classes", help="Y is a label of so many classes.")] = None,
    mi: Annotated[
        list[float] | None, typer.Option("--mi", metavar="NATS", help="A true mutual information; as often as wanted.")
    ] = None,
    law: Laws = None,
    seeds: Annotated[int, typer.Option("--seeds", help="Samples drawn of each law.", min=2)] = 10,
    workers: Workers = 1,
    out: Annotated[Path | None, typer.Option("--out", help="Result file (.nc); a report is written beside it.")] = None,
) -> None:
    """How far can an estimator be believed at your own size? It is tried on laws with known mutual information.

    Examples:

    [bold]infoplane calibrate 2000 3 3[/bold]

    [bold]infoplane calibrate 2000 3 3 --estimator WeightedKL --mi 0 --mi 2 --mi 8 --out calibration.nc[/bold]

    [bold]infoplane calibrate 5000 10 --classes 10[/bold]
    """
    from .. import calibration, report, save
    from ..estimators import by_name

    if out is not None:
        if out.suffix.lower() != ".nc" or out.is_dir():
            raise InputError(f"--out needs a file ending in .nc, such as calibration.nc, got {out}.")
        screen.check_writable(out.parent)
    chosen = None if estimator is None else by_name(estimator)
    with screen.progress() as progress, _workers(workers) as executor:
        dataset = calibration.calibrate(
            n,
            dim_x,
            dim_y,
            chosen,
            classes=classes,
            mis=mi,
            laws=law,
            repetitions=seeds,
            executor=executor,
            progress=progress,
        )
    dataset.attrs["command"] = shlex.join(["infoplane", *sys.argv[1:]])
    _show(calibration.tables.of_calibration(dataset))
    _console.print(f"\n{dataset.attrs['verdict']}\n", markup=False, soft_wrap=True)
    if out is not None:
        save(dataset, out)
        report.write(dataset, out.with_suffix(".html"))
        screen.files({"result": out, "report": out.with_suffix(".html")})


@contextmanager
def _workers(count: int) -> Iterator[Executor | None]:
    """Processes of their own, each with a fresh interpreter: a compiler's threads do not survive a fork."""
    if count == 1:
        yield None
        return
    pool = ProcessPoolExecutor(count, mp_context=multiprocessing.get_context("spawn"))
    try:
        yield pool
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _show(table: Rows, leave_out: Sequence[str] = ()) -> None:
    """A table on the terminal; the last column, where it is a verdict, in colour.

    Args:
        table: in words.
        leave_out: headings of columns for which a terminal is too narrow; the files have them.
    """
    colours = {"holds": "green", "fails": "red"}
    shown = Table(title=escape(table.title), title_justify="left")
    kept = [k for k, heading in enumerate(table.headings) if heading not in leave_out]
    for k in kept:
        words = len(table.rows[0][k]) > 12
        shown.add_column(table.headings[k], justify="left" if k == 0 or words else "right", overflow="fold")
    for row in table.rows:
        *cells, last = (escape(row[k]) for k in kept)
        shown.add_row(*cells, f"[{colours[last]}]{last}[/]" if last in colours else last)
    _console.print(shown)


def _write(dataset: xr.Dataset, folder: Path) -> None:
    """Heat maps, one a sample size, and the tables in Markdown."""
    from .. import calibration, plots
    from ..recordings.disk import write_whole

    (folder / "figures").mkdir(parents=True, exist_ok=True)
    for n in dataset["n"].values.tolist():
        picture = io.BytesIO()
        plots.calibration_panels(dataset.sel(n=[n])).savefig(picture, format="png", dpi=150)
        write_whole(folder / "figures" / f"bias-{n}.png", picture.getvalue())
    write_whole(folder / "table.md", calibration.tables.markdown(dataset).encode())
