"""D6: networks that run with noise, so that I(X;T) is finite, beside measures of how they cluster the inputs."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import xarray as xr

from .. import plots
from ..data import Task, twelve_bit
from ..estimators import Binned, GaussianDropout, SamplePropagation
from ..networks import MLP, Adam, AdditiveNoise, MultiplicativeNoise, WeightsRecording
from ..plane import clustering, information_plane
from .base import Claim, Experiment, Run, sizes
from .noisy_claims import DROPOUT, ENTROPIES, MORE, PENALTIES, SIGMA, noisy_claims

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from ..networks.noise import Noise

_WIDTHS = (12, 10, 7, 5, 4, 3, 2)
_HIDDEN = tuple(f"hidden {k}" for k in range(1, len(_WIDTHS) - 1))
_EPOCHS = (0, 10, 30, 60, 120, 250, 500, 800, 1200, 1800, 2700, 4000, 6000)
_DROPOUT_EPOCHS = (0, 120, 1200, 6000)
# The uniform law on an interval of this many sigma has the standard deviation of the noise.
_MATCHED = 12.0**0.5

_MEASURES = {
    "cosine_within": {"label": "cosine within\nclasses"},
    "spread_ratio": {"label": "spread within /\nbetween classes"},
    **{name: {"label": f"H(T), noise off,\n{label}"} for name, label in ENTROPIES.items()},
}


@dataclass(frozen=True)
class _Arm:
    """One ensemble.

    Attributes:
        title: for pictures.
        noise: the networks run with.
        orthonormality: strength of the penalty on the hidden layers' weights.
        layers: where information is measured.
    """

    title: str
    noise: Noise
    orthonormality: float = 0.0
    layers: tuple[str, ...] = _HIDDEN


_WEAK, _STRONG = PENALTIES
_ARMS = {
    "plain": _Arm("no penalty", AdditiveNoise(SIGMA)),
    _WEAK: _Arm(f"penalty {PENALTIES[_WEAK]:g}", AdditiveNoise(SIGMA), PENALTIES[_WEAK]),
    _STRONG: _Arm(f"penalty {PENALTIES[_STRONG]:g}", AdditiveNoise(SIGMA), PENALTIES[_STRONG], _HIDDEN[-1:]),
    "more-noise": _Arm(f"no penalty, sigma {MORE:g}", AdditiveNoise(MORE), 0.0, _HIDDEN[-1:]),
    "dropout": _Arm("Gaussian dropout", MultiplicativeNoise(DROPOUT), 0.0, ("hidden 1", "hidden 3", "hidden 5")),
}


class Noisy(Experiment):
    """Does a noisy network compress, is that clustering of classes, and does an orthonormality penalty prevent it?

    Networks 12-10-7-5-4-3-2, tanh, Adam(4e-4), batches of 256, with noise after every hidden layer in training and in
    evaluation: additive of sigma 0.1 (and 0.2), or Gaussian dropout of sigma 0.4 on inputs -1 and 1, since a unit that
    is 0 has no noise of that kind. The penalty holds for the weights of the hidden layers. Cosines and binned entropies
    are of the same weights with all noise switched off: they are then functions of the input.
    """

    name = "noisy"
    title = "Networks that run with noise: 12-bit task, tanh"
    source = "our reading of statements others attribute to arXiv:1810.05728"
    seeds = 10
    quick_seeds = 3

    def measure(self, run: Run) -> dict[str, xr.Dataset]:
        found = {}
        for name in sizes(run, tuple(_ARMS), ("plain", _WEAK, "dropout")):  # each has a program to compile
            arm = _ARMS[name]
            layers = sizes(run, arm.layers, _HIDDEN[-1:])
            epochs = _chosen(run, _DROPOUT_EPOCHS if name == "dropout" else _EPOCHS)
            train = _training(run, name, arm)
            method = GaussianDropout if name == "dropout" else SamplePropagation
            found[name] = run.plane(name, train, method(sizes(run, 32, 16)), layers=layers, epochs=epochs)
            if name == "dropout":
                silent = functools.partial(_silenced, train)
                found["dropout-binned"] = run.plane("dropout-binned", silent, Binned(30), layers=layers, epochs=epochs)
            else:
                found[f"{name}-proxies"] = run.table(
                    f"{name}-proxies", functools.partial(_proxies, train, layers, epochs)
                )
        return found

    def claims(self, datasets: Mapping[str, xr.Dataset]) -> list[Claim]:
        return noisy_claims(datasets, self.source)

    def draw(self, datasets: Mapping[str, xr.Dataset]) -> dict[str, Figure]:
        titles = {name: arm.title for name, arm in _ARMS.items()}
        both = ("plain", _WEAK)
        paths = [(titles[name], datasets[name]) for name in (*both, "dropout")]
        last = str(datasets["plain"].layer.values[-1])
        additive = [(titles[name], datasets[name]) for name in _ARMS if name in datasets and name != "dropout"]
        return {
            "paths": plots.path_panels([*paths, ("the same, noise off, 30 bins", datasets["dropout-binned"])]),
            "clustering": plots.bracket_panels(
                {titles[name]: (datasets[name], datasets[f"{name}-proxies"]) for name in both}, _MEASURES
            ),
            "last-layer": plots.figure_of(plots.bracket_runs, additive, last),
            "dropout": plots.figure_of(plots.bracket_curves, datasets["dropout"]),
        }


def _chosen(run: Run, epochs: tuple[int, ...]) -> tuple[int, ...]:
    """Checkpoints at which information is measured."""
    return sizes(run, epochs, (0, 30, 90, 180))


def _training(run: Run, name: str, arm: _Arm) -> Callable[[], WeightsRecording]:
    """Train, or find, the ensemble of an arm; once a run."""

    @functools.cache
    def train() -> WeightsRecording:
        penalties = [arm.orthonormality] * len(_HIDDEN) + [0.0]
        chosen = _chosen(run, _EPOCHS)
        return run.ensemble(
            name,
            MLP(_WIDTHS, noise=arm.noise),
            _centred() if name == "dropout" else twelve_bit(),
            optimizer=Adam(4e-4),
            epochs=max(chosen),
            batch_size=256,
            checkpoint_epochs=chosen,
            orthonormality=penalties,
        )

    return train


def _centred() -> Task:
    """The 12-bit task with inputs -1 and 1."""
    task = twelve_bit()
    return replace(task, x=2 * task.x - 1, name=f"{task.name}, inputs -1 and 1")


def _silenced(train: Callable[[], WeightsRecording]) -> WeightsRecording:
    """The same weights in networks without noise."""
    noisy = train()
    return WeightsRecording(
        replace(noisy.network, noise=None),
        noisy.parameters,
        noisy.seeds,
        noisy.epochs,
        noisy.probe,
        noisy.scalars,
        noisy.provenance,
        (*noisy.notes, f"These networks were trained with noise ({noisy.noise}), and are measured without it."),
    )


def _proxies(train: Callable[[], WeightsRecording], layers: tuple[str, ...], epochs: tuple[int, ...]) -> xr.Dataset:
    """Cosines, and entropies in bins of two widths, of the networks with their noise switched off."""
    recording, noise = _silenced(train), train().network.noise
    assert noise is not None
    bins = {"entropy_fine": 30, "entropy_matched": max(2, round(2.0 / (_MATCHED * noise.sigma)))}
    entropies = {}
    for name, count in bins.items():
        binned = information_plane(recording, Binned(count), layers=layers, epochs=epochs)
        quantity = {"quantity": f"H(T at {count} bins), noise off", "unit": "nats"}
        entropies[name] = binned.mi_input.assign_attrs(quantity)
    return clustering(recording, layers=layers, epochs=epochs).assign(entropies)
