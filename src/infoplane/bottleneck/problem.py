"""The verbs: one solution, or a whole curve."""

from __future__ import annotations

from .annealed import IB
from .base import Effort, Method, checked_beta
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
        InputError: a negative or infinite beta; a dual problem with zeros.
    """
    chosen = IB() if method is None else method
    return next(iter(chosen.descend(joint, [checked_beta(beta, "solve")], Effort(certify, seed, start))))
