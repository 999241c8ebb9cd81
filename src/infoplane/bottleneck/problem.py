"""The verbs: one solution, or a whole curve."""

from __future__ import annotations

from ..samples import whole
from .annealed import IB
from .base import LARGEST, Effort, Method, checked_beta, checked_problem
from .joint import Joint
from .solution import Solution


def solve(
    joint: Joint,
    beta: float,
    method: Method | None = None,
    *,
    start: Solution | None = None,
    certify: bool = True,
    seed: int = 0,
) -> Solution:
    """The best encoder at one beta.

    Args:
        joint: the problem.
        beta: >= 0; it multiplies I(T;Y).
        method: the functional; :class:`IB` if None.
        start: a solution of the same joint to begin from, for instance a hard clustering; the method's own if None.
        certify: whether to search for the certificate, ``gap``, and repair what it finds.
        seed: of random starts.

    Returns:
        Solution.

    Raises:
        InputError: no joint, no method, a beta that is negative or above 1e12, a dual problem with zeros.
    """
    chosen = checked_problem(joint, method, "solve") or IB()
    whole(seed, "seed")
    return next(iter(chosen.descend(joint, [checked_beta(beta, "solve", LARGEST)], Effort(certify, seed, start))))
