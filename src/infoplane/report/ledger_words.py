"""What page, table and terminal say of a ledger: counts, costs, and the numbers that decided, in short."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .tables import number

if TYPE_CHECKING:
    from ..experiments.base import Claim
    from ..experiments.ledger import Ledger, Record, Statement, Test

VERDICTS = ("holds", "in part", "fails", "unclear", "not tested")
STANDINGS = {
    "stated": "stated in its abstract or summary",
    "code": "in its authors' code",
    "told": "as others tell it, not checked",
    "unverified": "often attributed, unverified",
}
LEAD = (
    "What the two source works and their main critics claim, and what our own experiments say of it: every statement "
    "with the tests that decide it, the numbers they were decided by, a picture, and what it costs to see it yourself."
)
LEGEND = (
    "A statement holds if every test of it does, holds in part if one test holds and one fails, and fails if a test "
    "fails and none holds. Where it says that something can happen, one test that holds is enough. Tests go by 95 % "
    "intervals over networks or repetitions: one is unclear where the interval lies across the limit. Numbers in "
    "brackets are these intervals. How far it is known that a source says so stands with it; what is only attributed "
    "to it is named as such."
)
TURNED = {"holds": ", against it", "fails": ", in favour of it"}  # a claim that is the opposite of the statement
_ONE = {"in part": "holds in part", "unclear": "is unclear", "not tested": "is not tested"}
_MORE = {
    "holds": "hold",
    "in part": "hold in part",
    "fails": "fail",
    "unclear": "are unclear",
    "not tested": "are not tested",
}
_SHOWN, _LONG = 2, 120  # numbers of a claim shown at once; letters of one of them


def title(ledger: Ledger) -> str:
    """Of page and table."""
    return "Reproduction ledger" + (", reduced sizes" if ledger.quick else "")


def tally(verdicts: Iterable[str]) -> dict[str, int]:
    """How many of each verdict, in their order; those that do not occur have 0."""
    found = list(verdicts)
    return {verdict: found.count(verdict) for verdict in VERDICTS}


def totals(ledger: Ledger) -> list[tuple[str, str, dict[str, int], dict[str, int]]]:
    """(key, title, verdicts on statements, verdicts of tests) of every part, and of all; a test counts once in each."""
    rows = []
    everything: dict[tuple[str, str], str] = {}
    for part in ledger.parts:
        tests = {(t.record.name, t.claim.text): t.claim.verdict for s in part.statements for t in s.tests}
        tests |= {(record.name, claim.text): claim.verdict for record, claims in part.further for claim in claims}
        everything |= tests
        rows.append((part.key, part.title, tally(s.verdict for s in part.statements), tally(tests.values())))
    statements = tally(s.verdict for part in ledger.parts for s in part.statements)
    return [*rows, ("", "all", statements, tally(everything.values()))]


def weighed(statement: Statement) -> str:
    """How its tests divide, where there are several."""
    speak = [test.speaks for test in statement.tests]
    if len(speak) < 2:
        return ""
    of_all = "Both" if len(speak) == 2 else f"All {len(speak)}"
    if len(set(speak)) == 1:
        return f"{of_all} tests {_MORE[speak[0]]}."
    return f"Of {len(speak)} tests {sentence(tally(speak))}."


def sentence(counts: Mapping[str, int]) -> str:
    """Such as "3 hold, 1 fails"."""
    return ", ".join(f"{n} {_ONE.get(v, v) if n == 1 else _MORE[v]}" for v, n in counts.items() if n)


def duration(seconds: float) -> str:
    """As one says it."""
    if seconds < 60:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.1f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def cost(record: Record) -> str:
    """Size, time and cores of the run; of one that was not run, what it would be."""
    if math.isnan(record.seconds):
        return record.size
    cores = "" if record.cores is None else f", {record.cores} core{'s' if record.cores > 1 else ''}"
    return f"{record.size}, {duration(record.seconds)}{cores}"


def spent(ledger: Ledger) -> str:
    """What all runs took together."""
    return duration(sum(record.seconds for record in ledger.records if not math.isnan(record.seconds)))


def deciding(claim: Claim) -> list[tuple[str, str]]:
    """The first numbers of a claim, (name, text), long ones cut."""
    cut = []
    for name, text in numbers(claim)[:_SHOWN]:
        cut.append((name, text if len(text) <= _LONG else text[:_LONG].rsplit(" ", 1)[0] + " …"))
    return cut


def numbers(claim: Claim) -> list[tuple[str, str]]:
    """All numbers of a claim, (name, text)."""
    return [(name, _told(value)) for name, value in claim.numbers.items()]


def _told(value: Any) -> str:
    if isinstance(value, str):
        return value
    return number(value) if value == 0 or 1e-3 <= abs(value) < 1e6 or not math.isfinite(value) else f"{value:.2g}"


def by_record(statement: Statement) -> list[tuple[Record, list[Test]]]:
    """The tests of a statement, experiment by experiment."""
    found: dict[str, tuple[Record, list[Test]]] = {}
    for test in statement.tests:
        found.setdefault(test.record.name, (test.record, []))[1].append(test)
    return list(found.values())


def link(path: Path | None, base: Path) -> str:
    """From a page in ``base`` to a file; empty where there is none."""
    return "" if path is None else Path(os.path.relpath(path, base)).as_posix()
