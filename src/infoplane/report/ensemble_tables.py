"""Values of an ensemble as tables: over data sets, at the time of least Gibbs loss, at the last time, at all times."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from .tables import number

# Variables with their headings, in the order of the columns.
COLUMNS = {
    "loss_gibbs": "Gibbs loss, nats",
    "loss_gibbs_train": "Gibbs loss on training points, nats",
    "loss_bayes": "Bayes loss, nats",
    "squared_error": "squared error of the mean",
    "accuracy": "accuracy",
    "mi_input_lower": "I(X;Z|D), lower, nats",
    "mi_input": "I(X;Z|D), upper, nats",
    "mi_target": "I(Z;Y|D), lower, nats",
    "mi_target_affine": "I(Z;Y|D), affine decoder, nats",
    "mi_output_data": "I(Z;D|X) per point, nats",
    "mi_parameters_data": "I(Θ;D), upper, nats",
    "mi_parameters_data_linearised": "I(Θ;D) linearised, no bound, nats",
    "mi_output_data_joint_train": "KL of training outputs, nats",
    "parameter_distance": "E‖θ − θ₀‖²",
    "effective_dimension": "effective dimension",
    "fisher_trace": "trace of the Fisher information",
}


def over_data(dataset: xr.Dataset, name: str) -> np.ndarray:
    """(data set, time) values; a row where there was one data set."""
    values = dataset[name]
    values = values if "seed" in values.dims else values.expand_dims("seed")
    return values.transpose("seed", "time").to_numpy().astype(np.float64)


def middle(values: np.ndarray) -> np.ndarray:
    """(time,) means over data sets: infinite where they all grow beyond any number, nan where one is not known."""
    with np.errstate(invalid="ignore"):
        return values.mean(axis=0)


def best_time(dataset: xr.Dataset) -> int | None:
    """Position of the least Gibbs loss, of its mean over data sets; None where it is nowhere known."""
    if "loss_gibbs" not in dataset:
        return None
    loss = middle(over_data(dataset, "loss_gibbs"))
    return int(np.nanargmin(loss)) if np.isfinite(loss).any() else None


def time_text(time: float) -> str:
    """A time with three digits; powers of ten where it is far from 1."""
    if time == 0 or np.isinf(time):
        return "0" if time == 0 else "∞"
    return f"{time:.3g}" if 1e-3 <= time < 1e5 else f"{time:.2e}".replace("e+0", "e").replace("e-0", "e-")


def table_of_two(titles: Sequence[str], ensembles: Sequence[xr.Dataset]) -> dict[str, Any]:
    """Two rows an ensemble: at its least Gibbs loss and at its last time."""
    present = [name for name in COLUMNS if any(name in dataset for dataset in ensembles)]
    rows = []
    for title, dataset in zip(titles, ensembles, strict=True):
        last, best = dataset.sizes["time"] - 1, best_time(dataset)
        for when, position in (("least Gibbs loss", best), ("last", last)):
            if position is not None:
                time = time_text(float(dataset["time"][position]))
                cells = [_cell(dataset, name, position) for name in present]
                rows.append({"title": title, "when": when, "cells": [time, *cells]})
    return {"headings": ["time τ", *(COLUMNS[name] for name in present)], "rows": rows}


def _cell(dataset: xr.Dataset, name: str, position: int) -> str:
    """The mean, with the standard deviation over data sets where there are several."""
    if name not in dataset:
        return "–"
    values = over_data(dataset, name)[:, position]
    mean = number(float(values.mean()))
    return mean if len(values) == 1 or not np.isfinite(values).all() else f"{mean} ± {number(values.std(ddof=1))}"


def table_of_all(dataset: xr.Dataset) -> dict[str, Any]:
    """Every time as a row of texts: means over data sets."""
    present = [name for name in COLUMNS if name in dataset]
    means = [middle(over_data(dataset, name)) for name in present]
    best = best_time(dataset)
    rows = [
        ("best" if k == best else "", [time_text(float(time)), *(number(float(values[k])) for values in means)])
        for k, time in enumerate(dataset["time"].to_numpy())
    ]
    return {"headings": ["time τ", *(COLUMNS[name] for name in present)], "rows": rows}
