"""Slow, readable twins of the nearest-neighbour methods: one sample at a time, from the formulas."""

from __future__ import annotations

import numpy as np
from scipy.special import digamma


def others(x: np.ndarray, i: int, norm: str = "max") -> np.ndarray:
    """(n - 1,) distances of sample i from all others."""
    difference = np.abs(np.delete(x, i, axis=0) - x[i])
    return difference.max(axis=1) if norm == "max" else np.sqrt((difference**2).sum(axis=1))


def distances(x: np.ndarray, k: int, norm: str) -> np.ndarray:
    return np.array([np.sort(others(x, i, norm))[:k] for i in range(len(x))])


def counts(x: np.ndarray, radius: np.ndarray, norm: str) -> np.ndarray:
    return np.array([(others(x, i, norm) < radius[i]).sum() for i in range(len(x))])


def ksg(x: np.ndarray, y: np.ndarray, k: int, variant: int) -> float:
    """arXiv:cond-mat/0305641, eq. 8 (variant 1) and 9 (variant 2; ties with the k-th are in the box)."""
    n, terms = len(x), []
    for i in range(n):
        dx, dy = others(x, i), others(y, i)
        joint = np.maximum(dx, dy)
        radius = np.sort(joint)[k - 1]
        if variant == 1:
            in_x, in_y = (dx < radius).sum(), (dy < radius).sum()
            terms.append(digamma(k) + digamma(n) - digamma(in_x + 1) - digamma(in_y + 1))
        else:
            box = joint <= radius
            in_x, in_y = (dx <= dx[box].max()).sum(), (dy <= dy[box].max()).sum()
            terms.append(digamma(k) - 1 / k + digamma(n) - digamma(in_x) - digamma(in_y))
    return float(np.mean(terms))


def conditional(x: np.ndarray, y: np.ndarray, z: np.ndarray, k: int) -> float:
    """Frenzel and Pompe (2007): I(X;Y|Z)."""
    terms = []
    for i in range(len(x)):
        dx, dy, dz = others(x, i), others(y, i), others(z, i)
        radius = np.sort(np.maximum(np.maximum(dx, dy), dz))[k - 1]
        in_xz, in_yz = (np.maximum(dx, dz) < radius).sum(), (np.maximum(dy, dz) < radius).sum()
        in_z = (dz < radius).sum()
        terms.append(digamma(k) - digamma(in_xz + 1) - digamma(in_yz + 1) + digamma(in_z + 1))
    return float(np.mean(terms))
