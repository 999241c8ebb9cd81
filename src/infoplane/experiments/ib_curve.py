"""The bottleneck's curve on known problems: what the solver claims of itself, tested."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from .. import plots
from ..bottleneck import DIB, IB, DualIB, Joint, critical_betas, curve
from ..bottleneck.base import Method
from ..results import is_curve, provenance
from . import curve_checks as checks
from . import curve_claims as told
from . import known_joints as joints
from .base import Claim, Experiment, Run

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_OURS = "derived; our own test"
NOISES = (1e-3, 1e-2, 1e-1)
MOST = 1000.0  # largest critical beta that is looked for
METHODS: dict[str, Method] = {"IB": IB(), "DIB": DIB(), "dual": DualIB()}


@dataclass(frozen=True)
class Size:
    """How much is computed.

    Attributes:
        problems: whose curves are drawn.
        shapes: random joints, and at most how many of each.
        betas: on the curves of random joints.
        tables: known problems whose splits are counted.
        small: random joints of 8 x 8 whose splits are counted.
    """

    problems: tuple[str, ...]
    shapes: tuple[tuple[int, int, int], ...]
    betas: int
    tables: tuple[str, ...]
    small: int


_TABLES = ("symmetric", "three-by-three", "5x2")
FULL = Size(
    ("symmetric", "three-by-three", "soft-rule", "64x16"),
    ((64, 16, 10), (256, 32, 5)),
    50,
    (*_TABLES, "soft-rule"),
    10,
)
QUICK = Size(("symmetric", "three-by-three", "32x8"), ((32, 8, 10), (64, 16, 1)), 20, _TABLES, 2)


class IBCurve(Experiment):
    """What must hold of a bottleneck curve, on problems with a closed form, small ones, the 12-bit task, random ones.

    Random joints have equal inputs and rows from a Dirichlet distribution (0.3), by seed. Curves of IB, DIB and the
    dual on one picture each; certificates, slopes, critical betas and the onset tested; forward annealing, in which
    clusters are split by noise as beta rises, beside the solver, which comes from the largest beta down.

    Critical betas are followed up to 1,000. Further up laws of the 12-bit rule differ by less than a thousandth, and
    how many clusters there are depends on the solver's tolerances.
    """

    name = "ib-curve"
    title = "The bottleneck's curve: certificates, slopes, critical betas, annealing"
    source = _OURS
    unit = "repetitions"
    seeds = 10
    quick_seeds = 2

    def measure(self, run: Run) -> dict[str, xr.Dataset]:
        size = QUICK if run.quick else FULL
        found: dict[str, xr.Dataset] = {}
        for problem in size.problems:
            for name, method in METHODS.items():
                run.progress(f"{problem}: curves", len(found), len(size.problems) * len(METHODS))
                betas = found[f"{problem}-IB"]["beta"] if name == "DIB" else None  # costs are compared at the same
                found[f"{problem}-{name}"] = run.table(
                    f"{problem}-{name}", lambda p=problem, m=method, b=betas: _curve(p, m, b)
                )
        found["closed-form"] = run.table("closed-form", _closed_form)
        found["splits"] = run.table("splits", lambda: _splits(run, size))
        found["random"] = _random(run, size)
        return found

    def claims(self, datasets: Mapping[str, xr.Dataset]) -> list[Claim]:
        curves = {name: d for name, d in datasets.items() if is_curve(d)}
        table, splits = datasets["random"], datasets["splits"]
        return [
            told.closed_form(datasets["closed-form"]),
            told.certified(curves, table),
            told.concave(curves, table),
            told.functionals(curves),
            told.splits(splits, MOST),
            *told.onset(splits, table),
            told.annealing(table),
        ]

    def draw(self, datasets: Mapping[str, xr.Dataset]) -> dict[str, Figure]:
        curves = {name: d for name, d in datasets.items() if is_curve(d)}
        problems: dict[str, dict[str, xr.Dataset]] = {}
        for name, dataset in curves.items():
            problem, _, functional = name.rpartition("-")
            problems.setdefault(problem, {})[functional] = dataset
        last = next(reversed(problems))
        return {
            "curves": plots.curve_panels(problems),
            "bifurcation": plots.figure_of(plots.bifurcation, curves["three-by-three-IB"]),
            "tree": plots.figure_of(plots.cluster_tree, curves[f"{last}-IB"]),
            "gaps": plots.figure_of(plots.gap_curve, curves[f"{last}-IB"]),
            "forward": plots.forward_panels(datasets["random"]),
            "onsets": plots.figure_of(plots.onsets, datasets["random"]),
        }


def _joint(problem: str) -> Joint:
    if problem in _KNOWN:
        return _KNOWN[problem]()
    n_x, n_y = problem.split("x")
    return joints.random_joint(int(n_x), int(n_y), 0)


_KNOWN: dict[str, Callable[[], Joint]] = {
    "symmetric": joints.symmetric,
    "three-by-three": joints.three_by_three,
    "5x2": lambda: joints.five_by_two()[0],
    "soft-rule": joints.soft_rule,
}


def _curve(problem: str, method: Method, betas: xr.DataArray | None) -> xr.Dataset:
    joint = _joint(problem)
    found = curve(joint, betas, method)
    if problem in ("symmetric", "three-by-three") and isinstance(method, IB | DualIB):
        found.attrs["critical_betas"] = json.dumps(critical_betas(joint, method).all.tolist())
    return found


def _closed_form() -> xr.Dataset:
    """Errors on the symmetric channel; up to beta = 10 and far beyond."""
    betas = np.concatenate([np.linspace(1.6, 10, 85), np.linspace(11, 50, 40)])
    variables = {}
    for name in ("IB", "dual"):
        found = curve(joints.symmetric(), betas, METHODS[name])
        known = joints.symmetric_curve(betas, dual=name == "dual")
        both = np.column_stack([found["mi_input"], found["mi_target"]])
        variables[f"error_{name}"] = ("beta", np.abs(both - known).max(axis=1))
    return xr.Dataset(variables, {"beta": betas}, provenance(device="CPU"))


def _splits(run: Run, size: Size) -> xr.Dataset:
    problems = {name: _joint(name) for name in size.tables}
    problems |= {f"8x8, {seed}": joints.random_joint(8, 8, seed) for seed in range(size.small)}
    rows: list[dict[str, float]] = []
    for name, joint in problems.items():
        run.progress(f"{name}: critical betas", len(rows), len(problems))
        critical = critical_betas(joint, IB(), most=MOST)
        both = critical.onset, critical.first
        own = {"onset": both[0], "first": both[1], "complete": float(critical.complete)}
        rows.append({**own, **checks.split_checks(joint, critical, IB()), **checks.onset_checks(joint, both, IB())})
    columns = {key: ("problem", np.array([row[key] for row in rows])) for key in rows[0]}
    return xr.Dataset(columns, {"problem": list(problems)}, provenance(device="CPU"))


def _random(run: Run, size: Size) -> xr.Dataset:
    """Over (shape, seed), forward annealing over (noise, beta) too; nan where a shape has fewer joints."""
    betas = np.linspace(1.2, 30, size.betas)
    axes = {"shape": [f"{n_x}x{n_y}" for n_x, n_y, _ in size.shapes], "seed": list(range(run.seeds))}
    pieces: dict[tuple[int, int], xr.Dataset] = {}
    for place, (n_x, n_y, most) in enumerate(size.shapes):
        for seed in range(min(most, run.seeds)):
            run.progress(f"{n_x}x{n_y}: random joints", seed, min(most, run.seeds))

            def measure(n_x: int = n_x, n_y: int = n_y, seed: int = seed) -> xr.Dataset:
                joint = joints.random_joint(n_x, n_y, seed)
                found = checks.random_checks(joint, betas, NOISES, seed, IB())
                variables = {k: ((), v) if np.ndim(v) == 0 else (("noise", "beta"), v) for k, v in found.items()}
                return xr.Dataset(variables, {"noise": list(NOISES), "beta": betas}, provenance(device="CPU"))

            pieces[place, seed] = run.table(f"pieces/{n_x}x{n_y}-{seed}", measure)
    shape = tuple(len(axis) for axis in axes.values())
    variables = {}
    for name, values in next(iter(pieces.values())).items():
        whole = np.full(shape + values.shape, np.nan)
        for where, piece in pieces.items():
            whole[where] = piece[name].to_numpy()
        variables[name] = ((*axes, *values.dims), whole)
    return xr.Dataset(variables, {**axes, "noise": list(NOISES), "beta": betas}, provenance(device="CPU"))
