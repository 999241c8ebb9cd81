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
from ..bottleneck.certificate import TOLERANCE
from ..results import is_curve, provenance
from . import curve_checks as checks
from . import known_joints as joints
from .base import Claim, Experiment, Run, Verdict
from .verdicts import all_of, rounded

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_OURS = "derived; our own test"
_CLOSED = 1e-10  # nats
_WORSE = 1e-6  # nats: a cost above the best by more counts as worse
_JUMP = 0.5  # of I(X;T) a hundredth above the onset: from so much on, next to the onset, it counts as a jump
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
            _closed(datasets["closed-form"]),
            _certified(curves, table),
            _concave(curves, table),
            _functionals(curves),
            _split_claim(splits),
            *_onset_claims(splits, table),
            _annealing(table),
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


def _holds(right: bool) -> Verdict:
    return "holds" if right else "fails"


def _shapes(table: xr.Dataset, name: str) -> dict[str, np.ndarray]:
    """Values of the joints of each shape."""
    whole = {str(shape): table[name].sel(shape=shape).to_numpy() for shape in table["shape"].values}
    return {shape: values[np.isfinite(values)] for shape, values in whole.items()}


def _closed(table: xr.Dataset) -> Claim:
    near = table.sel(beta=table.beta <= 10)
    numbers = {f"{n}: largest error up to beta 10, nats": float(near[f"error_{n}"].max()) for n in ("IB", "dual")}
    right = max(numbers.values()) <= _CLOSED
    far = {f"{n}: largest error up to beta 50, nats": float(table[f"error_{n}"].max()) for n in ("IB", "dual")}
    text = "IB and dual of the symmetric channel follow their closed forms (Mrs. Gerber) to 1e-10 nats up to beta 10."
    return Claim(text, _holds(right), rounded(numbers | far), _OURS)


def _certified(curves: Mapping[str, xr.Dataset], table: xr.Dataset) -> Claim:
    soft = {name: d for name, d in curves.items() if not name.endswith("-DIB")}
    told = {f"{name}: largest gap of {d.sizes['beta']}, nats": float(d["gap"].max()) for name, d in soft.items()}
    for shape, values in _shapes(table, "largest_gap").items():
        told[f"{shape}: largest gap of {len(values)} joints x {table.sizes['beta']}, nats"] = float(values.max())
    text = f"Every solution of IB and of the dual is certified: no encoder is better by more than {TOLERANCE:g} nats."
    return Claim(text, _holds(max(told.values()) <= TOLERANCE), rounded(told), _OURS)


def _concave(curves: Mapping[str, xr.Dataset], table: xr.Dataset) -> Claim:
    """Of IB: only there are both informations those of one cost."""
    told: dict[str, float] = {}
    for name, dataset in curves.items():
        if name.endswith("-IB"):
            told[f"{name}: most by which a secant misses, nats"] = checks.slope_violation(dataset)
            told[f"{name}: largest fall, nats"] = checks.largest_fall(dataset)
    for what, key in (("most by which a secant misses", "slope_violation"), ("largest fall", "largest_fall")):
        told |= {f"{shape}: {what}, nats": float(v.max()) for shape, v in _shapes(table, key).items()}
    text = (
        "The curve of IB never falls and is concave with slope 1/beta: between neighbours "
        "beta_low dI(T;Y) <= dI(X;T) <= beta_high dI(T;Y)."
    )
    return Claim(text, _holds(max(told.values()) <= TOLERANCE), rounded(told), _OURS)


def _functionals(curves: Mapping[str, xr.Dataset]) -> Claim:
    """Each under both costs at the betas of the other's curve."""
    told: dict[str, float | str] = {}
    worst: list[float] = []
    for name in (n for n in curves if n.endswith("-DIB")):
        problem = name.removesuffix("-DIB")
        hard, soft = curves[name], curves[f"{problem}-IB"]
        betas = np.intersect1d(hard["beta"], soft["beta"])
        hard, soft = hard.sel(beta=betas), soft.sel(beta=betas)
        own = checks.entropies(hard) - betas * hard["mi_target"].to_numpy()
        other = checks.entropies(soft) - betas * soft["mi_target"].to_numpy()
        plain = hard["mi_input"].to_numpy() - betas * hard["mi_target"].to_numpy()
        told[f"{problem}: betas"] = float(len(betas))
        for cost, excess in (("DIB's", own - other), ("IB's", soft["objective"].to_numpy() - plain)):
            told[f"{problem}: {cost} cost, own less other, largest, nats"] = float(excess.max())
            told[f"{problem}: {cost} cost, own less other, mean, nats"] = float(excess.mean())
            worst.append(float(excess.max()))
    text = "IB and DIB each have the lower cost under their own functional, at every beta."
    return Claim(text, _holds(max(worst) <= TOLERANCE), rounded(told), "arXiv:1604.00268 and our own test")


def _split_claim(splits: xr.Dataset) -> Claim:
    total = splits[["splits", "apart", "beside", "beside_right", "between", "between_right"]].sum()
    wrong = [
        str(p)
        for p in splits["problem"].values
        if any(float(splits[w].sel(problem=p)) != float(splits[f"{w}_right"].sel(problem=p)) for w in _WHERE)
    ]
    told: dict[str, float | str] = {
        "problems": float(splits.sizes["problem"]),
        f"problems with further splits beyond beta {MOST:g}": float((splits["complete"] == 0).sum()),
        "splits": float(total["splits"]),
        "splits in which a cluster is born apart": float(total["apart"]),
        **{f"numbers of clusters right {where}": _share(total, where) for where in _WHERE},
        "problems with a wrong number": ", ".join(wrong) or "none",
    }
    text = (
        f"Critical betas tell where clusters split: certified solutions have the predicted number of clusters at "
        f"{checks.BESIDE:g} of beta on either side, and between neighbours."
    )
    return Claim(text, _holds(not wrong), rounded(told), _OURS)


_WHERE = ("beside", "between")


def _share(total: xr.Dataset, where: str) -> str:
    return f"{int(total[f'{where}_right'])} of {int(total[where])}"


def _onset_claims(splits: xr.Dataset, table: xr.Dataset) -> list[Claim]:
    """Where the first transition is, and whether the informations jump there."""
    early: dict[str, float | str] = {}
    rates: dict[str, float] = {}
    kinds: dict[str, list[str]] = {}
    for problem in map(str, splits["problem"].values):
        kinds.setdefault(problem.partition(",")[0], []).append(problem)
    grouped: list[tuple[str, xr.Dataset]] = [
        (kind, splits.sel(problem=members).rename(problem="joint")) for kind, members in kinds.items()
    ]
    grouped += [
        (str(s), table.sel(shape=s).drop_vars(("forward_excess", "beta", "noise")).rename(seed="joint").dropna("joint"))
        for s in table["shape"].values
    ]
    counts, below = [], []
    for name, group in grouped:
        before = group.isel(joint=(group["onset"] < group["first"] * (1 - 1e-9)).to_numpy())
        counts.append((before.sizes["joint"], group.sizes["joint"]))
        below.append(bool((group["clusters_below"] == 1).all()))
        if before.sizes["joint"] == 0:
            continue
        early[f"{name}: joints with onset < first"] = f"{before.sizes['joint']} of {group.sizes['joint']}"
        early[f"{name}: smallest onset / first"] = float((before["onset"] / before["first"]).min())
        early[f"{name}: largest share of I(X;Y) kept at first"] = float(before["share_at_first"].max())
        for step in checks.ABOVE:
            rates[f"{name}: largest I(X;T) at onset (1 + {step:g}), nats"] = float(before[f"rate_above_{step:g}"].max())
        rates[f"{name}: weight of the new cluster at onset (1 + {checks.ABOVE[0]:g})"] = float(
            before["newborn_weight"].max()
        )
        rates[f"{name}: least distance of its law from p(y)"] = float(before["newborn_distance"].min())
    near, far = (
        np.array([v for k, v in rates.items() if f"I(X;T) at onset (1 + {step:g})" in k]) for step in checks.ABOVE[::2]
    )
    jump: Verdict = "unclear" if len(near) == 0 else _holds(bool((near > _JUMP * far).all()))
    share = all(below) and any(n for n, _ in counts)
    return [
        Claim(
            "The trivial solution can cease to be optimal before it loses its local stability: onset < first critical "
            "beta, and one cluster is optimal just below the onset.",
            _holds(share),
            rounded(early),
            "derived; threshold of learnability of arXiv:1907.07331",
        ),
        Claim("At such an onset the informations jump from 0.", jump, rounded(rates), _OURS),
    ]


def _annealing(table: xr.Dataset) -> Claim:
    excess = table["forward_excess"]
    told: dict[str, float | str] = {}
    verdicts: list[Verdict] = []
    for shape in table["shape"].values:
        here = excess.sel(shape=shape).dropna("seed", how="all")
        best = here.min("noise")
        for noise in NOISES:
            one = here.sel(noise=noise)
            told[f"{shape}, noise {noise:g}: share of betas with a worse cost"] = float((one > _WORSE).mean())
            told[f"{shape}, noise {noise:g}: largest excess, nats"] = float(one.max())
        told[f"{shape}: joints where no noise reaches the best cost at some beta"] = (
            f"{int((best > _WORSE).any('beta').sum())} of {best.sizes['seed']}"
        )
        told[f"{shape}: most by which forward annealing is better, nats"] = float((-best).max())
        never_worse = float((-best).max()) <= TOLERANCE
        somewhere = bool((best > _WORSE).any("beta").all())
        verdicts.append("holds" if never_worse and somewhere else "fails" if not never_worse else "unclear")
    text = (
        "Coming from the largest beta down reaches costs that forward annealing (noise 0.001, 0.01, 0.1) does not, on "
        "every random joint at some beta, and is never worse."
    )
    return Claim(text, all_of(verdicts), rounded(told), _OURS)
