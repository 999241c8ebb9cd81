"""Gradient flow of an infinitely wide ensemble in the eigenbasis of its tangent kernel.

With T = U diag(lambda) U' and time tau of the summed half-squared loss, a mode of the residual decays by
e = exp(-tau lambda); a = 1 - e of it is learned, and g = a / lambda is what the kernels are multiplied with. Nothing
here is a difference of nearly equal numbers, so times from 0 to infinity are served alike.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import scipy.linalg

_SATURATED = 40.0  # tau lambda beyond which 1 - exp(-tau lambda) is 1 to the last bit
_SAFE = 1e-10  # ratio of the pivots of a Cholesky factor below which eigenvalues decide what is there
_BLOCK = 256  # columns of a triangular product that are one matrix product
_ROWS = 1024  # evaluation points whose moments are made together


class Modes(NamedTuple):
    """What the modes have done by each time, (times, N).

    Attributes:
        times: (times,).
        exponent: tau lambda, 0 for a mode at the floor.
        learned: a = 1 - exp(-tau lambda).
        decay: e = exp(-tau lambda).
        gain: g = a / lambda; tau for a mode at the floor, and 0 there at infinity.
    """

    times: np.ndarray
    exponent: np.ndarray
    learned: np.ndarray
    decay: np.ndarray
    gain: np.ndarray


@dataclass(frozen=True, eq=False)
class Root:
    """A square root of a covariance, K = L L', that exists for a singular one too.

    Attributes:
        lower: (n, m) L, lower trapezoidal; m is the rank.
        inverse: (n, m) its pseudo-inverse, transposed; None where L is square and its triangle is solved instead.
        condition_at_least: a number that the condition number of K does not fall below: the ratio of the largest to the
            smallest squared pivot where L is square, else that of the eigenvalues kept, which it then is.
    """

    lower: np.ndarray
    inverse: np.ndarray | None
    condition_at_least: float

    @classmethod
    def of(cls, covariance: np.ndarray) -> Root:
        """By Cholesky, or by eigenvalues above n eps times the largest where pivots come near rounding."""
        try:
            lower = scipy.linalg.cholesky(covariance, lower=True)
            pivots = np.diag(lower) ** 2
            if pivots.min() > _SAFE * pivots.max():
                return cls(lower, None, float(pivots.max() / pivots.min()))
        except np.linalg.LinAlgError:
            pass
        values, vectors = scipy.linalg.eigh(covariance)
        kept = values > floor_of(values)
        values, vectors = values[kept], vectors[:, kept]
        turn, upper = np.linalg.qr((vectors * np.sqrt(values)).T)
        condition = float(values[-1] / values[0]) if len(values) else np.inf
        return cls(upper.T, (vectors / np.sqrt(values)) @ turn, condition)

    @property
    def rank(self) -> int:
        """Directions of positive variance."""
        return self.lower.shape[1]

    def whiten(self, rows: np.ndarray) -> np.ndarray:
        """(p, m) rows L^-T of (p, n) rows."""
        if self.inverse is not None:
            return rows @ self.inverse
        return scipy.linalg.solve_triangular(self.lower, rows.T, lower=True).T


@dataclass(frozen=True, eq=False)
class Spectrum:
    """The training kernels and targets in the eigenbasis of T.

    Attributes:
        values: (N,) lambda, ascending; 0 for modes at the floor N eps lambda_max, which float64 cannot tell from 0.
        vectors: (N, N) U, columns.
        targets: (N, O) U'y.
        nngp: (N, N) U'KU.
        root: of ``nngp``.
        at_floor: how many modes are at the floor; they are never learned.
        condition: largest over smallest eigenvalue above the floor.
    """

    values: np.ndarray
    vectors: np.ndarray
    targets: np.ndarray
    nngp: np.ndarray
    root: Root
    at_floor: int
    condition: float

    @classmethod
    def of(cls, nngp: np.ndarray, ntk: np.ndarray, targets: np.ndarray) -> Spectrum:
        """One eigendecomposition, from which every time follows."""
        values, vectors = scipy.linalg.eigh(ntk, driver="evd")
        low = values <= floor_of(values)
        kept = values[~low]
        turned = vectors.T @ nngp @ vectors
        turned = (turned + turned.T) / 2
        condition = float(kept[-1] / kept[0]) if len(kept) else np.inf
        return cls(
            np.where(low, 0.0, values), vectors, vectors.T @ targets, turned, Root.of(turned), int(low.sum()), condition
        )

    @property
    def outputs(self) -> int:
        """O."""
        return self.targets.shape[1]

    @property
    def residual(self) -> np.ndarray:
        """(N,) r^2 = O kappa + |U'y|^2, the expected squared residual of each mode at the start."""
        return self.outputs * np.diag(self.nngp) + (self.targets**2).sum(axis=1)

    @property
    def moments(self) -> np.ndarray:
        """(N, N) U'(O K + y y')U, of which :attr:`residual` is the diagonal."""
        return self.outputs * self.nngp + self.targets @ self.targets.T

    def modes(self, times: np.ndarray) -> Modes:
        """Decay and gain at every time; 0 and infinity are times like others."""
        times = np.atleast_1d(np.asarray(times, np.float64))
        there = self.values > 0
        rates = np.where(there, self.values, 1.0)
        with np.errstate(over="ignore", invalid="ignore"):  # an infinite exponent is right; 0 * inf is replaced
            exponent = np.where(there, times[:, None] * self.values, 0.0)
        learned = -np.expm1(-exponent)
        dead = np.where(np.isfinite(times), times, 0.0)[:, None]
        return Modes(times, exponent, learned, np.exp(-exponent), np.where(there, learned / rates, dead))

    def quadratic(self, weights: np.ndarray, matrix: np.ndarray) -> np.ndarray:
        """(times,) w'(matrix)w for each row of (times, N) weights."""
        return np.einsum("ti,ti->t", weights @ matrix, weights)

    def training(self, time: float) -> tuple[np.ndarray, np.ndarray]:
        """Exact mean (I - E) y, (N, O), and covariance E K E, (N, N), of the outputs at the training points."""
        modes = self.modes(np.array([time]))
        decay = modes.decay[0]
        mean = self.vectors @ (modes.learned[0][:, None] * self.targets)
        left = self.vectors @ (decay[:, None] * self.root.lower)
        return mean, left @ left.T


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Evaluation points, in the eigenbasis of the training points.

    Attributes:
        spectrum: of the training points.
        tangent: (M, N) A = T* U, 0 for modes at the floor: a kernel has nothing there.
        whitened: (M, rank) W = K* U L^-T.
        prior: (M,) diagonal of K**.
        base: (M,) diagonal of K** - W W', the variance that a posterior of K would leave.
    """

    spectrum: Spectrum
    tangent: np.ndarray
    whitened: np.ndarray
    prior: np.ndarray
    base: np.ndarray

    @classmethod
    def of(cls, spectrum: Spectrum, nngp: np.ndarray, ntk: np.ndarray, prior: np.ndarray) -> Evaluation:
        """From the kernels (M, N) of evaluation with training points, and (M,) variances at the start."""
        tangent = ntk @ spectrum.vectors
        tangent[:, spectrum.values == 0] = 0.0
        whitened = spectrum.root.whiten(nngp @ spectrum.vectors)
        base = np.maximum(prior - np.einsum("ij,ij->i", whitened, whitened), 0.0)
        return cls(spectrum, tangent, whitened, prior, base)

    def moments(self, modes: Modes) -> tuple[np.ndarray, np.ndarray]:
        """Means (times, M, O) and variances (times, M) of the outputs; times ascend.

        The variance is a posterior's plus a square, base + |A g L - W|^2, so never negative. L is triangular, with slow
        modes first: a mode that is learned for good is added once, and later times multiply only what still moves.
        """
        means = np.empty((len(modes.times), len(self.prior), self.spectrum.outputs))
        variances = np.empty(means.shape[:2])
        for start in range(0, len(self.prior), _ROWS):
            rows = slice(start, start + _ROWS)
            self._fill(modes, rows, means[:, rows], variances[:, rows])
        return means, variances

    def _fill(self, modes: Modes, rows: slice, means: np.ndarray, variances: np.ndarray) -> None:
        lower, targets = self.spectrum.root.lower, self.spectrum.targets
        tangent, rank = self.tangent[rows], lower.shape[1]
        settled = -self.whitened[rows]
        at = len(self.spectrum.values)
        for t, gain in enumerate(modes.gain):
            moving = int(np.searchsorted(modes.exponent[t], _SATURATED))
            if moving < at:
                settled = settled + (tangent[:, moving:at] * gain[moving:at]) @ lower[moving:at]
                at = moving
            scaled = tangent * gain
            means[t] = scaled @ targets
            total = np.einsum("ij,ij->i", settled[:, min(at, rank) :], settled[:, min(at, rank) :])
            for first in range(0, min(at, rank), _BLOCK):
                last = min(first + _BLOCK, at, rank)
                part = scaled[:, first:at] @ lower[first:at, first:last]
                part += settled[:, first:last]
                total += np.einsum("ij,ij->i", part, part)
            variances[t] = self.base[rows] + total

    def joint(self, time: float, prior: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Mean (M, O) and covariance (M, M) at one time, positive semi-definite; ``prior`` is K**, (M, M)."""
        gain = self.spectrum.modes(np.array([time])).gain[0]
        scaled = self.tangent * gain
        square = scaled @ self.spectrum.root.lower - self.whitened
        covariance = prior - self._explained + square @ square.T
        return scaled @ self.spectrum.targets, (covariance + covariance.T) / 2

    @cached_property
    def _explained(self) -> np.ndarray:
        return self.whitened @ self.whitened.T


def floor_of(values: np.ndarray) -> float:
    """The eigenvalue that rounding can make of 0: n eps times the largest."""
    return len(values) * np.finfo(np.float64).eps * float(max(values.max(initial=0.0), 0.0))
