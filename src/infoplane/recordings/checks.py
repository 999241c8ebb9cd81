"""What a recording is made of, checked before any of it is kept: samples, laws, masks, ranges, snapshots and curves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..errors import InputError
from ..rows import not_finite
from ..samples import is_whole, variable
from .base import Probe

Range = tuple[float, float] | None

_AXES = ("seed", "epoch", "layer")


def numbers(values: Any, name: str) -> np.ndarray:
    """An array of numbers from NumPy, JAX, torch or nested lists; half precision becomes single.

    Raises:
        InputError: rows of unequal length, or no numbers.
    """
    if hasattr(values, "detach"):  # torch, without importing it
        values = values.detach().cpu()
        values = values.float() if str(values.dtype) == "torch.bfloat16" else values
    try:
        array = np.asarray(values)
    except (ValueError, TypeError):
        raise InputError(f"{name} has rows of unequal length; pass one array.") from None
    if array.dtype.name in ("float16", "bfloat16"):
        return array.astype(np.float32)
    if array.dtype.kind not in "fiub":
        raise InputError(f"{name} has the type {array.dtype}; pass floats or integers.")
    return array


def names_of(layers: Any) -> list[str]:
    """Names of layers, as a list of text.

    Raises:
        InputError: none, one name as text, or a name twice.
    """
    if isinstance(layers, str) or not hasattr(layers, "__iter__"):
        raise InputError(f'A recording needs a list of layers such as ["hidden", "output"], got {layers!r}.')
    names = [str(layer) for layer in layers]
    if not names or len(set(names)) < len(names):
        raise InputError(f"A recording needs at least one layer, and all names different, got {names}.")
    return names


def probe_of(given: Probe | Any) -> Probe:
    """The samples of a recording; text and booleans in y become codes 0, 1, ..., one for each distinct row.

    Args:
        given: a probe, or y alone.

    Raises:
        InputError: y or x that are no samples, lengths that differ, a law or a mask that does not fit.
    """
    given = given if isinstance(given, Probe) else Probe(given)
    target = variable(given.y, "y")
    shape = tuple(given.y.shape) if hasattr(given.y, "shape") else np.shape(given.y)
    y = target.codes if target.values.dtype.kind in "USb" else target.values
    y = y.reshape(shape) if len(shape) <= 2 and y.size == np.prod(shape) else y
    x = None if given.x is None else variable(given.x, "x")
    if x is not None and x.n != target.n:
        raise InputError(f"A recording needs x and y of one length, got {x.n} and {target.n} samples.")
    law = None if given.p_y_given_x is None else law_of(given.p_y_given_x, target.n)
    train = None if given.train is None else mask_of(given.train)
    if train is not None and (train.ndim != 2 or train.shape[1] != target.n):
        raise InputError(
            f"train needs booleans (seed, n), one row a network, with n = {target.n} as in y, got {train.shape}."
        )
    groups = None
    if given.groups is not None:
        belonging = variable(given.groups, "groups")
        if belonging.n != target.n:
            raise InputError(f"groups needs one label a sample, got {belonging.n} for {target.n} samples.")
        groups = belonging.codes
    inputs = None if x is None else x.values
    return Probe(y, inputs, law, train, bool(given.enumerated), str(given.task), groups)


def law_of(law: Any, n: int) -> np.ndarray:
    """(n, classes) float64 probabilities.

    Raises:
        InputError: another shape, negative entries, rows that do not sum to 1.
    """
    values = numbers(law, "p_y_given_x").astype(np.float64)
    if values.ndim != 2 or values.shape[0] != n:
        raise InputError(f"p_y_given_x needs {n} rows that sum to 1, got shape {values.shape}.")
    if not (values >= 0.0).all() or not np.allclose(values.sum(axis=1), 1.0):
        raise InputError(f"p_y_given_x needs {n} rows that sum to 1, with no negative or missing entry.")
    return values


def mask_of(train: Any) -> np.ndarray:
    """Booleans from booleans, or from 0 and 1.

    Raises:
        InputError: anything else, such as a list of positions.
    """
    values = numbers(train, "train")
    if not np.isin(values, (0, 1)).all():
        raise InputError("train needs True (trained on) or False for every sample, not their positions.")
    return values.astype(bool)


def ranges_of(ranges: Any, layers: Sequence[str]) -> dict[str, Range]:
    """By layer given, the (low, high) of a bounded activation, or None.

    Raises:
        InputError: an unknown layer, or ends that are no finite numbers in rising order.
    """
    if ranges is not None and not isinstance(ranges, Mapping):
        raise InputError(f'ranges needs a mapping such as {{"hidden": (-1, 1)}}, got {ranges!r}.')
    unknown = {str(name) for name in ranges or {}} - set(layers)
    if unknown:
        raise InputError(f"ranges names layers that are not there: {', '.join(sorted(unknown))}.")
    found: dict[str, Range] = {}
    for name, ends in (ranges or {}).items():
        if ends is None:
            found[str(name)] = None
            continue
        values = numbers(ends, f"ranges[{str(name)!r}]").astype(np.float64)
        if values.shape != (2,) or not np.isfinite(values).all() or values[0] >= values[1]:
            raise InputError(f"ranges[{str(name)!r}] needs two finite numbers (low, high) with low < high, got {ends}.")
        found[str(name)] = (float(values[0]), float(values[1]))
    return found


def when_and_who(epoch: Any, seeds: Any) -> tuple[int, np.ndarray]:
    """The epoch of a snapshot and the (k,) seeds of its networks.

    Raises:
        InputError: no integers, or a seed twice.
    """
    if not is_whole(epoch):
        raise InputError(f"A snapshot needs a whole number of epochs completed, got {epoch!r}.")
    found = np.asarray(seeds) if np.ndim(seeds) == 1 else np.zeros(0)
    if found.dtype.kind not in "iu" or found.size == 0 or len(np.unique(found)) < found.size:
        raise InputError(f"A snapshot needs seeds that are different whole numbers, such as [0, 1], got {seeds!r}.")
    return int(epoch), found.astype(np.int64)


def layer_values(values: Any, layer: str, epoch: int, k: int, n: int | None) -> np.ndarray:
    """Activations (k, n, d) of one layer, or its parameters (k, P) where n is None.

    Raises:
        InputError: another shape, or values that are no finite numbers.
    """
    array = numbers(values, f"Layer {layer!r} at epoch {epoch} needs finite numbers and")
    shape = array.shape
    if n is not None and array.ndim == 2:
        array = array[None]
    fits = array.shape[:1] == (k,) and (n is None or (array.ndim == 3 and array.shape[1] == n and array.shape[2] > 0))
    if not fits:
        raise InputError(
            f"Layer {layer!r} needs the shape (n, d) or (seeds, n, d) with {k} seeds and n = {n}, got {shape}."
        )
    if array.dtype.kind == "f" and any(not_finite(values)[0] for values in array):
        raise InputError(
            f"Layer {layer!r} at epoch {epoch} needs finite numbers and has nan or infinity; "
            "stop recording when a run diverges."
        )
    return array


def curve_name(name: Any) -> str:
    """The name of a training curve.

    Raises:
        InputError: it is the name of an axis.
    """
    if str(name) in _AXES:
        raise InputError(f"A training curve cannot be named {str(name)!r}, which is an axis; choose another name.")
    return str(name)


def curve_values(name: str, value: Any, k: int, layers: int) -> np.ndarray:
    """A training curve at one epoch: (k,) or (k, layer). It may be nan.

    Raises:
        InputError: another shape, or no number.
    """
    array = numbers(value, f"Scalar {name!r}")
    if array.shape not in ((), (k,), (k, layers)):
        raise InputError(
            f"Scalar {name!r} needs one number, the shape ({k},) for {k} seeds, or ({k}, {layers}) for each layer, "
            f"got {array.shape}."
        )
    return np.full(k, array) if array.ndim == 0 else array
