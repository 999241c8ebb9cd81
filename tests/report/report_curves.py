"""A small curve made by hand, for the tests of the report."""

from __future__ import annotations

import numpy as np
import xarray as xr

BETAS = (1.0, 2.0, 4.0, 8.0)


def curve(method: str = "IB()", *, gap: float = 1e-15, names: bool = False, **attrs: object) -> xr.Dataset:
    """Four betas, one of them twice: its second point lies on a chord. One, two, four (the chord) and two clusters."""
    beta = np.array([1.0, 2.0, 4.0, 4.0, 8.0])
    mi_input, mi_target = np.array([0.0, 0.3, 0.5, 0.55, 0.6]), np.array([0.0, 0.12, 0.19, 0.2, 0.21])
    marginal = np.full((5, 4), np.nan)
    decoder = np.full((5, 4, 3), np.nan)
    laws = np.array([[0.2, 0.3, 0.5], [0.1, 0.2, 0.7], [0.4, 0.5, 0.1], [0.05, 0.2, 0.75]])
    for row, count in enumerate((1, 2, 2, 4, 2)):
        marginal[row, :count] = np.arange(count, 0, -1) / np.arange(count + 1).sum()
        decoder[row, :count] = laws[:1] if count == 1 else laws[-count:]
    about = {"direction": "exact", "unit": "nats"}
    dataset = xr.Dataset(
        {
            "mi_input": ("beta", mi_input, {"quantity": "I(X;T)", **about}),
            "mi_target": ("beta", mi_target, {"quantity": "I(T;Y)", **about}),
            "objective": ("beta", mi_input - beta * mi_target),
            "gap": ("beta", np.full(5, gap)),
            "n_clusters": ("beta", np.array([1, 2, 2, 4, 2], dtype=np.int32)),
            "converged": ("beta", np.ones(5, bool)),
            "interpolated": ("beta", np.array([False, False, False, True, False])),
            "marginal": (("beta", "cluster"), marginal),
            "decoder": (("beta", "cluster", "y"), decoder),
        },
        coords={"beta": beta, **({"y": ["red", "green", "blue"]} if names else {})},
    )
    dataset.attrs = {
        "schema_version": 1, "unit": "nats", "kind": "curve", "method": method, "mi_joint": 0.22, "entropy_x": 0.63,
        "n_x": 4, "n_y": 3, "starts": 256, "onset": 1.5, "first": 1.8, "notes": "[]", "wall_time": 0.5, **attrs,
    }  # fmt: skip
    if method.startswith("DualIB"):
        dataset["mi_target_geometric"] = dataset["mi_target"] * 1.1
    return dataset
