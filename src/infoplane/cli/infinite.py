"""The command ``infinite``: infinitely wide ensembles on a data set, every information quantity over training time."""

from __future__ import annotations

import io
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from ..errors import InputError
from . import screen
from .bottleneck import thinned
from .datasets import read_data

if TYPE_CHECKING:
    import xarray as xr

_console = Console(highlight=False, emoji=False)
_SHOWN = ("loss_gibbs", "accuracy", "mi_input_lower", "mi_input", "mi_target", "mi_output_data")
_DRAWN = ("loss_gibbs", "loss_bayes", "accuracy", "mi_input", "mi_target", "mi_output_data")


def infinite(
    data: Annotated[
        str,
        typer.Argument(
            metavar="DATA",
            help="A .npz file with x_train, y_train, x_test, y_test, or x and y; or mnist, fashion-mnist, cifar10.",
        ),
    ],
    depth: Annotated[int, typer.Option("--depth", help="Hidden layers.", min=0)] = 2,
    activation: Annotated[str, typer.Option("--activation", help="erf, relu or linear.")] = "erf",
    weight_std: Annotated[float, typer.Option("--weight-std", help="Standard deviation of the weights.")] = 1.5,
    bias_std: Annotated[float, typer.Option("--bias-std", help="Standard deviation of the biases.")] = 0.1,
    residual: Annotated[bool, typer.Option("--residual", help="Hidden layers add what they were given.")] = False,
    times: Annotated[
        str,
        typer.Option("--times", metavar="A:B:N", help="N times from A to B in geometric steps, or a list: 0,1,inf."),
    ] = "1e-2:1e8:51",
    train: Annotated[int, typer.Option("--train", help="Samples to train on, at most.", min=2)] = 1000,
    test: Annotated[int, typer.Option("--test", help="Samples to measure with, at most.", min=2)] = 1000,
    ridge: Annotated[float, typer.Option("--ridge", help="Added to the diagonal of the tangent kernel.")] = 0.0,
    relative_ridge: Annotated[
        bool, typer.Option("--relative-ridge", help="The ridge is a share of that diagonal's mean.")
    ] = False,
    joint: Annotated[bool, typer.Option("--joint", help="Also joint quantities, at every time.")] = False,
    draws: Annotated[int, typer.Option("--draws", help="Draws of the output for the sampled bounds.", min=1)] = 4,
    bits: Annotated[bool, typer.Option("--bits", help="Print and draw bits instead of nats.")] = False,
    seed: Annotated[int, typer.Option("--seed", help="Seed of whatever is random.", min=0)] = 0,
    out: Annotated[
        Path, typer.Option("--out", help="Result file (.nc); a picture and a report are written beside it.")
    ] = Path("infinite.nc"),
) -> None:
    """Information in an ensemble of infinitely wide networks, at every training time, in closed form.

    Examples:

    [bold]infoplane infinite mnist --depth 3 --activation erf --times 1e-2:1e10:100[/bold]

    [bold]infoplane infinite data.npz --activation relu --weight-std 1.4 --out relu.nc[/bold]
    """
    if out.suffix.lower() != ".nc" or out.is_dir():
        raise InputError(f"--out needs a file ending in .nc, such as infinite.nc, got {out}.")
    grid = parse_times(times)
    from .. import infinite as wide
    from .. import plots, report, save
    from ..recordings.disk import write_whole

    net = wide.Dense(depth, activation, weight_std, bias_std, residual=residual)
    x_train, y_train, x_test, y_test = read_data("infinite", data, train, test, seed)
    screen.check_writable(out.parent)
    ensemble = wide.Ensemble(net, x_train, y_train, ridge=ridge, relative_ridge=relative_ridge)
    dataset = ensemble.information(x_test, y_test, grid, draws=draws, joint=joint, seed=seed)
    dataset.attrs["command"] = shlex.join(["infoplane", *sys.argv[1:]])
    dataset.attrs["title"] = f"{Path(data).name}: {net}"
    dataset.attrs["task"] = f"{data}, {len(x_train)} samples to train on, {len(x_test)} to measure with"
    save(dataset, out)
    unit = "bits" if bits else "nats"
    picture = io.BytesIO()
    drawn = [name for name in _DRAWN if name in dataset and bool(dataset[name].notnull().any())]
    plots.over_time_panels(dataset, drawn, unit=unit).savefig(picture, format="png", dpi=150)
    write_whole(out.with_suffix(".png"), picture.getvalue())
    page = report.write(dataset, out.with_suffix(".html"))
    _show(dataset, unit)
    screen.files({"result": out, "picture": out.with_suffix(".png"), "report": page})


def parse_times(text: str) -> list[float]:
    """ "1e-2:1e10:100" is 100 times in geometric steps, "0,1,inf" a list.

    Raises:
        InputError: anything else.
    """
    import numpy as np

    example = "--times takes A:B:N, such as 1e-2:1e10:100 for 100 times in geometric steps, or a list such as 0,1,inf"
    try:
        if ":" not in text:
            values = [float(part) for part in text.split(",") if part.strip()]
        else:
            low, high, count = text.split(":")
            values = np.geomspace(float(low), float(high), int(count)).tolist()
    except (ValueError, ZeroDivisionError):
        raise InputError(f"{example}, got {text!r}.") from None
    if not values or not all(value >= 0 for value in values):
        raise InputError(f"{example}; times are 0 or more, got {text!r}.")
    return values


def _show(dataset: xr.Dataset, unit: str) -> None:
    """A few times as a table, and what to beware of."""
    import json

    from ..plots.ensembles import LABELS
    from ..plots.style import per_nat

    names = [name for name in _SHOWN if name in dataset and bool(dataset[name].notnull().any())]
    table = Table(title=f"{dataset.attrs['title']}, {unit}", title_justify="left")
    for heading in ("time", *(LABELS.get(name, name) for name in names)):
        table.add_column(heading, justify="right")
    for k in thinned(dataset.sizes["time"], max(_console.size.height - 14, 8)):
        row = dataset.isel(time=int(k))
        cells = [f"{float(row[n]) * (1.0 if n == 'accuracy' else per_nat(unit)):.4g}" for n in names]
        table.add_row(f"{float(row['time']):.3g}", *cells)
    _console.print(table)
    for sentence in json.loads(str(dataset.attrs.get("notes", "[]"))):
        _console.print(f"  - {sentence}", markup=False, soft_wrap=True)
