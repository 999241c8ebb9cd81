"""Numbers as the pictures need them: checked, without what is not finite, in the unit asked for."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from ..errors import InputError
from ..plane.summary import bootstrap_interval
from .style import per_nat

CELLS = ("seed", "epoch", "layer")


def checked(dataset: Any, *names: str) -> xr.Dataset:
    """The dataset with the dimension ``seed``, if it has these variables and one value per cell.

    Raises:
        InputError: no Dataset, a variable missing, another dimension, or nothing in it.
    """
    if not isinstance(dataset, xr.Dataset):
        raise InputError(
            f"A plot needs an xarray.Dataset such as information_plane or load give, got {type(dataset).__name__}."
        )
    missing = [name for name in names if name not in dataset]
    if missing:
        raise InputError(
            f"This plot needs {', '.join(missing)}; the dataset has {', '.join(map(str, dataset)) or 'nothing'}."
        )
    dataset = dataset if "seed" in dataset.dims else dataset.expand_dims("seed")
    for name in names:
        for other in (str(d) for d in dataset[name].dims if d not in CELLS):
            raise InputError(
                f"This plot shows one {other}; choose one, as in dataset.sel({other}={_first(dataset, other)!r})."
            )
        if dataset[name].size == 0:
            raise InputError(f"There is nothing to plot: {name} has no values.")
    return dataset


def checked_plane(dataset: Any) -> xr.Dataset:
    """The same for a plane, which may lack nothing of ``mi_input`` and ``mi_target`` over (seed, epoch, layer)."""
    dataset = checked(dataset, "mi_input", "mi_target")
    for name in ("mi_input", "mi_target"):
        absent = [dim for dim in CELLS if dim not in dataset[name].dims]
        if absent:
            raise InputError(f"This plot needs {name} over seed, epoch and layer; it lacks {', '.join(absent)}.")
    return dataset


def _first(dataset: xr.Dataset, dimension: str) -> Any:
    return dataset[dimension].to_numpy()[:1].tolist()[0] if dataset.sizes[dimension] else 0


def array(dataset: xr.Dataset, name: str, unit: str | None = None) -> np.ndarray:
    """A variable over (seed, epoch, layer), or what it has of these; nan where not finite; in ``unit`` if given."""
    dims = [dim for dim in CELLS if dim in dataset[name].dims]
    values = dataset[name].transpose(*dims).to_numpy().astype(np.float64)
    return np.where(np.isfinite(values), values, np.nan) * (1.0 if unit is None else per_nat(unit))


def mean(values: np.ndarray, axis: int = 0) -> np.ndarray:
    """Mean over networks, nan entries left out; nan where there is none."""
    here = np.isfinite(values)
    count = here.sum(axis=axis)
    total = np.where(here, values, 0.0).sum(axis=axis)
    return np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)


def interval(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """95 % bootstrap interval of the mean over networks (first axis); the same bits every time; nan for one network."""
    return bootstrap_interval(values, np.random.default_rng(0xF16))


def reach(middle: np.ndarray, values: np.ndarray) -> np.ndarray:
    """(2, ...) lengths of error bars around ``middle`` for the interval over networks; nan where there is none."""
    low, high = interval(values)
    # The bootstrap's percentiles can lie past the mean by rounding where networks agree.
    return np.maximum(np.stack([middle - low, high - middle]), 0.0)


def nearest_epoch(dataset: xr.Dataset, epoch: float | None) -> int:
    """Position of the checkpoint nearest to ``epoch``; the last if None.

    Raises:
        InputError: no number.
    """
    if epoch is None:
        return dataset.sizes["epoch"] - 1
    if isinstance(epoch, bool) or not isinstance(epoch, int | float | np.number) or not np.isfinite(epoch):
        raise InputError(f"epoch must be a number, as in epoch=400, got {epoch!r}.")
    return int(np.abs(epochs_of(dataset) - float(epoch)).argmin())


def epochs_of(dataset: xr.Dataset) -> np.ndarray:
    """(epoch,) checkpoints."""
    return dataset.epoch.to_numpy().astype(np.float64)


def layers_of(dataset: xr.Dataset) -> list[str]:
    """Names of the layers, input side first."""
    return [str(name) for name in dataset.layer.to_numpy()]


def bounded(dataset: xr.Dataset, name: str) -> bool:
    """Whether a value stands between a lower and an upper bound somewhere (``PairwiseBounds``)."""
    ends = (f"{name}_lower", f"{name}_upper")
    return all(end in dataset for end in ends) and bool(
        np.isfinite([dataset[end].to_numpy() for end in ends]).all(axis=0).any()
    )


def ceiling(dataset: xr.Dataset, name: str, unit: str) -> float | None:
    """The largest value that ``mi_input`` or ``mi_target`` can have, where known."""
    known = dataset.attrs.get(f"ceiling_{name}")
    return None if known is None else float(known) * per_nat(unit)
