"""P1, P2: the plane of an ensemble of tanh networks on the 12-bit task."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from .. import plots
from ..data import twelve_bit
from ..estimators import Binned, PairwiseBounds
from ..networks import MLP
from .base import Claim, Experiment, Run, sizes
from .verdicts import BITS, all_of, compresses, compression, excess_compression, hidden, last_hidden, mean_over_networks

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NETWORK = MLP([12, 10, 7, 5, 4, 3, 2], "tanh")
_NEAR = 0.05  # of H(Y): how close to its bound a layer must be to count as on it


class BlackBox(Experiment):
    """Fitting, then compression; most epochs on compression; converged layers near the bound."""

    name = "black-box"
    title = "Opening the black box: 12-bit task, tanh"
    source = "arXiv:1703.00810"

    def measure(self, run: Run) -> dict[str, xr.Dataset]:
        recording = run.ensemble(
            "tanh",
            NETWORK,
            twelve_bit(),
            epochs=sizes(run, 10_000, 2_000),
            batch_size=256,
            checkpoint_epochs=sizes(run, 280, 60),
        )
        few = np.unique(np.linspace(0, len(recording.epochs) - 1, sizes(run, 24, 9)).astype(int))
        return {
            "binned": run.plane("binned", recording, Binned(30), null=20),
            "pairwise": run.plane(
                "pairwise", recording, PairwiseBounds(), epochs=recording.epochs[few], null=sizes(run, 20, 0)
            ),
        }

    def claims(self, datasets: Mapping[str, xr.Dataset]) -> list[Claim]:
        plane, source = datasets["binned"], self.source
        layer = last_hidden(plane)
        gain = mean_over_networks(plane.fitting_gain.sel(layer=layer) * BITS)
        share = mean_over_networks(plane.epoch_of_maximum.sel(layer=layer) / float(plane.epoch[-1]))
        found = [
            Claim(
                f"Fitting: {layer} gains information on the label.",
                gain.above(0.0),
                {"gain of I(T;Y), bits": str(gain)},
                source,
            )
        ]
        for name, dataset in datasets.items():
            excess = excess_compression(dataset, layer)
            found.append(
                Claim(
                    f"Compression: I(X;T) of {layer} falls after its maximum ({name}).",
                    compresses(dataset, layer),
                    {"fall, bits": str(compression(dataset, layer)), "fall above shuffled steps, bits": str(excess)},
                    source,
                )
            )
        every = {name: excess_compression(plane, name) for name in hidden(plane)}
        found.append(
            Claim(
                "Every hidden layer compresses (binned).",
                all_of([compresses(plane, name) for name in every]),
                {f"{name}: fall above shuffled steps, bits": str(mean) for name, mean in every.items()},
                source,
            )
        )
        found.append(
            Claim(
                f"Most epochs go to compression: the maximum of I(X;T) of {layer} comes in the first half of training.",
                share.below(0.5),
                {"epoch of the maximum / all epochs": str(share)},
                source,
            )
        )
        return [*found, _near_the_bound(plane, source)]

    def draw(self, datasets: Mapping[str, xr.Dataset]) -> dict[str, Figure]:
        return plots.figures(datasets["binned"]) | {
            "plane-pairwise": plots.figure_of(plots.plane, datasets["pairwise"]),
        }


def _near_the_bound(plane: xr.Dataset, source: str) -> Claim:
    """Whether the converged layers are within 5 % of H(Y) below min(I(X;T), H(Y))."""
    limit = _NEAR * float(plane.attrs["ceiling_mi_target"]) * BITS
    last = plane.bound_distance.isel(epoch=-1) * BITS
    distances = {str(name): mean_over_networks(last.sel(layer=name)) for name in plane.layer.values}
    return Claim(
        f"Converged layers lie on or near the bound min(I(X;T), H(Y)): within {limit:.2f} bits.",
        all_of([mean.below(limit) for mean in distances.values()]),
        {f"{name}: distance, bits": str(mean) for name, mean in distances.items()},
        source,
    )
