"""Canonical correlations of X and Y from their covariances, as exactly as rounding allows."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from ..errors import InputError

_RANK = 4096.0  # eigenvalues of the correlations below so many units of rounding of the largest are none: 9e-13
_ALIKE = 1e-10  # most by which a correlation may differ from its mirror image
_SAFETY = 8.0  # errors of correlations reached 2.1 times the first-order unit on 1,200 random ill-conditioned laws


class Canonical(NamedTuple):
    """Canonical directions of X, by falling correlation with Y.

    Attributes:
        weights: (dx, k) combinations of X, of unit variance and uncorrelated; k is the rank of S_x.
        squared: (k,) rho^2; 0 where that is all the covariances can tell.
        residual: (k,) lambda = 1 - rho^2, at least what rounding of the covariances leaves.
        notes: what was dropped or floored.
    """

    weights: np.ndarray
    squared: np.ndarray
    residual: np.ndarray
    notes: tuple[str, ...]

    @property
    def information(self) -> float:
        """I(X;Y) in nats."""
        return float(-0.5 * np.log(self.residual).sum())


class Side(NamedTuple):
    """One variable in units in which every column has variance 1.

    Attributes:
        scale: (d,) standard deviations; inf for a constant, which so drops out.
        white: (d, rank) combinations of unit variance, uncorrelated.
        rest: (d, d - rank) combinations of no variance to rounding, which enlarged have less than 1.
        norm: largest eigenvalue of the correlations.
    """

    scale: np.ndarray
    white: np.ndarray
    rest: np.ndarray
    norm: float


def canonical(cov_xx: Any, cov_yy: Any, cov_xy: Any, who: str) -> Canonical:
    """Singular values of the whitened cross-covariance: no digits are lost in a difference of determinants.

    Raises:
        InputError: these are no covariances of one joint law.
    """
    given = [_matrix(v, f"{who}'s {name}") for v, name in ((cov_xx, "cov_xx"), (cov_yy, "cov_yy"), (cov_xy, "cov_xy"))]
    rounding = max(eps for _, eps in given)
    x, y = (_side(given[i][0], f"{who}'s {name}", rounding) for i, name in enumerate(("cov_xx", "cov_yy")))
    left, r, right = np.linalg.svd(x.white.T @ _cross(given[2][0], x, y, who, rounding) @ y.white)
    a, b, k = x.white @ left, y.white @ right.T, len(r)
    # r moves by at most so many units as this has where the matrices move by one unit of rounding, to first order.
    blur = x.norm * (a[:, :k] ** 2).sum(axis=0) + y.norm * (b[:, :k] ** 2).sum(axis=0)
    blur *= _SAFETY * rounding
    if (r > 1.0 + blur).any():
        raise InputError(
            f"{who} got covariances that no joint law has: a correlation of X and Y would be {r.max():.9g}; take all "
            "three from the same samples or law, and do not round them."
        )
    squared, residual = np.zeros(a.shape[1]), np.ones(a.shape[1])
    squared[:k] = np.where(r > blur, np.minimum(r, 1.0) ** 2, 0.0)
    residual[:k] = np.where(r > blur, np.maximum((1.0 - r) * (1.0 + r), blur), 1.0)
    notes = _notes(x, y, residual[:k][residual[:k] == blur])
    order = np.argsort(residual, kind="stable")  # floors may have changed it
    return Canonical(a[:, order] / x.scale[:, None], squared[order], residual[order], notes)


def _matrix(values: Any, who: str) -> tuple[np.ndarray, float]:
    """A float64 copy with two axes, and the unit of rounding of what came.

    Raises:
        InputError: no matrix of finite numbers.
    """
    try:
        array = np.asarray(values)
    except ValueError:
        raise InputError(f"{who} has rows of unequal length; pass a matrix.") from None
    if array.dtype.kind not in "fiu" or array.ndim > 2 or not array.size:
        raise InputError(f"{who} needs a matrix of real numbers, or one number, got {array.dtype} {array.shape}.")
    if not np.isfinite(array).all():
        raise InputError(f"{who} has {int((~np.isfinite(array)).sum())} entries that are nan or infinite; repair them.")
    single = array.dtype.kind == "f" and array.dtype.itemsize < 8
    return np.atleast_2d(array.astype(np.float64)), float(np.finfo(np.float32 if single else np.float64).eps)


def _side(cov: np.ndarray, who: str, rounding: float) -> Side:
    """Whitening by the eigenvalues of the correlations, so that units of measurement decide nothing about the rank.

    Raises:
        InputError: no covariance.
    """
    if cov.shape[0] != cov.shape[1]:
        raise InputError(f"{who} needs a square matrix, got {cov.shape}; np.diag(v) makes one of variances.")
    variance = np.diag(cov)
    varies = variance > 0
    small = _RANK * rounding * np.abs(variance).max()
    if (np.abs(cov[~varies]) > small).any():
        i = int(np.argmin(variance))
        raise InputError(f"{who} needs positive variances, got {variance[i]:.4g} at [{i}, {i}] with covariances.")
    scale = np.sqrt(variance, out=np.full(len(cov), np.inf), where=varies)
    correlations = cov / scale[:, None] / scale
    mirror = _largest(correlations - correlations.T)
    if mirror > max(_ALIKE, _RANK * rounding):
        raise InputError(
            f"{who} needs a symmetric matrix, got entries that differ from their mirror image by {mirror:.3g} standard "
            "deviations; if that is rounding, pass (c + c.T) / 2."
        )
    values, vectors = np.linalg.eigh(0.5 * (correlations + correlations.T))
    least = _RANK * rounding * values[-1]
    if values[0] < -least:
        raise InputError(
            f"{who} needs a matrix without negative eigenvalues, got {values[0]:.4g} among those of its correlations; "
            "take all entries from the same samples."
        )
    kept = values > least
    # A combination of variance below ``least``, so enlarged, cannot covary with unit variance by more than 1.
    rest = vectors[:, ~kept] / np.sqrt(least or 1.0)
    return Side(scale, vectors[:, kept] / np.sqrt(values[kept]), rest, float(values[-1]))


def _cross(cross: np.ndarray, x: Side, y: Side, who: str, rounding: float) -> np.ndarray:
    """(dx, dy) covariances in units of the standard deviations.

    Raises:
        InputError: another shape, or covariance with what does not vary.
    """
    dims = len(x.scale), len(y.scale)
    if cross.size == max(dims) and min(dims) == 1 and 1 in cross.shape:
        cross = cross.reshape(dims)
    if cross.shape != dims:
        raise InputError(f"{who} needs cov_xy of shape {dims}, rows x and columns y, got {cross.shape}.")
    scaled = cross / x.scale[:, None] / y.scale
    pairs = (x.rest, y.white), (x.white, y.rest), (x.rest, y.rest)
    stray = max(_largest(a.T @ scaled @ b) for a, b in pairs)  # at most 1, and rounding at most 1 / _RANK
    constant = np.isinf(x.scale)[:, None] | np.isinf(y.scale)
    spread = (s.max(initial=0.0, where=np.isfinite(s)) for s in (x.scale, y.scale))
    if stray > 2.0 or _largest(cross[constant]) > _RANK * rounding * math.prod(spread):
        raise InputError(
            f"{who} got a cov_xy in which X or Y covaries along a direction without variance; take all three "
            "covariances from the same samples or law."
        )
    return scaled


def _largest(values: np.ndarray) -> float:
    return float(np.abs(values).max(initial=0.0))


def _notes(x: Side, y: Side, floors: np.ndarray) -> tuple[str, ...]:
    notes = [
        f"{name} varies in {side.white.shape[1]} of {len(side.scale)} dimensions; the rest was dropped."
        for name, side in (("X", x), ("Y", y))
        if side.white.shape[1] < len(side.scale)
    ]
    if floors.size:
        notes.append(
            f"Infinite rate: {floors.size} of the canonical correlations cannot be told from 1, an exact relation of X "
            f"and Y. Its lambda is floored at {floors.max():.2g}, what rounding leaves, so rates and I(X;Y) come out "
            "finite; add the noise that Y really has."
        )
    return tuple(notes)
