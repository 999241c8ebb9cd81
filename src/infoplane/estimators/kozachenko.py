"""Mutual information from Kozachenko-Leonenko entropies: distances to the k-th nearest neighbour."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Self, TypeVar

import numpy as np
from scipy.special import digamma, gammaln

from ..errors import InputError, Refusal
from ..samples import is_real, whole
from . import neighbours
from .doubts import lost_dimensions
from .entropies import Entropies, Surprisals

_Leaf = TypeVar("_Leaf", bound=Entropies)
OFFSET = "Plain neighbours"  # how the warning begins of what Debiased removes
_ROWS = 100_000  # samples whose neighbours are worked on at once
_FEW = 5  # a term has at least this many samples a neighbour, or k is lowered


@dataclass(frozen=True)
class KozachenkoLeonenko(Entropies):
    """I = h(X) + h(Y) - h(X, Y), each entropy from the distance to the k-th nearest neighbour, whitened on its own.

    The density at a sample is ``ln f = psi(k) - ln V_d - d ln rho_k - ln(n - 1)`` with rho_k the Euclidean distance to
    its k-th nearest other sample and V_d the volume of the unit ball (Kozachenko & Leonenko 1987); ``h = -mean ln f``.
    One discrete variable makes it ``h(T) - sum_y p(y) h(T | y)``. Standard error of the jackknife.

    Good to 0.1 nat up to four dimensions, x and y together; from there a smoothing offset grows on bounded supports
    (-0.6 nat at 4+4 uniform, n = 5,000), which ``Debiased`` and ``WeightedKL`` remove. Refuses above 12 dimensions and
    where neighbours coincide. +inf where x and y are linearly related. Cost: nearest neighbours of n points.

    Attributes:
        k: the neighbour used; lowered, with a note, where a term has fewer than 5 k samples.
        whiten: measure in coordinates of unit covariance; without, high information is underestimated by nats.
        jitter: noise added first, in units of each column's standard deviation, to tell duplicates apart; 1e-10 is
            usual. The value then depends on the seed.
    """

    k: int = 5
    whiten: bool = True
    jitter: float = 0.0

    def __post_init__(self) -> None:
        check_settings(self)

    def settled(self, smallest: int, dim: int, x: np.ndarray | None = None) -> tuple[Self, tuple[str, ...]]:
        return fewer_neighbours(self, smallest)

    def surprisals(self, x: np.ndarray) -> Surprisals:
        found = from_neighbours(x, single(self.k))
        if x.shape[1] <= 5:
            return found
        offset = (
            f"{OFFSET} in {x.shape[1]} dimensions carry an offset, up to -0.6 nat on bounded supports: "
            "compare Debiased(KozachenkoLeonenko()) or WeightedKL()."
        )
        return found._replace(warnings=(*found.warnings, offset))


def check_settings(estimator: Entropies) -> None:
    """Check the settings all neighbour estimators share.

    Raises:
        InputError: k below 1, or jitter that is no number of 0 or more.
    """
    who, jitter = type(estimator).__name__, estimator.jitter
    whole(getattr(estimator, "k"), f"{who}'s k", low=1)  # noqa: B009
    if not is_real(jitter) or not 0.0 <= jitter < 1.0:
        raise InputError(f"{who} needs a jitter from 0 to below 1, in standard deviations (1e-10), got {jitter!r}.")
    if not isinstance(estimator.whiten, bool):
        raise InputError(f"{who}'s whiten is True or False, got {estimator.whiten!r}.")


def fewer_neighbours(estimator: _Leaf, smallest: int) -> tuple[_Leaf, tuple[str, ...]]:
    """The estimator with a k that ``smallest`` samples can bear: near their cube root, at least 5.

    Raises:
        Refusal: fewer samples than that.
    """
    k = getattr(estimator, "k")  # noqa: B009
    if k * _FEW <= smallest:
        return estimator, ()
    lower = min(k, max(5, round(smallest ** (1 / 3))))
    if smallest <= lower:
        raise Refusal(
            f"{type(estimator).__name__}(k={k}) needs more than {lower} samples in every class and in all, "
            f"got {smallest}; merge or drop rare classes, use a smaller k, or Mixture()."
        )
    if lower == k:
        return estimator, ()
    note = f"k = {lower} instead of {k} in every term: the smallest has {smallest} samples."
    return dataclasses.replace(estimator, k=lower), (note,)


def single(k: int) -> np.ndarray:
    """(k,) weights that use the k-th neighbour only."""
    weights = np.zeros(k)
    weights[-1] = 1.0
    return weights


def from_neighbours(x: np.ndarray, weights: np.ndarray) -> Surprisals:
    """-ln f at every sample of x, (n, d), as the weighted mean of what its nearest neighbours say.

    Args:
        x: (n, d) float64.
        weights: (k,) of sum 1.

    Raises:
        Refusal: neighbours that carry weight coincide.
    """
    n, d = x.shape
    k = len(weights)
    if n <= k:
        raise Refusal(f"{k} nearest neighbours need more than {k} samples, got {n}; use a smaller k.")
    first = int(np.flatnonzero(weights)[0])
    rho, others = neighbours.named(x, k + 1)  # one more: it takes the place of one that is left out
    twins = int((rho[:, 0] == 0).sum())
    if (rho[:, first] == 0).any():
        raise Refusal(
            f"{twins} of {n} rows are duplicates, {int((rho[:, first] == 0).sum())} with a needed neighbour at "
            "distance zero, so there is no density; drop exact copies of samples first, or use Mixture() for partly "
            "discrete data, or jitter=1e-10."
        )
    volume = d / 2 * math.log(math.pi) - gammaln(d / 2 + 1)
    used, ranks = weights[first:], digamma(np.arange(first + 1, k + 1))
    log_density, gained = np.empty(n), np.zeros(n)
    for start in range(0, n, _ROWS):
        part = slice(start, start + _ROWS)
        logs = d * np.log(rho[part, first:])
        log_density[part] = (ranks - logs[:, :-1]) @ used - volume - math.log(n - 1)
        gained += _gained_without(logs, used, others[part, :k], first, n)
    notes, warnings = _twin_doubts(twins, n)
    spare = n > k + 1  # else nobody takes the place of one that is left out
    influence = -log_density - gained if spare else None
    return Surprisals(-log_density, notes, (*warnings, *lost_dimensions(rho[:, :k], d)), influence)


def _gained_without(logs: np.ndarray, weights: np.ndarray, others: np.ndarray, first: int, n: int) -> np.ndarray:
    """(n,) what the terms of some samples together would gain if another sample were left out.

    Where it is the r-th neighbour of one, that one's neighbours from the r-th on give way to the next.

    Args:
        logs: (m, k + 1 - first) d ln rho from the rank ``first`` (from 0) on.
        weights: (k - first,) of these ranks but the last.
        others: (m, k) rows of the neighbours.
        first: rank of the first weight that is not 0.
        n: samples.
    """
    steps = np.diff(logs, axis=1) * weights
    gains = np.empty(others.shape)
    gains[:, first:] = steps[:, ::-1].cumsum(axis=1)[:, ::-1]
    gains[:, :first] = gains[:, first : first + 1]
    return np.bincount(others.ravel(), weights=gains.ravel(), minlength=n)


def _twin_doubts(twins: int, n: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
    if not twins:
        return (), ()
    text = (
        f"{twins} of {n} rows have a duplicate: continuous data have none; drop copies, or use Mixture() for real ties."
    )
    return ((), (text,)) if twins > 0.01 * n else ((text,), ())
