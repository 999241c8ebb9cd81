"""Binning: quantise every unit on one grid, then count."""

from __future__ import annotations

import functools
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from .. import rows as tables
from ..channels import BinKind, Quantize, RangePolicy
from ..errors import InputError
from ..estimate import Estimate
from ..samples import Variable
from .base import Estimator, LayerBlock, LayerInformation
from .counting import keys_of
from .plugin import Plugin

_FEW_WALLS = 100  # up to so many, as many comparisons are faster than a search for every value
_WIDE = 64  # columns


@dataclass(frozen=True)
class Binned(Estimator):
    """Information of T at a resolution: short for the channel ``Quantize(bins, range, kind)`` with ``Plugin()``.

    For a deterministic layer I(X; T at J bins) = H(T at J bins), the entropy of the tuple of codes over the whole
    layer; it is not the I(X;T) of the bare layer, which is infinite or constant. Not invariant to scale; data
    processing may fail. Cost O(n (d + log n)) a snapshot. Saturates at ln n for wide layers (a note, and the
    variable ``saturated`` in a plane, say so).

    Large arrays are read in blocks of rows; but kind "mass" or "adaptive" sorts a copy of all values.

    Attributes:
        bins, range, kind: as in :class:`infoplane.channels.Quantize`.
        correction: "none" or "miller-madow", as in :class:`Plugin`.
    """

    bins: int = 30
    range: RangePolicy = "known"
    kind: BinKind = "width"
    correction: Any = "none"

    def __post_init__(self) -> None:
        object.__setattr__(self, "range", self.channel.range)
        Plugin(self.correction)

    @property
    def channel(self) -> Quantize:
        return Quantize(self.bins, self.range, self.kind)

    def estimate(self, x: Variable, y: Variable, *, seed: int = 0) -> Estimate:
        coded, notes = [], []
        for v in (x, y):
            codes, outside = self._code(v)
            coded.append(codes)
            if outside:
                notes.append(f"{outside} values of {v.name} lay outside the range and were put into the end bins.")
        plain = Plugin(self.correction).estimate(*coded, seed=seed)
        binned = [f" at {self.bins} bins" if v.kind == "continuous" else "" for v in (x, y)]
        if any(binned):
            notes.append(
                f"The value is that of the data at {self.bins} bins a dimension; other bins give other values."
            )
        return replace(plain, quantity=f"I(X{binned[0]}; Y{binned[1]})", method=str(self), notes=(*notes, *plain.notes))

    def layer(self, block: LayerBlock) -> LayerInformation:
        y = block.y
        if np.issubdtype(y.dtype, np.floating):  # a given range is that of T; a float target has its own
            own = replace(self, range="layer")
            y = np.stack([own._code(Variable(values, "y"))[0].values for values in y])
        keys, outside = self._pack(block)
        return Plugin(self.correction).layer_from_keys(keys, replace(block, y=y), outside)

    def _code(self, v: Variable) -> tuple[Variable, int]:
        """A float variable as integer codes on its own range; a discrete one as it is."""
        if v.kind == "discrete":
            return v, 0
        values = v.values
        if isinstance(self.range, tuple):
            low, high = self.range
        else:
            low, high = self.channel.ends(values)
        interior = None if self.kind == "width" else walls(values, self.bins, self.kind, (low, high))
        if tables.large(values) or values.shape[1] > _WIDE:  # sorting long rows takes longer than digesting them
            keys, outside = row_keys(values, low, high, self.bins, interior)
            return Variable(keys[:, None], v.name), outside
        outside = int(((values < low) | (values > high)).sum())
        codes = quantise(values, low, high, self.bins) if interior is None else between(interior, values)
        return Variable(codes.astype(np.int32), v.name), outside

    def _pack(self, block: LayerBlock) -> tuple[np.ndarray, np.ndarray]:
        if block.low is None or block.high is None:
            raise InputError("Binned.layer needs the range of the layer; use information_plane, which finds it.")
        if tables.large(block.activations):
            return self._pack_in_blocks(block, block.low, block.high)
        width = block.activations.shape[2]
        packable = width * np.log2(self.bins) < 62
        if block.interior is not None:
            t = np.asarray(block.activations)
            with ThreadPoolExecutor() as threads:
                codes = np.stack(list(threads.map(between, block.interior, t)))
            outside = (t < block.low[:, None, None]) | (t > block.high[:, None, None])
            return keys_of(codes), outside.sum(axis=(1, 2))
        with jax.enable_x64(True):
            scale = [_scale(low, high, self.bins) for low, high in zip(block.low, block.high, strict=True)]
            packed, outside = _quantise_rows(
                block.activations, block.low, block.high, np.array(scale), self.bins, packable
            )
        packed = np.asarray(packed)
        return (packed if packable else keys_of(packed)), np.asarray(outside).astype(np.int64)

    def _pack_in_blocks(self, block: LayerBlock, low: np.ndarray, high: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        interior = [None] * block.cells if block.interior is None else block.interior
        cells = zip(map(tables.table, block.activations), low, high, interior, strict=True)
        keys, outside = zip(*(row_keys(t, a, b, self.bins, w) for t, a, b, w in cells), strict=True)
        return np.stack(keys), np.array(outside, np.int64)


def row_keys(
    values: Any, low: float, high: float, bins: int, interior: np.ndarray | None = None
) -> tuple[np.ndarray, int]:
    """(n,) integers that are equal where the codes of rows of (n, d) values are, and how many values are out of range.

    Rows are read in blocks and their codes are never held together.

    Args:
        values: samples.
        low, high: ends of the range.
        bins: of one column.
        interior: (bins - 1,) unequal walls, or None for equal widths.
    """
    narrow = np.uint8 if bins <= 256 else np.int32
    keys, outside = [], 0
    for _, block in tables.blocks(values):
        codes = quantise(block, low, high, bins) if interior is None else between(interior, block)
        keys.append(tables.digests(codes.astype(narrow)))
        outside += int(((block < low) | (block > high)).sum())
    return np.unique(np.concatenate(keys), return_inverse=True)[1].astype(np.int64), outside


def quantise(values: np.ndarray, low: float, high: float, bins: int) -> np.ndarray:
    """Codes 0..bins-1 on equal intervals of [low, high], closed at the top; values outside fall into the end bins."""
    # Rounded in the type of the values, as `_quantise_rows` does: else a value on a wall has two codes.
    number = np.result_type(values, np.float32).type
    low, scale = number(low), number(_scale(low, high, bins))
    return np.clip(np.floor((values - low) * scale), 0, bins - 1).astype(np.int32)


def _scale(low: float, high: float, bins: int) -> float:
    """Bins per unit of the value; 0 where the range is a point, so that all falls into the first bin."""
    return bins / (float(high) - float(low)) if high > low else 0.0


def walls(values: np.ndarray, bins: int, kind: BinKind, span: tuple[float, float] | None = None) -> np.ndarray:
    """(bins - 1,) interior walls at quantiles of all values ("mass") or of the unique ones ("adaptive")."""
    pool = np.asarray(values).reshape(-1)
    if span is not None:
        pool = np.clip(pool.astype(np.float64), *span)
    pool = np.unique(pool) if kind == "adaptive" else np.sort(pool)
    return pool[(np.arange(1, bins) * len(pool)) // bins].astype(np.float64)


def adaptive_walls(snapshots: np.ndarray, bins: int) -> np.ndarray:
    """(cells, bins - 1) walls at quantiles of the unique values of each of (cells, n, d) snapshots."""
    with ThreadPoolExecutor() as threads:
        return np.stack(list(threads.map(lambda t: walls(t, bins, "adaptive"), snapshots)))


def between(interior: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Codes 0..bins-1 of values among (bins - 1,) rising walls; what lies on a wall is above it, and equal walls are
    passed together."""
    same = interior.astype(values.dtype)
    interior = same if np.array_equal(same, interior) else interior  # as precise, and faster to compare with
    if len(interior) > _FEW_WALLS:
        return np.searchsorted(interior, values, side="right")
    codes = np.zeros(values.shape, np.int8)
    for wall in interior:
        codes += values >= wall
    return codes


@functools.partial(jax.jit, static_argnames=("bins", "packable"))
def _quantise_rows(t: jax.Array, low: jax.Array, high: jax.Array, scale: jax.Array, bins: int, packable: bool):
    """Codes of (cells, n, d) activations, packed into one int64 a row where bins^d fits; and values out of range."""
    t = t.astype(jnp.promote_types(t.dtype, jnp.float32))
    low, high, scale = (jnp.asarray(v, t.dtype)[:, None, None] for v in (low, high, scale))
    codes = jnp.clip(jnp.floor((t - low) * scale), 0, bins - 1)
    outside = ((t < low) | (t > high)).sum(axis=(1, 2))
    if not packable:
        return codes.astype(jnp.int32), outside
    keys = jnp.zeros(t.shape[:2], jnp.int64)
    for unit in range(t.shape[2]):
        keys = keys * bins + codes[:, :, unit].astype(jnp.int64)
    return keys, outside
