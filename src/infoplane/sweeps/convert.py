"""What a job returns, as the dataset that is kept of it."""

from __future__ import annotations

import json
import math
import numbers
import platform
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from ..errors import InputError
from ..estimate import Estimate
from ..results import check, provenance
from .spec import Job

if TYPE_CHECKING:
    from ..experiments import Result

VALUE = "value"  # the variable of a job that returns one number
_FIELDS = ("stderr", "lower", "upper", "p_value")
_WANTED = "an xarray Dataset, a dict of numbers and estimates, or one of them"
_NUMBER = r"[-+]?(?:\d+\.?\d*(?:e[-+]?\d+)?|inf|nan)"
_MEASURED = re.compile(rf"({_NUMBER})(?: \[({_NUMBER}), ({_NUMBER})\])?(?![\w.])")


def to_dataset(job: Job, returned: Any) -> xr.Dataset:
    """The dataset of a job: its numbers, or the dataset it returned, with attributes that say what it is.

    A number is the variable ``value``, an estimate also ``value_stderr``, ``value_lower``, ``value_upper``,
    ``value_p_value`` (nats), ``value_direction``, ``value_quantity`` and ``value_warnings`` (text); the numbers of a
    mapping have their own names.

    Raises:
        InputError: it returned something else, or names that the sweep's grid has already.
    """
    if isinstance(returned, xr.DataArray):
        returned = returned.to_dataset(name=returned.name or VALUE)
    if isinstance(returned, xr.Dataset):
        dataset = returned.copy()
    else:
        given = returned if isinstance(returned, Mapping) else {VALUE: returned}
        if not given:
            raise InputError(f"{job.run} returned an empty mapping; a job of a sweep returns {_WANTED}.")
        dataset = xr.Dataset()
        for name, value in given.items():
            dataset = dataset.assign(_variables(job, name, value))
    _check_names(job, dataset)
    for part in (dataset, *dataset.variables.values()):
        part.attrs = {str(key): _attribute(value) for key, value in part.attrs.items()}
    for key, value in provenance(device=platform.machine()).items():
        if key != "unit":  # a user's number may be of any
            dataset.attrs.setdefault(key, value)
    dataset.attrs["sweep_job"] = job.text
    return check(dataset) if "mi_input" in dataset else dataset  # or it could not be read again


def _variables(job: Job, name: Any, value: Any) -> dict[str, Any]:
    """A number, or all the numbers of an estimate."""
    if not isinstance(name, str) or not name:
        raise InputError(f"{job.run} returned a mapping with the key {name!r}; keys are names, texts.")
    if isinstance(value, Estimate):
        found = value.to("nats")
        about = {"quantity": found.quantity, "direction": found.direction, "warnings": " ".join(found.warnings)}
        return {
            name: xr.DataArray(float(found), attrs={"unit": "nats"}),
            **{f"{name}_{field}": xr.DataArray(float(getattr(found, field))) for field in _FIELDS},
            **{f"{name}_{key}": xr.DataArray(text) for key, text in about.items()},
        }
    if hasattr(value, "item") and getattr(value, "shape", None) == ():  # of NumPy, JAX or PyTorch
        value = value.item()
    if isinstance(value, bool | str):
        return {name: xr.DataArray(value)}
    if isinstance(value, numbers.Real):
        return {name: xr.DataArray(int(value) if isinstance(value, numbers.Integral) else float(value))}
    what = "None; it must return something" if value is None else f"an object of the type {type(value).__name__}"
    of = "" if name == VALUE else f" for {name!r}"
    raise InputError(f"{job.run} returned {what}{of}; a job of a sweep returns {_WANTED}.")


def _check_names(job: Job, dataset: xr.Dataset) -> None:
    for name in map(str, dataset.variables):
        if name in job.place and name not in dataset.dims and dataset[name].ndim:
            raise InputError(f"{job.run} returned {name!r}, which is also a dimension of the sweep; rename it.")
        if name in job.place and name in dataset.data_vars:
            raise InputError(f"{job.run} returned {name!r}, which is also a dimension of the sweep; rename it.")
    for name in map(str, dataset.dims):
        if name in job.place and dataset.sizes[name] != 1:
            raise InputError(
                f"{job.run} returned a dimension {name!r} of size {dataset.sizes[name]}, which is also one of the "
                "sweep; rename it, or return one of each."
            )


def _attribute(value: Any) -> str | int | float:
    """As results hold them: text, numbers, or JSON."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, bool):
        return int(value)
    return value if isinstance(value, str | int | float) else json.dumps(value, default=str)


def of_experiment(job: Job, result: Result) -> xr.Dataset:
    """What a sweep keeps of an experiment: verdicts over ``claim``, and their numbers over ``quantity``.

    A number that is told with an interval, such as "1.92 [1.81, 2.04]", has its ends in ``number_lower`` and
    ``number_upper``; ``number_text`` is what was told. A quantity is named by its claim's position and its own name.
    """
    told = {f"{k}: {n}": v for k, claim in enumerate(result.claims, 1) for n, v in claim.numbers.items()}
    read = np.array([_read(value) for value in told.values()], dtype=float).reshape(-1, 3)
    claims = [f"{k}: {claim.text}" for k, claim in enumerate(result.claims, 1)]
    return to_dataset(
        job,
        xr.Dataset(
            {
                "verdict": ("claim", np.array([claim.verdict for claim in result.claims], dtype=str)),
                "source": ("claim", np.array([claim.source for claim in result.claims], dtype=str)),
                "number": ("quantity", read[:, 0]),
                "number_lower": ("quantity", read[:, 1]),
                "number_upper": ("quantity", read[:, 2]),
                "number_text": ("quantity", np.array([str(value) for value in told.values()], dtype=str)),
            },
            coords={"claim": np.array(claims, dtype=str), "quantity": np.array(list(told), dtype=str)},
            attrs={"title": result.title, "experiment": result.name, "datasets": json.dumps(sorted(result.datasets))},
        ),
    )


def _read(value: float | str) -> tuple[float, float, float]:
    """A number of a claim and the ends of its interval; nan where there are none."""
    if not isinstance(value, str):
        return float(value), math.nan, math.nan
    found = _MEASURED.match(value)
    if found is None:
        return math.nan, math.nan, math.nan
    number, low, high = (math.nan if part is None else float(part) for part in found.groups())
    return number, low, high
