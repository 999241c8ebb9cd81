"""Whether what a compression dropped still knows something of the other side."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .base import Fitted
from .pca import PCA

_MOST = 3000  # samples looked at
_FEATURES = 200  # random functions of the code that explain away what it knows, at most
_SAMPLES_A_FEATURE = 20
_LEVEL = 0.01
_SHARE = 0.2  # of a value, that a residual must add before it counts
_LEAST = 0.02  # nats likewise
_LEADING = 4  # principal components of residual and target
_DIRECTING = 500  # samples that give the components
_BENT = 8  # random bent functions of them
_SIGNS = 999  # draws of random signs
_DIRECTIONS = 4  # canonical correlations that count as information


class ResidualTest(NamedTuple):
    """What the test of a residual found.

    Attributes:
        p_value: that so much dependence is chance.
        information: nats that the residual adds to the code about the other side, from held-out canonical correlations.
    """

    p_value: float
    information: float

    def alarming(self, value: float) -> bool:
        """Whether an estimate of ``value`` nats is to be doubted: significant, and above 20 % of it and 0.02 nat."""
        return self.p_value <= _LEVEL and self.information > max(_LEAST, _SHARE * value)


def residual_test(x: np.ndarray, code: np.ndarray, fitted: Fitted, y: np.ndarray, *, seed: int = 0) -> ResidualTest:
    """Test whether x - decode(code) helps to know y once the code is known.

    What the code explains is taken out of residual and y by ridge regression on random functions of it, fitted on the
    other half of the samples. Where nothing is lost the products of the two remainders have mean zero, whatever their
    spread (generalised covariance measure, Shah & Peters, arXiv:1804.07203), so their sums are compared with sums under
    random signs. The nats come from canonical directions of one half of the samples, correlated on the other.

    The p-value is rough (1 to 5 % of true nulls fell below 0.01) and no verdict alone where y nearly determines the
    code: then tiny errors of the regression, which are the same functions on both sides, are seen. Read it with
    ``information``.

    Args:
        x: (n, columns) samples.
        code: (n, dim) their codes.
        fitted: the compressor, with ``decode``.
        y: (n, dy) the other side, numbers; classes as indicators.
        seed: seed of features and signs.
    """
    random = np.random.default_rng([seed, 0x7E5])
    rows = random.permutation(len(x))[:_MOST]
    values, code = np.asarray(x[rows], np.float64), code[rows]
    residual = values - fitted.decode(code)
    if np.abs(residual).max() < 1e-9 * np.abs(values).max():
        return ResidualTest(1.0, 0.0)
    known = _explaining(code, random)
    left = _unexplained(known, _summary(residual, random))
    other = _unexplained(known, _summary(np.asarray(y[rows], np.float64), random))
    if not left.shape[1] or not other.shape[1]:
        return ResidualTest(1.0, 0.0)
    products = (left[:, :, None] * other[:, None, :]).reshape(len(rows), -1)
    products /= np.sqrt((products**2).mean(axis=0)) + 1e-12
    signs = random.choice(np.array([-1.0, 1.0]), (_SIGNS, len(rows)))
    chance = ((signs @ products) ** 2).sum(axis=1)
    found = float((products.sum(axis=0) ** 2).sum())
    return ResidualTest((1 + int((chance >= found).sum())) / (1 + _SIGNS), _information(left, other))


def _summary(values: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Leading principal components of standardised columns, and bent functions of them."""
    spread = values.std(axis=0)
    values = values[:, spread > 1e-9 * max(float(spread.max()), 1e-300)]
    if not values.shape[1]:
        return values
    leading = PCA(min(_LEADING, values.shape[1]), standardise=True).fit(values[:_DIRECTING], seed=0).encode(values)
    leading = leading / leading.std(axis=0)
    bent = np.tanh(leading @ random.standard_normal((leading.shape[1], _BENT)) + random.standard_normal(_BENT))
    return np.hstack([leading, bent])


def _explaining(code: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """The code, its products, and random waves of it."""
    code = (code - code.mean(axis=0)) / np.maximum(code.std(axis=0), 1e-300)
    d, count = code.shape[1], min(_FEATURES, len(code) // _SAMPLES_A_FEATURE)
    slope = random.standard_normal((d, count)) * random.choice([0.3, 0.7, 1.5], count)
    waves = np.cos(code @ slope + random.uniform(0.0, 2.0 * np.pi, count))
    first, second = np.triu_indices(min(d, 6))
    return np.hstack([np.ones((len(code), 1)), code, code[:, first] * code[:, second], waves])


def _unexplained(known: np.ndarray, values: np.ndarray) -> np.ndarray:
    """(n, m) values less their ridge prediction from the other half, of unit variance, without far outliers."""
    half = np.arange(len(known)) % 2  # rows come in random order
    left = np.empty_like(values)
    for fold in (0, 1):
        train, test = half != fold, half == fold
        gram = known[train].T @ known[train]
        gram[np.diag_indices_from(gram)] += 1e-6 * len(known)
        left[test] = values[test] - known[test] @ np.linalg.solve(gram, known[train].T @ values[train])
    middle = np.median(left, axis=0)
    reach = 4.0 * np.median(np.abs(left - middle), axis=0) / 0.6745
    left = np.clip(left, middle - reach, middle + reach)
    left -= left.mean(axis=0)  # products of two means that are not zero would look like dependence
    deviation = left.std(axis=0)
    keep = deviation > 1e-9
    return left[:, keep] / deviation[keep]


def _information(left: np.ndarray, other: np.ndarray) -> float:
    """-1/2 sum ln(1 - r^2) over leading canonical directions of every second sample, r from the samples between."""
    a, b = (_whitener(v[::2]) for v in (left, other))
    u, v = left @ a, other @ b
    first, _, second = np.linalg.svd(u[::2].T @ v[::2])
    k = min(_DIRECTIONS, len(second), first.shape[1])
    u, v = (u @ first[:, :k])[1::2], (v @ second[:k].T)[1::2]
    r = [float(np.corrcoef(u[:, i], v[:, i])[0, 1]) for i in range(k)]
    noise = 2.0 / np.sqrt(len(u))  # correlations up to here are chance
    return float(-0.5 * sum(np.log1p(-(min(c, 0.9999) ** 2)) for c in r if c > noise))


def _whitener(values: np.ndarray) -> np.ndarray:
    eigenvalues, vectors = np.linalg.eigh(values.T @ values / len(values))
    keep = eigenvalues > 1e-3 * eigenvalues[-1]
    return vectors[:, keep] / np.sqrt(eigenvalues[keep])
