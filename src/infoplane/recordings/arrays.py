"""A recording of activations that are already in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from .. import rows
from ..errors import InputError
from ..samples import variable
from .base import Probe, Recording
from .checks import curve_name, law_of, mask_of, names_of, numbers, ranges_of


class ArrayRecording(Recording):
    """Activations held as one array a layer; see :func:`from_arrays`.

    Attributes:
        arrays: by layer, (seed, epoch, n, d).
    """

    def __init__(
        self,
        arrays: dict[str, np.ndarray],
        probe: Probe,
        seeds: np.ndarray,
        epochs: np.ndarray,
        noise: str | None,
        ranges: dict[str, tuple[float, float] | None],
        scalars: xr.Dataset,
    ) -> None:
        self.arrays, self.probe, self.noise, self.ranges, self.scalars = arrays, probe, noise, ranges, scalars
        self.seeds, self.epochs = np.asarray(seeds), np.asarray(epochs)
        self.layers = tuple(arrays)
        self.provenance = {"recording": "arrays"}

    def _snapshot(self, seed: int, epoch: int, layer: str) -> np.ndarray:
        return self.arrays[layer][seed, epoch]

    def save(self, path: str | Path) -> None:
        from .writer import Writer, header_of

        writer = Writer(path, self.layers, self.probe, ranges=self.ranges, noise=self.noise, **header_of(self))
        for column, epoch in enumerate(self.epochs):
            snapshot = {layer: array[:, column] for layer, array in self.arrays.items()}
            scalars = {str(k): v.to_numpy()[:, column] for k, v in self.scalars.items()}
            writer.snapshot(int(epoch), snapshot, seeds=self.seeds, **scalars)


def from_arrays(
    activations: Mapping[str, Any],
    y: Any,
    x: Any = None,
    noise: str | None = None,
    epochs: Sequence[int] | None = None,
    seeds: Sequence[int] | None = None,
    *,
    ranges: Mapping[str, tuple[float, float]] | None = None,
    train: Any = None,
    scalars: xr.Dataset | None = None,
    p_y_given_x: Any = None,
    enumerated: bool = False,
    task: str = "user's data",
) -> ArrayRecording:
    """A recording from activations you have.

    Args:
        activations: by layer, an array (seed, epoch, n, d), or (n, d) for one snapshot of one network; memory maps
            stay on disk.
        y: (n,) or (n, k) target: integers, booleans or strings (classes), or floats (regression).
        x: (n, ...) inputs, for estimators that look at them.
        noise: the noise the network itself runs with, in words such as "Gaussian, sigma 0.1 after each layer"; None
            for a deterministic network.
        epochs: epochs completed at each snapshot, rising; 0, 1, 2, ... if None.
        seeds: labels of the networks; 0, 1, 2, ... if None.
        ranges: by layer, (low, high) of a bounded activation, such as (-1, 1) for tanh.
        train: (n,) or (seed, n) booleans, True for samples the network was trained on.
        scalars: training curves over (seed, epoch) or (seed, epoch, layer).
        p_y_given_x: (n, classes) the law of a random label, where known.
        enumerated: True if the samples are all inputs there are, each once and equally likely.
        task: a name for results.

    Raises:
        InputError: no layers, shapes or lengths that do not fit, nan or infinity, a law or a range that is none.
    """
    if not isinstance(activations, Mapping) or not activations:
        got = "an empty mapping" if isinstance(activations, Mapping) else type(activations).__name__
        raise InputError(f"from_arrays needs at least one layer in a mapping from name to array, got {got}.")
    names_of(activations)
    target = variable(y, "y")
    codes = target.values if target.kind == "continuous" else target.codes[:, None]
    arrays = {str(name): _four_axes(array, str(name), target.n) for name, array in activations.items()}
    n_seeds, n_epochs = next(iter(arrays.values())).shape[:2]
    for name, array in arrays.items():
        if array.shape[:2] != (n_seeds, n_epochs):
            raise InputError(
                f"All layers need the same seeds and epochs: {name!r} has {array.shape[:2]}, "
                f"others {(n_seeds, n_epochs)}."
            )
    axes = {}
    for axis, given, size in (("seeds", seeds, n_seeds), ("epochs", epochs, n_epochs)):
        values = np.arange(size) if given is None else numbers(given, f"from_arrays({axis})")
        whole = values.dtype.kind in "iu" and values.shape == (size,)
        values = values.astype(np.int64) if whole else values
        if not whole or len(np.unique(values)) != size or (axis == "epochs" and (np.diff(values) < 0).any()):
            rising = "rising" if axis == "epochs" else "different"
            raise InputError(f"from_arrays({axis}) needs {size} {rising} integers to fit the arrays, got {given}.")
        axes[axis] = values
    inputs = None if x is None else variable(x, "x")
    if inputs is not None and inputs.n != target.n:
        raise InputError(f"from_arrays needs x and y of one length, got {inputs.n} and {target.n} samples.")
    if train is not None:
        train = mask_of(train)
        if train.shape not in ((target.n,), (1, target.n), (n_seeds, target.n)):
            raise InputError(
                f"train needs the shape ({target.n},) or ({n_seeds}, {target.n}) for {n_seeds} networks and "
                f"{target.n} samples, got {train.shape}."
            )
        train = np.broadcast_to(train, (n_seeds, target.n))
    law = None if p_y_given_x is None else law_of(p_y_given_x, target.n)
    known = ranges_of(ranges, list(arrays))
    return ArrayRecording(
        arrays,
        Probe(
            codes[:, 0] if codes.shape[1] == 1 else codes,
            None if inputs is None else inputs.values,
            law,
            train,
            enumerated,
            task,
        ),
        axes["seeds"],
        axes["epochs"],
        noise,
        {name: known.get(name) for name in arrays},
        _curves(scalars, axes["seeds"], axes["epochs"], list(arrays)),
    )


def _curves(scalars: xr.Dataset | None, seeds: np.ndarray, epochs: np.ndarray, layers: list[str]) -> xr.Dataset:
    """Training curves on the axes of the recording."""
    if scalars is not None and not isinstance(scalars, xr.Dataset):
        raise InputError(
            f"scalars needs an xarray.Dataset over (seed, epoch) or (seed, epoch, layer), got {type(scalars).__name__}."
        )
    found = xr.Dataset(coords={"seed": seeds, "epoch": epochs, "layer": layers})
    sizes = dict(found.sizes)
    for name, values in ({} if scalars is None else scalars).items():
        dims = ("seed", "epoch", "layer") if "layer" in values.dims else ("seed", "epoch")
        if set(values.dims) != set(dims) or any(values.sizes[d] != sizes[d] for d in dims):
            raise InputError(
                f"scalars needs variables over (seed, epoch) or (seed, epoch, layer) of the sizes {sizes}, "
                f"{name!r} has {dict(values.sizes)}."
            )
        found[curve_name(name)] = (dims, numbers(values.transpose(*dims).to_numpy(), f"Scalar {name!r}"))
    return found


def _four_axes(array: Any, name: str, n: int) -> np.ndarray:
    values = numbers(array, f"Layer {name!r}")
    shape = values.shape
    if values.ndim == 2:
        values = values[None, None]
    if values.ndim != 4 or values.shape[2] != n or values.size == 0:
        raise InputError(
            f"Layer {name!r} needs the shape (seed, epoch, n, d) or (n, d) with n = {n} samples as in y, got {shape}."
        )
    if values.dtype.kind == "f":
        for seed, epoch in np.ndindex(values.shape[:2]):
            bad, first = rows.not_finite(values[seed, epoch])
            if bad:
                raise InputError(
                    f"Layer {name!r} has nan or infinite activations, first in snapshot (seed {seed}, epoch {epoch}) "
                    f"by position, row {first}; leave out what came after the run diverged."
                )
    return values
