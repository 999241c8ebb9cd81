"""Principal components, from as little memory as the width allows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from scipy import linalg

from .. import rows as tables
from ..errors import InputError, Refusal
from ..samples import is_real, whole
from .base import Compressor, Fitted, samples

_EXACT = 512  # columns up to which all eigenvalues of the covariance are computed
_GRAM = 1024  # samples up to which the n x n matrix of inner products is
_OVERSAMPLING = 16
_PASSES = 5  # of subspace iteration over the data
_BLOCK_BYTES = 2e6  # of rows held at once: few enough to stay near the processor
_FEWEST_ROWS = 16
_MOST = 64  # components that dim=None may choose
_DEAD = 1e-9  # columns that vary by less than this share of their mean are rounding


class Spectrum(NamedTuple):
    """Leading eigenvalues and eigenvectors of a covariance.

    Attributes:
        eigenvalues: (m,) descending.
        vectors: (columns, m).
        total: sum of all eigenvalues, also of those not computed.
        complete: all eigenvalues are there.
    """

    eigenvalues: np.ndarray
    vectors: np.ndarray
    total: float
    complete: bool


class FittedPCA(Fitted):
    """Projection on principal components.

    Attributes:
        mean: (columns,).
        scale: (columns,) what columns are divided by; ones unless standardised, 0 for columns that do not vary.
        components: (columns, dim), orthonormal.
        eigenvalues: (m,) leading eigenvalues of the covariance of (standardised) columns, descending, m >= dim.
        total: sum of all eigenvalues.
    """

    def __init__(self, mean: np.ndarray, scale: np.ndarray, spectrum: Spectrum, dim: int) -> None:
        self.columns, self.dim = len(mean), dim
        self.mean, self.scale = mean, scale
        self.components = spectrum.vectors[:, :dim]
        self.eigenvalues, self.total = spectrum.eigenvalues, spectrum.total
        self.complete = spectrum.complete
        share = float(self.eigenvalues[:dim].sum() / self.total)
        lost = max(self.total - float(self.eigenvalues[:dim].sum()), 0.0)
        self.details = {"dim": dim, "explained_variance": share, "eigenvalues": self.eigenvalues[:_MOST].tolist()}
        if (scale == 1.0).all():
            self.details["squared_error"] = lost
        self.notes = (f"PCA of {self.columns} columns to {dim} keeps {share:.2%} of the variance.",)

    @property
    def deviation(self) -> float:
        """Square root of the variance that is kept."""
        return float(np.sqrt(self.eigenvalues[: self.dim].sum()))

    def truncated(self, dim: int) -> FittedPCA:
        """The same projection on fewer components."""
        spectrum = Spectrum(self.eigenvalues, self.components, self.total, self.complete)
        return FittedPCA(self.mean, self.scale, spectrum, min(dim, self.dim))

    @property
    def inverse_scale(self) -> np.ndarray:
        """(columns,) 1 / scale, and 0 where a column does not vary."""
        return np.divide(1.0, self.scale, out=np.zeros_like(self.scale), where=self.scale > 0)

    def _encode(self, x: np.ndarray) -> np.ndarray:
        projection = self.components * self.inverse_scale[:, None]
        with np.errstate(invalid="ignore", over="ignore"):  # what is not finite is found below
            code = np.concatenate([block @ projection for block in blocks(x, self.mean)])
        if not np.isfinite(code).all():
            raise InputError(_not_finite(x))
        return code

    def _decode(self, code: np.ndarray) -> np.ndarray:
        return (code @ self.components.T) * self.scale + self.mean


@dataclass(frozen=True)
class PCA(Compressor):
    """Projection on the directions of largest variance.

    Eigenvectors of the covariance: exact to 512 columns, from inner products of samples up to 1,024 samples, else by
    randomised subspace iteration (Halko, Martinsson & Tropp, arXiv:0909.4061, algorithms 4.3 and 5.3). The data are
    read in blocks and never copied whole, so a memory map may be larger than memory. Cost O(n d^2), or O(n d dim) for
    wide data.

    Variance is not information: directions of little variance may carry all of it (the anti-PCA law), and then no share
    of explained variance warns. ``Compressed`` tests the residual instead.

    Attributes:
        dim: components; None for as few as reach ``variance``, at most 64.
        variance: share of variance to keep where ``dim`` is None.
        standardise: divide columns by their standard deviation first, so that units of measurement decide nothing.
    """

    dim: int | None = None
    variance: float = 0.99
    standardise: bool = False

    def __post_init__(self) -> None:
        if self.dim is not None:
            whole(self.dim, "PCA's dim", low=1)
        if not is_real(self.variance) or not 0.0 < self.variance <= 1.0:
            raise InputError(f"PCA needs a share of variance in (0, 1], such as 0.99, got {self.variance!r}.")

    def fit(self, x: Any, *, seed: int = 0, other: Any = None) -> FittedPCA:
        x = samples(x, "x")
        n, d = x.shape
        if self.dim is not None and self.dim > d:
            raise InputError(f"PCA to {self.dim} components needs as many columns, got {d}; leave that side as it is.")
        mean, variance = moments(x)
        if not variance.any():
            raise Refusal("PCA needs a variable that varies, and every column is constant.")
        scale = np.ones(d)
        if self.standardise:
            scale = np.sqrt(variance)
            scale[scale <= _DEAD * np.abs(mean)] = 0.0
        most = self.dim if self.dim is not None else min(d, n - 1, _MOST)
        total = float(np.divide(variance, scale**2, out=np.zeros(d), where=scale > 0).sum())
        spectrum = leading(x, mean, scale, max(most, 1), total, seed)
        dim = self.dim
        if dim is None:
            share = np.cumsum(spectrum.eigenvalues[:_MOST]) / spectrum.total
            dim = min(1 + int(np.searchsorted(share, self.variance * (1 - 1e-12))), len(share))
        rank = int((spectrum.eigenvalues > 1e-14 * spectrum.eigenvalues[0]).sum())
        return FittedPCA(mean, scale, spectrum, max(1, min(dim, rank)))


def blocks(x: np.ndarray, mean: np.ndarray | None = None) -> Iterator[np.ndarray]:
    """Rows of x, some at a time, as float64 and less ``mean``."""
    rows = max(_FEWEST_ROWS, int(_BLOCK_BYTES / (8 * x.shape[1])))
    for _, part in tables.blocks(x, rows=rows):
        block = np.asarray(part, np.float64)
        yield block if mean is None else block - mean


def _not_finite(x: np.ndarray) -> str:
    count, first = tables.not_finite(x)
    if not count:
        return "A compressor needs numbers whose squares are finite; divide its samples by their largest."
    return (
        f"A compressor needs finite numbers and {count} of its {len(x)} samples hold nan or infinity, "
        f"first in row {first}; drop or repair them."
    )


def moments(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(d,) means and variances of columns, in one pass.

    Sums are of x less its first row, which is as near to the mean as it takes: the square of what remains is at most n
    times the variance. A column that does not vary gets exactly 0.

    Raises:
        InputError: nan or infinity.
    """
    first, n = np.asarray(x[0], np.float64), len(x)
    total, squares = np.zeros(x.shape[1]), np.zeros(x.shape[1])
    with np.errstate(invalid="ignore", over="ignore"):  # likewise
        for block in blocks(x, first):
            total += block.sum(axis=0)
            squares += np.einsum("ij,ij->j", block, block)
    if not np.isfinite(squares).all():
        raise InputError(_not_finite(x))
    off = total / n
    return first + off, np.maximum(squares / n - off**2, 0.0)


def leading(x: np.ndarray, mean: np.ndarray, scale: np.ndarray, m: int, total: float, seed: int) -> Spectrum:
    """The m leading eigenvalues and vectors of the covariance of columns (x - mean) / scale, by the cheapest route."""
    n, d = x.shape
    inverse = np.divide(1.0, scale, out=np.zeros_like(scale), where=scale > 0)
    if d <= _EXACT:
        scaled = (block * inverse for block in blocks(x, mean))
        covariance = sum((b.T @ b for b in scaled), np.zeros((d, d))) / n
        values, vectors = np.linalg.eigh(covariance)
        return Spectrum(np.maximum(values[::-1], 0.0), vectors[:, ::-1], total, True)
    m = min(m, n, d)
    if n <= _GRAM:
        return _from_gram(np.asarray(x), mean, inverse, m, total)
    return _randomised(x, mean, inverse, m, total, seed)


def _from_gram(x: np.ndarray, mean: np.ndarray, inverse: np.ndarray, m: int, total: float) -> Spectrum:
    n, d = x.shape
    gram, width = np.zeros((n, n)), max(1, int(_BLOCK_BYTES / (8 * n)))
    parts = [slice(start, start + width) for start in range(0, d, width)]
    for part in parts:
        columns = (np.asarray(x[:, part], np.float64) - mean[part]) * inverse[part]
        gram += columns @ columns.T
    values, rows = linalg.eigh(gram / n, subset_by_index=(n - m, n - 1))
    values, rows = np.maximum(values[::-1], 0.0), rows[:, ::-1]
    kept = values > 1e-14 * values[0]
    values, rows = values[kept], rows[:, kept]
    vectors = np.concatenate(
        [((np.asarray(x[:, p], np.float64) - mean[p]) * inverse[p]).T @ rows for p in parts]
    ) / np.sqrt(n * values)
    return Spectrum(values, vectors, total, m >= min(n, d))


def _randomised(x: np.ndarray, mean: np.ndarray, inverse: np.ndarray, m: int, total: float, seed: int) -> Spectrum:
    """Subspace iteration in the precision of the data; its last projection, which gives eigenvalues, in float64.

    An error of the basis enters the eigenvalues squared, so that single precision of the products costs them nothing.
    """
    n, d = x.shape
    width = min(m + _OVERSAMPLING, n, d)
    basis = np.linalg.qr(np.random.default_rng([seed, 0x9CA]).standard_normal((d, width)))[0]
    for _ in range(_PASSES):
        scaled, out = basis * inverse[:, None], np.zeros_like(basis)
        for block in _own_precision(x, mean):
            out += block.T @ (block @ scaled.astype(block.dtype, copy=False))
        basis = np.linalg.qr(out * inverse[:, None])[0]
    scaled, gram = basis * inverse[:, None], np.zeros((width, width))
    for block in blocks(x, mean):
        projected = block @ scaled
        gram += projected.T @ projected
    values, rotation = np.linalg.eigh(gram / n)
    return Spectrum(np.maximum(values[::-1][:m], 0.0), (basis @ rotation)[:, ::-1][:, :m], total, False)


def _own_precision(x: np.ndarray, mean: np.ndarray) -> Iterator[np.ndarray]:
    """Rows of x less their mean, in single precision where x is."""
    if x.dtype != np.float32:
        yield from blocks(x, mean)
        return
    rows = max(_FEWEST_ROWS, int(_BLOCK_BYTES / (4 * x.shape[1])))
    narrow = mean.astype(np.float32)
    for _, block in tables.blocks(x, rows=rows):
        yield np.asarray(block) - narrow
