"""Infinitely wide ensembles of growing depth: where information about the input is lost, and where it survives."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from ..infinite import Dense, Ensemble
from ..infinite.repetitions import together
from ..results import provenance
from . import infinite_depth_figures as figures
from .base import Claim, Experiment, Run, sizes
from .infinite_depth_claims import claims
from .infinite_depth_limits import limit
from .infinite_gaussian import ENTROPY, draw

if TYPE_CHECKING:
    from matplotlib.figure import Figure

CRITICAL = 1.0555946491927812  # weights of erf networks with biases of 0.1: equal inputs are neither pushed nor pulled
NETS = {
    "erf, ordered": Dense(1, "erf", 0.7, 0.1),
    "erf, critical": Dense(1, "erf", CRITICAL, 0.1),
    "erf, chaotic": Dense(1, "erf", 1.5, 0.1),
    "erf, ordered, residual": Dense(1, "erf", 0.7, 0.1, residual=True),
    "erf, chaotic, residual": Dense(1, "erf", 1.5, 0.1, residual=True),
    "relu, ordered": Dense(1, "relu", 1.0, 0.1),
    "relu, critical": Dense(1, "relu", float(np.sqrt(2.0)), 0.0),
    "relu, growing": Dense(1, "relu", 1.6, 0.1),
    "relu, ordered, residual": Dense(1, "relu", 1.0, 0.1, residual=True),
}
DEPTHS = (1, 2, 3, 5, 8, 12, 18, 24, 30)
TIMES = np.geomspace(1e-8, 1e12, 21)
KERNEL_DEPTHS = (*range(1, 41), 60, 80, 160, 320)
DEEPEST = 80  # where covariances or tangent kernels grow exponentially, deeper ones leave no digits
POINTS = 20  # whose pairs are followed through the layers
QUANTITIES = (
    "mi_input",
    "mi_input_lower",
    "mi_target",
    "loss_gibbs",
    "loss_gibbs_train",
    "squared_error",
    "mi_parameters_data",
    "mi_parameters_data_linearised",
    "action",
)


class InfiniteDepth(Experiment):
    """Ensembles with 1 to 30 hidden layers on the Gaussian law of ``infinite-gaussian``, 200 samples to train on.

    Erf and ReLU, with weights that make all inputs alike with depth (ordered), that tell them apart ever more (chaotic)
    and in between (critical). ReLU has no chaotic weights: beyond its critical ones the variance grows, and inputs
    still become alike, slowly. With residual sums at the ordered and chaotic weights. A repetition is another data set.
    Before training, the correlations of 20 inputs are followed through up to 320 layers.
    """

    name = "infinite-depth"
    title = "Infinitely wide ensembles of growing depth"
    source = "derived; our own test"
    unit = "repetitions"
    seeds = 10
    quick_seeds = 5

    def measure(self, run: Run) -> dict[str, xr.Dataset]:
        found = {"kernels": run.table("kernels", functools.partial(_kernels, run))}
        for done, name in enumerate(NETS, 1):
            found[name] = run.table(name.replace(", ", "-"), functools.partial(_measured, run, name))
            run.progress("ensembles", done, len(NETS))
        return {name.replace(", ", "-"): one for name, one in found.items()}

    def claims(self, datasets: Mapping[str, xr.Dataset]) -> list[Claim]:
        return claims(datasets["kernels"], _named(datasets))

    def draw(self, datasets: Mapping[str, xr.Dataset]) -> dict[str, Figure]:
        named = _named(datasets)
        found = {"kernels": figures.kernels(datasets["kernels"], named)}
        for activation in ("erf", "relu"):
            found[activation] = figures.against_depth({n: one for n, one in named.items() if n.startswith(activation)})
        return found


def deep(net: Dense, depth: int) -> Dense:
    """The same network with another number of hidden layers."""
    return Dense(depth, net.activation, net.weight_std, net.bias_std, net.residual)


def _named(datasets: Mapping[str, xr.Dataset]) -> dict[str, xr.Dataset]:
    return {name: datasets[name.replace(", ", "-")] for name in NETS}


def _kernels(run: Run) -> xr.Dataset:
    """Correlations of pairs over (net, seed, depth) as their mean distance from the fixed point, beside the latter."""
    nets = {name: net for name, net in NETS.items() if not net.residual}
    limits = {name: limit(net) for name, net in nets.items()}
    distance = np.full((len(nets), run.seeds, len(KERNEL_DEPTHS)), np.nan)
    for row, (name, net) in enumerate(nets.items()):
        for seed in range(run.seeds):
            x = draw(seed + 1, POINTS, 1)[0]
            steady = name.endswith("critical")
            for column, depth in enumerate(depth for depth in KERNEL_DEPTHS if steady or depth <= DEEPEST):
                far = _correlations(deep(net, depth), x) - limits[name].correlation
                distance[row, seed, column] = np.abs(far).mean()
        run.progress("kernels", row + 1, len(nets))
    return xr.Dataset(
        {
            "distance": (
                ("net", "seed", "depth"),
                distance,
                {"quantity": "mean |correlation - correlation_limit| over pairs of inputs", "unit": "1"},
            ),
            "correlation_limit": ("net", [one.correlation for one in limits.values()], {"unit": "1"}),
            "slope_limit": ("net", [one.slope for one in limits.values()], {"unit": "1"}),
        },
        {"net": list(nets), "seed": range(1, run.seeds + 1), "depth": list(KERNEL_DEPTHS)},
        provenance(device="CPU", points=POINTS),
    )


def _correlations(net: Dense, x: np.ndarray) -> np.ndarray:
    """Of all pairs of points, of the network's outputs."""
    covariance = net.kernels(x)[0]
    scale = np.sqrt(covariance.diagonal())
    return (covariance / scale / scale[:, None])[np.triu_indices(len(x), 1)]


def _measured(run: Run, name: str) -> xr.Dataset:
    """Quantities over (quantity, depth, seed, time), and the condition of T over (depth, seed)."""
    depths = sizes(run, DEPTHS, (1, 8, 30))
    rows = [run.table(f"pieces/{name.replace(', ', '-')}-{depth}", functools.partial(_at_depth, run, name, depth))
            for depth in depths]  # fmt: skip
    joined = xr.concat(
        rows, "depth", data_vars="all", coords="minimal", compat="override", join="exact", combine_attrs=together
    )
    return joined.assign_coords(depth=list(depths))


def _at_depth(run: Run, name: str, depth: int) -> xr.Dataset:
    n = sizes(run, 200, 60)
    found = []
    for seed in range(1, run.seeds + 1):
        x, y, x_test, y_test = draw(seed, n, n)
        ensemble = Ensemble(deep(NETS[name], depth), x, y)
        found.append(ensemble.information(x_test, y_test, TIMES, entropy_target=ENTROPY, seed=seed))
    return table(found, range(1, run.seeds + 1), depth)


def table(found: Sequence[xr.Dataset], seeds: Sequence[int], depth: int) -> xr.Dataset:
    """Ensembles of one depth as a table of their quantities, with all that is said of them.

    Args:
        found: results of :meth:`Ensemble.information` on one data set each.
        seeds: of the data sets.
        depth: hidden layers, which the notes are told of.

    Returns:
        Dataset with ``value`` and ``stderr`` (over evaluation points; nan where there is none) over (seed, quantity,
        time) in the unit that the coordinate ``unit`` states for each quantity, and ``condition`` of T over (seed).
    """
    names = [quantity for quantity in QUANTITIES if quantity in found[0]]
    attributes = together([one.attrs for one in found])
    notes = [f"{depth} hidden layer(s): {note}" for note in json.loads(attributes.pop("notes", "[]"))]
    for key in ("kind", "method", "seed"):  # a table, no curve of one ensemble
        attributes.pop(key, None)
    dims = ("seed", "quantity", "time")
    errors = [
        [one[f"{name}_stderr"].to_numpy() if f"{name}_stderr" in one else np.full(one.sizes["time"], np.nan)
         for name in names] for one in found
    ]  # fmt: skip
    return xr.Dataset(
        {
            "value": (dims, [[one[name].to_numpy() for name in names] for one in found], {"unit": "see unit"}),
            "stderr": (dims, errors, {"quantity": "standard error over evaluation points", "unit": "see unit"}),
            "condition": (
                "seed",
                [float(one.attrs["condition_tangent"]) for one in found],
                {"quantity": "condition number of the tangent kernel", "unit": "1"},
            ),
        },
        {
            "seed": list(seeds),
            "quantity": names,
            "time": found[0]["time"].to_numpy(),
            "meaning": ("quantity", [str(found[0][name].attrs["quantity"]) for name in names]),
            "direction": ("quantity", [str(found[0][name].attrs["direction"]) for name in names]),
            "unit": ("quantity", [str(found[0][name].attrs["unit"]) for name in names]),
        },
        attributes | {"notes": json.dumps(notes)},
    )
