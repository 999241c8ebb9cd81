"""``python -m benchmarks.peers --work DIR``: time, memory, bias and spread of this library and of others in one run.

Every package gets an environment of its own below DIR, every (method, case, seed) a process of its own and a file with
its result: a run that was stopped goes on where it was, and a new DIR measures anew. Methods take turns within a seed,
in reversed order every other seed.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import venv
from collections.abc import Sequence
from pathlib import Path

import infoplane

from .._table import print_machine, print_table, summary
from .cases import CASES, Case
from .packages import PACKAGES, Entry, Package

_SCRIPT = Path(__file__).with_name("methods.py")
_HEAD = ["package", "method", "bias, nats", "spread", "warm, s", "first call, s", "memory, MiB", "time over ours"]


def environment(package: Package, work: Path) -> tuple[Path | None, str]:
    """The Python that has the package, made once, and its version; or None and why it cannot be had."""
    if not package.requirements:
        return Path(sys.executable), infoplane.__version__
    folder = work / "environments" / package.name
    python = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
    if not (done := folder / "installed.json").exists():
        venv.create(folder, with_pip=True)
        command = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *package.requirements]
        run = subprocess.run(command, capture_output=True, text=True, check=False)
        if run.returncode:
            return None, _reason(run.stderr)
        code = f"import importlib.metadata as m, json; print(json.dumps(m.version({package.name!r})))"
        done.write_text(subprocess.run([python, "-c", code], capture_output=True, text=True, check=True).stdout)
    return python, json.loads(done.read_text())


def _reason(stderr: str) -> str:
    """The last line that says something, shortened."""
    lines = [line.strip() for line in stderr.splitlines() if line.strip() and not line.startswith("WARNING")]
    errors = [line for line in lines if "error" in line.lower()] or lines or ["no message"]
    return errors[-1][:160]


def measure(python: Path, entry: Entry, case: Case, seed: int, work: Path, limit: float) -> dict:
    """The result of one method on one sample, from its file if it is there; ``failed`` with the reason otherwise."""
    place = work / "results" / f"{case.name}-{seed}-{entry.function}.json"
    if not place.exists():
        place.parent.mkdir(parents=True, exist_ok=True)
        data = case.write(work / "data", seed)
        sources = str(Path(infoplane.__file__).parents[1])
        variables = {**os.environ, "PYTHONPATH": sources} if entry.function.startswith("our_") else None
        command = [python, "-W", "ignore", _SCRIPT, entry.function, data, place]
        try:
            run = subprocess.run(command, capture_output=True, text=True, timeout=limit, env=variables, check=False)
            if run.returncode:  # not kept: it is tried again in the next run
                return {"failed": _reason(run.stderr)}
        except subprocess.TimeoutExpired:
            place.write_text(json.dumps({"failed": f"not done in {limit:g} s"}))
    return json.loads(place.read_text())


def compare(
    case: Case, contestants: Sequence[tuple[Package, Entry, Path]], seeds: int, work: Path, limit: float
) -> None:
    """Print the table of one case."""
    results: dict[tuple[str, str], list[dict]] = {(p.name, e.function): [] for p, e, _ in contestants}
    for seed in range(seeds):
        for package, entry, python in contestants[:: 1 if seed % 2 == 0 else -1]:
            found = results[package.name, entry.function]
            if not any("failed" in r for r in found):
                found.append(measure(python, entry, case, seed, work, limit))
    warm = {name: statistics.median(r["warm"] for r in found) for (_, name), found in results.items() if _good(found)}
    rows, truth = [], case.law.mutual_information
    for package, entry, _ in contestants:
        found = results[package.name, entry.function]
        if not _good(found):
            rows.append([package.name, entry.shown, found[-1]["failed"], *[""] * (len(_HEAD) - 3)])
            continue
        values, times, first, memory = ([r[key] for r in found] for key in ("value", "warm", "first", "mebibytes"))
        spread = f"{statistics.stdev(values):.3f}" if len(values) > 1 else ""
        ratio = (
            f"{warm[entry.function] / warm[entry.rival]:.1f}" if entry.rival in warm and package.requirements else ""
        )
        numbers = [f"{statistics.mean(values) - truth:+.3f}", spread, summary(times, digits=3)]
        rows.append([package.name, entry.shown, *numbers, f"{first[0]:.2f}", f"{max(memory):.0f}", ratio])
    print_table(f"{case.name}, n = {case.n}, truth {truth:.3f} nats, seeds 0 to {seeds - 1}", _HEAD, rows)


def _good(found: list[dict]) -> bool:
    return bool(found) and not any("failed" in r for r in found)


def main() -> None:
    """Make the environments, run all that is missing and print the tables."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers", description=__doc__)
    parser.add_argument("--work", type=Path, required=True, help="folder for environments, data and results")
    parser.add_argument("--only", default="", help="packages, separated by commas; this library always takes part")
    parser.add_argument("--cases", default="", help="parts of the names of cases, separated by commas")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--limit", type=float, default=300.0, help="seconds one method may take for one sample")
    asked = parser.parse_args()
    work, only = asked.work.resolve(), [p for p in asked.only.split(",") if p]
    present, absent = [], []
    for package in PACKAGES:
        if package.requirements and only and package.name not in only:
            continue
        python, version = environment(package, work)
        (absent if python is None else present).append((package, version, python))
    print_machine("numpy", "scipy", "jax", "numba")
    print("Others: " + ", ".join(f"{p.name} {v}" for p, v, _ in present if p.requirements) + ".")
    for package, reason, _ in absent:
        print(f"{package.name} does not install: {reason}")
    for case in CASES:
        if any(part in case.name for part in asked.cases.split(",")):
            taking = [(p, e, python) for p, _, python in present for e in p.entries if e.takes(case)]
            compare(case, taking, asked.seeds, work, asked.limit)


if __name__ == "__main__":
    main()
