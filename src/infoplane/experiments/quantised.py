"""D7: exact planes of networks that really are quantised, beside the binned planes of float networks."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import TYPE_CHECKING

import xarray as xr

from .. import plots
from ..data import twelve_bit
from ..estimators import Binned, Plugin
from ..networks import MLP, Adam, Quantization, WeightsRecording
from ..plane import neuron_information
from .base import Claim, Experiment, Run, sizes
from .quantised_claims import ACTIVATIONS, BINS, WIDTHS_IN_BITS, neurons_as_plane, quantised_claims

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_WIDTHS = (12, 10, 7, 5, 4, 3, 2)
_SHOWN = {"tanh": "tanh", "relu": "ReLU"}


class Quantised(Experiment):
    """Is there compression where I(X;T) is exact, and does binning a float network show the same?"""

    name = "quantised"
    title = "Quantised networks beside binned ones: 12-bit task"
    source = "arXiv:2106.12912"
    seeds = 20
    quick_seeds = 4

    def measure(self, run: Run) -> dict[str, xr.Dataset]:
        found = {}
        for activation in ACTIVATIONS:
            train = _trained(run, activation, None)
            for bins in BINS:
                name = f"{activation}-{bins}-bins"
                found[name] = _slim(run.plane(name, train, Binned(bins)))
            for bits in WIDTHS_IN_BITS:
                name = f"{activation}-{bits}-bit"
                train = _trained(run, activation, bits)
                units = run.table(
                    f"pieces/{name}-neurons", lambda train=train: neuron_information(train(), progress=run.progress)
                )
                found[name] = _slim(run.plane(name, train, Plugin())).assign(units.data_vars)
        return found

    def claims(self, datasets: Mapping[str, xr.Dataset]) -> list[Claim]:
        return quantised_claims(datasets, self.source)

    def draw(self, datasets: Mapping[str, xr.Dataset]) -> dict[str, Figure]:
        named = {
            f"{_SHOWN[a]}, {kind}": datasets[f"{a}-{name}"]
            for a in ACTIVATIONS
            for kind, name in (
                ("4 bits, exact", "4-bit"),
                ("float, 16 bins", "16-bins"),
                ("8 bits, exact", "8-bit"),
                ("float, 256 bins", "256-bins"),
                ("float, 30 bins", "30-bins"),
            )
        }
        usual = ("8 bits, exact", "30 bins")
        neurons = {
            f"{_SHOWN[a]}, {bits} bits, single units": neurons_as_plane(datasets[f"{a}-{bits}-bit"])
            for a in ACTIVATIONS
            for bits in WIDTHS_IN_BITS
        }
        return {
            "paths": plots.path_panels([(n, plane) for n, plane in named.items() if not n.endswith("30 bins")]),
            "paths-30-bins": plots.path_panels([(n, plane) for n, plane in named.items() if n.endswith(usual)]),
            "compression": plots.figure_of(plots.compression, list(named.items())),
            "compression-neurons": plots.figure_of(plots.compression, list(neurons.items())),
        }


def _slim(plane: xr.Dataset) -> xr.Dataset:
    """Without gradients, which nothing here asks for, and without what was not measured: there are many planes."""
    gone = [
        name
        for name, values in plane.data_vars.items()
        if str(name).startswith(("gradient_", "weight_", "drift_")) or bool(values.isnull().all())
    ]
    return plane.drop_vars(gone)


def _trained(run: Run, activation: str, bits: int | None) -> functools.partial[WeightsRecording]:
    """Trains the ensemble, or finds it trained, when it is called; ``bits`` None: of floats."""
    return functools.partial(
        run.ensemble,
        f"{activation}-float" if bits is None else f"{activation}-{bits}-bit",
        MLP(_WIDTHS, activation, quantization=None if bits is None else Quantization(bits)),  # type: ignore[arg-type]
        twelve_bit(),
        optimizer=Adam(4e-4),
        epochs=sizes(run, 8_000, 250),
        batch_size=256,
        checkpoint_epochs=sizes(run, 75, 15),
    )
