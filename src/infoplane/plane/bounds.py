"""What theory says a layer can be: its fitted trade-off, and two bounds with the conditions they need."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import xlogy

from ..errors import InputError

_BETAS = (0.8, 300.0)  # the grid's ends in the published loader of layer betas


@dataclass(frozen=True)
class LayerBeta:
    """A layer's fitted trade-off.

    Attributes:
        beta: multiplier of I(T;Y) at which the layer is closest to a bottleneck encoder; nan where degenerate.
        residual: that distance, mean KL divergence in nats.
        degenerate: True where every label is certain: then all beta > 1 fit alike.
        at_edge: True where the best beta is an end of the searched range, so it only says "at least" or "at most".
    """

    beta: float
    residual: float
    degenerate: bool
    at_edge: bool


def layer_beta(codes: np.ndarray, p_y_given_x: np.ndarray) -> LayerBeta:
    """Fit the bottleneck's beta to a layer whose codes are a function of the input.

    Minimises E_x[-ln p_beta(T(x)|x)], convex in beta, where p_beta(t|x) is proportional to
    p(t) exp(-beta KL[p(y|x) || p(y|t)]) and p(t), p(y|t) are the layer's own (arXiv:1703.00810 describes the fit; the
    formula is derived from the bottleneck's self-consistent equations).

    Args:
        codes: (n,) the layer's code of every input, inputs equally likely.
        p_y_given_x: (n, classes) law of the label.

    Returns:
        LayerBeta; never read its beta without its residual.
    """
    if not ((p_y_given_x > 1e-12) & (p_y_given_x < 1 - 1e-12)).any():
        return LayerBeta(math.nan, math.nan, degenerate=True, at_edge=False)
    _, t = np.unique(codes, return_inverse=True)
    encoder = np.zeros((len(codes), t.max() + 1))
    encoder[np.arange(len(codes)), t] = 1.0
    return encoder_beta(np.full(len(codes), 1 / len(codes)), encoder, p_y_given_x)


def encoder_beta(p_x: np.ndarray, encoder: np.ndarray, p_y_given_x: np.ndarray) -> LayerBeta:
    """The same fit for any encoder p(t|x).

    Args:
        p_x: (n,) input probabilities.
        encoder: (n, clusters) p(t|x).
        p_y_given_x: (n, classes).
    """
    p_t = p_x @ encoder
    encoder, p_t = encoder[:, p_t > 0], p_t[p_t > 0]
    p_y_t = (encoder * p_x[:, None]).T @ p_y_given_x / p_t[:, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        cross = -np.where(p_y_given_x[:, None, :] > 0, p_y_given_x[:, None, :] * np.log(p_y_t), 0.0).sum(-1)
    divergence = cross + xlogy(p_y_given_x, p_y_given_x).sum(axis=1)[:, None]
    # A code that excludes a label x can have is infinitely far from x, and gets no weight at any beta.
    own = np.multiply(encoder, divergence, out=np.zeros_like(encoder), where=encoder > 0).sum(axis=1)
    constant = float(p_x @ xlogy(encoder, encoder / p_t).sum(axis=1))

    def residual(log_beta: float) -> float:
        beta = math.exp(log_beta)
        exponent = np.log(p_t) - beta * divergence
        top = exponent.max(axis=1, keepdims=True)
        log_z = top[:, 0] + np.log(np.exp(exponent - top).sum(axis=1))
        return constant + float(p_x @ (beta * own + log_z))

    ends = (math.log(_BETAS[0]), math.log(_BETAS[1]))
    found: Any = minimize_scalar(residual, bounds=ends, method="bounded", options={"xatol": 1e-10})
    best = min((found.x, *ends), key=residual)
    return LayerBeta(
        math.exp(best),
        max(residual(best), 0.0),
        False,
        at_edge=best in ends or min(best - ends[0], ends[1] - best) < 1e-6,
    )


@dataclass(frozen=True)
class InputCompressionBound:
    """A generalisation bound in terms of I(X;T), with what has to hold for it.

    Attributes:
        value: upper limit of the gap between training and test error.
        verdict: "informative", "worse than chance" (>= 1/2) or "vacuous" (>= 1).
        is_bound: False where I(X;T) came from binning or noise of the analysis: then it is only a number of that shape.
        conditions: what it assumes.
    """

    value: float
    verdict: str
    is_bound: bool
    conditions: tuple[str, ...]


def input_compression_bound(
    mi_input: float, n_train: int, delta: float | None = 0.05, *, genuine_partition: bool = False
) -> InputCompressionBound:
    """sqrt((e^I + ln(1/delta)) / 2 n_train), from a count of e^I typical cells in place of hypotheses.

    One bit of I(X;T) costs a factor of two in samples. Derived from the finite-class bound by the asymptotic
    equipartition argument of Shwartz-Ziv, Painsky & Tishby (2018); the constant in the delta term is unverified.

    Args:
        mi_input: I(X;T) in nats; use an upper bound on it.
        n_train: training samples.
        delta: failure probability; None leaves its term out.
        genuine_partition: True if T is a partition of the inputs, not a binned or noisy stand-in for a layer.

    Raises:
        InputError: n_train not positive or delta outside (0, 1).
    """
    if n_train < 1 or (delta is not None and not 0 < delta < 1):
        raise InputError(f"input_compression_bound needs n_train >= 1 and delta in (0, 1), got {n_train} and {delta}.")
    value = math.sqrt((math.exp(min(mi_input, 700.0)) - (0.0 if delta is None else math.log(delta))) / (2 * n_train))
    verdict = "vacuous" if value >= 1 else "worse than chance" if value >= 0.5 else "informative"
    conditions = (
        "X is typical in the large-dimension sense (asymptotic equipartition).",
        "T was fixed independently of the training sample: this fails for learned layers, for which no bound of this "
        "kind exists (Hafez-Kolahi et al. 2019).",
        "I(X;T) is that of a genuine partition of the inputs, not of a binned or noisy stand-in.",
    )
    return InputCompressionBound(value, verdict, genuine_partition, conditions)


def gaussian_channel_bound(widths: np.ndarray, signal_to_noise: np.ndarray) -> np.ndarray:
    """min over j <= k of (d_j / 2) ln(1 + SNR_j): a limit on I(X; T_k) if every layer is a Gaussian channel.

    Assumes pre-activations jointly normal for typical inputs, and weights that are a fixed part plus independent
    normal noise of gradient descent, SNR their power ratio. Unverified as a statement of any paper; a reading aid.

    Args:
        widths: (layer,) units, input side first.
        signal_to_noise: (..., layer) ratios.

    Returns:
        (..., layer) nats.
    """
    return np.minimum.accumulate(0.5 * np.asarray(widths) * np.log1p(np.asarray(signal_to_noise)), axis=-1)
