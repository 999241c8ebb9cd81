"""Small curves made by hand, whose numbers the pictures and pages must show."""

import json

import numpy as np
import xarray as xr

BETAS = [1.0, 2.0, 3.0, 6.0, 12.0]
WEIGHTS = [[1.0], [0.6, 0.4], [0.6, 0.4], [0.5, 0.3, 0.2], [0.5, 0.3, 0.2]]
LAWS = [[0.5], [0.3, 0.8], [0.2, 0.9], [0.1, 0.85, 0.95], [0.1, 0.8, 1.0]]  # p(y = 1 | t)


def make_curve(method="IB()", *, interpolated=False, gap=1e-14, **attrs):
    """Five betas, 1 to 3 clusters, 2 labels, nats; one more point, a chord at beta 3, where ``interpolated``."""
    betas, weights, laws = list(BETAS), list(WEIGHTS), list(LAWS)
    mi_input, mi_target = [0.0, 0.4, 0.6, 0.9, 1.0], [0.0, 0.15, 0.22, 0.29, 0.3]
    flags = [False] * 5
    if interpolated:
        betas.insert(3, 3.0)
        weights.insert(3, [0.3, 0.2, 0.25, 0.15, 0.1])
        laws.insert(3, [0.2, 0.9, 0.1, 0.85, 0.95])
        mi_input.insert(3, 0.75)
        mi_target.insert(3, 0.255)
        flags.insert(3, True)
    widest = max(map(len, weights))
    marginal = np.array([w + [np.nan] * (widest - len(w)) for w in weights])
    ones = np.array([law + [np.nan] * (widest - len(law)) for law in laws])
    beta = np.array(betas)
    objective = np.array(mi_input) - beta * np.array(mi_target)
    dataset = xr.Dataset(
        {
            "mi_input": ("beta", np.array(mi_input), {"quantity": "I(X;T)", "direction": "exact", "unit": "nats"}),
            "mi_target": ("beta", np.array(mi_target), {"quantity": "I(T;Y)", "direction": "exact", "unit": "nats"}),
            "objective": ("beta", objective),
            "free_energy": ("beta", objective + beta * 0.31),
            "gap": ("beta", np.full(len(beta), gap)),
            "n_clusters": ("beta", np.array([len(w) for w in weights], dtype=np.int32)),
            "converged": ("beta", np.ones(len(beta), bool)),
            "interpolated": ("beta", np.array(flags)),
            "marginal": (("beta", "cluster"), marginal),
            "decoder": (("beta", "cluster", "y"), np.stack([1 - ones, ones], axis=-1)),
        },
        coords={"beta": beta},
    )
    dataset.attrs = {
        "schema_version": 1, "unit": "nats", "kind": "curve", "method": method, "mi_joint": 0.31, "entropy_x": 1.05,
        "entropy_y": 0.69, "n_x": 4, "n_y": 2, "starts": 256, "violations": 0, "onset": 1.5, "first": 1.75,
        "notes": "[]", **attrs,
    }  # fmt: skip
    if method.startswith("DualIB"):
        dataset["mi_target_geometric"] = dataset["mi_target"] * 1.05
    return dataset


def without_clusters(dataset):
    """As of the Gaussian bottleneck: components, a list of critical betas, beta from 0."""
    bare = dataset.drop_vars(["marginal", "decoder", "n_clusters", "free_energy"])
    bare["n_components"] = ("beta", np.arange(bare.sizes["beta"], dtype=np.int32))
    bare.attrs = {k: v for k, v in bare.attrs.items() if k not in ("onset", "first", "entropy_x", "n_x", "n_y")}
    bare.attrs["critical_betas"] = json.dumps([1.5, 4.0])
    return bare.assign_coords(beta=[0.0, *BETAS[1:]])


def doubtful(dataset):
    """One point without a gap, one with a large one, one that has not converged."""
    changed = dataset.copy(deep=True)
    changed["gap"][1], changed["gap"][2] = np.nan, 1e-3
    changed["converged"][4] = False
    return changed
