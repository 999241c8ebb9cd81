"""Infinitely wide ensembles on MNIST: the same quantities with ten outputs, beside accuracy."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from .. import plots
from ..data import Task, mnist
from ..infinite import Dense, Ensemble, repeated
from .base import Claim, Experiment, Run, sizes
from .infinite_claims import mnist_claims

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NETS = {
    "erf-1.5": Dense(2, "erf", 1.5, 0.1),
    "erf-3": Dense(2, "erf", 3.0, 0.1),
    "relu-1.4": Dense(2, "relu", float(np.sqrt(2.0)), 0.1),
    "linear-1": Dense(0, "linear", 1.0, 0.1),
}


class InfiniteMNIST(Experiment):
    """Ensembles on 1,000 images of MNIST, one-hot targets less 1/10, 1,000 test images to measure with.

    Two hidden layers, erf at two weight scales and ReLU, and the linear model; pixels as value / 128 - 1; gradient flow
    on the summed squared loss. Every repetition has images of its own.
    """

    name = "infinite-mnist"
    title = "Infinitely wide ensembles on MNIST"
    source = "arXiv:1911.09189 (set-up of its code; sizes ours)"
    unit = "repetitions"
    seeds = 3
    quick_seeds = 2

    def measure(self, run: Run) -> dict[str, xr.Dataset]:
        found = {}
        for done, (name, net) in enumerate(NETS.items(), 1):
            found[name] = run.table(name, functools.partial(_measured, run, name, net))
            run.progress("ensembles", done, len(NETS))
        return found

    def claims(self, datasets: Mapping[str, xr.Dataset]) -> list[Claim]:
        return mnist_claims(datasets)

    def draw(self, datasets: Mapping[str, xr.Dataset]) -> dict[str, Figure]:
        ensembles = {name.replace("-", ", weights "): one for name, one in datasets.items()}
        names = ("loss_gibbs", "accuracy", "mi_input_lower", "mi_target", "mi_output_data", "modes_learned")
        return {
            "plane": plots.figure_of(plots.ensemble_plane, ensembles),
            "over-time": plots.over_time_panels(ensembles, names),
        }


def pixels(images: Task, rows: slice | np.ndarray) -> np.ndarray:
    """(n, 784) of some images, as value / 128 - 1."""
    return images.x[rows].reshape(-1, 784) * (255.0 / 128.0) - 1.0


def _measured(run: Run, name: str, net: Dense) -> xr.Dataset:
    n, times = sizes(run, (1000, np.geomspace(1e-4, 1e6, 41)), (150, np.geomspace(1e-4, 1e6, 11)))
    train, test = mnist("train"), mnist("test")
    found = {}
    for seed in range(run.seeds):
        part = slice(seed * n, (seed + 1) * n)
        parts = [(pixels(one, part), one.y[part]) for one in (train, test)]
        (x_train, y_train), (x_test, y_test) = parts
        found[seed] = run.table(f"pieces/{name}-{seed}", lambda a=(x_train, y_train), b=(x_test, y_test), s=seed:
                                Ensemble(net, *a).information(*b, times, seed=s))  # fmt: skip
    return repeated(found)
