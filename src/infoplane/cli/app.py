"""All commands."""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path
from typing import Annotated

import typer

from ..errors import InputError
from . import benchmark, bottleneck, forecast, infinite, reproduce, screen, sweep, variational
from .files import read_array, settings

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    help="Measure how information flows through neural networks.",
    epilog="Start with [bold]infoplane demo[/bold]. Exit status: 0 done, 1 jobs of a sweep, or "
    "experiments of reproduce --all, failed, 2 input cannot be used, 3 a claim fails (with --strict), 130 interrupted.",
)

Setting = Annotated[
    list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="A setting of the estimator, such as bins=50.")
]
Named = Annotated[
    str | None, typer.Option("--estimator", help="Name of the estimator; see [bold]infoplane list[/bold].")
]
Seed = Annotated[int, typer.Option("--seed", help="Seed of whatever is random.", min=0)]
Null = Annotated[int, typer.Option("--null", help="Number of shuffles for a p-value.", min=0)]


def run() -> None:
    """Run the command line and turn what a user got wrong into one sentence."""
    signal.signal(signal.SIGINT, _stop)
    try:
        app()
    except InputError as error:
        screen.complain(str(error))
        sys.exit(2)
    except OSError as error:
        screen.complain(f"{error.filename or 'A file'} cannot be read or written: {error.strerror or error}.")
        sys.exit(2)


def _stop(*_: object) -> None:
    """End at once: every file is written whole or not at all, and a compiler's threads do not survive a slow exit."""
    screen.complain("Interrupted. An experiment with --out goes on where it stopped when called again.")
    sys.stdout.flush()
    os._exit(130)


@app.command()
def demo(
    out: Annotated[Path, typer.Option("--out", help="Folder for the picture, the report and the data.")] = Path("demo"),
) -> None:
    """Train an ensemble on the 12-bit task and draw its information plane.

    Example: [bold]infoplane demo --out demo[/bold]
    """
    from .. import experiments

    with screen.progress() as progress:
        result = experiments.run("black-box", quick=True, out=out, progress=progress)
    picture = out / "plane.png"
    picture.write_bytes((out / "figures" / "plane.png").read_bytes())
    screen.seen(result)
    screen.claims(result.claims, "networks", brief=True)
    screen.files({"picture": picture, "report": out / "report.html", "data": out})


@app.command()
def estimate(
    x: Annotated[
        str, typer.Argument(metavar="X", help="File of samples: .npy, .npz (FILE:ARRAY) or .csv (FILE:COL,COL).")
    ],
    y: Annotated[str, typer.Argument(metavar="Y", help="File of paired samples, likewise.")],
    estimator: Named = None,
    set_: Setting = None,
    bits: Annotated[bool, typer.Option("--bits", help="Print bits instead of nats.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    null: Null = 20,
    seed: Seed = 0,
) -> None:
    """Mutual information of two files of samples; without --estimator the method is chosen for the data, and says why.

    Examples:

    [bold]infoplane estimate x.npy y.npy[/bold]

    [bold]infoplane estimate data.csv:a,b data.csv:label --estimator Binned --set bins=20 --bits --json[/bold]

    [bold]infoplane estimate x.npy y.npy --estimator "Debiased(WeightedKL(k=40))"[/bold]
    """
    chosen = _estimator(estimator, set_)
    first, second = read_array(x), read_array(y)
    from .. import mutual_information

    forecast.estimate(chosen, first, second, null)
    with screen.progress() as progress:
        found = mutual_information(first, second, chosen, seed=seed, null=null, progress=progress)
    found = found.to("bits" if bits else "nats")
    if as_json:
        sys.stdout.write(json.dumps(screen.estimate_record(found)) + "\n")
    else:
        screen.estimate(found)


@app.command()
def plane(
    recording: Annotated[Path, typer.Argument(metavar="RECORDING", help="Folder written by a recording.")],
    estimator: Named = "Binned",
    set_: Setting = None,
    split: Annotated[str, typer.Option("--split", help="all, train or test.")] = "all",
    null: Null = 20,
    seed: Seed = 0,
    out: Annotated[Path, typer.Option("--out", help="Result file; a report is written beside it.")] = Path("plane.nc"),
) -> None:
    """The information plane of a recording on disk.

    Example: [bold]infoplane plane demo/recordings/tanh --estimator PairwiseBounds --set sigma=0.1 --out plane.nc[/bold]
    """
    chosen = _estimator(estimator, set_)
    assert chosen is not None
    if out.suffix.lower() != ".nc" or out.is_dir():
        raise InputError(f"--out needs a file ending in .nc, such as plane.nc, got {out}.")
    from .. import information_plane, recordings, report, save

    opened = recordings.open(recording)
    opened.samples(split)  # type: ignore[arg-type]  # an unknown one is refused here, before any work
    screen.check_writable(out.parent)
    forecast.plane(opened, chosen, null)
    with screen.progress() as progress:
        dataset = information_plane(opened, chosen, split=split, null=null, seed=seed, progress=progress)  # type: ignore[arg-type]
    dataset.attrs["command"] = " ".join(["infoplane", *sys.argv[1:]])
    dataset.attrs["title"] = f"{recording.name}: {chosen}"
    save(dataset, out)
    page = out.with_suffix(".html")
    report.write(dataset, page)
    screen.summary(dataset)
    screen.files({"result": out, "report": page})


app.command()(reproduce.reproduce)
app.command()(benchmark.calibrate)
app.command()(benchmark.benchmark)
app.command()(bottleneck.bottleneck)
app.command()(infinite.infinite)
app.command()(variational.variational)
app.command()(sweep.sweep)
app.command()(sweep.gather)


@app.command()
def report(
    results: Annotated[
        list[Path], typer.Argument(metavar="RESULT.nc...", help="One or more results; drawn side by side.")
    ],
    out: Annotated[Path, typer.Option("--out", help="The page to write.")] = Path("report.html"),
) -> None:
    """One HTML page of one or several results, self-contained and offline: planes, bottleneck curves, or both.

    Examples:

    [bold]infoplane report tanh.nc relu.nc --out compare.html[/bold]

    [bold]infoplane report ib.nc dual.nc --out curves.html[/bold]
    """
    from .. import load
    from .. import report as page

    loaded = [load(path) for path in results]
    planes = [dataset for dataset in loaded if "mi_input" in dataset]  # or curves; a run's tables lie beside them
    page.write(planes or loaded, out)
    screen.files({"report": out})


@app.command(name="list")
def list_() -> None:
    """What there is: experiments, estimators and bottleneck methods."""
    from .. import bottleneck, estimators, experiments

    screen.listing(
        [experiments.describe(name) for name in experiments.names()],
        [type(estimators.by_name(name)) for name in estimators.names()],
        [getattr(bottleneck, name) for name in bottleneck.names()],
    )


def _estimator(name: str | None, pairs: list[str] | None):
    """The estimator asked for, checked before any file is read."""
    if name is None:
        if pairs:
            raise InputError("--set needs --estimator: without one the method is chosen for the data.")
        return None
    from ..estimators import by_name

    return by_name(name, **settings(pairs or []))
