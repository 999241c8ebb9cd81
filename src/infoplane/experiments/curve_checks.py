"""Measurements of bottleneck curves for ``ib-curve``: each function gives numbers of one joint."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence

import numpy as np
import xarray as xr

from ..bottleneck import CriticalBetas, Joint, Solution, curve
from ..bottleneck.base import Effort, Method
from .forward_annealing import forward_costs

BESIDE = 3e-3  # relative distance from a critical beta at which the clusters on its two sides are counted
ABOVE = (1e-4, 1e-3, 1e-2)  # relative distances above the onset
SOLVED = ("mi_input", "mi_target", "objective", "gap", "n_clusters")


def steps(dataset: xr.Dataset) -> xr.Dataset:
    """The solutions of a curve that are no chords."""
    return dataset.isel(beta=~dataset["interpolated"].to_numpy())


def slope_violation(dataset: xr.Dataset) -> float:
    """By how many nats neighbours on a curve miss beta_low dI(T;Y) <= dI(X;T) <= beta_high dI(T;Y).

    Two optima cannot: each has the lower cost at its own beta. Between them the slope of the secant is then between
    1 / beta_high and 1 / beta_low, so the curve is concave with slope 1 / beta, and both informations rise together.
    """
    points = steps(dataset)
    beta = points["beta"].to_numpy()
    rate, relevant = (np.diff(points[name].to_numpy()) for name in ("mi_input", "mi_target"))
    return float(np.max([beta[:-1] * relevant - rate, rate - beta[1:] * relevant]))


def largest_fall(dataset: xr.Dataset) -> float:
    """The largest fall of an information as beta rises, nats; negative or 0 where there is none."""
    points = steps(dataset)
    return max(float(-np.diff(points[name].to_numpy()).min()) for name in ("mi_input", "mi_target"))


def entropies(dataset: xr.Dataset) -> np.ndarray:
    """(beta,) H(T) in nats."""
    marginal = dataset["marginal"].to_numpy()
    return -np.nansum(np.where(marginal > 0, marginal * np.log(np.where(marginal > 0, marginal, 1.0)), 0.0), axis=1)


def solved(joint: Joint, betas: Iterable[float], method: Method) -> dict[float, Solution]:
    """Certified solutions by beta."""
    falling = sorted(set(betas), reverse=True)
    return dict(zip(falling, method.descend(joint, falling, Effort()), strict=True))


def onset_checks(joint: Joint, critical: tuple[float, float], method: Method) -> dict[str, float]:
    """What happens at the onset, and how much of the curve lies before the first local critical beta.

    Returns:
        I(X;T) at the given distances above the onset; at the first of them, the weight of the lightest cluster and
        the largest difference of its law from p(y); I(T;Y) at the first local critical beta, as a share of I(X;Y);
        the number of clusters just below the onset.
    """
    onset, first = critical
    found = solved(joint, [onset * (1 + step) for step in (-1e-4, *ABOVE)] + [first], method)
    near = found[onset * (1 + ABOVE[0])]
    return {
        **{f"rate_above_{step:g}": found[onset * (1 + step)].mi_input for step in ABOVE},
        "newborn_weight": float(near.marginal[-1]) if near.n_clusters > 1 else 0.0,
        "newborn_distance": float(np.abs(near.decoder[-1] - joint.p_y).max()),
        "share_at_first": found[first].mi_target / joint.mutual_information,
        "clusters_below": float(found[onset * (1 - 1e-4)].n_clusters),
    }


def split_checks(joint: Joint, critical: CriticalBetas, method: Method) -> dict[str, float]:
    """How many of the predicted numbers of clusters certified solutions have, beside critical betas and between them.

    Beside: at a relative distance of 3e-3, where no other critical beta is as near. Between: at geometric means of
    neighbours, below the first and above the last.
    """
    betas = critical.all
    counts = [split.n_clusters for split in critical.splits]
    expected: dict[float, tuple[str, int]] = {}
    for k, (beta, (below, above)) in enumerate(zip(betas, counts, strict=True)):
        others = np.delete(betas, k)
        if len(others) == 0 or float(np.abs(others / beta - 1).min()) > 2 * BESIDE:
            expected[float(beta * (1 - BESIDE))] = ("beside", below)
            expected[float(beta * (1 + BESIDE))] = ("beside", above)
    ends = [betas[0] / 1.5, *betas, *([betas[-1] * 1.5] if critical.complete else [])]
    for (low, high), count in zip(
        itertools.pairwise(ends), [counts[0][0], *(above for _, above in counts)], strict=False
    ):
        expected.setdefault(float(np.sqrt(low * high)), ("between", count))
    found = solved(joint, expected, method)
    told: dict[str, float] = {"splits": float(len(betas)), "apart": float(sum(s.apart for s in critical.splits))}
    for where in ("beside", "between"):
        right = [found[beta].n_clusters == count for beta, (kind, count) in expected.items() if kind == where]
        told |= {where: float(len(right)), f"{where}_right": float(sum(right))}
    return told


def against_forward(joint: Joint, dataset: xr.Dataset, noises: Sequence[float], seed: int) -> np.ndarray:
    """(noise, beta) cost of forward annealing less that of the curve's solutions, nats."""
    points = steps(dataset)
    betas = points["beta"].to_numpy().tolist()
    return np.array([forward_costs(joint, betas, noise, seed) - points["objective"].to_numpy() for noise in noises])


def random_checks(
    joint: Joint, betas: np.ndarray, noises: Sequence[float], seed: int, method: Method
) -> dict[str, float | np.ndarray]:
    """All of the above but splits, for one random joint on a grid of betas."""
    found = curve(joint, betas, method)
    onset, first = float(found.attrs["onset"]), float(found.attrs["first"])
    return {
        "mi_joint": joint.mutual_information,
        "largest_gap": float(found["gap"].max()),
        "slope_violation": slope_violation(found),
        "largest_fall": largest_fall(found),
        "onset": onset,
        "first": first,
        **onset_checks(joint, (onset, first), method),
        "forward_excess": against_forward(joint, found, noises, seed),
    }
