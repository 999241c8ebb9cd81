"""Mutual information of an infinite ensemble's output with the input, the target and the data, at evaluation points."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np
import scipy.linalg
from scipy.special import log_softmax

from ..threads import one_blas_thread
from .dynamics import Root
from .tiles import workers

_CHUNK = 65_536  # scores of pairs that are held at once: their passes stay in the second-level cache
_STEPS = 60  # of Newton's method for the one scale of the logits


class MultiSample(NamedTuple):
    """Bounds on I(X;Z|D) from below and above, (times,), with standard errors over points and spreads over draws."""

    lower: np.ndarray
    upper: np.ndarray
    lower_stderr: np.ndarray
    upper_stderr: np.ndarray
    lower_spread: np.ndarray
    upper_spread: np.ndarray


@one_blas_thread
def input_information(mean: np.ndarray, variance: np.ndarray, noise: np.ndarray) -> MultiSample:
    """The two multi-sample bounds, valid in expectation over independent x; the lower is ln M at most.

    Args:
        mean: (times, M, O).
        variance: (times, M).
        noise: (draws, M, O) standard normal, the same at all times so that curves are smooth.
    """
    pairs = _parallel(lambda t: _scores(mean[t], variance[t], noise), len(mean))
    own = np.array([one for one, _ in pairs])  # (times, draws, M)
    others = np.array([rest for _, rest in pairs])
    m = own.shape[2]
    lower = np.log(m) + own - np.logaddexp(own, others)
    upper = np.log(m - 1) + own - others
    (low, low_error, low_spread), (up, up_error, up_spread) = _averaged(lower), _averaged(upper)
    return MultiSample(low, up, low_error, up_error, low_spread, up_spread)


def _scores(mean: np.ndarray, variance: np.ndarray, noise: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(draws, M) ln p(z_i | x_i), and the log-sum-exp of ln p(z_i | x_j) over j != i; constants in O left out."""
    mean = mean - mean.mean(axis=0)
    draws, m, outputs = noise.shape
    z = (mean + np.sqrt(variance)[:, None] * noise).reshape(-1, outputs)
    scale = 1.0 / variance
    constant = -0.5 * outputs * np.log(variance) - 0.5 * scale * (mean**2).sum(axis=1)
    # s_ij = constant_j + scale_j (mu_j . z_i - |z_i|^2 / 2): one matrix product
    left = np.concatenate([z, (z**2).sum(axis=1, keepdims=True), np.ones((len(z), 1))], axis=1)
    right = np.concatenate([mean * scale[:, None], -0.5 * scale[:, None], constant[:, None]], axis=1).T
    own = -0.5 * (noise**2).sum(axis=2) - 0.5 * outputs * np.log(variance)
    rest = np.empty(len(z))
    step = max(1, _CHUNK // m)
    for start in range(0, len(z), step):
        block = left[start : start + step] @ right
        rows = np.arange(len(block))
        block[rows, (start + rows) % m] = -np.inf
        peak = block.max(axis=1)
        block -= peak[:, None]
        rest[start : start + step] = peak + np.log(np.exp(block, out=block).sum(axis=1))
    return own, rest.reshape(draws, m)


def _averaged(values: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean over draws and points, its standard error over points, and the spread of the mean from draw to draw."""
    points, draws = values.mean(axis=1), values.mean(axis=2)
    error = points.std(axis=1, ddof=1) / np.sqrt(points.shape[1])
    spread = draws.std(axis=1, ddof=1) if draws.shape[1] > 1 else np.full(len(values), np.nan)
    return points.mean(axis=1), error, spread


class Bound(NamedTuple):
    """A lower bound with its standard error over the points, (times,)."""

    value: np.ndarray
    stderr: np.ndarray


def target_information(mean: np.ndarray, variance: np.ndarray, y: np.ndarray, entropy: float) -> Bound:
    """I(Z;Y|D) >= H(Y) + E ln q(y|z), q(y|z) = N(y; z, s^2) with the best s of each output; may be negative.

    Args:
        mean: (times, M, O).
        variance: (times, M).
        y: (M, O).
        entropy: differential entropy of Y in nats.
    """
    return _residual_bound((y - mean) ** 2 + variance[:, :, None], entropy)


def target_information_affine(mean: np.ndarray, variance: np.ndarray, y: np.ndarray, entropy: float) -> Bound:
    """The same with q(y|z) = N(y; b z + c, s^2), b and c fitted to each output; for normal Y, -1/2 ln(1 - corr^2)."""
    centred, shifted = y - y.mean(axis=0), mean - mean.mean(axis=1, keepdims=True)
    spread = (shifted**2).mean(axis=1, keepdims=True) + variance.mean(axis=1)[:, None, None]
    slope = (centred * shifted).mean(axis=1, keepdims=True) / spread
    return _residual_bound((centred - slope * shifted) ** 2 + slope**2 * variance[:, :, None], entropy)


def _residual_bound(squares: np.ndarray, entropy: float) -> Bound:
    """H - sum over outputs of 1/2 ln(2 pi e mean square), (times, M, O) expected squared residuals given."""
    level = squares.mean(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        value = entropy - 0.5 * np.log(2 * np.pi * np.e * level).sum(axis=1)
        points = (0.5 * squares / level[:, None]).sum(axis=2)  # first order in each point's square
    return Bound(value, points.std(axis=1, ddof=1) / np.sqrt(squares.shape[1]))


def class_information(
    mean: np.ndarray, variance: np.ndarray, codes: np.ndarray, noise: np.ndarray, entropy: float
) -> Bound:
    """I(Z;Y|D) >= H(Y) + E ln q(y|z), q = softmax(scale z), the expectation over draws of z.

    The one scale is fitted to every second point and used on the others, and the other way round: at late times
    training outputs equal their targets, and a scale fitted to them would grow without end.

    Args:
        mean: (times, M, O).
        variance: (times, M).
        codes: (M,) classes.
        noise: (draws, M, O) standard normal.
        entropy: H(Y) in nats.
    """

    def at(t: int) -> np.ndarray:
        z = mean[t] + np.sqrt(variance[t])[:, None] * noise
        points = np.empty(len(codes))
        for half in (slice(0, None, 2), slice(1, None, 2)):
            other = slice(1 - (half.start or 0), None, 2)
            scale = _fitted_scale(z[:, other], codes[other])
            points[half] = _log_likelihood(scale * z[:, half], codes[half]).mean(axis=0)
        return points

    points = np.array(_parallel(at, len(mean)))
    return Bound(entropy + points.mean(axis=1), points.std(axis=1, ddof=1) / np.sqrt(len(codes)))


def _fitted_scale(z: np.ndarray, codes: np.ndarray) -> float:
    """The scale of greatest likelihood, >= 0: a concave problem in one number, by Newton's method within a bracket."""
    z = z - z.max(axis=2, keepdims=True)
    own = np.take_along_axis(z, np.broadcast_to(codes[None, :, None], (*z.shape[:2], 1)), axis=2)[:, :, 0]
    size = float(np.abs(z).mean()) or 1.0
    low, high, scale = 0.0, 1e6 / size, 1.0 / size
    for _ in range(_STEPS):
        weights = np.exp(log_softmax(scale * z, axis=2))
        expected = (weights * z).sum(axis=2)
        slope = float((own - expected).mean())
        bend = float(((weights * z**2).sum(axis=2) - expected**2).mean())
        low, high = (scale, high) if slope > 0 else (low, scale)
        step = scale + slope / bend if bend > 0 else np.inf
        # far from the top Newton's step overshoots: then by factors
        new = step if low < step < high and step < 4 * scale + 1 / size else min(4 * scale, 0.5 * (low + high))
        if abs(new - scale) <= 1e-6 * scale:
            break
        scale = new
    return scale


def _log_likelihood(logits: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """(draws, M)."""
    index = np.broadcast_to(codes[None, :, None], (*logits.shape[:2], 1))
    return np.take_along_axis(log_softmax(logits, axis=2), index, axis=2)[:, :, 0]


def output_divergence(mean: np.ndarray, variance: np.ndarray, prior: np.ndarray) -> np.ndarray:
    """(times, M) KL of each point's output to its law at the start; the mean over D bounds I(Z;D|X=x) from above.

    A point whose output is 0 for certain at the start, and so at all times, has 0.

    Args:
        mean: (times, M, O).
        variance: (times, M).
        prior: (M,) variance at the start.
    """
    fixed = prior == 0.0
    scale = np.where(fixed, 1.0, prior)
    excess = np.where(fixed, 0.0, variance / scale - 1.0)
    return 0.5 * mean.shape[2] * (excess - np.log1p(excess)) + 0.5 * (mean**2).sum(axis=2) / scale


def output_divergence_joint(mean: np.ndarray, covariance: np.ndarray, prior: Root) -> float:
    """KL of the outputs at all points together to their law at the start, summed over outputs; on the prior's range."""
    middle = prior.whiten(prior.whiten(covariance).T)
    try:
        log_det = 2.0 * np.log(np.diag(scipy.linalg.cholesky(middle, lower=True))).sum()
    except np.linalg.LinAlgError:  # outputs that are known to rounding; known for certain, they diverge infinitely
        with np.errstate(divide="ignore"):
            log_det = np.log(np.maximum(scipy.linalg.eigvalsh(middle), 0.0)).sum()
    spread = np.trace(middle) - prior.rank - log_det
    return float(0.5 * mean.shape[1] * spread + 0.5 * (prior.whiten(mean.T) ** 2).sum())


def _parallel(function: Callable[[int], Any], count: int) -> list[Any]:
    """The function of 0, 1, ..., in threads: NumPy's exponentials run at once."""
    threads = min(workers(), count)
    if threads <= 1:
        return [function(t) for t in range(count)]
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(function, range(count)))
