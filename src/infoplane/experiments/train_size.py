"""P2, P6: the plane for training samples from 3 to 85 % of all patterns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from .. import plots
from ..data import twelve_bit
from ..estimators import Binned
from .base import Claim, Experiment, Run, sizes
from .black_box import NETWORK
from .verdicts import BITS, Mean, last_hidden, mean_over_seeds

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class TrainSize(Experiment):
    """With little data the compression phase loses label information; with much it gains."""

    name = "train-size"
    title = "Training sample size: 12-bit task, tanh"
    source = "arXiv:1703.00810"

    def measure(self, run: Run) -> dict[str, xr.Dataset]:
        found = {}
        for percent in sizes(run, (3, 5, 10, 20, 45, 65, 85), (5, 45, 85)):
            name = f"{percent}-percent"

            def train(percent: int = percent, name: str = name):
                return run.ensemble(
                    name,
                    NETWORK,
                    twelve_bit(),
                    epochs=sizes(run, 10_000, 1_500),
                    batch_size=256,
                    train_fraction=percent / 100,
                    checkpoint_epochs=sizes(run, 150, 40),
                )

            found[name] = run.plane(name, train, Binned(30), null=20)
        return found

    def claims(self, datasets: Mapping[str, xr.Dataset]) -> list[Claim]:
        small, large = datasets["5-percent"], datasets["85-percent"]
        layer = last_hidden(small)
        few, many = late_change(small, layer), late_change(large, layer)
        ends = {name: _last(plane, layer) for name, plane in datasets.items()}
        growth = mean_over_seeds(_last_values(large, layer).to_numpy() - _last_values(small, layer).to_numpy())
        return [
            Claim(
                f"At 5 % of the data {layer} loses label information after its I(X;T) has peaked.",
                few.below(0.0),
                {"change of I(T;Y), bits": str(few)},
                self.source,
            ),
            Claim(
                f"At 85 % of the data {layer} gains label information after its I(X;T) has peaked.",
                many.above(0.0),
                {"change of I(T;Y), bits": str(many)},
                self.source,
            ),
            Claim(
                f"Converged I(T;Y) of {layer} grows with the training sample.",
                growth.above(0.0),
                {"85 % minus 5 %, bits": str(growth)} | {f"{k}: I(T;Y), bits": str(v) for k, v in ends.items()},
                self.source,
            ),
        ]

    def draw(self, datasets: Mapping[str, xr.Dataset]) -> dict[str, Figure]:
        named = [(name.replace("-percent", " %"), plane) for name, plane in datasets.items()]
        shown = [(name, plane) for name, plane in named if name in ("5 %", "45 %", "85 %")]
        return {
            "paths": plots.path_panels(shown),
            "converged": plots.figure_of(plots.converged, named),
            "training-5-percent": plots.figure_of(plots.training_curves, datasets["5-percent"]),
            "training-85-percent": plots.figure_of(plots.training_curves, datasets["85-percent"]),
        }


def late_change(plane: xr.Dataset, layer: str) -> Mean:
    """Change of I(T;Y), in bits, from the epoch where the mean I(X;T) of the layer peaks to the end.

    The epoch is that of the ensemble's mean path: one chosen network by network would lean on the noise of each.
    """
    peak = int(plane.mi_input.sel(layer=layer).mean("seed").argmax("epoch"))
    target = plane.mi_target.sel(layer=layer)
    return mean_over_seeds((target.isel(epoch=-1) - target.isel(epoch=peak)) * BITS)


def _last_values(plane: xr.Dataset, layer: str) -> xr.DataArray:
    return plane.mi_target.sel(layer=layer).isel(epoch=-1) * BITS


def _last(plane: xr.Dataset, layer: str) -> Mean:
    return mean_over_seeds(np.asarray(_last_values(plane, layer)))
