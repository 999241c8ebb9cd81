"""Arrays too large to copy: they are read some rows at a time, and what was read of a file is given back.

A memory map costs no memory until it is read, and then its pages stay with the process. Here they are dropped after
every block, so that a file larger than memory passes through a few megabytes. Results do not depend on the size of a
block but for rounding.
"""

from __future__ import annotations

import abc
import hashlib
import math
import mmap
from collections.abc import Iterator
from typing import Any

import numpy as np

LARGE = 64_000_000  # bytes from which an array is read in blocks and never copied whole
BLOCK = 4_000_000  # bytes of rows held at once
_STRAY = 256  # rows read at once from all over a file


class Rows(abc.ABC):
    """An (n, d) array that is made row by row when it is read.

    Attributes:
        shape: (n, d).
        dtype: of the rows.
    """

    shape: tuple[int, int]
    dtype: np.dtype
    ndim = 2

    @property
    def size(self) -> int:
        return self.shape[0] * self.shape[1]

    @property
    def nbytes(self) -> int:
        return self.size * self.dtype.itemsize

    def __len__(self) -> int:
        return self.shape[0]

    @abc.abstractmethod
    def walk(self, rows: int) -> Iterator[tuple[int, np.ndarray]]:
        """The first row of each block and the block, of ``rows`` rows or fewer, in order."""

    @abc.abstractmethod
    def __getitem__(self, key: Any) -> np.ndarray:
        """Some rows: by position, slice or (m,) positions."""

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        """All rows in memory, for whoever cannot do with less."""
        return np.asarray(self[:], dtype)


class Picked(Rows):
    """Some rows of another array, in an order of their own."""

    def __init__(self, source: Any, rows: np.ndarray) -> None:
        self.source, self.rows = source, np.asarray(rows)
        self.shape, self.dtype = (len(self.rows), source.shape[1]), source.dtype

    def walk(self, rows: int) -> Iterator[tuple[int, np.ndarray]]:
        for start in range(0, len(self), rows):
            chosen = self.rows[start : start + rows]
            yield start, self.source[chosen]
            release(self.source[int(chosen.min()) : int(chosen.max()) + 1])

    def __getitem__(self, key: Any) -> np.ndarray:
        return self.source[self.rows[key]]


class Stacked(Rows):
    """Arrays of equal width, one below the other."""

    def __init__(self, *parts: Any) -> None:
        self.parts = parts
        self.ends = np.cumsum([len(part) for part in parts])
        self.shape = (int(self.ends[-1]), parts[0].shape[1])
        self.dtype = np.result_type(*(part.dtype for part in parts))

    def walk(self, rows: int) -> Iterator[tuple[int, np.ndarray]]:
        for end, part in zip(self.ends, self.parts, strict=True):
            for start, block in blocks(part, rows=rows):
                yield int(end) - len(part) + start, block

    def __getitem__(self, key: Any) -> np.ndarray:
        wanted = np.arange(len(self))[key]
        asked = np.atleast_1d(wanted)
        found = np.empty((len(asked), self.shape[1]), self.dtype)
        for end, part in zip(self.ends, self.parts, strict=True):
            here = (asked < end) & (asked >= end - len(part))
            found[here] = part[asked[here] - (end - len(part))]
        return found[0] if wanted.ndim == 0 else found


class Noisy(Rows):
    """Samples plus sigma times standard normal noise, drawn again in every pass and the same each time.

    Attributes:
        after: the state of the generator once all noise is drawn, which costs a pass: where another array goes on.
    """

    def __init__(self, source: Any, sigma: float, state: dict[str, Any]) -> None:
        self.source, self.sigma, self.state = source, sigma, state
        self.shape, self.dtype = source.shape, np.dtype(np.float64)

    @property
    def after(self) -> dict[str, Any]:
        random = self._generator()
        rows = _rows_of(self)
        for start in range(0, len(self), rows):
            random.standard_normal((min(rows, len(self) - start), self.shape[1]))
        return dict(random.bit_generator.state)

    def walk(self, rows: int) -> Iterator[tuple[int, np.ndarray]]:
        random = self._generator()
        for start, block in blocks(self.source, rows=rows):
            yield start, block + self.sigma * random.standard_normal(block.shape)

    def __getitem__(self, key: Any) -> np.ndarray:
        wanted = np.arange(len(self))[key]
        asked = np.atleast_1d(wanted)
        found = np.empty((len(asked), self.shape[1]))
        last = int(asked.max(initial=-1))
        for start, block in self.walk(_rows_of(self)):
            here = np.flatnonzero((asked >= start) & (asked < start + len(block)))
            found[here] = block[asked[here] - start]
            if start + len(block) > last:
                break
        return found[0] if wanted.ndim == 0 else found

    def _generator(self) -> np.random.Generator:
        random = np.random.default_rng()
        random.bit_generator.state = self.state
        return random


class Snapshots:
    """Several (n, d) snapshots, ``cells``, as one (cells, n, d) array that is never put together."""

    ndim = 3

    def __init__(self, cells: list[Any]) -> None:
        self.cells = cells
        self.shape = (len(cells), *cells[0].shape)
        self.dtype = np.result_type(*(cell.dtype for cell in cells))

    @property
    def nbytes(self) -> int:
        return sum(cell.nbytes for cell in self.cells)

    def __len__(self) -> int:
        return len(self.cells)

    def __iter__(self) -> Iterator[Any]:
        return iter(self.cells)

    def __getitem__(self, key: Any) -> Any:
        """One snapshot, some of them, or ``[:, rows]`` of all."""
        if isinstance(key, tuple):
            which, rows = key
            return Snapshots([picked(cell, rows) for cell in self.cells[which]])
        if isinstance(key, int | np.integer):
            return self.cells[key]
        return Snapshots([self.cells[cell] for cell in np.arange(len(self))[key]])

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.stack([np.asarray(cell, dtype) for cell in self.cells])


def large(x: Any) -> bool:
    """Whether an array is read in blocks: from 64 MB on, and whenever it is no array in memory or on disk at all."""
    return isinstance(x, Rows | Snapshots) or getattr(x, "nbytes", 0) > LARGE


def picked(x: Any, rows: np.ndarray) -> Any:
    """Some rows of (n, d): a copy where it is small, else read when asked; all rows in order are the array itself."""
    if len(rows) == len(x) and (np.diff(rows) == 1).all():
        return x
    return Picked(x, rows) if large(x) else x[rows]


def taken(x: Any, rows: np.ndarray) -> np.ndarray:
    """A few rows of (n, d), in memory; of a file as they are asked for, since each brings its neighbours with it."""
    if not large(x):
        return np.asarray(x[rows])
    parts = []
    for start in range(0, len(rows), _STRAY):
        parts.append(x[rows[start : start + _STRAY]])
        release(x.source if isinstance(x, Picked) else x)
    return np.concatenate(parts)


def stacked(parts: list[Any]) -> Any:
    """Arrays one below the other: a copy where they are small, else read when asked."""
    return Stacked(*parts) if any(map(large, parts)) else np.concatenate(parts)


def blocks(x: Any, *, rows: int | None = None) -> Iterator[tuple[int, np.ndarray]]:
    """The first row of each block of rows, and the block, in order.

    Args:
        x: (n, ...) array, memory map or :class:`Rows`.
        rows: of a block; as many as fill 4 MB if None.
    """
    rows = _rows_of(x) if rows is None else rows
    if isinstance(x, Rows):
        yield from x.walk(rows)
        return
    for start in range(0, len(x), rows):
        block = x[start : start + rows]
        yield start, block
        release(block)


def release(x: Any) -> None:
    """Drop the pages of a memory map from this process; the file and what was changed in it stay as they are."""
    found = x
    while isinstance(found, np.ndarray) and not isinstance(found, np.memmap):
        found = found.base
    file = getattr(found, "_mmap", None)
    if not isinstance(file, mmap.mmap) or getattr(found, "mode", "c") == "c" or len(file) <= LARGE or not x.size:
        return  # a copy-on-write map holds changes nowhere else
    origin = np.frombuffer(file, np.uint8).__array_interface__["data"][0]
    begin = x.__array_interface__["data"][0] - origin
    end = begin + sum((n - 1) * abs(step) for n, step in zip(x.shape, x.strides, strict=True)) + x.itemsize
    begin = max(begin, 0) // mmap.PAGESIZE * mmap.PAGESIZE
    if hasattr(mmap, "MADV_DONTNEED"):
        file.madvise(mmap.MADV_DONTNEED, begin, min(end, len(file)) - begin)


def not_finite(x: Any) -> tuple[int, int]:
    """How many rows of (n, ...) floats hold nan or infinity, and the first that does (-1 for none)."""
    count, first = 0, -1
    for start, block in blocks(x):
        good = np.isfinite(block)
        if not good.all():
            bad = np.flatnonzero(~good.reshape(len(block), -1).all(axis=1))
            count, first = count + len(bad), start + int(bad[0]) if first < 0 else first
    return count, first


def extents(x: Any) -> tuple[np.ndarray, np.ndarray]:
    """(d,) smallest and largest value of each column of (n, d)."""
    low = high = None
    for _, block in blocks(x):
        least, most = block.min(axis=0), block.max(axis=0)
        low = least if low is None else np.minimum(low, least)
        high = most if high is None else np.maximum(high, most)
    assert low is not None
    assert high is not None
    return np.array(low), np.array(high)


def mean_and_deviation(x: Any) -> tuple[float, float]:
    """Mean and standard deviation of all values, in two passes."""
    mean = math.fsum(float(block.sum(dtype=np.float64)) for _, block in blocks(x)) / x.size
    squares = math.fsum(float(((block - mean) ** 2).sum(dtype=np.float64)) for _, block in blocks(x))
    return mean, math.sqrt(squares / x.size)


def varies(x: Any) -> bool:
    """Whether any row of (n, d) differs from the first."""
    first = np.array(x[0])
    return any(bool((block != first).any()) for _, block in blocks(x))


def digests(block: np.ndarray) -> np.ndarray:
    """(n,) 16-byte digests of the rows of (n, d): equal where rows are, and only there (BLAKE2, 128 bits)."""
    block = np.ascontiguousarray(block)
    row = block.itemsize * block.shape[1]
    whole = memoryview(block.tobytes())
    parts = (whole[start : start + row] for start in range(0, len(whole), row))
    return np.array([hashlib.blake2b(part, digest_size=16).digest() for part in parts], "S16")


def fingerprint(x: Any) -> bytes:
    """A digest of all values of an array in order: equal for equal arrays, whatever they lie in."""
    found = hashlib.blake2b(digest_size=16)
    for _, block in blocks(x):
        found.update(np.ascontiguousarray(block).tobytes())
    return found.digest()


def table(x: Any) -> Any:
    """An (n, d) array of NumPy, or rows that are made when they are read, as they are."""
    return x if isinstance(x, Rows) else np.asarray(x)


def _rows_of(x: Any) -> int:
    """Rows of a block."""
    each = max(1, int(np.prod(x.shape[1:], dtype=np.int64)) * x.dtype.itemsize)
    return max(16, BLOCK // each)
