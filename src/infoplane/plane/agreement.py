"""Whether estimators agree that a layer compresses, where they look at the same activations."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from ..errors import InputError
from ..results import attributes, check
from .compression import BITS, SLIGHT, Mean, judged, mean_over_seeds
from .methods import method_of, told_apart
from .several import apart
from .summary import add_summary

_CELLS = ("seed", "epoch", "layer")
_ENDS = ("", "_lower", "_upper")
_NEAR = 0.95  # of its ceiling: a value beyond says more about n than about the layer; our choice
_FEWEST = 3  # checkpoints below which a path has no shuffled order to be held against


def agreement(planes: xr.Dataset | Sequence[xr.Dataset]) -> xr.Dataset:
    """What every estimator says of compression, layer by layer, at the seeds and checkpoints that all have measured.

    Compression is judged as everywhere (:func:`infoplane.plane.compression.compresses`): "holds" where the fall of
    I(X;T) after its maximum exceeds 0.1 bits and what the same steps give in shuffled order, "fails" where the fall is
    at most 0.1 bits, "unclear" between; each by the 95 % Student interval of the mean over networks. Where a method
    does not see a fall because its values end within 5 % of their ceiling ln n, or never reach 0.1 bits, it is
    ``blind``: its "fails" says nothing of the layer. Where every value has a lower and an upper bound, the fall has
    too: at least max_t lower(t) - upper(end), at most max_t upper(t) - lower(end).

    Args:
        planes: two or more of one recording and one split, as a list or along the dimension ``estimator``. Of planes
            with the same estimator and channel the one with most checkpoints counts, those without any I(X;T) do not;
            those that share fewer than 3 checkpoints with the others are left out (attribute ``left_out``).

    Returns:
        Dataset over (estimator, layer), nats: ``fall``, ``excess`` (above the shuffled steps) and, for interval
        estimators, ``least`` and ``most``, each a mean over networks with ``_lower`` and ``_upper``;
        ``compression_null``; ``highest``, the mean maximum; ``verdict``; ``blind`` ("", "ceiling", "floor");
        ``proved``, whether the bounds alone show or exclude a fall beyond 0.1 bits ("": no bounds); ``warned``, the
        share of values with a warning; ``scale_at_maximum`` and ``scale_last``, the layer's standard deviation where
        I(X;T) is greatest and at the end, geometric means over networks. Over (estimator, seed, layer):
        ``compression``. Coordinates along estimator: ``settings``, ``channel``, ``follows_scale``.

    Raises:
        InputError: fewer than two estimators, planes of different recordings, or none that share 3 checkpoints.
    """
    given = [planes] if isinstance(planes, xr.Dataset) else list(planes)
    found = [plane for dataset in given for plane in apart(check(dataset)).values()]
    for plane in found[1:]:
        if not same_recording(found[0], plane):
            raise InputError(
                f"agreement compares estimators on one recording and one split; {_name(plane)} is of another than "
                f"{_name(found[0])}, or neither says how it was trained."
            )
    kept, left_out = _on_common_ground(_distinct(found))
    if len(kept) < 2:
        raise InputError(
            f"agreement needs two estimators that share networks, a layer and at least {_FEWEST} checkpoints, got "
            f"{', '.join(_name(plane) for plane in found) or 'no plane'}."
        )
    methods = told_apart([method_of(plane) for plane in kept])
    table = xr.concat([_row(plane) for plane in kept], "estimator", combine_attrs="override")
    along = {
        "estimator": [m.label for m in methods],
        "settings": ("estimator", [m.settings for m in methods]),
        "channel": ("estimator", [str(plane.attrs.get("channel", "")) for plane in kept]),
        "follows_scale": ("estimator", [m.follows_scale for m in methods]),
    }
    first = kept[0]
    table.attrs = {
        "task": str(first.attrs.get("task", "")),
        "split": str(first.attrs.get("split", "all")),
        "networks": first.sizes["seed"],
        "epochs": json.dumps([float(e) for e in first.epoch.to_numpy()]),
        "left_out": json.dumps([method_of(plane).label for plane in left_out]),
        "slight": SLIGHT / BITS,
        "unit": "nats",
    }
    return table.assign_coords(along)


def same_recording(one: xr.Dataset, other: xr.Dataset) -> bool:
    """Whether two planes are known to be of the same activations.

    Task, split, samples and training must be the same. Then the layers' standard deviations decide where both planes
    have them (equal to a hundredth, for kept results are cut to few digits), otherwise a training that is described.
    """
    for name in ("task", "split", "n_samples", "training"):
        if one.attrs.get(name) != other.attrs.get(name):
            return False
    if any("split" in plane.dims for plane in (one, other)):
        return False
    shared = {axis: np.intersect1d(one[axis], other[axis]) for axis in _CELLS}
    if not all(len(values) for values in shared.values()):
        return False
    if all("activation_std" in plane for plane in (one, other)):
        first, second = (plane.activation_std.sel(shared).transpose(*_CELLS).to_numpy() for plane in (one, other))
        return bool(np.allclose(first, second, rtol=0.01, atol=0.0, equal_nan=True))
    return _trained(one)


def of_one_recording(planes: Sequence[xr.Dataset]) -> list[list[xr.Dataset]]:
    """The planes in groups of one recording each, in their order, that have two estimators or more."""
    groups: list[list[xr.Dataset]] = []
    for plane in planes:
        mine = next((group for group in groups if same_recording(group[0], plane)), None)
        if mine is None:
            groups.append([plane])
        else:
            mine.append(plane)
    return [group for group in groups if len(_on_common_ground(_distinct(group))[0]) > 1]


def _trained(plane: xr.Dataset) -> bool:
    """Whether the plane says how its networks were trained, which decides their activations."""
    try:
        return "network" in attributes(plane, "training")
    except ValueError:
        return False


def _name(plane: xr.Dataset) -> str:
    return repr(plane.attrs.get("title") or method_of(plane).label)


def _distinct(planes: list[xr.Dataset]) -> list[xr.Dataset]:
    """One plane an estimator and channel: I(X;T) is the same in all, so the one with most checkpoints."""
    best: dict[tuple[Any, Any], xr.Dataset] = {}
    for plane in (p for p in planes if bool(np.isfinite(p.mi_input).any())):
        key = (plane.attrs.get("estimator"), plane.attrs.get("channel"))
        if key not in best or plane.sizes["epoch"] > best[key].sizes["epoch"]:
            best[key] = plane
    return list(best.values())


def _on_common_ground(planes: list[xr.Dataset]) -> tuple[list[xr.Dataset], list[xr.Dataset]]:
    """The planes at the seeds, epochs and layers that all of them have; and those with too few epochs in common."""
    left_out, epochs = [], None
    for plane in sorted(planes, key=lambda p: -p.sizes["epoch"]):
        common = plane.epoch.to_numpy() if epochs is None else np.intersect1d(epochs, plane.epoch)
        if len(common) < _FEWEST:
            left_out.append(plane)
        else:
            epochs = common
    kept = [plane for plane in planes if all(plane is not other for other in left_out)]
    if not kept:
        return [], left_out
    seeds = [s for s in kept[0].seed.to_numpy() if all(s in plane.seed for plane in kept)]
    layers = [str(n) for n in kept[0].layer.to_numpy() if all(n in plane.layer for plane in kept)]
    if not seeds or not layers:
        return [], planes
    return [plane.sel(seed=seeds, epoch=epochs, layer=layers) for plane in kept], left_out


def _row(plane: xr.Dataset) -> xr.Dataset:
    """What one estimator says, over layers."""
    values = add_summary(plane[["mi_input", "mi_target"]].astype(np.float64))
    arrays = {
        name: plane[name].transpose(*_CELLS).to_numpy().astype(np.float64)
        for name in ("mi_input", "mi_input_lower", "mi_input_upper", "warned", "activation_std")
        if name in plane
    }
    arrays["fall"] = values.compression.transpose("seed", "layer").to_numpy()
    layers = [str(name) for name in plane.layer.to_numpy()]
    nulls = values.compression_null.to_numpy()
    top = float(plane.attrs.get("ceiling_mi_input", math.inf))
    found = [_of_layer({n: v[..., k] for n, v in arrays.items()}, float(nulls[k]), top) for k in range(len(layers))]
    row = xr.Dataset({name: ("layer", [one[name] for one in found]) for name in found[0]}, {"layer": layers})
    return row.assign(compression=values.compression, compression_null=values.compression_null)


def _of_layer(arrays: dict[str, np.ndarray], null: float, ceiling: float) -> dict[str, Any]:
    """Of one layer, from (seed, epoch) values by name, (seed,) falls, and what I(X;T) can be at most."""
    path, fall = arrays["mi_input"], arrays["fall"]
    least, most = _bounds_of_fall(arrays)
    means = {"fall": mean_over_seeds(fall), "excess": mean_over_seeds(fall - null), "least": least, "most": most}
    verdict = judged(_in_bits(means["fall"]), _in_bits(means["excess"]))
    filled = np.where(np.isfinite(path), path, -np.inf)
    highest = mean_over_seeds(filled.max(axis=1)).value
    scale = arrays.get("activation_std", np.full(path.shape, np.nan))
    return {
        **{f"{n}{end}": v for n, m in means.items() for end, v in zip(_ENDS, (m.value, m.lower, m.upper), strict=True)},
        "highest": highest,
        "verdict": verdict,
        "blind": _blind(arrays, ceiling, verdict, highest),
        "proved": _proof(least, most),
        "warned": float(arrays["warned"].mean()) if "warned" in arrays else 0.0,
        "scale_at_maximum": _geometric(scale[np.arange(len(path)), filled.argmax(axis=1)]),
        "scale_last": _geometric(scale[:, -1]),
    }


def _in_bits(mean: Mean) -> Mean:
    return Mean(mean.value * BITS, mean.lower * BITS, mean.upper * BITS)


def _bounds_of_fall(arrays: dict[str, np.ndarray]) -> tuple[Mean, Mean]:
    """What the fall is at least and at most, by the bounds of the values; nan where there are none."""
    low, high = (arrays.get(f"mi_input_{end}", np.array([np.nan])) for end in ("lower", "upper"))
    if not (np.isfinite(low).all() and np.isfinite(high).all()):
        return Mean(math.nan, math.nan, math.nan), Mean(math.nan, math.nan, math.nan)
    return mean_over_seeds(low.max(axis=1) - high[:, -1]), mean_over_seeds(high.max(axis=1) - low[:, -1])


def _proof(least: Mean, most: Mean) -> str:
    """Whether the bounds alone show a fall beyond what is slight, or exclude one; "" without bounds."""
    if math.isnan(least.value):
        return ""
    shown, excluded = least.above(SLIGHT / BITS) == "holds", most.below(SLIGHT / BITS) == "holds"
    return "holds" if shown else "fails" if excluded else "unclear"


def _blind(arrays: dict[str, np.ndarray], ceiling: float, verdict: str, highest: float) -> str:
    """Why this estimator could not have seen a fall of this layer; "" where it could."""
    if verdict == "holds":
        return ""
    if highest < SLIGHT / BITS:
        return "floor"
    return "ceiling" if (arrays["mi_input"][:, -1] > _NEAR * ceiling).mean() > 0.5 else ""


def _geometric(values: np.ndarray) -> float:
    """Geometric mean of the positive ones."""
    array = values[np.isfinite(values) & (values > 0)]
    return float(np.exp(np.log(array).mean())) if len(array) else math.nan
