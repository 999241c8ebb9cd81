"""Tables of numbers over (quantity, ..., time): the values at the best time, and how one thing ranks another."""

from __future__ import annotations

import numpy as np
import xarray as xr
from scipy.stats import rankdata

_DIGITS = 9  # binary fractions that agree to so many decimal places differ by rounding alone: a tie


def at_best(table: xr.Dataset, name: str, *dims: str) -> np.ndarray:
    """(dims) values of a quantity at the time of the least test loss.

    Args:
        table: ``value`` over (quantity, dims, time), ``loss_gibbs`` among the quantities.
        name: of the quantity.
        dims: the order of the others.
    """
    values = table["value"].transpose("quantity", *dims, "time")
    best = values.sel(quantity="loss_gibbs").to_numpy().argmin(axis=-1)[..., None]
    return np.take_along_axis(values.sel(quantity=name).to_numpy(), best, axis=-1)[..., 0]


def spearman(values: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Spearman's rank correlation along the last axis; 0 where one of them does not change.

    Args:
        values, other: arrays that broadcast, of one length along the last axis.
    """
    one, two = _ranks_about_middle(values), _ranks_about_middle(other)
    size = np.sqrt((one**2).sum(axis=-1) * (two**2).sum(axis=-1))
    return np.divide((one * two).sum(axis=-1), size, out=np.zeros_like(size), where=size > 0)


def _ranks_about_middle(values: np.ndarray) -> np.ndarray:
    mantissa, exponent = np.frexp(values)
    ranks = rankdata(np.ldexp(np.round(mantissa, _DIGITS), exponent), axis=-1)
    return ranks - ranks.mean(axis=-1, keepdims=True)
