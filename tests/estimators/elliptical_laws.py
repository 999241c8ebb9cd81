"""Samples of normal and Student laws whose information is known, as the tests of the copula baseline draw them."""

from __future__ import annotations

import math

import numpy as np


def normal_pair(random: np.random.Generator, n: int, dim: int, mi: float) -> tuple[np.ndarray, np.ndarray]:
    """x and y with equal canonical correlations and ``mi`` nats in all."""
    rho = math.sqrt(1.0 - math.exp(-2.0 * mi / dim))
    x = random.standard_normal((n, dim))
    return x, rho * x + math.sqrt(1.0 - rho**2) * random.standard_normal((n, dim))


def student_pair(random: np.random.Generator, n: int, dim: int, mi: float, nu: float) -> tuple[np.ndarray, np.ndarray]:
    scale = np.sqrt(nu / random.chisquare(nu, (n, 1)))
    x, y = normal_pair(random, n, dim, mi)
    return x * scale, y * scale
