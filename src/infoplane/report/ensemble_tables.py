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
    return f"{time:,.0f}" if 100 <= time < 1e5 else f"{time:.3g}" if 1e-3 <= time < 100 else _power(time)


def short(value: float) -> str:
    """A number with about three digits; a power of ten where it would be long or vanish."""
    size = abs(value)
    return _power(value) if 1e6 <= size < np.inf or 0 < size < 1e-3 else number(value)


def _power(value: float) -> str:
    digits, power = f"{value:.2e}".split("e")
    return f"{digits}e{int(power)}".replace("-", "−")


def table_of_two(titles: Sequence[str], ensembles: Sequence[xr.Dataset]) -> dict[str, Any]:
    """A row a quantity, and two columns an ensemble: at its least Gibbs loss and at its last time."""
    columns: list[tuple[xr.Dataset, int]] = []
    heads = []
    for title, dataset in zip(titles, ensembles, strict=True):
        best = best_time(dataset)
        here = [*([] if best is None else [("least loss", best)]), ("last", dataset.sizes["time"] - 1)]
        heads.append({"title": title, "whens": [when for when, _ in here]})
        columns += [(dataset, position) for _, position in here]
    present = [name for name in COLUMNS if any(name in dataset for dataset in ensembles)]
    rows = [("time τ", [time_text(float(dataset["time"][k])) for dataset, k in columns])]
    rows += [(COLUMNS[name], [_cell(dataset, name, k) for dataset, k in columns]) for name in present]
    return {"heads": heads, "rows": rows}


def _cell(dataset: xr.Dataset, name: str, position: int) -> str:
    """The mean, with the standard deviation over data sets where there are several."""
    if name not in dataset:
        return "–"
    values = over_data(dataset, name)[:, position]
    mean = short(float(values.mean()))
    if len(values) == 1 or not np.isfinite(values).all():
        return mean
    spread = float(values.std(ddof=1))
    return f"{mean} ± {short(spread) if spread >= 1e-3 or abs(values.mean()) < 1e-2 else '<0.001'}"


def table_of_all(dataset: xr.Dataset) -> dict[str, Any]:
    """Every time as a row of texts: means over data sets."""
    present = [name for name in COLUMNS if name in dataset]
    means = [middle(over_data(dataset, name)) for name in present]
    best = best_time(dataset)
    rows = [
        ("best" if k == best else "", [time_text(float(time)), *(short(float(values[k])) for values in means)])
        for k, time in enumerate(dataset["time"].to_numpy())
    ]
    return {"headings": ["time τ", *(COLUMNS[name] for name in present)], "rows": rows}
