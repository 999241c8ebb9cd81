"""Neural bounds on mutual information: InfoNCE, NWJ, MINE and SMILE, held out by default.

Each is one expression in a critic's scores f(x, y) on true pairs and on pairs that do not belong together. Critics,
folds, training and evaluation are shared (``critics``, ``training``, ``variational``). Any high-confidence,
distribution-free lower bound from n samples is at most of order ln n (arXiv:1811.04251), which every note repeats with
its number.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from ..errors import InputError
from ..estimate import Direction
from ..samples import is_real
from .critics import Scores
from .variational import NeuralBound, Statistics

_FORGET = 0.01  # weight of a new batch in MINE's moving average
_TINY = 1e-6


@dataclass(frozen=True)
class InfoNCE(NeuralBound):
    """Contrastive lower bound: how well a critic picks the true partner of a sample among others.

    I >= E[f(x, y) - ln mean e^f(x, y')] + ..., precisely the mean over x of ln(K + 1) + f(x_i, y_i) -
    ln sum_j e^f(x_i, y_j) with j over the true partner and K others, averaged with the same over y. It holds for any
    critic, in expectation, for every K, and cannot exceed ln(K + 1): K is the size of an evaluated group less one, at
    most 1,023 (with ``Concatenated`` eight times its ``negatives``). Below that ceiling it has the smallest variance of
    the four.

    Cost: two small networks and one (batch, batch) product an update. Held-out values are low by about p / 2n nats for
    the p parameters that matter. Source: arXiv:1807.03748; ceiling and variance: arXiv:1905.06922.

    Attributes: as :class:`~infoplane.estimators.variational.NeuralBound` has them.
    """

    def terms(self, s: Statistics, others: int) -> Any:
        share = math.log(others)
        both = jnp.logaddexp if isinstance(s.paired, jax.Array) else np.logaddexp
        found = both(s.paired, s.rows + share) + both(s.paired, s.columns + share)
        return s.paired - 0.5 * found + math.log(others + 1)

    def influence(self, s: Statistics, others: int) -> np.ndarray:
        return self.terms(s, others)

    def ceiling(self, evaluated: int, others: int) -> tuple[float, str]:
        highest = math.log(others + 1)
        return (
            highest,
            f"InfoNCE cannot exceed ln {others + 1} = {highest:.2f} nats: it picks among so many candidates.",
        )


@dataclass(frozen=True)
class NWJ(NeuralBound):
    """Lower bound I >= E[f] + 1 - E'[e^f], E over true pairs and E' over wrong ones, unbiased for a given critic.

    It needs no logarithm of a mean and so is a bound in expectation on finite samples, at the price of a variance that
    grows like e^I / m for m evaluated samples. The scores are cut at 2 ln m - 4, a choice of critic like any other,
    which keeps single wrong pairs from deciding the value; heavy tails still make it the noisiest of the four.

    Cost: as :class:`InfoNCE`. Source: Nguyen, Wainwright, Jordan, arXiv:0809.0853; arXiv:1905.06922.

    Attributes: as :class:`~infoplane.estimators.variational.NeuralBound` has them.
    """

    def terms(self, s: Statistics, others: int) -> Any:
        exp = jnp.exp if isinstance(s.paired, jax.Array) else np.exp
        return s.paired + 1.0 - 0.5 * (exp(s.rows) + exp(s.columns))

    def influence(self, s: Statistics, others: int) -> np.ndarray:
        return s.paired - np.exp(s.rows) - np.exp(s.columns)

    def ceiling(self, evaluated: int, others: int) -> tuple[float, str]:
        return _logarithm("NWJ", evaluated)


@dataclass(frozen=True)
class MINE(NeuralBound):
    """Donsker-Varadhan lower bound I >= E[f] - ln E'[e^f], E over true pairs and E' over wrong ones.

    Training follows the gradient with the mean of e^f replaced by its moving average over batches, which removes most
    of the bias of a small batch. The bound holds for the exact mean; the logarithm of the mean over m samples makes it
    high by about v / 2m, v the variance of e^f relative to its squared mean, which is of order e^I. The scores are cut
    at 2 ln m - 4. ``held_out=False`` is the authors' protocol, which reads its own training pairs: its value bounds
    nothing and is high at any n (1.18 was read at a true 0.1 by a published run on images).

    Cost: as :class:`InfoNCE`. Source: arXiv:1801.04062, equations 5 and 12; limits: arXiv:1811.04251.

    Attributes: as :class:`~infoplane.estimators.variational.NeuralBound` has them.
    """

    def terms(self, s: Statistics, others: int) -> Any:
        return s.paired - _log_mean(s.rows)

    def influence(self, s: Statistics, others: int) -> np.ndarray:
        mean = _log_mean(s.rows)
        return s.paired - np.exp(s.rows - mean) - np.exp(s.columns - mean)

    def loss(self, scores: Scores, memory: jax.Array) -> tuple[jax.Array, jax.Array]:
        odds = scores.wrong_mean(jnp.exp)
        now = jax.lax.stop_gradient(odds)
        average = jnp.where(memory == 0.0, now, (1.0 - _FORGET) * memory + _FORGET * now)
        return odds / (average + _TINY) - scores.paired.mean(), average

    def ceiling(self, evaluated: int, others: int) -> tuple[float, str]:
        return _logarithm("MINE", evaluated)


@dataclass(frozen=True)
class SMILE(NeuralBound):
    """Smoothed estimate E[f] - ln E'[clip(e^f, e^-clip, e^clip)], E over true pairs and E' over wrong ones.

    The critic is trained as a classifier of true against wrong pairs (the Jensen-Shannon objective), whose optimum is
    the log-ratio itself; clipping bounds the variance of the second term, at the price of a bias of either sign: an
    estimate, no bound. With a large ``clip`` it is the Donsker-Varadhan value of that critic.

    Cost: as :class:`InfoNCE`. Source: arXiv:1910.06222.

    Attributes:
        clip: largest and, with a minus, smallest score of a wrong pair; the others are those of
            :class:`~infoplane.estimators.variational.NeuralBound`.
    """

    direction: ClassVar[Direction] = "estimate"
    clip: float = 5.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if not (is_real(self.clip) and 0.0 < self.clip < math.inf):
            raise InputError(f"SMILE needs a positive clip such as 5.0, got {self.clip!r}.")

    def statistics(self, scores: Scores) -> Statistics:
        return super().statistics(scores._replace(table=jnp.clip(scores.table, -self.clip, self.clip)))

    def terms(self, s: Statistics, others: int) -> Any:
        return s.paired - _log_mean(s.rows)

    def influence(self, s: Statistics, others: int) -> np.ndarray:
        mean = _log_mean(s.rows)
        return s.paired - np.exp(s.rows - mean) - np.exp(s.columns - mean)

    def loss(self, scores: Scores, memory: jax.Array) -> tuple[jax.Array, jax.Array]:
        return jax.nn.softplus(-scores.paired).mean() + scores.wrong_mean(jax.nn.softplus), memory

    def merit(self, scores: Scores) -> jax.Array:
        return -self.loss(scores, jnp.zeros(()))[0]  # not the value, whose bias would be chosen to be high

    def ceiling(self, evaluated: int, others: int) -> tuple[float, str]:
        return _logarithm("SMILE", evaluated)


def _logarithm(who: str, evaluated: int) -> tuple[float, str]:
    highest = math.log(evaluated)
    return highest, (
        f"{who} averages e^f over wrong pairs, a mean whose variance grows like e^I: "
        f"{evaluated} samples support about ln {evaluated} = {highest:.2f} nats at most."
    )


def _log_mean(logs: Any) -> Any:
    """ln of the mean of e^logs."""
    if isinstance(logs, jax.Array):
        return jax.nn.logsumexp(logs) - math.log(logs.size)
    return np.logaddexp.reduce(logs) - math.log(logs.size)
