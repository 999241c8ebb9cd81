"""Networks on Fashion-MNIST that several experiments compare: what they are trained for, and how."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ..data import Task, fashion_mnist
from ..variational import CEB, VIB, CrossEntropy, Dense, DualVIB, Fitted, Objective, Optimizer, Smooth, Spread, fit
from .base import Run

ARMS: dict[str, Objective] = {
    "cross-entropy": CrossEntropy(),
    "smoothed labels": CrossEntropy(0.1),
    "VIB, beta 1,000": VIB(1000.0),
    "VIB, beta 100": VIB(100.0),
    "VIB, beta 10": VIB(10.0),
    "CEB, beta 100": CEB(100.0),
    "CEB, beta 10": CEB(10.0),
    "dual, beta 100": DualVIB(100.0, labels=Smooth(0.02)),
    "dual, beta 10": DualVIB(10.0, labels=Smooth(0.02)),
}
BASELINE = "cross-entropy"
BOTTLENECKS = tuple(name for name in ARMS if "beta" in name)


def images() -> tuple[Task, Task]:
    """All training images and all test images, pixels in [0, 1], flat."""
    return fashion_mnist("train").flattened(), fashion_mnist("test").flattened()


def part(train: Task, count: int, seed: int, noise: float = 0.0) -> Task:
    """So many training images, drawn without replacement; a share of their labels drawn anew from all classes."""
    random = np.random.default_rng(seed)
    rows = random.permutation(len(train.y))[:count]
    labels = train.y[rows].copy()
    chosen = random.random(count) < noise
    labels[chosen] = random.integers(0, 10, int(chosen.sum()))
    return replace(train.take(rows), y=labels)


def together(train: Task, test: Task, name: str) -> Task:
    """One task, whose test part is that of the other."""
    whole = np.concatenate([np.ones(len(train.y), bool), np.zeros(len(test.y), bool)])
    return Task(np.concatenate([train.x, test.x]), np.concatenate([train.y, test.y]), name, train=whole)


def trained(run: Run, task: Task, name: str, epochs: int, seeds: Sequence[int] | None = None) -> Fitted:
    """All arms and seeds (of the run, if None) on a task: 784-256-256, 32 latent variables; continued, or found."""
    return fit(
        list(ARMS.values()),
        task,
        encoder=Dense((256, 256)),
        latent=32,
        spread=Spread(0.0, 1e-3),
        seed=range(run.seeds) if seeds is None else seeds,
        epochs=epochs,
        optimizer=Optimizer(1e-3, shrink=0.5, every=max(1, epochs // 4)),
        polyak=0.99,
        checkpoint_epochs=[epochs],
        path=None if run.out is None else run.out / "training" / name,
        progress=run.progress,
    )
