"""Hermite coefficients of degree 3 and 4 of a sample in unit coordinates: how it departs from a normal law.

The coefficient of a law at the multi-index a is the mean of He_a(z) / sqrt(a!); for the standard normal law all are 0
and sample coefficients are uncorrelated with variance 1 / n. Tensors are symmetric, so pairs of columns are kept once.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class Coefficients(NamedTuple):
    """Means of Hermite tensors by pairs of columns, ``first`` <= ``second``.

    Attributes:
        third: (pairs, d) mean of z_a z_b z_c.
        fourth: (pairs, pairs) mean of z_a z_b z_c z_d less that of the normal law.
        weight: (pairs,) times a pair occurs in the whole tensor: 2, and 1 on the diagonal.
        first, second: (pairs,) columns.
    """

    third: np.ndarray
    fourth: np.ndarray
    weight: np.ndarray
    first: np.ndarray
    second: np.ndarray


def coefficients(z: np.ndarray) -> Coefficients:
    """Of (n, d) samples of mean 0 and covariance the identity. Cost O(n d^4 / 4), memory O(n d^2 / 2)."""
    n, dim = z.shape
    first, second = np.triu_indices(dim)
    diagonal = (first == second).astype(float)
    products = z[:, first] * z[:, second]
    fourth = products.T @ products / n - np.outer(diagonal, diagonal) - np.diag(1.0 + diagonal)
    return Coefficients(products.T @ z / n, fourth, 2.0 - diagonal, first, second)


def squares(c: Coefficients) -> np.ndarray:
    """(2,) sums of squared coefficients of degree 3 and 4."""
    w = c.weight
    return np.array([(w @ c.third**2).sum() / 6.0, w @ c.fourth**2 @ w / 24.0])


def products(x: Coefficients, y: Coefficients, r: np.ndarray) -> np.ndarray:
    """(2,) sums of x_a y_a r^a over the multi-indices a of degree 3 and 4 in the first len(r) columns of both."""
    pairs = len(r)
    i, j = (np.flatnonzero(c.second < pairs) for c in (x, y))
    weight = x.weight[i] * r[x.first[i]] * r[x.second[i]]
    third = weight @ (x.third[i, :pairs] * y.third[j, :pairs]) @ r
    fourth = weight @ (x.fourth[np.ix_(i, i)] * y.fourth[np.ix_(j, j)]) @ weight
    return np.array([third / 6.0, fourth / 24.0])


def same_sample(u: np.ndarray, v: np.ndarray, r: np.ndarray) -> np.ndarray:
    """(2,) means over samples of sum over a of degree 3 and 4 of He_a(u) He_a(v) r^a / a!.

    With u = v and r = 1 it is what the square of a mean holds of single samples. The sum is the coefficient of t^3 or
    t^4 in Mehler's kernel, the exponential of a power series in t whose coefficients are the ``log`` below.
    """
    both, half = u * v, 0.5 * (u * u + v * v)
    log1, log2 = both @ r, 0.5 * (r**2).sum() - half @ r**2
    log3, log4 = both @ r**3, 0.25 * (r**4).sum() - half @ r**4
    third = log1**3 / 6.0 + log1 * log2 + log3
    fourth = log1**4 / 24.0 + 0.5 * log1**2 * log2 + 0.5 * log2**2 + log1 * log3 + log4
    return np.array([third.mean(), fourth.mean()])


def complete(t: np.ndarray) -> np.ndarray:
    """(2,) sums of t^a over multi-indices a of degree 3 and 4 (complete homogeneous polynomials, by Newton's sums)."""
    p1, p2, p3, p4 = (float((t**power).sum()) for power in (1, 2, 3, 4))
    h2 = (p1 * p1 + p2) / 2.0
    h3 = (h2 * p1 + p1 * p2 + p3) / 3.0
    return np.array([h3, (h3 * p1 + h2 * p2 + p1 * p3 + p4) / 4.0])
