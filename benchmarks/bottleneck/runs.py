"""Solvers in processes of their own, and what they left."""

from __future__ import annotations

import contextlib
import os
import signal
import statistics
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

import infoplane as ip
from infoplane.bottleneck import Joint
from infoplane.bottleneck.certificate import fixed_starts, peaks
from infoplane.bottleneck.geometry import Arithmetic, Atoms

from ..peers.__main__ import environment
from .cases import SOLVERS, Problem, Solver, merged

ROOT = Path(__file__).parents[2]
GROUPS = 64  # of the certificate's search
ONE_THREAD = {f"{name}_NUM_THREADS": "1" for name in ("OPENBLAS", "OMP", "MKL", "NUMBA")}


@dataclass
class Runs:
    """What one solver did on one problem, a round each.

    Attributes:
        seconds: median of the calls after the first, or the only call.
        mebibytes: growth of the process over its imports.
        objectives: (betas,) each.
        gaps: (betas,) each, where there are any.
        failed: why there is no more; empty if all went well.
    """

    seconds: list[float] = field(default_factory=list)
    mebibytes: list[float] = field(default_factory=list)
    objectives: list[np.ndarray] = field(default_factory=list)
    gaps: list[np.ndarray] = field(default_factory=list)
    failed: str = ""


def solved(solver: Solver, problem: Problem, turn: int, work: Path, limit: float) -> dict[str, Any]:
    """The arrays that a solver left, from its file if it is there; ``failed`` with the reason otherwise."""
    place = work / "results" / f"{problem.name}-{turn}-{solver.function}.npz"
    if not place.exists():
        given, python, sources = place.with_name(f"{place.stem}.in.npz"), Path(sys.executable), [str(ROOT)]
        place.parent.mkdir(parents=True, exist_ok=True)
        if solver.package:
            found, reason = environment(solver.package, work)
            if found is None:
                return {"failed": f"does not install: {reason}"}
            python = found
        else:
            sources.append(str(Path(ip.__file__).parents[1]))
        table = problem.draw(turn)
        np.savez(given, table=table if solver.function.startswith("our_") else merged(table), betas=problem.betas)
        command = [python, "-W", "ignore", "-m", "benchmarks.bottleneck.methods"]
        failed = run([*command, solver.function, solver.module, given, place], sources, limit)
        given.unlink()
        if failed:
            return {"failed": failed}
    with np.load(place) as found:
        return dict(found)


def run(command: Sequence[str | Path], sources: Sequence[str], limit: float) -> str:
    """Run with one thread and a limit in seconds; why it failed, or nothing."""
    variables = {**os.environ, **ONE_THREAD, "PYTHONPATH": os.pathsep.join(sources)}
    child = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=variables, start_new_session=True
    )
    try:
        _, errors = child.communicate(timeout=limit)
    except subprocess.TimeoutExpired:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)  # with the processes it made
        child.communicate()
        return f"not done in {limit:g} s"
    return (errors.strip().splitlines() or ["no message"])[-1][:160] if child.returncode else ""


def certified(problem: Problem, turn: int, arrays: dict[str, Any]) -> np.ndarray:
    """(betas,) gaps: a solver's own, or our certificate of its clusters; empty where it shows none."""
    if "gap" in arrays or "mass-0" not in arrays:
        return arrays.get("gap", np.empty(0))
    sufficient = Joint(problem.draw(turn)).sufficient
    geometry = Arithmetic(sufficient.p_x, sufficient.rows)
    starts = fixed_starts(geometry, GROUPS, 0)
    atoms = [Atoms(arrays[f"mass-{i}"], arrays[f"laws-{i}"]) for i in range(len(problem.betas))]
    return np.array([peaks(geometry, beta, a, starts).gap for beta, a in zip(problem.betas, atoms, strict=True)])


def contest(problem: Problem, names: Sequence[str], rounds: int, work: Path, limit: float) -> dict[str, Runs]:
    """Let solvers take turns; one that failed once does not run again."""
    found = {name: Runs() for name in names}
    for turn in range(rounds):
        for name in list(names)[:: 1 if turn % 2 == 0 else -1]:
            runs = found[name]
            if runs.failed:
                continue
            arrays = solved(SOLVERS[name], problem, turn, work, limit)
            if "failed" in arrays:
                runs.failed = arrays["failed"]
                continue
            runs.seconds.append(statistics.median(arrays["times"][1:].tolist() or arrays["times"].tolist()))
            runs.mebibytes.append(float(arrays["mebibytes"]))
            runs.objectives.append(arrays["mi_input"] - problem.betas * arrays["mi_target"])
            runs.gaps.append(certified(problem, turn, arrays))
    return found
