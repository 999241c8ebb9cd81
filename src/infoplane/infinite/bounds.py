"""Bounds on the generalisation gap that have been proposed, as functions of an information quantity.

All three are quoted from memory of the literature and have not been verified against their sources.
"""

from __future__ import annotations

import numpy as np


def sub_gaussian_gap(information: np.ndarray, n: int, sigma: float = 1.0) -> np.ndarray:
    """sqrt(2 sigma^2 I(Theta;D) / n) for a sigma-sub-Gaussian loss (unverified). The squared loss is unbounded.

    Args:
        information: I(Theta;D) in nats, or an upper bound of it.
        n: training points.
        sigma: of the loss.
    """
    return np.sqrt(2.0 * sigma**2 * np.asarray(information) / n)


def pac_bayes_gap(divergence: np.ndarray, n: int, delta: float = 0.05) -> np.ndarray:
    """sqrt((KL + ln(2 sqrt(n) / delta)) / (2 n)) for a loss in [0, 1], with probability 1 - delta (unverified).

    Args:
        divergence: KL of the parameters to their prior, in nats.
        n: training points.
        delta: chance of failure.
    """
    return np.sqrt((np.asarray(divergence) + np.log(2.0 * np.sqrt(n) / delta)) / (2.0 * n))


def input_compression_gap(information: np.ndarray, n: int, delta: float = 0.05) -> np.ndarray:
    """sqrt((2^I + ln(1 / delta)) / (2 n)) with I = I(X;Z) in bits (unverified).

    Args:
        information: I(X;Z) in nats; e to the nats is 2 to the bits.
        n: training points.
        delta: chance of failure.
    """
    with np.errstate(over="ignore"):
        return np.sqrt((np.exp(np.asarray(information)) + np.log(1.0 / delta)) / (2.0 * n))
