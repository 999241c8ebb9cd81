"""Whether scores are jointly normal or Student, in those respects that matter for mutual information."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from scipy.special import chdtrc, chdtri, fdtrc, ndtr

from ..errors import InputError
from .canonical import Canonical, canonical, rotated
from .copula import quantile, rank_scores, resolved
from .hermite import coefficients, complete, products, same_sample, squares
from .student import scatter
from .whitening import whiten

LEVEL = 0.01  # share of false alarms that is accepted
_SIDE = 10  # canonical pairs whose higher moments are looked at: those of degree 4 of 10+10 are 8,855 numbers
_NOTICED = 0.1  # nats beyond which what the test may miss is said
_BLUR = 0.4  # standard errors of a fourth moment that the error of ranks may amount to


class EllipticalTest(NamedTuple):
    """What the test found.

    Attributes:
        p_value: chance of data this far from the law if they come from it: the smallest of the parts, times three.
        passed: ``p_value`` is at least ``LEVEL``.
        skewness: p-value of the third moments.
        kurtosis: p-value of the fourth moments.
        radius: p-value of the common scale of x and y.
        note: what a passed test leaves open; empty where it is sharp.
        unnoticed: nats that are not linear and would be found only half the time.
    """

    p_value: float
    passed: bool
    skewness: float = 1.0
    kurtosis: float = 1.0
    radius: float = 1.0
    note: str = ""
    unnoticed: float = 0.0


def elliptical_test(x_scores: np.ndarray, y_scores: np.ndarray, nu: float = math.inf) -> EllipticalTest:
    """Test that x and y are jointly normal, or Student with ``nu`` degrees of freedom, so far as information goes.

    Of any law the information is that of the normal law with its covariance, plus what the joint law is away from
    normal (its negentropy), less what x alone and y alone are. To lowest order negentropy is half the sum of squared
    Hermite coefficients, c. So the test asks whether c lies in what functions of x alone and of y alone explain:
    with P and Q the projections on these it takes |(1 - P - Q) c|^2 over moments of degree 3, and again of degree 4.
    Independent sides pass, whatever their own laws; with relations it sees curvature, changing variance, and margins.
    A third part looks at the common scale of x and y in one number, where a Student law differs most.

    The sums leave out equal samples, so that their mean is 0 and their variance exact at any n (a degenerate
    U-statistic): a scaled chi-square gives the p-value. A Student law is first mapped radially to a normal one. Ranks
    blur close relations; where that would show, normal noise hides them, and ``note`` says so.

    It does not see what has no moments of degree 3 or 4, such as fast oscillations, nor small deviations at small n.

    Args:
        x_scores: (n, dx) data, normal scores of their ranks, or Student scores of ``nu`` degrees of freedom.
        y_scores: (n, dy) the same of y.
        nu: degrees of freedom, ``inf`` for the normal law.

    Raises:
        InputError: fewer samples than dimensions.
    """
    x, y = (_reduced(np.asarray(a, np.float64), nu) for a in (x_scores, y_scores))
    n, p, q = len(x), x.shape[1], y.shape[1]
    if not p or not q:
        return EllipticalTest(1.0, True, note="One side is constant.")
    if p + q > n - 2:
        raise InputError(f"elliptical_test needs more samples than dimensions, got {n} of {p} + {q} dimensions.")
    relation = canonical(x, y) if math.isinf(nu) else _radially_normal(x, y, nu)
    ranked = any(_is_ranked(np.asarray(a), nu).any() for a in (x_scores, y_scores))
    missed = _unnoticed(n, min(p, _SIDE), min(q, _SIDE))
    note = f"About {missed:.1g} nats that are not linear would not be noticed." if missed > _NOTICED else ""
    if ranked and (finest := _finest(n)) > math.sqrt(relation.gaps.min()):
        relation = _hidden(relation, finest)
        note = (
            f"{note} Relations closer than {finest:.2g} standard deviations were not tested: ranks blur them.".strip()
        )
    skewness, kurtosis = _moments(relation)
    radius = _common_scale(relation)
    p_value = min(1.0, 3.0 * min(skewness, kurtosis, radius))
    return EllipticalTest(p_value, p_value >= LEVEL, skewness, kurtosis, radius, note, missed)


def _reduced(scores: np.ndarray, nu: float) -> np.ndarray:
    """(n, rank) coordinates of full rank: of ranks without what they cannot resolve."""
    ranked = _is_ranked(scores, nu)
    return scores @ resolved(rank_scores(scores)) if ranked.any() else whiten(scores).values


def _is_ranked(scores: np.ndarray, nu: float) -> np.ndarray:
    """(d,) whether columns of (n, d) are scores of ranks without ties: their sum of squares tells."""
    n = len(scores)
    expected = (quantile((np.arange(n) + 0.5) / n, nu) ** 2).sum()
    return np.abs((scores**2).sum(axis=0) - expected) < 1e-9 * expected


def _radially_normal(x: np.ndarray, y: np.ndarray, nu: float) -> Canonical:
    """Canonical coordinates of x and y after the map of radii that makes the fitted Student law normal."""
    relation = rotated(x, y, scatter(np.concatenate([x, y], axis=1), nu))
    joint = _joint(relation)
    dim = joint.shape[1]
    length = np.maximum((joint**2).sum(axis=1), 1e-300)
    tail = np.clip(fdtrc(dim, nu, length / dim), 1e-300, 1.0)
    stretch = np.sqrt(chdtri(dim, tail) / length)[:, None]
    u, v = stretch * relation.u, stretch * relation.v
    return canonical(u - u.mean(axis=0), v - v.mean(axis=0))


def _finest(n: int) -> float:
    """(1 - r^2)^1/2 at which the blur of ranks, see ``copula.sharpened``, shifts a fourth moment by _BLUR."""
    return 1.0 / (1.0 + 0.5 * _BLUR * math.sqrt(n / (2.0 * math.log(n))))


def _hidden(relation: Canonical, finest: float) -> Canonical:
    """The same with independent noise on pairs closer than ``finest``, which then are as close as that."""
    r = relation.correlation
    variance = np.maximum(r / math.sqrt(1.0 - finest**2) - 1.0, 0.0)
    random = np.random.default_rng([len(relation.u), len(r)])
    sides = []
    for side in (relation.u, relation.v):
        noisy = side.copy()
        noisy[:, : len(r)] += np.sqrt(variance) * random.standard_normal((len(side), len(r)))
        sides.append(noisy - noisy.mean(axis=0))
    return canonical(sides[0], sides[1])


def _joint(relation: Canonical) -> np.ndarray:
    """(n, p + q) coordinates of unit covariance: u, then what v has beyond u."""
    r, pairs = relation.correlation, len(relation.correlation)
    rest = (relation.v[:, :pairs] - r * relation.u[:, :pairs]) / np.sqrt(relation.gaps)
    return np.concatenate([relation.u, rest, relation.v[:, pairs:]], axis=1)


def _moments(relation: Canonical) -> tuple[float, float]:
    """p-values of the third and fourth moments of the closest canonical pairs."""
    p, q = (min(rank, _SIDE) for rank in relation.ranks)
    r = relation.correlation[:_SIDE]
    pairs = len(r)
    u, v = relation.u[:, :p], relation.v[:, :q]
    joint = _joint(relation)[:, np.r_[:p, relation.ranks[0] : relation.ranks[0] + q]]
    of_x, of_y = coefficients(u), coefficients(v)
    sums = squares(coefficients(joint)) - squares(of_x) - squares(of_y) + 2.0 * products(of_x, of_y, r)
    own = [same_sample(side, side, np.ones(side.shape[1])) for side in (joint, u, v)]
    excess = len(u) * sums - (own[0] - own[1] - own[2] + 2.0 * same_sample(u[:, :pairs], v[:, :pairs], r))
    # 1 - P - Q has eigenvalues 1 off both ranges and -+r^a on them: the traces of its square and of its fourth power.
    free = np.array([_mixed(p, q, degree) for degree in (3, 4)])
    square, fourth = free + 2.0 * complete(r**2), free + 2.0 * complete(r**4)
    third, last = chdtrc(square**2 / fourth, np.maximum(0.0, (excess + square) * square / fourth))
    return float(third), float(last)


def _mixed(p: int, q: int, degree: int) -> int:
    """Moments of a degree that take in both p columns of x and q of y."""
    return sum(sign * math.comb(d + degree - 1, degree) for d, sign in ((p + q, 1), (p, -1), (q, -1)))


def _unnoticed(n: int, p: int, q: int) -> float:
    """Nats beyond the normal law's that are found half the time, if half of them are in moments of degree 4."""
    return 2.7 * math.sqrt(2.0 * _mixed(p, q, 4)) / n


def _common_scale(relation: Canonical) -> float:
    """p-value of the radial moment of degree 4 of x and y together less that of each, over all dimensions."""
    n, (p, q), r2 = len(relation.u), relation.ranks, relation.correlation**2
    joint, of_x, of_y = (_radial(side) for side in (_joint(relation), relation.u, relation.v))
    own = (p + q) * (p + q + 2.0) - p * (p + 2.0) - q * (q + 2.0)
    variance = 8.0 * own + 32.0 * float((r2**2).sum()) + 16.0 * float(r2.sum()) ** 2
    mean = float((joint - of_x - of_y).mean()) + 2.0 * own / (
        n + 1.0
    )  # whitened by itself a sample is this much flatter
    return float(2.0 * ndtr(-abs(mean) / math.sqrt(variance / n)))


def _radial(z: np.ndarray) -> np.ndarray:
    """(n,) Hermite polynomial of degree 4 in the length of the rows of (n, d), of variance 8 d (d + 2)."""
    dim = z.shape[1]
    length = (z * z).sum(axis=1)
    return length**2 - 2.0 * (dim + 2.0) * length + dim * (dim + 2.0)
