"""P7 and the larger net of Saxe et al.: MNIST through every method that fits it, side by side."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from .. import plots
from ..channels import Identity
from ..estimators import Binned, Decoder, Estimator, GaussianDropout, PairwiseBounds
from ..networks import WeightsRecording
from ..plane import information_plane
from ..plane.agreement import agreement
from ..plane.methods import method_of
from ..plane.several import by_estimator
from .base import Claim, Experiment, Run, sizes, thinned
from .mnist_claims import SIGMA, claims_of, part
from .mnist_training import ARMS, silenced, training

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_SIGMAS = (0.01, 0.03, 0.1, SIGMA, 1.0, 3.0, 10.0)
_RELATIVE = (0.01, 0.1, 1.0, 10.0)
_NARROW = ("hidden 2", "hidden 3", "hidden 4", "output")
_ACTIVATIONS = ("tanh", "relu")


class MNISTPlane(Experiment):
    """Does a network on MNIST compress, and who says so?

    Networks 784-1024-20-20-20-10, tanh and ReLU, plain gradient descent at rate 0.1, batches of 128, 300 epochs, on a
    fixed part of 12,000 of the 60,000 training images with the classes in their proportions; rate and number of images
    are ours, and those of the paper were not checked. A third ensemble runs with Gaussian dropout of sigma 0.4 after
    every hidden layer (tanh, 100 epochs): ReLU's zeros leave its units without noise.

    Planes in bins are of all 10,000 test and 10,000 of the training images; pairwise bounds at sigma^2 = 0.1 likewise,
    but for the layer of 1,024 units. The sweep of the noise, the agreement of methods and the decoder are of 2,000 test
    images, Gaussian dropout of 500 and of the last hidden layer.
    """

    name = "mnist-plane"
    title = "A plane of MNIST: 784-1024-20-20-20-10"
    source = "Saxe et al. 2018, On the information bottleneck theory of deep learning"
    seeds = 3
    quick_seeds = 2

    def measure(self, run: Run) -> dict[str, xr.Dataset]:
        found: dict[str, xr.Dataset] = {}
        for name in _ACTIVATIONS:
            train = training(run, name)
            few = _reduced(train, *sizes(run, (0, 2_000), (0, 300)))
            many = _reduced(train, *sizes(run, (10_000, 10_000), (300, 300)))
            found[name] = run.table(name, functools.partial(_together, run, name, few))
            found[f"{name}-bins"] = run.plane(f"{name}-bins", many, Binned(30), split=("train", "test"))
            found[f"{name}-pairwise"] = run.table(f"{name}-pairwise", functools.partial(_pairwise, many))
            found[f"{name}-decoder"] = run.table(f"{name}-decoder", functools.partial(_decoded, run, few))
        noisy = _reduced(training(run, "dropout"), *sizes(run, (0, 500), (0, 200)))
        layers = ["hidden 4"]  # passes through all layers of many samples are dear
        found["dropout"] = run.plane("dropout", noisy, GaussianDropout(8), layers=layers)
        found["dropout-bins"] = run.plane("dropout-bins", lambda: silenced(noisy()), Binned(30), layers=layers)
        return found

    def claims(self, datasets: Mapping[str, xr.Dataset]) -> list[Claim]:
        return claims_of(datasets, self.source)

    def draw(self, datasets: Mapping[str, xr.Dataset]) -> dict[str, Figure]:
        titles = {name: ARMS[name].title for name in (*_ACTIVATIONS, "dropout")}
        found = {
            "paths": plots.path_panels(
                [
                    (f"{titles[name]}, {kind}, {split}", part(datasets[f"{name}-{key}"], split))
                    for name in _ACTIVATIONS
                    for key, kind in (("bins", "30 bins"), ("pairwise", "noise 0.316"))
                    for split in ("train", "test")
                ]
            ),
            "dropout": plots.figure_of(plots.bracket_curves, datasets["dropout"]),
        }
        for name in _ACTIVATIONS:
            test = part(datasets[f"{name}-bins"], "test")
            table = agreement(datasets[name])
            found |= {
                f"agreement-{name}": plots.figure_of(plots.agreement, table),
                f"noise-{name}": plots.fall_panels(table),
                f"curves-{name}": plots.estimator_panels(datasets[name], "hidden 4"),
                f"phases-{name}": plots.figure_of(plots.gradient_phases, test),
                f"training-{name}": plots.figure_of(plots.training_curves, test),
            }
        return found


def _reduced(train: Callable[[], WeightsRecording], n_train: int, n_test: int) -> Callable[[], WeightsRecording]:
    """The networks on the first so many of their training and of their test images."""

    @functools.cache
    def reduced() -> WeightsRecording:
        recording = train()
        probe = recording.probe
        assert probe.train is not None
        assert probe.x is not None
        mine = probe.train[0]  # the same in all networks
        rows = np.r_[np.flatnonzero(mine)[:n_train], np.flatnonzero(~mine)[:n_test]]
        few = replace(probe, x=probe.x[rows], y=probe.y[rows], train=probe.train[:, rows])
        return WeightsRecording(
            recording.network,
            recording.parameters,
            recording.seeds,
            recording.epochs,
            few,
            recording.scalars,
            recording.provenance,
            recording.notes,
        )

    return reduced


def _together(run: Run, name: str, few: Callable[[], WeightsRecording]) -> xr.Dataset:
    """The planes of test images by every method that looks at the layers as they are."""
    methods: dict[str, Estimator] = {
        "30 bins": Binned(30),
        "100 bins": Binned(100),
        "adaptive": Binned(30, kind="adaptive"),
    }
    for relative, sigmas in ((False, _SIGMAS), (True, _RELATIVE)):
        for sigma in sigmas[:: len(sigmas) // 2] if run.quick else sigmas:
            methods[f"noise {sigma:.3g}{' std' if relative else ''}"] = PairwiseBounds(sigma, relative)
    epochs = thinned(few().epochs, 8).tolist()
    planes = [run.plane(f"pieces/{name}, {label}", few, method, epochs=epochs) for label, method in methods.items()]
    return by_estimator({method_of(plane).label: plane for plane in planes})


def _pairwise(many: Callable[[], WeightsRecording]) -> xr.Dataset:
    recording = many()
    epochs = thinned(recording.epochs, 10).tolist()
    return information_plane(recording, PairwiseBounds(SIGMA), layers=_NARROW, epochs=epochs, split=("train", "test"))


def _decoded(run: Run, few: Callable[[], WeightsRecording]) -> xr.Dataset:
    """What held-out decoders prove of I(T;Y) without any noise, and the network's own accuracy beside it."""
    recording = few()
    plane = information_plane(
        recording,
        Decoder(steps=sizes(run, 300, 100)),
        channel=Identity(assume_stochastic=True),
        epochs=thinned(recording.epochs, sizes(run, 5, 2)).tolist(),
    )
    kept = plane[["mi_target", "mi_target_stderr", "accuracy_test", "loss_test"]]
    table = kept.rename(mi_target="decoded", mi_target_stderr="decoded_stderr")
    return table.assign_attrs({key: plane.attrs[key] for key in ("method", "task", "ceiling_mi_target", "n_samples")})
