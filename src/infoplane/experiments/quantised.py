"""D7: exact planes of networks that really are quantised, beside the binned planes of float networks."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from .. import plots
from ..data import twelve_bit
from ..estimators import Binned, Plugin
from ..networks import MLP, Adam, Quantization, WeightsRecording
from ..plane import information_plane, neuron_information
from ..recordings import Recording, from_arrays
from .base import Claim, Experiment, Run, sizes
from .quantised_claims import ACTIVATIONS, BINS, FOLLOWING, WIDTHS_IN_BITS, neurons_as_plane, quantised_claims

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_WIDTHS = (12, 10, 7, 5, 4, 3, 2)
_QUICK_WIDTHS = (12, 7, 4, 3, 2)  # compiled in two thirds of the time
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
        train = _trained(run, "relu", None)
        found[FOLLOWING] = _slim(run.table(FOLLOWING, lambda: _on_following_ranges(train(), run)))
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
        exact, fixed = named["ReLU, 8 bits, exact"], named["ReLU, float, 256 bins"]
        follows = datasets[FOLLOWING]
        ranges = {"8 bits, exact": exact, "float, range follows": follows, "float, fixed range": fixed}
        return {
            "paths": plots.path_panels([(n, plane) for n, plane in named.items() if not n.endswith("30 bins")]),
            "paths-30-bins": plots.path_panels([(n, plane) for n, plane in named.items() if n.endswith(usual)]),
            "paths-relu-ranges": plots.path_panels([(f"ReLU, {n}", plane) for n, plane in ranges.items()]),
            "compression": plots.figure_of(
                plots.compression, [*named.items(), ("ReLU, float, range follows", follows)]
            ),
            "compression-neurons": plots.figure_of(plots.compression, list(neurons.items())),
        }


def _slim(plane: xr.Dataset) -> xr.Dataset:
    """Without losses and gradients, which nothing here asks for, and without what was not measured."""
    unused = ("loss_", "gradient_", "weight_", "drift_")
    return plane.drop_vars(
        [n for n, values in plane.data_vars.items() if str(n).startswith(unused) or bool(values.isnull().all())]
    )


def _on_following_ranges(recording: WeightsRecording, run: Run) -> xr.Dataset:
    """The plane of float ReLU networks on 256 levels up to each checkpoint's own largest activation of the layer.

    Bins have a range that is fixed over training, which a quantiser's is not: it follows the activations.
    """
    top = Quantization(8).top
    shape = (len(recording.seeds), len(recording.epochs), recording.probe.n)
    widths = dict(zip(recording.layers, recording.network.widths[1:], strict=True))
    codes = {layer: np.empty((*shape, width), np.uint8) for layer, width in widths.items()}
    for block in recording.blocks(recording.layers, range(shape[1])):
        for layer, values in block.activations.items():
            known, found = recording.ranges[layer], np.asarray(values)
            high = found.max(axis=(1, 2), keepdims=True) if known is None else np.float32(known[1])
            codes[layer][block.seed, block.epoch] = np.rint(found / np.where(high > 0, high, 1.0) * top)
    plane = information_plane(_of_codes(recording, codes), Plugin(), progress=run.progress)
    for name, quantity in (("mi_input", "H(T at 256 levels, range follows)"), ("mi_target", "I(T at 256 levels; Y)")):
        plane[name].attrs["quantity"] = quantity
    return plane


def _of_codes(recording: WeightsRecording, codes: dict[str, np.ndarray]) -> Recording:
    """The same networks and samples with codes (seed, epoch, n, d) in place of activations."""
    probe = recording.probe
    return from_arrays(
        codes,
        probe.y,
        probe.x,
        epochs=recording.epochs.tolist(),
        seeds=recording.seeds.tolist(),
        train=probe.train,
        scalars=recording.scalars[["accuracy_train", "accuracy_test"]],
        p_y_given_x=probe.p_y_given_x,
        enumerated=probe.enumerated,
        task=probe.task,
    )


def _trained(run: Run, activation: str, bits: int | None) -> functools.partial[WeightsRecording]:
    """Trains the ensemble, or finds it trained, when it is called; ``bits`` None: of floats."""
    widths = _QUICK_WIDTHS if run.quick else _WIDTHS
    return functools.partial(
        run.ensemble,
        f"{activation}-float" if bits is None else f"{activation}-{bits}-bit",
        MLP(widths, activation, quantization=None if bits is None else Quantization(bits)),  # type: ignore[arg-type]
        twelve_bit(),
        optimizer=Adam(4e-4),
        epochs=sizes(run, 8_000, 150),
        batch_size=256,
        checkpoint_epochs=sizes(run, 75, 12),
    )
