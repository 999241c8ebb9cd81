"""D4: deep linear networks on a linear teacher, where everything that a layer knows has a closed form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from .. import plots
from ..channels import AdditiveGaussian
from ..data import Task
from ..estimators import Gaussian
from ..laws import LinearLayer
from ..measures import mutual_information
from ..networks import MLP, SGD, WeightsRecording
from ..plane import linear_plane
from ..plane.summary import add_summary
from ..results import check, provenance
from .base import Claim, Experiment, Run, sizes
from .linear_claims import QUANTITIES, agreement, alike, overfitting, split

if TYPE_CHECKING:
    from matplotlib.figure import Figure

INPUTS, RELEVANT, HIDDEN = 30, 10, 8  # these and all further sizes are ours
PARTS = {"relevant": range(RELEVANT), "irrelevant": range(RELEVANT, INPUTS)}
NETWORK = MLP([INPUTS, HIDDEN, HIDDEN, 1], "linear", "linear")
SNR = 5.0  # variance of the teacher's output over that of the target's noise
CHANNEL = AdditiveGaussian(0.3)  # the teacher's output has variance 1
TRAINED_ON = {"overfitting": 40, "not-overfitting": 400}  # samples
POOL = 4_000  # each network's training sample is drawn from so many
_TEACHER, _POOL, _FRESH = 0x7EAC, 0x9001, 0xF4E5  # streams of random numbers


class DeepLinear(Experiment):
    """Linear networks with and without overfitting: their planes in closed form, and as measured on fresh samples.

    X ~ N(0, I / 30); Y = V X + noise, V random on the first 10 inputs and 0 on the others, signal-to-noise ratio 5.
    Networks 30-8-8-1 are trained by full-batch gradient descent on 40 or 400 samples; as inputs are small, initial
    weights of the usual size are small beside those that fit. Noise of sigma 0.3 is added to layers in the analysis
    alone. Measured: at every checkpoint of every network 2,000 fresh samples of X and Y, passed through the layers, and
    canonical correlations (``Gaussian``).
    """

    name = "deep-linear"
    title = "Deep linear networks on a linear teacher"
    source = "Saxe et al. 2018, On the information bottleneck theory of deep learning (setting and sizes ours)"
    seeds = 20
    quick_seeds = 4

    def measure(self, run: Run) -> dict[str, xr.Dataset]:
        law = teacher()
        found: dict[str, xr.Dataset] = {}
        for name, n_train in TRAINED_ON.items():
            recording = run.ensemble(
                name,
                NETWORK,
                pool(law),
                epochs=sizes(run, 10_000, 2_000),
                batch_size=None,
                optimizer=SGD(0.1),
                train_fraction=n_train / POOL,
                checkpoint_epochs=sizes(run, 40, 10),
            )
            found[name] = run.table(name, lambda r=recording: linear_plane(r, law, CHANNEL, parts=PARTS))
            pieces: list[xr.Dataset] = []
            for seed in recording.seeds:
                run.progress(f"{name}: measuring", len(pieces), run.seeds)
                piece = run.table(f"pieces/{name}-{seed}", lambda r=recording, s=seed: measured(r, law, int(s)))
                pieces.append(piece)
            found[f"{name}-measured"] = _plane(pieces, found[name])
        return found

    def claims(self, datasets: Mapping[str, xr.Dataset]) -> list[Claim]:
        exact = {name: datasets[name] for name in TRAINED_ON}
        pairs = {name: (datasets[name], datasets[f"{name}-measured"]) for name in TRAINED_ON}
        return [
            overfitting(exact, TRAINED_ON),
            *alike(exact),
            *(split(name, plane, self.source) for name, plane in exact.items()),
            *agreement(pairs),
        ]

    def draw(self, datasets: Mapping[str, xr.Dataset]) -> dict[str, Figure]:
        titles = {name: f"{name.replace('-', ' ')}, {n} samples" for name, n in TRAINED_ON.items()}
        pairs = {title: (datasets[name], datasets[f"{name}-measured"]) for name, title in titles.items()}
        return {
            "planes": plots.path_panels([(title, exact) for title, (exact, _) in pairs.items()], unit="nats"),
            "split": plots.part_panels(pairs, QUANTITIES, unit="nats"),
        }


def teacher() -> LinearLayer:
    """The law of the data: X of covariance I / 30, Y = V X + noise, V X of variance 1."""
    covariance = np.eye(INPUTS) / INPUTS
    weights = np.zeros((1, INPUTS))
    weights[0, :RELEVANT] = np.random.default_rng(_TEACHER).standard_normal(RELEVANT)
    weights /= np.sqrt((weights**2).sum() / INPUTS)
    return LinearLayer(weights, SNR**-0.5, covariance)


def pool(law: LinearLayer) -> Task:
    """Samples that training samples are drawn from; the others are held out."""
    x, y = law.draw(POOL, np.random.default_rng(_POOL))
    name = f"linear teacher, {RELEVANT} of {INPUTS} inputs, signal-to-noise ratio {SNR:g}"
    return Task(x.astype(np.float32), y[:, 0].astype(np.float32), name)


def measured(recording: WeightsRecording, law: LinearLayer, seed: int, n: int = 2_000) -> xr.Dataset:
    """One network's plane from samples that are fresh at every checkpoint, over (epoch, layer), in nats.

    Args:
        recording: of a linear network.
        law: of the data.
        seed: a member of ``recording.seeds``.
        n: samples at each checkpoint.

    Returns:
        ``mi_input``, ``mi_target``, ``mi_relevant`` and ``mi_irrelevant``, each with ``_stderr``.
    """
    shape = (len(recording.epochs), len(recording.layers))
    found = {f"{name}{end}": np.full(shape, np.nan) for name in QUANTITIES for end in ("", "_stderr")}
    for row, epoch in enumerate(recording.epochs):
        random = np.random.default_rng([int(seed), int(epoch), _FRESH])
        x, y = law.draw(n, random)
        layer = x
        for column, (weights, bias) in enumerate(recording.weights(seed, int(epoch))):
            layer = layer @ weights.T.astype(np.float64) + bias
            t = layer + CHANNEL.sigma * random.standard_normal(layer.shape)
            sides = {"mi_input": (x, t), "mi_target": (t, y)}
            sides |= {f"mi_{part}": (x[:, list(columns)], t) for part, columns in PARTS.items()}
            for name, (one, other) in sides.items():
                estimate = mutual_information(one, other, Gaussian())
                found[name][row, column], found[f"{name}_stderr"][row, column] = estimate.value, estimate.stderr
    coords = {"epoch": recording.epochs, "layer": list(recording.layers)}
    settings = provenance(method=str(Gaussian()), n_samples=n)
    return xr.Dataset({name: (("epoch", "layer"), v) for name, v in found.items()}, coords, settings).expand_dims(
        seed=[int(seed)]
    )


def _plane(pieces: list[xr.Dataset], exact: xr.Dataset) -> xr.Dataset:
    """The measured plane of all networks, with the names and the training curves of the exact one."""
    plane: xr.Dataset = xr.concat(pieces, "seed", combine_attrs="drop_conflicts")
    for name in QUANTITIES:
        plane[name].attrs = exact[name].attrs | {"direction": "estimate", "estimator": plane.attrs["method"]}
    curves = {name: values for name, values in exact.items() if str(name).startswith("loss_")}
    kept = {
        k: v
        for k, v in exact.attrs.items()
        if k in ("channel", "task", "noise", "training", "seeds", "ceiling_mi_target")
    }
    return check(add_summary(plane.assign(curves)).assign_attrs(kept))
