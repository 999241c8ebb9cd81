"""Joint distributions that the bottleneck experiments share, and two curves that have a closed form."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.optimize import brentq
from scipy.special import entr, expit

from ..bottleneck import ExponentialFamily, Joint
from ..data import twelve_bit

CROSSOVER = 0.1
GAMMA = 0.1  # of the 12-bit task's soft rule


def symmetric() -> Joint:
    """Binary symmetric channel with equal inputs and a crossover of 0.1."""
    return Joint.from_conditional([[1 - CROSSOVER, CROSSOVER], [CROSSOVER, 1 - CROSSOVER]])


def three_by_three() -> Joint:
    """A small table whose first transition is a jump, slightly before the trivial solution loses its stability."""
    return Joint([[6, 3, 1], [2, 8, 2], [1, 4, 9]])


def soft_rule() -> Joint:
    """The 12-bit task under its soft rule: 4,096 patterns, 44 different laws."""
    return Joint.from_conditional(twelve_bit(GAMMA).p_y_given_x)


def random_joint(n_x: int, n_y: int, seed: int, *, concentration: float = 0.3, floor: float = 1e-6) -> Joint:
    """Equal inputs, rows p(y|x) from a Dirichlet distribution, hardly any entry below ``floor``."""
    rows = np.random.default_rng(seed).dirichlet(np.full(n_y, concentration), size=n_x)
    return Joint.from_conditional((rows + floor) / (1 + floor * n_y))


def five_by_two(scale: float = 1.0) -> tuple[Joint, ExponentialFamily]:
    """The discrete example in the code of the dual bottleneck's authors: A(x) from -1 to 0.6, p(y|x) ~ exp(-y A(x)).

    Args:
        scale: factor on A.
    """
    family = ExponentialFamily(scale * np.linspace(-1, 0.6, 5)[:, None], np.array([[-1.0, 1.0]]))
    return Joint.from_conditional(family.p_y_given_x), family


def symmetric_curve(betas: np.ndarray, dual: bool = False) -> np.ndarray:
    """(betas, 2) I(X;T) and I(T;Y) of :func:`symmetric` in closed form, nats.

    Both optima are symmetric channels of crossover a behind the input, so I(X;T) = ln 2 - h(a), I(T;Y) = ln 2 - h(s)
    with s = a (1 - p) + p (1 - a) (Mrs. Gerber's lemma). a makes the functional stationary; u = ln((1 - a) / a).
    """
    ratio = np.log((1 - CROSSOVER) / CROSSOVER)

    def target(u: float) -> float:
        return (
            ratio * np.tanh(np.tanh(u / 2) * ratio / 2)
            if dual
            else (1 - 2 * CROSSOVER) * _log_odds(_through(expit(-u)))
        )

    first = 4 / ratio**2 if dual else 1 / (1 - 2 * CROSSOVER) ** 2
    found = np.zeros((len(betas), 2))
    for k, beta in enumerate(betas):
        if beta > first:
            u = _root(lambda u, beta=beta: u - beta * target(u), beta * ratio)
            found[k] = [np.log(2) - _entropy(expit(-u)), np.log(2) - _entropy(_through(expit(-u)))]
    return found


def _root(excess: Callable[[float], float], highest: float) -> float:
    return float(brentq(excess, 1e-9, highest + 1, xtol=1e-15, rtol=1e-14))  # type: ignore[arg-type]


def _through(a: float) -> float:
    """The crossover of two symmetric channels, one after the other."""
    return a * (1 - CROSSOVER) + CROSSOVER * (1 - a)


def _log_odds(s: float) -> float:
    return float(np.log((1 - s) / s))


def _entropy(a: float) -> float:
    return float(entr(a) + entr(1 - a))
