"""Coordinates in which neural estimators start well, fitted on one part of the data and applied to all of it.

Every column is mapped monotonically to normal scores, each side is whitened, and both are turned to their canonical
directions, whose correlations give the Gaussian part in closed form. All maps are functions of the training part, so
whatever is measured on the rest is data processing of x and y: it can lose information, never make any.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.special import ndtri

from ..samples import Variable

_ROWS_A_DIRECTION = 8  # training samples needed for every direction of a side; fewer, and correlations are chance
_STRONGEST = 1.0 - 1e-5  # correlation the base may claim: 5.4 nats a direction, and single precision still resolves it
_RANK = 1e-9  # eigenvalues below this share of the largest are rounding
_SHRINKAGES = (0.0, 0.25, 0.5, 0.75, 0.9, 1.0)
_WIDTHS = 4  # widths are filled up with zeros to a multiple, so that fewer programs are compiled


class Coordinates(NamedTuple):
    """All samples in coordinates fitted on some of them.

    Attributes:
        x: (n, p) canonical coordinates, single precision; p = 0 where nothing varies.
        y: (n, q) likewise.
        correlations: (k,) of the first k coordinates, shrunk to what the validation part bears out.
        dropped: directions left out because the training part is too small for them.
    """

    x: np.ndarray
    y: np.ndarray
    correlations: np.ndarray
    dropped: int


def fitted_canonical(
    x: np.ndarray, y: np.ndarray, training: np.ndarray, validation: np.ndarray, scores: tuple[bool, bool]
) -> Coordinates:
    """Canonical coordinates of (n, dx) and (n, dy), fitted on ``training`` rows, shrunk on ``validation`` rows.

    Args:
        x, y: columns as :func:`columns` gives them.
        training: indices.
        validation: indices.
        scores: whether the columns of x, of y are first mapped to normal scores.
    """
    sides = []
    for side, mapped in zip((x, y), scores, strict=True):
        sides.append(whitened(_normal_scores(side, training) if mapped else side, training))
    (u, lost_x), (v, lost_y) = sides
    left, correlations, right = np.linalg.svd(u[training].T @ v[training] / len(training))
    u, v = u @ left, v @ right.T
    correlations = _shrunk(np.minimum(correlations, _STRONGEST), u[validation], v[validation])
    return Coordinates(u.astype(np.float32), v.astype(np.float32), correlations, lost_x + lost_y)


def columns(v: Variable, most: int) -> np.ndarray:
    """(n, d) float64: a continuous variable as it is, a discrete one as one column a class.

    Classes beyond the ``most`` frequent share one column: what was seen once teaches nothing about others.
    """
    if v.kind == "continuous":
        return v.values.astype(np.float64)
    codes = by_appearance(v.codes)
    counts = np.bincount(codes)
    kept = np.argsort(-counts, kind="stable")[:most]
    place = np.full(counts.size, len(kept))
    place[kept] = np.arange(len(kept))
    width = len(kept) + (counts.size > len(kept))
    return np.eye(width)[place[codes]]


def by_appearance(codes: np.ndarray) -> np.ndarray:
    """(n,) codes renumbered in the order in which they occur, so that names of classes decide nothing."""
    first = np.unique(codes, return_index=True)[1]
    place = np.empty(first.size, np.int32)
    place[np.argsort(first)] = np.arange(first.size)
    return place[np.unique(codes, return_inverse=True)[1]]


def most_columns(n: int) -> int:
    """How many directions of a side n training samples can carry."""
    return max(2, n // _ROWS_A_DIRECTION)


def gaussian_terms(u: np.ndarray, v: np.ndarray, correlations: np.ndarray) -> np.ndarray:
    """(n,) ln p(u, v) / (p(u) p(v)) of standard normal pairs with these correlations."""
    k = correlations.size
    u, v, r = u[:, :k], v[:, :k], correlations
    exponent = r * (2.0 * u * v - r * (u * u + v * v)) / (2.0 * (1.0 - r * r))
    return exponent.sum(axis=1) - 0.5 * np.log1p(-r * r).sum()


def _shrunk(correlations: np.ndarray, u: np.ndarray, v: np.ndarray) -> np.ndarray:
    gains = [gaussian_terms(u, v, s * correlations).mean() for s in _SHRINKAGES]
    return _SHRINKAGES[int(np.argmax(gains))] * correlations


def _normal_scores(x: np.ndarray, training: np.ndarray) -> np.ndarray:
    """Columns through the training part's distribution function and the normal quantiles; equal values stay equal."""
    found = np.empty_like(x)
    n = len(training)
    for column in range(x.shape[1]):
        knots, counts = np.unique(x[training, column], return_counts=True)
        ranks = np.cumsum(counts) - 0.5 * counts
        found[:, column] = np.interp(x[:, column], knots, ndtri(ranks / n))
    return found


def whitened(x: np.ndarray, training: np.ndarray) -> tuple[np.ndarray, int]:
    """(n, rank) whitened by the training part, strongest directions first, and how many its size does not carry."""
    part = x[training]
    x, part = x - part.mean(axis=0), part - part.mean(axis=0)
    scale = np.sqrt((part**2).mean(axis=0))
    varies = scale > 1e-12 * np.abs(x).max(axis=0, initial=0.0)
    x, part = x[:, varies] / scale[varies], part[:, varies] / scale[varies]
    if not varies.any():
        return np.zeros((x.shape[0], 0)), 0
    eigenvalues, vectors = np.linalg.eigh(part.T @ part / len(training))
    eigenvalues, vectors = eigenvalues[::-1], vectors[:, ::-1]
    rank = int((eigenvalues > _RANK * eigenvalues[0]).sum())
    kept = min(rank, most_columns(len(training)))
    return x @ (vectors[:, :kept] / np.sqrt(eigenvalues[:kept])), rank - kept


def stacked(sides: Sequence[np.ndarray]) -> np.ndarray:
    """(runs, ..., width) from arrays whose last axes may differ; zeros fill them up to one multiple of four."""
    width = _WIDTHS * math.ceil(max(1, *(side.shape[-1] for side in sides)) / _WIDTHS)
    return np.stack([np.pad(side, [(0, 0)] * (side.ndim - 1) + [(0, width - side.shape[-1])]) for side in sides])
