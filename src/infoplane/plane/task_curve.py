"""The bottleneck's curve of a task whose law p(y|x) is known, traced with a known error."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

import numpy as np
from scipy.special import entr

from ..bottleneck import Joint, Solution, solve
from .task_bound import Bound

LARGEST = 128  # distinct laws p(y|x) of a task whose curve is computed without being asked for: seconds beyond that
_CLOSE = 2e-4  # nats: how well the points of a computed curve enclose it
_POINTS = 200  # at most, of a computed curve


class TaskCurve:
    """The bottleneck's curve of one law p(y|x), for any weights of the inputs.

    Betas are set where the chord between two points can be furthest below the curve, until it is within 2e-4 nats;
    every point is certified as a global optimum (to its gap, of the order of rounding).

    Args:
        p_y_given_x: (n, classes) laws; equal ones are merged.
        p_x: (n,) weights; all equal if None.
    """

    def __init__(self, p_y_given_x: np.ndarray, p_x: np.ndarray | None = None) -> None:
        merged = Joint.from_conditional(p_y_given_x, p_x).sufficient
        self.group, self.rows, self.p_x = merged.group, merged.rows, merged.p_x

    @property
    def bound(self) -> Bound:
        """Of the weights given."""
        return _traced(self.rows.tobytes(), self.p_x.tobytes(), self.rows.shape)[0]

    def of_samples(self, samples: np.ndarray) -> Bound:
        """Of (m,) chosen inputs, equally likely: on the same betas, from the clusters found for all of them."""
        whole, solutions = _traced(self.rows.tobytes(), self.p_x.tobytes(), self.rows.shape)
        weights = np.bincount(self.group[samples], minlength=len(self.p_x)).astype(float)
        joint = Joint(weights[:, None] * self.rows)
        inner = [solve(joint, s.beta, start=replace(s, joint=joint)) for s in solutions]
        return _from_solutions(joint, whole.beta, inner)


@lru_cache(maxsize=8)
def _traced(rows: bytes, p_x: bytes, shape: tuple[int, int]) -> tuple[Bound, list[Solution]]:
    """The curve of a merged joint, and its solutions; found again where a task is measured more than once."""
    joint = Joint(np.frombuffer(p_x)[:, None] * np.frombuffer(rows).reshape(shape))
    found: list[Solution] = []
    while True:
        bound = _from_solutions(joint, np.array([1.0, *(s.beta for s in found), np.inf]), found)
        gaps = bound.gaps
        k = int(gaps.argmax())
        if gaps[k] <= _CLOSE or len(found) >= _POINTS:
            return bound, found
        beta = (bound.mi_input[k + 1] - bound.mi_input[k]) / (bound.mi_target[k + 1] - bound.mi_target[k])
        found.insert(k, solve(joint, float(beta), start=found[k] if k < len(found) else None))


def _from_solutions(joint: Joint, beta: np.ndarray, solutions: Sequence[Solution]) -> Bound:
    """Optima between the two ends that need no solver: nothing kept, and all that Y has to do with."""
    everything = float(entr(joint.sufficient.p_x).sum())
    rates = [0.0, *(s.mi_input for s in solutions), everything]
    relevant = [0.0, *(s.mi_target for s in solutions), joint.mutual_information]
    # Points of one linear piece can come out of order by rounding.
    return Bound(beta, np.maximum.accumulate(rates), np.maximum.accumulate(relevant))


def soft_bounds(p_y_given_x: np.ndarray, samples: np.ndarray | None, networks: int) -> tuple[list[Bound] | None, str]:
    """The curve of every network's inputs, equally likely, or None and why.

    Args:
        p_y_given_x: (n, classes) law of the label.
        samples: (networks, m) which inputs, or None for all of them.
        networks: their number.
    """
    task = TaskCurve(p_y_given_x)
    if len(task.p_x) > LARGEST:
        return None, (
            f"No bound: p(y|x) takes {len(task.p_x)} values on the inputs, and the curve of so many takes long; "
            "bound=infoplane.bottleneck.Joint.from_conditional(p_y_given_x) computes it all the same."
        )
    if samples is None:
        return [task.bound] * networks, ""
    return [task.of_samples(row) for row in samples], ""
