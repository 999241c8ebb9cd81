"""P1, P2: the plane of an ensemble of tanh networks on the 12-bit task."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import xarray as xr

from .. import plots
from ..data import twelve_bit
from ..estimators import Binned, PairwiseBounds
from ..networks import MLP
from .base import Claim, Experiment, Run, sizes, thinned
from .phase_claims import every_layer_falls, falls, fits, longer_than_fitting
from .verdicts import BITS, all_of, last_hidden, mean_over_seeds

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
        few = thinned(recording.epochs, sizes(run, 24, 9))
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
        return [
            fits(plane, layer, source),
            *(falls(datasets[name], layer, source, f" ({name})") for name in ("binned", "pairwise")),
            every_layer_falls(plane, source, " (binned)"),
            longer_than_fitting(plane, layer, source),
            _near_the_bound(plane, source),
        ]

    def draw(self, datasets: Mapping[str, xr.Dataset]) -> dict[str, Figure]:
        return plots.figures(datasets["binned"]) | {
            "plane-pairwise": plots.figure_of(plots.plane, datasets["pairwise"]),
        }


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
