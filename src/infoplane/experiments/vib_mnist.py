"""The variational bottleneck on MNIST with the architecture and the schedule of its published code."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from ..data import Task, mnist
from ..variational import VIB, Dense, Fitted, Optimizer, Spread, fit, sandwich
from .base import Claim, Experiment, Run, sizes
from .vib_mnist_claims import claims_of
from .vib_mnist_figures import over_training

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BETA = 1000.0  # the published coefficient 1e-3 of the rate
_FULL: dict[str, Any] = {
    "encoder": Dense((1024, 1024), weights="glorot"),
    "latent": 256,
    "spread": Spread(-5.0, 0.0),
    "optimizer": Optimizer(1e-4, beta1=0.5, shrink=0.97, every=2),
    "epochs": 200,
    "checkpoint_epochs": [1, 3, 10, *range(20, 200, 20)],
}
_QUICK: dict[str, Any] = {
    "encoder": Dense((512, 512)),
    "latent": 64,
    "spread": Spread(-5.0, 0.0),
    "optimizer": Optimizer(1e-3, beta1=0.5, shrink=0.7, every=1),
    "epochs": 4,
    "checkpoint_epochs": [1, 3],
}


class VIBMNIST(Experiment):
    """Networks 784-1024-1024 with 256 normal latent variables, beta = 1,000, on all images of MNIST.

    Pixels as 2 x - 1; initial weights uniform with variance 2 / (inputs + outputs); Adam at 1e-4 (decay 0.5 of the
    mean gradient), 3 % less every two epochs, 200 epochs of batches of 100; a running average of the weights (0.999) is
    measured, with 12 draws of z. Reduced: 784-512-512 with 64 latent variables, Adam at 1e-3, 4 epochs.
    """

    name = "vib-mnist"
    title = "The variational bottleneck on MNIST"
    source = "arXiv:1612.00410 (architecture and schedule of its code)"
    seeds = 2
    quick_seeds = 1
    fewest_seeds = 1  # a seed is an hour of training; ten thousand test images have a spread of their own

    def measure(self, run: Run) -> dict[str, xr.Dataset]:
        task = _centred(mnist("all").flattened())
        found = []
        for seed in range(run.seeds):
            found.append(run.table(f"pieces/seed-{seed}", functools.partial(_measured, run, task, seed)))
            run.progress("networks", seed + 1, run.seeds)
        whole = xr.concat(found, "seed", combine_attrs="drop_conflicts")
        return {"plane": whole.assign_attrs(seeds=",".join(str(seed) for seed in range(run.seeds)))}

    def claims(self, datasets: Mapping[str, xr.Dataset]) -> list[Claim]:
        return claims_of(datasets["plane"])

    def draw(self, datasets: Mapping[str, xr.Dataset]) -> dict[str, Figure]:
        return {"training": over_training(datasets["plane"])}


def _centred(task: Task) -> Task:
    return replace(task, x=(2.0 * np.asarray(task.x) - 1.0).astype(np.float32))


def _measured(run: Run, task: Task, seed: int) -> xr.Dataset:
    """One network: its plane over training, and at the end single draws and bounds without a prior."""
    path = None if run.out is None else run.out / "training" / str(seed)
    settings = _QUICK if run.quick else _FULL
    fitted = fit(VIB(BETA), task, seed=seed, path=path, progress=run.progress, **settings)
    _, test = task.split(1.0, seed=0, kind="own")
    x, y = task.x[test], task.y[test]
    few = sizes(run, len(y), 1000)
    return fitted.dataset.assign(_errors(fitted, x, y) | _without_prior(fitted, x[:few]))


def _errors(fitted: Fitted, x: np.ndarray, y: np.ndarray) -> dict[str, object]:
    """Shares of test images that are classified wrongly, by how many draws of z are averaged."""
    draws = {"mean of z": 0, "1": 1, "12": 12}
    wrong = np.stack([fitted.predict(x, samples=count).argmax(axis=1) != y for count in draws.values()])
    paired = wrong[1].astype(float) - wrong[2]
    size = np.sqrt(len(y))
    return {
        "error": (("draws", "seed"), wrong.mean(axis=1)[:, None], {"quantity": "test error", "unit": "1"}),
        "error_stderr": (("draws", "seed"), wrong.std(axis=1)[:, None] / size, {"unit": "1"}),
        "gain": ("seed", [paired.mean()], {"quantity": "test error of 1 draw less that of 12", "unit": "1"}),
        "gain_stderr": ("seed", [paired.std(ddof=1) / size], {"unit": "1"}),
        "draws": list(draws),
    }


def _without_prior(fitted: Fitted, x: np.ndarray) -> dict[str, object]:
    """I(X;Z) between bounds that the encoders themselves give, each no more than ln n from below."""
    laws = fitted.laws(x)
    pair = sandwich(fitted.encode(x, seed=0), laws.mean, laws.scale)
    found: dict[str, object] = {"sandwich_samples": ("seed", [len(x)], {"unit": "1"})}
    for name, values in (("lower", pair.lower), ("upper", pair.upper)):
        told = {"quantity": "I(X;Z), encoders of all test images as the marginal", "direction": name, "unit": "nats"}
        found[f"sandwich_{name}"] = ("seed", [values.mean()], told)
        found[f"sandwich_{name}_stderr"] = ("seed", [values.std(ddof=1) / np.sqrt(len(x))], {"unit": "nats"})
    return found
