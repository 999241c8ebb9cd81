"""How well an ensemble predicts: losses with unit noise in nats, summed over outputs, and accuracy."""

from __future__ import annotations

import numpy as np

from .dynamics import Modes, Root, Spectrum

_HALF_LOG = 0.5 * np.log(2 * np.pi)
_LEARNED = 1e-12  # decay below which a mode adds nothing to a loss with unit noise


def gibbs(mean: np.ndarray, variance: np.ndarray, y: np.ndarray) -> np.ndarray:
    """(times, M) expected -ln N(y; z, 1) of one member of the ensemble, exact.

    Args:
        mean: (times, M, O).
        variance: (times, M), shared by the outputs.
        y: (M, O) targets.
    """
    outputs = y.shape[1]
    return 0.5 * ((y - mean) ** 2).sum(axis=2) + 0.5 * outputs * variance + outputs * _HALF_LOG


def gibbs_training(spectrum: Spectrum, modes: Modes) -> np.ndarray:
    """(times,) the same, mean over the training points."""
    expected = 0.5 * (modes.decay**2) @ spectrum.residual
    return expected / len(spectrum.values) + spectrum.outputs * _HALF_LOG


def bayes(mean: np.ndarray, variance: np.ndarray, y: np.ndarray) -> np.ndarray:
    """(times, M) -ln of the likelihood averaged over the ensemble, each point on its own; never above Gibbs."""
    wide = variance + 1.0
    return 0.5 * ((y - mean) ** 2).sum(axis=2) / wide + y.shape[1] * (0.5 * np.log(wide) + _HALF_LOG)


def bayes_joint(mean: np.ndarray, covariance: np.ndarray, y: np.ndarray) -> float:
    """-ln N(y; mean, covariance + 1) of all points together, per point: sum over outputs, divided by M."""
    root = Root.of(covariance + np.eye(len(covariance)))
    residual = root.whiten((y - mean).T)
    log_det = 2.0 * np.log(np.abs(np.diag(root.lower))).sum()
    outputs = y.shape[1]
    return float(0.5 * (residual**2).sum() + 0.5 * outputs * log_det) / len(y) + outputs * _HALF_LOG


def bayes_joint_training(spectrum: Spectrum, modes: Modes) -> np.ndarray:
    """(times,) the same at the training points, in the eigenbasis of T, where the residual is E y and Sigma E K E."""
    found = []
    for decay, learned in zip(modes.decay, modes.learned, strict=True):
        left = decay > _LEARNED  # what is learned has no residual and no variance; its numbers would underflow
        targets = spectrum.targets[left]
        covariance = decay[left, None] * spectrum.nngp[np.ix_(left, left)] * decay[left]
        part = bayes_joint(learned[left, None] * targets, covariance, targets) if left.any() else 0.0
        share = left.mean()
        found.append(share * part + (1 - share) * spectrum.outputs * _HALF_LOG)
    return np.array(found)


def accuracy(mean: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """(times,) share of points whose class has the largest mean output."""
    return (mean.argmax(axis=2) == codes).mean(axis=1)
