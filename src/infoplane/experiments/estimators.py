"""D5: one ensemble seen by every estimator that fits it, at resolutions that stay and at some that move."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING

import xarray as xr

from .. import plots
from ..channels import AdditiveGaussian
from ..data import twelve_bit
from ..estimators import KSG, Binned, Decoder, Estimator, Mixture, PairwiseBounds
from ..networks import MLP, WeightsRecording
from ..plane.agreement import agreement
from ..plane.methods import method_of
from ..plane.several import by_estimator
from .base import Claim, Experiment, Run, sizes
from .estimators_claims import NOISE, claims_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_SIGMAS = (0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0)


class Estimators(Experiment):
    """Which estimators agree that a layer compresses, and whether that survives a resolution that moves with it."""

    name = "estimators"
    title = "All estimators on one run: 12-bit task"
    source = "arXiv:2003.09671"
    seeds = 20
    quick_seeds = 4

    def measure(self, run: Run) -> dict[str, xr.Dataset]:
        found = {}
        for activation in ("tanh", "relu"):

            def train(activation: str = activation) -> WeightsRecording:
                return run.ensemble(
                    activation,
                    MLP([12, 10, 7, 5, 4, 3, 2], activation),  # type: ignore[arg-type]
                    twelve_bit(),
                    epochs=sizes(run, 8_000, 300),
                    batch_size=256,
                    checkpoint_epochs=sizes(run, 24, 7),
                )

            found[activation] = run.table(activation, partial(_together, run, activation, train))
        if not run.quick:
            epochs = found["tanh"].epoch.to_numpy()
            found["tanh-decoder"] = run.plane(
                "tanh-decoder",
                lambda: train("tanh"),
                KSG(),
                estimator_target=Decoder(),
                channel=AdditiveGaussian(NOISE),
                epochs=epochs[[0, len(epochs) // 2, -1]],
            )
        return found

    def claims(self, datasets: Mapping[str, xr.Dataset]) -> list[Claim]:
        return claims_of(datasets, self.source)

    def draw(self, datasets: Mapping[str, xr.Dataset]) -> dict[str, Figure]:
        found = {}
        for activation in ("tanh", "relu"):
            plane = datasets[activation]
            table = agreement(plane)
            found |= {
                f"agreement-{activation}": plots.figure_of(plots.agreement, table),
                f"curves-{activation}": plots.estimator_panels(plane, str(plane.layer.values[-2])),
                f"noise-{activation}": plots.fall_panels(table),
            }
        return found


def _together(run: Run, activation: str, train: Callable[[], WeightsRecording]) -> xr.Dataset:
    """The planes of one ensemble by every estimator."""
    planes = [
        run.plane(f"pieces/{activation}, {name}", train, estimator)
        for name, estimator in _estimators(run, activation).items()
    ]
    if activation == "tanh" and not run.quick:
        noise = AdditiveGaussian(NOISE)
        planes.append(run.plane("pieces/tanh, KSG", train, KSG(), estimator_target=Mixture(), channel=noise))
    return by_estimator({method_of(plane).label: plane for plane in planes})


def _estimators(run: Run, activation: str) -> dict[str, Estimator]:
    """By name: bins that stay and bins that move with the layer, then noise that stays and noise that moves."""
    tanh = activation == "tanh"
    counts = (10, 30, 100) if tanh and not run.quick else (30,)
    found: dict[str, Estimator] = {f"{bins} bins": Binned(bins) for bins in counts}
    if not run.quick:
        found |= {"equal mass": Binned(30, kind="mass"), "units of std": Binned(30, range="std")}
    found |= {"own range": Binned(30, range="snapshot"), "adaptive": Binned(30, kind="adaptive")}
    sigmas = _SIGMAS if tanh else _SIGMAS[::2]
    for relative in (False, True):
        for sigma in sigmas[:: len(sigmas) // 2] if run.quick else sigmas:
            found[f"noise {sigma:g}{' std' if relative else ''}"] = PairwiseBounds(sigma, relative)
    return found
