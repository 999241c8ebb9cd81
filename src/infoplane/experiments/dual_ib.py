"""The discrete example in the code of the dual bottleneck's authors, and what holds of the dual on random joints."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from .. import plots
from ..bottleneck import IB, DualIB, ExponentialFamily, Joint, critical_betas, curve
from ..bottleneck.base import Method
from ..bottleneck.certificate import TOLERANCE
from ..results import is_curve, provenance
from . import dual_checks as checks
from .base import Claim, Experiment, Run, Verdict, sizes
from .known_joints import five_by_two, random_joint
from .verdicts import all_of, rounded

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_CODE = "arXiv:2006.04641, problem of the authors' code"
_OURS = "derived; our own test"
_EQUAL = 1e-10  # nats, and of probabilities
_ROUNDING = 1e-10  # nats
_SHAPE = (8, 4)  # of random joints
_FLOOR = 0.01
_AGREE = 0.01  # relative difference of critical betas that agree
BETAS = (1000, 60)  # of the example, at full and at reduced size
POINTS = (40, 15)  # of every random joint's curves
SCALES = (0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0)


class DualIBExample(Experiment):
    """IB, dual IB and dual IB in its exponential family, on five inputs and two labels, and on random joints.

    The example: p(x) = 1/5, A(x) from -1 to 0.6 in equal steps, p(y|x) ~ exp(-y A(x)) for y = -1, +1; 1,000 betas from
    64 down to 2, equal steps of the logarithm, begun with T a copy of X. The figures show p(t), p(y = -1|t) (for the
    duals of their own geometric laws) and both informations against beta. Whether the paper shows this very problem is
    not verified.

    Random joints have 8 inputs of one weight and 4 labels, rows from a Dirichlet distribution (0.3) with a floor, so
    that the dual exists; a geometric grid of betas for each, from below both onsets.
    """

    name = "dual-ib"
    title = "The dual bottleneck: five inputs, two labels; random joints"
    source = _CODE
    unit = "repetitions"
    seeds = 20
    quick_seeds = 4

    def measure(self, run: Run) -> dict[str, xr.Dataset]:
        joint, family = five_by_two()
        betas = 2.0 ** np.linspace(6, 1, sizes(run, *BETAS))
        found: dict[str, xr.Dataset] = {}
        for name, method in checks.methods(family).items():
            found[name] = run.table(name, lambda m=method: _curve(joint, betas, m))
            run.progress("example: curves", len(found), 3)
        found["random-joints"] = run.table("random-joints", lambda: _random(run, sizes(run, *POINTS)))
        found["weak-dependence"] = run.table("weak-dependence", _weak)
        return found

    def claims(self, datasets: Mapping[str, xr.Dataset]) -> list[Claim]:
        curves = {name: d for name, d in datasets.items() if is_curve(d)}
        table = datasets["random-joints"]
        return [
            _certified(curves, table),
            _family(curves, table),
            _below(curves, table),
            _cost(curves, table),
            *_splits(curves, table),
            _geometric(curves, table),
            _weakly(datasets["weak-dependence"]),
        ]

    def draw(self, datasets: Mapping[str, xr.Dataset]) -> dict[str, Figure]:
        curves = {name: d for name, d in datasets.items() if is_curve(d)}
        return {
            "bifurcations": plots.bifurcation_panels(curves, label="-1"),
            "input-information": plots.figure_of(plots.information_shares, curves),
            "target-information": plots.figure_of(plots.information_shares, curves, which="mi_target"),
            "curves": plots.figure_of(plots.bottleneck_curve, {n: _thinned(curves[n]) for n in ("IB", "dualIB")}),
        }


def _thinned(dataset: xr.Dataset) -> xr.Dataset:
    """Some 40 points, so that their marks stay apart."""
    return dataset.isel(beta=slice(None, None, max(dataset.sizes["beta"] // 40, 1)))


def _curve(joint: Joint, betas: np.ndarray, method: Method) -> xr.Dataset:
    """A curve with all its critical betas, and which of them are births of clusters."""
    found = curve(joint, betas, method).assign_coords(y=["-1", "+1"])
    critical = critical_betas(joint, method)
    found.attrs |= {
        "critical_betas": json.dumps(critical.all.tolist()),
        "born_apart": json.dumps([bool(split.apart) for split in critical.splits]),
    }
    return found


def _random(run: Run, points: int) -> xr.Dataset:
    """Numbers of each random joint."""
    rows = []
    for seed in range(run.seeds):
        run.progress("random joints", seed, run.seeds)
        joint = random_joint(*_SHAPE, seed, floor=_FLOOR)
        rows.append(checks.numbers(joint, ExponentialFamily.of(joint), points))
    columns = {name: ("seed", np.array([row[name] for row in rows])) for name in rows[0]}
    return xr.Dataset(columns, {"seed": range(run.seeds)}, provenance(device="CPU"))


def _weak() -> xr.Dataset:
    """Local critical betas of the example with A scaled: the weaker the dependence, the smaller A."""
    rows = []
    for scale in SCALES:
        joint, _ = five_by_two(scale)
        rows.append([float(curve(joint, [1.0], method).attrs["first"]) for method in (IB(), DualIB())])
    first = np.array(rows)
    variables = {"first_IB": ("scale", first[:, 0]), "first_dual": ("scale", first[:, 1])}
    return xr.Dataset(variables, {"scale": list(SCALES)}, provenance(device="CPU"))


def _holds(right: bool) -> Verdict:
    return "holds" if right else "fails"


def _certified(curves: Mapping[str, xr.Dataset], table: xr.Dataset) -> Claim:
    told = {f"{name}: largest gap of {d.sizes['beta']}, nats": float(d["gap"].max()) for name, d in curves.items()}
    told[f"random joints ({table.sizes['seed']}): largest gap, nats"] = float(table["largest_gap"].max())
    text = f"Every solution is certified: no encoder is better by more than {TOLERANCE:g} nats."
    return Claim(text, _holds(max(told.values()) <= TOLERANCE), rounded(told), _OURS)


def _family(curves: Mapping[str, xr.Dataset], table: xr.Dataset) -> Claim:
    told = {
        "example: largest difference of p(t), laws, informations, cost": checks.difference(
            curves["dualExpIB"], curves["dualIB"]
        ),
        "random joints: the same": float(table["family_difference"].max()),
        "random joints: largest difference of q(t|x)": float(table["encoder_difference"].max()),
    }
    text = "dualExpIB, which knows a few features of every input only, equals dualIB to 1e-10."
    return Claim(text, _holds(max(told.values()) <= _EQUAL), rounded(told), "arXiv:2006.04641")


def _below(curves: Mapping[str, xr.Dataset], table: xr.Dataset) -> Claim:
    example = checks.above(curves["dualIB"], curves["IB"])
    told = {
        "example: most above IB's certificates, nats": example,
        "random joints: most above, nats": float(table["above_ib"].max()),
        "example: most below IB's curve, nats": checks.below(curves["dualIB"], curves["IB"]),
        "random joints: most below, nats": float(table["below_ib"].max()),
    }
    text = "I(T;Y) of the dual along the chain T - X - Y never lies above the curve of IB."
    return Claim(text, _holds(max(example, float(table["above_ib"].max())) <= _ROUNDING), rounded(told), _OURS)


def _cost(curves: Mapping[str, xr.Dataset], table: xr.Dataset) -> Claim:
    joint, _ = five_by_two()
    told = {
        "example: largest difference, nats": checks.above_cost(
            joint, curves["dualIB"].isel(beta=slice(None, None, 10))
        ),
        "random joints: largest difference, nats": float(table["above_ib_cost"].max()),
    }
    text = "The dual's cost is at most that of IB's solution at the same beta, I(X;T) + beta E[KL(p(y|t) || p(y|x))]."
    return Claim(text, _holds(max(told.values()) <= _ROUNDING), rounded(told), _OURS)


def _splits(curves: Mapping[str, xr.Dataset], table: xr.Dataset) -> list[Claim]:
    told: dict[str, float | str] = {}
    firsts: dict[str, float] = {}
    apart: dict[str, Sequence[bool]] = {}
    for name, dataset in curves.items():
        betas = json.loads(str(dataset.attrs["critical_betas"]))
        apart[name] = json.loads(str(dataset.attrs["born_apart"]))
        firsts[name] = betas[0]
        told[f"{name}: critical betas"] = ", ".join(f"{beta:.6g}" for beta in betas)
        told[f"{name}: first local critical beta"] = float(dataset.attrs["first"])
    smaller = (table["onset_dual"] < table["onset_IB"]).to_numpy()
    share = f"{int(smaller.sum())} of {len(smaller)}"
    ratio = table["onset_dual"] / table["onset_IB"]
    ranges = {"smallest onset of the dual / of IB": float(ratio.min()), "largest": float(ratio.max())}
    early = [(table[f"onset_{n}"] < table[f"first_{n}"] * (1 - 1e-9)).to_numpy() for n in ("IB", "dual")]
    return [
        Claim(
            "In the example the dual splits first, at a smaller beta than IB.",
            _holds(firsts["dualIB"] < firsts["IB"]),
            rounded(told),
            _CODE,
        ),
        Claim(
            "On every random joint too the dual splits at a smaller beta.",
            _holds(bool(smaller.all())),
            rounded({"joints": share, **ranges}),
            _OURS,
        ),
        Claim(
            "In the example a cluster is born apart from the first, before that loses its local stability (all three).",
            all_of([_holds(flags[0]) for flags in apart.values()]),
            {f"{name}: onset / first local": firsts[name] / float(d.attrs["first"]) for name, d in curves.items()}
            | {
                f"random joints, {n}": f"{int(e.sum())} of {len(e)}" for n, e in zip(("IB", "dual"), early, strict=True)
            },
            _OURS,
        ),
    ]


def _geometric(curves: Mapping[str, xr.Dataset], table: xr.Dataset) -> Claim:
    dual = curves["dualIB"]
    example = float(dual["mi_target_geometric"].max()) - float(dual.attrs["mi_joint"])
    random = table["geometric_excess"].to_numpy()
    told: dict[str, float | str] = {
        "example: largest value less I(X;Y), nats": example,
        "random joints where it exceeds I(X;Y)": f"{int((random > _ROUNDING).sum())} of {len(random)}",
        "random joints: largest value less I(X;Y), nats": float(random.max()),
    }
    text = "The information of the dual's geometric laws is none about Y: it can exceed I(X;Y)."
    return Claim(text, _holds(max(example, float(random.max())) > _ROUNDING), rounded(told), _OURS)


def _weakly(table: xr.Dataset) -> Claim:
    ratio = (table["first_dual"] / table["first_IB"]).to_numpy()
    told = {
        f"scale {scale:g}: dual / IB": float(value) for scale, value in zip(table["scale"].values, ratio, strict=True)
    }
    right = abs(ratio[0] - 1) < _AGREE and bool((np.diff(ratio) < 0).all())
    text = "For weak dependence the local critical betas of dual and IB agree; the stronger, the smaller the dual's."
    return Claim(text, _holds(right), rounded(told), _OURS)
