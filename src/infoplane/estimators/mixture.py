"""Mutual information of partly discrete data, from nearest neighbours that may coincide."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy.special import digamma

from ..errors import Refusal
from ..samples import Variable, moderate, whole
from . import neighbours, shuffles
from .base import Density, Pointwise
from .doubts import copied_samples, unlike_columns

_ATOM, _SEEN = 0.05, 30  # share of the samples, and how many, from which a repeated value is an atom
_FAR = 2.0**40  # between samples of different classes, in units in which a continuous variable has unit spread
_CLOSE = "Its standard error ignores that neighbours share noise: the true spread is up to 1.5 times as large."


@dataclass(frozen=True)
class Mixture(Pointwise):
    """Nearest-neighbour information where variables are continuous, discrete, or partly both.

    Every sample has a ball, in the maximum norm of the pair, out to its k-th nearest other. The local information is
    ``psi(k) + psi(n) - psi(n_x + 1) - psi(n_y + 1)`` with n_x, n_y the others closer than its radius in x and in y
    alone. Where others lie at that very distance, as on a lattice, all three are counted in the closed ball; where the
    radius is 0, the sample is an atom and says ``ln(n_xy n / n_x n_y)``. After Gao, Kannan, Oh & Viswanath
    (arXiv:1709.06212). For continuous data it is the first algorithm of Kraskov (arXiv:cond-mat/0305641), for labels
    that of Ross (PLoS ONE 9(2) e87357), for discrete data the plug-in estimate.

    Takes ties, duplicates and integers passed as floats. An atom, a value that 5 % of the samples share, is moved away
    from the continuous values it lies amid, which changes no information and much of the bias (ours). Classes of other
    values are infinitely far; a class with fewer than k + 1 samples uses all of them, a class of one is dropped with a
    warning. Each variable is scaled by a power of two to about unit spread; its columns are compared as they are.
    Copies of samples (a bootstrap, oversampling) count as ties that tell: the value is far too high, and a warning says
    so. Low at high information, as all of its kin: 1.6 at 2 nats and 4.5 at 6 nats in 4+4 dimensions, n = 5,000. Cost:
    nearest neighbours of n points, counts twice where there are ties.

    Attributes:
        k: neighbours; fewer have more noise, more have more bias.
    """

    needs_input: ClassVar[bool] = True
    k: int = 3

    def __post_init__(self) -> None:
        whole(self.k, "Mixture's k", low=1)

    def density(self, x: Variable, y: Variable, *, seed: int = 0) -> Density:
        if x.n <= self.k:
            raise Refusal(f"Mixture(k={self.k}) needs more than {self.k} samples, got {x.n}; use a smaller k.")
        sides = _Side.of(x), _Side.of(y)
        both = np.concatenate([side.values for side in sides], axis=1)
        radius, k = _balls(neighbours.distances(both, self.k, "max"))
        if x.kind == y.kind == "discrete":
            radius, k = np.zeros(x.n), np.maximum(k, 1)  # every sample is an atom, however rare
        kept = k > 0
        if not kept.any():
            raise Refusal(
                "Mixture needs classes with several samples and here every sample is a class of its own; "
                "pass what tells them apart as floats, or use Binned() or PairwiseBounds()."
            )
        warnings = [*copied_samples(x, y)]
        for v in (x, y):
            if v.kind == "continuous":  # as they came: atoms are far away by now
                warnings += unlike_columns(v.name, moderate(v).values, "Mixture", "give them unit variance")
        if not kept.all():
            warnings.append(f"{(~kept).sum()} of {x.n} samples are alone in their class and dropped.")
        terms = _terms(*sides, both[None], radius[None], k[None])[0]
        return Density(terms[kept], (_CLOSE,), tuple(warnings))

    def shuffled(self, x: Variable, y: Variable, orders: Iterable[np.ndarray], *, seed: int = 0) -> np.ndarray:
        """(orders,) values with y in other orders; what belongs to x or to y alone is found once."""
        if x.n <= self.k or x.kind == y.kind == "discrete":
            return super().shuffled(x, y, orders, seed=seed)
        first, second = _Side.of(x), _Side.of(y)
        points, others = shuffles.Side(first.values), shuffles.Side(second.values)
        first = dataclasses.replace(first, count=points.counts)
        values = []
        for together, found in shuffles.nearest(points, others, orders, self.k):
            radii, used = _balls(found)
            if not (used > 0).any(axis=1).all():  # an order leaves no sample, which is refused in a sentence
                return super().shuffled(x, y, together, seed=seed)
            ordered = second.ordered(others, together)
            both = (np.concatenate([first.values, second.values[order]], axis=1) for order in together)
            terms = _terms(first, ordered, both, radii, used)
            values += [one[kept].mean() for one, kept in zip(terms, used > 0, strict=True)]
        return np.array(values)


def _balls(found: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Distance to the last neighbour used, of (..., k), and how many they are: k, or all of a smaller class."""
    k = (found < _FAR / 2).sum(axis=-1)
    return np.take_along_axis(found, np.maximum(k, 1)[..., None] - 1, axis=-1)[..., 0], k


@dataclass(frozen=True, eq=False)
class _Side:
    """One variable as floats whose distances tell what is near: classes far apart, continuous values as they are.

    Attributes:
        values: (n, d) coordinates.
        others: (n,) other samples of the same class, where the variable is discrete; (c, n) of c orders.
        tied: a continuous value is seen twice.
        count: (c, n) others strictly closer than radii (c, n).
    """

    values: np.ndarray
    others: np.ndarray | None
    tied: bool
    count: Callable[[np.ndarray], np.ndarray]

    @classmethod
    def of(cls, x: Variable) -> _Side:
        if x.kind == "discrete":
            codes = x.codes[:, None] * _FAR
            return cls(codes, np.bincount(x.codes)[x.codes] - 1, False, _counts_of(codes))
        values = np.asarray(moderate(x).values, np.float64)
        spread = float(values.std(axis=0).max())
        # A power of two changes no digit, so that equal distances stay equal.
        values = _atoms_apart(np.ldexp(values, -math.frexp(spread)[1]) if spread > 0 else values)
        tied = any(len(np.unique(column)) < len(column) for column in values.T)
        return cls(values, None, tied, _counts_of(values))

    def ordered(self, points: shuffles.Side, orders: np.ndarray) -> _Side:
        """The same in orders (c, n), counting in what is known of its points already."""
        others = None if self.others is None else self.others[orders]
        return dataclasses.replace(self, others=others, count=lambda radii: points.counts(radii, orders))

    def closer(self, radii: np.ndarray) -> np.ndarray:
        """(c, n) others strictly closer than radii that are 0 only where none is meant to be."""
        return self.count(radii) if self.others is None else np.where(radii > 0, self.others, 0)


def _counts_of(values: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    return lambda radii: np.stack([neighbours.counts(values, radius) for radius in radii])


def _atoms_apart(values: np.ndarray) -> np.ndarray:
    """The (n, d) values with every atom of a column far from all else.

    Whether a value is an atom can be read from the value, so the information is the same; but left in place an atom
    crowds the balls of continuous samples beside it, which then read low (by 0.2 of 0.9 nats at n = 2,000, half atoms).
    """
    least = max(_ATOM * len(values), _SEEN)
    for column in range(values.shape[1]):
        distinct, place, often = np.unique(values[:, column], return_inverse=True, return_counts=True)
        atoms = np.flatnonzero(often >= least)
        if not atoms.size or len(distinct) == 1:
            continue
        moved = distinct.copy()
        moved[atoms] = _FAR * (1.0 + np.arange(atoms.size))
        values = values.copy()
        values[:, column] = moved[place]
    return values


def _terms(x: _Side, y: _Side, both: Iterable[np.ndarray], radii: np.ndarray, k: np.ndarray) -> np.ndarray:
    """(c, n) local information of balls that hold k others (c, n), ties seen to.

    Args:
        x, y: the sides, in c orders.
        both: c times the coordinates (n, d) of both.
        radii, k: (c, n).
    """
    n = radii.shape[1]
    in_x, in_y = x.closer(radii), y.closer(radii)
    terms = digamma(np.maximum(k, 1)) + digamma(n) - digamma(in_x + 1) - digamma(in_y + 1)
    # In continuous data two samples may share a radius, rarely more; a lattice has few.
    doubtful = np.array([x.tied or y.tied or len(np.unique(radius)) < n / 3 for radius in radii])
    if not doubtful.any():
        return terms
    outside = np.nextafter(radii, np.inf)
    together = np.stack([neighbours.counts(points, radius) for points, radius in zip(both, outside, strict=True)])
    all_x, all_y = x.closer(outside), y.closer(outside)
    # In continuous data the k-th neighbour alone lies on the edge of a marginal's ball.
    tied = (together > k) | (all_x > in_x + 1) | (all_y > in_y + 1)
    closed = digamma(np.maximum(together, 1)) + digamma(n) - digamma(all_x + 1) - digamma(all_y + 1)
    counted = np.log1p(together) + math.log(n) - np.log1p(all_x) - np.log1p(all_y)
    seen_to = np.where(radii == 0, counted, np.where(tied, closed, terms))
    return np.where(doubtful[:, None], seen_to, terms)
