"""What the tests of the entropy estimators share: laws from their closed forms, and slow readable twins."""

from __future__ import annotations

import math

import numpy as np
from scipy.special import digamma, gamma, ndtr

N = 5000


def correlated(mi: float, dim: int, seed: int, n: int = N, uniform: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Normal pairs of ``mi`` nats, spread evenly over ``dim`` components; uniform: each through the normal CDF."""
    random = np.random.default_rng([seed, 0x1A3])
    rho = math.sqrt(1 - math.exp(-2 * mi / dim))
    x = random.standard_normal((n, dim))
    y = rho * x + math.sqrt(1 - rho**2) * random.standard_normal((n, dim))
    return (ndtr(x), ndtr(y)) if uniform else (x, y)


def entropy_by_neighbours(x: np.ndarray, weights: np.ndarray) -> float:
    """Kozachenko-Leonenko, weighted, from the definition; (n, d) data taken as they are."""
    n, d = x.shape
    volume = math.pi ** (d / 2) / gamma(d / 2 + 1)
    total = 0.0
    for i in range(n):
        away = sorted(math.dist(x[i], x[j]) for j in range(n) if j != i)
        for j, weight in enumerate(weights, start=1):
            total -= weight * (digamma(j) - math.log(volume * away[j - 1] ** d * (n - 1)))
    return total / n


def cholesky_whitened(x: np.ndarray) -> tuple[np.ndarray, float]:
    """Data of covariance one, by another root than the library's, and half the log determinant given up."""
    centred = x - x.mean(axis=0)
    root = np.linalg.cholesky(centred.T @ centred / len(x))
    return np.linalg.solve(root, centred.T).T, float(np.log(np.diag(root)).sum())


def is_one_sentence(error: BaseException) -> bool:
    text = str(error)
    return text.endswith(".") and "\n" not in text and 20 < len(text) < 320
