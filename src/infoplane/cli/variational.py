"""The command ``variational``: networks trained for the bottleneck on a data set, over their trade-off."""

from __future__ import annotations

import io
import math
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from ..errors import InputError
from . import screen
from .datasets import read_data

if TYPE_CHECKING:
    import xarray as xr

    from ..data import Task
    from ..variational import Objective

_console = Console(highlight=False, emoji=False)
_WIDE = 105  # columns of a terminal that has room for errors
_SHOWN = {
    "mi_input": "I(X;Z), upper",
    "rate_conditional": "cond. rate",
    "mi_target": "I(Z;Y), lower",
    "accuracy": "accuracy",
    "calibration_error": "cal. error",
}


def variational(
    data: Annotated[
        str,
        typer.Argument(
            metavar="DATA",
            help="A .npz file with x_train, y_train, x_test, y_test, or x and y; or mnist, fashion-mnist, cifar10.",
        ),
    ],
    objective: Annotated[
        list[str] | None,
        typer.Option(
            "--objective",
            help="vib (the default), ceb, dual, squared, nonlinear, crossentropy, or with settings as one would write "
            "it in Python, \"DualVIB(rate='marginal')\"; may be given several times.",
        ),
    ] = None,
    beta: Annotated[
        str, typer.Option("--beta", metavar="B,B...", help="Trade-offs; beta multiplies I(Z;Y).")
    ] = "10,100,1000",
    latent: Annotated[int, typer.Option("--latent", help="Latent variables.", min=1)] = 32,
    hidden: Annotated[str, typer.Option("--hidden", metavar="N,N...", help="Hidden layers.")] = "256,256",
    epochs: Annotated[int, typer.Option("--epochs", help="Passes over the training samples.", min=1)] = 20,
    learning_rate: Annotated[float, typer.Option("--learning-rate", help="Adam's.")] = 1e-3,
    seeds: Annotated[int, typer.Option("--seeds", help="Networks of every trade-off.", min=1)] = 1,
    train: Annotated[int | None, typer.Option("--train", help="Samples to train on, at most.", min=2)] = None,
    test: Annotated[int | None, typer.Option("--test", help="Samples to measure with, at most.", min=2)] = None,
    bits: Annotated[bool, typer.Option("--bits", help="Print and draw bits instead of nats.")] = False,
    seed: Annotated[int, typer.Option("--seed", help="First seed; the others follow.", min=0)] = 0,
    out: Annotated[
        Path, typer.Option("--out", help="Folder for results; a run that was interrupted continues there.")
    ] = Path("variational"),
) -> None:
    """Train networks for the bottleneck, over their trade-off beta: what they keep of X and tell of Y.

    Examples:

    [bold]infoplane variational fashion-mnist --objective dual --beta 10,100,1000[/bold]

    [bold]infoplane variational data.npz --objective vib --objective ceb --beta 3,30 --seeds 3 --out both[/bold]
    """
    from .. import plots, report, save
    from ..recordings.disk import write_whole
    from ..variational import Dense, Optimizer, fit

    objectives = _objectives(objective or ["vib"], _numbers(beta, "--beta", "10,100,1000", float))
    encoder = Dense(tuple(_numbers(hidden, "--hidden", "256,256", int)))
    task = _task(data, train, test, seed)
    screen.check_writable(out)
    with screen.progress() as progress:
        fitted = fit(
            objectives, task, encoder=encoder, latent=latent, epochs=epochs, seed=range(seed, seed + seeds),
            optimizer=Optimizer(learning_rate), path=out, progress=progress,
        )  # fmt: skip
    dataset = fitted.dataset
    dataset.attrs["command"] = shlex.join(["infoplane", *sys.argv[1:]])
    dataset.attrs["title"] = f"{Path(data).name}: {', '.join(map(str, dataset.objective.values))}"
    dataset.attrs["task"] = f"{data}, {dataset.attrs['n_train']:,} samples to train on"
    save(dataset, out / "plane.nc")
    unit = "bits" if bits else "nats"
    written = {"result": out / "plane.nc"}
    if bool(dataset["mi_input"].notnull().any()):  # networks without noise alone have no finite rate
        picture = io.BytesIO()
        plots.variational_panels(dataset, unit=unit).savefig(picture, format="png", dpi=150)
        write_whole(out / "plane.png", picture.getvalue())
        written["picture"] = out / "plane.png"
    written["report"] = report.write(dataset, out / "report.html")
    _show(dataset, unit)
    screen.files(written)


def _numbers(text: str, option: str, example: str, kind: type) -> list[Any]:
    """ "10,100" as numbers.

    Raises:
        InputError: anything else.
    """
    try:
        values = [kind(part) for part in text.split(",") if part.strip()]
    except ValueError:
        values = []
    alike = kind is float and len(set(values)) < len(values)  # layers may be of one width
    if not values or alike:
        what = "numbers that differ" if kind is float else "whole numbers"
        raise InputError(f"{option} takes {what}, such as {example}, got {text!r}.")
    return values


def _objectives(names: list[str], betas: list[float]) -> list[Objective]:
    """Every objective at every beta; once where it has none, or is written with its own."""
    from ..naming import MissingSettingError
    from ..variational import by_name

    found: list[Objective] = []
    for name in names:
        try:
            found.append(by_name(name))
        except MissingSettingError:
            found += [by_name(name, beta=value) for value in betas]
    return found


def _task(data: str, train: int | None, test: int | None, seed: int) -> Task:
    """Samples with the part to train on named.

    Raises:
        InputError: arrays that do not belong together, or labels that are no whole numbers.
    """
    import numpy as np

    from ..data import Task

    x, y, x_test, y_test = (np.asarray(v) for v in read_data("variational", data, train or 10**9, test or 10**9, seed))
    if y.dtype.kind not in "iub" or y.ndim != 1 or y_test.dtype.kind not in "iub":
        raise InputError(f"infoplane variational needs whole numbers 0, 1, ... as labels, got {y.dtype} in {data}.")
    if len(x) != len(y) or len(x_test) != len(y_test) or x.shape[1:] != x_test.shape[1:]:
        raise InputError(f"{data} needs an input for every label, and inputs of one shape in both parts.")
    flat = [np.reshape(part, (len(part), -1)) for part in (x, x_test)]
    labels = np.concatenate([y, y_test]).astype(np.int64)
    return Task(np.concatenate(flat), labels, data, train=np.arange(len(labels)) < len(y))


def _show(dataset: xr.Dataset, unit: str) -> None:
    """All trade-offs at the end of training, on test samples."""
    from ..plots.style import per_nat
    from ..report.variational_values import beta_text, ended, lines, spread

    wide = _console.size.width >= _WIDE
    table = Table(title=f"{dataset.attrs['title']}, test samples, {unit}", title_justify="left")
    table.add_column("objective")
    for heading in ("beta", *_SHOWN.values()):
        table.add_column(heading, justify="right")
    for line in lines([""], [dataset]):
        last = ended(line)
        columns = {name: spread(last, name, "test") for name in _SHOWN if name in last}
        for k, value in enumerate(last["beta"].to_numpy()):
            cells = []
            for name in _SHOWN:
                mean, error = (float(v[k]) for v in columns[name]) if name in columns else (math.nan, math.nan)
                factor = 1.0 if name in ("accuracy", "calibration_error") else per_nat(unit)
                known = f" ± {error * factor:.3f}" if math.isfinite(error) and wide else ""
                cells.append(f"{mean * factor:.3f}{known}" if math.isfinite(mean) else "–")
            table.add_row(line.objective, beta_text(float(value)), *cells)
    _console.print(table)
    _console.print("I(X;Z) is an upper bound, I(Z;Y) a lower one; the conditional rate bounds I(X;Z|Y), not I(X;Z).")
    if wide:
        several = dataset.sizes["seed"] > 1
        _console.print(f"± {'one standard deviation over seeds' if several else 'one standard error over samples'}.")
