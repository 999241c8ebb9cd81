"""What measured curves say of the statements of ``ib-curve``."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import xarray as xr

from ..bottleneck.certificate import TOLERANCE
from . import curve_checks as checks
from .base import Claim, Verdict
from .verdicts import all_of, rounded

_OURS = "derived; our own test"
_CLOSED = 1e-10  # nats
_WORSE = 1e-6  # nats: a cost above the best by more counts as worse
_JUMP = 0.5  # of I(X;T) a hundredth above the onset: from so much on, next to the onset, it counts as a jump


def _holds(right: bool) -> Verdict:
    return "holds" if right else "fails"


def _shapes(table: xr.Dataset, name: str) -> dict[str, np.ndarray]:
    """Values of the joints of each shape."""
    whole = {str(shape): table[name].sel(shape=shape).to_numpy() for shape in table["shape"].values}
    return {shape: values[np.isfinite(values)] for shape, values in whole.items()}


def closed_form(table: xr.Dataset) -> Claim:
    """Errors of the symmetric channel against Mrs. Gerber's formula, nats, over beta."""
    near = table.sel(beta=table.beta <= 10)
    numbers = {f"{n}: largest error up to beta 10, nats": float(near[f"error_{n}"].max()) for n in ("IB", "dual")}
    right = max(numbers.values()) <= _CLOSED
    far = {f"{n}: largest error up to beta 50, nats": float(table[f"error_{n}"].max()) for n in ("IB", "dual")}
    text = "IB and dual of the symmetric channel follow their closed forms (Mrs. Gerber) to 1e-10 nats up to beta 10."
    return Claim(text, _holds(right), rounded(numbers | far), _OURS)


def certified(curves: Mapping[str, xr.Dataset], table: xr.Dataset) -> Claim:
    """Largest gaps, nats, of the named curves of IB and the dual and of the random joints in the table."""
    soft = {name: d for name, d in curves.items() if not name.endswith("-DIB")}
    told = {f"{name}: largest gap of {d.sizes['beta']}, nats": float(d["gap"].max()) for name, d in soft.items()}
    for shape, values in _shapes(table, "largest_gap").items():
        told[f"{shape}: largest gap of {len(values)} joints x {table.sizes['beta']}, nats"] = float(values.max())
    text = f"Every solution of IB and of the dual is certified: no encoder is better by more than {TOLERANCE:g} nats."
    return Claim(text, _holds(max(told.values()) <= TOLERANCE), rounded(told), _OURS)


def concave(curves: Mapping[str, xr.Dataset], table: xr.Dataset) -> Claim:
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


def functionals(curves: Mapping[str, xr.Dataset]) -> Claim:
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


def splits(table: xr.Dataset, most: float) -> Claim:
    """Numbers of clusters beside and between critical betas up to ``most``, counted on the certified optimum."""
    total = table[["splits", "apart", "beside", "beside_right", "between", "between_right"]].sum()
    wrong = [
        str(p)
        for p in table["problem"].values
        if any(float(table[w].sel(problem=p)) != float(table[f"{w}_right"].sel(problem=p)) for w in _WHERE)
    ]
    told: dict[str, float | str] = {
        "problems": float(table.sizes["problem"]),
        f"problems with further splits beyond beta {most:g}": float((table["complete"] == 0).sum()),
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


def onset(known: xr.Dataset, table: xr.Dataset) -> list[Claim]:
    """Where the first transition is, and whether the informations jump there."""
    early: dict[str, float | str] = {}
    rates: dict[str, float] = {}
    kinds: dict[str, list[str]] = {}
    for problem in map(str, known["problem"].values):
        kinds.setdefault(problem.partition(",")[0], []).append(problem)
    grouped: list[tuple[str, xr.Dataset]] = [
        (kind, known.sel(problem=members).rename(problem="joint")) for kind, members in kinds.items()
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


def annealing(table: xr.Dataset) -> Claim:
    """Cost of forward annealing above that of reverse annealing, nats, by shape, noise and beta."""
    excess = table["forward_excess"]
    told: dict[str, float | str] = {}
    verdicts: list[Verdict] = []
    for shape in table["shape"].values:
        here = excess.sel(shape=shape).dropna("seed", how="all")
        best = here.min("noise")
        for noise in table["noise"].values:
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
