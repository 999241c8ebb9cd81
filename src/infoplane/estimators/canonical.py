"""Canonical coordinates of two samples, and how far the logarithm of a sample determinant is from the truth."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.linalg import solve_triangular
from scipy.special import digamma, polygamma


class Canonical(NamedTuple):
    """Two samples in coordinates of unit covariance of which the first of x goes with the first of y, and so on.

    Attributes:
        u: (n, rank_x) x; column i is correlated with column i of ``v`` only.
        v: (n, rank_y) y.
        correlation: (min(rank_x, rank_y),) descending, in [0, 1].
    """

    u: np.ndarray
    v: np.ndarray
    correlation: np.ndarray

    @property
    def ranks(self) -> tuple[int, int]:
        """Dimensions of x and of y that vary linearly."""
        return self.u.shape[1], self.v.shape[1]

    @property
    def gaps(self) -> np.ndarray:
        """1 - r^2, at least the smallest number that rounding leaves."""
        r = self.correlation
        return np.maximum((1.0 - r) * (1.0 + r), np.finfo(float).eps)


def canonical(x: np.ndarray, y: np.ndarray) -> Canonical:
    """Canonical correlations of (n, rank_x) and (n, rank_y) centred samples of full rank (Hotelling 1936).

    Cost O(n (rank_x + rank_y)^2).
    """
    both = np.concatenate([x, y], axis=1)
    return rotated(x, y, both.T @ both / len(both))


def rotated(x: np.ndarray, y: np.ndarray, scatter: np.ndarray) -> Canonical:
    """Canonical coordinates of (n, dx) and (n, dy) samples in the geometry of ``scatter``, (dx + dy, dx + dy)."""
    dim = x.shape[1]
    u, root_x = _unit(x, scatter[:dim, :dim])
    v, root_y = _unit(y, scatter[dim:, dim:])
    cross = scatter[:dim, dim:]
    if cross.size:
        cross = solve_triangular(root_y, solve_triangular(root_x, cross, lower=True).T, lower=True).T
    left, r, right = np.linalg.svd(cross, full_matrices=True)
    return Canonical(u @ left, v @ right.T, np.minimum(r, 1.0))


def _unit(x: np.ndarray, scatter: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Coordinates of unit scatter, and the triangular root of the scatter."""
    if not x.shape[1]:
        return x, scatter
    root = np.linalg.cholesky(scatter)
    return solve_triangular(root, x.T, lower=True).T, root


def log_det_bias(n: int, dim: int) -> float:
    """Expected ln det of a sample covariance (n - 1 degrees of freedom, 1 / n scale) minus the truth, halved.

    Exact for normal samples of any covariance: half the sum over i = 1..dim of digamma((n - i) / 2) - ln(n / 2).
    """
    i = np.arange(1, dim + 1)
    return float(0.5 * (digamma((n - i) / 2.0) - np.log(n / 2.0)).sum())


def log_det_variance(n: int, dim: int) -> float:
    """Variance of half the ln det of a sample covariance: a quarter of a sum of trigamma functions."""
    return float(0.25 * polygamma(1, (n - np.arange(1, dim + 1)) / 2.0).sum())


def information_bias(n: int, rank_x: int, rank_y: int) -> float:
    """What -1/2 sum ln(1 - r^2) is too high by, exactly, on n normal samples; about rank_x rank_y / 2n."""
    return log_det_bias(n, rank_x) + log_det_bias(n, rank_y) - log_det_bias(n, rank_x + rank_y)


def null_variance(n: int, rank_x: int, rank_y: int) -> float:
    """Variance of -1/2 sum ln(1 - r^2), exactly, where x and y are independent; about rank_x rank_y / 2n^2.

    There det S / (det S_x det S_y) is independent of S_x and of S_y, so the variances subtract.
    """
    return log_det_variance(n, rank_x + rank_y) - log_det_variance(n, rank_x) - log_det_variance(n, rank_y)


def null_shrinkage(correlation: np.ndarray, n: int, rank_x: int, rank_y: int) -> float:
    """The true sum of squared canonical correlations as a share of the sample's.

    The sample's exceeds the true sum t by about (rank_x - t) (rank_y - t) / (n - 1), as in adjusted coefficients of
    determination; t solves this quadratic equation.
    """
    total, m = float((correlation**2).sum()), n - 1.0
    b = m - rank_x - rank_y
    t = 0.5 * (np.sqrt(max(b * b + 4.0 * (m * total - rank_x * rank_y), 0.0)) - b)
    return float(min(max(t, 0.0) / total, 1.0)) if total > 0.0 else 0.0
