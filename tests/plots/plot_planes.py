"""Small planes made by hand, whose numbers the pictures must show."""

import json

import numpy as np
import xarray as xr

LAYERS = ["hidden 1", "hidden 2", "output"]
EPOCHS = [0, 1, 4, 30, 200]


def make_plane(seeds=4, *, target="classes", bounds=False, soft=False, draw=0):
    """A plane over (seed, 5 epochs, 3 layers), nats; ``target`` "classes" or "float"."""
    random = np.random.default_rng(draw)
    shape = (seeds, len(EPOCHS), len(LAYERS))
    cells = ("seed", "epoch", "layer")
    mi_input = np.sort(random.uniform(1.0, 5.0, shape), axis=2)[:, :, ::-1]
    mi_target = np.sort(random.uniform(0.05, 0.65, shape), axis=1)
    nothing = np.full(shape, np.nan)
    width = 0.3 if bounds else np.nan
    hard = target == "classes" and not soft
    per_network = np.exp(random.uniform(1.0, 3.0, (seeds, len(LAYERS))))
    variables = {
        "mi_input": (cells, mi_input, {"quantity": "H(T at 30 bins)", "direction": "exact"}),
        "mi_target": (cells, mi_target, {"quantity": "I(T at 30 bins; Y)", "direction": "exact"}),
        "mi_input_lower": (cells, mi_input - width),
        "mi_input_upper": (cells, mi_input + width),
        "mi_target_lower": (cells, mi_target - width),
        "mi_target_upper": (cells, mi_target + width),
        "bound_distance": (cells, mi_target * 0.1 if hard else nothing),
        "gradient_mean": (cells, random.uniform(0.01, 1.0, shape)),
        "gradient_std": (cells, random.uniform(0.01, 1.0, shape)),
        "weight_norm": (cells, random.uniform(1.0, 3.0, shape)),
        "drift_to_diffusion_epoch": (("seed", "layer"), per_network),
        "compression": (("seed", "layer"), mi_input.max(axis=1) - mi_input[:, -1]),
        "compression_null": ("layer", [0.1, 0.2, 0.3]),
        "loss_train": (cells[:2], random.uniform(0.1, 0.7, shape[:2])),
        "loss_test": (cells[:2], random.uniform(0.1, 0.7, shape[:2])),
    }
    attrs = {"schema_version": 1, "ceiling_mi_input": float(np.log(4096)), "training": json.dumps({"batch_size": 256})}
    if target == "classes":
        attrs["ceiling_mi_target"] = float(np.log(2))
        variables["accuracy_train"] = (cells[:2], random.uniform(0.5, 1.0, shape[:2]))
        variables["accuracy_test"] = (cells[:2], random.uniform(0.5, 1.0, shape[:2]))
    return xr.Dataset(variables, coords={"seed": np.arange(seeds), "epoch": EPOCHS, "layer": LAYERS}, attrs=attrs)


def make_table(**attrs):
    """A table of epochs to full information over one to four hidden layers."""
    hidden = np.arange(1, 5)
    median = np.array([np.nan, 400.0, 210.0, 90.0])
    return xr.Dataset(
        {
            "epochs_to_full": ("hidden_layers", median),
            "epochs_to_full_lower": ("hidden_layers", median * 0.8),
            "epochs_to_full_upper": ("hidden_layers", [np.nan, np.nan, 300.0, 120.0]),
            "reached": ("hidden_layers", [0.25, 0.9, 1.0, 1.0]),
            "epochs_by_network": (("seed", "hidden_layers"), np.stack([median * 0.9, median * 1.1])),
        },
        coords={"hidden_layers": hidden},
        attrs={"slope": -0.7, "intercept": 7.4, "slope_lower": -0.9, "slope_upper": -0.5, **attrs},
    )
