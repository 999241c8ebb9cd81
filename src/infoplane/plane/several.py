"""Planes of one recording by several estimators, side by side in one dataset."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from ..errors import InputError
from ..results import check

_AXES = ("seed", "epoch", "layer")
_MEASURED = ("mi_input", "mi_target")


def by_estimator(planes: Mapping[str, xr.Dataset]) -> xr.Dataset:
    """One dataset with the dimension ``estimator``: what all planes share, such as losses, is in it once.

    Args:
        planes: by name, over the same seeds, epochs and layers.

    Returns:
        Dataset whose attribute ``by_estimator`` holds, by name, what the planes do not share: estimator, channel,
        quantity, direction, notes. :func:`apart` gives the planes back.

    Raises:
        InputError: no planes, or other seeds, epochs or layers.
    """
    if not planes:
        raise InputError("by_estimator needs at least one plane, got none.")
    first = next(iter(planes.values()))
    for name, plane in planes.items():
        odd = [axis for axis in _AXES if not np.array_equal(plane[axis], first[axis])]
        if odd or set(plane.dims) & {"split", "estimator"}:
            raise InputError(
                f"by_estimator needs planes over the same seeds, epochs and layers; {name!r} has "
                f"{'another ' + odd[0] if odd else 'a further dimension'}."
            )
    names = xr.DataArray(list(planes), dims="estimator", name="estimator")
    known = dict.fromkeys(variable for plane in planes.values() for variable in plane.data_vars)
    together = {variable: _together([p.get(variable) for p in planes.values()], names) for variable in known}
    joined = xr.Dataset(together).assign_coords(estimator=names)
    common = {k: v for k, v in first.attrs.items() if all(p.attrs.get(k) == v for p in planes.values())}
    own = {
        name: {k: v for k, v in plane.attrs.items() if k not in common}
        | {variable: plane[variable].attrs for variable in _MEASURED}
        for name, plane in planes.items()
    }
    for variable in _MEASURED:
        ways = {str(plane[variable].attrs["direction"]) for plane in planes.values()}
        direction = ways.pop() if len(ways) == 1 else "estimate"
        joined[variable].attrs = {"quantity": "by estimator", "direction": direction, "unit": "nats"}
    joined.attrs = common | {"by_estimator": json.dumps(own, default=_plain)}
    return check(joined)


def apart(dataset: xr.Dataset) -> dict[str, xr.Dataset]:
    """The planes of a dataset by the name of their estimator; a plane without that dimension alone, as ``""``."""
    if "estimator" not in dataset.dims:
        return {"": dataset}
    own = json.loads(str(dataset.attrs.get("by_estimator", "{}")))
    common = {k: v for k, v in dataset.attrs.items() if k != "by_estimator"}
    found = {}
    for k, name in enumerate(map(str, dataset["estimator"].to_numpy())):
        plane = dataset.isel(estimator=k, drop=True)
        mine = dict(own.get(name, {}))
        for variable in _MEASURED:
            plane[variable].attrs = mine.pop(variable, None) or plane[variable].attrs
        found[name] = plane.assign_attrs(mine)
        found[name].attrs = common | mine
    return found


def _together(values: list[xr.DataArray | None], names: xr.DataArray) -> xr.DataArray:
    """One variable of all planes; once where it is the same in all, nan where a plane lacks it."""
    there = [v for v in values if v is not None]
    first = there[0]
    if len(there) == len(values) and first.name not in _MEASURED and all(first.equals(v) for v in there):
        return first
    if len(there) < len(values):
        values = [xr.full_like(first, np.nan, dtype=np.float64) if v is None else v for v in values]
    return xr.concat([v for v in values if v is not None], names, combine_attrs="override")


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else str(value)
