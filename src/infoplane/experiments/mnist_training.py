"""The networks of the experiment ``mnist-plane``: three arms on a fixed part of MNIST, trained by plain descent."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from ..data import Task, mnist
from ..networks import MLP, SGD, MultiplicativeNoise, WeightsRecording
from .base import Run, sizes

RATE, BATCH, DROPOUT = 0.1, 128, 0.4
_WIDTHS, _QUICK_WIDTHS = (784, 1024, 20, 20, 20, 10), (784, 64, 20, 20, 20, 10)
_TRAIN, _QUICK_TRAIN, _QUICK_TEST = 12_000, 1_000, 1_000  # images; all 10,000 test images at full size


@dataclass(frozen=True)
class Arm:
    """One ensemble.

    Attributes:
        title: for pictures.
        network: architecture, at full and at reduced size.
        epochs: passes over the training images, likewise.
        checkpoints: how many log-spaced ones, or which, likewise.
    """

    title: str
    network: tuple[MLP, MLP]
    epochs: tuple[int, int]
    checkpoints: tuple[int | tuple[int, ...], int | tuple[int, ...]]


def _both(activation: str, noise: MultiplicativeNoise | None = None) -> tuple[MLP, MLP]:
    return tuple(MLP(widths, activation, noise=noise) for widths in (_WIDTHS, _QUICK_WIDTHS))  # type: ignore[return-value]


ARMS = {
    "tanh": Arm("tanh", _both("tanh"), (300, 20), (20, 6)),
    "relu": Arm("ReLU", _both("relu"), (300, 20), (20, 6)),
    "dropout": Arm(
        "tanh, Gaussian dropout",
        _both("tanh", MultiplicativeNoise(DROPOUT)),
        (100, 10),
        ((0, 1, 3, 10, 30, 100), (0, 2, 10)),
    ),
}


@functools.cache
def images(n_train: int, n_test: int) -> Task:
    """So many training images of MNIST, with its classes in their proportions, and so many test images."""
    task = mnist("all").flattened()
    assert task.train is not None
    chosen = [
        part if count >= len(part) else part[task.take(part).split(count / len(part))[0]]
        for part, count in ((np.flatnonzero(task.train), n_train), (np.flatnonzero(~task.train), n_test))
    ]
    rows = np.sort(np.concatenate(chosen))
    return task.take(rows, f"MNIST, {len(chosen[0]):,} training and {len(chosen[1]):,} test images")


def training(run: Run, name: str) -> Callable[[], WeightsRecording]:
    """Trains, or finds, the ensemble of an arm when it is called; once a run."""

    @functools.cache
    def train() -> WeightsRecording:
        arm = ARMS[name]
        return run.ensemble(
            name,
            arm.network[run.quick],
            images(*sizes(run, (_TRAIN, 10_000), (_QUICK_TRAIN, _QUICK_TEST))),
            optimizer=SGD(RATE),
            epochs=arm.epochs[run.quick],
            batch_size=BATCH,
            split="own",
            train_fraction=1.0,
            checkpoint_epochs=arm.checkpoints[run.quick],
        )

    return train


def silenced(recording: WeightsRecording) -> WeightsRecording:
    """The same weights in networks without noise."""
    return WeightsRecording(
        replace(recording.network, noise=None),
        recording.parameters,
        recording.seeds,
        recording.epochs,
        recording.probe,
        recording.scalars,
        recording.provenance,
        (*recording.notes, f"These networks were trained with noise ({recording.noise}), and are measured without it."),
    )
