"""The command ``bottleneck``: the information curve of a joint distribution."""

from __future__ import annotations

import io
import json
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
from .files import settings
from .joints import read_joint

if TYPE_CHECKING:
    import numpy as np
    import xarray as xr

_console = Console(highlight=False, emoji=False)
_ROOM = 12  # lines of the terminal that are not rows of the table


def bottleneck(
    joint: Annotated[
        str,
        typer.Argument(
            metavar="JOINT", help="Table of weights or counts, rows x, columns y: .csv, .npy or .npz (FILE:ARRAY)."
        ),
    ],
    betas: Annotated[
        str | None,
        typer.Option(
            "--betas",
            metavar="A:B:N",
            help="N multipliers of I(T;Y) from A to B in geometric steps, or a list such as 1,2,5; chosen for the "
            "problem if left out.",
        ),
    ] = None,
    method: Annotated[
        str, typer.Option("--method", help='ib, dib, dual, ..., or the whole, as "GeneralizedIB(alpha=0.5)".')
    ] = "ib",
    set_: Annotated[
        list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="A setting of the method, as alpha=0.5.")
    ] = None,
    samples: Annotated[
        bool, typer.Option("--samples", help="The file holds pairs to be counted: FILE.csv:X,Y names two columns.")
    ] = False,
    smooth: Annotated[
        float | None,
        typer.Option("--smooth", metavar="W", help="Mix so much of p(y) into every row p(y|x), such as 0.01."),
    ] = None,
    chords: Annotated[
        int, typer.Option("--chords", metavar="N", help="Points to fill linear pieces of the curve with.", min=0)
    ] = 0,
    certify: Annotated[
        bool, typer.Option("--certify/--no-certify", help="Search the gap to the best encoder at every beta.")
    ] = True,
    nats: Annotated[bool, typer.Option("--nats", help="Print and draw nats instead of bits.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object, in nats.")] = False,
    seed: Annotated[int, typer.Option("--seed", help="Seed of whatever is random.", min=0)] = 0,
    out: Annotated[
        Path, typer.Option("--out", help="Result file (.nc); a picture and a report are written beside it.")
    ] = Path("curve.nc"),
) -> None:
    """The information curve of a joint distribution: how much of Y can be kept at every rate, with a certificate.

    Examples:

    [bold]infoplane bottleneck joint.csv[/bold]

    [bold]infoplane bottleneck joint.npy --betas 0.5:50:100 --method dual --out dual.nc[/bold]

    [bold]infoplane bottleneck pets.csv:colour,animal --samples --smooth 0.01 --method dual[/bold]

    [bold]infoplane bottleneck arrays.npz:p --method GeneralizedIB --set alpha=0.5 --json[/bold]
    """
    if out.suffix.lower() != ".nc" or out.is_dir():
        raise InputError(f"--out needs a file ending in .nc, such as curve.nc, got {out}.")
    grid = None if betas is None else parse_betas(betas)
    from .. import bottleneck as solver
    from .. import plots, report, save
    from ..recordings.disk import write_whole

    chosen = solver.by_name(method, **settings(set_ or []))
    read = read_joint(joint, samples=samples)
    problem = read.joint if smooth is None else read.joint.smoothed(smooth)
    screen.check_writable(out.parent)
    with screen.progress() as progress:
        dataset = solver.curve(problem, grid, chosen, certify=certify, chords=chords, seed=seed, progress=progress)
    if read.labels is not None and len(set(read.labels)) == len(read.labels):
        dataset = dataset.assign_coords(y=read.labels)
    dataset.attrs["command"] = shlex.join(["infoplane", *sys.argv[1:]])
    dataset.attrs["title"] = f"{Path(joint).name}: {chosen.name}"
    dataset.attrs["task"] = f"{joint}, {read.told}" + ("" if smooth is None else f", smoothed by {smooth:g}")
    save(dataset, out)
    unit = "nats" if nats else "bits"
    picture = io.BytesIO()
    plots.bottleneck_panels(dataset, unit=unit).savefig(picture, format="png", dpi=150)
    write_whole(out.with_suffix(".png"), picture.getvalue())
    page = report.write(dataset, out.with_suffix(".html"))
    places = {"curve": out, "picture": out.with_suffix(".png"), "report": page}
    if as_json:
        sys.stdout.write(json.dumps(record(dataset, places)) + "\n")
        return
    _show(dataset, read.told, unit)
    screen.files(places)


def parse_betas(text: str) -> list[float]:
    """ "0.5:50:100" is 100 values in geometric steps, "1,2,5" a list.

    Raises:
        InputError: anything else.
    """
    import numpy as np

    example = "--betas takes A:B:N, such as 0.5:50:100 for 100 values in geometric steps, or a list such as 1,2,5"
    try:
        if ":" not in text:
            values = [float(part) for part in text.split(",") if part.strip()]
        else:
            low, high, count = text.split(":")
            ends, n = (float(low), float(high)), int(count)
            if not (min(ends) > 0 and max(ends) < math.inf and 2 <= n <= 100_000):
                raise InputError(f"{example}; A and B are positive and N is at least 2, got {text!r}.")
            values = np.geomspace(*ends, n).tolist()
    except ValueError as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{example}, got {text!r}.") from None
    if not values:
        raise InputError(f"{example}, got {text!r}.")
    return values


def record(dataset: xr.Dataset, places: dict[str, Path]) -> dict[str, Any]:
    """The curve for machines, in nats; nan and infinity, which JSON lacks, become null."""

    def plain(value: Any) -> Any:
        value = value.item() if hasattr(value, "item") else value
        return None if isinstance(value, float) and not math.isfinite(value) else value

    flat = dataset.drop_vars([name for name, values in dataset.data_vars.items() if values.dims != ("beta",)])
    names = ["beta", *map(str, flat.data_vars)]
    columns = [[plain(value) for value in flat[name].to_numpy()] for name in names]
    points = [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]
    attrs = {key: plain(value) for key, value in dataset.attrs.items() if key != "notes"}
    files = {name: str(path) for name, path in places.items()}
    return {**attrs, "notes": json.loads(str(dataset.attrs.get("notes", "[]"))), "points": points, "files": files}


def _show(dataset: xr.Dataset, told: str, unit: str) -> None:
    """The curve as a table thinned to the terminal, what it is, and what to beware of."""
    from ..plots.style import per_nat
    from ..report.bottleneck_words import cautions

    factor = per_nat(unit)
    attrs = dataset.attrs
    known = {"I(X;Y)": attrs["mi_joint"], "H(X)": attrs["entropy_x"], "H(Y)": attrs["entropy_y"]}
    sizes = ", ".join(f"{name} = {value * factor:.5g}" for name, value in known.items())
    _console.print(f"{attrs['title']}: {told}; {sizes} {unit}", markup=False, soft_wrap=True)
    kept = thinned(dataset.sizes["beta"], _rows())
    _console.print(_table(dataset.isel(beta=kept), factor, unit))
    if len(kept) < dataset.sizes["beta"]:
        _console.print(f"{len(kept)} of {dataset.sizes['beta']} points; all are in the files.", markup=False)
    for sentence in cautions(dataset):
        _console.print(f"  - {sentence}", markup=False, soft_wrap=True)


def _rows() -> int:
    """Rows of a table that fit the terminal."""
    return max(_console.size.height - _ROOM, 8)


def thinned(count: int, most: int) -> np.ndarray:
    """At most so many of ``count`` places, evenly, the ends among them."""
    import numpy as np

    return np.unique(np.linspace(0, count - 1, min(count, most)).round().astype(int))


def _table(dataset: xr.Dataset, factor: float, unit: str) -> Table:
    from ..plots.beta import certified, flags, numbers
    from ..report.bottleneck_words import gap_text

    table = Table(title=f"Informations in {unit}, cost and gap in nats", title_justify="left")
    for heading in ("beta", "I(X;T)", "I(T;Y)", "clusters", "cost", "gap", "converged"):
        table.add_column(heading, justify="right")
    sure, done, chord = certified(dataset), flags(dataset, "converged", True), flags(dataset, "interpolated", False)
    for k, beta in enumerate(dataset["beta"].to_numpy()):
        informations = [f"{numbers(dataset, name)[k] * factor:.5f}" for name in ("mi_input", "mi_target")]
        gap = gap_text(float(numbers(dataset, "gap")[k]))
        table.add_row(
            f"{beta:.5g}",
            *informations,
            str(int(dataset["n_clusters"][k])),
            f"{float(dataset['objective'][k]):.5f}",
            gap if sure[k] else f"[yellow]{gap}[/yellow]",
            "chord" if chord[k] else "yes" if done[k] else "[red]no[/red]",
        )
    return table
