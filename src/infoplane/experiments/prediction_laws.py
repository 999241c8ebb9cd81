"""Labels whose law is known, and what can be made of p(y|x) from few of them: for ``dual-prediction``."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit, log_softmax, softmax

from ..bottleneck import ExponentialFamily, Joint
from ..data import cosines, rule_by_power_spectrum, twelve_bit

LABELS = 8
FLOOR = 0.01  # share of the uniform law in every law that may come near to zero
HALF = 0.5  # added to every count, for every method
RIDGE = 0.1  # precision of the normal prior of a fitted statistic
GAMMA = 0.1  # of the soft rule
CERTAIN = 1e6  # samples a pattern that stand for a known law in the fit of a family


@dataclass(frozen=True, eq=False)
class Law:
    """Patterns and the true law of their label.

    Attributes:
        rows: (m, n_y) p(y|x).
        features: (m, d) numbers known of every pattern; None where there are none.
        found: how many features are looked for in the counts; None where the labels leave no choice.
    """

    rows: np.ndarray
    features: np.ndarray | None
    found: int | None


@dataclass(frozen=True, eq=False)
class Estimated:
    """p(y|x) as it is known from samples.

    Attributes:
        training: (m, n_y) rows of the patterns that the encoder is learned from.
        held_out: (h, n_y) rows of the others.
        family: that of the training rows, where they are of one.
    """

    training: np.ndarray
    held_out: np.ndarray
    family: ExponentialFamily | None = None


def _family(random: np.random.Generator, m: int) -> Law:
    """Two normal features, normal statistics: an exponential family, its features known."""
    features = random.normal(size=(m, 2))
    return Law(softmax(-features @ random.normal(size=(2, LABELS)), axis=1), features, 2)


def _mixture(random: np.random.Generator, m: int) -> Law:
    """Mixtures of three laws, their weights known: two numbers for each pattern, and no exponential family of them."""
    parts = (1 - FLOOR) * random.dirichlet(np.full(LABELS, 0.3), 3) + FLOOR / LABELS
    weights = random.dirichlet(np.full(3, 0.5), m)
    return Law(weights @ parts, weights[:, :2], 2)


def _unrelated(random: np.random.Generator, m: int) -> Law:
    """Every law drawn for itself: no features to know."""
    return Law((1 - FLOOR) * random.dirichlet(np.full(LABELS, 0.5), m) + FLOOR / LABELS, None, 2)


def _twelve_bit(random: np.random.Generator, m: int) -> Law:
    """Patterns of the 12-bit task under its soft rule; their power spectrum, P_0 to P_3, is known."""
    x = twelve_bit().x[random.permutation(4096)[:m]].astype(np.float64)
    degrees = np.polynomial.legendre.legvander(cosines(), 3)
    spectrum = np.einsum("ni,ijl,nj->nl", x, degrees, x)
    spectrum = (spectrum - spectrum.mean(axis=0)) / spectrum.std(axis=0)
    one = expit(GAMMA * (rule_by_power_spectrum(x) - 119.5))
    return Law(np.column_stack([1 - one, one]), spectrum, None)


KINDS: dict[str, Callable[[np.random.Generator, int], Law]] = {
    "family": _family,
    "mixture": _mixture,
    "unrelated": _unrelated,
    "12-bit": _twelve_bit,
}


def counted(law: Law, n: float, random: np.random.Generator) -> np.ndarray:
    """(m, n_y) counts of n labels of every pattern; p(y|x) itself where n is infinite."""
    return law.rows if math.isinf(n) else random.multinomial(int(n), law.rows).astype(np.float64)


def smoothed(counts: np.ndarray, n: float) -> np.ndarray:
    """Frequencies after adding a half to every count; the known law where n is infinite."""
    if math.isinf(n):
        return counts
    return (counts + HALF) / (counts.sum(axis=-1, keepdims=True) + HALF * counts.shape[-1])


def estimates(law: Law, counts: np.ndarray, n: float, training: int) -> dict[str, Estimated]:
    """What p(y|x) is taken for, by where it comes from.

    Args:
        law: the patterns.
        counts: (m, n_y) labels seen of each of them.
        n: their number a pattern.
        training: the first so many patterns are for training. The labels of the others serve only to describe each
            of them on its own, and where features are given, not even that.

    Returns:
        "counts": smoothed frequencies; "features found": those, cut to a family with few features, by the singular
        value decomposition of their logarithms over the training patterns; "features given": the family of the
        known features, its statistics fitted to the training counts.
    """
    rows = smoothed(counts, n)
    found = {"counts": Estimated(rows[:training], rows[training:])}
    if law.found is not None:
        family = ExponentialFamily.of(Joint.from_conditional(rows[:training]), law.found)
        held_out = np.exp(family.log_p(features_in(family, rows[training:])))
        found["features found"] = Estimated(family.p_y_given_x, held_out, family)
    if law.features is not None:
        family = fitted(law.features[:training], counts[:training] * (CERTAIN if math.isinf(n) else 1.0))
        held_out = np.exp(family.log_p(with_constant(law.features[training:])))
        found["features given"] = Estimated(family.p_y_given_x, held_out, family)
    return found


def features_in(family: ExponentialFamily, rows: np.ndarray) -> np.ndarray:
    """(m, d) features of further rows in a family that ``ExponentialFamily.of`` found, by the same projection."""
    logs = np.log(rows)
    logs = logs - logs.mean(axis=1, keepdims=True)
    base, directions = family.statistics[0], family.statistics[1:]
    return np.column_stack([-np.ones(len(rows)), -(logs - base) @ directions.T])


def with_constant(features: np.ndarray) -> np.ndarray:
    """(m, 1 + d): the features and a one, which carries what all patterns share."""
    return np.column_stack([np.ones(len(features)), features])


def fitted(features: np.ndarray, counts: np.ndarray) -> ExponentialFamily:
    """The family of given features whose statistics make the counts most likely, under a weak normal prior."""
    known = with_constant(features)
    shape = (known.shape[1], counts.shape[1])
    scale = counts.sum()
    totals = counts.sum(axis=1, keepdims=True)

    def cost(flat: np.ndarray) -> tuple[float, np.ndarray]:
        statistics = flat.reshape(shape)
        logs = log_softmax(-known @ statistics, axis=1)
        value = -(counts * logs).sum() + RIDGE / 2 * (flat @ flat)
        slope = known.T @ (counts - totals * np.exp(logs)) + RIDGE * statistics
        return value / scale, slope.ravel() / scale

    found = minimize(cost, np.zeros(shape[0] * shape[1]), jac=True, method="L-BFGS-B", options=_CLOSE)
    return ExponentialFamily(known, found.x.reshape(shape))


_CLOSE = {"gtol": 1e-9, "ftol": 1e-15, "maxiter": 2000}
