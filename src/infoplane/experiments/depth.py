"""P4: how depth changes the time to full label information."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from .. import plots
from ..data import twelve_bit
from ..estimators import Binned
from ..networks import MLP
from ..results import provenance
from .base import Claim, Experiment, Run, planes, sizes
from .verdicts import Mean, all_of, any_of, compresses, compression, opposite

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_HIDDEN = ((10,), (10, 7), (10, 7, 5), (10, 7, 5, 4), (10, 7, 5, 4, 3), (12, 10, 7, 5, 4, 3))
_FULL = 0.9  # of H(Y), at the output: 1 is not reached in finite time by most networks


class Depth(Experiment):
    """One to six hidden layers on the same task."""

    name = "depth"
    title = "Depth: 12-bit task, tanh"
    source = "arXiv:1703.00810"
    quick_seeds = 6

    def measure(self, run: Run) -> dict[str, xr.Dataset]:
        found = {}
        for widths in _HIDDEN:
            name = f"{len(widths)}-hidden"

            def train(widths: tuple[int, ...] = widths, name: str = name):
                return run.ensemble(
                    name,
                    MLP([12, *widths, 2], "tanh"),
                    twelve_bit(),
                    epochs=sizes(run, 10_000, 700),
                    batch_size=256,
                    checkpoint_epochs=sizes(run, 150, 20),
                )

            found[name] = run.plane(name, train, Binned(30))
        return found | {"epochs-to-full": _epochs_to_full(found)}

    def claims(self, datasets: Mapping[str, xr.Dataset]) -> list[Claim]:
        table = datasets["epochs-to-full"]
        slope = Mean(*(float(table.attrs[f"slope{end}"]) for end in ("", "_lower", "_upper")))
        count = [int(h) for h in table.hidden_layers]
        times = {
            f"{h} hidden: median epochs (networks that got there)": f"{float(m):.4g} ({float(s):.0%})"
            for h, m, s in zip(count, table.epochs_to_full, table.reached, strict=True)
        }
        deepest = datasets[f"{count[-1]}-hidden"]
        first, others = str(deepest.layer.values[0]), [str(name) for name in deepest.layer.values[1:-1]]
        return [
            Claim(
                f"More hidden layers cut the epochs until the output has {_FULL:.0%} of H(Y).",
                slope.below(0.0),
                {"ln(epochs) per further layer": str(slope), **times},
                self.source,
            ),
            Claim(
                "The cut is dramatic: each further layer at least halves the epochs.",
                slope.below(-float(np.log(2.0))),
                {"ln(epochs) per further layer (halving: -0.693)": str(slope)},
                self.source,
            ),
            Claim(
                "A first layer as wide as the input (12) does not compress, while a later one does.",
                all_of([opposite(compresses(deepest, first)), any_of([compresses(deepest, name) for name in others])]),
                {f"{name}: fall, bits": str(compression(deepest, name)) for name in [first, *others]},
                self.source,
            ),
        ]

    def draw(self, datasets: Mapping[str, xr.Dataset]) -> dict[str, Figure]:
        panels = [(name.replace("-", " "), plane) for name, plane in datasets.items() if "mi_input" in plane]
        return {
            "paths": plots.path_panels(panels),
            "epochs-to-full": plots.figure_of(plots.depth, datasets["epochs-to-full"]),
        }


def _epochs_to_full(datasets: Mapping[str, xr.Dataset]) -> xr.Dataset:
    """First checkpoint at which the output has 90 % of H(Y): median over networks, interval, and the fit over depth.

    Networks that never get there count as slower than all that do: the median is nan where they are the majority, and
    the fit uses the depths with a median. Its interval resamples networks.
    """
    times = []
    for plane in planes(datasets):
        output = plane.mi_target.sel(layer="output") >= _FULL * float(plane.attrs["ceiling_mi_target"])
        first = plane.epoch.to_numpy()[output.argmax("epoch").to_numpy()].astype(float)
        times.append(np.where(output.any("epoch"), np.maximum(first, 1.0), np.inf))
    matrix = np.stack(times, axis=1)  # seed, depth
    random = np.random.default_rng(0xDE97)
    draws = np.stack([np.median(matrix[random.integers(len(matrix), size=len(matrix))], axis=0) for _ in range(2000)])
    with np.errstate(invalid="ignore"):
        low, high = (np.quantile(draws, q, axis=0, method="lower") for q in (0.025, 0.975))
    hidden = np.arange(1, matrix.shape[1] + 1)
    slopes = np.array([_slope(hidden, row)[0] for row in draws])
    slope, intercept = _slope(hidden, np.median(matrix, axis=0))
    ends = np.nanquantile(slopes, [0.025, 0.975]) if np.isfinite(slopes).any() else (np.nan, np.nan)
    finite = lambda values: np.where(np.isfinite(values), values, np.nan)  # noqa: E731
    return xr.Dataset(
        {
            "epochs_to_full": ("hidden_layers", finite(np.median(matrix, axis=0))),
            "epochs_to_full_lower": ("hidden_layers", finite(low)),
            "epochs_to_full_upper": ("hidden_layers", finite(high)),
            "reached": ("hidden_layers", np.isfinite(matrix).mean(axis=0)),
            "epochs_by_network": (("seed", "hidden_layers"), finite(matrix)),
        },
        coords={"hidden_layers": hidden, "seed": next(iter(datasets.values())).seed.to_numpy()},
        attrs=provenance(
            quantity=f"epochs until I(T;Y) of the output is {_FULL:.0%} of H(Y)",
            slope=slope,
            slope_lower=float(ends[0]),
            slope_upper=float(ends[1]),
            intercept=intercept,
        ),
    )


def _slope(hidden: np.ndarray, epochs: np.ndarray) -> tuple[float, float]:
    """Least squares of ln(epochs) on depth, over the depths that have a median."""
    some = np.isfinite(epochs)
    if some.sum() < 2:
        return np.nan, np.nan
    slope, intercept = np.polyfit(hidden[some], np.log(epochs[some]), 1)
    return float(slope), float(intercept)
