"""Variables that nothing compresses: the protocol's trivial tests, and what becomes of estimates as dimensions grow."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from .. import laws
from ..estimators import Estimator, Gaussian, WeightedKL
from .base import Claim, Run
from .lossy_routes import NEAREST, OURS, Size, measured
from .lossy_tables import Findings, gathered, joined, table
from .verdicts import Mean, all_of, mean_over_seeds

ESTIMATORS: dict[str, Estimator | None] = {
    "coordinates: WeightedKL": WeightedKL(),
    "coordinates: KSG": NEAREST,
    "coordinates: Gaussian": Gaussian(),
    "coordinates: automatic choice": None,
}
LAWS = {"normal": laws.correlated_normal, "uniform": laws.correlated_uniform}
_TOLD = 2.0  # nats at every dimension
_UNEQUAL = (10, 4)  # columns of X and of Y in the trivial tests
_ASKED = 10  # dimensions a side at which the claim is tested, or the next that were measured
_SAMPLES = 1000  # seeds of samples of a repetition
_CLOSE = 0.2  # nats that an estimate may be off to follow the truth


def measure(run: Run, size: Size) -> dict[str, xr.Dataset]:
    """Both tables, in pieces of one repetition."""
    seeds = range(min(run.seeds, size.dimension_seeds))
    sweeps, unequal = [], []
    for seed in seeds:
        run.progress("variables of many dimensions", seed, len(seeds))
        sweeps += _placed(run.table(f"pieces/dimensions-{seed}", lambda seed=seed: sweep(size, seed)), seed)
        piece = run.table(f"pieces/ten-and-four-{seed}", lambda seed=seed: ten_and_four(size, seed))
        unequal += [(f"{law} 10+4", seed, piece.sel(law=law)) for law in LAWS]
    return {"dimensions": joined(sweeps), "ten-and-four": gathered(unequal, list(ESTIMATORS))}


def sweep(size: Size, seed: int) -> xr.Dataset:
    """Estimates of 2 nats over (law, dim, route, mi)."""
    rows = []
    for law, make in LAWS.items():
        at = [_estimates([make(_TOLD, dim, dim)], size.n, seed) for dim in size.dimensions]
        rows.append(xr.concat(at, "dim", combine_attrs=_together, join="exact").assign_coords(law=law))
    whole = xr.concat(rows, "law", combine_attrs=_together, join="exact")
    return whole.assign_coords(dim=list(size.dimensions))


def ten_and_four(size: Size, seed: int) -> xr.Dataset:
    """Estimates over (law, route, mi), X of ten dimensions and Y of four, from many samples."""
    rows = [
        _estimates([make(mi, *_UNEQUAL) for mi in size.trivial_mis], size.trivial_n, seed).assign_coords(law=law)
        for law, make in LAWS.items()
    ]
    return xr.concat(rows, "law", combine_attrs=_together, join="exact")


def _estimates(truths: list[laws.Law], n: int, seed: int) -> xr.Dataset:
    """Estimates by every route; where one refuses, nan, with the reason in the attributes."""
    found: Findings = {}
    for law in truths:
        mi = law.mutual_information
        pairs = law.sample(n, _SAMPLES * (1 + seed) + round(40 * mi))  # other ones at every information
        found |= {(route, mi): measured(pairs, how, seed) for route, how in ESTIMATORS.items()}
    return table(found)


def _together(attrs: Sequence[dict[str, Any]], context: object = None) -> dict[str, Any]:
    """Attributes of tables as those of one: what was refused anywhere is told."""
    told = {
        name: json.dumps({route: text for one in attrs for route, text in json.loads(one[name]).items()})
        for name in ("methods", "refusals")
        if all(name in one for one in attrs)  # variables have none
    }
    return {**attrs[0], **told}


def _placed(piece: xr.Dataset, seed: int) -> list[xr.Dataset]:
    return [piece.sel(law=[law]).expand_dims(seed=[seed]) for law in LAWS]


def claim(datasets: Mapping[str, xr.Dataset]) -> Claim:
    """That nearest neighbours need no compression."""
    told = datasets["dimensions"]["mi_estimate"].sel(mi=_TOLD)
    dims = told["dim"].to_numpy()
    asked = int(dims[np.argmin(abs(dims - _ASKED))])
    numbers: dict[str, float | str] = {}
    off = {}
    for law in LAWS:
        for route in ESTIMATORS:
            for dim in dict.fromkeys((asked, int(dims.max()))):
                mean = mean_over_seeds(told.sel(law=law, route=route, dim=dim) - _TOLD)
                off[law, route, dim] = mean
                numbers[f"{law} {dim}+{dim}, estimate less 2 nats: {route}"] = _told(mean)
    trivial = datasets["ten-and-four"]["mi_estimate"]
    for law in trivial["law"].values:
        for route in ESTIMATORS:
            error = abs(trivial - trivial["mi"]).sel(law=law, route=route).mean("mi")
            numbers[f"{law}, mean absolute error, nats: {route}"] = _told(mean_over_seeds(error))
    near = [off[law, "coordinates: KSG", asked] for law in LAWS]
    return Claim(
        f"Nearest neighbours of uncompressed variables follow the truth in {asked}+{asked} dimensions (2 nats, to "
        f"{_CLOSE}).",
        all_of([side for one in near for side in (one.above(-_CLOSE), one.below(_CLOSE))]),
        numbers,
        OURS,
    )


def _told(mean: Mean) -> str:
    return str(mean) if math.isfinite(mean.value) else "refused"
