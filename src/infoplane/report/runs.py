"""A dataset as the page's scripts read it: one run a panel, numbers as packed 32-bit floats."""

from __future__ import annotations

import base64
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from ..plane import several
from ..plane.agreement import same_recording
from ..plane.phases import gradient_phases
from ..plane.summary import bootstrap_interval
from ..plane.task_bound import bound_of_plane
from ..results import attributes, is_curve
from .look import Layer

_BLOCK = 1000  # columns bootstrapped at once: 16 MB of resampled means


def panels(datasets: Sequence[xr.Dataset]) -> list[xr.Dataset]:
    """One dataset over (seed, epoch, layer) a panel: those with a further dimension (split, estimator) come apart."""
    found = []
    for position, dataset in enumerate(datasets):
        title = str(dataset.attrs.get("title") or f"run {position + 1}")
        found += _apart(dataset.assign_attrs(title=title), ["split", "estimator"])
    return found


def title_of(datasets: Sequence[xr.Dataset], panels: Sequence[xr.Dataset]) -> str:
    """A title for them all: those of the datasets where they have some, else of the panels; three at most."""
    own = [str(d.attrs["title"]) for d in datasets if d.attrs.get("title") and not is_curve(d)]
    names = own if len(own) == sum(not is_curve(d) for d in datasets) else [p.attrs["title"] for p in panels]
    return " · ".join(list(dict.fromkeys(names))[:3])


def seen_before(panels: Sequence[xr.Dataset], position: int) -> bool:
    """Whether an earlier panel is of the same recording and at as many checkpoints: its training is drawn already."""
    mine = panels[position]
    return any(
        same_recording(panel, mine) and panel.sizes["epoch"] >= mine.sizes["epoch"] for panel in panels[:position]
    )


def _apart(dataset: xr.Dataset, dimensions: list[str]) -> list[xr.Dataset]:
    if "estimator" in dimensions and "by_estimator" in dataset.attrs:
        title = dataset.attrs["title"]
        planes = several.apart(dataset).items()
        return [one for k, p in planes for one in _apart(p.assign_attrs(title=f"{title}, {k}"), ["split"])]
    for name in (n for n in dimensions if n in dataset.dims):
        parts = []
        for k, label in enumerate(dataset[name].to_numpy()):
            part = dataset.isel({name: k}, drop=True)
            title = f"{dataset.attrs['title']}, {label}"
            own = attributes(dataset, "by_split").get(str(label), {}) if name == "split" else {}
            parts += _apart(part.assign_attrs({"title": title, name: str(label), **own}), dimensions)
        return parts
    return [dataset]


def describe(dataset: xr.Dataset, looks: Sequence[Layer], *, again: bool = False) -> dict[str, Any]:
    """Everything the scripts draw of one run, ready for JSON; nats throughout.

    Args:
        dataset: a plane over (seed, epoch, layer).
        looks: all layers of the page; the run names its own by position.
        again: its losses and gradients are on the page already.
    """
    places = {look.name: k for k, look in enumerate(looks)}
    attrs = dataset.attrs
    run: dict[str, Any] = {
        "title": attrs["title"],
        "layers": [places[str(name)] for name in dataset["layer"].to_numpy()],
        "epochs": [float(e) for e in dataset["epoch"].to_numpy()],
        "seeds": [str(s) for s in dataset["seed"].to_numpy()],
        "ceilings": {kind: finite(attrs.get(f"ceiling_mi_{kind}")) for kind in ("input", "target")},
        "bound": _bound(dataset),
        "curves": {} if again else _training(dataset),
        "lossTitle": "loss (cross-entropy), nats" if "softmax" in str(attrs.get("training")) else "loss",
        "phases": None if again else _phases(dataset),
    }
    for kind in ("input", "target"):
        values = dataset[f"mi_{kind}"]
        run[kind] = {
            "quantity": values.attrs["quantity"],
            "direction": values.attrs["direction"],
            "value": packed(_plane(values)),
            "band": packed(band(_plane(values))),
            **{end: _uncertainty(dataset, f"mi_{kind}_{end}") for end in ("stderr", "lower", "upper")},
        }
    return run


def _bound(dataset: xr.Dataset) -> dict[str, Any] | None:
    """Points of the curve that no layer can exceed, nats; its slope after the last; the name of its greatest value."""
    bound = bound_of_plane(dataset)
    if bound is None:
        return None
    return {
        "x": bound.mi_input.tolist(),
        "y": bound.mi_target.tolist(),
        "slope": 1.0 / float(bound.beta[-1]),
        "most": "H(Y)" if bound.certain else "I(X;Y)",
    }


def finite(value: Any) -> float | None:
    """The number, or None where it is missing or not finite: JSON has no nan."""
    return float(value) if isinstance(value, int | float | np.number) and math.isfinite(value) else None


def packed(values: np.ndarray) -> dict[str, Any]:
    """An array for the page: base64 of little-endian 32-bit floats, and its shape."""
    content = np.ascontiguousarray(values, "<f4").tobytes()
    return {"data": base64.b64encode(content).decode("ascii"), "shape": list(values.shape)}


def band(values: np.ndarray) -> np.ndarray:
    """Mean over networks and its 95 % bootstrap interval, entries that are not finite left out.

    Args:
        values: (seed, ...).

    Returns:
        (3, ...): mean, lower, upper; the interval is nan for one network.
    """
    columns = values.reshape(len(values), -1).astype(np.float64)
    found = np.full((3, columns.shape[1]), np.nan)
    here = np.isfinite(columns)
    count = here.sum(axis=0)
    np.divide(np.where(here, columns, 0.0).sum(axis=0), count, out=found[0], where=count > 0)
    for start in range(0, columns.shape[1], _BLOCK):
        block = slice(start, start + _BLOCK)
        # The same resamples of networks for every block, so that a band is of one piece.
        found[1:, block] = bootstrap_interval(columns[:, block], np.random.default_rng(0xBA2D))
    return found.reshape(3, *values.shape[1:])


def _plane(values: xr.DataArray) -> np.ndarray:
    return values.transpose("seed", "epoch", "layer").to_numpy().astype(np.float64)


def _uncertainty(dataset: xr.Dataset, name: str) -> dict[str, Any] | float | None:
    """Packed values, or one number where all are the same, or None where there are none."""
    if name not in dataset:
        return None
    values = _plane(dataset[name])
    if np.isnan(values).all():
        return None
    first = values.flat[0]
    return float(first) if np.isfinite(first) and (values == first).all() else packed(values)


def _training(dataset: xr.Dataset) -> dict[str, dict[str, Any]]:
    """Bands of loss and accuracy by name of the samples: {"loss": {"train": (3, epoch), ...}, ...}."""
    found: dict[str, dict[str, Any]] = {}
    classes = "ceiling_mi_target" in dataset.attrs  # a share of right answers means nothing for a float target
    for name in sorted(map(str, dataset.data_vars)):
        what, _, part = name.partition("_")
        values = dataset[name]
        if what not in ("loss", "accuracy") or not part or set(values.dims) != {"seed", "epoch"}:
            continue
        array = values.transpose("seed", "epoch").to_numpy().astype(np.float64)
        if np.isfinite(array).any() and (classes or what == "loss"):
            found.setdefault(what, {})[part.replace("_", " ")] = packed(band(array))
    return found


def _phases(dataset: xr.Dataset) -> dict[str, Any] | None:
    """Bands of the mean and the spread of the batch gradients, and by layer the epoch where the spread wins."""
    if "gradient_mean" not in dataset or "gradient_std" not in dataset:
        return None
    phases = gradient_phases(dataset)
    normalised = "mean" in phases
    mean, std = (phases["mean"], phases["std"]) if normalised else (dataset.gradient_mean, dataset.gradient_std)
    drift = band(phases.drift_to_diffusion_epoch.transpose("seed", "layer").to_numpy())
    return {
        "normalised": normalised,
        "mean": packed(band(_plane(mean))),
        "std": packed(band(_plane(std))),
        "drift": [[finite(v) for v in column] for column in drift.T],
    }
