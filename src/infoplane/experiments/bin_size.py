"""D1: the same networks at eight resolutions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import xarray as xr

from .. import plots
from ..data import twelve_bit
from ..estimators import Binned
from .base import Claim, Experiment, Run, sizes
from .black_box import NETWORK
from .verdicts import all_of, compresses, compression, excess_compression, hidden, last_hidden

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_BINS = (5, 10, 15, 20, 25, 35, 50, 100)


class BinSize(Experiment):
    """How far the number of bins decides what is seen."""

    name = "bin-size"
    title = "Number of bins: 12-bit task, tanh"
    source = "arXiv:1703.00810; critique in arXiv:1802.09766 and arXiv:2003.09671"

    def measure(self, run: Run) -> dict[str, xr.Dataset]:
        recording = run.ensemble(
            "tanh",
            NETWORK,
            twelve_bit(),
            epochs=sizes(run, 8_000, 1_000),
            batch_size=256,
            checkpoint_epochs=sizes(run, 150, 25),
        )
        return {
            f"{bins}-bins": run.plane(f"{bins}-bins", recording, Binned(bins), null=sizes(run, 20, 0)) for bins in _BINS
        }

    def claims(self, datasets: Mapping[str, xr.Dataset]) -> list[Claim]:
        layer = last_hidden(datasets["5-bins"])
        last = {name: excess_compression(plane, layer) for name, plane in datasets.items()}
        layers = hidden(datasets["5-bins"])
        seen = {name: [one for one in layers if compresses(plane, one) == "holds"] for name, plane in datasets.items()}
        same = len({tuple(v) for v in seen.values()}) == 1
        falls = {f"{name}: fall, bits": str(compression(plane, layer)) for name, plane in datasets.items()}
        return [
            Claim(
                f"{layer} compresses at every resolution from 5 to 100 bins.",
                all_of([compresses(plane, layer) for plane in datasets.values()]),
                falls | {f"{name}: fall above shuffled steps, bits": str(mean) for name, mean in last.items()},
                self.source,
            ),
            Claim(
                "Which layers compress does not depend on the number of bins.",
                "holds" if same else "fails",
                {f"{name}: layers that compress": ", ".join(v) or "none" for name, v in seen.items()},
                "arXiv:2003.09671",
            ),
        ]

    def draw(self, datasets: Mapping[str, xr.Dataset]) -> dict[str, Figure]:
        named = [(int(name.removesuffix("-bins")), plane) for name, plane in datasets.items()]
        return {
            "bin-size": plots.bin_size(named),
            "compression": plots.figure_of(plots.compression, [(f"{bins} bins", plane) for bins, plane in named]),
        }
