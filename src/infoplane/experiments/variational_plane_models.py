"""What experiments on VIB, CEB and DualVIB train alike: objectives, label noise, and the plane they are joined in."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import xarray as xr

from ..data import Task
from ..results import provenance
from ..variational import CEB, VIB, Confusion, CrossEntropy, DualVIB, Objective, Optimizer, Spread, fit
from ..variational.encoders import Encoder

KINDS = ("VIB", "CEB", "DualVIB")
CLASSES = 10
SPREAD = Spread(0.0, 1e-3)  # of the published dual; narrow encoders are learned where the trade-off wants them
_JUDGE_SEED = 1000  # of the network whose mistakes are the label noise; none of the models has it


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


def label_noise(
    task: Task,
    encoder: Encoder,
    epochs: int,
    batch: int,
    optimizer: Optimizer = Optimizer(),  # noqa: B008 - immutable
) -> xr.Dataset:
    """Confusion of a network that has seen four fifths of the training part, counted on the last fifth of it."""
    assert task.train is not None
    inner = task.take(task.train)
    cut = 4 * len(inner.y) // 5
    judge = fit(
        CrossEntropy(),
        replace(inner, train=np.arange(len(inner.y)) < cut),
        encoder=encoder,
        seed=_JUDGE_SEED,
        epochs=epochs,
        batch_size=batch,
        optimizer=optimizer,
        checkpoint_epochs=[epochs],
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


def named(plane: xr.Dataset, kind: str) -> xr.Dataset:
    """The plane with a short name: an objective's own has its whole confusion matrix in it."""
    bounds: dict[str, Any] = {"method": kind, "bounds": "I(X;Z)" if kind == "VIB" else "I(X;Z|Y)"}
    return plane.assign_coords(objective=[kind]).assign_attrs(bounds)
