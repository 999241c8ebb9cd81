"""Distances to nearest neighbours, and how many points lie within a distance."""

from __future__ import annotations

from typing import Literal

import numpy as np
from scipy.spatial import cKDTree

Norm = Literal["euclidean", "max"]
_ORDER = {"euclidean": 2.0, "max": np.inf}


def distances(x: np.ndarray, k: int, norm: Norm = "euclidean") -> np.ndarray:
    """(n, k) distances from every row of x, (n, d) float64, to its k nearest other rows, ascending."""
    tree = cKDTree(x)
    return tree.query(x, k + 1, p=_ORDER[norm], workers=-1)[0][:, 1:]


def counts(x: np.ndarray, radius: np.ndarray, norm: Norm = "max") -> np.ndarray:
    """(n,) numbers of other rows of x, (n, d) float64, strictly closer than ``radius`` (n,)."""
    tree = cKDTree(x)
    inside = np.nextafter(radius, 0.0)
    return tree.query_ball_point(x, inside, p=_ORDER[norm], return_length=True, workers=-1) - (radius > 0)
