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
from .base import Claim, Experiment, Run, sizes
from .black_box import NETWORK
from .phase_claims import crosses_near_compression, drift_then_diffusion
from .verdicts import all_of, compresses, excess_compression, last_hidden, mean_over_seeds, opposite

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
            found += [
                make(datasets[name], self.source, name) for make in (drift_then_diffusion, crosses_near_compression)
            ]
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
