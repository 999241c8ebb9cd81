"""The bottleneck solver against embo, dit and plain reverse annealing: time, objective, certified gap and memory.

Run ``python -m benchmarks.bottleneck --work DIR`` (an hour), or some of it with ``--problems 64x16,256x32``.
``python -m benchmarks.bottleneck targets --work DIR`` measures what the solver is meant to reach, with embo beside it.
Every package gets an environment of its own below DIR, every (solver, problem, round) a process of its own with one
thread and a file with its result: a run that was stopped goes on where it was, and a new DIR measures anew. Solvers
take turns within a round, in reversed order every other round; a round of a random problem is a seed of its own.

All are compared by I(X;T) - beta I(T;Y) in nats, from their own informations, above the lowest that any of them found
at that beta. embo runs twice: at our beta, and at beta ln 2, which is our beta by what its update does. The gap is the
solver's own certificate for ours; for others it is our certificate of their clusters, where they can be had.
"""

from __future__ import annotations

import argparse
import statistics
from pathlib import Path

import numpy as np

from .._table import print_machine, print_table, summary
from .cases import DIT, EMBO, PROBLEMS, SOLVERS, Problem
from .runs import Runs, contest
from .targets import print_targets


def excesses(found: dict[str, Runs]) -> dict[str, np.ndarray]:
    """(rounds x betas,) objective above the lowest of all solvers, by solver; nan where it gave none."""
    most = max(len(runs.objectives) for runs in found.values())
    best = []
    for turn in range(most):
        taking = [runs.objectives[turn] for runs in found.values() if len(runs.objectives) > turn]
        best.append(np.nanmin(taking, axis=0))
    return {
        name: np.concatenate([own - low for own, low in zip(runs.objectives, best, strict=False)])
        for name, runs in found.items()
        if runs.objectives
    }


def spread(values: np.ndarray) -> list[str]:
    """Median and largest as cells."""
    if len(values) == 0:
        return ["", ""]
    lost = f", {int(np.isnan(values).sum())} nan" if np.isnan(values).any() else ""
    return [f"{np.nanmedian(values):.1e}", f"{np.nanmax(values):.1e}{lost}"]


def print_contest(problem: Problem, found: dict[str, Runs], rounds: int) -> None:
    """One table."""
    head = ["solver", "s", "time over the first", "memory, MiB", "objective above the best, median", "most"]
    above, rows = excesses(found), []
    for name, runs in found.items():
        if not runs.seconds:
            rows.append([SOLVERS[name].shown, runs.failed, *[""] * 6])
            continue
        ratio = statistics.median(runs.seconds) / statistics.median(found["our_certified"].seconds)
        cells = [summary(runs.seconds, digits=3), f"{ratio:.2g}", f"{max(runs.mebibytes):.0f}"]
        doubt = f" (then {runs.failed})" if runs.failed else ""
        rows.append([SOLVERS[name].shown + doubt, *cells, *spread(above[name]), *spread(np.concatenate(runs.gaps))])
    print_table(f"{problem.title}; rounds: {rounds}", [*head, "gap, median", "most"], rows)


def main() -> None:
    """Measure what is missing and print the tables."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.bottleneck", description=__doc__)
    parser.add_argument("what", nargs="?", choices=("contest", "targets"), default="contest")
    parser.add_argument("--work", type=Path, required=True, help="folder for environments and results")
    parser.add_argument("--problems", default="", help="names separated by commas; all of them if none")
    parser.add_argument("--rounds", type=int, help="at most so many")
    parser.add_argument("--limit", type=float, default=300.0, help="seconds one solver may take for one round")
    asked = parser.parse_args()
    work, names = asked.work.resolve(), [name for name in asked.problems.split(",") if name]
    print_machine("numpy", "scipy")
    print(f"{EMBO.requirements[0]}, {DIT.requirements[0]}, one thread each, limit {asked.limit:g} s a round.")
    if asked.what == "targets":
        print_targets(work, asked.limit, asked.rounds)
        return
    for problem in PROBLEMS:
        if not names or problem.name in names:
            rounds = min(problem.rounds, asked.rounds or problem.rounds)
            print_contest(problem, contest(problem, problem.solvers, rounds, work, asked.limit), rounds)


if __name__ == "__main__":
    main()
