"""Planes made of formulas, as several estimators of one recording would give them, for several folders of tests."""

from __future__ import annotations

import json
import math

import numpy as np
import xarray as xr

EPOCHS = tuple(range(30))
BITS = 1 / math.log(2)
FLAT, FALL, SHAKE = "flat", "fall", "shake"


def path(kind: str, size: float = 2.0, epochs: int = len(EPOCHS)) -> np.ndarray:
    """I(X;T) in bits: level; rising, then falling by ``size``; or up and down by it all the time, which is no trend."""
    time = np.linspace(0, 1, epochs)
    if kind == FALL:
        return 4 + np.where(time < 0.3, time, 0.3) - size * np.clip((time - 0.3) / 0.7, 0, 1)
    return 4 + (0 if kind == FLAT else size) * (np.arange(epochs) % 2 == 0)


def plane(
    paths: dict[str, np.ndarray],
    estimator: str = "Binned(bins=30, range='known', kind='width', correction='none')",
    channel: str = "Quantize(bins=30, range='known', kind='width')",
    *,
    width: float | None = None,
    scale: float | np.ndarray = 0.5,
    seeds: int = 8,
    noise: float = 0.01,
    epochs: tuple[int, ...] = EPOCHS,
    draw: int = 0,
    **attrs: object,
) -> xr.Dataset:
    """A plane whose networks follow the given paths, in bits, up to a little noise.

    Args:
        paths: by layer, (epoch,).
        estimator, channel: as a plane's attributes hold them.
        width: bits from a value down to its lower bound; the upper bound is the value; None: no bounds.
        scale: standard deviation of the layers' values, a number or (epoch,).
        seeds: networks.
        noise: bits, of every value.
        epochs: checkpoints.
        draw: of the noise.
        attrs: further attributes.
    """
    random = np.random.default_rng(draw)
    layers = list(paths)
    shape = (seeds, len(epochs), len(layers))
    level = np.stack([paths[name] for name in layers], axis=-1)[None]
    values = (level + noise * random.normal(size=shape)) / BITS
    cells = ("seed", "epoch", "layer")
    dataset = xr.Dataset(coords={"seed": np.arange(seeds), "epoch": list(epochs), "layer": layers})
    direction = "exact" if width is None else "interval"
    dataset["mi_input"] = (cells, values, {"quantity": "H(T at 30 bins)", "direction": direction, "unit": "nats"})
    dataset["mi_target"] = (cells, 0.1 + 0 * values, {"quantity": "I(T; Y)", "direction": direction, "unit": "nats"})
    nothing = np.full(shape, np.nan)
    dataset["mi_input_lower"] = (cells, nothing if width is None else values - width / BITS)
    dataset["mi_input_upper"] = (cells, nothing if width is None else values)
    dataset["saturated"] = (cells, values > 0.95 * math.log(256))
    dataset["warned"] = (cells, np.zeros(shape, bool))
    spread = np.broadcast_to(np.reshape(scale, (1, -1, 1)), shape)
    dataset["activation_std"] = (cells, spread * (1 + 0.01 * np.arange(seeds))[:, None, None])
    dataset.attrs = {
        "schema_version": 1,
        "estimator": estimator,
        "channel": channel,
        "task": "a task",
        "split": "all",
        "n_samples": 256,
        "ceiling_mi_input": math.log(256),
        "ceiling_mi_target": math.log(2),
        "training": json.dumps({"network": "8-4-3-2 tanh/softmax", "epochs_trained": 29}),
        **attrs,
    }
    return dataset


def bins(
    paths: dict[str, np.ndarray], count: int = 30, range: str = "known", kind: str = "width", **more
) -> xr.Dataset:
    """The same by binning."""
    channel = f"Quantize(bins={count}, range={range!r}, kind={kind!r})"
    estimator = f"Binned(bins={count}, range={range!r}, kind={kind!r}, correction='none')"
    return plane(paths, estimator, channel, **more)


def noisy(paths: dict[str, np.ndarray], sigma: float, relative: bool = False, width: float = 0.5, **more) -> xr.Dataset:
    """The same by pairwise bounds."""
    settings = f"sigma={sigma}, relative={relative}"
    return plane(paths, f"PairwiseBounds({settings})", f"AdditiveGaussian({settings})", width=width, **more)
