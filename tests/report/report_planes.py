"""Small planes made of formulas, for the tests of the report."""

from __future__ import annotations

import json

import numpy as np
import xarray as xr

from infoplane.plane.summary import add_summary

LAYERS = ("first", "second", "output")


def plane(
    seeds: int = 4, epochs: tuple[int, ...] = (0, 1, 10, 100), *, soft: bool = False, **attrs: object
) -> xr.Dataset:
    """A plane whose values all differ: I(X;T) falls with depth and rises over epochs; a hard label unless ``soft``."""
    shape = (seeds, len(epochs), len(LAYERS))
    s, e, k = np.meshgrid(*map(np.arange, shape), indexing="ij")
    dims = ("seed", "epoch", "layer")
    values = {"mi_input": 4.0 - k + 0.3 * e + 0.01 * s, "mi_target": 0.1 + 0.1 * e - 0.02 * k + 0.001 * s}
    dataset = xr.Dataset(coords={"seed": np.arange(seeds), "epoch": list(epochs), "layer": list(LAYERS)})
    for name, value in values.items():
        quantity = "H(T at 30 bins)" if name == "mi_input" else "I(T at 30 bins; Y)"
        dataset[name] = (dims, value, {"quantity": quantity, "direction": "exact", "unit": "nats"})
        dataset[f"{name}_stderr"] = (dims, np.zeros(shape))
        for end in ("lower", "upper"):
            dataset[f"{name}_{end}"] = (dims, np.full(shape, np.nan))
    distance = np.minimum(values["mi_input"], np.log(2)) - values["mi_target"]
    dataset["bound_distance"] = (dims, np.full(shape, np.nan) if soft else distance)
    dataset["saturated"] = (dims, values["mi_input"] > 4.5)
    dataset["dead"] = (dims, np.zeros(shape, bool))
    for name in ("violations_input", "violations_target"):
        dataset[name] = (("seed", "epoch"), np.zeros(shape[:2], int))
    for name in ("loss_train", "loss_test", "accuracy_train", "accuracy_test"):
        dataset[name] = (("seed", "epoch"), 1.0 / (1.0 + e[:, :, 0]) + 0.01 * s[:, :, 0])
    dataset["gradient_mean"] = (dims, 1.0 / (1.0 + e + 0.1 * s))
    dataset["gradient_std"] = (dims, 0.4 + 0.01 * s)
    dataset["weight_norm"] = (dims, 2.0 + k)
    dataset.attrs = {
        "schema_version": 1,
        "title": "a small plane",
        "task": "formula",
        "channel": "Quantize(bins=30, range='known', kind='width')",
        "n_samples": 256,
        "training": json.dumps({"network": "8-4-3-2 tanh/softmax"}),
        "notes": "[]",
        "ceiling_mi_input": float(np.log(256)),
        "ceiling_mi_target": float(np.log(2)),
        "wall_time": 1.25,
        **attrs,
    }
    return add_summary(dataset)


def regression(**attrs: object) -> xr.Dataset:
    """The same for a float target: no ceiling and no bound for I(T;Y)."""
    dataset = plane(soft=True, **attrs)
    del dataset.attrs["ceiling_mi_target"]
    return dataset
