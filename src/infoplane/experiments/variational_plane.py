"""Three variational bottlenecks on Fashion-MNIST, compared at equal rates of either kind."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import xarray as xr

from ..data import Task, fashion_mnist
from ..results import provenance
from ..variational import (
    CEB,
    VIB,
    Confusion,
    CrossEntropy,
    Dense,
    DualVIB,
    Fitted,
    Objective,
    Optimizer,
    Spread,
    fit,
)
from .base import Claim, Experiment, Run, sizes
from .variational_plane_claims import claims_of
from .variational_plane_encoders import encoders
from .variational_plane_figures import figures_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

KINDS = ("VIB", "CEB", "DualVIB")
CLASSES = 10
_SPREAD = Spread(0.0, 1e-3)  # of the published dual; narrow encoders are learned where the trade-off wants them
_JUDGE_SEED = 1000  # of the network whose mistakes are the label noise; none of the models has it


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
        noise = run.table("label-noise", lambda: _label_noise(task, size))
        parts = []
        for kind in KINDS:
            run.progress("objectives", KINDS.index(kind), len(KINDS))
            models = functools.cache(functools.partial(_fitted, run, kind, task, noise, size))
            plane = run.table(f"pieces/{kind}", lambda models=models, kind=kind: _named(models().dataset, kind))
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


def objectives(kind: str, betas: tuple[float, ...], noise: xr.Dataset) -> list[Objective]:
    """Of one kind, over beta; DualVIB with a confusion matrix as its label noise."""
    if kind == "DualVIB":
        confusion = Confusion(noise.confusion.to_numpy())
        return [DualVIB(beta, labels=confusion) for beta in betas]
    return [{"VIB": VIB, "CEB": CEB}[kind](beta) for beta in betas]


def joined(parts: list[xr.Dataset]) -> xr.Dataset:
    """One plane of several objectives; nan where one has no model of a beta."""
    whole = xr.concat(parts, "objective", join="outer", combine_attrs="drop_conflicts")
    return whole.assign_attrs(method="; ".join(KINDS))


def _label_noise(task: Task, size: Size) -> xr.Dataset:
    """Confusion of a network that has seen four fifths of the training part, counted on the last fifth of it."""
    assert task.train is not None
    inner = task.take(task.train)
    cut = 4 * len(inner.y) // 5
    judge = fit(
        CrossEntropy(),
        replace(inner, train=np.arange(len(inner.y)) < cut),
        encoder=Dense((256, 256)),
        seed=_JUDGE_SEED,
        epochs=size.judge_epochs,
        batch_size=size.batch,
        checkpoint_epochs=[size.judge_epochs],
        test_draws=1,
    )
    predicted = judge.predict(inner.x[cut:], samples=0).argmax(axis=1)
    matrix = np.asarray(Confusion.estimated(predicted, inner.y[cut:], CLASSES).matrix)
    about = {"quantity": "share of a class (true) taken for another (predicted), one added to every count", "unit": "1"}
    return xr.Dataset(
        {"confusion": (("true", "predicted"), matrix, about)},
        {"true": range(CLASSES), "predicted": range(CLASSES)},
        provenance(n=len(inner.y) - cut, accuracy=float((predicted == inner.y[cut:]).mean())),
    )


def _fitted(run: Run, kind: str, task: Task, noise: xr.Dataset, size: Size) -> Fitted:
    path = None if run.out is None else run.out / "training" / kind
    return fit(
        objectives(kind, size.betas[kind], noise),
        task,
        encoder=Dense((256, 256)),
        latent=32,
        spread=_SPREAD,
        seed=range(run.seeds),
        epochs=size.epochs,
        batch_size=size.batch,
        optimizer=Optimizer(1e-3, shrink=0.7, every=max(1, size.epochs // 10)),
        polyak=size.polyak,
        checkpoint_epochs=size.marks,
        path=path,
        progress=lambda what, done, of: run.progress(f"{kind}: {what}", done, of),
    )


def _named(plane: xr.Dataset, kind: str) -> xr.Dataset:
    """The plane with a short name: an objective's own has its whole confusion matrix in it."""
    bounds: dict[str, Any] = {"method": kind, "bounds": "I(X;Z)" if kind == "VIB" else "I(X;Z|Y)"}
    return plane.assign_coords(objective=[kind]).assign_attrs(bounds)
