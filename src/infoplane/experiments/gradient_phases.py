"""P3: drift and diffusion of the gradients, with and without compression."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from .. import plots
from ..data import twelve_bit
from ..estimators import Binned
from ..networks import MLP, SGD, Adam
from ..plane import gradient_phases
from .base import Claim, Experiment, Run, sizes
from .black_box import NETWORK
from .verdicts import Mean, all_of, compresses, excess_compression, last_hidden, mean_over_seeds, opposite

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class GradientPhases(Experiment):
    """Gradient signal to noise against the phases of the plane, for two optimisers and two activations."""

    name = "gradient-phases"
    title = "Gradient phases: 12-bit task"
    source = "arXiv:1703.00810"

    def measure(self, run: Run) -> dict[str, xr.Dataset]:
        relu = MLP(NETWORK.widths, "relu")
        settings = {
            "tanh-sgd": (NETWORK, SGD(0.1)),
            "tanh-adam": (NETWORK, Adam()),
            "relu-adam": (relu, Adam()),
        }
        found = {}
        for name, (network, optimizer) in settings.items():

            def train(name: str = name, network: MLP = network, optimizer: SGD | Adam = optimizer):
                return run.ensemble(
                    name,
                    network,
                    twelve_bit(),
                    optimizer=optimizer,
                    epochs=sizes(run, 10_000, 1_500),
                    batch_size=256,
                    checkpoint_epochs=sizes(run, 200, 50),
                )

            found[name] = run.plane(name, train, Binned(30), null=20)
        return found

    def claims(self, datasets: Mapping[str, xr.Dataset]) -> list[Claim]:
        found = []
        for name in ("tanh-sgd", "tanh-adam"):
            plane = datasets[name]
            start, end = _crossings(plane)
            found.append(
                Claim(
                    f"Every layer goes from drift (gradient mean above its deviation) to diffusion (below; {name}).",
                    all_of([*(m.above(0.0) for m in start.values()), *(m.below(0.0) for m in end.values())]),
                    {f"{k}: ln(mean/std) at first, at last": f"{start[k]}, {end[k]}" for k in start},
                    self.source,
                )
            )
            near, crossed = _near_the_maximum(plane)
            found.append(
                Claim(
                    f"In most networks {last_hidden(plane)} crosses within a factor of 2 of its compression ({name}).",
                    near.above(0.5),
                    {"share of networks within a factor of 2": str(near), "share that cross at all": str(crossed)},
                    self.source,
                )
            )
        relu = datasets["relu-adam"]
        layer = last_hidden(relu)
        crossed = mean_over_seeds(np.isfinite(relu.drift_to_diffusion_epoch.sel(layer=layer)).astype(float))
        excess = excess_compression(relu, layer)
        found.append(
            Claim(
                f"The two phases appear also where {layer} does not compress (relu).",
                all_of([crossed.above(0.5), opposite(compresses(relu, layer))]),
                {"share of networks that cross": str(crossed), "fall above shuffled steps, bits": str(excess)},
                "discussed in the survey arXiv:2003.09671",
            )
        )
        return found

    def draw(self, datasets: Mapping[str, xr.Dataset]) -> dict[str, Figure]:
        figures = {f"phases-{name}": plots.figure_of(plots.gradient_phases, plane) for name, plane in datasets.items()}
        return figures | {
            f"plane-{name}": plots.figure_of(plots.plane_paths, plane) for name, plane in datasets.items()
        }


def _crossings(plane: xr.Dataset) -> tuple[dict[str, Mean], dict[str, Mean]]:
    """ln(m/s) of every layer at the start of training and at its end, geometric mean over a few checkpoints."""
    ratio = np.log(gradient_phases(plane).signal_to_noise)
    ratio = ratio.where(np.isfinite(ratio))
    first, last = ratio.isel(epoch=slice(0, 3)).mean("epoch"), ratio.isel(epoch=slice(-5, None)).mean("epoch")
    names = [str(name) for name in plane.layer.values]
    return tuple({n: mean_over_seeds(part.sel(layer=n)) for n in names} for part in (first, last))  # type: ignore[return-value]


def _near_the_maximum(plane: xr.Dataset) -> tuple[Mean, Mean]:
    """Share of networks whose last hidden layer crosses within a factor of 2 of its maximal I(X;T); share that cross.

    A network that never crosses is not near.
    """
    layer = last_hidden(plane)
    crossing = plane.drift_to_diffusion_epoch.sel(layer=layer)
    peak = plane.epoch_of_maximum.sel(layer=layer)
    ratio = np.log2(np.maximum(crossing, 1.0) / np.maximum(peak, 1.0))
    near = (np.abs(ratio) <= 1).astype(float)
    return mean_over_seeds(near), mean_over_seeds(np.isfinite(crossing).astype(float))
