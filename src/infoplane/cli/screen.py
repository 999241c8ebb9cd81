"""What the terminal shows: progress, tables, and one sentence where something is wrong."""

from __future__ import annotations

import dataclasses
import math
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.progress import Progress as Bars
from rich.table import Table

from ..errors import InputError
from ..progress import Progress

if TYPE_CHECKING:
    import xarray as xr

    from ..estimate import Estimate
    from ..experiments import Claim, Experiment, Result

# Text such as A:B:N is no emoji.
_console = Console(highlight=False, emoji=False)
_errors = Console(stderr=True, highlight=False, emoji=False)
_COLOURS = {"holds": "green", "fails": "red", "unclear": "yellow"}
_QUIET_SECONDS = 5.0  # without a terminal, one line of progress at most this often


def complain(message: str) -> None:
    """One sentence on standard error, and the cursor back if a progress bar has hidden it."""
    _errors.show_cursor(True)
    _errors.print(f"[bold red]infoplane:[/bold red] {escape(message)}", soft_wrap=True, markup=True)


def remark(text: str) -> None:
    """A line beside the result, on standard error."""
    _errors.print(text, soft_wrap=True, markup=False)


@contextmanager
def progress() -> Iterator[Progress]:
    """A callback that draws a bar a stage; plain lines where the output is no terminal."""
    if not _errors.is_terminal:
        yield _plain_progress()
        return
    columns = [
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    ]
    with Bars(*columns, console=_errors) as bars:
        tasks: dict[str, Any] = {}

        def show(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = bars.add_task(what, total=total)
            bars.update(tasks[what], completed=done, total=total)

        yield show


def _plain_progress() -> Progress:
    last = {"time": -math.inf, "what": ""}

    def show(what: str, done: int, total: int) -> None:
        if done == 0 and total == 1:  # nothing to tell yet, and an error that follows is to stand alone
            return
        now = time.monotonic()
        if done == total or what != last["what"] or now - last["time"] > _QUIET_SECONDS:
            last.update(time=now, what=what)
            _errors.print(f"{what}: {done} of {total}", soft_wrap=True, markup=False)

    return show


def check_writable(folder: Path) -> None:
    """Find out before long work, not after, that its result cannot be kept; makes nothing.

    Raises:
        InputError: the folder cannot be made or written.
    """
    there = next(above for above in (folder.absolute(), *folder.absolute().parents) if os.path.lexists(above))
    if not there.is_dir():
        raise InputError(f"{folder} cannot be made: {there} is not a folder.")
    if not os.access(there, os.W_OK | os.X_OK):
        raise InputError(f"{folder} cannot be written; choose another --out.")


def estimate(found: Estimate) -> None:
    """One estimate as a small table, what should worry first below it."""
    low, high = found.interval(0.95)
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_row("quantity", escape(found.quantity))
    table.add_row("value", f"[bold]{found.value:.5g}[/bold] {escape(found.unit)} ({found.direction})")
    if not math.isnan(low):
        table.add_row("95 % interval", f"{low:.5g} to {high:.5g} {found.unit}")
    if not math.isnan(found.p_value):
        table.add_row("shuffled pairs", f"mean {found.null:.4g} {found.unit}, p = {found.p_value:.3g}")
    table.add_row("method", escape(found.method))
    table.add_row("samples", f"{found.n_samples}")
    _console.print(table)
    for warning in found.warnings:
        _console.print(f"  [yellow]warning[/yellow] {escape(warning)}", soft_wrap=True)
    for note in found.notes:
        if note not in found.warnings:
            _console.print(f"  - {note}", soft_wrap=True, markup=False)


def estimate_record(found: Estimate) -> dict[str, Any]:
    """The same for machines: nan and infinity, which JSON lacks, become null and text; details are always in nats."""

    def plain(value: Any) -> Any:
        if isinstance(value, float) and not math.isfinite(value):
            return None if math.isnan(value) else ("inf" if value > 0 else "-inf")
        if isinstance(value, Mapping):
            return {str(key): plain(one) for key, one in value.items()}
        return [plain(one) for one in value] if isinstance(value, tuple | list) else value

    fields = {name: plain(getattr(found, name)) for name in found.__dataclass_fields__}
    return fields | {"details_unit": "nats", "interval_95": [plain(end) for end in found.interval(0.95)]}


def claims(found: Sequence[Claim], unit: str, *, brief: bool = False) -> None:
    """The claims and what this run says of them; brief: the first number of each only.

    Args:
        found: claims with verdicts.
        unit: what the experiment repeats, such as "networks".
        brief: for the demo.
    """
    table = Table(title=f"Claims, tested on these {unit}", title_justify="left")
    table.add_column("claim", ratio=3)
    table.add_column("verdict")
    table.add_column(f"numbers (mean over {unit} [95 % interval])", ratio=3)
    for claim in found:
        colour = _COLOURS[claim.verdict]
        shown = list(claim.numbers.items())[: 1 if brief and len(claim.numbers) < 3 else 0 if brief else None]
        numbers = "\n".join(f"{name}: {value}" for name, value in shown)
        if brief and not shown:
            numbers = "layer by layer: in the report"
        table.add_row(escape(claim.text), f"[{colour}]{claim.verdict}[/{colour}]", escape(numbers), end_section=True)
    _console.print(table)


def seen(result: Result) -> None:
    """What the demo saw, in two sentences."""
    from ..experiments.verdicts import BITS, compression, last_hidden

    plane = result.datasets["binned"]
    layer = last_hidden(plane)
    path = plane.mi_input.sel(layer=layer).mean("seed")
    peak = int(path.argmax("epoch"))
    first, top, last = (float(path[i]) * BITS for i in (0, peak, -1))
    accuracy = float(plane.accuracy_test.isel(epoch=-1).mean())
    _console.print(
        f"\n{plane.sizes['seed']} networks, {int(plane.epoch[-1])} epochs, test accuracy {accuracy:.3f}. "
        f"What their last hidden layer keeps of the input, {plane.mi_input.quantity}: {first:.2f} bits untrained, "
        f"{top:.2f} at most (epoch {int(plane.epoch[peak])}), {last:.2f} at the end; "
        f"mean fall {compression(plane, layer)} bits.\n",
        markup=False,
        soft_wrap=True,
    )


def summary(dataset: xr.Dataset) -> None:
    """The plane in a row a layer."""
    from ..experiments.verdicts import BITS, compression

    table = Table(
        title=escape(f"{dataset.mi_input.quantity}, {dataset.mi_target.quantity}; bits, mean over networks"),
        title_justify="left",
    )
    for name in ("layer", "I(X;T) first", "maximum", "last", "I(T;Y) last", "fall after the maximum", "flags"):
        table.add_column(name)
    flat = dataset.isel(split=0) if "split" in dataset.dims else dataset
    for name in flat.layer.values:
        path = flat.mi_input.sel(layer=name).mean("seed") * BITS
        target = float(flat.mi_target.sel(layer=name).isel(epoch=-1).mean()) * BITS
        known = [flag for flag in ("saturated", "warned", "dead") if flag in flat]  # older planes have no "warned"
        flags = [flag for flag in known if bool(flat[flag].sel(layer=name).isel(epoch=-1).any())]
        values = [float(path[0]), float(path.max()), float(path[-1]), target]
        fall = escape(str(compression(flat, str(name))))
        table.add_row(escape(str(name)), *(f"{v:.2f}" for v in values), fall, ", ".join(flags))
    _console.print(table)


def files(found: Mapping[str, Path]) -> None:
    """Where everything is."""
    for name, path in found.items():
        _console.print(f"{name:>8}: {path}", markup=False, soft_wrap=True)


def took(seconds: float, command: str) -> None:
    """How long it took and how to run it again."""
    _console.print(f"{'took':>8}: {seconds:.0f} s; again with: {command}", markup=False, soft_wrap=True)


def listing(experiments: Sequence[Experiment], estimators: Sequence[type], methods: Sequence[type]) -> None:
    """Experiments, estimators and bottleneck methods, one a row."""
    table = Table(title="Experiments: infoplane reproduce NAME", title_justify="left")
    for name in ("name", "what", "networks", "source"):
        table.add_column(name, no_wrap=name == "name")  # as it is typed
    for one in experiments:
        cells = (one.name, one.title, f"{one.seeds} ({one.quick_seeds} quick)", one.source)
        table.add_row(*(escape(cell) for cell in cells))
    _console.print(table)
    table = Table(title="Estimators: infoplane estimate X Y --estimator NAME", title_justify="left")
    for name in ("name and settings", "what"):
        table.add_column(name)
    for cls in estimators:
        table.add_row(escape(repr(cls())), escape((cls.__doc__ or "").strip().split("\n")[0]))
    _console.print(table)
    table = Table(title="Bottleneck methods: infoplane bottleneck JOINT --method NAME", title_justify="left")
    for name in ("name and settings", "what"):
        table.add_column(name)
    for cls in methods:
        table.add_row(escape(_signature(cls)), escape((cls.__doc__ or "").strip().split("\n")[0]))
    _console.print(table)


def _signature(cls: type) -> str:
    """A dataclass as one would write it, with its defaults where it has any."""
    fields = [
        f.name if f.default is dataclasses.MISSING else f"{f.name}={f.default!r}" for f in dataclasses.fields(cls)
    ]
    return f"{cls.__name__}({', '.join(fields)})"
