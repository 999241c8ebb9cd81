"""Ensembles on growing samples as one table of numbers, and which of the numbers rank as generalisation does."""

from __future__ import annotations

import json
from collections.abc import Mapping

import numpy as np
import xarray as xr

from ..infinite import bounds
from ..results import provenance
from .value_tables import spearman

# What might tell generalisation, and what it is called in figures; all but the last three come with the ensemble.
QUANTITIES = {
    "mi_input": "I(X;Z|D), upper",
    "mi_input_lower": "I(X;Z|D), lower",
    "mi_target": "I(Z;Y|D), lower",
    "mi_output_data": "I(Z;D|X) a point, upper",
    "mi_output_data_joint_train": "KL of training outputs",
    "mi_parameters_data": "I(Θ;D), upper",
    "fisher_trace": "trace of the Fisher information",
    "effective_dimension": "effective dimension",
    "modes_learned": "modes learned",
    "parameter_distance": "E|θ - θ₀|²",
    "action": "action",
    "fisher_energy": "Fisher energy",
    "loss_gibbs_train": "training loss",
    "bound_parameters": "√(2 I(Θ;D) / N)",
    "bound_pac_bayes": "PAC-Bayes, √(KL / 2N)",
    "bound_input": "√(exp I(X;Z|D) / 2N)",
}
ALONG = {"size": "sample\nsize", "scale": "weights", "time": "time"}
TASKS = {"gaussian": "Gaussian", "mnist": "MNIST"}
AXIS = "axis"  # what differs along an axis by itself, the least that a quantity has to beat
SHOWN = QUANTITIES | {AXIS: "the axis itself"}
TOLD = {"generalisation_gap": "the gap, test less training loss", "loss_gibbs": "the test loss"}
# Functions of the measure, or summands of it: their ranks say nothing.
_CONSTRUCTED = {"generalisation_gap": ("loss_gibbs_train",), "loss_gibbs": ("mi_target",)}


def with_bounds(found: xr.Dataset) -> xr.Dataset:
    """An ensemble's quantities, the proposed bounds of the gap among them, as one array over (quantity, time)."""
    n = int(found.attrs["n_train"])
    parameters, inputs = found["mi_parameters_data"].to_numpy(), found["mi_input"].to_numpy()
    taken = {name: found[name].to_numpy() for name in (*QUANTITIES, *TOLD, "squared_error") if name in found}
    taken |= {
        "bound_parameters": bounds.sub_gaussian_gap(parameters, n),
        "bound_pac_bayes": bounds.pac_bayes_gap(parameters, n),
        "bound_input": bounds.input_compression_gap(inputs, n),
    }
    rows = xr.DataArray(
        np.stack([np.asarray(one, np.float64) for one in taken.values()]),
        dims=("quantity", "time"),
        coords={"quantity": list(taken), "time": found["time"].to_numpy()},
    )
    kept = {name: found.attrs[name] for name in ("schema_version", "wall_time", "notes") if name in found.attrs}
    return xr.Dataset({"value": rows}, attrs=kept)


def joined(pieces: Mapping[tuple[float, int, int], xr.Dataset]) -> xr.Dataset:
    """Pieces by (scale, size, seed) as one table over (quantity, scale, size, seed, time)."""
    scales, sizes, seeds = (sorted({key[axis] for key in pieces}) for axis in range(3))
    first = next(iter(pieces.values()))["value"]
    values = np.empty((len(first), len(scales), len(sizes), len(seeds), first.sizes["time"]))
    for (scale, size, seed), piece in pieces.items():
        values[:, scales.index(scale), sizes.index(size), seeds.index(seed)] = piece["value"].to_numpy()
    return xr.Dataset(
        {"value": (("quantity", "scale", "size", "seed", "time"), values)},
        coords={
            "quantity": first["quantity"].to_numpy().astype(str),
            "scale": scales,
            "size": sizes,
            "seed": seeds,
            "time": first["time"].to_numpy(),
        },
        attrs=provenance(notes=_notes(pieces)),
    )


def _notes(pieces: Mapping[tuple[float, int, int], xr.Dataset]) -> list[str]:
    """Every note of every ensemble once, and of how many."""
    found: dict[str, int] = {}
    for piece in pieces.values():
        for note in json.loads(str(piece.attrs.get("notes", "[]"))):
            found[note] = found.get(note, 0) + 1
    return [f"{note} ({count} of {len(pieces)} ensembles)" for note, count in found.items()]


def rank_correlations(table: xr.Dataset, told: str = "generalisation_gap") -> xr.Dataset:
    """Spearman's rank correlation of every quantity with a measure of generalisation, all else held fixed.

    Along one axis at a time (the sample size, the weight scale, or training time), with the others fixed, so that no
    correlation is only that of the one thing that differs everywhere; then the mean over the others. A quantity that
    does not change along an axis tells nothing: its correlation is 0. One that is made of the measure has none. What
    rises with the axis itself has the same correlation as the axis, which stands last.

    Args:
        table: as :func:`joined` gives it.
        told: the measure, one of TOLD.

    Returns:
        Dataset with ``correlation`` (quantity, along, seed).
    """
    names = [name for name in QUANTITIES if name in table["quantity"]]
    values = table["value"].sel(quantity=names)
    measure = table["value"].sel(quantity=told)
    found = np.stack([_along(_with_axis(values, axis), measure, axis) for axis in ALONG], axis=1)
    found[[names.index(name) for name in _CONSTRUCTED[told] if name in names]] = np.nan
    return xr.Dataset(
        {"correlation": (("quantity", "along", "seed"), found)},
        coords={"quantity": [*names, AXIS], "along": list(ALONG), "seed": table["seed"].to_numpy()},
        attrs={"told": told},
    )


def _with_axis(values: xr.DataArray, axis: str) -> xr.DataArray:
    """The quantities, and the axis's own numbers as one more."""
    own = (values.isel(quantity=0, drop=True) * 0.0 + values[axis]).expand_dims(quantity=[AXIS])
    return xr.concat([values, own], "quantity")


def _along(values: xr.DataArray, measure: xr.DataArray, axis: str) -> np.ndarray:
    """(quantity, seed)."""
    cosine = spearman(*(one.transpose(..., axis).to_numpy() for one in (values, measure)))
    others = [d for d in measure.transpose(..., axis).dims if d != axis]
    return cosine.mean(axis=tuple(1 + k for k, d in enumerate(others) if d != "seed"))
