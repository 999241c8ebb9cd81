"""Statistics over networks whose interval needs a bootstrap: rank correlations, ratios of spreads."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.stats import rankdata

from .verdicts import Mean

_RESAMPLES = 2000


def rank_correlation(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Spearman's rank correlation along the last axis, ties at their mean rank; nan where one of them is constant.

    Args:
        x: (..., n).
        y: (..., n).
    """
    ranks = [rankdata(values, axis=-1) for values in np.broadcast_arrays(x, y)]
    across, along = (rank - rank.mean(axis=-1, keepdims=True) for rank in ranks)
    spread = np.sqrt((across**2).sum(axis=-1) * (along**2).sum(axis=-1))
    return np.divide((across * along).sum(axis=-1), spread, out=np.full(spread.shape, np.nan), where=spread > 0)


def bootstrapped(statistic: Callable[[np.ndarray], np.ndarray], networks: int, *, seed: int = 0) -> Mean:
    """A statistic of some networks with its 95 % percentile interval over 2,000 resamples of them.

    Args:
        statistic: called with (r, networks) positions, gives (r,) values; nan values are left out.
        networks: how many there are.
        seed: of the resamples.
    """
    random = np.random.default_rng([seed, 0xB0075])
    here = float(statistic(np.arange(networks)[None])[0])
    found = np.asarray(statistic(random.integers(networks, size=(_RESAMPLES, networks))), np.float64)
    found = found[np.isfinite(found)]
    if not len(found) or networks < 2:
        return Mean(here, float("nan"), float("nan"))
    low, high = np.percentile(found, [2.5, 97.5])
    return Mean(here, float(low), float(high))
