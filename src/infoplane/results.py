"""The one schema of every result, and its file: a single netCDF, never a pickle.

Everything is in nats. Attributes are strings, numbers or JSON text. A result written and read back is equal.
"""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from .errors import InputError

SCHEMA_VERSION = 1

_PLANE = ("seed", "epoch", "layer")
_DIMENSIONS: dict[str, tuple[str, ...]] = {
    **{f"{mi}{end}": _PLANE for mi in ("mi_input", "mi_target") for end in ("", "_stderr", "_lower", "_upper")},
    **dict.fromkeys(
        (
            "mi_target_null",
            "mi_target_p_value",
            "mi_input_growth",
            "mi_input_subsample_stderr",
            "mi_input_calibration",
            "layer_beta",
            "layer_beta_residual",
            "layer_beta_at_edge",
            "bound_distance",
            "n_codes",
            "saturated",
            "warned",
            "dead",
            "activation_std",
            "explained_variance",
            "loss_bound_input",
            "loss_bound_target",
            "code_dim",
            "snr",
            "snr_bound",
            "mi_input_null",
            "mi_input_p_value",
            "loss_bound_input_vacuous",
            "loss_bound_target_vacuous",
            "out_of_range",
        ),
        _PLANE,
    ),
    **dict.fromkeys(
        ("violations_input", "violations_target", "violations_input_beyond", "violations_target_beyond"),
        ("seed", "epoch"),
    ),
    **dict.fromkeys(("bound_mi_input", "bound_mi_target"), ("seed", "bound")),
}
_CURVE: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(
        ("mi_input", "mi_target", "mi_target_geometric", "objective", "free_energy", "gap", "residual"), ("beta",)
    ),
    **dict.fromkeys(("n_clusters", "n_components", "converged", "interpolated", "sweeps"), ("beta",)),
    "marginal": ("beta", "cluster"),
    "decoder": ("beta", "cluster", "y"),
}
_ENSEMBLE: dict[str, tuple[str, ...]] = {
    **{f"{mi}{end}": ("time",) for mi in ("mi_input", "mi_target") for end in ("", "_stderr", "_lower", "_upper")},
    **dict.fromkeys(
        (
            "loss_gibbs",
            "loss_bayes",
            "loss_bayes_joint",
            "accuracy",
            "mi_output_data",
            "mi_output_data_joint",
            "mi_parameters_data",
            "mi_parameters_data_volume",
            "mi_parameters_data_overlap",
            "mi_parameters_data_distance",
            "mi_parameters_data_curvature",
            "mi_parameters_data_linearised",
            "fisher_trace",
            "parameter_distance",
            "action",
            "fisher_energy",
            "effective_dimension",
        ),
        ("time",),
    ),
}
_MODELS = ("objective", "beta", "seed", "epoch", "split")
_VARIATIONAL: dict[str, tuple[str, ...]] = {
    **{
        f"{name}{end}": _MODELS
        for name in ("mi_input", "mi_target", "rate", "rate_conditional", "distortion", "accuracy")
        for end in ("", "_stderr")
    },
    "loss": _MODELS,
}
_REQUIRED = ("mi_input", "mi_target")
_DIRECTIONS = ("exact", "estimate", "lower", "upper", "interval")


def check(dataset: xr.Dataset) -> xr.Dataset:
    """The same dataset, if it follows the schema of a plane, or, where ``kind`` says so, of a curve, an ensemble or
    trained models.

    Raises:
        InputError: a variable, dimension or attribute is missing or of the wrong kind.
    """
    curve = is_curve(dataset) or is_ensemble(dataset)
    whose, schema, further = "A plane's", _DIMENSIONS, ("split", "estimator")
    if is_curve(dataset):
        whose, schema, further = "A curve's", _CURVE, ()
    elif is_ensemble(dataset):
        whose, schema, further = "An ensemble's", _ENSEMBLE, ("seed", "epoch")  # data sets drawn; kernels kept
    elif is_variational(dataset):
        whose, schema, further = "A variational plane's", _VARIATIONAL, ()
    swept = tuple(attributes(dataset, "sweep_dimensions"))  # of many results together
    missing = [name for name in _REQUIRED if name not in dataset]
    if missing:
        raise InputError(f"This is not an information {'curve' if curve else 'plane'}: it lacks {', '.join(missing)}.")
    for name, dims in schema.items():
        if name in dataset:
            have = tuple(d for d in dataset[name].dims if d not in (*further, *swept))
            dims = tuple(d for d in dims if d not in swept)
            if have != dims:
                raise InputError(f"{whose} {name} has the dimensions {dims}, got {have}.")
    for name in () if swept else _REQUIRED:  # where they differ, a sweep has them over its dimensions
        about = dataset[name].attrs
        if about.get("direction") not in _DIRECTIONS or not about.get("quantity"):
            raise InputError(f"{whose} {name} needs the attributes 'quantity' and 'direction' (one of {_DIRECTIONS}).")
    for where in (dataset, *dataset.data_vars.values()):
        for key, value in where.attrs.items():
            if not isinstance(value, str | int | float | np.integer | np.floating):
                raise InputError(f"Attribute {key!r} must be text or a number, got {type(value).__name__}.")
    return dataset


def is_curve(dataset: Any) -> bool:
    """Whether this is a bottleneck's curve, over beta."""
    return isinstance(dataset, xr.Dataset) and dataset.attrs.get("kind") == "curve"


def is_ensemble(dataset: Any) -> bool:
    """Whether this is an infinite ensemble's curve, over training time."""
    return isinstance(dataset, xr.Dataset) and dataset.attrs.get("kind") == "ensemble"


def is_variational(dataset: Any) -> bool:
    """Whether these are models trained for the bottleneck, over their trade-off."""
    return isinstance(dataset, xr.Dataset) and dataset.attrs.get("kind") == "variational"


def kept_models(dataset: xr.Dataset) -> xr.Dataset:
    """A variational plane without its epochs: each model where it is kept, at its best epoch or the last it reached."""
    if "epoch" not in dataset.dims:
        return dataset
    reached = dataset["mi_target"].notnull()
    reached = reached.any("split") if "split" in reached.dims else reached
    position = dataset.sizes["epoch"] - 1 - reached.isel(epoch=slice(None, None, -1)).argmax("epoch")
    if "best_epoch" in dataset:
        best = dataset["epoch"] == dataset["best_epoch"]
        position = xr.where(best.any("epoch"), best.argmax("epoch"), position)
    return dataset.isel(epoch=position)


def save(dataset: xr.Dataset, path: str | Path) -> None:
    """Write a result whole or not at all.

    Args:
        dataset: any result of the package.
        path: file, usually ending in ``.nc``.

    Raises:
        InputError: the file cannot be written.
    """
    path = Path(path)
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    encoding = {
        name: {"zlib": True, "complevel": 4, "shuffle": True}
        for name, v in dataset.data_vars.items()
        if v.dtype.kind in "fiub" and v.ndim
    }
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        dataset.to_netcdf(partial, engine="h5netcdf", encoding=encoding)
        with partial.open("rb") as file:
            os.fsync(file.fileno())  # or the new name could reach the disk before the content
        partial.replace(path)
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror or error}.") from None
    finally:
        if partial.exists():
            partial.unlink()


def load(path: str | Path) -> xr.Dataset:
    """Read a result.

    Raises:
        InputError: no such file, not a result, or a schema newer than this version.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"There is no file {path}.")
    try:
        # How it stood in the file is dropped: text would stay as wide as it was, and longer names joined to it be cut.
        dataset = xr.load_dataset(path, engine="h5netcdf").drop_encoding()
    except (OSError, ValueError, KeyError, TypeError):
        raise InputError(f"{path} is not a result of infoplane: it cannot be read as netCDF.") from None
    schema = dataset.attrs.get("schema_version")
    if not isinstance(schema, int | np.integer):
        raise InputError(f"{path} is netCDF but no result of infoplane: it has no schema_version.")
    if schema > SCHEMA_VERSION:
        raise InputError(
            f"{path} has schema version {schema}, this infoplane reads up to {SCHEMA_VERSION}; update infoplane."
        )
    for name in dataset.coords:  # text comes back as objects; as written it was fixed-width text
        if dataset[name].dtype == object:
            dataset = dataset.assign_coords({name: (dataset[name].dims, dataset[name].to_numpy().astype(str))})
    for where in (dataset, *dataset.data_vars.values()):
        where.attrs = {k: v.item() if isinstance(v, np.generic) else v for k, v in where.attrs.items()}
    return check(dataset) if "mi_input" in dataset else dataset


_STEPS = dict.fromkeys(("bound_distance", "value", "lower", "upper", "truth"), 2.0**-13)
_FINE = ("loss_", "generalisation_gap", "distance", "condition")  # compared with each other, or by their logarithms
_INFORMATION = ("mi_", "compression", "fitting")
_FEW = 64  # numbers that are kept as they are: limits, slopes, settings


def compact(dataset: xr.Dataset) -> xr.Dataset:
    """A copy to keep under version control, a third of the size: floats are cut towards zero, and pack well.

    Losses, gaps and everything of an ensemble keep 16 binary digits (a relative 3e-5), other information 12 (5e-4),
    training curves and gradients 8 (8e-3); what is compared across zero keeps equal steps of 2^-13: distances from a
    bound, and tables of values and their intervals. Cut, not rounded, so that no value rises above its ceiling; bounds,
    and variables of 64 numbers or fewer, stay as they are. Gradients along the path stay in the recording.
    """
    small = dataset.drop_vars([name for name in dataset.data_vars if str(name).endswith("_along_path")])
    for key, values in small.data_vars.items():
        name = str(key)
        if values.dtype.kind != "f" or values.size <= _FEW or name.startswith("bound_mi_"):
            continue
        numbers = values.to_numpy().astype(np.float32)
        if name in _STEPS:
            small[key] = values.copy(data=np.trunc(numbers / _STEPS[name]) * _STEPS[name])
            continue
        fine = is_ensemble(dataset) or name.startswith(_FINE)
        keep = 16 if fine else 12 if name.startswith(_INFORMATION) else 8
        mask = np.uint32(0xFFFFFFFF << (24 - keep) & 0xFFFFFFFF)
        small[key] = values.copy(data=(numbers.view(np.uint32) & mask).view(np.float32))
    return small.assign_attrs(
        compact="floats cut: losses, gaps and ensembles to 16 binary digits, other information to 12, tables of values "
        "to steps of 2^-13, the rest to 8"
    )


def provenance(device: str | None = None, **settings: Any) -> dict[str, str | int | float]:
    """Attributes every result carries: schema, versions, machine, and the settings given (JSON where not plain).

    Args:
        device: what computed it; JAX's first device if None.
        settings: further attributes.
    """
    versions = {name: _version(name) for name in ("infoplane", "jax", "numpy", "xarray")}
    plain = {
        key: value if isinstance(value, str | int | float) else json.dumps(value, default=str)
        for key, value in settings.items()
        if value is not None
    }
    return {
        "schema_version": SCHEMA_VERSION,
        "unit": "nats",
        "versions": json.dumps({**versions, "python": platform.python_version()}),
        "device": _first_device() if device is None else device,
        **plain,
    }


def _first_device() -> str:
    import jax

    return str(jax.devices()[0].device_kind)


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "source tree"


def attributes(dataset: xr.Dataset, name: str) -> Mapping[str, Any]:
    """An attribute that holds JSON, as a mapping; empty where absent."""
    return json.loads(str(dataset.attrs.get(name, "{}")))
