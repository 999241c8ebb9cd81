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
from .verdicts import BITS, all_of, compresses, compression, excess_compression, hidden, last_hidden, mean_over_seeds

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
        few = recording.epochs[np.unique(np.linspace(0, len(recording.epochs) - 1, sizes(run, 24, 9)).astype(int))]
        checks = sizes(run, 20, 0)
        return {
            "binned": run.plane("binned", recording, Binned(30), null=20),
            "pairwise": run.plane("pairwise", recording, PairwiseBounds(), epochs=few, null=checks),
            "binned-train": run.plane("binned-train", recording, Binned(30), epochs=few, split="train", null=checks),
            "binned-test": run.plane("binned-test", recording, Binned(30), epochs=few, split="test", null=checks),
        }

    def claims(self, datasets: Mapping[str, xr.Dataset]) -> list[Claim]:
        plane, source = datasets["binned"], self.source
        layer = last_hidden(plane)
        gain = mean_over_seeds(plane.fitting_gain.sel(layer=layer) * BITS)
        found = [
            Claim(
                f"Fitting: {layer} gains information on the label.",
                gain.above(0.0),
                {"gain of I(T;Y), bits": str(gain)},
                source,
            )
        ]
        for name in ("binned", "pairwise"):
            dataset = datasets[name]
            excess = excess_compression(dataset, layer)
            found.append(
                Claim(
                    f"Compression: I(X;T) of {layer} falls after its maximum ({name}).",
                    compresses(dataset, layer),
                    {"fall, bits": str(compression(dataset, layer)), "fall above shuffled steps, bits": str(excess)},
                    source,
                )
            )
        every = {name: (compression(plane, name), excess_compression(plane, name)) for name in hidden(plane)}
        found.append(
            Claim(
                "Every hidden layer compresses (binned).",
                all_of([compresses(plane, name) for name in every]),
                {f"{name}: fall, and above shuffled steps, bits": f"{a}, {b}" for name, (a, b) in every.items()},
                source,
            )
        )
        return [*found, _longer_than_fitting(plane, layer, source), _near_the_bound(plane, source)]

    def draw(self, datasets: Mapping[str, xr.Dataset]) -> dict[str, Figure]:
        return plots.figures(datasets["binned"]) | {
            "plane-pairwise": plots.figure_of(plots.plane, datasets["pairwise"]),
        }


def _longer_than_fitting(plane: xr.Dataset, layer: str, source: str) -> Claim:
    """Whether nine tenths of the fall take more epochs than the way up to the maximum, where there is a fall."""
    path = plane.mi_input.sel(layer=layer)
    peak = plane.epoch_of_maximum.sel(layer=layer)
    level = path.max("epoch") - 0.9 * plane.compression.sel(layer=layer)
    fallen = (path <= level) & (plane.epoch >= peak)
    arrival = plane.epoch.isel(epoch=fallen.argmax("epoch")).drop_vars("epoch")
    ratio = mean_over_seeds(np.log10(np.maximum(arrival - peak, 1.0) / np.maximum(peak, 1.0)))
    return Claim(
        f"Most epochs go to compression: nine tenths of the fall of {layer} take longer than the way to its maximum.",
        all_of([compresses(plane, layer), ratio.above(0.0)]),
        {
            "log10(epochs of the fall / epochs to the maximum)": str(ratio),
            "epoch of the maximum": str(mean_over_seeds(peak)),
        },
        source,
    )


def _near_the_bound(plane: xr.Dataset, source: str) -> Claim:
    """Whether layers that start below min(I(X;T), H(Y)) by more than 5 % of H(Y) end within that distance."""
    limit = _NEAR * float(plane.attrs["ceiling_mi_target"]) * BITS
    distance = plane.bound_distance * BITS
    first, last = (
        {str(name): mean_over_seeds(distance.isel(epoch=end).sel(layer=name)) for name in plane.layer.values}
        for end in (0, -1)
    )
    tested = [name for name, mean in first.items() if mean.lower > limit]
    return Claim(
        f"Layers that start off the bound min(I(X;T), H(Y)) converge to within {limit:.2f} bits of it.",
        all_of([last[name].below(limit) for name in tested]) if tested else "unclear",
        {f"{name}: distance at first, at last, bits": f"{first[name].value:.3g}, {last[name]}" for name in first},
        source,
    )
