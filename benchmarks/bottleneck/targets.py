"""What the solver is meant to reach, and whether it does."""

from __future__ import annotations

import statistics
from pathlib import Path

import numpy as np

from .._table import print_table, summary
from .cases import OURS, PROBLEMS, SOLVERS
from .runs import Runs, contest

CERTAIN = 1e-7  # nats a certified gap is meant to stay below
ROUNDING = 1e-12  # nats

TIMES = (
    ("64x16", "our_certified", 0.4),
    ("256x32", "our_curve", 1.5),
    ("256x32", "our_certified", 2.5),
    ("soft", "our_certified", 0.4),
    ("2000x50", "our_curve", 15.0),
)
TAKING = {"64x16": OURS[:2], "256x32": (*OURS[:2], "embo_scaled"), "soft": OURS[:1], "2000x50": OURS[:2]}
Row = tuple[str, str, str, str, str]


def print_targets(work: Path, limit: float, rounds: int | None) -> None:
    """Measure and print; times are judged by the slowest round."""
    found = {
        problem.name: contest(problem, TAKING[problem.name], min(problem.rounds, rounds or problem.rounds), work, limit)
        for problem in PROBLEMS
        if problem.name in TAKING
    }
    rows = [_time(name, function, found[name][function], goal) for name, function, goal in TIMES]
    rows += [_gap(name, found[name]["our_certified"]) for name in ("64x16", "256x32", "soft")]
    rows += [_open_gaps(found["2000x50"]["our_certified"]), _memory(found["2000x50"]["our_curve"])]
    rows += _beside_embo(found["256x32"])
    head = ["problem", "what", "measured", "target", "met"]
    print_table("Targets; times are median (range) over rounds, judged by the slowest", head, rows)


def _row(name: str, what: str, measured: str, target: str, met: bool) -> Row:
    return name, what, measured, target, "yes" if met else "no"


def _time(name: str, function: str, runs: Runs, goal: float) -> Row:
    cell = summary(runs.seconds, digits=3) if runs.seconds else runs.failed
    met = max(runs.seconds, default=np.inf) <= goal
    return _row(name, f"{SOLVERS[function].shown}, s", cell, f"at most {goal}", met)


def _gap(name: str, runs: Runs) -> Row:
    most = max((float(gaps.max()) for gaps in runs.gaps), default=np.inf)
    return _row(name, "largest gap, nats", f"{most:.1e}", f"at most {CERTAIN:g}", most <= CERTAIN)


def _open_gaps(runs: Runs) -> Row:
    """Nothing is promised here, only that none is hidden."""
    what = f"betas with a gap above {CERTAIN:g} nats; the largest"
    if not runs.gaps:
        return _row("2000x50", what, runs.failed, "as they are", False)
    gaps = np.concatenate(runs.gaps)
    cell = f"{int((gaps > CERTAIN).sum())} of {len(gaps)}; {gaps.max():.1e}"
    return "2000x50", what, cell, "as they are", ""


def _memory(runs: Runs) -> Row:
    most = max(runs.mebibytes, default=np.inf)
    return _row("2000x50", "memory, MiB", f"{most:.0f}", "below 1024", most < 1024)


def _beside_embo(found: dict[str, Runs]) -> list[Row]:
    ours, certified, theirs = (found[name] for name in ("our_curve", "our_certified", "embo_scaled"))
    if not theirs.seconds:
        return [_row("256x32", "embo's time over ours", theirs.failed, "at least 20", False)]
    ratio = statistics.median(theirs.seconds) / statistics.median(ours.seconds)
    rows = [_row("256x32", "embo's time over ours, certify=False", f"{ratio:.0f}", "at least 20", ratio >= 20)]
    for what, runs in (("certified", certified), ("certify=False", ours)):
        pairs = zip(runs.objectives, theirs.objectives, strict=False)
        most = max(float((own - other).max()) for own, other in pairs)
        what = f"objective less embo's, largest, {what}"
        rows.append(_row("256x32", what, f"{most:.1e}", f"at most rounding, {ROUNDING:g}", most <= ROUNDING))
    return rows
