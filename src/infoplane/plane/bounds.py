"""What theory says a layer can be: its fitted trade-off, and two bounds with the conditions they need."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import brentq
from scipy.special import entr, xlogy

from ..errors import InputError

BETAS = (0.8, 300.0)  # the grid's ends in the published loader of layer betas


@dataclass(frozen=True)
class LayerBeta:
    """A layer's fitted trade-off.

    Attributes:
        beta: multiplier of I(T;Y) at which the layer is closest to a bottleneck encoder; nan where degenerate.
        residual: that distance, mean KL divergence in nats.
        degenerate: True where every label is certain: then all beta > 1 fit alike; or where no code tells anything of
            the label: then all beta do.
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
        LayerBeta; never read its beta without its residual, which is I(X;T) at beta = 0.
    """
    if not ((p_y_given_x > 1e-12) & (p_y_given_x < 1 - 1e-12)).any():
        return LayerBeta(math.nan, math.nan, degenerate=True, at_edge=False)
    return _fitted(_of_codes(codes, p_y_given_x))


def beta_residuals(codes: np.ndarray, p_y_given_x: np.ndarray, betas: Any) -> np.ndarray:
    """The residual of :func:`layer_beta` at given betas, for certain labels too.

    Args:
        codes: (n,) the layer's code of every input, inputs equally likely.
        p_y_given_x: (n, classes) law of the label.
        betas: (m,) positive numbers.

    Returns:
        (m,) mean KL divergence in nats from the layer's p(t|x) to p_beta(t|x).
    """
    residual = _of_codes(codes, p_y_given_x)
    return np.array([residual(float(beta))[0] for beta in np.asarray(betas).ravel()])


def encoder_beta(p_x: np.ndarray, encoder: np.ndarray, p_y_given_x: np.ndarray) -> LayerBeta:
    """The same fit for any encoder p(t|x).

    Args:
        p_x: (n,) input probabilities.
        encoder: (n, clusters) p(t|x).
        p_y_given_x: (n, classes).
    """
    p_t = p_x @ encoder
    encoder, p_t = encoder[:, p_t > 0], p_t[p_t > 0]
    laws, alike = np.unique(p_y_given_x, axis=0, return_inverse=True)
    weights = np.zeros((len(laws), len(p_t)))
    np.add.at(weights, alike.ravel(), p_x[:, None] * encoder)
    return _fitted(_Residual(weights, laws, float(p_x @ xlogy(encoder, encoder / p_t).sum(axis=1))))


def _of_codes(codes: np.ndarray, p_y_given_x: np.ndarray) -> _Residual:
    _, t = np.unique(codes, return_inverse=True)
    laws, alike = np.unique(p_y_given_x, axis=0, return_inverse=True)
    weights = np.zeros((len(laws), t.max() + 1))
    np.add.at(weights, (alike.ravel(), t.ravel()), 1 / len(codes))
    return _Residual(weights, laws, float(entr(weights.sum(axis=0)).sum()))


class _Residual:
    """I(X;T) + beta E[KL] + E[ln Z], the mean divergence of an encoder from the bottleneck's of one beta.

    Args:
        weights: (m, k) probability of an input with this law and this code.
        laws: (m, classes) the distinct p(y|x): what the divergence depends on x by.
        mi_input: I(X;T) in nats.
    """

    def __init__(self, weights: np.ndarray, laws: np.ndarray, mi_input: float) -> None:
        self.p_law, p_t, self.mi_input = weights.sum(axis=1), weights.sum(axis=0), mi_input
        p_y_t = weights.T @ laws / p_t[:, None]
        with np.errstate(divide="ignore", invalid="ignore"):
            cross = -np.where(laws[:, None, :] > 0, laws[:, None, :] * np.log(p_y_t), 0.0).sum(-1)
        divergence = cross + xlogy(laws, laws).sum(axis=1)[:, None]
        # A code that excludes a label x can have is infinitely far from x, and gets no weight at any beta.
        self.own = float(np.multiply(weights, divergence, out=np.zeros_like(weights), where=weights > 0).sum())
        # In the sum over codes those with one p(y|t) are one.
        _, first, alike = np.unique(p_y_t, axis=0, return_index=True, return_inverse=True)
        self.log_p, self.far = np.log(np.bincount(alike.ravel(), p_t)), divergence[:, first]
        self.finite = np.where(np.isfinite(self.far), self.far, 0.0)

    def __call__(self, beta: float) -> tuple[float, float]:
        """The residual, which is convex in beta, and its slope."""
        exponent = self.log_p - beta * self.far
        top = exponent.max(axis=1, keepdims=True)
        share = np.exp(exponent - top)
        total = share.sum(axis=1)
        log_z = top[:, 0] + np.log(total)
        mean = (share * self.finite).sum(axis=1) / total
        value = self.mi_input + beta * self.own + float(self.p_law @ log_z)
        return max(value, 0.0), self.own - float(self.p_law @ mean)


def _fitted(residual: _Residual) -> LayerBeta:
    low, high = BETAS
    if len(residual.log_p) == 1:  # one law for all codes: every beta fits alike
        return LayerBeta(math.nan, residual(low)[0], degenerate=True, at_edge=False)
    for end, beyond in ((low, residual(low)[1] >= 0), (high, residual(high)[1] <= 0)):
        if beyond:
            return LayerBeta(end, residual(end)[0], degenerate=False, at_edge=True)
    best: Any = brentq(lambda beta: residual(beta)[1], low, high, xtol=1e-12, rtol=1e-13)  # type: ignore[arg-type]
    return LayerBeta(best, residual(best)[0], degenerate=False, at_edge=False)


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
