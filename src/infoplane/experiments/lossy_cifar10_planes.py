"""Networks and planes of ``lossy-cifar10``."""

from __future__ import annotations

import copy
import dataclasses
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import xarray as xr

from ..channels import Identity
from ..compressors import Autoencoder
from ..data import Task, cifar10
from ..estimators import Estimator, Mixture
from ..plane import information_plane
from ..results import provenance
from .base import Run
from .lossy_cnn import Network, Noise, images
from .lossy_measure import KRASKOV, OURS, WEIGHTED, Snapshots, coded, snapshots_of
from .lossy_training import Schedule, train

NETWORK = Network((32, 32, 3), (8, 16, 32), (32, 32, 10), "same")
LATENT = 8  # of the images
_NOISE = Noise("input", sigma=1e-3)
_RATE, _EPOCHS, _PER_EPOCH = 1e-4, 50, 49  # updates an epoch, as 50,000 images in batches of 1,024 give


@dataclass(frozen=True)
class Size:
    """How much is computed.

    Attributes:
        images: to train on and to measure with.
        epochs: of training.
        rate: of Adam.
        snapshots: that are measured.
        code_steps: updates of the input compressor.
    """

    images: int = 4_000
    epochs: int = _EPOCHS
    rate: float = _RATE
    snapshots: int = 11
    code_steps: int = 3_000


FULL = Size()
QUICK = Size(images=800, epochs=4, rate=1e-3, snapshots=3, code_steps=200)


def measure(run: Run) -> dict[str, xr.Dataset]:
    """Train, or find trained, and measure on the training images, as the published code does."""
    size = QUICK if run.quick else FULL
    task = cifar10("train")
    task = task.take(np.arange(min(size.images, len(task.y))))
    x = images(task.x, 0.5, 0.25)
    codes = run.table("pieces/input-codes", lambda: input_codes(task, size))
    found: dict[str, list[xr.Dataset]] = {}
    for seed in range(run.seeds):
        made: list[Snapshots] = []

        def recording(seed: int = seed, made: list[Snapshots] = made) -> Snapshots:
            if not made:
                made.append(recorded(task, x, codes["code"], size, seed, run.out))
            return made[0]

        for name, estimator, target, shuffled in (
            ("weighted", WEIGHTED, None, False),
            ("KSG", KRASKOV, Mixture(), False),
            ("KSG-mismatched", KRASKOV, Mixture(), True),
        ):
            piece = run.table(
                f"pieces/{name}-{seed}",
                lambda e=estimator, t=target, s=shuffled: _plane(recording(), size, e, t, mismatched=s),
            )
            found.setdefault(name, []).append(piece)
            run.progress(f"network {seed}: {name}", seed + 1, run.seeds)
    planes = {name: xr.concat(rows, "seed", join="exact", combine_attrs="override") for name, rows in found.items()}
    return {**planes, "input-codes": codes.drop_vars("code")}


def input_codes(task: Task, size: Size) -> xr.Dataset:
    """Codes of all images, in the order of the task."""
    x = task.flattened().x
    maker = Autoencoder(dim=LATENT, steps=size.code_steps, standardise=False)
    fitted = maker.fit(x, seed=0)
    code = xr.DataArray(fitted.encode(x), dims=("sample", "dim"), attrs={"described": str(maker)})
    held = {name: fitted.details[name] for name in ("held_out_mse", "held_out_mae", "explained_variance")}
    return xr.Dataset({"code": code, **held}, attrs=provenance(task=task.name))


def recorded(
    task: Task, x: torch.Tensor, codes: xr.DataArray, size: Size, seed: int, out: Path | None = None
) -> Snapshots:
    """One network, trained or found trained, with the codes of its own images."""
    batch = -(-len(x) // _PER_EPOCH)
    per_epoch = -(-len(x) // batch)
    steps = size.epochs * per_epoch
    schedule = Schedule(size.rate, steps, tuple(range(0, steps + 1, per_epoch)), batch)
    path = None if out is None else out / "training" / f"{seed}.npz"
    found = train(NETWORK, x, task.y, _NOISE, schedule, seed=seed, path=path)
    made: dict[str, str | int | float] = {"rate": size.rate, "steps": steps, "batch": batch}
    return snapshots_of(found, NETWORK, x, task, codes, seed, np.arange(size.epochs + 1), made)


def with_other_codes(recording: Snapshots) -> Snapshots:
    """The same with the codes of the images in another order than its layers, as a shuffling loader gives them."""
    order = np.random.default_rng(0x5F).permutation(recording.probe.n)
    other = copy.copy(recording)
    assert recording.probe.x is not None
    other.probe = dataclasses.replace(recording.probe, x=recording.probe.x[order])
    return other


def _plane(
    recording: Snapshots, size: Size, estimator: Estimator, target: Estimator | None, *, mismatched: bool
) -> xr.Dataset:
    shown = with_other_codes(recording) if mismatched else recording
    epochs = np.unique(np.round(np.linspace(0, size.epochs, size.snapshots)).astype(int)).tolist()
    plane = information_plane(coded(shown, OURS), estimator, estimator_target=target, channel=Identity(), epochs=epochs)
    found = plane[[name for name in plane if "epoch" in plane[name].dims]]
    found.attrs = plane.attrs
    loss, accuracy = np.array([recording.scores[epoch] for epoch in epochs]).T
    return found.assign(loss_train=(("seed", "epoch"), loss[None]), accuracy_train=(("seed", "epoch"), accuracy[None]))
