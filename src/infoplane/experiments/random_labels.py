"""Infinitely wide ensembles on the same images with true and with random labels, over training time."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from ..data import mnist
from ..infinite import Dense, Ensemble, repeated
from ..infinite.targets import Targets
from . import random_labels_figures as figures
from .base import Claim, Experiment, Run, sizes
from .infinite_mnist import pixels
from .random_labels_claims import claims

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NETS = {"erf": Dense(2, "erf", 1.5, 0.1), "relu": Dense(2, "relu", float(np.sqrt(2.0)), 0.1)}
Sample = tuple[np.ndarray, np.ndarray]  # images and labels
SHARES = (0.0, 0.25, 0.5, 1.0)  # of the training labels, replaced by random ones


class RandomLabels(Experiment):
    """Ensembles on 1,000 images of MNIST of which a share of the training labels is drawn anew, all ten alike likely.

    Two hidden layers, erf and ReLU; one-hot targets less 1/10; gradient flow on the summed squared loss. 1,000 test
    images with their true labels to measure with. The gap that is judged is that of test labels of which the same share
    is drawn anew, in expectation, so that training and test labels have one law. A repetition has images and random
    labels of its own; within it all shares have the same images, and the labels that a smaller share replaces are
    replaced in a larger one too.
    """

    name = "random-labels"
    title = "Infinitely wide ensembles on true and random labels"
    source = "derived; our own test"
    unit = "repetitions"
    seeds = 6
    quick_seeds = 3

    def measure(self, run: Run) -> dict[str, xr.Dataset]:
        found = {}
        for done, (net, share) in enumerate((net, share) for net in NETS for share in SHARES):
            run.progress("ensembles", done, len(NETS) * len(SHARES))
            found[f"{net}-{share:g}"] = run.table(f"{net}-{share:g}", functools.partial(_measured, run, net, share))
        run.progress("ensembles", len(found), len(found))
        return found

    def claims(self, datasets: Mapping[str, xr.Dataset]) -> list[Claim]:
        return claims({net: _by_share(datasets, net) for net in NETS})

    def draw(self, datasets: Mapping[str, xr.Dataset]) -> dict[str, Figure]:
        tables = {net: _by_share(datasets, net) for net in NETS}
        found = {f"over-time-{net}": figures.over_time(table) for net, table in tables.items()}
        return found | {"ranks": figures.ranks(tables), "plane": figures.planes(tables)}


def replaced(labels: np.ndarray, share: float, seed: int) -> np.ndarray:
    """Labels of which a share is drawn anew from 0 to 9; the places and draws of a smaller share are kept in a larger.

    A label drawn anew may be the old one: of ten equally likely labels one in ten is.

    Args:
        labels: (n,) from 0 to 9.
        share: from 0 to 1.
        seed: of places and draws.
    """
    random = np.random.default_rng([seed, 7])
    order, drawn = random.permutation(len(labels)), random.integers(0, 10, len(labels))
    found, chosen = labels.copy(), order[: round(share * len(labels))]
    found[chosen] = drawn[chosen]
    return found


def _measured(run: Run, name: str, share: float) -> xr.Dataset:
    n, times = sizes(run, (1000, np.geomspace(1e-6, 1e6, 25)), (150, np.geomspace(1e-6, 1e6, 13)))
    train, test = mnist("train"), mnist("test")
    found = {}
    for seed in range(run.seeds):
        part = slice(seed * n, (seed + 1) * n)
        (x, y), (x_test, y_test) = ((pixels(one, part), one.y[part]) for one in (train, test))
        measure = functools.partial(
            piece, NETS[name], (x, replaced(y, share, seed)), (x_test, y_test), times, share, seed
        )
        found[seed] = run.table(f"pieces/{name}-{share:g}-{seed}", measure)
    return repeated(found)


def piece(net: Dense, train: Sample, test: Sample, times: np.ndarray, share: float, seed: int) -> xr.Dataset:
    """One ensemble, measured with the true test labels, and its gap with test labels drawn as its training labels were.

    With ``share`` of the labels drawn anew, all alike likely, the test loss is expected over those draws exactly. A
    Gibbs loss is (|y|^2 - 2 y.m + |m|^2 + O v) / 2 and a constant, of mean outputs m and variance v. All targets, one
    of O outputs less 1/O, have the same length, and their mean over labels is 0, as is that of y.m: so a draw adds y.m
    of the true label in the mean.

    Args:
        net: of the ensemble.
        train: images and labels to train on.
        test: images and true labels.
        times: of the summed half-squared loss.
        share: of labels drawn anew.
        seed: of the outputs' noise.
    """
    ensemble = Ensemble(net, *train)
    found = ensemble.information(*test, times, seed=seed)
    evaluation = ensemble.evaluation(ensemble.at(test[0], joint=False))
    targets = Targets.of(test[1], len(test[1]), "test labels", ensemble.targets).values
    true = np.array(
        [
            np.einsum("io,io->i", targets, (evaluation.tangent * gain) @ ensemble.spectrum.targets).mean()
            for gain in ensemble.spectrum.modes(found["time"].to_numpy()).gain
        ]
    )
    redrawn = found["loss_gibbs"].to_numpy() + share * true
    same = f"a share of {share:g} of the test labels drawn anew, as in training"
    found["loss_gibbs_redrawn"] = (
        "time",
        redrawn,
        {"quantity": f"E[-ln N(y; Z, 1)] per example, {same}", "direction": "exact", "unit": "nats"},
    )
    found["generalisation_gap_redrawn"] = (
        "time",
        redrawn - found["loss_gibbs_train"].to_numpy(),
        {"quantity": f"Gibbs loss on test minus training points, {same}", "direction": "exact", "unit": "nats"},
    )
    return found


def _by_share(datasets: Mapping[str, xr.Dataset], net: str) -> dict[float, xr.Dataset]:
    return {share: datasets[f"{net}-{share:g}"] for share in SHARES}
