"""How much information a compression can lose, where the variable carries known Gaussian noise.

Throughout T = S + sigma Z, Z standard normal in D dimensions and independent of the rest, S a function of X. Without
noise no bound exists: a small error of rebuilding may hide arbitrarily much information. All bounds grow without limit
as sigma -> 0. Derived here; proofs in the docstrings.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import InputError
from ..samples import is_real


@dataclass(frozen=True)
class LossBound:
    """Upper bounds of what a compression loses, in nats, tightest first.

    Attributes:
        steps: (name, nats) of each bound.
        vacuous: even the tightest is no less than the information it is compared with, so it excludes nothing.
    """

    steps: tuple[tuple[str, float], ...]
    vacuous: bool

    @property
    def value(self) -> float:
        """The tightest, in nats."""
        return self.steps[0][1]

    def as_details(self) -> dict[str, Any]:
        """The bounds as plain values."""
        return {**dict(self.steps), "vacuous": self.vacuous}

    def __str__(self) -> str:
        chain = " <= ".join(f"{value:.3g}" for _, value in self.steps)
        return f"at most {chain} nats{' (vacuous: no less than the value itself)' if self.vacuous else ''}"


def pca_loss_bound(
    eigenvalues: Any,
    dim: int,
    sigma: float,
    *,
    total: float | None = None,
    columns: int | None = None,
    against: float = math.inf,
) -> LossBound:
    """What keeping ``dim`` principal components of T loses of I(X;T).

    The loss is I(X; P'T | PT) with P' the other directions: at most the entropy of a normal law of their variance, less
    that of the noise, ``1/2 sum_{i>d} ln(1 + lambda_i / sigma^2)``; then Jensen, ``(D-d)/2 ln(1 + MSE / ((D-d)
    sigma^2))``; then ln(1+x) <= x, ``MSE / (2 sigma^2)``. The first is exact for normal S.

    Args:
        eigenvalues: of the covariance of S, any order; all of them, or the leading ones with ``total`` and ``columns``.
        dim: components kept.
        sigma: standard deviation of the noise.
        total: sum of all eigenvalues, those not given included.
        columns: how many there are.
        against: nats; a bound that is not below is marked vacuous.

    Returns:
        Three bounds: "spectrum", "jensen", "linear".

    Raises:
        InputError: sigma that is not positive, negative eigenvalues, fewer of them than ``dim``.
    """
    _positive("pca_loss_bound", sigma)
    values = np.sort(np.asarray(eigenvalues, np.float64).ravel())[::-1]
    if (values < 0).any() or not 0 <= dim <= len(values):
        raise InputError(f"pca_loss_bound needs at least {dim} eigenvalues of 0 or more, got {len(values)}.")
    columns = len(values) if columns is None else columns
    total = float(values.sum()) if total is None else total
    tail, unseen = values[dim:], max(total - float(values.sum()), 0.0)
    rest, mse = columns - dim, float(tail.sum()) + unseen
    spectrum = 0.5 * float(np.log1p(tail / sigma**2).sum()) + _jensen(unseen, columns - len(values), sigma)
    steps = (("spectrum", spectrum), ("jensen", _jensen(mse, rest, sigma)), ("linear", mse / (2.0 * sigma**2)))
    return LossBound(steps, spectrum >= against)


def autoencoder_loss_bound(
    error: float, columns: int, sigma: float, a: float = 0.5, *, against: float = math.inf
) -> LossBound:
    """What T knows beyond a rebuilt layer A(S) that carries a share of its noise.

    ``I(X;T) - I(X; A(S) + sqrt(a) sigma Z') <= D/2 ln(1 + E|S - A(S)|^2 / (D (1 - a) sigma^2))``: split the noise into
    independent parts of variance a and 1 - a, process, and bound the second part by maximum entropy.

    Args:
        error: E|S - A(S)|^2 of the layer before its noise, summed over columns, on held-out samples. The error of
            rebuilding T itself is not meant: about sigma^2 of it for every direction that A drops is noise.
        columns: D.
        sigma: standard deviation of the noise.
        a: share of the noise variance left with the rebuilt layer, strictly between 0 and 1.
        against: nats; a bound that is not below is marked vacuous.

    Returns:
        Two bounds: "entropy" and, by ln(1+x) <= x, "linear".

    Raises:
        InputError: sigma that is not positive, a outside (0, 1), or a negative error.
    """
    _positive("autoencoder_loss_bound", sigma)
    if not is_real(a) or not 0.0 < a < 1.0:
        raise InputError(f"autoencoder_loss_bound needs a strictly between 0 and 1, got {a!r}.")
    if not error >= 0.0 or columns < 1:
        raise InputError(f"autoencoder_loss_bound needs an error of 0 or more and columns, got {error!r}, {columns!r}.")
    noise = (1.0 - a) * sigma**2
    entropy = 0.5 * columns * math.log1p(error / (columns * noise))
    return LossBound((("entropy", entropy), ("linear", error / (2.0 * noise))), entropy >= against)


def label_loss_bound(cross_entropy: float, *, against: float = math.inf) -> LossBound:
    """What a code loses of I(T;Y) for labels Y: no more than the labels' uncertainty given the code.

    ``I(T;Y) - I(E(T);Y) <= H(Y | E(T)) <= CE`` of any probe that predicts the labels from the code, on held-out
    samples.

    Args:
        cross_entropy: held-out, nats.
        against: nats; a bound that is not below is marked vacuous.

    Raises:
        InputError: a negative cross entropy.
    """
    if not cross_entropy >= 0.0:
        raise InputError(f"label_loss_bound needs a cross entropy of 0 or more, got {cross_entropy!r}.")
    return LossBound((("cross_entropy", float(cross_entropy)),), cross_entropy >= against)


def _jensen(mse: float, rest: int, sigma: float) -> float:
    return 0.5 * rest * math.log1p(mse / (rest * sigma**2)) if rest > 0 else 0.0


def _positive(who: str, sigma: float) -> None:
    if not is_real(sigma) or not 0.0 < sigma < math.inf:
        raise InputError(f"{who} needs the noise's standard deviation sigma above 0, got {sigma!r}.")
