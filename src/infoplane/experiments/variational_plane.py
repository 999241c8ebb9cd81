"""Three variational bottlenecks on Fashion-MNIST, compared at equal rates of either kind."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import xarray as xr

from ..data import Task, fashion_mnist
from ..variational import Dense, Fitted, Optimizer, fit
from .base import Claim, Experiment, Run, sizes
from .variational_plane_claims import claims_of
from .variational_plane_encoders import encoders
from .variational_plane_figures import figures_of
from .variational_plane_models import KINDS, SPREAD, joined, label_noise, named, objectives

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_ENCODER = Dense((256, 256))


class Size(NamedTuple):
    """How much is trained and measured.

    Attributes:
        n_train, n_test: images, the first of each part.
        betas: by objective.
        epochs, batch: of training.
        marks: epochs at which all is measured, besides the first and the last.
        judge_epochs: of the network that the label noise is estimated from.
        polyak: decay of the running average of the weights.
    """

    n_train: int
    n_test: int
    betas: Mapping[str, tuple[float, ...]]
    epochs: int
    batch: int
    marks: tuple[int, ...]
    judge_epochs: int
    polyak: float


_FULL = Size(
    60_000,
    10_000,
    {
        "VIB": (2.0, 3.0, 5.0, 8.0, 15.0, 40.0, 150.0, 1000.0),
        "CEB": (2.0, 3.0, 5.0, 8.0, 15.0, 40.0, 150.0, 1000.0),
        "DualVIB": (1.0, 2.0, 4.0, 8.0, 15.0, 40.0, 150.0, 1000.0),
    },
    20,
    200,
    (5, 10),
    5,
    0.999,
)
_QUICK = Size(
    3000,
    1000,
    {"VIB": (5.0, 15.0, 150.0), "CEB": (5.0, 15.0, 150.0), "DualVIB": (8.0, 30.0, 300.0)},
    6,
    100,
    (),
    2,
    0.99,
)


class VariationalPlane(Experiment):
    """VIB, CEB and DualVIB on all of Fashion-MNIST, eight trade-offs each, both rates and both planes.

    Pixels as 2 x - 1; encoder 784-256-256, 32 normal latent variables (scale 1e-3 + softplus), linear classifier, m(z)
    = N(0, I), a trained normal law a class; Adam at 1e-3, 30 % less every two epochs, 20 epochs of batches of 200; a
    running average of the weights (0.999) is measured, with 12 draws of z. Objectives of one seed begin as the same
    network and see the same batches. DualVIB has the released form: conditional rate, no distortion, and as label noise
    the confusion matrix of a network, here one trained on four fifths of the training images, its matrix counted on the
    last fifth. That is the released default, and what is taken for what among clothes is far from uniform, which
    smoothing would have it be.
    """

    name = "variational-plane"
    title = "VIB, CEB and DualVIB on Fashion-MNIST, at equal rates"
    source = "arXiv:1612.00410, arXiv:2002.05379, arXiv:2006.04641"
    seeds = 3
    quick_seeds = 2

    def measure(self, run: Run) -> dict[str, xr.Dataset]:
        size = sizes(run, _FULL, _QUICK)
        task = task_of(size)
        noise = run.table("label-noise", lambda: label_noise(task, _ENCODER, size.judge_epochs, size.batch))
        parts = []
        for kind in KINDS:
            run.progress("objectives", KINDS.index(kind), len(KINDS))
            models = functools.cache(functools.partial(_fitted, run, kind, task, noise, size))
            plane = run.table(f"pieces/{kind}", lambda models=models, kind=kind: named(models().dataset, kind))
            measured = run.table(f"pieces/{kind}-encoders", lambda models=models: encoders(models(), task))
            parts.append(plane.merge(measured.assign_coords(objective=[kind]), combine_attrs="no_conflicts"))
        run.progress("objectives", len(KINDS), len(KINDS))
        return {"plane": joined(parts), "label-noise": noise}

    def claims(self, datasets: Mapping[str, xr.Dataset]) -> list[Claim]:
        return claims_of(datasets["plane"])

    def draw(self, datasets: Mapping[str, xr.Dataset]) -> dict[str, Figure]:
        return figures_of(datasets["plane"])


def task_of(size: Size) -> Task:
    """Images as vectors of 2 x - 1, the first of each part of the data."""
    whole = fashion_mnist("all").flattened()
    assert whole.train is not None
    rows = [np.flatnonzero(part)[:count] for part, count in ((whole.train, size.n_train), (~whole.train, size.n_test))]
    some = whole.take(np.concatenate(rows))
    return replace(some, x=(2.0 * some.x - 1.0).astype(np.float32))


def _fitted(run: Run, kind: str, task: Task, noise: xr.Dataset, size: Size) -> Fitted:
    path = None if run.out is None else run.out / "training" / kind
    return fit(
        objectives(kind, size.betas[kind], noise),
        task,
        encoder=_ENCODER,
        latent=32,
        spread=SPREAD,
        seed=range(run.seeds),
        epochs=size.epochs,
        batch_size=size.batch,
        optimizer=Optimizer(1e-3, shrink=0.7, every=max(1, size.epochs // 10)),
        polyak=size.polyak,
        checkpoint_epochs=size.marks,
        path=path,
        progress=lambda what, done, of: run.progress(f"{kind}: {what}", done, of),
    )
