"""Curves over the trade-off and what lies between two of them at equal rate, seed by seed."""

from __future__ import annotations

import itertools
from typing import NamedTuple

import numpy as np
import xarray as xr

from .verdicts import Mean, mean_over_seeds

AXES = {
    "conditional": "conditional rate, bound of I(X;Z|Y)",
    "marginal": "rate, bound of I(X;Z)",
    "sandwich": "I(X;Z) between bounds without a prior",
}
_LEAST = 0.1  # nats: below it an encoder knows nothing, and its rate is what the prior misses
_APART = 0.3  # nats between the ends of the sandwich, beyond which its middle is no value of I(X;Z)
_PLACES = 25


class Between(NamedTuple):
    """Differences of I(Z;Y) at equal rate.

    Attributes:
        rates: (n,) equal steps of the logarithm over what all curves have in common, nats.
        values: (seed, n) nats.
    """

    rates: np.ndarray
    values: np.ndarray

    @property
    def mean(self) -> Mean:
        """Over the common range, each seed on its own."""
        return mean_over_seeds(self.values.mean(axis=1))

    @property
    def told(self) -> str:
        """The mean, and the largest differences either way with their places."""
        each = [mean_over_seeds(column) for column in self.values.T]
        low, high = (find([one.value for one in each]) for find in (np.argmin, np.argmax))
        least, most = (f"{each[k]} at {self.rates[k]:.3g}" for k in (low, high))
        return f"{self.mean}; least {least}, most {most}; rates {self.rates[0]:.3g} to {self.rates[-1]:.3g}"


def held_out(plane: xr.Dataset) -> xr.Dataset:
    """The trained models on test images, with ``mi_target`` the largest of all lower bounds of I(Z;Y).

    Those are the fit's own (classifier and read-out), the classifier that the classes' laws of z are, and a small
    network that is the same for all models. ``mi_sandwich`` is the middle of the sandwich where its ends are near.
    """
    last = plane.isel(epoch=-1).sel(split="test", drop=True)
    known = np.maximum(np.maximum(last.mi_target, last.generative), last.common)
    middle = 0.5 * (last.sandwich_lower + last.sandwich_upper)
    near = last.sandwich_upper - last.sandwich_lower <= _APART
    return last.assign(own=last.mi_target, mi_target=known, mi_sandwich=middle.where(near))


def names(plane: xr.Dataset) -> list[str]:
    """The objectives."""
    return [str(name) for name in plane.objective.values]


def of(models: xr.Dataset, name: str, variable: str) -> np.ndarray:
    """(seed, beta) values of one objective, over the betas it has."""
    values = models[variable].sel(objective=name).transpose("seed", "beta").to_numpy()
    have = np.isfinite(models["loss"].sel(objective=name).transpose("seed", "beta").to_numpy()).all(axis=0)
    return values[:, have]


def betas(models: xr.Dataset, name: str) -> np.ndarray:
    """Those an objective has."""
    have = np.isfinite(models["loss"].sel(objective=name).transpose("seed", "beta").to_numpy()).all(axis=0)
    return models.beta.to_numpy()[have]


def axis_of(axis: str) -> str:
    """The variable that an axis shows."""
    return {"conditional": "rate_conditional", "marginal": "mi_input", "sandwich": "mi_sandwich"}[axis]


def between(models: xr.Dataset, one: str, other: str, axis: str, target: str = "mi_target") -> Between:
    """I(Z;Y) of one objective less that of another, at equal rates over the range that all seeds of both have.

    Along each curve it is interpolated in the logarithm of the rate, between models of neighbouring rates.

    Args:
        models: as :func:`held_out` gives it.
        one, other: objectives.
        axis: of AXES.
        target: the variable compared.
    """
    curves = [
        [_curve(x, y) for x, y in zip(of(models, name, axis_of(axis)), of(models, name, target), strict=True)]
        for name in (one, other)
    ]
    ends = [(log_rates[0], log_rates[-1]) for log_rates, _ in itertools.chain(*curves) if len(log_rates)]
    low = max([np.log(_LEAST), *(first for first, _ in ends)])
    high = min([last for _, last in ends], default=-np.inf)
    if len(ends) < sum(map(len, curves)) or not low < high:  # a curve without a point, or nothing in common
        return Between(np.array([np.nan]), np.full((len(curves[0]), 1), np.nan))
    places = np.linspace(low, high, _PLACES)
    first, second = (np.stack([np.interp(places, *curve) for curve in some]) for some in curves)
    return Between(np.exp(places), first - second)


def _curve(rates: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Logarithms of rates that rise, and values, without what is not known."""
    fine = np.isfinite(rates) & np.isfinite(values) & (rates > 0)
    order = np.argsort(rates[fine])
    return np.log(rates[fine][order]), values[fine][order]
