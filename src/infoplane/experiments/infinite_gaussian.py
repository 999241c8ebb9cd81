"""Infinitely wide ensembles on a problem whose optimal curve is known, over training time."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from .. import plots
from ..bottleneck import gaussian_curve
from ..infinite import Dense, Ensemble, repeated
from .base import Claim, Experiment, Run, sizes
from .infinite_claims import gaussian_claims

if TYPE_CHECKING:
    from matplotlib.figure import Figure

INPUTS, SHARE = 30, 0.9  # dimensions of X; R^2 of Y on X
NETS = {
    **{f"erf-{std:g}": Dense(2, "erf", std, 0.1) for std in (0.5, 1.0, 1.5, 2.0)},
    **{f"relu-{std:g}": Dense(2, "relu", std, 0.1) for std in (0.5, 1.0, 1.5)},
}
ENTROPY = 0.5 * np.log(2.0 * np.pi * np.e)  # of Y, whose variance is 1
_JOINT = (1e-2, 1.0, 1e2, 1e4, 1e8)  # times at which joint quantities are measured


def draw(seed: int, n: int, m: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """A data set: X ~ N(0, I), Y = sqrt(0.9) w.X + sqrt(0.1) noise with |w| = 1; (x, y) to train on and to look at."""
    random = np.random.default_rng(seed)
    w = random.standard_normal(INPUTS)
    w /= np.linalg.norm(w)
    found: list[np.ndarray] = []
    for size in (n, m):
        x = random.standard_normal((size, INPUTS))
        noise = random.standard_normal(size)
        found += [x, np.sqrt(SHARE) * x @ w + np.sqrt(1.0 - SHARE) * noise]
    return tuple(found)  # type: ignore[return-value]


def optimum() -> xr.Dataset:
    """The Information Bottleneck's curve of the problem."""
    betas = np.concatenate([[1.0], 1.0 / SHARE + np.geomspace(1e-4, 1e4, 60)])
    return gaussian_curve([[1.0]], [[1.0]], [[np.sqrt(SHARE)]], betas)


class InfiniteGaussian(Experiment):
    """Ensembles of infinitely wide networks on 500 samples of a linear law in 30 dimensions, I(X;Y) = 1.15 nats.

    Two hidden layers, erf and ReLU, several weight scales, gradient flow on the summed squared loss from time 1e-4 to
    1e8; 500 further samples to measure on. Every repetition is another data set. The problem is ours: the paper's has
    the same form, its sizes and its I(X;Y) were not checked.
    """

    name = "infinite-gaussian"
    title = "Infinitely wide ensembles on a Gaussian problem"
    source = "arXiv:1911.09189 (the problem is ours)"
    unit = "repetitions"
    seeds = 20
    quick_seeds = 5

    def measure(self, run: Run) -> dict[str, xr.Dataset]:
        found = {}
        for done, (name, net) in enumerate(NETS.items(), 1):
            found[name] = run.table(name, functools.partial(_measured, run, net))
            run.progress("ensembles", done, len(NETS))
        found["optimum"] = run.table("optimum", optimum)
        return found

    def claims(self, datasets: Mapping[str, xr.Dataset]) -> list[Claim]:
        return gaussian_claims({name: datasets[name] for name in NETS}, datasets["optimum"])

    def draw(self, datasets: Mapping[str, xr.Dataset]) -> dict[str, Figure]:
        ensembles = {name.replace("-", ", weights "): datasets[name] for name in NETS}
        names = ("loss_gibbs", "loss_bayes", "mi_input", "mi_target", "mi_output_data", "parameter_distance")
        return {
            "plane": plots.figure_of(plots.ensemble_plane, ensembles, curve=datasets["optimum"]),
            "over-time": plots.over_time_panels(ensembles, names),
        }


def _measured(run: Run, net: Dense) -> xr.Dataset:
    """All quantities over (seed, time)."""
    n, times = sizes(run, (500, np.geomspace(1e-4, 1e8, 49)), (200, np.geomspace(1e-4, 1e8, 13)))
    joint = [float(t) for t in times if np.isclose(t, _JOINT, rtol=1e-9).any()]
    found = {}
    for seed in range(1, run.seeds + 1):
        x_train, y_train, x_test, y_test = draw(seed, n, n)
        ensemble = Ensemble(net, x_train, y_train)
        found[seed] = ensemble.information(x_test, y_test, times, entropy_target=ENTROPY, joint=joint, seed=seed)
    return repeated(found)
