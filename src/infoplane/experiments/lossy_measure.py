"""Planes of the networks of ``lossy-mnist``: layers to four principal components, images to a code of four numbers.

The coordinate ``epoch`` counts the published schedule's epochs in every arm: epoch k is reached when rate times steps
is k / 300 of its whole.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import xarray as xr

from .. import recordings
from ..channels import Identity, OwnNoise
from ..compressors import PCA, Autoencoder, Fitted
from ..data import Task
from ..estimators import KSG, Estimator, Mixture, WeightedKL
from ..plane import information_plane
from ..recordings import Probe, Recording
from ..recordings.replay import Described, ReplayRecording
from ..results import provenance
from . import lossy_arms as arms
from .base import Run
from .lossy_arms import Arm, Images, Size
from .lossy_cnn import Network, evaluate
from .lossy_training import Trained

LATENT = 4
_CHUNK = 10  # snapshots that are measured and kept together
_CODE_ROWS = 20_000  # training images that autoencoders of the input are fitted to

INPUTS = ("convolutional", "dense", "PCA")
AUTHORS_WAY, WEIGHTED = WeightedKL(k=5, weights="nearest"), WeightedKL(k=20)
KRASKOV = KSG(k=3, standardise=True)


@dataclass(frozen=True)
class Way:
    """How snapshots are measured.

    Attributes:
        name: of the way.
        estimator, target: of I(X;T) and of I(T;Y).
        fit: whether the layers' components are refitted on every snapshot or frozen at the last.
        code: which compressor of the images.
        dim: components of the layers.
    """

    name: str
    estimator: Estimator = WEIGHTED
    target: Estimator | None = None
    fit: str = "snapshot"
    code: str = "dense"
    dim: int = LATENT


OURS = Way("weighted")
FROZEN = Way("frozen", fit="reference")
KSG_WAY = Way("KSG", KRASKOV, Mixture())
PLAIN_KSG = Way("KSG, columns as they are", KSG(k=3), Mixture())
AUTHORS = Way("published", AUTHORS_WAY, code="convolutional")


def compressors(size: Size) -> dict[str, PCA | Autoencoder]:
    """Of the images, by name."""
    plain = Autoencoder(dim=LATENT, steps=size.code_steps, standardise=False)
    convolutional = dataclasses.replace(plain, kind="convolutional", image=(28, 28), steps=size.code_steps // 2)
    return {"convolutional": convolutional, "dense": plain, "PCA": PCA(LATENT)}


def input_codes(data: Images, size: Size) -> xr.Dataset:
    """Codes of the test images by compressors fitted once to training images, and what they cost.

    Returns:
        Dataset over (compressor, sample, dim): ``code``; over (compressor): ``mse`` and ``mae`` a pixel on the test
        images, ``explained_variance`` there, ``described``: the compressor.
    """
    train, test = data.train.flattened().x, data.test.flattened().x
    codes, errors, told = [], [], []
    for maker in compressors(size).values():
        fitted: Fitted = maker.fit(train[:_CODE_ROWS], seed=0)
        code = fitted.encode(test)
        error = fitted.decode(code) - test
        total = ((test - test.mean(axis=0)) ** 2).mean()
        codes.append(code)
        errors.append(((error**2).mean(), np.abs(error).mean(), 1.0 - (error**2).mean() / total))
        told.append(str(maker))
    mse, mae, explained = np.array(errors, np.float64).T
    return xr.Dataset(
        {
            "code": (("compressor", "sample", "dim"), np.stack(codes)),
            "mse": ("compressor", mse),
            "mae": ("compressor", mae),
            "explained_variance": ("compressor", explained),
            "described": ("compressor", np.array(told)),
        },
        coords={"compressor": list(INPUTS)},
        attrs=provenance(task=data.test.name),
    )


class Snapshots(ReplayRecording):
    """Weights of one network, run on the test images when asked; remembers what each pass scored.

    Attributes:
        scores: (loss, accuracy) on the test images by epoch, of the passes that were made.
    """

    scores: dict[int, tuple[float, float]]


def replayed(
    arm: Arm, seed: int, data: Images, size: Size, codes: xr.DataArray, *, path: Path | None = None
) -> Snapshots:
    """The snapshots of one network of an arm on the test images, whose inputs are the codes of these images."""
    found = arms.trained(arm, seed, data, size, path=path)
    steps = arms.schedule(arm, size).steps
    epochs = np.round(300.0 * found.marks / steps).astype(int)
    made = {"rate": arm.rate * size.speed, "steps": steps, "batch": size.batch, "arm": arm.name}
    return snapshots_of(found, data.network, data.x_test, data.test, codes, seed, epochs, made)


def snapshots_of(
    found: Trained,
    network: Network,
    x: torch.Tensor,
    task: Task,
    codes: xr.DataArray,
    seed: int,
    epochs: np.ndarray,
    made: dict[str, str | int | float],
) -> Snapshots:
    """A recording of one network on these images, its inputs the codes of the same images in the same order.

    Args:
        found: the trained network.
        network: what it is.
        x: the images as it takes them, those of ``task``.
        task: with their classes.
        codes: (n, dim) of these images, in their order; attribute ``described``: the compressor.
        seed: of the network.
        epochs: (mark,) rising whole numbers.
        made: settings for provenance.
    """
    y = task.y
    scores: dict[int, tuple[float, float]] = {}
    scalars = xr.Dataset(
        {"loss_train": (("seed", "epoch"), found.loss_train[None])},
        coords={"seed": [seed], "epoch": epochs, "layer": list(network.layers)},
    )

    def run(
        state: np.ndarray, layers: Sequence[str], stream: tuple[int, ...], *, centres: bool = False
    ) -> Mapping[str, np.ndarray]:
        every = evaluate(network, state, x, found.noise, stream, centres=centres)
        scores[stream[1]] = score(every[network.layers[-1]], y)
        return {layer: every[layer] for layer in layers}

    described = Described(
        network.layers,
        Probe(y, codes.to_numpy(), task=task.name),
        str(found.noise),
        dict.fromkeys(network.layers),
        {},
        {f"T{k + 1}": OwnNoise("additive", sigma, certain=k == 0) for k, sigma in enumerate(found.noise.sigmas)},
        (f"The images were compressed once for all networks and epochs by {codes.attrs['described']}.",),
        made,
    )
    recording = Snapshots(run, lambda _, k: found.weights[k], [seed], epochs, scalars, described)
    recording.scores = scores
    return recording


def score(log_probabilities: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """Mean negative log-likelihood in nats, and the share of right classes."""
    loss = -log_probabilities[np.arange(len(y)), y].astype(np.float64).mean()
    return float(loss), float((log_probabilities.argmax(axis=1) == y).mean())


def coded(recording: Recording, way: Way) -> Recording:
    """The recording with components in place of its layers."""
    reference = {"reference": int(recording.epochs[-1])} if way.fit == "reference" else {}
    found = recordings.compressed(recording, layers=PCA(way.dim), fit=way.fit, **reference)  # type: ignore[arg-type]
    found.compressed = (True, True)  # the inputs of the recording are codes already
    return found


class Bench:
    """What a run measures with: images, sizes, and the codes of the inputs."""

    def __init__(self, run: Run, data: Images, size: Size, codes: xr.Dataset) -> None:
        self.run, self.data, self.size, self.codes = run, data, size, codes
        self._made: dict[tuple[str, int, str, str, int], tuple[Snapshots, Recording]] = {}

    def plane(self, arm: Arm, seed: int, way: Way, epochs: Sequence[int]) -> xr.Dataset:
        """The plane of one network at these epochs, in pieces that are kept."""
        planes: list[xr.Dataset] = []
        for first in range(0, len(epochs), _CHUNK):
            some = [int(epoch) for epoch in epochs[first : first + _CHUNK]]
            name = f"pieces/{arm.name} {seed} {way.name} {way.code} {way.dim} {some[0]}-{some[-1]} {len(some)}"
            name = name.replace(" ", "-").replace("'", "").replace(",", "")
            planes.append(self.run.table(name, lambda some=some: self._measure(arm, seed, way, some)))
            self.run.progress(f"{arm.name} {seed}: {way.name}", first + len(some), len(epochs))
        return xr.concat(planes, "epoch", join="exact", combine_attrs="override")

    def _measure(self, arm: Arm, seed: int, way: Way, epochs: list[int]) -> xr.Dataset:
        snapshots, recording = self._recording(arm, seed, way)
        nearest = [int(recording.epochs[np.abs(recording.epochs - epoch).argmin()]) for epoch in epochs]
        plane = information_plane(
            recording, way.estimator, estimator_target=way.target, channel=Identity(), epochs=nearest
        )
        found = plane[[name for name in plane if "epoch" in plane[name].dims]]
        found.attrs = plane.attrs
        loss, accuracy = np.array([snapshots.scores[epoch] for epoch in nearest]).T
        found = found.assign_coords(epoch=epochs)  # all arms have one axis: a short run looks at the nearest snapshot
        return found.assign(
            loss_test=(("seed", "epoch"), loss[None]), accuracy_test=(("seed", "epoch"), accuracy[None])
        )

    def _recording(self, arm: Arm, seed: int, way: Way) -> tuple[Snapshots, Recording]:
        """Shared by the ways that look at the same codes; those of one network at a time are held."""
        key = (arm.name, seed, way.code, way.fit, way.dim)
        if key not in self._made:
            self._made = {k: v for k, v in self._made.items() if k[:2] == key[:2]}
            code = self.codes["code"].sel(compressor=way.code)
            code.attrs["described"] = str(self.codes["described"].sel(compressor=way.code).item())
            folder = None if self.run.out is None else self.run.out / "training"
            snapshots = replayed(arm, seed, self.data, self.size, code, path=folder)
            self._made[key] = snapshots, coded(snapshots, way)
        return self._made[key]
