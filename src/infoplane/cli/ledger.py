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

    Where the output is no terminal, a line is written for each experiment that ends, and nothing for stages.
    """
    total, course = len(names), _Course(names, quick)
    if not _errors.is_terminal:

        def told(record: Record) -> None:
            course.end(record.name)
            rest = ", ".join(filter(None, [f"{course.ended} of {total}", course.left()]))
            _errors.print(f"{_line(record)} ({rest})", soft_wrap=True, markup=False)

        yield lambda what, done, of: course.begin(), told
        return
    columns = [TextColumn("{task.description}", markup=False), BarColumn(20), TimeElapsedColumn()]
    with Bars(*columns, TextColumn("{task.fields[left]}", style="cyan"), console=_errors) as bars:
        all_of_them = bars.add_task(f"0 of {total} experiments", total=total, left="")
        tasks: dict[str, Any] = {}

        def show(what: str, done: int, of: int) -> None:
            course.begin()
            name, _, stage = what.partition(": ")
            if name not in tasks:
                tasks[name] = bars.add_task(name, total=of, left="")
            bars.update(tasks[name], description=f"{name}: {stage[:30]}", completed=done, total=of)

        def over(record: Record) -> None:
            if record.name in tasks:
                bars.remove_task(tasks.pop(record.name))
            course.end(record.name)
            style = "red" if record.failed else "yellow" if record.trouble else ""
            bars.print(_line(record), markup=False, style=style)
            text = f"{course.ended} of {total} experiments"
            bars.update(all_of_them, completed=course.ended, description=text, left=course.left())

        yield show, over


class _Course:
    """How many experiments have ended, and how long the others will take.

    That is what each took before, at the speed of those that have run here; those found on disk, which are told before
    any runs, took no time.
    """

    def __init__(self, names: Sequence[str], quick: bool) -> None:
        from ..experiments import durations

        self._waiting = {name: durations.seconds(name, quick) or _UNKNOWN for name in names}
        self._started: float | None = None
        self._usual, self.ended = 0.0, 0

    def begin(self) -> None:
        """An experiment runs."""
        self._started = time.monotonic() if self._started is None else self._started

    def end(self, name: str) -> None:
        """An experiment has run, or was found."""
        self.ended += 1
        usual = self._waiting.pop(name, 0.0)
        self._usual += 0.0 if self._started is None else usual

    def left(self) -> str:
        """The rest in words; empty where nothing is known, or nothing left."""
        if self._started is None or not self._usual or not self._waiting:
            return ""
        seconds = (time.monotonic() - self._started) / self._usual * sum(self._waiting.values())
        return f"about {max(seconds / 60, 1):.0f} min left"


def _line(record: Record) -> str:
    """An experiment that has ended, and how."""
    from ..report.ledger_words import duration, sentence, tally

    said = record.trouble or f"{duration(record.seconds)}: {sentence(tally(c.verdict for c in record.claims))}"
    return f"{record.name}: {said}"


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
