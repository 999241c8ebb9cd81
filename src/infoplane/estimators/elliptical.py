"""Normal and Student laws fitted to samples, and the information they have."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from ..laws.student import radial_information
from .canonical import Canonical, information_bias, null_shrinkage, null_variance, rotated
from .copula import scores_at, sharpened
from .student import degrees_of_freedom, independent_columns, scatter


class Fit(NamedTuple):
    """An elliptical law fitted to samples, and the information it has.

    Attributes:
        terms: (n,) information density; their mean is the estimate.
        variance: squared standard error of the estimate.
        correlation: canonical correlations, descending.
        ranks: dimensions of x and of y that were kept.
        nu: degrees of freedom, ``inf`` for the normal law.
        bias: nats that finite n adds and that were subtracted.
        blur: factor by which ranks enlarged the smallest 1 - r^2, undone.
        notes: what was found instead of an estimate.
        warnings: what ranks may have spoilt.
    """

    terms: np.ndarray
    variance: float
    correlation: np.ndarray
    ranks: tuple[int, int]
    nu: float = math.inf
    bias: float = 0.0
    blur: float = 1.0
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def normal_fit(relation: Canonical, ranked: bool = False) -> Fit:
    """Terms and error of the normal law.

    The influence of a sample on the value is its information density less the mean, of variance sum r^2, too large by
    what chance adds to correlations; where there are none, what is left is the spread of sums of squares.
    """
    n, (p, q) = len(relation.u), relation.ranks
    deviation = _quadratic(relation)
    gaps, blur = sharpened(relation.gaps, n) if ranked else (relation.gaps, np.ones(1))
    uncorrected = -0.5 * float(np.log(relation.gaps).sum())
    bias = information_bias(n, p, q) + uncorrected + 0.5 * float(np.log(gaps).sum())
    share = null_shrinkage(relation.correlation, n, p, q)
    variance = (float(deviation.var()) / n * share + null_variance(n, p, q)) * float((blur**2).mean())
    terms = deviation + uncorrected - bias
    return Fit(terms, variance, relation.correlation, (p, q), math.inf, bias, float(blur.max()))


def student_fit(ranks: list[np.ndarray], maps: list[np.ndarray]) -> Fit | None:
    """Terms and error of the Student law on scores of the degrees of freedom found; None where they are infinite.

    An affine equivariant scatter has the canonical correlations of a normal sample of n / sigma, sigma being n times
    the variance of a correlation where it is 0: bias and spread are the normal law's at that size. The spread that the
    degrees of freedom bring is independent of it and adds.
    """
    pieces = zip(ranks, maps, strict=True)
    chosen = [r[:, independent_columns(scores_at(r, math.inf), m.shape[1])] for r, m in pieces]
    nu, inverse_error = degrees_of_freedom(np.concatenate(chosen, axis=1))
    if math.isinf(nu):
        return None
    relation, value, blur = _student_relation(ranks, maps, nu)
    n, (p, q) = len(relation.u), relation.ranks
    quadratic = _quadratic(relation)
    length_x, length_y = (relation.u**2).sum(axis=1), (relation.v**2).sum(axis=1)
    length = length_x + length_y - 2.0 * quadratic
    terms = _log1p(length_x, nu, p) + _log1p(length_y, nu, q) - _log1p(length, nu, p + q)
    sigma = (nu + p + q + 2.0) / (nu + p + q)
    deviation = sigma * (nu + p + q) / (nu + length) * quadratic
    share = null_shrinkage(relation.correlation, n, p, q)
    variance = float((deviation**2).mean()) / n * share + sigma**2 * null_variance(n, p, q)
    slope = (value - _student_relation(ranks, maps, nu / 0.9)[1]) / (0.1 / nu)
    bias = sigma * information_bias(n, p, q)
    return Fit(
        terms=terms - terms.mean() + value - bias,
        variance=variance * float((blur**2).mean()) + (slope * inverse_error) ** 2,
        correlation=relation.correlation,
        ranks=(p, q),
        nu=nu,
        bias=bias - 0.5 * float(np.log(blur).sum()),
        blur=float(blur.max()),
    )


def _student_relation(
    ranks: list[np.ndarray], maps: list[np.ndarray], nu: float
) -> tuple[Canonical, float, np.ndarray]:
    """Canonical coordinates on scores of ``nu`` degrees of freedom, the information of that law, and the blur."""
    u, v = (scores_at(r, nu) @ m for r, m in zip(ranks, maps, strict=True))
    relation = rotated(u, v, scatter(np.concatenate([u, v], axis=1), nu))
    gaps, blur = sharpened(relation.gaps, len(u))
    return relation, radial_information(nu, *relation.ranks) - 0.5 * float(np.log(gaps).sum()), blur


def _log1p(length: np.ndarray, nu: float, dim: int) -> np.ndarray:
    return 0.5 * (nu + dim) * np.log1p(length / nu)


def _quadratic(relation: Canonical) -> np.ndarray:
    """(n,) deviations of the normal information density from its mean."""
    r, k = relation.correlation, len(relation.correlation)
    u, v = relation.u[:, :k], relation.v[:, :k]
    return (u * v) @ (r / relation.gaps) - (u * u + v * v) @ (r**2 / (2.0 * relation.gaps))
