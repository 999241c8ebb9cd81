"""The command ``reproduce``: one experiment of the literature, or all of them and the ledger of what they found."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..errors import InputError
from . import forecast, ledger, screen


def reproduce(
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="Experiment; see [bold]infoplane list[/bold].")
    ] = None,
    all_: Annotated[bool, typer.Option("--all", help="All experiments, and a ledger of every claim.")] = False,
    quick: Annotated[
        bool, typer.Option("--quick", help="Reduced size: at most a minute or two for an experiment on two cores.")
    ] = False,
    seeds: Annotated[int | None, typer.Option("--seeds", help="Number of networks.", min=1)] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder for results; a run that was interrupted continues there.")
    ] = None,
    keep: Annotated[
        Path | None, typer.Option("--keep", help="Also write a small copy, fit for version control, into this folder.")
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Exit with status 3 if a claim fails.")] = False,
    kept: Annotated[
        Path | None,
        typer.Option("--kept", help="With --all: results at full size that need not be run again [docs/results]."),
    ] = None,
    assemble: Annotated[
        bool, typer.Option("--assemble", help="With --all: run nothing; what is missing is shown as not run.")
    ] = False,
    table: Annotated[
        Path | None, typer.Option("--table", help="With --all: also write the table into this Markdown file.")
    ] = None,
) -> None:
    """Run an experiment of the literature and test its claims on the result; or all, and write a ledger of all claims.

    Examples:

    [bold]infoplane reproduce black-box --quick[/bold]

    [bold]infoplane reproduce nonlinearity --seeds 30 --out results/nonlinearity[/bold]

    [bold]infoplane reproduce --all --quick[/bold]

    [bold]infoplane reproduce --all --assemble --table docs/reproduction.md[/bold]
    """
    only_all = {"--kept": kept is not None, "--assemble": assemble, "--table": table is not None}
    only_one = {"--seeds": seeds is not None, "--keep": keep is not None}
    if all_ == (name is not None):
        raise InputError("Name one experiment, or give --all for all of them; infoplane list shows their names.")
    for option, given in (only_one if all_ else only_all).items():
        if given:
            raise InputError(f"{option} is for {'one experiment, not for' if all_ else 'all experiments:'} --all.")
    if name is None:
        every(quick, out, kept, assemble, table, strict)
    else:
        one(name, quick, seeds, out, keep, strict)


def one(name: str, quick: bool, seeds: int | None, out: Path | None, keep: Path | None, strict: bool) -> None:
    """Run one experiment and show its claims."""
    from .. import experiments

    experiments.describe(name)
    folder = Path("results") / (name + ("-quick" if quick else "")) if out is None else out
    forecast.experiment(name, quick, folder)
    with screen.progress() as progress:
        result = experiments.run(name, quick=quick, seeds=seeds, out=folder, progress=progress)
    if keep is not None:
        experiments.keep(result, keep)
    screen.claims(result.claims, experiments.describe(name).unit)
    places = {"report": folder / "report.html", "figures": folder / "figures", "data": folder}
    screen.files({name: path for name, path in places.items() if path.exists()})
    screen.took(result.wall_time, result.command)
    if strict and any(claim.verdict == "fails" for claim in result.claims):
        raise typer.Exit(3)


def every(quick: bool, out: Path | None, kept: Path | None, assemble: bool, table: Path | None, strict: bool) -> None:
    """Find or run all experiments, write the ledger, and show its totals."""
    if table is not None and table.suffix != ".md":
        raise InputError(f"--table needs a file ending in .md, such as reproduction.md, got {table}.")
    if kept is not None and not kept.is_dir():
        raise InputError(f"--kept needs a folder of results, got {kept}.")
    folder = Path("results") / ("all-quick" if quick else "all") if out is None else out
    screen.check_writable(folder)
    from .. import experiments
    from ..report import ledger as page

    with ledger.board(experiments.names(), quick) as (progress, ended):
        found = experiments.reproduce_all(
            folder,
            quick=quick,
            kept=_checkout() if kept is None else kept,
            carry_out=not assemble,
            progress=progress,
            ended=ended,
        )
    places = {"page": folder / "ledger.html", "table": folder / "ledger.md", "copy": table}
    written = {what: page.write(found, path) for what, path in places.items() if path is not None}
    ledger.summary(found)
    screen.files(written)
    if any(record.failed for record in found.records):
        raise typer.Exit(1)
    if strict and any(claim.verdict == "fails" for record in found.records for claim in record.claims):
        raise typer.Exit(3)


def _checkout() -> Path | None:
    """Results kept in the working folder, or in the checkout that this package is imported from; None if neither."""
    import infoplane

    places = (Path("docs"), Path(infoplane.__file__).parents[2] / "docs")
    return next((place / "results" for place in places if (place / "results").is_dir()), None)
