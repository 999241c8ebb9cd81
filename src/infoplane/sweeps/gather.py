"""All results of a sweep as one dataset over its grid."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from ..errors import InputError, nearest
from ..progress import Progress, silent
from ..results import SCHEMA_VERSION, load
from .spec import Job, Spec
from .store import Store

_OF_ONE_RUN = ("wall_time", "device", "versions", "command", "sweep_job", "claims")  # not told of all together


def gather(folder: str | Path, dataset: str | None = None, *, progress: Progress = silent) -> xr.Dataset:
    """The results of a sweep, labelled along the dimensions of its grid.

    Every variable of a job has the dimensions of the grid before its own; where jobs differ in a coordinate of their
    own, such as the epochs, it is that of all. Jobs that are not done yet are nan (text: empty), and counted in the
    attribute ``jobs_missing``. An attribute of a variable in which jobs differ, such as the quantity that an estimator
    measures, becomes a variable over the grid: ``mi_input_quantity``.

    Args:
        folder: of the sweep.
        dataset: of a sweep of experiments, the name of the dataset wanted of each, such as ``"binned"``; their verdicts
            and numbers if None.
        progress: called with ("reading", done, total).

    Raises:
        InputError: no sweep, none of its jobs done, or results that do not go together.
    """
    store = Store(Path(folder))
    jobs = list(_spec(store).jobs())
    found: dict[int, xr.Dataset] = {}
    for position, job in enumerate(jobs):
        if store.finished(job):
            found[position] = _alone(_load(store, job, dataset), job)
        progress("reading", position + 1, len(jobs))
    if not found:
        raise InputError(f"No job of the sweep in {folder} is done yet; run infoplane sweep.")
    axes = _axes(jobs)
    together = _together(jobs, found, axes)
    together.attrs |= _shared([one.attrs for one in found.values()])
    together.attrs |= {
        "schema_version": SCHEMA_VERSION,
        "sweep": json.dumps({key: store.header()[key] for key in ("run", "settings", "axes")}),
        "sweep_dimensions": json.dumps(list(axes)),
        "jobs": len(jobs),
        "jobs_missing": len(jobs) - len(found),
        "wall_time": float(sum(one.attrs.get("wall_time", 0.0) for one in found.values())),
    }
    return together


def _spec(store: Store) -> Spec:
    """The sweep of a folder, as it was checked when it was run."""
    kept = store.header()
    run = kept["run"]
    axes = {name: tuple(axis) for name, axis in kept["axes"].items()}
    runs = tuple(run) if isinstance(run, list) else (run,)
    return Spec(runs, axes, kept["settings"], store.folder, store.folder, store.folder.name)


def _load(store: Store, job: Job, dataset: str | None) -> xr.Dataset:
    """The result of a job, or one dataset of the experiment that it ran."""
    result = load(store.result(job.key))
    if dataset is None:
        return result
    known = json.loads(str(result.attrs.get("datasets", "[]")))
    if not known:
        raise InputError(f"{job.run} is no experiment, so its jobs have no further datasets; leave out {dataset!r}.")
    if dataset not in known:
        raise InputError(f"{job.run} has no dataset {dataset!r}; {nearest(dataset, known)}")
    return load(store.run(job.key) / f"{dataset}.nc")


def _alone(found: xr.Dataset, job: Job) -> xr.Dataset:
    """A result without what the grid says better: a dimension of size 1, or a coordinate, of one of its names."""
    found = found.squeeze([name for name in job.place if name in found.dims])
    found = found.drop_vars([name for name in job.place if name in found.variables])
    return found.reset_coords()  # what is no index may differ from job to job


def _axes(jobs: list[Job]) -> dict[str, list[Any]]:
    """The values of every dimension, in order."""
    return {name: list(dict.fromkeys(job.place[name] for job in jobs)) for name in jobs[0].place}


def _together(jobs: list[Job], found: dict[int, xr.Dataset], axes: dict[str, list[Any]]) -> xr.Dataset:
    """Every variable over the grid."""
    try:
        aligned = xr.align(*found.values(), join="outer", copy=False)
    except ValueError as error:
        raise InputError(
            f"The jobs' results differ in the size of a dimension that has no coordinate: {error}"
        ) from None
    aligned = [_still_numbers(after, before) for after, before in zip(aligned, found.values(), strict=True)]
    shape = tuple(len(values) for values in axes.values())
    variables: dict[str, tuple] = {}
    for name in dict.fromkeys(name for one in aligned for name in one.data_vars):
        parts = {k: one[name] for k, one in zip(found, aligned, strict=True) if name in one}
        dims = next(iter(parts.values())).dims
        if any(set(part.dims) != set(dims) for part in parts.values()):
            raise InputError(f"The jobs' results differ in the dimensions of {name}; they cannot be one dataset.")
        values = _stacked({k: part.transpose(*dims).to_numpy() for k, part in parts.items()}, len(jobs), str(name))
        shared, differing = _attributes([part.attrs for part in parts.values()])
        variables[str(name)] = ((*axes, *dims), values.reshape(shape + values.shape[1:]), shared)
        for key in differing:
            told = {k: np.asarray(part.attrs.get(key, "")) for k, part in parts.items()}
            variables[f"{name}_{key}"] = (tuple(axes), _stacked(told, len(jobs), key).reshape(shape))
    coords = {name: values.variable for one in aligned for name, values in one.coords.items()}
    coords |= {name: (name, np.array(axis)) for name, axis in axes.items()}
    return _in_order(xr.Dataset(variables, coords=coords), found.values())


def _still_numbers(after: xr.Dataset, before: xr.Dataset) -> xr.Dataset:
    """True and false with gaps are numbers with nan, not objects."""
    kinds = {name: before[name].dtype.kind for name in after.data_vars if after[name].dtype == object}
    return after.assign({name: after[name].astype(float) for name, kind in kinds.items() if kind == "b"})


def _in_order(together: xr.Dataset, found: Iterable[xr.Dataset]) -> xr.Dataset:
    """Names in the order in which they came, where joining has sorted them."""
    every = list(found)
    for name in together.dims:
        if name in together.coords and together[name].dtype.kind == "U":
            order = list(dict.fromkeys(str(v) for one in every if name in one.coords for v in one[name].values))
            together = together.sel({name: order}) if order else together
    return together


def _stacked(parts: dict[int, np.ndarray], count: int, name: str) -> np.ndarray:
    """Arrays of one shape as rows; rows that are not there are nan, or empty text."""
    first = next(iter(parts.values()))
    kinds = {part.dtype.kind for part in parts.values()}
    if kinds & set("OUS"):
        if not kinds <= set("OUS"):
            raise InputError(f"{name} is text in some of the jobs' results and a number in others.")
        rows = np.full((count, *first.shape), "", dtype=object)
        for position, part in parts.items():
            rows[position] = part
        return np.where(rows == rows, rows, "").astype(str)  # nan, where a text was not in all: empty
    kind = np.result_type(*(part.dtype for part in parts.values()))
    if len(parts) < count and kind.kind in "biu":
        kind = np.dtype(float)
    rows = np.full((count, *first.shape), np.nan if kind.kind in "fc" else 0, dtype=kind)
    for position, part in parts.items():
        rows[position] = part
    return rows


def _attributes(given: Iterable[dict[str, Any]]) -> tuple[dict[str, Any], list[str]]:
    """Those that all have alike, and the names of those that differ."""
    every = list(given)
    names = [name for name in dict.fromkeys(name for one in every for name in one) if name not in _OF_ONE_RUN]
    alike: Callable[[str], bool] = lambda name: all(one.get(name) == every[0].get(name) for one in every)  # noqa: E731
    return {name: every[0][name] for name in names if alike(name)}, [name for name in names if not alike(name)]


def _shared(given: Iterable[dict[str, Any]]) -> dict[str, Any]:
    return _attributes(given)[0]
