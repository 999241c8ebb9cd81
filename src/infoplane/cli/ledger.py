"""What the terminal shows while all experiments run, and of the ledger in the end."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars
from rich.table import Table

from ..progress import Progress

if TYPE_CHECKING:
    from ..experiments.ledger import Ledger, Record

_console = Console(highlight=False, emoji=False)
_errors = Console(stderr=True, highlight=False, emoji=False)
_UNKNOWN = 60.0  # seconds of an experiment that was not timed
_COLOURS = {"holds": "green", "in part": "yellow", "fails": "red", "unclear": "yellow", "not tested": "bright_black"}


@contextmanager
def board(names: Sequence[str], quick: bool) -> Iterator[tuple[Progress, Callable[[Record], None]]]:
    """Two callbacks, for stages and for experiments that end: a bar of all, a line for each that runs.

    Where the output is no terminal, a line is written for each experiment that ends, and nothing for stages. The time
    that is left is that of the experiments that have not ended, by what each took before, at the speed of those that
    have; those found on disk, which are told before any runs, took no time.
    """
    from ..experiments import durations

    total, counts, clock = len(names), {"done": 0, "run": 0.0}, {}
    waiting = {name: durations.seconds(name, quick) or _UNKNOWN for name in names}

    def line(record: Record) -> str:
        from ..report.ledger_words import duration, sentence, tally

        counts["done"] += 1
        usual = waiting.pop(record.name, 0.0)
        if clock:
            counts["run"] += usual
        said = record.trouble or f"{duration(record.seconds)}: {sentence(tally(c.verdict for c in record.claims))}"
        return f"{record.name}: {said}"

    def begin() -> None:
        clock.setdefault("start", time.monotonic())

    def left() -> str:
        if not counts["run"]:
            return ""
        seconds = (time.monotonic() - clock["start"]) / counts["run"] * sum(waiting.values())
        return f"about {max(seconds / 60, 1):.0f} min left" if waiting else ""

    if not _errors.is_terminal:

        def told(record: Record) -> None:
            text = line(record)
            rest = ", ".join(filter(None, [f"{counts['done']} of {total}", left()]))
            _errors.print(f"{text} ({rest})", soft_wrap=True, markup=False)

        yield lambda what, done, of: begin(), told
        return
    columns = [TextColumn("{task.description}", markup=False), BarColumn(20), TimeElapsedColumn()]
    with Bars(*columns, TextColumn("{task.fields[left]}", style="cyan"), console=_errors) as bars:
        all_of_them = bars.add_task(f"0 of {total} experiments", total=total, left="")
        tasks: dict[str, Any] = {}

        def show(what: str, done: int, of: int) -> None:
            begin()
            name, _, stage = what.partition(": ")
            if name not in tasks:
                tasks[name] = bars.add_task(name, total=of, left="")
            bars.update(tasks[name], description=f"{name}: {stage[:30]}", completed=done, total=of)

        def over(record: Record) -> None:
            if record.name in tasks:
                bars.remove_task(tasks.pop(record.name))
            bars.print(line(record), markup=False, style="red" if record.failed else "yellow" if record.trouble else "")
            bars.update(
                all_of_them,
                completed=counts["done"],
                description=f"{counts['done']} of {total} experiments",
                left=left(),
            )

        yield show, over


def summary(found: Ledger) -> None:
    """Statements of the sources by part and verdict, the tests behind them, and what did not run."""
    from ..report.ledger_words import VERDICTS, spent, totals

    table = Table(title="What the sources claim, and what became of it here", title_justify="left", box=SIMPLE_HEAD)
    table.add_column("part")
    for verdict in VERDICTS:
        table.add_column(
            f"[{_COLOURS[verdict]}]{verdict}[/]", justify="right", min_width=max(map(len, verdict.split()))
        )
    table.add_column("tests that hold, fail, are unclear", justify="right", min_width=12)
    short = {part.key: part.short for part in found.parts}
    for key, title, statements, tests in totals(found):
        cells = [str(statements[verdict] or "") for verdict in VERDICTS]
        shares = ", ".join(str(tests[verdict]) for verdict in ("holds", "fails", "unclear"))
        table.add_row(escape(short.get(key, title)), *cells, shares, end_section=key == found.parts[-1].key)
    _console.print(table)
    for record in found.records:
        if record.trouble:
            colour = "red" if record.failed else "yellow"
            _console.print(f"[{colour}]{record.name}[/]: {escape(record.trouble)}", soft_wrap=True)
    _console.print(f"All runs together took {spent(found)}.", markup=False, soft_wrap=True)
