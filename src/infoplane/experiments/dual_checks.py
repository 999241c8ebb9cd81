"""Measurements of the dual beside the plain bottleneck, for ``dual-ib``: each function gives numbers of one joint."""

from __future__ import annotations

import numpy as np
import xarray as xr

from ..bottleneck import IB, DualIB, ExponentialFamily, Joint, curve
from ..bottleneck.base import Effort, Method


def methods(family: ExponentialFamily) -> dict[str, Method]:
    """The three contestants by the names of their figures."""
    return {"IB": IB(), "dualIB": DualIB(), "dualExpIB": DualIB(family)}


def numbers(joint: Joint, family: ExponentialFamily, points: int) -> dict[str, float]:
    """What the curves of a joint must satisfy, by name, in nats, from ``points`` betas between the onsets and 60."""
    onsets = {name: curve(joint, [1.0], method).attrs for name, method in (("IB", IB()), ("dual", DualIB()))}
    low = 0.98 * min(float(attrs["onset"]) for attrs in onsets.values())
    betas = np.geomspace(low, 60.0, points)
    found = {name: curve(joint, betas, method) for name, method in methods(family).items()}
    dual = found["dualIB"]
    return {
        "largest_gap": max(float(c["gap"].max()) for c in found.values()),
        "family_difference": difference(found["dualExpIB"], dual),
        "encoder_difference": _encoders(joint, family, betas[::4]),
        "above_ib": above(dual, found["IB"]),
        "below_ib": below(dual, found["IB"]),
        "above_ib_cost": above_cost(joint, dual),
        "geometric_excess": float(dual["mi_target_geometric"].max()) - joint.mutual_information,
        **{f"{what}_{name}": float(attrs[what]) for name, attrs in onsets.items() for what in ("onset", "first")},
    }


def difference(one: xr.Dataset, other: xr.Dataset) -> float:
    """The largest difference of p(t), laws, informations or cost; infinite where curves differ in clusters."""
    if not np.array_equal(one["n_clusters"], other["n_clusters"]):
        return np.inf
    names = ("mi_input", "mi_target", "mi_target_geometric", "objective", "marginal", "decoder")
    return max(float(abs(one[name] - other[name]).max()) for name in names)


def _encoders(joint: Joint, family: ExponentialFamily, betas: np.ndarray) -> float:
    """The largest difference of q(t|x) between the dual and its form in the family."""
    falling = sorted(betas.tolist(), reverse=True)
    pairs = zip(*(m.descend(joint, falling, Effort()) for m in (DualIB(), DualIB(family))), strict=True)
    return max(float(np.abs(a.encoder - b.encoder).max()) if a.n_clusters == b.n_clusters else np.inf for a, b in pairs)


def above(dual: xr.Dataset, plain: xr.Dataset) -> float:
    """The most by which I(T;Y) of the dual passes what the certificates of IB allow at its I(X;T), nats."""
    return float((dual["mi_target"].to_numpy() - _allowed(dual, plain)).max())


def below(dual: xr.Dataset, plain: xr.Dataset) -> float:
    """The most by which it stays under that, nats."""
    return float((_allowed(dual, plain) - dual["mi_target"].to_numpy()).max())


def _allowed(dual: xr.Dataset, plain: xr.Dataset) -> np.ndarray:
    """(beta,) least over points k of IB's curve of I_k(T;Y) + (I(X;T) - I_k(X;T) + gap_k) / beta_k."""
    rate = dual["mi_input"].to_numpy()[:, None]
    shift = rate - plain["mi_input"].to_numpy() + plain["gap"].to_numpy()
    return (plain["mi_target"].to_numpy() + shift / plain["beta"].to_numpy()).min(axis=1)


def above_cost(joint: Joint, dual: xr.Dataset) -> float:
    """The most by which the dual's cost passes that of IB's solutions under it, their own p(y|t) as laws; nats."""
    falling = dual["beta"].to_numpy()[::-1].tolist()
    worst = -np.inf
    logs = np.log(joint.p_y_given_x)
    for solution, cost in zip(IB().descend(joint, falling, Effort()), dual["objective"].to_numpy()[::-1], strict=True):
        laws = solution.decoder
        distance = (laws * np.log(laws)).sum(axis=1) - logs @ laws.T
        theirs = solution.mi_input + solution.beta * float(joint.p_x @ (solution.encoder * distance).sum(axis=1))
        worst = max(worst, float(cost) - theirs)
    return worst
