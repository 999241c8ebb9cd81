"""Whether what a compression dropped still knows something of the other side."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..rows import taken
from ..threads import one_blas_thread
from .base import Fitted
from .pca import PCA

_MOST = 3000  # samples looked at
_WAVES = 200  # random functions of the code that explain away what it knows, at most
_SAMPLES_A_FEATURE = 6  # at least; fewer functions where samples are few
_FEWEST = 4  # samples for each number of the code, below which it explains everything
_ALONE = 1e-8  # of the largest eigenvalue: functions of the code that add less than this repeat others
_MOST_LEVERAGE = 0.9
_LEVEL = 0.01
_SHARE = 0.2  # of a value, that a residual must add before it counts
_LEAST = 0.02  # nats likewise
_LEADING = 4  # principal components of residual and target
_DIRECTING = 500  # samples that give the components
_BENT = 8  # random bent functions of them
_FAR = 4.0  # deviations around which a component is bent back, so that no sample decides alone
_SIGNS = 999  # draws of random signs
_ROWS_A_DIRECTION = 10  # at least, that these are sought with


class ResidualTest(NamedTuple):
    """What the test of a residual found.

    Attributes:
        p_value: that so much dependence is chance.
        information: nats that the residual adds to the code about the other side, from held-out canonical correlations
            of components, or that of the best pair of bent functions of them: the larger.
    """

    p_value: float
    information: float

    def alarming(self, value: float) -> bool:
        """Whether an estimate of ``value`` nats is to be doubted: significant, and above 20 % of it and 0.02 nat."""
        return self.p_value <= _LEVEL and self.information > max(_LEAST, _SHARE * value)


@one_blas_thread
def residual_test(x: np.ndarray, code: np.ndarray, fitted: Fitted, y: np.ndarray, *, seed: int = 0) -> ResidualTest:
    """Test whether x - decode(code) helps to know y once the code is known.

    What random functions of the code explain is projected out of residual and y. Where nothing is lost the products of
    the two remainders then have mean zero (generalised covariance measure, Shah & Peters, arXiv:1804.07203). Their sum
    of squares is compared with that under random signs of y's remainders. The projected residual is orthogonal to every
    function of the code that is looked at, so only y's own noise enters the sum, and the remainders of y, divided by
    sqrt(1 - leverage), have the variance of that noise: the chance distribution has no error of a regression in it,
    however many functions there are. The nats come from canonical directions of one half of the samples, correlated on
    the other.

    Level, measured: of 200 to 500 samples each, 0 to 3 % had p <= .01 and 3 to 8 % p <= .05, for y independent of x, or
    a linear or bent function of the code and noise of one size or of many, or a label; n = 50 to 3,000, 1 to 80
    columns. It does not hold where y all but equals functions of the code that no wave follows, with noise a hundredth
    of y's spread and a residual that is itself such a function: 14 % at p <= .01. Read it with ``information``. With
    fewer than 4 samples for every number of the code nothing can be told, and p is 1. Cost: 5 ms at n = 300, 90 ms from
    3,000 on, on one core; further samples are not looked at.

    Args:
        x: (n, columns) samples.
        code: (n, dim) their codes.
        fitted: the compressor, with ``decode``.
        y: (n, dy) the other side, numbers; classes as indicators.
        seed: seed of functions and signs.
    """
    random = np.random.default_rng([seed, 0x7E5])
    rows = random.permutation(len(x))[:_MOST]
    values, code = np.asarray(taken(x, rows), np.float64), code[rows]
    residual = values - fitted.decode(code)
    if too_few(len(rows), code.shape[1]) or np.abs(residual).max() < 1e-9 * np.abs(values).max():
        return ResidualTest(1.0, 0.0)
    known = _explaining(code, random)
    left = _remainder(known, residual, random)
    other = _remainder(known, np.asarray(taken(y, rows), np.float64), random)
    if not left.linear.shape[1] or not other.linear.shape[1]:
        return ResidualTest(1.0, 0.0)
    # Functions of one number may all correlate with those of another and are no information each, so of bent ones the
    # strongest pair counts, or the linear ones together.
    information = max(_information(left.linear, other.linear, _LEADING), _information(left.all, other.all, 1))
    return ResidualTest(_p_value(known, left.all, other.all, random), information)


class _Remainder(NamedTuple):
    """(n, .) what a code leaves of a variable, of unit variance: its components, and these with bent functions."""

    linear: np.ndarray
    all: np.ndarray


def too_few(n: int, dim: int) -> bool:
    """Whether functions of a code of ``dim`` numbers explain so much of n samples that nothing can be tested."""
    return n < _FEWEST * (1 + dim)


def _p_value(known: np.ndarray, left: np.ndarray, other: np.ndarray, random: np.random.Generator) -> float:
    """Share of random signs under which the products of two remainders sum to as much."""
    leverage = np.minimum((known**2).sum(axis=1), _MOST_LEVERAGE)
    noise = other / np.sqrt(1.0 - leverage)[:, None]  # a projection takes this share of the noise with it
    products = (left[:, :, None] * noise[:, None, :]).reshape(len(left), -1)
    scale = np.sqrt((products**2).sum(axis=0)) + 1e-300
    signs = random.choice(np.array([-1.0, 1.0]), (_SIGNS, len(left)))
    chance = ((signs @ (products / scale)) ** 2).sum(axis=1)
    found = float((((left.T @ other).ravel() / scale) ** 2).sum())
    return (1 + int((chance >= found).sum())) / (1 + _SIGNS)


def _remainder(known: np.ndarray, values: np.ndarray, random: np.random.Generator) -> _Remainder:
    """Leading principal components of standardised columns, less what is known of them, and bent functions of these.

    Bent only once the code is out: its own bent functions would need far more waves to be taken out.
    """
    spread = values.std(axis=0)
    values = values[:, spread > 1e-9 * max(float(spread.max()), 1e-300)]
    if not values.shape[1]:
        return _Remainder(values, values)
    leading = PCA(min(_LEADING, values.shape[1]), standardise=True).fit(values[:_DIRECTING], seed=0).encode(values)
    left = _unexplained(known, _FAR * np.tanh(leading / leading.std(axis=0) / _FAR))
    bent = np.tanh(left @ random.standard_normal((left.shape[1], _BENT)) + random.standard_normal(_BENT))
    return _Remainder(left, np.hstack([left, _unexplained(known, bent)]))


def _explaining(code: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """(n, m) orthonormal functions of the code: constant, linear, products, and random waves."""
    n, d = code.shape
    code = (code - code.mean(axis=0)) / np.maximum(code.std(axis=0), 1e-300)
    slope = random.standard_normal((d, _WAVES)) * random.choice([0.3, 0.7, 1.5], _WAVES) / np.sqrt(max(1.0, d / 4))
    waves = np.cos(code @ slope + random.uniform(0.0, 2.0 * np.pi, _WAVES))
    first, second = np.triu_indices(min(d, 6))
    functions = np.hstack([np.ones((n, 1)), code, code[:, first] * code[:, second], waves])
    functions = functions[:, : max(1 + d, n // _SAMPLES_A_FEATURE)]
    functions /= np.sqrt((functions**2).sum(axis=0)) + 1e-300
    eigenvalues, vectors = np.linalg.eigh(functions.T @ functions)
    apart = eigenvalues > _ALONE * eigenvalues[-1]
    return functions @ (vectors[:, apart] / np.sqrt(eigenvalues[apart]))


def _unexplained(known: np.ndarray, values: np.ndarray) -> np.ndarray:
    """(n, m) values less their projection on what is known, of unit variance; none that it explains entirely."""
    left = values - known @ (known.T @ values)
    deviation = left.std(axis=0)
    keep = deviation > 1e-9
    return left[:, keep] / deviation[keep]


def _information(left: np.ndarray, other: np.ndarray, most: int) -> float:
    """-1/2 sum ln(1 - r^2) over leading canonical directions of every second sample, r from the samples between."""
    a, b = (_whitener(v[::2]) for v in (left, other))
    u, v = left @ a, other @ b
    first, _, second = np.linalg.svd(u[::2].T @ v[::2])
    k = min(most, len(second), first.shape[1])
    u, v = (u @ first[:, :k])[1::2], (v @ second[:k].T)[1::2]
    r = [float(np.corrcoef(u[:, i], v[:, i])[0, 1]) for i in range(k)]
    noise = 2.0 / np.sqrt(len(u))  # correlations up to here are chance
    return float(sum((-0.5 * np.log1p(-(min(c, 0.9999) ** 2)) for c in r if c > noise), start=0.0))


def _whitener(values: np.ndarray) -> np.ndarray:
    eigenvalues, vectors = np.linalg.eigh(values.T @ values / len(values))
    keep = eigenvalues > 1e-3 * eigenvalues[-1]
    keep[: -max(1, len(values) // _ROWS_A_DIRECTION)] = False  # few samples correlate in many directions by chance
    return vectors[:, keep] / np.sqrt(eigenvalues[keep])
