"""Ensembles trained on several data sets as one result, with a place for each in the dimension ``seed``."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import xarray as xr

from ..errors import InputError
from ..results import check


def repeated(ensembles: Mapping[int, xr.Dataset]) -> xr.Dataset:
    """Results of :meth:`Ensemble.information` on data sets that were drawn anew, over (seed, time).

    What they have in common stays. Of numbers that differ, such as a ceiling or a condition, the largest is kept, of
    their notes all, and their seconds are summed.

    Args:
        ensembles: by seed of the data set; same times, same variables.

    Raises:
        InputError: none, or other times or variables.
    """
    found = list(ensembles.values())
    if not found:
        raise InputError("repeated needs the result of one data set at least, got none.")
    first = found[0]
    for seed, one in ensembles.items():
        if not one["time"].equals(first["time"]) or set(one) != set(first):
            raise InputError(f"repeated needs the same times and variables; those of seed {seed} are others.")
    joined = xr.concat(
        found, "seed", data_vars="all", coords="minimal", compat="override", join="exact", combine_attrs=together
    )
    return check(joined.assign_coords(seed=list(ensembles)))


def together(attributes: Sequence[dict[str, Any]], context: Any = None) -> dict[str, Any]:
    """Attributes of several results as those of one, for ``combine_attrs`` of xarray; as :func:`repeated` says."""
    return {name: _one([one[name] for one in attributes if name in one], name) for name in attributes[0]}


def _one(values: list[Any], name: str) -> Any:
    if name == "wall_time":
        return float(sum(values))
    if name == "notes":
        return json.dumps(list(dict.fromkeys(note for text in values for note in json.loads(text))))
    return max(values) if all(isinstance(value, int | float) for value in values) else values[0]
