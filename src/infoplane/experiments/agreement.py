"""How far means of estimates over repetitions lie from the truth, and how far chance lets them."""

from __future__ import annotations

import math

import numpy as np
import xarray as xr
from scipy.special import chdtri, ndtri

_FAMILY = 0.05  # probability that any of all comparisons goes wrong by chance


def scores(error: xr.DataArray, stderr: xr.DataArray) -> xr.DataArray:
    """Mean error over ``seed``, in units of the standard error that single standard errors give this mean.

    Args:
        error: estimates less truths, independent over ``seed``.
        stderr: their standard errors, of the same dimensions.
    """
    return error.sum("seed") / np.sqrt((stderr**2).sum("seed"))


def normal_limit(comparisons: int) -> float:
    """Largest |z| of so many comparisons that chance exceeds in 5 % of cases at most (Bonferroni)."""
    return float(ndtri(1.0 - _FAMILY / (2.0 * comparisons)))


def information_limits(comparisons: int, seeds: int) -> tuple[float, float]:
    """Least and largest z of mean estimates of mutual information that chance exceeds in 5 % of cases at most.

    Far from independence an estimate is normal. At independence of n samples of two scalars 2n I is chi-squared with
    one degree of freedom, less its mean: nothing is more skewed to the right. A mean over independent estimates lies
    between the two, so the upper limit is that of a chi-squared sum and the lower one the normal law's (Bonferroni over
    both sides).

    Args:
        comparisons: how many means are compared.
        seeds: estimates in each mean.
    """
    tail = _FAMILY / (2.0 * comparisons)
    upper = (float(chdtri(seeds, tail)) - seeds) / math.sqrt(2.0 * seeds)
    return -normal_limit(comparisons), max(upper, normal_limit(comparisons))
