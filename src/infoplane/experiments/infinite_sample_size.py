"""Infinitely wide ensembles on samples of growing size: which quantity tells how well they generalise?"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from ..data import mnist
from ..infinite import Dense, Ensemble
from . import sample_size_figures as figures
from .base import Claim, Experiment, Run, sizes
from .infinite_gaussian import ENTROPY, draw
from .infinite_mnist import pixels
from .sample_size_claims import claims
from .sample_size_table import joined, with_bounds

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SIZES, SCALES, POINTS = (50, 100, 200, 500, 1000, 2000, 5000), (0.5, 1.0, 2.0), 500
TIMES = np.geomspace(1e-4, 1e6, 11)
Sample = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]  # x and y to train on, x and y to look at


class InfiniteSampleSize(Experiment):
    """Ensembles of erf networks with two hidden layers on 50 to 5,000 samples, at three weight scales, over time.

    Once on the Gaussian law of ``infinite-gaussian``, once on MNIST (one-hot targets less 1/10); 500 other samples to
    look at. A repetition has samples of its own, on which all three scales are trained; a smaller sample is the
    beginning of a larger one.
    """

    name = "infinite-sample-size"
    title = "Generalisation of infinitely wide ensembles against the size of the sample"
    source = "arXiv:1911.09189 (the question; sizes and measures ours)"
    unit = "repetitions"
    seeds = 10
    quick_seeds = 3

    def measure(self, run: Run) -> dict[str, xr.Dataset]:
        return {task: run.table(task, functools.partial(_table, run, task)) for task in ("gaussian", "mnist")}

    def claims(self, datasets: Mapping[str, xr.Dataset]) -> list[Claim]:
        return claims(datasets)

    def draw(self, datasets: Mapping[str, xr.Dataset]) -> dict[str, Figure]:
        return {"ranks": figures.ranks(datasets), "gap": figures.gaps(datasets)}


def gaussian_sample(seed: int, n: int) -> Sample:
    """Of the law of ``infinite-gaussian``; nested: the first n of a repetition's largest sample."""
    x, y, x_test, y_test = draw(seed, max(SIZES), POINTS)
    return x[:n], y[:n], x_test, y_test


def mnist_sample(seed: int, n: int) -> Sample:
    """Images of MNIST as value / 128 - 1, repetition by repetition from the start of the training set.

    The largest sample of a repetition is put in an order in which the digits take turns, so that small samples have
    all ten.
    """
    train, test = mnist("train"), mnist("test")
    mine = _in_turns(train.y, (seed - 1) * max(SIZES))[:n]
    other = np.arange((seed - 1) * POINTS, seed * POINTS)
    x, x_test = (pixels(one, part) for one, part in ((train, mine), (test, other)))
    return x, train.y[mine], x_test, test.y[other]


def _in_turns(labels: np.ndarray, first: int) -> np.ndarray:
    """Places of a repetition's samples, ordered by how many of their own label came before them."""
    mine = labels[first : first + max(SIZES)]
    before = np.zeros(len(mine), int)
    for label in np.unique(mine):
        before[mine == label] = np.arange((mine == label).sum())
    return first + np.argsort(before, kind="stable")


def _table(run: Run, task: str) -> xr.Dataset:
    """Piece by piece, the smaller samples first, so that what takes long comes last."""
    chosen = sizes(run, SIZES, (50, 150, 400))
    grid = [(int(n), float(scale), seed) for n in chosen for scale in SCALES for seed in range(1, run.seeds + 1)]
    pieces = {}
    for done, (n, scale, seed) in enumerate(grid):
        run.progress(f"{task}: ensembles", done, len(grid))
        measure = functools.partial(_piece, task, n, scale, seed)
        pieces[scale, n, seed] = run.table(f"pieces/{task}-{scale:g}-{n}-{seed}", measure)
    run.progress(f"{task}: ensembles", len(grid), len(grid))
    return joined(pieces)


def _piece(task: str, n: int, scale: float, seed: int) -> xr.Dataset:
    sample, entropy = (gaussian_sample, ENTROPY) if task == "gaussian" else (mnist_sample, None)
    x, y, x_test, y_test = sample(seed, n)
    ensemble = Ensemble(Dense(2, "erf", scale, 0.1), x, y)
    return with_bounds(ensemble.information(x_test, y_test, TIMES, entropy_target=entropy, seed=0))
